"""The sentences that tell people how a deadline came about, with instants in the course's zone."""

from __future__ import annotations

import contextlib
from datetime import datetime, tzinfo
from fractions import Fraction

from .assignments import Accommodation, Assignment, Given
from .deadlines import Deadline, Rule, Step, own_minutes


def clock_time(when: datetime, zone: tzinfo) -> str:
    """An instant as people of that zone write it: ``Tue 1 December 2026, 23:59 CET``."""
    with contextlib.suppress(OverflowError):  # the last day there is has no other zone
        when = when.astimezone(zone)
    seconds = f":{when:%S}" if when.second not in (0, 59) else ""
    return f"{when:%a} {when.day} {when:%B} {when:%Y}, {when:%H:%M}{seconds} {when:%Z}"


def sentences(
    deadline: Deadline, assignment: Assignment, given: Given, zone: tzinfo
) -> tuple[str, ...]:
    """One for each step of the deadline, which must be of that assignment and what is given."""
    return tuple(_sentence(step, assignment, given, zone) for step in deadline.steps)


def _sentence(step: Step, assignment: Assignment, given: Given, zone: tzinfo) -> str:
    after = clock_time(step.after, zone) if step.after is not None else None
    match step.rule:
        case Rule.DUE_DATE:
            return f"The assignment is due on {after}."
        case Rule.OVERRIDE if after is None:
            return f"The learning management system has no due date ({step.source})."
        case Rule.OVERRIDE:
            return f"The learning management system has another date ({step.source}): {after}."
        case Rule.EXTENSION if after is None:
            return "An extension excuses from the assignment: nothing is due, nothing is captured."
        case Rule.EXTENSION:
            return f"An extension sets the due date to {after}."
        case Rule.DATE_EXTRA_HOURS:
            hours = given.accommodation.date_extra_hours if given.accommodation else 0
            return f"An accommodation adds {_count(hours, 'hour')}: due on {after}."
        case Rule.VISIBLE_TILL if step.before is None:
            return f"The assignment closes on {after}."
        case Rule.VISIBLE_TILL:
            return f"Late work is taken until {after}."
        case Rule.TIMED:
            own = _own_time(assignment, given.accommodation)
            opened = clock_time(given.token.created_at, zone) if given.token else ""
            return f"Opened on {opened}, with {own}: until {after}."
        case Rule.CAPPED_BY_CLOSING:
            return f"The assignment closes before that, so the time ends on {after}."


def _own_time(assignment: Assignment, accommodation: Accommodation | None) -> str:
    """How long, and how it is made up: "100 minutes (60 times 1.5, and 10 more)"."""
    whole = _count(own_minutes(assignment, accommodation), "minute")
    given = assignment.availability.minutes if assignment.availability is not None else None
    if accommodation is None:
        return whole
    factor, extra = accommodation.time_factor, accommodation.time_extra_minutes
    parts = [f"{given} times {_number(factor)}" if factor != 1 else f"{given}"]
    if extra:
        parts.append(f"and {extra} more")
    return whole if factor == 1 and not extra else f"{whole} ({', '.join(parts)})"


def _number(factor: Fraction) -> str:
    """A decimal number where it is a short one, else a fraction."""
    decimal = f"{float(factor):g}"
    return decimal if Fraction(decimal) == factor else str(factor)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
