"""Students' own assignments: which there are for them, and opening one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from .core.assignments import Assignment
from .core.deadlines import resolve
from .core.home_deliveries import DeliveryState, HomeDelivery
from .core.records import Course, Member, Role
from .core.visibility import check_opening, is_listed
from .deadlines import DeadlineReader, StudentDeadline
from .deliveries import DeliveryManager
from .errors import (
    AccessDenied,
    AssignmentNotFound,
    MissingField,
    SnapshotsError,
    TooManyAttempts,
    WrongPassword,
)
from .roster import Roster
from .store import Store, assignments, people
from .store import deliveries as delivery_table
from .store.database import utc_now

_MOST_WRONG = 5
_WRONG_SECONDS = 300.0
_CHECKS_AT_ONCE = 2
#: Checked in place of the password of an assignment that there is not, to take as long.
_NO_PASSWORD = f"{'0' * 32}${'0' * 128}"


@dataclass(frozen=True)
class OwnAssignment:
    """An assignment that a student may see.

    Attributes:
        delivery: of its document into the student's home.
    """

    found: StudentDeadline
    delivery: HomeDelivery | None


class WrongPasswords:
    """Counts wrong passwords: after five in five minutes no other is looked at for a while.

    Parameters:
        clock: seconds since some moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[object, list[float]] = {}

    def begin(self, who: object) -> None:
        """Counts an attempt as wrong until `forget`. Raises TooManyAttempts."""
        now = self._clock()
        for key, times in list(self._wrong.items()):
            if times[-1] <= now - _WRONG_SECONDS:
                del self._wrong[key]
        times = [at for at in self._wrong.get(who, ()) if at > now - _WRONG_SECONDS]
        if len(times) >= _MOST_WRONG:
            raise TooManyAttempts(
                "Too many wrong passwords. Wait a few minutes, then try again.",
                retry_after_seconds=times[0] + _WRONG_SECONDS - now,
            )
        self._wrong[who] = [*times, now]

    def forget(self, who: object) -> None:
        """The last attempt was right, and those before it count no more."""
        self._wrong.pop(who, None)


