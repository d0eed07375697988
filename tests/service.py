"""The service as the tests run it: the real application, a real server, a free port.

`running` starts it in the test's own event loop. `StandInHub` answers for a hub where a test needs
one that is slow, broken or down; `tests/hub` has the real one. `assert_error` knows the one shape
of an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from traitlets.config import Config

from homes import Home
from jupyterhub_snapshots.app import ServeApp
from jupyterhub_snapshots.core.records import Course
from jupyterhub_snapshots.handlers import Services

SITE_KEY = "5d1f0e6c2b7a4938a6c5d4e3f2017b8c"
PREFIX = "/services/snapshots"
SERVICE_TOKEN = "token-of-the-service"
ACCESS = "access:services!service=snapshots"


def assert_error(response: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The response has this status, and the one body that all errors have."""
    assert response.status_code == status, (response.status_code, response.text[:500])
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    body: dict[str, Any] = response.json()
    assert set(body) - {"details"} == {"status", "error", "code", "message"}
    assert body["status"] == status
    assert all(isinstance(body[field], str) and body[field] for field in ("error", "message"))
    assert "Traceback" not in response.text
    assert code is None or body["code"] == code, body
    return body


class RunningService:
    """A service that is being served, and a client of it."""

    def __init__(self, app: ServeApp, server: HTTPServer, port: int, place: Path) -> None:
        self.app = app
        self.server = server
        self.port = port
        self.place = place
        self.application: Any = server.request_callback
        self.services: Services = self.application.settings["default_handler_args"]["services"]
        self.prefix = self.services.prefix.rstrip("/")
        self.url = f"http://127.0.0.1:{port}{self.prefix}"
        self.client = httpx.AsyncClient(timeout=30)
        self.headers: dict[str, str] = {}

    async def fetch(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Sends a request below the prefix, with the headers that `headers` adds to the usual."""
        return await self.client.request(
            method, self.url + path, headers={**self.headers, **(headers or {})}, **options
        )

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.fetch("GET", path, **options)

    async def post(self, path: str, data: Any = None, **options: Any) -> httpx.Response:
        return await self.fetch("POST", path, data=data, **options)

    async def raw(self, request: bytes, seconds: float = 5) -> bytes:
        """Sends these bytes and returns all that is answered until the end or the time."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            writer.write(request)
            await writer.drain()
        answer = b""
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            while piece := await asyncio.wait_for(reader.read(1 << 16), seconds):
                answer += piece
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return answer

    def slow_socket(self, receive_bytes: int = 4096) -> socket.socket:
        """A connection with small buffers."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        made.connect(("127.0.0.1", self.port))
        made.setblocking(False)
        return made

    def course(self, code: str) -> Course:
        found = self.services.roster.find_course(code)
        assert found is not None
        return found

    def home(self, student: str) -> Home:
        """A new home."""
        return Home(self.place / "homes" / student)

    def put_snapshot(
        self,
        student: str,
        name: str = "hw_2026-01-31",
        files: Iterable[tuple[str | bytes, bytes]] = (("a.txt", b"a"),),
        course: str | None = None,
    ) -> Path:
        """A snapshot as an older service left it, without a manifest."""
        root = Path(self.course(course).root if course else self.services.roster.courses[0].root)
        folder = Home.__new__(Home)
        folder.path, folder.uid = root / student / name, 0
        folder.path.mkdir(parents=True)
        for path, content in files:
            folder.file(path, content)
        return folder.path

    async def audit(self) -> list[dict[str, Any]]:
        """Every line of the audit log."""
        from sqlalchemy import select

        from jupyterhub_snapshots.store.tables import AuditRow

        await self.services.audit.write()

        def lines(db: Any) -> list[dict[str, Any]]:
            fields = [column.name for column in AuditRow.__table__.columns]
            rows = db.scalars(select(AuditRow).order_by(AuditRow.id))
            return [{field: getattr(row, field) for field in fields} for row in rows]

        return await self.services.store.read(lines)


@contextlib.asynccontextmanager
async def running(place: Path, database: Path, config: Config) -> AsyncIterator[RunningService]:
    """Serves with this configuration, on a copy of the database, until the block ends."""
    copied = place / "service.sqlite"
    if not copied.exists():
        shutil.copy(database, copied)
    config.SnapshotsApp.db_url = f"sqlite:///{copied}"
    config.Credentials.setdefault("delay_seconds", 0.0)
    app = ServeApp(config=config)
    async with contextlib.AsyncExitStack() as stack:
        server = await app._build(stack)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        service = RunningService(app, server, sockets[0].getsockname()[1], place)
        try:
            yield service
        finally:
            await service.client.aclose()
            server.stop()
            await close_hub_client()


async def close_hub_client() -> None:
    """Closes the connections that JupyterHub keeps open to the hub until the process ends."""
    with contextlib.suppress(ImportError):  # older ones have no such client
        from jupyterhub.httpclient import JupyterHubHTTPClient

        await JupyterHubHTTPClient.loop_instance().close()


class StandInHub:
    """What the service asks a hub: whose a token is, a person's groups, a group's members.

    `trouble` makes it misbehave: "error", "junk", "list", "slow", "loop"; `close` ends it.
    """

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {}
        self.admins: set[str] = set()
        self.tokens: dict[str, dict[str, Any]] = {}
        self.trouble = ""
        self.asked = 0
        hub = self

        class Handler(web.RequestHandler):
            async def get(self, path: str) -> None:
                hub.asked += 1
                await hub.answer(self, path)

        self._server = HTTPServer(web.Application([(r"/hub/api/(.*)", Handler)]))
        sockets = bind_sockets(0, "127.0.0.1")
        self._server.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/hub/api"

    def add_token(self, token: str, name: str, scopes: Iterable[str] = (ACCESS,)) -> None:
        self.tokens[token] = {"name": name, "kind": "user", "scopes": list(scopes)}

    def model(self, token: str) -> dict[str, Any] | None:
        if token not in self.tokens:
            return None
        known = self.tokens[token]
        name = known["name"]
        groups = [group for group, names in self.groups.items() if name in names]
        return {**known, "admin": name in self.admins, "groups": groups}

    async def answer(self, handler: web.RequestHandler, path: str) -> None:
        if self.trouble == "slow":
            await asyncio.sleep(30)
        if self.trouble == "error":
            raise web.HTTPError(503)
        if self.trouble in ("junk", "list"):
            handler.finish("<html>" if self.trouble == "junk" else "[1]")
            return
        if self.trouble == "loop":
            handler.redirect(handler.request.path)
            return
        kind, _, name = path.partition("/")
        token = handler.request.headers.get("Authorization", "").partition(" ")[2]
        if kind == "user":
            model = self.model(token)
            if model is None:
                raise web.HTTPError(403)
        elif token != SERVICE_TOKEN:
            raise web.HTTPError(403)
        elif kind == "groups" and name in self.groups:
            model = {"name": name, "users": self.groups[name]}
        elif kind == "users":
            model = {"groups": [group for group, names in self.groups.items() if name in names]}
        else:
            raise web.HTTPError(404)
        handler.finish(json.dumps(model))

    async def close(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()
