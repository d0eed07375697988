"""Dates as people and scripts write them, read in a course's time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from ..errors import InvalidDate

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ](?P<minute>\d{2}:\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,12}))?)?\s?(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?"
)
_END_OF_DAY = time(23, 59, 59)
#: What is earlier is a slip, and has time zones that nobody meant.
_FIRST_YEAR = 1900


@dataclass(frozen=True)
class Reading:
    """An instant that was read.

    Attributes:
        at: in UTC.
        note: what a person should know of how it was read; None when there was nothing to decide.
    """

    at: datetime
    note: str | None = None


def read_date(text: str, zone: tzinfo, field: str, *, begins: bool = False) -> Reading:
    """The instant that a text means.

    An instant with an offset (RFC 3339, as ``2021-06-30T21:40:00Z``) is what it says; without one
    (``2022-01-01 10:10``) it is in the zone. A day is meant to its last second, 23:59:59. What
    does not exist or exists twice at a change of the clocks is read as the later of the two.

    Parameters:
        field: name of the field, for the error.
        begins: the day is meant from its first second.

    Raises InvalidDate.
    """
    text = text.strip()
    try:
        if int(text[:4]) < _FIRST_YEAR:
            raise ValueError(text)
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return _local(datetime.combine(day, time() if begins else _END_OF_DAY), zone, field)
        found = _INSTANT.fullmatch(text)
        if found is None:
            raise ValueError(text)
        # A leap second is the first of the next minute on every clock that we have.
        leap = found["second"] == "60"
        second = "59" if leap else found["second"] or "00"
        when = datetime.fromisoformat(f"{found['day']}T{found['minute']}:{second}")
        when += timedelta(microseconds=int((found["fraction"] or "").ljust(6, "0")[:6]))
        when += timedelta(seconds=leap)
        if found["zone"] is None:
            return _local(when, zone, field)
        return Reading((when - _offset(found["zone"])).replace(tzinfo=timezone.utc))
    except (ValueError, OverflowError) as error:
        raise InvalidDate(
            f"{field}: {text[:40]!r} can't be read as a date. Write 2026-06-30T21:40:00Z, or "
            "2026-06-30 21:40 or 2026-06-30 in the course's time zone.",
            field=field,
        ) from error


def _offset(text: str) -> timedelta:
    if text in "Zz":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset


def _local(when: datetime, zone: tzinfo, field: str) -> Reading:
    readings = [when.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1)]
    later = max(readings)
    if readings[0] == readings[1]:
        return Reading(later)
    exists = later.astimezone(zone).replace(tzinfo=None) == when
    what = "happens twice" if exists else "does not happen"
    return Reading(
        later,
        f"{field}: {when:%Y-%m-%d %H:%M} {what} in {zone}, because the clocks change. It is read "
        f"as {later.astimezone(zone):%Y-%m-%d %H:%M %Z}, the later of the two.",
    )
