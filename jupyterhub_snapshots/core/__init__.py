"""The rules: records, names, access, manifests. Standard library only, no I/O."""
