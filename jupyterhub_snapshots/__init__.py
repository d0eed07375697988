"""Snapshots of students' homes, for courses on JupyterHub."""

from ._version import __version__

__all__ = ["__version__"]
