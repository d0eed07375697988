"""What became of the work on assignments: how far each student is, and how far the class. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from .assignments import Assignment
from .capture_states import CaptureState, counted
from .captures import AT_DEADLINE, Kind, cutoff
from .deadlines import Deadline, resolve

#: A capture that begins later than this after its instant is late, and one that has not begun by
#: then is not waited for any more.
_LATE_AFTER = timedelta(seconds=60)


class CellState(str, Enum):
    """How far one student is with one assignment."""

    #: There is no deadline.
    NONE = "none"
    OPEN = "open"
    #: Is being captured.
    RUNNING = "running"
    #: Captured on time.
    CAPTURED = "captured"
    #: The capture began late, or there is late work beside what was there on time.
    LATE = "late"
    #: Files that changed after the deadline are in the snapshot.
    CHANGED = "changed"
    #: The instant has passed, and there is no snapshot.
    MISSING = "missing"
    FAILED = "failed"
    EXCUSED = "excused"
    #: A timed assignment that closed before the student opened it.
    NOT_OPENED = "not_opened"


class AssignmentState(str, Enum):
    """How far the class is with one assignment."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CAPTURING = "capturing"
    #: The deadlines of all have passed.
    COLLECTED = "collected"
    #: Reports are delivered.
    RELEASED = "released"
    UNDATED = "undated"


#: As what students are counted; without a deadline they are not.
_COUNTED_AS = {
    CellState.OPEN: "open",
    CellState.RUNNING: "running",
    CellState.CAPTURED: "captured",
    CellState.LATE: "late",
    CellState.CHANGED: "late",
    CellState.MISSING: "missing",
    CellState.NOT_OPENED: "missing",
    CellState.FAILED: "failed",
    CellState.EXCUSED: "excused",
}
_COUNTS = ("open", "captured", "late", "missing", "excused", "failed", "running")


@dataclass(frozen=True)
class Cell:
    """How far one student is with one assignment.

    Attributes:
        at: of what was captured, when that began; else the instant that counts.
        snapshot: name of the one that stands for the work so far.
        changed: files in it that changed after the deadline.
        extended: whether the student has a due date of the own.
    """

    state: CellState
    at: datetime | None = None
    snapshot: str | None = None
    changed: int = 0
    extended: bool = False


@dataclass(frozen=True)
class Collected:
    """How far the class is with one assignment.

    Attributes:
        first: the first of the students' last moments; None when nobody has one.
        last: the last of them.
        counts: how many students are how far, and how many of them have a due date of their own
            ("extended").
    """

    assignment: Assignment
    state: AssignmentState
    first: datetime | None
    last: datetime | None
    counts: Mapping[str, int]


def last_moment(deadline: Deadline) -> datetime | None:
    """Until when a student can work on time; for what is not opened yet, until it closes."""
    if deadline.timed and deadline.ends is None and not deadline.excused:
        return deadline.closes
    return deadline.instant


def cell(
    deadline: Deadline, captures: Iterable[CaptureState], now: datetime, *, extended: bool = False
) -> Cell:
    """How far a student is.

    Parameters:
        captures: those made, and those to come (see `capture_states.with_planned`).
        extended: whether the student has a due date of the own.
    """
    relevant = [each for each in captures if each.kind is not Kind.WARM_UP]
    state, standing = _judge(deadline, relevant, now)
    shown = standing or counted(relevant)
    return Cell(
        state=state,
        at=standing.began_at if standing is not None else last_moment(deadline),
        snapshot=shown.snapshot if shown is not None else None,
        changed=shown.late_files if shown is not None else 0,
        extended=extended,
    )


