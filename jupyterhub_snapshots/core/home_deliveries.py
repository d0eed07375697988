"""Files that the service puts into homes: documents of assignments, and reports that waited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import PurePosixPath

from .assignments import Assignment
from .names import MAX_COMPONENT_BYTES, slugify

_LONGEST_SLUG = 180
#: Numbers that are tried for a copy beside what is there.
_MOST_COPIES = 100
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=10)


class DeliveryKind(str, Enum):
    """What is delivered."""

    DOCUMENT = "document"
    REPORT = "report"


class DeliveryState(str, Enum):
    """How far a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    #: Nothing more happens by itself.
    FAILED = "failed"


@dataclass(frozen=True)
class HomeDelivery:
    """A file that goes, or went, into a student's home.

    Attributes:
        student: username.
        path: where it is, relative to the home; None while it is not there.
        renamed: something was there already, so that it has a number in its name.
        error_code: what came of the last attempt; of one that waits, why.
        due_at: when it is delivered, or tried again; None for one that waits for nothing more.
        at: when it was delivered, or failed.
    """

    id: int
    assignment_id: int
    student: str
    kind: DeliveryKind
    state: DeliveryState
    filename: str
    path: str | None = None
    renamed: bool = False
    error_code: str | None = None
    error: str | None = None
    due_at: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Parcel:
    """A delivery that somebody has taken on, with what is needed for it.

    Attributes:
        claimed_until: nobody else takes it on before that; also tells this attempt from another.
        attempts: this one included.
        version_id: of the contents of a document.
        had: path at which the same contents were delivered before; None if they were not.
        asked_by: who asked for it; empty when nobody did.
    """

    delivery: HomeDelivery
    course_id: int
    assignment: Assignment
    claimed_until: datetime
    attempts: int
    version_id: int | None
    had: str | None
    asked_by: str


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        again: whether it is tried again by itself, after it failed.
    """

    path: str | None = None
    renamed: bool = False
    error_code: str | None = None
    error: str | None = None
    again: bool = False


def folder_of(assignment: Assignment) -> str:
    """Name of the folder in homes in which an assignment's document lies."""
    slug = slugify(assignment.title)[:_LONGEST_SLUG].strip("-_")
    return slug or f"assignment-{assignment.id}"


def names_to_try(filename: str) -> Iterator[str]:
    """The file's own name, then those of copies beside it: ``sheet.ipynb``, ``sheet-2.ipynb``…"""
    yield filename
    name = PurePosixPath(filename)
    for number in range(2, _MOST_COPIES + 2):
        end = f"-{number}{name.suffix}"
        room = MAX_COMPONENT_BYTES - len(end.encode())
        yield name.stem.encode()[:room].decode(errors="ignore") + end


def wait_after(attempts: int) -> timedelta:
    """How long to wait before another attempt, after that many."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(attempts - 1, 10)))
