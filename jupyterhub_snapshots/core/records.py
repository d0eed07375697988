"""The things the service knows about, as plain records. Instants are aware UTC, sizes bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .captures import Occasion


class Role(str, Enum):
    """What a member is in a course."""

    INSTRUCTOR = "instructor"
    STUDENT = "student"
    #: Reads all of the class and changes nothing.
    ASSISTANT = "assistant"


class ItemState(str, Enum):
    """Where the capture of one student in a batch stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: States in which nothing more will happen by itself.
ENDED = frozenset({ItemState.DONE, ItemState.FAILED, ItemState.CANCELLED})


@dataclass(frozen=True)
class Course:
    """A course.

    Attributes:
        code: short name, part of paths and of the names of hub groups.
        title: name for people; unique, too.
        time_zone: IANA name; decides the date in snapshot names.
        root: absolute path of its snapshots.
        homes: absolute path of a folder whose every subfolder is a student's home, when that
            folder is the roster; None when the roster is the hub's or the database's.
        folders: captures are limited to these folders of a home; empty for the whole home.
        staging: folder for unfinished work; None for one inside the root.
        mounted: device and inode of the root and of the folder of homes when the service was
            started; another folder in their place means that a disk is not mounted.
        locks: folder of the locks that keep captures of one home apart, also between courses;
            None for one inside the root.
        starts_at: when the course begins, for people; None when nobody said.
        ends_at: the same of its end.
    """

    id: int
    code: str
    title: str
    time_zone: str
    root: str
    description: str | None = None
    homes: str | None = None
    folders: tuple[str, ...] = ()
    staging: str | None = None
    locks: str | None = None
    mounted: tuple[tuple[int, int], ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Member:
    """A person in a course.

    Attributes:
        id: of the membership; the instructor API calls it the student's id.
        user_id: of the person, the same in every course.
        active: False for one who left; nothing of theirs is deleted.
        source: where the membership comes from, see `jupyterhub_snapshots.core.sources`.
    """

    id: int
    user_id: int
    course_id: int
    username: str
    role: Role
    active: bool = True
    canvas_id: str | None = None
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    university_id: str | None = None
    source: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that lies on the disk, and what the catalogue knows about it.

    Attributes:
        state: "complete", "incomplete", "imported" (has a manifest, but was not captured by
            this service) or "unknown" (a tree without a manifest).
        bytes: size of all its files.
        copied_bytes: what it added to the store.
        changed_files: files that were changing while they were copied.
        problem_count: what of the home is missing or flagged.
        assignment_id: the assignment it was taken for, if for any.
        kind: what it was taken for, see `jupyterhub_snapshots.core.captures.Kind`.
        deadline: the student's deadline at that time.
        late_count: files that changed after it.
        late_files: paths of the first thousand of these.
    """

    course_id: int
    student: str
    name: str
    state: str = "unknown"
    began_at: datetime | None = None
    ended_at: datetime | None = None
    files: int | None = None
    bytes: int | None = None
    copied_bytes: int | None = None
    changed_files: int = 0
    problem_count: int = 0
    digest: str | None = None
    pinned: bool = False
    batch_id: int | None = None
    created_by: str | None = None
    assignment_id: int | None = None
    kind: str | None = None
    deadline: datetime | None = None
    late_count: int = 0
    late_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchItem:
    """The capture of one student in a batch.

    Attributes:
        error_code: stable name of what went wrong; None unless failed.
        outcome: state of the snapshot that was taken; None unless done.
    """

    student: str
    state: ItemState = ItemState.QUEUED
    attempts: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None
    outcome: str | None = None
    problem_count: int = 0
    files: int | None = None
    bytes: int | None = None
    copied_bytes: int | None = None


@dataclass(frozen=True)
class Batch:
    """Captures that were started together under one name.

    Attributes:
        key: random; with it a capture that is run again recognises its own snapshot.
        occasion: the assignment and instant it is taken for, if any.
    """

    id: int
    key: str
    course_id: int
    name: str
    requested_by: str
    requested_at: datetime
    include_hidden: bool = False
    items: tuple[BatchItem, ...] = ()
    occasion: Occasion | None = None

    @property
    def state(self) -> str:
        """ "running" while something is to be done, else "done", "failed" or "cancelled"."""
        states = {item.state for item in self.items}
        if states - ENDED:
            return "running"
        for state in (ItemState.FAILED, ItemState.CANCELLED):
            if state in states:
                return str(state.value)
        return "done"


@dataclass(frozen=True)
class Failure:
    """A capture that failed.

    Attributes:
        at: when it ended.
        code: stable name of what went wrong.
        message: what a person is told of it.
    """

    at: datetime
    code: str
    message: str
    batch_id: int


@dataclass(frozen=True)
class ApiKey:
    """A personal key; the secret itself is kept nowhere.

    Attributes:
        prefix: the public beginning, by which a person tells keys apart.
        owner: hub username of the person whose rights it has.
        course_id: the only course it is good for; None for all of the owner's.
    """

    id: int
    prefix: str
    name: str
    owner: str
    course_id: int | None
    created_at: datetime
    created_by: str
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class AuditEvent:
    """Who did what, when, from where, and how it ended.

    Attributes:
        status: HTTP status of the answer.
    """

    at: datetime
    principal: str
    action: str
    course_id: int | None = None
    student: str | None = None
    target: str | None = None
    status: int = 0
    address: str | None = None
