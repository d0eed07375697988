"""Batches: captures of a class or of chosen students, started together and followed one by one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from traitlets import Float, Integer
from traitlets.config import Configurable, LoggingConfigurable

from .core.names import snapshot_name, student_folder
from .core.records import ENDED, Batch, BatchItem, Course, ItemState, Snapshot
from .engine import CaptureJob
from .errors import BatchRunning, SnapshotsError
from .executors import Executor
from .live_batch import LiveBatch
from .metrics import CAPTURE_SECONDS, CAPTURES
from .snapshots import SnapshotCatalog, lock_path
from .store import Store, batches, catalog
from .store.database import utc_now
from .volumes import LocalVolumes

_SAVE_SECONDS = 0.1


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
        self._dirty: set[tuple[int, str]] = set()
        self._taken: list[tuple[int, Snapshot]] = []
        self._saver: asyncio.Task[None] | None = None

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

        Raises InvalidName.
        """
        full_name = snapshot_name(name, today(course))
        usernames = [student_folder(student) for student in students]
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
        if live is not None:
            await live.ended.wait()
        return await self.get(batch_id)

    async def events(self, batch_id: int) -> AsyncIterator[list[BatchItem]]:
        """First every item of the batch, then those that changed, until all have ended.

        A slow reader gets fewer, newer states; nothing is kept for it.
        """
        live = self._live.get(batch_id)
        if live is None:
            yield list((await self.get(batch_id)).items)
            return
        with live.watch() as watch:
            yield list(live.items.values())
            while not live.ended.is_set() or watch.changed:
                await watch.event.wait()
                watch.event.clear()
                changed, watch.changed = watch.changed, set()
                if changed:
                    yield [live.items[student] for student in sorted(changed)]

    async def retry(self, batch: Batch) -> Batch:
        """Runs again what failed or was cancelled. Raises BatchRunning."""
        if batch.id in self._live:
            raise BatchRunning("The batch is still running. Wait for its end, or cancel it.")
        again = {ItemState.FAILED, ItemState.CANCELLED}
        items = tuple(
            replace(item, state=ItemState.QUEUED) if item.state in again else item
            for item in batch.items
        )
        batch = replace(batch, items=items)
        self._run(batch)
        return batch

    async def cancel(self, batch: Batch) -> Batch:
        """Stops what is not done yet; harmless when nothing is left to do."""
        live = self._live.get(batch.id)
        if live is not None:
            for task in live.tasks:
                task.cancel()
            await live.ended.wait()
        return await self.get(batch.id)

    async def resume(self) -> None:
        """Goes on with what was queued or running when the service ended."""
        for batch in await self._store.read(batches.unfinished):
            self.log.warning("Going on with batch %d (%s)", batch.id, batch.name)
            items = tuple(
                item if item.state in ENDED else replace(item, state=ItemState.QUEUED)
                for item in batch.items
            )
            self._run(replace(batch, items=items))

    async def stop(self) -> None:
        """Stops everything; queued and running captures are resumed at the next start."""
        for live in list(self._live.values()):
            live.stopping = True
            for task in live.tasks:
                task.cancel()
        await asyncio.gather(
            *(task for live in list(self._live.values()) for task in live.tasks),
            return_exceptions=True,
        )
        if self._saver is not None:
            await self._saver

    def _run(self, batch: Batch) -> None:
        live = self._live[batch.id] = LiveBatch(batch)
        todo = [item.student for item in batch.items if item.state not in ENDED]
        self._dirty.update((batch.id, student) for student in todo)
        if not todo:
            live.ended.set()
            del self._live[batch.id]
        for student in todo:
            task = asyncio.create_task(self._capture(live, student))
            live.tasks.add(task)
            task.add_done_callback(live.tasks.discard)

    async def _capture(self, live: LiveBatch, student: str) -> None:
        batch = live.batch
        item = replace(live.items[student], error=None, error_code=None, outcome=None)

        def started() -> None:
            self._set(
                live,
                replace(
                    live.items[student],
                    state=ItemState.RUNNING,
                    attempts=item.attempts + 1,
                    began_at=utc_now(),
                    ended_at=None,
                    error=None,
                    error_code=None,
                ),
            )

        try:
            course = self._find_course(batch.course_id)
            result = await self._executor.submit(
                self._job(course, batch, student), course.code, started
            )
            taken = await asyncio.to_thread(
                self._snapshots.describe, course, student, result.snapshot
            )
            self._taken.extend(
                (inode, replace(snapshot, batch_id=batch.id)) for inode, snapshot in taken
            )
            ending = replace(
                live.items[student],
                state=ItemState.DONE,
                outcome=result.state,
                problem_count=result.problem_count,
                files=result.files,
                bytes=result.bytes,
                copied_bytes=result.copied_bytes,
            )
        except asyncio.CancelledError:
            state = ItemState.QUEUED if live.stopping else ItemState.CANCELLED
            ending = replace(live.items[student], state=state)
        except SnapshotsError as error:
            ending = self._failed(live, student, error.code, error.message)
        except Exception:
            self.log.exception("Capture of %r failed", student)
            ending = self._failed(
                live, student, "internal_error", "The log of the service says what happened."
            )
        now = utc_now()
        if ending.began_at is not None:
            CAPTURE_SECONDS.observe((now - ending.began_at).total_seconds())
        CAPTURES.labels(ending.state.value).inc()
        self._set(live, replace(ending, ended_at=now if ending.state in ENDED else None))
        if all(each.state in ENDED or live.stopping for each in live.items.values()):
            await self._end(live)

    def _failed(self, live: LiveBatch, student: str, code: str, message: str) -> BatchItem:
        self.log.warning("Capture of %r in batch %d: %s", student, live.batch.id, message)
        return replace(live.items[student], state=ItemState.FAILED, error_code=code, error=message)

    async def _end(self, live: LiveBatch) -> None:
        if live.batch.id not in self._live or self._live[live.batch.id] is not live:
            return
        done = [item for item in live.items.values() if item.state is ItemState.DONE]
        if len(done) > 1 and not any(item.files for item in done):
            self.log.error(
                "All %d homes of batch %d were empty. Is the disk of the homes mounted?",
                len(done),
                live.batch.id,
            )
        with contextlib.suppress(SnapshotsError):
            await self._save()
        self._live.pop(live.batch.id, None)
        live.ended.set()
        live.wake(None)

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

    def _set(self, live: LiveBatch, item: BatchItem) -> None:
        live.items[item.student] = item
        live.wake(item.student)
        self._dirty.add((live.batch.id, item.student))
        if self._saver is None or self._saver.done():
            self._saver = asyncio.create_task(self._save_soon())

    async def _save_soon(self) -> None:
        while self._dirty:
            await asyncio.sleep(_SAVE_SECONDS)
            try:
                await self._save()
            except SnapshotsError as error:
                self.log.warning("The state of batches could not be saved yet: %s", error)

    async def _save(self) -> None:
        dirty, self._dirty = self._dirty, set()
        taken, self._taken = self._taken, []
        items = [
            (batch_id, self._live[batch_id].items[student])
            for batch_id, student in dirty
            if batch_id in self._live
        ]

        def save(db: Session) -> None:
            for batch_id, item in items:
                batches.save_item(db, batch_id, item)
            catalog.put(db, taken)

        try:
            await self._store.write(save)
        except BaseException:
            self._dirty |= dirty
            self._taken = taken + self._taken
            raise


def today(course: Course) -> date:
    """The date in the course's time zone."""
    return datetime.now(ZoneInfo(course.time_zone)).date()
