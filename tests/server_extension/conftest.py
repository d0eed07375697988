"""Fixtures of the tests of the server extension.

lab: ina's own Jupyter server with the extension, beside the running service. Both are real, and
    serve in the test's event loop. Her files are in `lab.files`.
start_lab: starts one that knows another address or token.
other_service: a stand-in that does what the service never does, and remembers what it was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_server.serverapp import ServerApp
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets

from service import RunningService

LAB_TOKEN = "token-of-this-jupyter-server"
#: With a name that has to be quoted.
BASE_URL = "/user/mia@example.edu/"


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Lab:
    """A running Jupyter server, and a client that shows its token."""

    def __init__(self, app: ServerApp, server: HTTPServer, port: int, files: Path) -> None:
        self.app = app
        self.server = server
        self.files = files
        self.address = f"http://127.0.0.1:{port}"
        self.url = f"{self.address}{BASE_URL}jupyterhub-snapshots/"
        self.client = httpx.AsyncClient(
            headers={"Authorization": f"token {LAB_TOKEN}"}, timeout=30, base_url=self.url
        )

    @property
    def link(self) -> Any:
        """The extension's link to the service."""
        return self.app.web_app.settings["jupyterhub-snapshots"]

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.client.post(path, json=body, **options)


def _start(files: Path) -> Lab:
    files.mkdir(parents=True, exist_ok=True)
    app = ServerApp(
        base_url=BASE_URL,
        root_dir=str(files),
        open_browser=False,
        allow_root=True,
        jpserver_extensions={"jupyterhub_snapshots": True},
    )
    app.config.IdentityProvider.token = LAB_TOKEN
    app.init_signal = lambda: None  # the signals are pytest's
    app.initialize(argv=[], find_extensions=False, new_httpserver=False)
    server = HTTPServer(app.web_app, max_body_size=app.max_body_size)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    return Lab(app, server, sockets[0].getsockname()[1], files)


@pytest.fixture
async def start_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Awaitable[Lab]]]:
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(tmp_path / kind))
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    async with contextlib.AsyncExitStack() as stack:

        async def start(url: str, token: str = "token-ina") -> Lab:
            monkeypatch.setenv("JUPYTERHUB_SNAPSHOTS_URL", url)
            monkeypatch.setenv("JUPYTERHUB_API_TOKEN", token)
            lab = _start(tmp_path / "files")

            async def stop() -> None:
                await lab.client.aclose()
                await lab.link.close()
                lab.server.stop()
                await lab.server.close_all_connections()
                await lab.app._cleanup()

            stack.push_async_callback(stop)
            return lab

        yield start


@pytest.fixture
async def lab(service: RunningService, start_lab: Callable[..., Awaitable[Lab]]) -> Lab:
    return await start_lab(f"{service.url}/")


class OtherService:
    """Answers by the last part of the address; see `answer`."""

    def __init__(self) -> None:
        self.requests: list[HTTPServerRequest] = []
        self.received_bytes = 0
        self._closed: list[asyncio.Event] = []
        self.go_on = asyncio.Event()
        service = self

        @web.stream_request_body
        class Handler(web.RequestHandler):
            def prepare(self) -> None:
                service.requests.append(self.request)
                self.closed = asyncio.Event()
                service._closed.append(self.closed)

            def on_connection_close(self) -> None:
                self.closed.set()
                super().on_connection_close()

            def data_received(self, chunk: bytes) -> None:
                service.received_bytes += len(chunk)

            async def get(self) -> None:
                await service.answer(self)

            head = options = post = put = patch = delete = get

        self._server = HTTPServer(web.Application([(".*", Handler)]), max_body_size=1 << 40)
        sockets = bind_sockets(0, "127.0.0.1")
        self._server.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/services/snapshots"

    async def answer(self, handler: web.RequestHandler) -> None:
        kind = handler.request.path.rpartition("/")[2]
        if kind == "redirect":
            handler.redirect("http://127.0.0.1:9/elsewhere")
        elif kind == "events":
            handler.set_header("Content-Type", "text/event-stream")
            for number in range(3):
                handler.write(f"data: {number}\n\n")
                await handler.flush()
                await self.go_on.wait()
                self.go_on.clear()
        elif kind == "endless":
            with contextlib.suppress(StreamClosedError):
                while True:
                    handler.write(bytes(1 << 16))
                    await handler.flush()
        elif kind == "broken":
            handler.write(b"half")
            await handler.flush()
            handler.request.connection.stream.close()  # type: ignore[union-attr]
        elif kind == "page":
            handler.set_status(503)
            handler.write("<html>")
        elif kind == "busy":
            handler.set_status(503)
            handler.set_header("Retry-After", "10")
            handler.write({"status": 503, "code": "busy", "message": "Later."})
        elif kind == "odd":
            handler.set_status(520, "Odd")
            handler.write("<html>")
        elif kind == "empty":
            handler.set_status(204)
        elif kind == "slow":
            await asyncio.sleep(0.5)
            handler.write("late")
        else:
            handler.set_header("Set-Cookie", "stolen=1")
            handler.add_header("Link", "<a>; rel=next")
            handler.add_header("Link", "<b>; rel=last")
            handler.write(b"{}")

    async def closed(self, request: int) -> None:
        """Waits until the connection of that request is closed before its answer's end."""
        await asyncio.wait_for(self._closed[request].wait(), 5)

    async def close(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()


@pytest.fixture
async def other_service() -> AsyncIterator[OtherService]:
    made = OtherService()
    yield made
    await made.close()
