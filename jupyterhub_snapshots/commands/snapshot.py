"""``jupyterhub-snapshots snapshot``: take snapshots without the service."""

from __future__ import annotations

import asyncio
import getpass
from typing import Any

from tqdm import tqdm
from traitlets import Bool, Dict, List, Unicode

from ..base_app import ALIASES
from ..batches import BatchManager
from ..core.records import ENDED, Batch, Course, ItemState
from ..errors import StudentNotFound
from ..executors import LocalExecutor
from ..roster import Roster
from ..snapshots import SnapshotCatalog
from ..store import Store
from ..volumes import LocalVolumes
from .base import Command


class SnapshotApp(Command):
    """Take a snapshot of a class, or of some students: snapshot NAME [STUDENT…] [--course=CODE]."""

    course = Unicode(help="Code of the course; may be left out when there is one.").tag(config=True)
    include_hidden = Bool(False, help="Capture hidden files, too.").tag(config=True)
    classes: Any = List([LocalExecutor, LocalVolumes, BatchManager, Roster])
    aliases: Any = Dict({**ALIASES, "course": "SnapshotApp.course"})
    flags: Any = Dict(
        {
            **Command.flags,
            "include-hidden": (
                {"SnapshotApp": {"include_hidden": True}},
                "Capture hidden files, too.",
            ),
        }
    )

    def run(self) -> int:
        """See the class."""
        if not self.extra_args:
            self.usage("snapshot NAME [STUDENT…] [--course=CODE] [--include-hidden]")
        name, *students = self.extra_args
        store = self.open_store()
        course = self.pick_course(self.open_courses(store), self.course)
        batch = asyncio.run(self._capture(store, course, name, students))
        for item in batch.items:
            if item.state is not ItemState.DONE:
                self.log.error("%s: %s", item.student, item.error or item.state.value)
            elif item.problem_count:
                self.log.warning(
                    "%s: %s, %d problems", item.student, item.outcome, item.problem_count
                )
        self.say(batch.name)
        return 0 if batch.state == "done" else 1

    async def _capture(self, store: Store, course: Course, name: str, students: list[str]) -> Batch:
        volumes = self.volumes_class(parent=self)
        roster = Roster(store=store, volumes=volumes, courses=[course], hub=None, parent=self)
        executor = LocalExecutor(parent=self)
        await executor.start()
        batches = BatchManager(
            store=store,
            executor=executor,
            volumes=volumes,
            snapshots=SnapshotCatalog(store),
            find_course=roster.course,
            left=roster.left,
            parent=self,
        )
        try:
            if not students:
                students = [member.username for member in await roster.students(course)]
            if not students:
                raise StudentNotFound(
                    f"No student of {course.code} is known yet. Name them, or let the service "
                    "read the roster from the hub first."
                )
            batch = await batches.start(
                course,
                name,
                students,
                include_hidden=self.include_hidden,
                requested_by=f"command ({getpass.getuser()})",
            )
            try:
                await self._follow(batches, batch)
            except asyncio.CancelledError:
                await batches.cancel(batch)
                raise
            return await batches.wait(batch.id)
        finally:
            await batches.stop()
            await executor.stop()

    async def _follow(self, batches: BatchManager, batch: Batch) -> None:
        ended: set[str] = set()
        with tqdm(total=len(batch.items), unit="home", disable=None) as bar:
            async for items in batches.events(batch.id):
                ended |= {item.student for item in items if item.state in ENDED}
                bar.update(len(ended) - bar.n)
