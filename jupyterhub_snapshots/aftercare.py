"""What is left to do when captures for a deadline have ended: again what failed, and tidying."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from traitlets import Float, Integer
from traitlets.config import Configurable, LoggingConfigurable

from .batches import BatchManager
from .core.records import Batch, Course, ItemState
from .errors import BatchNotFound, BatchRunning, SnapshotNotFound, SnapshotsError
from .snapshots import SnapshotCatalog
from .store import Store, captures
from .store.database import utc_now
from .volumes import LocalVolumes

#: Trying again does not help where these are the fault.
_LASTING = frozenset({"home_not_found", "student_not_found", "home_too_large", "invalid_name"})
_NAME_TAKEN = "snapshot_exists"
#: Captures that failed longer ago are not tried again when the service is started.
_LOOKED_BACK = timedelta(days=1)


class Aftercare(LoggingConfigurable):
    """Looks after the captures that the scheduler started.

    Attributes:
        wake: called when something is to be looked at.
    """

    retries = Integer(
        5, min=0, help="How often a failed capture of a deadline is tried again by itself."
    ).tag(config=True)
    retry_seconds = Float(
        30.0, min=0, help="Time before the first of these, in seconds; then twice as long each."
    ).tag(config=True)

    def __init__(
        self,
        *,
        store: Store,
        batches: BatchManager,
        snapshots: SnapshotCatalog,
        volumes: LocalVolumes,
        find_course: Callable[[int], Course],
        parent: Configurable | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self._store = store
        self._batches = batches
        self._snapshots = snapshots
        self._volumes = volumes
        self._course = find_course
        self.wake: Callable[[], None] = lambda: None
        self._ended: list[Batch] = []
        self._begun = True
        self._again: list[tuple[float, int]] = []
        self._untidy: set[int] = set()
        self._tidying: asyncio.Task[None] | None = None

    def ended(self, batch: Batch) -> None:
        """A batch of this process has ended."""
        if batch.occasion is not None:
            self._ended.append(batch)
            self.wake()

    @property
    def busy(self) -> bool:
        """Whether there is something to do at once."""
        return bool(self._tidying is not None and not self._tidying.done())

    def begin(self, courses: tuple[Course, ...]) -> None:
        """Looks at what the last run of the service has left."""
        self._untidy.update(course.id for course in courses)
        self._begun = False

    async def look(self, now: float) -> float | None:
        """Does what is due; after how many seconds something else will be, if anything is known.

        Parameters:
            now: seconds of a clock that is never set.
        """
        if not self._begun:
            since = utc_now() - _LOOKED_BACK
            for number in await self._store.read(partial(captures.failed, since=since)):
                self._ended.append(await self._batches.get(number))
            self._begun = True
        ended, self._ended = self._ended, []
        for batch in ended:
            await self._look_at(batch, now)
        while self._again and self._again[0][0] <= now:
            _, number = heapq.heappop(self._again)
            with contextlib.suppress(BatchRunning, BatchNotFound):
                await self._batches.retry(await self._batches.get(number))
        # Captures have the disk to themselves; the end of the last of them wakes us again.
        idle = self._tidying is None or self._tidying.done()
        if self._untidy and idle and not self._batches.busy:
            self._tidying = asyncio.create_task(self._tidy())
        return self._again[0][0] - now if self._again else None

    async def _look_at(self, batch: Batch, now: float) -> None:
        self._untidy.add(batch.course_id)
        failed = [item for item in batch.items if item.state is ItemState.FAILED]
        taken = [item.student for item in failed if item.error_code == _NAME_TAKEN]
        if taken:
            await self._name_anew(batch, taken)
        passing = [item for item in failed if item.error_code not in _LASTING | {_NAME_TAKEN}]
        cancelled = any(item.state is ItemState.CANCELLED for item in batch.items)
        tries = max((item.attempts for item in passing), default=0)
        if passing and not cancelled and tries <= self.retries:
            pause = self.retry_seconds * 2 ** max(0, tries - 1)
            heapq.heappush(self._again, (now + pause, batch.id))
            self.log.warning(
                "%d captures of batch %d failed; trying again in %.0f s",
                len(passing),
                batch.id,
                pause,
            )

    async def _name_anew(self, batch: Batch, students: list[str]) -> None:
        """These have something else of that name: they are captured under another."""
        course = self._course(batch.course_id)
        for student in students:
            await self._snapshots.list_snapshots(course, student)  # so that the name is known
        await self._store.write(lambda db: captures.forget(db, course.id, batch.id, students))
        self.wake()

    async def _tidy(self) -> None:
        """Removes the warm-ups that have served, one after the other."""
        while self._untidy:
            course = self._course(number := self._untidy.pop())
            idle = await self._store.read(partial(captures.idle_warm_ups, course_id=number))
            for each in idle:
                try:
                    await self._remove(course, each)
                except SnapshotsError as error:
                    self.log.warning("%s of %s: %s", each.snapshot, each.student, error.message)

    async def _remove(self, course: Course, each: captures.WarmUp) -> None:
        home = self._volumes.home(course, each.student)
        with contextlib.suppress(SnapshotNotFound):
            await self._snapshots.delete(course, each.student, each.snapshot, home)
        await self._store.write(lambda db: captures.forget_warm_up(db, each.id))

    async def stop(self) -> None:
        """Ends the tidying; the next start goes on with it."""
        if self._tidying is not None:
            self._tidying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tidying
