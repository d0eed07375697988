"""One capture of a batch: what is asked of the engine, and what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .batch_journal import BatchJournal, Taken
from .core.captures import AT_DEADLINE, Kind
from .core.manifest import Header
from .core.names import student_folder
from .core.records import Batch, BatchItem, Course, ItemState
from .engine import CaptureJob, CaptureResult
from .engine.job import UNCHANGED
from .errors import CaptureCancelled, SnapshotsError, StudentNotFound, WorkerLost
from .executors import Executor
from .live_batch import Checked, LiveBatch
from .metrics import CAPTURE_SECONDS, CAPTURES
from .snapshots import SnapshotCatalog, lock_path
from .store import Store, batches
from .store.batches import AtDeadline
from .store.database import utc_now
from .volumes import LocalVolumes

#: What is taken at an instant of its own, after which every change is late.
_AT_AN_INSTANT = AT_DEADLINE | {Kind.LATE}


@dataclass(frozen=True)
class Limits:
    """What a capture may take; see the settings of `jupyterhub_snapshots.batches.BatchManager`."""

    timeout_seconds: float
    attempts: int
    max_file_bytes: int
    max_bytes: int


class BatchCaptures:
    """Runs single captures of batches.

    Parameters:
        limits: what they are now.
        left: who of a course's people are not, or no more, its students.
    """

    def __init__(
        self,
        *,
        store: Store,
        executor: Executor,
        volumes: LocalVolumes,
        snapshots: SnapshotCatalog,
        journal: BatchJournal,
        find_course: Callable[[int], Course],
        left: Callable[[Course], Awaitable[Set[str]]],
        limits: Callable[[], Limits],
        log: logging.Logger,
    ) -> None:
        self._store = store
        self._executor = executor
        self._volumes = volumes
        self._snapshots = snapshots
        self._journal = journal
        self._find_course = find_course
        self._left = left
        self._limits = limits
        self._log = log

    async def take(self, live: LiveBatch, item: BatchItem) -> BatchItem:
        """Runs one capture; the item as it is then. A failure is raised."""
        batch, student = live.begun, item.student
        course = self._find_course(batch.course_id)
        running = replace(item, state=ItemState.RUNNING, attempts=item.attempts + 1)

        def started() -> None:
            nonlocal running
            running = replace(running, began_at=utc_now())
            live.set(running)
            self._journal.note(batch.id, running)

        if live.checked is None:  # once for all, who then take their turns in the order they have
            live.checked = asyncio.create_task(self._check(live, course))
        checked = await asyncio.shield(live.checked)
        if student in checked.left:
            raise StudentNotFound("This is no student of the course any more.")
        job = self._job(course, batch, student, checked.earlier.get(student))
        result: CaptureResult | Header
        try:
            result = await self._executor.submit(job, course.code, started)
        except (asyncio.CancelledError, WorkerLost):
            # It may have ended just before it was.
            made = await asyncio.to_thread(self._snapshots.header, course, student, batch.name)
            if made is None or made.capture_id != job.capture_id:
                raise
            result = made
        # Nothing to wait for from here on: what is taken can't be cancelled any more.
        done = replace(
            running,
            state=ItemState.DONE,
            ended_at=utc_now(),
            outcome=result.state,
            problem_count=result.problem_count,
            files=result.files,
            bytes=result.bytes,
            copied_bytes=result.copied_bytes,
        )
        taken = Taken(course, batch, student) if result.state != UNCHANGED else None
        self._journal.note(batch.id, done, taken)
        return done

    async def _check(self, live: LiveBatch, course: Course) -> Checked:
        """What is to be known before, when the captures have a place to go to."""
        await asyncio.to_thread(self._snapshots.check_root, course)
        checked, batch = Checked(), live.begun
        if batch.occasion is not None and batch.occasion.kind is Kind.LATE:
            earlier = await self._store.read(lambda db: batches.at_deadline(db, batch))
            checked = checked._replace(earlier=earlier)
        if live.again:
            try:
                checked = checked._replace(left=await self._left(course))
            except SnapshotsError as error:
                self._log.warning("Who has left %s can't be told: %s", course.code, error.message)
        return checked

    def failed(self, live: LiveBatch, student: str, error: BaseException) -> BatchItem:
        """The item of a capture that ended with an error."""
        item = replace(live.items[student], ended_at=utc_now())
        if isinstance(error, CaptureCancelled):
            return replace(item, state=ItemState.CANCELLED)
        code, message = "internal_error", "The log of the service says what happened."
        if isinstance(error, SnapshotsError):
            code, message = error.code, error.message
            self._log.warning("Capture of %r in batch %d: %s", student, live.begun.id, message)
        else:
            self._log.error("Capture of %r failed", student, exc_info=error)
        return replace(item, state=ItemState.FAILED, error_code=code, error=message)

    def count(self, item: BatchItem) -> None:
        """Counts a capture that has ended, for the metrics."""
        CAPTURES.labels(item.state.value).inc()
        if item.began_at is not None and item.ended_at is not None:
            CAPTURE_SECONDS.observe((item.ended_at - item.began_at).total_seconds())

    def _job(
        self, course: Course, batch: Batch, student: str, earlier: AtDeadline | None
    ) -> CaptureJob:
        home = self._volumes.home(course, student)
        digest = hashlib.sha256(student.encode()).hexdigest()[:16]
        limits = self._limits()
        occasion = batch.occasion
        deadline = None
        extra: dict[str, Any] = {"course": course.code, "by": batch.requested_by}
        if occasion is not None:
            extra["assignment"] = {"id": occasion.assignment_id, "title": occasion.title}
            extra["kind"] = occasion.kind.value
            if occasion.kind in _AT_AN_INSTANT:
                # Of a late capture all is late that changed since the work was due.
                due = earlier.deadline if earlier is not None else None
                deadline = _iso(due or occasion.at)
        return CaptureJob(
            home=home,
            root=course.root,
            student=student_folder(student),
            snapshot=batch.name,
            capture_id=f"{batch.key}-{digest}",
            staging=course.staging,
            lock=lock_path(course, home),
            include_hidden=batch.include_hidden,
            folders=course.folders,
            timeout_seconds=limits.timeout_seconds,
            attempts=limits.attempts,
            max_file_bytes=limits.max_file_bytes,
            max_bytes=limits.max_bytes,
            requested_at=_iso(batch.requested_at),
            deadline=deadline,
            unless_same_as=earlier.name if earlier is not None else None,
            extra=extra,
        )


def _iso(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
