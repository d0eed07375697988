"""Which captures follow from a deadline, and which of them are due. Pure; no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from enum import Enum

from .assignments import DateInputs
from .deadlines import Deadline, resolve
from .names import slugify, snapshot_name

_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Kind(str, Enum):
    """What a capture is taken for."""

    WARM_UP = "warmup"
    DEADLINE = "deadline"
    EXAM = "exam"
    LATE = "late"
    MANUAL = "manual"


#: What stands for a student's work on an assignment.
SUBMISSIONS = frozenset({Kind.DEADLINE, Kind.EXAM, Kind.LATE, Kind.MANUAL})
#: What is taken when the work is due.
AT_DEADLINE = frozenset({Kind.DEADLINE, Kind.EXAM})


@dataclass(frozen=True, order=True)
class Wanted:
    """A capture that a deadline asks for.

    Attributes:
        at: the instant it is for.
    """

    at: datetime
    kind: Kind

    @property
    def fires(self) -> datetime:
        """When it may begin."""
        return cutoff(self.at)


@dataclass(frozen=True)
class Occasion:
    """What a batch is taken for.

    Attributes:
        title: of the assignment.
        at: the instant it is for; of a manual one, when it was asked for.
    """

    assignment_id: int
    title: str
    kind: Kind
    at: datetime


def cutoff(instant: datetime) -> datetime:
    """The end of what an instant covers: what changed from then on, changed after it.

    An instant in the last second of a minute, as 23:59:59, is shown to people as the end of that
    minute, and covers the whole second.
    """
    if instant.second != 59 or instant.year == 9999:
        return instant
    return instant.replace(microsecond=0) + _SECOND


def cutoff_ns(instant: datetime) -> int:
    """The same in ns since the epoch, as change times of files are told."""
    return (cutoff(instant) - _EPOCH) // timedelta(microseconds=1) * 1000


def wanted(deadline: Deadline, warm_up: timedelta = timedelta()) -> tuple[Wanted, ...]:
    """The captures that follow, in the order of their instants.

    Parameters:
        warm_up: how long before the deadline an early capture makes the real one small; none for
            no time.
    """
    instant = deadline.instant
    if instant is None:
        return ()
    kind = Kind.EXAM if deadline.timed else Kind.DEADLINE
    found = [Wanted(instant, kind)]
    if warm_up > timedelta():
        found.insert(0, Wanted(instant - warm_up, Kind.WARM_UP))
    if not deadline.timed and deadline.closes is not None and deadline.closes > instant:
        found.append(Wanted(deadline.closes, Kind.LATE))
    return tuple(found)


def pending(
    captures: Iterable[Wanted], taken: Mapping[Kind, datetime], known_since: datetime
) -> list[Wanted]:
    """Those that were not taken yet, whether their time has come or not.

    A capture stands for every earlier instant of its kind, so a deadline that is moved to an
    earlier time after it fired changes nothing, and one that is moved to a later time gets
    another capture. What lay before anybody could know of it is not taken any more. A warm-up is
    of no use once the capture is taken that it was to help.

    Parameters:
        taken: kind to the latest instant for which there is one.
        known_since: when the student and the assignment were both there.
    """
    left = [
        each
        for each in captures
        if each.at > known_since and (each.kind not in taken or taken[each.kind] < each.at)
    ]
    if not any(each.kind in AT_DEADLINE for each in left):
        left = [each for each in left if each.kind is not Kind.WARM_UP]
    return left


@dataclass(frozen=True)
class Enrolled:
    """A student of a course now.

    Attributes:
        since: when the student was first known, or known again, in the course.
    """

    user_id: int
    username: str
    since: datetime


#: (assignment id, user id) to kind to the latest instant for which there is a capture.
Taken = Mapping[tuple[int, int], Mapping[Kind, datetime]]
#: (assignment id, what is wanted) to those who want it.
Plan = dict[tuple[int, Wanted], list[Enrolled]]


def plan(
    inputs: DateInputs, students: Iterable[Enrolled], taken: Taken, warm_up: timedelta
) -> Plan:
    """All captures of a course that are still to be taken, now or some day.

    Students of whom the same holds are looked at once.
    """
    found: Plan = {}
    everybody = list(students)
    for assignment in inputs.assignments.values():
        known: dict[object, tuple[Wanted, ...]] = {}
        for student in everybody:
            given = inputs.given(assignment.id, student.user_id)
            follow = known.get(given)
            if follow is None:
                follow = known[given] = wanted(resolve(assignment, **given._asdict()), warm_up)
            if not follow:
                continue
            since = max(student.since, assignment.created_at)
            before = taken.get((assignment.id, student.user_id))
            if before or since >= follow[0].at:
                follow = tuple(pending(follow, before or {}, since))
            for each in follow:
                found.setdefault((assignment.id, each), []).append(student)
    return found


def due(found: Plan, now: datetime) -> list[tuple[int, Wanted, list[Enrolled]]]:
    """The captures of a plan that are to be taken now, in the order of their instants.

    Of one student and assignment, that of the deadline comes first; a late one, and a warm-up
    that was missed, have to wait, and are looked at again once it is taken.
    """
    ready = sorted(key for key in found if key[1].fires <= now)
    first = {
        (number, student.user_id)
        for number, each in ready
        if each.kind in AT_DEADLINE
        for student in found[number, each]
    }
    chosen = []
    for number, each in ready:
        students = [
            student
            for student in found[number, each]
            if each.kind in AT_DEADLINE or (number, student.user_id) not in first
        ]
        if students:
            chosen.append((number, each, students))
    return sorted(chosen, key=lambda one: (one[1], one[0]))


def next_instant(found: Plan, now: datetime) -> datetime | None:
    """When the next capture of a plan fires; None when there is none to come."""
    return min((each.fires for _, each in found if each.fires > now), default=None)


def capture_name(title: str, kind: Kind, at: datetime, zone: tzinfo, number: int = 1) -> str:
    """Name of the snapshot of a capture: from the assignment's title and the instant's day.

    Parameters:
        number: counts those that would have the same name.

    Raises InvalidSnapshotName.
    """
    parts = [slugify(title)[:_LONGEST_SLUG].strip("-_") or "assignment"]
    if kind in _SUFFIXES:
        parts.append(_SUFFIXES[kind])
    if number > 1:
        parts.append(str(number))
    try:
        day = at.astimezone(zone).date()
    except OverflowError:  # the last day of the year 9999
        day = at.date()
    return snapshot_name("-".join(parts), day)


_LONGEST_SLUG = 180
_SUFFIXES = {Kind.LATE: "late", Kind.WARM_UP: "warm-up"}
