"""What a deadline follows from: assignments, extensions, accommodations, access tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from fractions import Fraction
from typing import NamedTuple


class Scope(str, Enum):
    """Who may see a document."""

    PRIVATE = "Private"
    PUBLIC = "Public"
    LINK_ONLY = "LinkOnly"
    INSTRUCTORS_ONLY = "InstructorsOnly"


@dataclass(frozen=True)
class Document:
    """A file of an instructor that assignments hand out.

    Attributes:
        creator: user id of its owner.
        owner: hub username of the owner.
        date: when its contents were last written, or else when it was made.
        version: number of the newest contents; 0 while there are none.
    """

    id: int
    creator: int
    owner: str
    filename: str
    scope: Scope
    description: str | None
    date: datetime
    version: int = 0

    def is_readable_by(self, username: str | None) -> bool:
        """Whether that instructor may use it in an assignment."""
        return username == self.owner or self.scope is not Scope.PRIVATE


@dataclass(frozen=True)
class Availability:
    """How an assignment is opened: by a password, and perhaps for a limited time.

    Attributes:
        hidden: not in the students' list until they have opened it.
        minutes: how long it may be worked at; None without a limit.
        password_hash: see `jupyterhub_snapshots.store.assignments`; never leaves the service.
    """

    hidden: bool
    minutes: int | None
    password_hash: str = ""

    @property
    def tag(self) -> str:
        """Its name in the API."""
        return f"{'Hidden' if self.hidden else ''}ViaPassword{'Expiring' if self.timed else ''}"

    @property
    def timed(self) -> bool:
        """Whether there is a limit of time."""
        return self.minutes is not None


@dataclass(frozen=True)
class Assignment:
    """Work that students hand in by leaving it in their homes.

    Attributes:
        created_at: when it was made; what was due before is not captured by itself.
        document: id of what is handed out.
        visible_from: students see it, and get its document, from then on.
        visible_till: late work is captured until then.
        grade_release: reports are delivered from then on.
        assigner: user id of who made it.
    """

    id: int
    course_id: int
    title: str
    created_at: datetime
    document: int | None = None
    description: str | None = None
    due: datetime | None = None
    visible_from: datetime | None = None
    visible_till: datetime | None = None
    grade_release: datetime | None = None
    availability: Availability | None = None
    point_value: int | None = None
    total_problems: int | None = None
    assigner: int | None = None

    @property
    def timed(self) -> bool:
        """Whether students have a time of their own for it."""
        return self.availability is not None and self.availability.timed


@dataclass(frozen=True)
class Override:
    """A due date that the learning management system has for a student.

    Attributes:
        due: None for "no due date".
        source: where it comes from, for people.
    """

    due: datetime | None
    source: str


@dataclass(frozen=True)
class Extension:
    """A student's own due date for one assignment.

    Attributes:
        user_id: of the student.
        until: None excuses the student.
    """

    id: int
    assignment_id: int
    user_id: int
    until: datetime | None


@dataclass(frozen=True)
class Accommodation:
    """What a student is given for every assignment of a course.

    Attributes:
        id: None for the defaults, which nobody has set.
        time_factor: of the minutes of a timed assignment.
        time_extra_minutes: added to them.
        date_extra_hours: added to due dates.
    """

    course_id: int
    user_id: int
    time_factor: Fraction = Fraction(1)
    time_extra_minutes: int = 0
    date_extra_hours: int = 0
    id: int | None = None


@dataclass(frozen=True)
class AccessToken:
    """A student opened an assignment."""

    id: int
    assignment_id: int
    user_id: int
    created_at: datetime


class Given(NamedTuple):
    """What changes the dates of one assignment for one student."""

    override: Override | None
    extension: Extension | None
    accommodation: Accommodation | None
    token: AccessToken | None


@dataclass(frozen=True)
class DateInputs:
    """All that the deadlines of a course follow from.

    Attributes:
        assignments: by id.
        overrides: by (assignment id, user id), as the next two.
        extensions: see `Extension`.
        tokens: see `AccessToken`.
        accommodations: by user id.
    """

    assignments: dict[int, Assignment] = field(default_factory=dict)
    overrides: dict[tuple[int, int], Override] = field(default_factory=dict)
    extensions: dict[tuple[int, int], Extension] = field(default_factory=dict)
    tokens: dict[tuple[int, int], AccessToken] = field(default_factory=dict)
    accommodations: dict[int, Accommodation] = field(default_factory=dict)

    def given(self, assignment_id: int, user_id: int) -> Given:
        """What is given to one student for one assignment."""
        key = assignment_id, user_id
        return Given(
            self.overrides.get(key),
            self.extensions.get(key),
            self.accommodations.get(user_id),
            self.tokens.get(key),
        )
