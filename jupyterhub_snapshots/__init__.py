"""Snapshots of students' homes at each student's own deadline, for courses on JupyterHub."""

from ._version import __version__

__all__ = ["__version__"]
