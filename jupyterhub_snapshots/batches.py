"""Batches: captures of a class or of chosen students, started together and followed one by one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterable
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
from .engine import CaptureJob, CaptureResult
from .errors import BatchRunning, Busy, CaptureCancelled, SnapshotsError, WorkerLost
from .executors import Executor
from .live_batch import LiveBatch
from .metrics import CAPTURE_SECONDS, CAPTURES
from .snapshots import SnapshotCatalog, lock_path
from .store import Store, batches
from .store.database import utc_now
from .volumes import LocalVolumes


class BatchManager(LoggingConfigurable):
    """Starts batches, runs their captures, and remembers where each stands.

    The database has the truth a tenth of a second later; what it misses when the service is
    killed is found again on the disk, because a capture recognises its own snapshot.
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
        parent: Configurable | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self._store = store
        self._executor = executor
        self._volumes = volumes
        self._snapshots = snapshots
        self._find_course = find_course
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
        batch = await self._store.write(
            lambda db: batches.create(
                db,
                course_id=course.id,
                name=full_name,
                requested_by=requested_by,
                include_hidden=include_hidden,
                students=usernames,
            )
        )
        self._run(batch)
        return batch

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
            return await self.get(batch_id)
        await live.ended.wait()
        return live.batch

    async def events(self, batch_id: int) -> AsyncGenerator[list[BatchItem], None]:
        """First every item of the batch, then those that changed, until all have ended.

        A slow reader gets fewer, newer states; nothing is kept for it.
        """
        live = self._live.get(batch_id)
        if live is None:
            yield list((await self.get(batch_id)).items)
            return
        async for items in live.events():
            yield items

    async def retry(self, batch: Batch) -> Batch:
        """Runs again what failed or was cancelled. Raises BatchRunning."""
        live = self._live.get(batch.id)
        if live is not None and not live.ended.is_set():
            raise BatchRunning("The batch is still running. Wait for its end, or cancel it.")
        again = (ItemState.FAILED, ItemState.CANCELLED)
        items = (live.batch if live is not None else batch).items
        return self._run(_queued(batch, [item for item in items if item.state in again]))

    async def cancel(self, batch: Batch) -> Batch:
        """Stops what is not done yet; harmless when nothing is left to do."""
        live = self._live.get(batch.id)
        if live is not None:
            await live.cancel()
        return await self.get(batch.id)

    async def resume(self) -> None:
        """Goes on with what was queued or running when the service ended."""
        for batch in await self._store.read(batches.unfinished):
            self.log.warning("Going on with batch %d (%s)", batch.id, batch.name)
            self._run(_queued(batch, [item for item in batch.items if item.state not in ENDED]))

    async def stop(self) -> None:
        """Stops everything; queued and running captures are resumed at the next start."""
        self._stopping = True
        await asyncio.gather(*(live.cancel() for live in self._live.values()))
        await self._journal.close()

    def _run(self, batch: Batch) -> Batch:
        if self._stopping:
            return batch  # the database has it, for the next start
        live = self._live[batch.id] = LiveBatch(batch)
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
            check = asyncio.to_thread(self._snapshots.check_root, course)
            live.checked = asyncio.create_task(check)
        await asyncio.shield(live.checked)
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

    def _captured(self, live: LiveBatch, student: str, task: asyncio.Task[BatchItem]) -> None:
        """Called when the task of one capture has ended, however it did."""
        live.tasks.discard(task)
        error = CaptureCancelled("") if task.cancelled() else task.exception()
        if error is None:
            item = task.result()
        elif self._stopping and isinstance(error, (CaptureCancelled, WorkerLost)):
            item = _requeued(live.items[student])
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


def _queued(batch: Batch, items: Iterable[BatchItem]) -> Batch:
    """The batch with these of its items waiting for their turn."""
    again = {item.student for item in items}
    return replace(
        batch,
        items=tuple(_requeued(item) if item.student in again else item for item in batch.items),
    )


def _requeued(item: BatchItem) -> BatchItem:
    """As it was before it was tried, but for the number of attempts."""
    return BatchItem(student=item.student, attempts=item.attempts)


def today(course: Course) -> date:
    """The date in the course's time zone."""
    return datetime.now(ZoneInfo(course.time_zone)).date()
