"""Snapshots that take themselves: what is due is planned from the database, and taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from traitlets import Bool, Float
from traitlets.config import Configurable, LoggingConfigurable

from .aftercare import Aftercare
from .audit import AuditLog
from .batches import BatchManager
from .clock import Clock, SteadyClock
from .core.access import Action
from .core.assignments import DateInputs
from .core.captures import (
    Enrolled,
    Kind,
    Occasion,
    Plan,
    Wanted,
    capture_name,
    due,
    next_instant,
    plan,
)
from .core.records import AuditEvent, Batch, Course
from .errors import AlreadyTaken, SnapshotsError
from .metrics import CAPTURE_DELAY_SECONDS
from .roster import Roster
from .store import Store, captures
from .store.assignments import date_inputs

#: Names that are tried before a capture is given one that somebody may have.
_MOST_NUMBERS = 50
#: How often a plan is made anew because somebody else was quicker.
_MOST_ROUNDS = 100
#: How long others wait for a part that hangs.
_PATIENCE_SECONDS = 3.0
#: Shortest time between two looks at when a chore is due.
_CHORE_SECONDS = 1.0


class _Planned(NamedTuple):
    """A course's plan, and the revision of the dates from which it was made."""

    revision: int
    inputs: DateInputs
    captures: Plan


class Chore(Protocol):
    """Something that has to be done at certain times, beside captures."""

    async def next_due(self, now: datetime) -> datetime | None:
        """When there is something to do; None for never, the past for now."""

    async def run_due(self, now: datetime) -> int:
        """Does what is due; how much that was."""


