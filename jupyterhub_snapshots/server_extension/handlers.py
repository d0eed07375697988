"""The extension's routes: the handshake, the way to the service, copying and comparing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import httpx
from tornado import web
from tornado.iostream import StreamClosedError

from .._version import __version__
from ..errors import InvalidRequest, TooLarge
from .base import NAME, ExtensionHandler
from .compare import compare
from .copy import copy
from .failures import ServiceDown
from .link import redirected
from .places import OwnFiles, side_of, snapshot_of

__all__ = ["NAME", "CompareHandler", "CopyHandler", "PassHandler", "StatusHandler"]

_QUEUED_PIECES = 8
#: Larger bodies are refused here: the service breaks off in the midst of them, unread.
_MAX_UPLOAD_BYTES = 32 * 2**20
#: Headers of one connection, not of the answer, and those that this server sets itself.
_KEPT_BACK = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "server",
        "date",
        "set-cookie",
    }
)
_PASSED_UP = (
    "Content-Type",
    "Content-Length",
    "Range",
    "If-Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "Last-Event-ID",
)


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


class CopyHandler(ExtensionHandler):
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


class CompareHandler(ExtensionHandler):
    """POST jupyterhub-snapshots/compare: two files, of snapshots or the person's own."""

    async def post(self) -> None:
        """See the class."""
        body = self.json_body()
        files = OwnFiles.of(self.contents_manager)
        sides = [side_of(body.get(name), files) for name in ("base", "other")]
        self.reply(await compare(self.link, *sides))


class _Upload:
    """A request's body on its way up: bounded, and dropped when nobody takes it any more."""

    def __init__(self) -> None:
        self.received = asyncio.Event()
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUED_PIECES)
        self._dropped = False

    async def put(self, piece: bytes | None) -> None:
        """Waits until there is room; None is the end."""
        if piece is None:
            self.received.set()
        if not self._dropped:
            await self._pieces.put(piece)

    def drop(self) -> None:
        """What waits and what still comes is not wanted."""
        self._dropped = True
        while not self._pieces.empty():
            self._pieces.get_nowait()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, to its end."""
        while (piece := await self._pieces.get()) is not None:
            yield piece


@web.stream_request_body
class PassHandler(ExtensionHandler):
    """Any method of jupyterhub-snapshots/api/v1/…: passed to the service and back.

    Both bodies go through piece by piece, as fast as the other side takes them. When the browser
    goes away, so does the request to the service.
    """

    _exchange: asyncio.Task[None] | None = None
    _upload: _Upload

    async def prepare(self) -> None:  # type: ignore[override]
        """Begins the request to the service, before the body is here."""
        await super().prepare()
        if self._finished:
            return
        self._upload = _Upload()
        self._exchange = asyncio.create_task(self._pass())
        # Looked at here, because nobody asks for the result once the browser has gone.
        self._exchange.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def data_received(self, chunk: bytes) -> None:
        """Called by Tornado with each piece of the body."""
        if self._exchange is not None:
            await self._upload.put(chunk)

    def on_connection_close(self) -> None:
        """Called by Tornado when the browser has gone."""
        if self._exchange is not None:
            self._exchange.cancel()
        super().on_connection_close()

    async def _answer_all(self) -> None:
        """Called by Tornado once the whole body is here."""
        assert self._exchange is not None
        await self._upload.put(None)
        await asyncio.wait({self._exchange})
        if not self._exchange.cancelled():
            self._exchange.result()

    get = head = options = post = put = patch = delete = _answer_all

    async def _pass(self) -> None:
        headers = self.request.headers
        length = int(headers.get("Content-Length", "0"))
        has_body = length > 0 or "Transfer-Encoding" in headers
        try:
            if length > _MAX_UPLOAD_BYTES:
                raise TooLarge(f"Send at most {_MAX_UPLOAD_BYTES // 2**20} MB at once.")
            async with self.link.stream(
                self.request.method or "",
                self._address(),
                headers={name: headers[name] for name in _PASSED_UP if name in headers},
                content=self._upload.pieces() if has_body else None,
            ) as response:
                # An early answer, to what is too large for example, waits for the rest: an answer
                # before the end of a request breaks the connection.
                self._upload.drop()
                await self._upload.received.wait()
                await self._send(response)
        except StreamClosedError:
            return  # the browser has gone
        finally:
            self._upload.drop()

    def _address(self) -> str:
        """What follows ``api/v1/``, as it was sent, with its query."""
        before = self.base_url.count("/") + f"{NAME}/api/v1".count("/")
        path = self.request.path.split("/", before + 1)[before + 1 :]
        return "".join(path) + (f"?{self.request.query}" if self.request.query else "")

    async def _send(self, response: httpx.Response) -> None:
        if response.has_redirect_location:
            raise redirected()
        self.set_status(response.status_code, response.reason_phrase or None)
        self.clear_header("Content-Type")
        for name in response.headers:
            if name.lower() not in _KEPT_BACK:
                self.clear_header(name)
                for value in response.headers.get_list(name):
                    self.add_header(name, value)
        await self.flush()
        async for piece in response.aiter_raw():
            self.write(piece)
            await self.flush()
        self.finish()


def _generation(version: object) -> list[str]:
    """What two versions must have in common to understand each other."""
    return str(version).split(".")[:2]
