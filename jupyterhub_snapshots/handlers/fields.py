"""Fields that the bodies of several routes have."""

from __future__ import annotations

import re
from datetime import tzinfo
from fractions import Fraction
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
)

from ..core.times import Reading, read_date
from ..errors import InvalidDate
from .models import LARGEST_ID


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("it must not hold the character NUL")
    return text


def _on_a_line(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise ValueError("it must have a visible character, and none that can't be printed")
    return text


#: Years in which a course can be; all arithmetic on their dates has a result.
_YEARS = range(1970, 9000)
MOST_FACTOR, MOST_MINUTES, MOST_HOURS = 100, 100_000, 10_000
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,18}|/0*[1-9]\d{0,8})?", re.ASCII)


def _number(value: object) -> Fraction:
    """Exactly the number that is written; raises ValueError for anything else."""
    text = "" if isinstance(value, bool) else str(value).strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError("it must be a number that is not negative")
    return Fraction(text)


def _factor(value: object) -> Fraction:
    expected = f'it must be a number above 0, and {MOST_FACTOR} at most, as 1.5 or "4/3"'
    try:
        number = _number(value)
    except ValueError as error:
        raise ValueError(expected) from error
    if not 0 < number <= MOST_FACTOR:
        raise ValueError(expected)
    return number


def _whole(value: object, most: int) -> int:
    number = _number(value)
    if number.denominator != 1 or number > most:
        raise ValueError(f"it must be a whole number, {most} at most")
    return number.numerator


def _quotable(kind: str, most: int, **bounds: object) -> WithJsonSchema:
    """How a number is described that may stand in quotes."""
    quoted = {"type": "string", "description": "the number in quotes"}
    return WithJsonSchema({"anyOf": [{"type": kind, "maximum": most, **bounds}, quoted]})


#: A paragraph for people.
Description = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_storable)]
#: A name for people, on one line.
Title = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_on_a_line)]
#: Points, or a number of problems.
Count = Annotated[StrictInt, Field(ge=0, le=1_000_000)]
#: An id in a body.
Id = Annotated[StrictInt, Field(ge=0, le=LARGEST_ID)]
#: A date as `jupyterhub_snapshots.core.times` reads it.
DateText = Annotated[
    str,
    Field(
        description="`2026-06-30T21:40:00Z`; or `2026-06-30 21:40` or `2026-06-30` in the "
        "course's time zone"
    ),
]
Factor = Annotated[
    Fraction, PlainValidator(_factor), _quotable("number", MOST_FACTOR, exclusiveMinimum=0)
]
ExtraMinutes = Annotated[
    int,
    PlainValidator(lambda value: _whole(value, MOST_MINUTES)),
    _quotable("integer", MOST_MINUTES, minimum=0),
]
ExtraHours = Annotated[
    int,
    PlainValidator(lambda value: _whole(value, MOST_HOURS)),
    _quotable("integer", MOST_HOURS, minimum=0),
]


def read_field(text: str, zone: tzinfo, field: str, *, begins: bool = False) -> Reading:
    """See `jupyterhub_snapshots.core.times.read_date`; raises InvalidDate as well for a year in
    which no course can be."""
    reading = read_date(text, zone, field, begins=begins)
    if reading.at.year not in _YEARS:
        raise InvalidDate(
            f"{field}: {text[:40]!r} is no year of a course. Give one from {_YEARS[0]} to "
            f"{_YEARS[-1]}.",
            field=field,
        )
    return reading
