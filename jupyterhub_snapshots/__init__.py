"""Snapshots of students' homes, for courses on JupyterHub."""

from ._version import __version__

__all__ = ["__version__"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where `jupyter labextension develop` finds the panel that was built."""
    return [{"src": "labextension", "dest": "jupyterhub-snapshots"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Where Jupyter Server finds what the panel talks to."""
    return [{"module": "jupyterhub_snapshots.server_extension"}]