def _judge(
    deadline: Deadline, captures: Sequence[CaptureState], now: datetime
) -> tuple[CellState, CaptureState | None]:
    """The state, and the capture that it is about, if it is about one that is there."""
    if deadline.excused:
        return CellState.EXCUSED, None
    states = {each.state for each in captures}
    if "running" in states:
        return CellState.RUNNING, None
    moment = last_moment(deadline)
    undated = moment is None and not deadline.timed
    if not undated and (moment is None or now < cutoff(moment)):
        return CellState.OPEN, None
    if deadline.timed and deadline.ends is None:
        return CellState.NOT_OPENED, None
    if moment is not None and "planned" in states and _is_awaited(captures):
        waits = now < cutoff(moment) + _LATE_AFTER
        return CellState.RUNNING if waits else CellState.MISSING, None
    made = [each for each in captures if each.kind in AT_DEADLINE and each.state != "planned"]
    asked = max(made, key=lambda each: (each.at, _is_there(each)), default=None)
    standing = asked if asked is not None and _is_there(asked) else _by_hand(captures, asked)
    if standing is not None:
        return _how(standing, moment or standing.at, captures), standing
    if any(each.kind is Kind.LATE and _is_there(each) for each in captures):
        return CellState.LATE, counted(captures)
    if any(each.state == "failed" for each in ([asked] if asked is not None else captures)):
        return CellState.FAILED, None
    return CellState.NONE if undated else CellState.MISSING, None


def _is_awaited(captures: Iterable[CaptureState]) -> bool:
    return any(each.kind in AT_DEADLINE and each.state == "planned" for each in captures)


def _is_there(capture: CaptureState) -> bool:
    return capture.state == "done" and capture.snapshot is not None


def _by_hand(captures: Iterable[CaptureState], asked: CaptureState | None) -> CaptureState | None:
    """What a person captured in place of the one that was asked for and is not there."""
    found = [
        each
        for each in captures
        if each.kind is Kind.MANUAL and _is_there(each) and (asked is None or each.at > asked.at)
    ]
    return max(found, key=lambda each: each.at, default=None)


def _how(standing: CaptureState, instant: datetime, captures: Iterable[CaptureState]) -> CellState:
    if standing.late_files:
        return CellState.CHANGED
    began = standing.began_at
    if began is not None and began - cutoff(instant) > _LATE_AFTER:
        return CellState.LATE
    for each in captures:
        if each.kind is Kind.LATE and each.at > instant and _is_there(each):
            return CellState.LATE
    return CellState.CAPTURED


def collected(
    assignment: Assignment, students: Iterable[tuple[Deadline, Cell]], now: datetime
) -> Collected:
    """How far the class is, from the deadlines and cells of its students."""
    moments: list[datetime] = []
    counts = dict.fromkeys((*_COUNTS, "extended"), 0)
    for deadline, each in students:
        moment = last_moment(deadline)
        if moment is not None:
            moments.append(moment)
        if each.state in _COUNTED_AS:
            counts[_COUNTED_AS[each.state]] += 1
        counts["extended"] += each.extended
    own = last_moment(resolve(assignment))
    if not moments and own is not None:  # of those who come later
        moments.append(own)
        pending = now < cutoff(own)
    else:
        pending = counts["open"] > 0 or (assignment.timed and not moments)
    return Collected(
        assignment=assignment,
        state=_state(assignment, moments, counts, pending, now),
        first=min(moments, default=None),
        last=max(moments, default=None),
        counts=counts,
    )


def _state(
    assignment: Assignment,
    moments: list[datetime],
    counts: Mapping[str, int],
    pending: bool,
    now: datetime,
) -> AssignmentState:
    if counts["running"]:
        return AssignmentState.CAPTURING
    if assignment.grade_release is not None and assignment.grade_release <= now:
        return AssignmentState.RELEASED
    if not moments and not assignment.timed:
        return AssignmentState.UNDATED
    hidden = assignment.visible_from is not None and now < assignment.visible_from
    if hidden and not any(cutoff(moment) <= now for moment in moments):
        return AssignmentState.UPCOMING
    return AssignmentState.OPEN if pending else AssignmentState.COLLECTED


def by_time(found: Iterable[Collected]) -> list[Collected]:
    """By the first moment, then by title; what has none comes last."""
    return sorted(
        found,
        key=lambda each: (
            each.first is None,
            each.first.timestamp() if each.first is not None else 0.0,
            each.assignment.title,
            each.assignment.id,
        ),
    )
