"""A course with homes, snapshots and a database, for the tests of the managers."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from homes import Home
from jupyterhub_snapshots.batches import BatchManager
from jupyterhub_snapshots.beneath import identity
from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.core.records import Course
from jupyterhub_snapshots.engine import verify
from jupyterhub_snapshots.engine.staging import home_lock
from jupyterhub_snapshots.executors import LocalExecutor
from jupyterhub_snapshots.roster import Roster
from jupyterhub_snapshots.snapshots import SnapshotCatalog
from jupyterhub_snapshots.store import Store, people
from jupyterhub_snapshots.volumes import LocalVolumes

PS1, PS2 = "ps1_2026-03-01", "ps2_2026-03-01"


class CourseOnDisk:
    """One course whose roster is a folder of homes."""

    def __init__(self, place: Path, *students: str) -> None:
        self.place = place
        self.root = place / "snapshots"
        (self.root / SERVICE_DIR).mkdir(mode=0o700, parents=True)
        (place / "homes").mkdir()
        self.homes = {name: self.home(name) for name in students}
        self.store = Store(f"sqlite:///{place}/catalogue.sqlite")
        self.store.open()
        with self.store.writing() as db:
            number = people.ensure_course(db, "phys", "Physics", None, "UTC")
        self.course = Course(
            number,
            "phys",
            "Physics",
            "UTC",
            str(self.root),
            homes=str(place / "homes"),
            mounted=(identity(str(self.root)), identity(str(place / "homes"))),
        )
        self.snapshots = SnapshotCatalog(self.store)

    def home(self, student: str) -> Home:
        """A home with one file."""
        home = Home(self.place / "homes" / student)
        home.file("work.txt", student.encode())
        return home

    def tree(self, student: str, name: str = PS1, *files: str) -> Path:
        """A snapshot that another program left, without a manifest."""
        tree = self.root / student / name
        tree.mkdir(parents=True)
        for file in files:
            (tree / file).write_text(file)
        return tree

    @contextlib.asynccontextmanager
    async def batches(self, places: int = 2, **options: float) -> AsyncIterator[BatchManager]:
        """What takes batches, from its start to its end; again after an end if wanted."""
        executor = LocalExecutor(max_concurrent_captures=places)
        await executor.start()
        volumes = LocalVolumes()
        roster = Roster(store=self.store, volumes=volumes, courses=[self.course], hub=None)
        manager = BatchManager(
            store=self.store,
            executor=executor,
            volumes=volumes,
            snapshots=self.snapshots,
            find_course=roster.course,
            left=roster.left,
        )
        for name, value in options.items():
            setattr(manager, name, value)
        try:
            yield manager
        finally:
            await manager.stop()
            await executor.stop()

    @contextlib.contextmanager
    def held(self, *students: str) -> Iterator[None]:
        """While the block runs, no capture of these homes gets any further."""
        with contextlib.ExitStack() as stack:
            for student in students:
                home = str(self.place / "homes" / student)
                stack.enter_context(home_lock(str(self.root), None, home, time.monotonic() + 5))
            yield

    def visible(self) -> dict[str, list[str]]:
        """Student → names of the snapshots that are there."""
        return {
            folder.name: names
            for folder in sorted(self.root.iterdir())
            if folder.name != SERVICE_DIR
            and (names := sorted(each.name for each in folder.iterdir() if each.name[0] != "."))
        }

    def assert_sound(self) -> None:
        """What is visible is intact, and nothing is unfinished."""
        for student, names in self.visible().items():
            for name in names:
                assert list(verify(str(self.root), student, name)) == []
        staging = self.root / SERVICE_DIR / "staging"
        assert not staging.exists() or os.listdir(staging) == []
