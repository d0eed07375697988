"""A term that is played in no time: a clock that is set, an executor that takes nothing.

`World` runs the real scheduler and the real batches on a real database, while `tests.term_model`
says, without any code of theirs, what should come of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import event

from jupyterhub_snapshots.aftercare import Aftercare
from jupyterhub_snapshots.audit import AuditLog
from jupyterhub_snapshots.batches import BatchManager
from jupyterhub_snapshots.clock import Clock
from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.core.records import Course
from jupyterhub_snapshots.engine import CaptureJob, CaptureResult
from jupyterhub_snapshots.errors import SnapshotExists, WorkerLost
from jupyterhub_snapshots.executors import Executor
from jupyterhub_snapshots.scheduler import DeadlineScheduler
from jupyterhub_snapshots.snapshots import SnapshotCatalog
from jupyterhub_snapshots.store import Store, captures, people

START = datetime(2026, 1, 5, tzinfo=timezone.utc)


def instant(second: float) -> datetime:
    """That many seconds after the beginning of the term."""
    return START + timedelta(seconds=second)


class TermClock(Clock):
    """Time passes when there is nothing to do.

    Attributes:
        second: that have really passed since the beginning of the term.
        wrong: by how much the clock on the wall is wrong, in seconds.
        until: when whoever plays the term wants to do something.
    """

    def __init__(self) -> None:
        self.second = 0.0
        self.wrong = 0.0
        self.until = 0.0
        self.idle: Callable[[], bool] = lambda: True
        self.reached = asyncio.Event()

    def now(self) -> datetime:
        return instant(self.second + self.wrong)

    def monotonic(self) -> float:
        return self.second + 1000

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        while not self.idle():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        if event.is_set():
            return
        if self.second + seconds < self.until:
            self.second += seconds
            return
        self.second = self.until
        self.reached.set()
        await event.wait()


@dataclass(frozen=True)
class Taken:
    """What the executor was asked to capture, and when it really was."""

    second: float
    root: str
    home: str
    student: str
    snapshot: str
    deadline: str | None
    extra: Any


class PlayedExecutor(Executor):
    """Notes captures in place of taking them; now and then one fails at first.

    Attributes:
        stuck: nothing ends, as when the machine is being shut down.
    """

    def __init__(self, clock: TermClock, fails: Callable[[str], bool]) -> None:
        super().__init__()
        self.clock = clock
        self.fails = fails
        self.stuck = False
        self.taken: list[Taken] = []
        self.failed = 0
        self.running = 0
        self._names: set[tuple[str, str, str]] = set()
        self._others: set[tuple[str, str, str]] = set()

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        return

    async def submit(
        self, job: CaptureJob, queue: str, started: Callable[[], None] = lambda: None
    ) -> CaptureResult:
        started()
        if self.stuck:
            await asyncio.get_running_loop().create_future()
        key = (job.root, job.student, job.snapshot)
        if job.extra["kind"] != "warmup" and self.fails(job.capture_id):
            self.failed += 1
            if self.failed % 3:
                raise WorkerLost("The process ended.")
            self._others.add(key)
        if key in self._others:
            raise SnapshotExists("There is something of that name.")
        assert key not in self._names, f"{key} twice"
        self._names.add(key)
        self.taken.append(
            Taken(
                self.clock.second,
                job.root,
                job.home,
                job.student,
                job.snapshot,
                job.deadline,
                job.extra,
            )
        )
        now = self.clock.now().isoformat()
        return CaptureResult(job.student, job.snapshot, "complete", now, now, 1, 1, 1, 1, 0, "")


class _Homes:
    """Where homes would be."""

    def home(self, course: Course, student: str) -> str:
        return f"/homes/{student}"


class _Roster:
    """The courses; their members are in the database alone."""

    def __init__(self, courses: Collection[Course]) -> None:
        self.courses = tuple(courses)

    def course(self, course_id: int) -> Course:
        return next(course for course in self.courses if course.id == course_id)

    async def refresh(self, course: Course, *, fresh: bool = False) -> None:
        return

    async def left(self, course: Course) -> frozenset[str]:
        return frozenset()


def _hurry(connection: Any, record: object) -> None:
    """Nobody pulls the plug of a term that is played."""
    connection.execute("PRAGMA synchronous=OFF")


class World:
    """The service's part that takes snapshots, and the time in which it does."""

    def __init__(self, place: Path, codes: Collection[str], fails: Callable[[str], bool]) -> None:
        self.store = Store(f"sqlite:///{place}/term.sqlite")
        event.listen(self.store._engine, "connect", _hurry)
        self.store.open()
        self.clock = TermClock()
        self.executor = PlayedExecutor(self.clock, fails)
        self.snapshots = SnapshotCatalog(self.store)
        courses = []
        for code in codes:
            root = place / code
            (root / SERVICE_DIR).mkdir(parents=True)
            with self.store.writing() as db:
                number = people.ensure_course(db, code, code, None, "Europe/Berlin")
            courses.append(Course(number, code, code, "Europe/Berlin", str(root)))
        self.roster = _Roster(courses)
        self.up = False

    async def start(self) -> None:
        """Starts it, as the program does."""
        roster: Any = self.roster
        homes: Any = _Homes()
        self.batches = BatchManager(
            store=self.store,
            executor=self.executor,
            volumes=homes,
            snapshots=self.snapshots,
            find_course=roster.course,
            left=roster.left,
        )
        self.aftercare = Aftercare(
            store=self.store,
            batches=self.batches,
            snapshots=self.snapshots,
            volumes=homes,
            find_course=roster.course,
        )
        self.audit = AuditLog(self.store, self.batches.log)
        self.scheduler = DeadlineScheduler(
            store=self.store,
            roster=roster,
            batches=self.batches,
            audit=self.audit,
            aftercare=self.aftercare,
            clock=self.clock,
        )
        self.scheduler.poll_seconds = 86_400.0
        self.clock.idle = self._is_idle
        await self.batches.resume()
        self.scheduler.start()
        self.up = True

    def _is_idle(self) -> bool:
        return self.executor.stuck or not (self.batches.busy or self.aftercare.busy)

    async def stop(self) -> None:
        """Ends it; what is running is gone on with at the next start."""
        await self.scheduler.stop()
        await self.batches.stop()
        self.executor.stuck = False
        self.up = False

    async def play(self, until: float) -> None:
        """Lets the time pass to that second."""
        if not self.up:
            self.clock.second = until
            return
        self.clock.until = until
        self.clock.reached.clear()
        self.scheduler.wake()
        await asyncio.wait_for(self.clock.reached.wait(), 60)

    def change(self, work: Callable[[Any], Any]) -> Any:
        """Changes something in the database, as the API would."""
        with self.store.writing() as db:
            return work(db)

    def set_active(self, course: Course, user_id: int, active: bool) -> None:
        """Has a student leave the course, or come back to it."""
        from jupyterhub_snapshots.store.tables import MemberRow

        def work(db: Any) -> None:
            row = db.query(MemberRow).filter_by(course_id=course.id, user_id=user_id).one()
            row.active, row.created_at = active, self.clock.now()
            captures.touch(db, course.id)

        self.change(work)

    async def close(self) -> None:
        if self.up:
            await self.stop()
        self.store.close()