class OpeningManager:
    """Shows students their assignments, and opens them.

    Parameters:
        now: the present instant.
    """

    def __init__(
        self,
        *,
        store: Store,
        roster: Roster,
        deadlines: DeadlineReader,
        deliveries: DeliveryManager,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._roster = roster
        self._deadlines = deadlines
        self._deliveries = deliveries
        self.now = now
        self.wrong_passwords = WrongPasswords()
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)

    async def deadlines(self, course: Course, username: str) -> list[StudentDeadline]:
        """Of the assignments that the student may see now; none for who is no student."""
        member = await self._student(course, username)
        if member is None:
            return []
        found = await self._deadlines.of_student(course, member.user_id)
        now = self.now()
        return [each for each in found if is_listed(each.assignment, each.given.token, now)]

    async def unseen(self, course: Course, username: str) -> set[int]:
        """Ids of the hidden assignments that the student has not opened."""
        member = await self._student(course, username)
        if member is None:
            return set()
        found = await self._deadlines.of_student(course, member.user_id)
        return {
            each.assignment.id
            for each in found
            if _is_hidden(each.assignment) and each.given.token is None
        }

    async def list_assignments(self, course: Course, username: str) -> list[OwnAssignment]:
        """The assignments that the student may see now; none for who is no student."""
        found = await self.deadlines(course, username)
        if not found:
            return []
        user_id = found[0].student.user_id
        delivered = await self._store.read(
            lambda db: delivery_table.documents_of(db, course.id, user_id)
        )
        return [OwnAssignment(each, delivered.get(each.assignment.id)) for each in found]

    async def open(
        self, course: Course, username: str, assignment_id: int, password: str
    ) -> OwnAssignment:
        """Opens an assignment: its clock starts now, unless it runs already.

        A hidden one that was not opened is only there for who knows its password.

        Raises AccessDenied, AssignmentClosed, AssignmentNotFound, MissingField, NothingToOpen,
        NotOpenYet, TooManyAttempts, WrongPassword.
        """
        student = await self._must_be_student(course, username)
        found = await self._deadlines.of_student(course, student.user_id, assignment_id)
        one = found[0] if found else None
        if one is not None and one.given.token is not None:
            return await self._opened(course, student, one, again=True)
        if one is not None and not _is_hidden(one.assignment):
            check_opening(one.assignment, one.deadline, self.now())
            if not password:  # none is empty: no attempt that would have to be counted
                raise MissingField(
                    "password: send the password of the assignment.", field="password"
                )
            who = course.id, username, assignment_id
            await self._check(one.assignment, password, who)
            return await self._start(course, student, one, who)
        hidden = course.id, username, None
        try:
            # As long, and as often, as for an id that nothing has.
            await self._check(one.assignment if one else None, password, hidden)
        except WrongPassword as error:
            raise AssignmentNotFound("There is no such assignment in this course.") from error
        assert one is not None
        check_opening(one.assignment, one.deadline, self.now())
        return await self._start(course, student, one, hidden)

    async def open_hidden(
        self, course: Course, username: str, title: str, password: str
    ) -> OwnAssignment:
        """Opens an assignment by its title, as one that is in no list.

        Whether there is one of that title is told to nobody without its password.

        Raises as `open`.
        """
        student = await self._must_be_student(course, username)
        found = await self._deadlines.of_student(course, student.user_id)
        wanted = title.strip().casefold()
        named = [
            each
            for each in found
            if each.assignment.availability is not None
            and each.assignment.title.strip().casefold() == wanted
        ]
        named.sort(key=lambda each: each.assignment.title != title)
        one = named[0] if named else None
        if one is not None and one.given.token is not None:
            return await self._opened(course, student, one, again=True)
        hidden = course.id, username, None
        await self._check(one.assignment if one else None, password, hidden)
        assert one is not None
        check_opening(one.assignment, one.deadline, self.now())
        return await self._start(course, student, one, hidden)

    async def _check(self, assignment: Assignment | None, password: str, who: object) -> None:
        """Raises WrongPassword, also when there is no assignment, and TooManyAttempts."""
        self.wrong_passwords.begin(who)
        hashed = _NO_PASSWORD
        if assignment is not None and assignment.availability is not None:
            hashed = assignment.availability.password_hash
        async with self._checks:
            right = await asyncio.to_thread(assignments.is_password, hashed, password)
        if assignment is None or not right:
            raise WrongPassword("The password is wrong, or there is no such assignment.")

    async def _start(
        self, course: Course, student: Member, one: StudentDeadline, who: object
    ) -> OwnAssignment:
        """Starts the clock, if the assignment and the student are still as they were.

        Only then earlier wrong passwords are forgotten: knowing the one of an assignment that
        can't be opened must not give more tries at another's.
        """

        def start(db: Session) -> bool:
            member = people.find_member(db, course.id, student.id)
            if member is None or not _is_student(member):
                raise _no_student()
            now = self.now()
            assignment = assignments.get_assignment(db, course.id, one.assignment.id)
            if assignment.availability != one.assignment.availability:
                raise WrongPassword("The assignment was changed just now. Try again.")
            check_opening(assignment, resolve(assignment, **one.given._asdict()), now)
            return assignments.open_assignment(db, course.id, assignment.id, student.user_id, now)[
                1
            ]

        started = await self._store.write(start)
        self.wrong_passwords.forget(who)
        return await self._opened(course, student, one, again=not started)

    async def _opened(
        self, course: Course, student: Member, one: StudentDeadline, *, again: bool
    ) -> OwnAssignment:
        """Has the document delivered, and answers how it all is now."""
        number = one.assignment.id

        async def delivery() -> HomeDelivery | None:
            found = await self._store.read(
                lambda db: delivery_table.documents_of(db, course.id, student.user_id)
            )
            return found.get(number)

        known = await delivery()
        if not (again and known is not None and known.state is DeliveryState.DELIVERED):
            with contextlib.suppress(SnapshotsError):  # the clock runs all the same
                await self._deliveries.deliver(course, number, [student], student.username)
            known = await delivery()
        now = await self._deadlines.of_student(course, student.user_id, number)
        if not now:
            raise AssignmentNotFound("The assignment was deleted just now.")
        return OwnAssignment(now[0], known)

    async def _student(self, course: Course, username: str) -> Member | None:
        """The person, if a student of the course now; by username, never by another name."""
        for fresh in (False, True):
            await self._roster.refresh(course, fresh=fresh)
            member = await self._store.read(
                lambda db: people.find_by_username(db, course.id, username)
            )
            if member is not None:
                return member if _is_student(member) else None
        return None

    async def _must_be_student(self, course: Course, username: str) -> Member:
        member = await self._student(course, username)
        if member is None:
            raise _no_student()
        return member


def _is_hidden(assignment: Assignment) -> bool:
    return assignment.availability is not None and assignment.availability.hidden


def _is_student(member: Member) -> bool:
    return member.active and member.role is Role.STUDENT


def _no_student() -> AccessDenied:
    return AccessDenied("Only students of the course open its assignments.")
