"""When a student's work is due: the one rule that every screen, call and capture asks.

The order of the steps is fixed: due date, override, extension, extra hours, closing time, own
time. Each step that changes something is told in the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from .assignments import AccessToken, Accommodation, Assignment, Extension, Override


class Rule(str, Enum):
    """What a step did."""

    DUE_DATE = "dueDate"
    OVERRIDE = "override"
    EXTENSION = "extension"
    DATE_EXTRA_HOURS = "dateExtraHours"
    VISIBLE_TILL = "visibleTill"
    TIMED = "timed"
    CAPPED_BY_CLOSING = "cappedByClosing"


@dataclass(frozen=True)
class Step:
    """One step of the rule that changed something.

    Attributes:
        before: what held until this step; None for nothing.
        after: what holds from this step on.
        source: what it follows from, such as "assignment 3" or "extension 12".
    """

    rule: Rule
    before: datetime | None
    after: datetime | None
    source: str


@dataclass(frozen=True)
class Deadline:
    """When the work of one student on one assignment is due.

    Attributes:
        due: None for no due date.
        closes: end of the late period; equal to `due` when there is none.
        ends: end of the student's own time; None unless a timed assignment was opened.
        opens: students see the assignment from then on.
        release: reports are delivered from then on.
        timed: whether students have a time of their own.
        excused: whether nothing is asked of the student.
        steps: how it came to this.
    """

    due: datetime | None
    closes: datetime | None
    ends: datetime | None
    opens: datetime | None
    release: datetime | None
    timed: bool
    excused: bool
    steps: tuple[Step, ...]

    @property
    def instant(self) -> datetime | None:
        """When the work counts: the end of the own time, or else the due date."""
        if self.excused:
            return None
        return self.ends if self.timed else self.due


def resolve(
    assignment: Assignment,
    *,
    override: Override | None = None,
    extension: Extension | None = None,
    accommodation: Accommodation | None = None,
    token: AccessToken | None = None,
) -> Deadline:
    """The deadline of the student to whom these belong.

    An override and an extension replace what stands so far, and may be earlier. Extra hours are
    added to what holds then. The closing time is never before the due date. A student's own time
    never ends after the closing time.
    """
    steps: list[Step] = []

    def step(rule: Rule, before: datetime | None, after: datetime | None, source: str) -> None:
        if before != after:
            steps.append(Step(rule, before, after, source))

    given = f"assignment {assignment.id}"
    due = assignment.due
    step(Rule.DUE_DATE, None, due, given)
    if override is not None:
        step(Rule.OVERRIDE, due, override.due, override.source)
        due = override.due
    if extension is not None:
        step(Rule.EXTENSION, due, extension.until, f"extension {extension.id}")
        due = extension.until
    hours = accommodation.date_extra_hours if accommodation is not None else 0
    if due is not None and accommodation is not None:
        step(Rule.DATE_EXTRA_HOURS, due, _add(due, hours=hours), _source(accommodation))
        due = _add(due, hours=hours)
    closes = max((at for at in (assignment.visible_till, due) if at is not None), default=None)
    step(Rule.VISIBLE_TILL, due, closes, given)
    excused = extension is not None and extension.until is None
    ends = None
    if assignment.timed and token is not None:
        ends = _add(token.created_at, minutes=own_minutes(assignment, accommodation))
        step(Rule.TIMED, None, ends, f"access token {token.id}")
        if closes is not None and closes < ends:
            step(Rule.CAPPED_BY_CLOSING, ends, closes, given)
            ends = closes
    return Deadline(
        due=due,
        closes=closes,
        ends=ends,
        opens=assignment.visible_from,
        release=assignment.grade_release,
        timed=assignment.timed,
        excused=excused,
        steps=tuple(steps),
    )


def own_minutes(assignment: Assignment, accommodation: Accommodation | None) -> int:
    """How long a student may work at a timed assignment, in minutes; 0 for one that is not."""
    minutes = assignment.availability.minutes if assignment.availability is not None else None
    if minutes is None or accommodation is None:
        return minutes or 0
    return math.floor(minutes * accommodation.time_factor) + accommodation.time_extra_minutes


def _source(accommodation: Accommodation) -> str:
    return f"accommodation {accommodation.id}" if accommodation.id is not None else "accommodation"


def _add(when: datetime, *, hours: int = 0, minutes: int = 0) -> datetime:
    """The later instant; the last there is when there is none so late."""
    try:
        return when + timedelta(hours=hours, minutes=minutes)
    except OverflowError:
        return datetime.max.replace(tzinfo=when.tzinfo)