class DeadlineScheduler(LoggingConfigurable):
    """Takes a snapshot of every student at the student's own deadline.

    Nothing of what it knows is its own: what is due follows from the dates and the captures in
    the database, so that a restart goes on where the last run ended, and several processes on one
    database take each capture once.

    Parameters:
        chores: what else has its time; run beside the captures, which wait for none of them.
    """

    enabled = Bool(True, help="Whether snapshots are taken at deadlines by themselves.").tag(
        config=True
    )
    warm_up_minutes = Float(
        10.0,
        min=0,
        help="""How long before a student's deadline an early snapshot is taken, in minutes.

        It makes the one at the deadline small and quick, and is removed afterwards. 0 for none.
        """,
    ).tag(config=True)
    poll_seconds = Float(
        15.0,
        min=1,
        help="How often it is looked what other processes changed, in seconds.",
    ).tag(config=True)
    roster_seconds = Float(
        300.0,
        min=1,
        help="How often the courses' members are read, in seconds; also shortly before deadlines.",
    ).tag(config=True)
    roster_lead_seconds = Float(
        30.0, min=0, help="How long before a deadline the members are read anew, in seconds."
    ).tag(config=True)
    settle_seconds = Float(
        30.0,
        min=0,
        help="How long nothing is taken after the machine's clock jumped, in seconds.",
    ).tag(config=True)

    def __init__(
        self,
        *,
        store: Store,
        roster: Roster,
        batches: BatchManager,
        audit: AuditLog,
        aftercare: Aftercare,
        chores: tuple[Chore, ...] = (),
        clock: Clock | None = None,
        parent: Configurable | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self._store = store
        self._roster = roster
        self._batches = batches
        self._audit = audit
        self._aftercare = aftercare
        self._chores = chores
        self._clock = clock or Clock()
        self._steady = SteadyClock(self._clock, self.settle_seconds, self.log)
        self._woken = asyncio.Event()
        self._plans: dict[int, _Planned] = {}
        self._rosters_read: dict[int, float] = {}
        self._running: dict[object, asyncio.Task[datetime | None]] = {}
        self._chores_run: set[Chore] = set()
        self._chores_seen: dict[Chore, float] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        batches.ended.append(aftercare.ended)
        aftercare.wake = self.wake

    def start(self) -> None:
        """Goes on in the background until it is stopped."""
        self._aftercare.begin(self._roster.courses)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends it; captures that have begun are the batches' own."""
        # Before Python 3.12 a wait that ends just when it is cancelled is not cancelled at all.
        self._stopping = True
        tasks = [
            *self._background,
            *self._running.values(),
            *([self._task] if self._task is not None else []),
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._aftercare.stop()

    def wake(self) -> None:
        """Something changed that may be due."""
        self._woken.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                seconds = await self.step()
            except Exception:
                self.log.exception("What is due could not be looked at; trying again soon")
                seconds = self.poll_seconds
            await self._clock.wait(self._woken, seconds)

    async def step(self) -> float:
        """Takes all that is due, and returns after how many seconds to look again."""
        now = self._steady.now()
        if now is None:
            return min(self.poll_seconds, self._steady.doubtful_seconds + 0.01)
        parts: dict[object, Callable[[], Coroutine[Any, Any, datetime | None]]] = {
            "take over": self._batches.take_over,
            "aftercare": lambda: self._look_after(now),
        }
        if self.enabled:
            revisions = await self._store.read(captures.revisions)
            for course in self._roster.courses:
                parts[course.code,] = partial(self._step_course, course, revisions, now)
        for chore in self._chores:
            parts[chore] = partial(self._step_chore, chore, now)
        instants = await self._run_parts(parts)
        coming = [(at - self._clock.now()).total_seconds() for at in instants if at is not None]
        return max(0.0, min([self.poll_seconds, *coming]))

    async def _run_parts(
        self, parts: Mapping[object, Callable[[], Coroutine[Any, Any, datetime | None]]]
    ) -> list[datetime | None]:
        """Runs what is not still running, and returns what it answers; one fault stops no other.

        What hangs, as on storage that is gone, is left behind, and skipped until it ends.
        """
        for name, work in parts.items():
            if name not in self._running:
                self._running[name] = asyncio.create_task(work())
        await asyncio.wait(self._running.values(), timeout=_PATIENCE_SECONDS)
        answers = []
        for name, task in list(self._running.items()):
            if not task.done():
                task.add_done_callback(lambda _: self.wake())
                self.log.warning("Looking at %s takes long", name)
                continue
            del self._running[name]
            error = task.exception()
            if error is None:
                answers.append(task.result())
            elif isinstance(error, SnapshotsError):
                self.log.warning("%s: %s Trying again soon.", name, error.message)
            else:
                self.log.error("%s can't be looked at; trying again soon", name, exc_info=error)
        return answers

    async def _look_after(self, now: datetime) -> datetime | None:
        seconds = await self._aftercare.look(now, self._clock.monotonic())
        return now + timedelta(seconds=seconds) if seconds is not None else None

    async def _step_chore(self, chore: Chore, now: datetime) -> datetime | None:
        """Has a chore done that is due; when it is looked at again at the latest."""
        steady = self._clock.monotonic()
        wait = self._chores_seen.get(chore, steady) - steady
        if wait > 0:
            return now + timedelta(seconds=wait)
        self._chores_seen[chore] = steady + _CHORE_SECONDS
        coming = await chore.next_due(now)
        if coming is None or coming > now:
            return coming
        if chore not in self._chores_run:
            self._chores_run.add(chore)
            self._in_background(self._run_chore(chore, now))
        return None

    async def _run_chore(self, chore: Chore, now: datetime) -> None:
        try:
            await chore.run_due(now)
        except Exception:
            self.log.exception("A chore failed; it is looked at again soon")
        finally:
            self._chores_run.discard(chore)

    async def _step_course(
        self, course: Course, revisions: dict[int, int], now: datetime
    ) -> datetime | None:
        """Takes what is due in one course; when to look at it again at the latest."""
        self._read_roster(course, now)
        revision = revisions.get(course.id, 0)
        found = self._plans.get(course.id)
        if found is None or found.revision != revision:
            found = await self._make_plan(course)
        for _ in range(_MOST_ROUNDS):
            ready = await self._ready(course, found, now)
            if not ready:
                break
            for assignment_id, each, students in ready:
                await self._take(course, found.inputs, assignment_id, each, students, now)
            for assignment_id in {one[0] for one in ready}:
                found = await self._make_plan(course, found, assignment_id)
        coming = next_instant(found.captures, now)
        if coming is None:
            return None
        lead = coming - timedelta(seconds=self.roster_lead_seconds)
        return lead if lead > now else coming

    def _read_roster(self, course: Course, now: datetime) -> None:
        """Has the members read from where they come from, now and then and before a deadline.

        Nobody waits for it: a hub that does not answer holds up no deadline.
        """
        known = self._plans.get(course.id)
        coming = next_instant(known.captures, now) if known is not None else None
        soon = coming is not None and (coming - now).total_seconds() <= self.roster_lead_seconds
        age = self._clock.monotonic() - self._rosters_read.get(course.id, float("-inf"))
        if age >= (self.roster_lead_seconds if soon else self.roster_seconds):
            self._rosters_read[course.id] = self._clock.monotonic()
            self._in_background(self._refresh(course))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _refresh(self, course: Course) -> None:
        try:
            await self._roster.refresh(course, fresh=True)
        except SnapshotsError as error:
            self.log.warning("The members of %s can't be read: %s", course.code, error.message)
        self.wake()

    async def _make_plan(
        self, course: Course, known: _Planned | None = None, assignment_id: int | None = None
    ) -> _Planned:
        """Plans a course anew, or one assignment of a plan that is known."""

        def make(db: Session) -> _Planned:
            revision = captures.revisions(db).get(course.id, 0)
            inputs = date_inputs(db, course.id, assignment_id)
            return _Planned(revision, inputs, self._plan(db, course, inputs, assignment_id))

        made = await self._store.read(make)
        if known is not None:
            kept = {key: value for key, value in known.captures.items() if key[0] != assignment_id}
            # Not the new revision: what else it changed is not in this plan.
            made = known._replace(captures={**kept, **made.captures})
        self._plans[course.id] = made
        return made

    def _plan(
        self, db: Session, course: Course, inputs: DateInputs, assignment_id: int | None
    ) -> Plan:
        taken = captures.taken(db, course.id, assignment_id)
        warm_up = timedelta(minutes=self.warm_up_minutes)
        return plan(inputs, captures.enrolled(db, course.id), taken, warm_up)

    async def _ready(
        self, course: Course, found: _Planned, now: datetime
    ) -> list[tuple[int, Wanted, list[Enrolled]]]:
        """What is to be taken now; late captures wait until that of the deadline has ended."""
        ready = due(found.captures, now)
        if any(each.kind is Kind.LATE for _, each, _ in ready):
            busy = await self._store.read(lambda db: captures.unfinished(db, course.id))
            ready = [one for one in ready if one[1].kind is not Kind.LATE or one[0] not in busy]
        return ready

    async def _take(
        self,
        course: Course,
        inputs: DateInputs,
        assignment_id: int,
        each: Wanted,
        students: list[Enrolled],
        now: datetime,
    ) -> None:
        """Starts the captures of one instant, unless somebody else has, or the dates changed."""
        title = inputs.assignments[assignment_id].title
        occasion = Occasion(assignment_id, title, each.kind, each.at)
        name = await self._free_name(course, occasion, students)

        def record(db: Session, batch: Batch) -> None:
            inputs = date_inputs(db, course.id, assignment_id)
            again = self._plan(db, course, inputs, assignment_id)
            if not set(students) <= set(again.get((assignment_id, each), ())):
                raise AlreadyTaken("The dates were changed just now.")
            captures.record(
                db, course.id, occasion, students, batch_id=batch.id, snapshot=name, now=now
            )

        try:
            batch = await self._batches.begin(
                course,
                name,
                [student.username for student in students],
                include_hidden=False,
                requested_by="scheduler",
                occasion=occasion,
                record=record,
            )
        except AlreadyTaken as error:
            self.log.debug("%s %s: %s", course.code, title, error.message)
            return
        late = max(0.0, (now - each.fires).total_seconds())
        CAPTURE_DELAY_SECONDS.observe(late)
        self._tell(course, occasion, batch, students, late, now)

    async def _free_name(self, course: Course, occasion: Occasion, students: list[Enrolled]) -> str:
        """A snapshot's name that none of these students has."""
        zone = ZoneInfo(course.time_zone)
        # The last has a number that nobody counts to.
        numbers = [*range(1, _MOST_NUMBERS), int(time.time())]
        names = [
            capture_name(occasion.title, occasion.kind, occasion.at, zone, number)
            for number in numbers
        ]
        used = await self._store.read(lambda db: captures.names_in_use(db, course.id, names))
        theirs = {student.username for student in students}
        return next((name for name in names if not used[name] & theirs), names[-1])

    def _tell(
        self,
        course: Course,
        occasion: Occasion,
        batch: Batch,
        students: list[Enrolled],
        late: float,
        now: datetime,
    ) -> None:
        """Writes down what was decided, and why."""
        how = f", {late:.0f} s late" if late >= 1 else ""
        count = f"{len(students)} students" if len(students) > 1 else "1 student"
        what = (
            f"{occasion.title}: {occasion.kind.value} of {occasion.at:%Y-%m-%dT%H:%M:%SZ}{how}, "
            f"{count}, batch {batch.id} ({batch.name})"
        )
        (self.log.warning if late >= self.poll_seconds else self.log.info)(
            "%s: %s", course.code, what
        )
        self._audit.add(
            AuditEvent(
                at=now,
                principal="scheduler",
                action=Action.CAPTURE.value,
                course_id=course.id,
                student=students[0].username if len(students) == 1 else None,
                target=what,
                status=202,
            )
        )
