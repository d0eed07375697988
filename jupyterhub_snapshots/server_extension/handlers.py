"""The extension's routes: the handshake, copying and comparing, and the way to the service."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from .._version import __version__
from ..errors import InvalidRequest
from .base import NAME, ExtensionHandler, JsonHandler
from .compare import compare
from .copy import copy
from .failures import ServiceDown
from .passing import PassHandler
from .places import OwnFiles, side_of, snapshot_of

__all__ = ["NAME", "ROUTES"]


class StatusHandler(ExtensionHandler):
    """GET jupyterhub-snapshots/status: whether the panel can work, asked once at its start."""

    async def get(self) -> None:
        """See the class."""
        answer = {"version": __version__, "serviceVersion": None, "ident": None, "message": ""}
        self.reply(answer | await self._look())

    async def _look(self) -> dict[str, Any]:
        if not self.link.configured:
            return {
                "state": "not_configured",
                "message": "The snapshots service is not set up for this server. The administrator "
                "of the hub must set JUPYTERHUB_SNAPSHOTS_URL in c.Spawner.environment.",
            }
        try:
            async with self.link.stream("GET", "") as response:
                status = response.status_code
                body = json.loads(await response.aread())
        except (ServiceDown, ValueError):
            body, status = None, HTTPStatus.BAD_GATEWAY
        if status == HTTPStatus.UNAUTHORIZED:
            return {
                "state": "refused",
                "message": "The snapshots service does not accept this server's token. Stop your "
                "server in the hub's control panel and start it again. If that does not help, tell "
                "the administrator of the hub: servers need the scope "
                "access:services!service=snapshots.",
            }
        if status == HTTPStatus.FORBIDDEN and isinstance(body, dict):
            return {"state": "refused", "message": str(body.get("message") or "Access refused.")}
        if status != HTTPStatus.OK or not isinstance(body, dict):
            return {
                "state": "down",
                "message": "The snapshots service does not answer. Try again in a moment, or tell "
                "the administrator of the hub.",
            }
        found = body.get("serviceVersion")
        answer = {"state": "ok", "serviceVersion": found, "ident": body.get("ident")}
        if _generation(found) != _generation(__version__):
            answer |= {
                "state": "other_version",
                "message": f"The snapshots service has version {found or 'of an older kind'}, this "
                f"server's extension {__version__}. Restart your server; if that does not help, "
                "tell the administrator of the hub.",
            }
        return answer


class CopyHandler(JsonHandler):
    """POST jupyterhub-snapshots/copy: from a snapshot into the person's own files.

    `target` is below what JupyterLab shows, or with ``"below": "home"`` below the home, as paths of
    snapshots are. The answer has `path` below the same, and `shownAs`, what JupyterLab calls it.
    """

    async def post(self) -> None:
        """See the class."""
        body = self.json_body()
        existing = body.get("existing", "ask")
        if existing not in ("ask", "keep_old"):
            raise InvalidRequest("'existing' must be 'ask' or 'keep_old'.")
        below = body.get("below", "files")
        if below not in ("files", "home"):
            raise InvalidRequest("'below' must be 'files' or 'home'.")
        shown = OwnFiles.of(self.contents_manager)
        files = OwnFiles.home() if below == "home" else shown
        target = files.parts(body.get("target"))
        source = snapshot_of(body.get("source"))
        copied = await copy(self.link, source, files, target, keep_old=existing == "keep_old")
        answer = {
            "path": copied.path,
            "shownAs": shown.shown(files, copied.path),
            "keptAs": copied.kept_as,
            "leftOut": copied.left_out,
        }
        self.reply(answer, HTTPStatus.CREATED)


class CompareHandler(JsonHandler):
    """POST jupyterhub-snapshots/compare: two files, of snapshots or the person's own."""

    _comparing: asyncio.Task[str | bytes] | None = None

    def on_connection_close(self) -> None:
        """Called by Tornado when the browser has gone: nobody waits for the difference."""
        if self._comparing is not None:
            self._comparing.cancel()
        super().on_connection_close()

    async def post(self) -> None:
        """See the class."""
        body = self.json_body()
        files = OwnFiles.of(self.contents_manager)
        sides = [side_of(body.get(name), files) for name in ("base", "other")]
        self._comparing = asyncio.create_task(compare(self.link, *sides))
        await asyncio.wait({self._comparing})
        if not self._comparing.cancelled():
            self.reply_text(self._comparing.result())


def _generation(version: object) -> list[str]:
    """What two versions must have in common to understand each other."""
    return str(version).split(".")[:2]


ROUTES = {
    "status": StatusHandler,
    "copy": CopyHandler,
    "compare": CompareHandler,
    "api/v1(?:/.*)?": PassHandler,
}
