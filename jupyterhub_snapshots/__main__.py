"""``python -m jupyterhub_snapshots`` is the command ``jupyterhub-snapshots``."""

from .app import main

if __name__ == "__main__":
    main()
