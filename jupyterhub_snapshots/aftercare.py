"""What is left to do when captures for a deadline have ended: again what failed, and tidying."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from traitlets import Float, Integer
from traitlets.config import Configurable, LoggingConfigurable

from .batches import BatchManager
from .core.records import Batch, BatchItem, Course, ItemState
from .errors import BatchNotFound, BatchRunning, SnapshotNotFound
from .snapshots import SnapshotCatalog
from .store import Store, captures
from .store.database import utc_now
from .volumes import LocalVolumes

#: Trying again does not help where these are the fault.
_LASTING = frozenset({"home_not_found", "student_not_found", "home_too_large", "invalid_name"})
_NAME_TAKEN = "snapshot_exists"
#: A student for whom so many names were taken is given up.
_MOST_NAMES = 5
#: How often it is looked for what other processes left undone, in seconds.
_LOOK_SECONDS = 300.0
#: Captures that failed longer ago are not tried again.
_LOOKED_BACK = timedelta(days=3)
#: A warm-up is of no use later than this.
_WARM_UPS_KEPT = timedelta(days=1)


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
        self._looked: float | None = None
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
        """Has what the last run of the service has left looked at."""
        self._untidy.update(course.id for course in courses)
        self._looked = None

    async def look(self, now: datetime, steady: float) -> float | None:
        """Does what is due; after how many seconds something else will be, if anything is known.

        Parameters:
            steady: seconds of a clock that is never set.
        """
        if self._looked is None or steady - self._looked >= _LOOK_SECONDS:
            await self._look_for_failed(steady)
        ended, self._ended = self._ended, []
        for batch in ended:
            await self._guarded(batch.id, steady, self._look_at(batch, steady))
        while self._again and self._again[0][0] <= steady:
            _, number = heapq.heappop(self._again)
            await self._guarded(number, steady, self._try_again(number))
        # Captures have the disk to themselves; the end of the last of them wakes us again.
        idle = self._tidying is None or self._tidying.done()
        if self._untidy and idle and not self._batches.busy:
            self._tidying = asyncio.create_task(self._tidy(now - _WARM_UPS_KEPT))
        return self._again[0][0] - steady if self._again else None

    async def _look_for_failed(self, steady: float) -> None:
        """Finds what other processes, or the last run, have left undone."""
        since = utc_now() - _LOOKED_BACK
        found = await self._store.read(
            lambda db: captures.failed(db, since, _LASTING, self.retries)
        )
        planned = {number for _, number in self._again}
        for number in found:
            if number not in planned:
                self._ended.append(await self._batches.get(number))
        self._looked = steady

    async def _guarded(self, number: int, steady: float, work: Coroutine[Any, Any, None]) -> None:
        """Does something about a batch; what can't be done now is looked at once more."""
        try:
            await work
        except BatchNotFound:
            self.log.debug("Batch %d is gone", number)
        except Exception as error:
            self.log.warning("Batch %d can't be looked after yet: %s", number, error)
            heapq.heappush(self._again, (steady + max(1.0, self.retry_seconds), number))

    async def _try_again(self, number: int) -> None:
        batch = await self._batches.get(number)
        students = {item.student for item in self._passing(batch)}
        if students:
            with contextlib.suppress(BatchRunning):
                await self._batches.retry(batch, students)

    def _passing(self, batch: Batch) -> list[BatchItem]:
        """What failed and may go well another time."""
        if any(item.state is ItemState.CANCELLED for item in batch.items):
            return []
        return [
            item
            for item in batch.items
            if item.state is ItemState.FAILED
            and item.error_code not in _LASTING | {_NAME_TAKEN}
            and item.attempts <= self.retries
        ]

    async def _look_at(self, batch: Batch, steady: float) -> None:
        self._untidy.add(batch.course_id)
        taken = [
            item.student
            for item in batch.items
            if item.state is ItemState.FAILED and item.error_code == _NAME_TAKEN
        ]
        if taken:
            await self._name_anew(batch, taken)
        passing = self._passing(batch)
        if passing:
            tries = max(item.attempts for item in passing)
            pause = self.retry_seconds * 2 ** max(0, tries - 1)
            heapq.heappush(self._again, (steady + pause, batch.id))
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
        forgotten = await self._store.write(
            lambda db: captures.forget(db, batch, students, _NAME_TAKEN, _MOST_NAMES)
        )
        if forgotten:
            self.wake()

    async def _tidy(self, before: datetime) -> None:
        """Removes the warm-ups that have served, or are older, one after the other."""
        courses, self._untidy = self._untidy, set()
        for number in courses:
            try:
                course = self._course(number)
                idle = await self._store.read(
                    partial(captures.idle_warm_ups, course_id=number, before=before)
                )
                for each in idle:
                    await self._remove(course, each)
            except Exception as error:
                self.log.warning("Warm-ups can't be removed yet: %s", error)

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
