"""The server extension: what the panel in JupyterLab asks, on its way to the service.

It runs in each person's own server, as that person, where there is no database and no snapshot. It
knows the service's address from ``JUPYTERHUB_SNAPSHOTS_URL`` and the person's token from the hub;
what a person may see or do is for the service to say. What it does itself happens among the
person's own files: copying a snapshot into them, and comparing them with one.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Called by Jupyter Server."""
    # Imported here: the process that compares notebooks imports this package, and would wait for
    # more than a second for what it does not need.
    from jupyter_server.utils import url_path_join

    from .handlers import NAME, ROUTES
    from .link import ServiceLink

    # Nobody closes it: Jupyter Server tells only extensions that are applications of their own when
    # it stops. Its connections end with its process.
    link = ServiceLink(
        os.environ.get("JUPYTERHUB_SNAPSHOTS_URL", ""), os.environ.get("JUPYTERHUB_API_TOKEN", "")
    )
    serverapp.web_app.settings[NAME] = link
    base = re.escape(url_path_join(serverapp.base_url, NAME, "/"))
    serverapp.web_app.add_handlers(
        ".*$", [(base + route, handler) for route, handler in ROUTES.items()]
    )
    serverapp.log.info(
        "Snapshots are asked for at %s", link.url or "no address: JUPYTERHUB_SNAPSHOTS_URL is empty"
    )
