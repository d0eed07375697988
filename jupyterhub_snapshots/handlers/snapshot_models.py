"""Snapshots and their files: what the API takes and answers."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from ..core.records import Snapshot
from ..snapshot_trees import FileEntry
from .models import LARGEST_ID, ApiModel, CaptureKind, Instant, PageQuery, ProblemModel, iso


class SnapshotModel(ApiModel):
    """A snapshot. `state` is complete, incomplete, imported, or unknown (no manifest).

    `assignment` is the id of the one it was taken for, and `kind` says at what occasion;
    `lateFiles` counts what changed after `deadline`.
    """

    student: str
    name: str
    state: str
    began_at: Instant | None
    ended_at: Instant | None
    files: int | None
    bytes: int | None
    copied_bytes: int | None
    changed_files: int
    problem_count: int
    digest: str | None
    pinned: bool
    batch: int | None
    created_by: str | None
    assignment: int | None
    kind: CaptureKind | None
    deadline: Instant | None
    late_files: int


class SnapshotDetailModel(SnapshotModel):
    """A snapshot with what is missing in it or flagged: the first thousand of each."""

    parent: str | None
    include_hidden: bool | None
    problems: list[ProblemModel]
    late_file_paths: list[str]


class FileModel(ApiModel):
    """One file, folder or link of a snapshot.

    `changedAfterDeadline`: of a folder, whether something in it did.
    """

    name: str
    path: str
    type: Literal["file", "folder", "link", "special"]
    size: int
    modified_at: Instant | None
    changed_after_deadline: bool


class PinModel(ApiModel):
    """Whether the snapshot is kept from deletion."""

    pinned: StrictBool


class StudentSnapshotsQuery(PageQuery):
    """Which snapshots: of one assignment (its id), of one kind; warm-ups only if asked for."""

    assignment: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    kind: CaptureKind | None = None


class SnapshotsQuery(StudentSnapshotsQuery):
    """Which snapshots: also of one student (id, username or Canvas id), one name."""

    student: str | None = None
    name: str | None = None


class TreeQuery(ApiModel):
    """Which folder of the snapshot; its top without `path`."""

    path: str = ""


class ArchiveQuery(ApiModel):
    """Which zip: snapshots of that full name, of these students (by comma; all without).

    Layout `plain` has ``<student>/…``, `nbgrader` has ``submitted/<student>/<assignment>/…``. With
    a name, `assignment` is that folder's name. Without one it is an assignment's id: then the zip
    has each student's newest snapshot for it, among these late ones only with `late`.
    """

    name: str | None = None
    students: str | None = None
    layout: Literal["plain", "nbgrader"] = "plain"
    assignment: str | None = None
    late: bool = False


_RENAMED = {"batch": "batch_id", "assignment": "assignment_id", "late_files": "late_count"}
_SNAPSHOT_FIELDS = {field: _RENAMED.get(field, field) for field in SnapshotModel.model_fields}


def snapshot_fields(snapshot: Snapshot) -> dict[str, object]:
    """The fields that every model of a snapshot has."""
    return {field: getattr(snapshot, known) for field, known in _SNAPSHOT_FIELDS.items()}


def snapshot_model(snapshot: Snapshot) -> dict[str, object]:
    """JSON of a snapshot."""
    return SnapshotModel.model_validate(snapshot_fields(snapshot)).json_value()


def file_model(entry: FileEntry) -> dict[str, object]:
    """JSON of a file."""
    try:
        modified = datetime.fromtimestamp(entry.modified_at_ns / 1e9, timezone.utc)
    except (OverflowError, ValueError, OSError):
        modified = None
    return {
        "name": entry.name,
        "path": entry.path,
        "type": entry.type,
        "size": entry.size,
        "modifiedAt": iso(modified) if modified is not None else None,
        "changedAfterDeadline": entry.changed_after_deadline,
    }
