"""The server extension: what the panel in JupyterLab asks, on its way to the service.

It runs in each person's own server, as that person, where there is no database and no snapshot. It
knows the service's address from ``JUPYTERHUB_SNAPSHOTS_URL`` and the person's token from the hub;
what a person may see or do is for the service to say. What it does itself happens among the
person's own files: copying a snapshot into them, and comparing them with one.
"""

from __future__ import annotations

import os
import re

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from .handlers import NAME, CompareHandler, CopyHandler, PassHandler, StatusHandler
from .link import ServiceLink

_ROUTES = {
    "status": StatusHandler,
    "copy": CopyHandler,
    "compare": CompareHandler,
    "api/v1(?:/.*)?": PassHandler,
}


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Called by Jupyter Server."""
    link = ServiceLink(
        os.environ.get("JUPYTERHUB_SNAPSHOTS_URL", ""), os.environ.get("JUPYTERHUB_API_TOKEN", "")
    )
    serverapp.web_app.settings[NAME] = link
    base = re.escape(url_path_join(serverapp.base_url, NAME, "/"))
    serverapp.web_app.add_handlers(
        ".*$", [(base + route, handler) for route, handler in _ROUTES.items()]
    )
    serverapp.log.info(
        "Snapshots are asked for at %s", link.url or "no address: JUPYTERHUB_SNAPSHOTS_URL is empty"
    )
