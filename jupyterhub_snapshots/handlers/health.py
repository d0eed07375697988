"""Health, readiness, metrics, and what is at no address."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from tornado import web

from ..beneath import Folder, NotBelow
from ..core.access import Action
from ..core.records import Course
from ..engine.rsync import find_rsync
from ..errors import SnapshotsError
from .base import BaseHandler, Operation

#: Less free space than this, of bytes or of inodes, and the service is not ready.
_LOW_SHARE = 0.01
_RSYNC_SECONDS = 10.0


class HealthHandler(BaseHandler):
    """GET /health: the process answers."""

    operations: ClassVar = {"GET": Operation(Action.CHECK_HEALTH, "Whether the service lives")}

    async def get(self) -> None:
        """See the class."""
        self.reply({"status": "ok"})


class Probe:
    """A look at something that may be slow: in a thread, and one for all who ask meanwhile.

    Parameters:
        look: says "ok", or in a word what is wrong.
        seconds: how long what it said is said again.
    """

    def __init__(self, look: Callable[[], str], seconds: float = 0.0) -> None:
        self._look = look
        self._seconds = seconds
        self._until = 0.0
        self._task: asyncio.Task[str] | None = None

    async def state(self) -> str:
        """What the look says."""
        if self._task is None or (self._task.done() and time.monotonic() >= self._until):
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(self._task)

    async def _run(self) -> str:
        try:
            return await asyncio.to_thread(self._look)
        except (OSError, SnapshotsError):
            return "unavailable"
        finally:
            self._until = time.monotonic() + self._seconds


def probes(courses: Iterable[Course]) -> dict[str, Probe]:
    """What /ready looks at, beside the database."""
    return {
        "rsync": Probe(_rsync, _RSYNC_SECONDS),
        "storage": Probe(partial(_storage, tuple(courses))),
    }


def _rsync() -> str:
    try:
        find_rsync.__wrapped__()  # it is to be there now, not only when it was first wanted
    except SnapshotsError:
        return "missing"
    return "ok"


def _storage(courses: Iterable[Course]) -> str:
    for course in courses:
        try:
            with Folder.at(course.root) as root:
                space = os.fstatvfs(root.descriptor)
        except NotBelow:
            return "missing"
        if space.f_bavail < space.f_blocks * _LOW_SHARE:
            return "full"
        if space.f_files and space.f_favail < space.f_files * _LOW_SHARE:
            return "no inodes"
    return "ok"


class ReadyHandler(BaseHandler):
    """GET /ready: captures and reads can work; 503 when something is wrong, with its name."""

    operations: ClassVar = {"GET": Operation(Action.CHECK_HEALTH, "Whether it can do its work")}

    async def get(self) -> None:
        """See the class."""
        asked: dict[str, Probe] = self.settings["probes"]
        states = await asyncio.gather(*(probe.state() for probe in asked.values()))
        checks = dict(zip(asked, states, strict=True))
        try:
            await self.services.store.read(lambda db: db.execute(text("SELECT 1")))
            checks["database"] = "ok"
        except (OSError, SnapshotsError):
            checks["database"] = "unavailable"
        ready = all(state == "ok" for state in checks.values())
        self.reply(
            {"status": "ok" if ready else "degraded", "checks": checks}, 200 if ready else 503
        )


class MetricsHandler(BaseHandler):
    """GET /metrics: Prometheus metrics, for administrators' tokens."""

    operations: ClassVar = {
        "GET": Operation(Action.READ_METRICS, "Prometheus metrics", media="text/plain")
    }

    async def get(self) -> None:
        """See the class."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest())


class NotFoundHandler(BaseHandler):
    """Whatever has no address."""

    async def prepare(self) -> None:
        """Says so, whoever asks."""
        self._refuse(web.HTTPError(404))

    def answers_pages(self, status_code: int) -> bool:
        """A page, but below the API."""
        return not self.request.path.startswith(f"{self.services.prefix}api/")
