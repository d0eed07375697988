"""Batches: captures of a class or of chosen students, started together and followed one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Set
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from traitlets import Float, Integer
from traitlets.config import Configurable, LoggingConfigurable

from .batch_captures import BatchCaptures, Limits
from .batch_journal import BatchJournal
from .core.captures import Kind, Occasion
from .core.names import is_snapshot_name, snapshot_name, student_folder
from .core.records import ENDED, Batch, BatchItem, Course, ItemState
from .engine import claims
from .engine.claims import Claim
from .errors import (
    BatchRunning,
    Busy,
    CaptureCancelled,
    CourseNotFound,
    InvalidSnapshotName,
    StorageUnavailable,
    WorkerLost,
)
from .executors import Executor
from .live_batch import LiveBatch, follow, queued, requeued
from .snapshots import SnapshotCatalog
from .store import Store, batches
from .volumes import LocalVolumes

_UNFINISHED = frozenset(ItemState) - ENDED
_OUT_OF_REACH = (CourseNotFound, StorageUnavailable, OSError)


class BatchManager(LoggingConfigurable):
    """Starts batches, runs their captures, and remembers where each stands.

    The database has the truth a tenth of a second later; what it misses when the service is
    killed is found again on the disk, because a capture recognises its own snapshot.

    Several processes may share a database. A batch is run by one of them, which holds a claim on
    it; the others follow it in the database.

    Parameters:
        left: who of a course's people are not, or no more, its students; asked before a batch is
            gone on with.

    Attributes:
        ended: each is called with a batch that was run here, once nothing of it is left to do and
            the database knows all of it.
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
        self.ended: list[Callable[[Batch], None]] = []
        self._store = store
        self._snapshots = snapshots
        self._find_course = find_course
        self._live: dict[int, LiveBatch] = {}
        self._journal = BatchJournal(store, snapshots, self.log, self._drop_ended)
        self._captures = BatchCaptures(
            store=store,
            executor=executor,
            volumes=volumes,
            snapshots=snapshots,
            journal=self._journal,
            find_course=find_course,
            left=left,
            limits=self._limits,
            log=self.log,
        )
        self._stopping = False

    @property
    def busy(self) -> bool:
        """Whether there is a batch here that has not ended, or is not noted yet."""
        return bool(self._live)

    def _limits(self) -> Limits:
        return Limits(
            timeout_seconds=self.timeout_seconds,
            attempts=self.copy_attempts,
            max_file_bytes=self.max_file_bytes,
            max_bytes=self.max_snapshot_bytes,
        )

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
        return await self.begin(
            course,
            snapshot_name(name, today(course)),
            students,
            include_hidden=include_hidden,
            requested_by=requested_by,
        )

    async def begin(
        self,
        course: Course,
        full_name: str,
        students: Iterable[str],
        *,
        include_hidden: bool,
        requested_by: str,
        occasion: Occasion | None = None,
        record: Callable[[Session, Batch], None] | None = None,
    ) -> Batch:
        """Starts captures of these students under a name that has its date already.

        Parameters:
            occasion: what they are for. A late capture that holds what the student's latest
                snapshot of the deadline holds is not kept.
            record: called in the transaction that makes the batch; what it raises leaves nothing
                behind and is raised here.

        Raises InvalidName, Busy when the service is stopping.
        """
        usernames = [student_folder(student) for student in dict.fromkeys(students)]
        if not is_snapshot_name(full_name):
            raise InvalidSnapshotName("This can't be the name of a snapshot.")
        if self._stopping:
            raise Busy("The service is being restarted. Try again in a moment.")
        key = batches.new_key()
        claim = await self._claim(course.id, key)

        def create(db: Session) -> Batch:
            made = batches.create(
                db,
                key=key,
                course_id=course.id,
                name=full_name,
                requested_by=requested_by,
                include_hidden=include_hidden,
                students=usernames,
                occasion=occasion,
            )
            if record is not None:
                record(db, made)
            return made

        try:
            batch = await self._store.write(create)
        except BaseException:
            claim.release()
            raise
        return self._run(batch, claim)

    async def get(self, batch_id: int, course_id: int | None = None) -> Batch:
        """The batch as it stands now. Raises BatchNotFound."""
        live = self._live.get(batch_id)
        if live is not None and course_id in (None, live.begun.course_id):
            return live.batch
        return await self._store.read(lambda db: batches.get(db, batch_id, course_id))

    async def recent(self, course_id: int, kind: Kind | None = None) -> list[Batch]:
        """The newest batches of a course, newest first: of one kind, or all but warm-ups."""
        before = dict(self._live)  # of one that ends meanwhile, what was read is older
        found = await self._store.read(lambda db: batches.of_course(db, course_id, kind))
        live = before | self._live
        return [live[batch.id].batch if batch.id in live else batch for batch in found]

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

    async def retry(self, batch: Batch, students: Set[str] | None = None) -> Batch:
        """Runs again what failed or was cancelled, of all or of these. Raises BatchRunning."""
        return await self._again(batch, frozenset(ItemState) - {ItemState.DONE}, students)

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

    async def take_over(self) -> None:
        """Goes on with unfinished batches that no living process runs; may be called at any time.

        One whose snapshots can't be reached is left for later.
        """
        for batch in await self._store.read(lambda db: batches.unfinished(db, but=set(self._live))):
            if self._stopping or batch.id in self._live:
                continue
            try:
                claim = await self._take_claim(batch.course_id, batch.key)
            except (BatchRunning, *_OUT_OF_REACH):
                continue
            now = await self._claimed(batch.id, claim)
            if now.state == "running":
                self.log.warning("Taking over batch %d (%s)", now.id, now.name)
                items = [item for item in now.items if item.state in _UNFINISHED]
                self._run(queued(now, items), claim, again=True)
            else:
                claim.release()

    async def _again(
        self, batch: Batch, states: Set[ItemState], students: Set[str] | None = None
    ) -> Batch:
        """Runs the captures of a batch once more that are in these states. Raises BatchRunning."""
        live = self._live.get(batch.id)
        if live is None:
            claim = await self._claim(batch.course_id, batch.key)
            batch = await self._claimed(batch.id, claim)
        elif live.ended.is_set():
            claim, batch = live.claim, live.batch
        else:
            raise BatchRunning("The batch is still running. Wait for its end, or cancel it.")
        items = [
            item
            for item in batch.items
            if item.state in states and (students is None or item.student in students)
        ]
        return self._run(queued(batch, items), claim, again=True)

    async def _claim(self, course_id: int, key: str) -> Claim:
        """Makes the batch of that key ours. Raises BatchRunning when another process has it.

        Without its storage no batch can be claimed; its captures will say what is wrong.
        """
        try:
            return await self._take_claim(course_id, key)
        except _OUT_OF_REACH:
            self.log.debug("A batch can't be claimed", exc_info=True)
            return Claim()

    async def _take_claim(self, course_id: int, key: str) -> Claim:
        def take() -> Claim:
            course = self._find_course(course_id)
            self._snapshots.check_root(course)
            return claims.take(course.root, key)

        return await asyncio.to_thread(take)

    async def _claimed(self, batch_id: int, claim: Claim) -> Batch:
        """The batch as who had it before has left it."""
        try:
            return await self.get(batch_id)
        except BaseException:
            claim.release()
            raise

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
                task = asyncio.create_task(self._captures.take(live, item))
                live.tasks.add(task)
                task.add_done_callback(partial(self._captured, live, item.student))
        if not live.tasks:
            self._end(live)
        return batch

    def _captured(self, live: LiveBatch, student: str, task: asyncio.Task[BatchItem]) -> None:
        """Called when the task of one capture has ended, however it did."""
        live.tasks.discard(task)
        error = CaptureCancelled("") if task.cancelled() else task.exception()
        if error is None:
            item = task.result()
        elif self._stopping and isinstance(error, (CaptureCancelled, WorkerLost)):
            item = requeued(live.items[student])
        else:
            item = self._captures.failed(live, student, error)
        self._set(live, item)
        if item.state in ENDED:
            self._captures.count(item)
        if not live.tasks:
            self._end(live)

    def _set(self, live: LiveBatch, item: BatchItem) -> None:
        live.set(item)
        self._journal.note(live.begun.id, item)

    def _end(self, live: LiveBatch) -> None:
        done = [item for item in live.items.values() if item.state is ItemState.DONE]
        if len(done) > 1 and not any(item.files for item in done):
            self.log.error(
                "All %d homes of batch %d were empty. Is the disk of the homes mounted?",
                len(done),
                live.begun.id,
            )
        live.end()
        self._drop_ended()

    def _drop_ended(self) -> None:
        """Forgets batches about which the database knows everything."""
        for batch_id, live in list(self._live.items()):
            if live.ended.is_set() and not self._journal.holds(batch_id):
                del self._live[batch_id]
                live.claim.release()
                for tell in self.ended if not self._stopping else ():
                    tell(live.batch)


def today(course: Course) -> date:
    """The date in the course's time zone."""
    return datetime.now(ZoneInfo(course.time_zone)).date()
