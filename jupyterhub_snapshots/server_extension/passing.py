"""The way to the service and back: any method, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
from tornado import web
from tornado.iostream import StreamClosedError

from ..errors import TooLarge
from .base import NAME, ExtensionHandler
from .link import check_answer

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
#: For an answer that says nothing itself: it must not do anything as a page of this server.
_NOTHING_RUNS = "sandbox; default-src 'none'"
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


class _Upload:
    """A request's body on its way up: bounded, and dropped when nobody takes it any more."""

    def __init__(self) -> None:
        self._bytes = 0
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
        """The body, to its end. Raises TooLarge."""
        while (piece := await self._pieces.get()) is not None:
            self._bytes += len(piece)
            if self._bytes > _MAX_UPLOAD_BYTES:
                raise _too_large()
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
        try:
            length = int(headers.get("Content-Length", "0"))
            has_body = length > 0 or "Transfer-Encoding" in headers
            if length > _MAX_UPLOAD_BYTES:
                raise _too_large()
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
        check_answer(response)
        self.set_status(response.status_code, response.reason_phrase or None)
        self.clear_header("Content-Type")
        self.set_header("Content-Security-Policy", _NOTHING_RUNS)
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


def _too_large() -> TooLarge:
    return TooLarge(f"Send at most {_MAX_UPLOAD_BYTES // 2**20} MB at once.")
