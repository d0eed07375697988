"""Documents of assignments on their way into homes, and reports that wait for their release."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeVar

from .audit import AuditLog
from .core.access import Action
from .core.home_deliveries import DeliveryKind, HomeDelivery, Outcome, Parcel, folder_of
from .core.names import check_report_suffix, usable_report_name
from .core.records import AuditEvent, Course, Member
from .errors import (
    CourseNotFound,
    HomeNotFound,
    InvalidName,
    ReportExists,
    SnapshotsError,
    StorageFull,
    StorageUnavailable,
)
from .handing_out import hand_out, holds
from .reports import ReportManager
from .roster import Roster
from .store import Store, due_deliveries
from .store import assignments as assignment_table
from .store import deliveries as table
from .store.database import utc_now
from .volumes import LocalVolumes

#: Homes that are written to at the same time.
_HOMES_AT_ONCE = 8
#: Deliveries that are taken on together. They must end before somebody else may take them on.
_AT_ONCE = 32
_HOME_SECONDS = 25.0
_GONE = "What was to be delivered is gone."
#: What may be otherwise later, without anybody's doing anything about it here.
_PASSING = (HomeNotFound, InvalidName, StorageFull, StorageUnavailable)

Result = TypeVar("Result")


class DeliveryManager:
    """Puts files into homes when their time has come, or when it is asked for.

    Parameters:
        now: the present instant.
    """

    def __init__(
        self,
        *,
        store: Store,
        roster: Roster,
        volumes: LocalVolumes,
        reports: ReportManager,
        audit: AuditLog,
        log: logging.Logger,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._roster = roster
        self._volumes = volumes
        self._reports = reports
        self._audit = audit
        self._log = log
        self.now = now
        self._places = asyncio.Semaphore(_HOMES_AT_ONCE)
        self._threads = ThreadPoolExecutor(_HOMES_AT_ONCE, thread_name_prefix="deliver")

    # What is asked for

    async def deliver(
        self, course: Course, assignment_id: int, students: Collection[Member] | None, by: str
    ) -> list[HomeDelivery]:
        """Puts the assignment's document into these students' homes now; how each went.

        Who has it already gets it once more only if it changed since, or is gone from its place.
        Who has no home gets it later.

        Parameters:
            students: None for all of the course.
            by: who asks for it, for the audit log.

        Raises AssignmentNotFound, DocumentNotFound.
        """
        if students is None:
            students = await self._roster.students(course)
        names = {student.user_id: student.username for student in students}
        parcels = await self._store.write(
            lambda db: table.ask(db, course.id, assignment_id, names, by=by, now=self.now())
        )
        for start in range(0, len(parcels), _AT_ONCE):
            await self._attempt_all(parcels[start : start + _AT_ONCE], self.now)
        found = await self._store.read(
            lambda db: table.list_deliveries(db, course.id, assignment_id, names)
        )
        return [each for each in found if each.kind is DeliveryKind.DOCUMENT]

    async def hold_report(
        self,
        course: Course,
        assignment_id: int,
        student: Member,
        filename: str,
        content: bytes,
        by: str,
    ) -> HomeDelivery | None:
        """Keeps a report until the assignment's reports are released.

        None when they are already, so that nothing has to wait.

        Raises AssignmentNotFound, InvalidName, MissingField (no usable name), RefusedFileType.
        """
        assignment = await self._store.read(
            lambda db: assignment_table.get_assignment(db, course.id, assignment_id)
        )
        now = self.now()
        if assignment.grade_release is None or assignment.grade_release <= now:
            return None
        name = usable_report_name(filename)
        check_report_suffix(name)
        return await self._store.write(
            lambda db: table.hold_report(
                db,
                assignment_table.get_assignment(db, course.id, assignment_id),
                student.user_id,
                student.username,
                filename=name,
                content=content,
                by=by,
                now=now,
            )
        )

    async def of_assignment(self, course: Course, assignment_id: int) -> list[HomeDelivery]:
        """All of an assignment, by student. Raises AssignmentNotFound."""
        return await self._store.read(
            lambda db: table.list_deliveries(db, course.id, assignment_id)
        )

    # What is due

    async def next_due(self, now: datetime | None = None) -> datetime | None:
        """When there is something to deliver at the earliest, which may be past; None for never."""
        instant, courses = now or self.now(), self._course_ids()
        return await self._store.read(lambda db: due_deliveries.next_due(db, courses, instant))

    async def run_due(self, now: datetime | None = None) -> int:
        """Delivers all that is due; how many attempts were made."""
        first, began, courses = now or self.now(), time.monotonic(), self._course_ids()

        def present() -> datetime:
            return first + timedelta(seconds=time.monotonic() - began)

        coming = await self.next_due(first)
        if coming is None or coming > first:
            return 0
        await self._store.write(lambda db: due_deliveries.add_wanted(db, courses, first))
        tried = 0
        while parcels := await self._store.write(
            lambda db: table.claim(db, courses, present(), _AT_ONCE)
        ):
            await self._attempt_all(parcels, present)
            tried += len(parcels)
        return tried

    async def stop(self) -> None:
        """Takes no more homes; what was not finished is taken on again by the next start."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _course_ids(self) -> list[int]:
        return [course.id for course in self._roster.courses]

    # One attempt

    async def _attempt_all(self, parcels: Sequence[Parcel], now: Callable[[], datetime]) -> None:
        contents: dict[int, bytes | None] = {}
        for parcel in parcels:
            if parcel.version_id is not None and parcel.version_id not in contents:
                contents[parcel.version_id] = await self._content(parcel)
        outcomes = await asyncio.gather(*(self._attempt(each, contents) for each in parcels))
        made = list(zip(parcels, outcomes, strict=True))
        instant = now()
        await self._store.write(lambda db: table.finish(db, made, instant))
        for parcel, outcome in made:
            self._tell(parcel, outcome, instant)

    async def _content(self, parcel: Parcel) -> bytes | None:
        return await self._store.read(lambda db: table.content_of(db, parcel))

    async def _attempt(self, parcel: Parcel, contents: dict[int, bytes | None]) -> Outcome:
        """What came of it; nothing is raised."""
        try:
            async with self._places:
                if parcel.version_id is None:
                    content = await self._content(parcel)
                else:
                    content = contents[parcel.version_id]
                if content is None:
                    again = parcel.version_id is not None  # there may be a newer one by then
                    return Outcome(error_code="not_found", error=_GONE, again=again)
                course = self._roster.course(parcel.course_id)
                if parcel.delivery.kind is DeliveryKind.DOCUMENT:
                    return await self._hand_out(course, parcel, content)
                return await self._return(course, parcel, content)
        except asyncio.TimeoutError:
            message = "The home did not answer. It is tried again."
            return Outcome(error_code=StorageUnavailable.code, error=message, again=True)
        except SnapshotsError as error:
            passing = isinstance(error, (*_PASSING, CourseNotFound))
            return Outcome(error_code=error.code, error=error.message, again=passing)
        except Exception:
            self._log.exception("Delivery %d failed", parcel.delivery.id)
            message = "The log of the service says what happened."
            return Outcome(error_code="internal_error", error=message, again=True)

    async def _hand_out(self, course: Course, parcel: Parcel, content: bytes) -> Outcome:
        delivery, folder = parcel.delivery, folder_of(parcel.assignment)
        home = self._volumes.home(course, delivery.student)
        return await self._in_thread(
            lambda: hand_out(home, folder, delivery.filename, content, parcel.had)
        )

    async def _return(self, course: Course, parcel: Parcel, content: bytes) -> Outcome:
        delivery = parcel.delivery
        home = self._volumes.home(course, delivery.student)
        try:
            await asyncio.wait_for(
                self._reports.put(course, delivery.student, delivery.filename, content),
                _HOME_SECONDS,
            )
        except ReportExists:
            # The service may have ended between writing it and noting that.
            if parcel.attempts == 1 or not await self._in_thread(
                lambda: holds(home, delivery.filename, content)
            ):
                raise
        return Outcome(path=delivery.filename)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.run_in_executor(self._threads, work), _HOME_SECONDS)

    def _tell(self, parcel: Parcel, outcome: Outcome, now: datetime) -> None:
        """Notes in the audit log what is settled."""
        delivery = parcel.delivery
        if outcome.again or (outcome.path is not None and outcome.path == parcel.had):
            return
        action = Action.RETURN_REPORT
        if delivery.kind is DeliveryKind.DOCUMENT:
            action = Action.DELIVER_DOCUMENT
        what = outcome.path or f"{delivery.filename}: {outcome.error_code}"
        self._audit.add(
            AuditEvent(
                at=now,
                principal=parcel.asked_by or "scheduler",
                action=action.value,
                course_id=parcel.course_id,
                student=delivery.student,
                target=f"{parcel.assignment.title}: {what}",
                status=HTTPStatus.OK if outcome.path is not None else HTTPStatus.CONFLICT,
            )
        )
