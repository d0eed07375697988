"""Batches: captures of a class or of chosen students, started together and followed one by one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Set
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from traitlets import Float, Integer
from traitlets.config import Configurable, LoggingConfigurable

from .batch_journal import BatchJournal, Taken
from .core.manifest import Header
from .core.names import snapshot_name, student_folder
from .core.records import ENDED, Batch, BatchItem, Course, ItemState
from .engine import CaptureJob, CaptureResult, claims
from .engine.claims import Claim
from .errors import (
    BatchRunning,
    Busy,
    CaptureCancelled,
    CourseNotFound,
    SnapshotsError,
    StorageUnavailable,
    StudentNotFound,
    WorkerLost,
)
from .executors import Executor
from .live_batch import LiveBatch, follow, queued, requeued
from .metrics import CAPTURE_SECONDS, CAPTURES
from .snapshots import SnapshotCatalog, lock_path
from .store import Store, batches
from .store.database import utc_now
from .volumes import LocalVolumes

_UNFINISHED = frozenset(ItemState) - ENDED


class BatchManager(LoggingConfigurable):
    """Starts batches, runs their captures, and remembers where each stands.

    The database has the truth a tenth of a second later; what it misses when the service is
    killed is found again on the disk, because a capture recognises its own snapshot.

    Several processes may share a database. A batch is run by one of them, which holds a claim on
    it; the others follow it in the database.

    Parameters:
        left: who of a course's people are not, or no more, its students; asked before a batch is
            gone on with.
    """

    timeout_seconds = Float(
        1800.0,
        min=1,
        help="Wall-clock limit of the capture of one home, in seconds.",
    ).tag(config=True)

    copy_attempts = Integer(
        3,
        min=1,
        help="How often a file that changes while it is copied is copied in all.",
    ).tag(config=True)

    max_file_bytes = Integer(
        10 * 1024**3,
        min=0,
        help="""Larger files are left out of a snapshot and listed as missing; 0 for no limit.

        The apparent size counts, so that an endless sparse file is left out as well.
        """,
    ).tag(config=True)

    max_snapshot_bytes = Integer(
        0,
        min=0,
        help="A home over this size is refused (apparent size of its files); 0 for no limit.",
    ).tag(config=True)

    def __init__(
        self,
        *,
        store: Store,
        executor: Executor,
        volumes: LocalVolumes,
        snapshots: SnapshotCatalog,
        find_course: Callable[[int], Course],
        left: Callable[[Course], Awaitable[Set[str]]],
        parent: Configurable | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self._store = store
        self._executor = executor
        self._volumes = volumes
        self._snapshots = snapshots
        self._find_course = find_course
        self._left = left
        self._live: dict[int, LiveBatch] = {}
        self._journal = BatchJournal(store, snapshots, self.log, self._drop_ended)
        self._stopping = False

    async def start(
        self,
        course: Course,
        name: str,
        students: Iterable[str],
        *,
        include_hidden: bool,
        requested_by: str,
    ) -> Batch:
        """Starts captures of these students and returns at once.

        Parameters:
            name: as a person typed it; the snapshots' name is made from it and from the date
                in the course's time zone.

        Raises InvalidName, Busy when the service is stopping.
        """
        full_name = snapshot_name(name, today(course))
        usernames = [student_folder(student) for student in dict.fromkeys(students)]
        if self._stopping:
            raise Busy("The service is being restarted. Try again in a moment.")
        key = batches.new_key()
        claim = await self._claim(course.id, key)
        try:
            batch = await self._store.write(
                lambda db: batches.create(
                    db,
                    key=key,
                    course_id=course.id,
                    name=full_name,
                    requested_by=requested_by,
                    include_hidden=include_hidden,
                    students=usernames,
                )
            )
        except BaseException:
            claim.release()
            raise
        return self._run(batch, claim)

    async def get(self, batch_id: int, course_id: int | None = None) -> Batch:
        """The batch as it stands now. Raises BatchNotFound."""
        live = self._live.get(batch_id)
        if live is not None and course_id in (None, live.batch.course_id):
            return live.batch
        return await self._store.read(lambda db: batches.get(db, batch_id, course_id))

    async def recent(self, course_id: int) -> list[Batch]:
        """The newest batches of a course, newest first."""
        found = await self._store.read(lambda db: batches.of_course(db, course_id))
        return [self._live[batch.id].batch if batch.id in self._live else batch for batch in found]

    async def wait(self, batch_id: int) -> Batch:
        """Waits until nothing of the batch is left to do, and returns it. Raises BatchNotFound."""
        live = self._live.get(batch_id)
        if live is None:
            async for _ in self.events(batch_id):
                pass
            return await self.get(batch_id)
        await live.ended.wait()
        return live.batch

    async def events(self, batch_id: int) -> AsyncGenerator[list[BatchItem], None]:
        """First every item of the batch, then those that changed, until all have ended.

        A slow reader gets fewer, newer states; nothing is kept for it.
        """
        live = self._live.get(batch_id)
        if live is None:
            events = follow(partial(self.get, batch_id), self._is_run)
        else:
            events = live.events()
        async for items in events:
            yield items

    def _is_run(self, batch: Batch) -> bool:
        try:
            return claims.is_taken(self._find_course(batch.course_id).root, batch.key)
        except CourseNotFound:
            return False

    async def retry(self, batch: Batch) -> Batch:
        """Runs again what failed or was cancelled. Raises BatchRunning."""
        return await self._again(batch, frozenset(ItemState) - {ItemState.DONE})

    async def cancel(self, batch: Batch) -> Batch:
        """Stops what is not done yet; harmless when nothing is left to do.

        Raises BatchRunning when another process is at it.
        """
        if batch.id not in self._live and batch.state == "running":
            await self._again(batch, _UNFINISHED)  # of a process that was killed: ours, to end it
        live = self._live.get(batch.id)
        if live is not None:
            await live.cancel()
        return await self.get(batch.id)

    async def resume(self) -> None:
        """Goes on with what was queued or running when the service ended."""
        for batch in await self._store.read(batches.unfinished):
            try:
                await self._again(batch, _UNFINISHED)
            except BatchRunning as error:
                self.log.info("Batch %d (%s): %s", batch.id, batch.name, error.message)
            else:
                self.log.warning("Going on with batch %d (%s)", batch.id, batch.name)

    async def _again(self, batch: Batch, states: Set[ItemState]) -> Batch:
        """Runs the captures of a batch once more that are in these states. Raises BatchRunning."""
        live = self._live.get(batch.id)
        if live is None:
            claim = await self._claim(batch.course_id, batch.key)
            try:
                batch = await self.get(batch.id)  # as who had it before has left it
            except BaseException:
                claim.release()
                raise
        elif live.ended.is_set():
            claim, batch = live.claim, live.batch
        else:
            raise BatchRunning("The batch is still running. Wait for its end, or cancel it.")
        items = [item for item in batch.items if item.state in states]
        return self._run(queued(batch, items), claim, again=True)

    async def _claim(self, course_id: int, key: str) -> Claim:
        """Makes the batch of that key ours. Raises BatchRunning when another process has it.

        Without its storage no batch can be claimed; its captures will say what is wrong.
        """

        def take() -> Claim:
            course = self._find_course(course_id)
            self._snapshots.check_root(course)
            return claims.take(course.root, key)

        try:
            return await asyncio.to_thread(take)
        except (CourseNotFound, StorageUnavailable, OSError):
            self.log.debug("A batch can't be claimed", exc_info=True)
            return Claim()

    async def stop(self) -> None:
        """Stops everything; queued and running captures are resumed at the next start."""
        self._stopping = True
        await asyncio.gather(*(live.cancel() for live in self._live.values()))
        await self._journal.close()
        for live in self._live.values():
            live.claim.release()

    def _run(self, batch: Batch, claim: Claim, *, again: bool = False) -> Batch:
        if self._stopping:
            claim.release()
            return batch  # the database has it, for the next start
        live = self._live[batch.id] = LiveBatch(batch, claim, again=again)
        for item in batch.items:
            if item.state not in ENDED:
                self._journal.note(batch.id, item)
                task = asyncio.create_task(self._capture(live, item))
                live.tasks.add(task)
                task.add_done_callback(partial(self._captured, live, item.student))
        if not live.tasks:
            self._end(live)
        return batch

    async def _capture(self, live: LiveBatch, item: BatchItem) -> BatchItem:
        """Runs one capture; the item as it is then. A failure is raised."""
        batch, student = live.batch, item.student
        course = self._find_course(batch.course_id)
        running = replace(item, state=ItemState.RUNNING, attempts=item.attempts + 1)

        def started() -> None:
            nonlocal running
            running = replace(running, began_at=utc_now())
            self._set(live, running)

        if live.checked is None:  # once for all, who then take their turns in the order they have
            live.checked = asyncio.create_task(self._check(live, course))
        if student in await asyncio.shield(live.checked):
            raise StudentNotFound("This is no student of the course any more.")
        job = self._job(course, batch, student)
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
        self._journal.note(batch.id, done, Taken(course, batch, student))
        return done

    async def _check(self, live: LiveBatch, course: Course) -> Set[str]:
        """Who is not to be captured, when the captures have a place to go to."""
        await asyncio.to_thread(self._snapshots.check_root, course)
        if not live.again:
            return frozenset()
        try:
            return await self._left(course)
        except SnapshotsError as error:
            self.log.warning("Who has left %s can't be told: %s", course.code, error.message)
            return frozenset()

    def _captured(self, live: LiveBatch, student: str, task: asyncio.Task[BatchItem]) -> None:
        """Called when the task of one capture has ended, however it did."""
        live.tasks.discard(task)
        error = CaptureCancelled("") if task.cancelled() else task.exception()
        if error is None:
            item = task.result()
        elif self._stopping and isinstance(error, (CaptureCancelled, WorkerLost)):
            item = requeued(live.items[student])
        else:
            item = self._failed(live, student, error)
        self._set(live, item)
        if item.state in ENDED:
            CAPTURES.labels(item.state.value).inc()
            if item.began_at is not None and item.ended_at is not None:
                CAPTURE_SECONDS.observe((item.ended_at - item.began_at).total_seconds())
        if not live.tasks:
            self._end(live)

    def _failed(self, live: LiveBatch, student: str, error: BaseException) -> BatchItem:
        item = replace(live.items[student], ended_at=utc_now())
        if isinstance(error, CaptureCancelled):
            return replace(item, state=ItemState.CANCELLED)
        code, message = "internal_error", "The log of the service says what happened."
        if isinstance(error, SnapshotsError):
            code, message = error.code, error.message
            self.log.warning("Capture of %r in batch %d: %s", student, live.batch.id, message)
        else:
            self.log.error("Capture of %r failed", student, exc_info=error)
        return replace(item, state=ItemState.FAILED, error_code=code, error=message)

    def _set(self, live: LiveBatch, item: BatchItem) -> None:
        live.set(item)
        self._journal.note(live.batch.id, item)

    def _end(self, live: LiveBatch) -> None:
        done = [item for item in live.items.values() if item.state is ItemState.DONE]
        if len(done) > 1 and not any(item.files for item in done):
            self.log.error(
                "All %d homes of batch %d were empty. Is the disk of the homes mounted?",
                len(done),
                live.batch.id,
            )
        live.end()
        self._drop_ended()

    def _drop_ended(self) -> None:
        """Forgets batches about which the database knows everything."""
        for batch_id, live in list(self._live.items()):
            if live.ended.is_set() and not self._journal.holds(batch_id):
                del self._live[batch_id]
                live.claim.release()

    def _job(self, course: Course, batch: Batch, student: str) -> CaptureJob:
        home = self._volumes.home(course, student)
        digest = hashlib.sha256(student.encode()).hexdigest()[:16]
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
            timeout_seconds=self.timeout_seconds,
            attempts=self.copy_attempts,
            max_file_bytes=self.max_file_bytes,
            max_bytes=self.max_snapshot_bytes,
            requested_at=batch.requested_at.isoformat().replace("+00:00", "Z"),
            extra={"course": course.code, "by": batch.requested_by},
        )


def today(course: Course) -> date:
    """The date in the course's time zone."""
    return datetime.now(ZoneInfo(course.time_zone)).date()
