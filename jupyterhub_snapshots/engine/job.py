"""What a capture is asked to do, and what it answers. Both are plain records that can be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.manifest import Problem

#: State of a result that is no snapshot: nothing differs from the earlier one.
UNCHANGED = "unchanged"


@dataclass(frozen=True)
class CaptureJob:
    """One home to be captured under one name.

    Attributes:
        home: absolute path of the student's home.
        root: absolute path of the course's snapshot root, which must exist.
        student: folder name of the student below the root.
        snapshot: full name of the snapshot, ``<slug>_<date>``.
        capture_id: unique name of this capture; running it twice makes one snapshot.
        staging: folder on the root's file system for unfinished work; None for one in the root.
        lock: file whose lock keeps two captures of one home apart; None for one in the root.
        include_hidden: capture what has a component that begins with a dot, too.
        folders: limit the capture to these folders of the home; empty for the whole home.
        timeout_seconds: wall-clock limit of the whole capture.
        attempts: how often a file that changes while it is copied is copied in all.
        max_file_bytes: larger files (by apparent size) are left out and listed; 0 for no limit.
        max_bytes: a home over this size (apparent) is refused; 0 for no limit.
        requested_at: when the capture was asked for, ISO 8601 in UTC.
        deadline: what changed after this instant, ISO 8601 in UTC, is flagged; None for nothing.
        unless_same_as: a snapshot of the student; when it holds the same, no other is made.
        extra: kept in the manifest's header as it is.
    """

    home: str
    root: str
    student: str
    snapshot: str
    capture_id: str
    staging: str | None = None
    lock: str | None = None
    include_hidden: bool = False
    folders: tuple[str, ...] = ()
    timeout_seconds: float = 3600
    attempts: int = 3
    max_file_bytes: int = 0
    max_bytes: int = 0
    requested_at: str | None = None
    deadline: str | None = None
    unless_same_as: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CaptureResult:
    """A snapshot that was taken. Sizes in bytes, times ISO 8601 in UTC.

    Attributes:
        snapshot: its name; that of the earlier one when nothing differs.
        state: "complete", "incomplete" when something of the home is missing, or "unchanged" when
            no snapshot was made.
        problems: what is missing or may be torn; the first thousand.
        problem_count: how many there are in all.
        late_count: files and links that changed after the deadline.
    """

    student: str
    snapshot: str
    state: str
    began_at: str
    ended_at: str
    files: int
    bytes: int
    copied_files: int
    copied_bytes: int
    changed_files: int
    digest: str
    parent: str | None = None
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    late_count: int = 0
