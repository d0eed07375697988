"""Health, readiness, metrics, and what is at no address."""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from tornado import web

from ..beneath import Folder, NotBelow
from ..core.access import Action
from ..engine.rsync import find_rsync
from ..errors import SnapshotsError
from .base import BaseHandler, Operation

#: Less free space than this, of bytes or of inodes, and the service is not ready.
_LOW_SHARE = 0.01


class HealthHandler(BaseHandler):
    """GET /health: the process answers."""

    operations: ClassVar = {"GET": Operation(Action.CHECK_HEALTH, "Whether the service lives")}

    async def get(self) -> None:
        """See the class."""
        self.reply({"status": "ok"})


class ReadyHandler(BaseHandler):
    """GET /ready: captures and reads can work; 503 when something is wrong, with its name."""

    operations: ClassVar = {"GET": Operation(Action.CHECK_HEALTH, "Whether it can do its work")}

    async def get(self) -> None:
        """See the class."""
        checks = {"rsync": self._rsync(), "storage": await asyncio.to_thread(self._storage)}
        try:
            await self.services.store.read(lambda db: db.execute(text("SELECT 1")))
            checks["database"] = "ok"
        except SnapshotsError:
            checks["database"] = "unavailable"
        ready = all(state == "ok" for state in checks.values())
        self.reply(
            {"status": "ok" if ready else "degraded", "checks": checks}, 200 if ready else 503
        )

    def _rsync(self) -> str:
        try:
            find_rsync()
        except SnapshotsError:
            return "missing"
        return "ok"

    def _storage(self) -> str:
        for course in self.services.roster.courses:
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
