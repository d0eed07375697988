"""Whose deadlines a change would move, and what would be captured because of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum

from .assignments import DateInputs, Given
from .captures import AT_DEADLINE, Enrolled, Kind, Taken, Wanted, pending, wanted
from .deadline_texts import clock_time
from .deadlines import Deadline, resolve


class Effect(str, Enum):
    """What a moved deadline does to captures."""

    #: What was not taken yet is taken at another time, or not at all.
    MOVES = "moves"
    #: What was taken stays, and is taken once more at the new time.
    AGAIN = "captured_again"
    #: The new time is past: it is taken at once, late.
    NOW = "captured_now"
    #: Nothing else is taken.
    NONE = "none"


@dataclass(frozen=True)
class Move:
    """A student's deadline for an assignment, before a change and after it.

    Attributes:
        taken: whether something was captured at the deadline before.
    """

    assignment_id: int
    student: Enrolled
    before: Deadline
    after: Deadline
    effect: Effect
    taken: bool


def find_moves(
    before: DateInputs,
    after: DateInputs,
    students: Iterable[Enrolled],
    taken: Taken,
    now: datetime,
) -> list[Move]:
    """Of these students, those who have another deadline after a change, by assignment.

    Parameters:
        before: what deadlines follow from now.
        after: the same with the change; of the same assignments.
        taken: what was captured.
    """
    found = []
    everybody = list(students)
    for number, assignment in after.assignments.items():
        earlier = before.assignments[number]
        known: dict[tuple[Given, Given], tuple[Deadline, Deadline]] = {}
        for student in everybody:
            given = before.given(number, student.user_id), after.given(number, student.user_id)
            if given not in known:
                known[given] = (
                    resolve(earlier, **given[0]._asdict()),
                    resolve(assignment, **given[1]._asdict()),
                )
            old, new = known[given]
            if moments(old) == moments(new):
                continue
            theirs = taken.get((number, student.user_id), {})
            since = max(student.since, assignment.created_at)
            found.append(
                Move(
                    assignment_id=number,
                    student=student,
                    before=old,
                    after=new,
                    effect=_effect(old, new, theirs, since, now),
                    taken=not AT_DEADLINE.isdisjoint(theirs),
                )
            )
    return found


def moments(deadline: Deadline) -> tuple[object, ...]:
    """What of a deadline counts as having moved when it differs."""
    return deadline.due, deadline.closes, deadline.ends, deadline.instant, deadline.excused


def _effect(
    before: Deadline,
    after: Deadline,
    taken: Mapping[Kind, datetime],
    since: datetime,
    now: datetime,
) -> Effect:
    left = pending(wanted(after), taken, since)
    known = set(pending(wanted(before), taken, since))
    new = [each for each in left if each not in known]
    if any(each.fires <= now for each in new):
        return Effect.NOW
    if any(_was_taken(each, taken) for each in new):
        return Effect.AGAIN
    is_open = AT_DEADLINE.isdisjoint(taken) and (left or not wanted(after))
    return Effect.MOVES if new or is_open else Effect.NONE


def _was_taken(want: Wanted, taken: Mapping[Kind, datetime]) -> bool:
    kinds = AT_DEADLINE if want.kind in AT_DEADLINE else {want.kind}
    return not kinds.isdisjoint(taken)


def move_text(move: Move, zone: tzinfo) -> str:
    """What moves and what comes of it, for people, with instants in the course's zone."""
    return f"{_what(move.before, move.after, zone)} {_consequence(move)}".strip()


def _what(before: Deadline, after: Deadline, zone: tzinfo) -> str:
    if after.excused:
        return "The student is excused."
    for field, label, nothing in _TOLD:
        old, new = getattr(before, field), getattr(after, field)
        if old == new:
            continue
        if new is None:
            return f"{nothing}; it was {clock_time(old, zone)}."
        instead = f" instead of {clock_time(old, zone)}" if old is not None else ""
        return f"{label} {clock_time(new, zone)}{instead}."
    if before.excused:
        return "The student is not excused any more."
    if after.timed:
        return "The student has a time of the own, which begins with opening the assignment."
    return "The student has no time of the own any more; the due date counts."


_TOLD = (
    ("ends", "The student's own time ends on", "The student has no time of the own any more"),
    ("due", "Due on", "There is no due date any more"),
    ("closes", "Late work is taken until", "There is no closing time any more"),
)


def _consequence(move: Move) -> str:
    match move.effect:
        case Effect.AGAIN:
            return "What was captured stays, and it is captured once more then."
        case Effect.NOW:
            return "That is past: it is captured at once, and marked late."
        case Effect.MOVES if move.after.instant is None and move.before.instant is not None:
            return "Nothing is captured by itself."
        case Effect.MOVES:
            return ""
        case Effect.NONE if move.taken:
            return "What was captured stays, and nothing else is."
        case Effect.NONE:
            return "Nothing is captured: that is before the assignment, or the student, was there."
