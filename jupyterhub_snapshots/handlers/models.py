"""What the API takes and answers: camelCase, instants as ISO 8601 in UTC, sizes in bytes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StrictInt, StringConstraints
from pydantic.alias_generators import to_camel

from ..core.records import ApiKey, AuditEvent, Batch, BatchItem, Course, Member, Snapshot
from ..snapshots import FileEntry


def _iso(when: datetime) -> str:
    return when.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(_iso, return_type=str)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
StudentId = Annotated[str, StringConstraints(max_length=255)] | StrictInt


class ApiModel(BaseModel):
    """Fields are written as in JavaScript; unknown ones are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def json_value(self) -> dict[str, object]:
        """As JSON values."""
        return self.model_dump(mode="json", by_alias=True)


class ErrorModel(ApiModel):
    """Every error. `error` is HTTP's phrase, `code` is stable, `message` says what to do."""

    status: int
    error: str
    code: str
    message: str
    details: dict[str, object] | None = None


class VersionModel(ApiModel):
    """The API, the version of the program, and who calls it."""

    version: str
    service_version: str
    ident: str | None


class CourseModel(ApiModel):
    """A course in which the caller is an instructor."""

    id: int
    code: str
    title: str
    description: str | None
    time_zone: str


class StudentModel(ApiModel):
    """A student of a course; `id` is of the membership, `userId` of the person."""

    id: int
    user_id: int
    username: str
    canvas_id: str | None
    first_name: str
    last_name: str
    email: str
    university_id: str | None
    enrolled_in: int
    instructor_id: int | None = None
    is_admin: bool = False
    is_lti: bool = False


class SnapshotModel(ApiModel):
    """A snapshot. `state` is complete, incomplete, imported, or unknown (no manifest)."""

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


class ProblemModel(ApiModel):
    """Something of the home that is not in the snapshot as it should be."""

    path: str
    reason: str


class SnapshotDetailModel(SnapshotModel):
    """A snapshot with what is missing in it or flagged."""

    parent: str | None
    include_hidden: bool | None
    problems: list[ProblemModel]


class NewBatchModel(ApiModel):
    """A batch to be started: a name, and students (all, if left out).

    A number is a student's id, a text a hub username or Canvas id.
    """

    name: Name
    students: Annotated[list[StudentId], Field(max_length=10_000)] | None = None
    include_hidden: bool = False


class BatchItemModel(ApiModel):
    """The capture of one student. `state` is queued, running, done, failed or cancelled."""

    student: str
    state: str
    attempts: int
    began_at: Instant | None
    ended_at: Instant | None
    error_code: str | None
    error: str | None
    outcome: str | None
    problem_count: int
    files: int | None
    bytes: int | None
    copied_bytes: int | None


class BatchSummaryModel(ApiModel):
    """A batch. `state` is running, done, failed (some students) or cancelled."""

    id: int
    name: str
    state: str
    requested_by: str
    requested_at: Instant
    include_hidden: bool
    counts: dict[str, int]


class BatchModel(BatchSummaryModel):
    """A batch with the capture of each student."""

    items: list[BatchItemModel]


class FileModel(ApiModel):
    """One file, folder or link of a snapshot."""

    name: str
    path: str
    type: Literal["file", "folder", "link", "special"]
    size: int
    modified_at: Instant | None


class PinModel(ApiModel):
    """Whether the snapshot is kept from deletion."""

    pinned: bool


class NewKeyModel(ApiModel):
    """A key to be made: a name for it, and the one course it is good for (all, if left out)."""

    name: Name
    course: str | None = None


class KeyModel(ApiModel):
    """A personal key, without its secret."""

    id: int
    prefix: str
    name: str
    owner: str
    course: str | None
    created_at: Instant
    created_by: str
    last_used_at: Instant | None
    revoked_at: Instant | None


class CreatedKeyModel(KeyModel):
    """A new key with its secret, which is shown this once."""

    key: str


class AuditModel(ApiModel):
    """Who did what."""

    id: int
    at: Instant
    principal: str
    action: str
    student: str | None
    target: str | None
    status: int
    address: str | None


class PageQuery(ApiModel):
    """One page of a list; the whole list without `per_page`."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, alias="per_page")


class SnapshotsQuery(PageQuery):
    """Which snapshots: of one student (username or Canvas id), of one full name."""

    student: str | None = None
    name: str | None = None


class TreeQuery(ApiModel):
    """Which folder of the snapshot; its top without `path`."""

    path: str = ""


class ArchiveQuery(ApiModel):
    """Which zip: snapshots of that full name, of these students (usernames, by comma; all without).

    Layout `plain` has ``<student>/…``, `nbgrader` has ``submitted/<student>/<assignment>/…``.
    """

    name: str
    students: str | None = None
    layout: Literal["plain", "nbgrader"] = "plain"
    assignment: str | None = None


class AuditQuery(ApiModel):
    """Events with lower ids than `before`, newest first."""

    before: int | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


def course_model(course: Course) -> dict[str, object]:
    """JSON of a course."""
    return CourseModel(
        id=course.id,
        code=course.code,
        title=course.title,
        description=course.description,
        time_zone=course.time_zone,
    ).json_value()


def student_model(member: Member) -> dict[str, object]:
    """JSON of a student."""
    return StudentModel(
        id=member.id,
        user_id=member.user_id,
        username=member.username,
        canvas_id=member.canvas_id,
        first_name=member.first_name,
        last_name=member.last_name,
        email=member.email,
        university_id=member.university_id,
        enrolled_in=member.course_id,
    ).json_value()


_SNAPSHOT_FIELDS = set(SnapshotModel.model_fields) - {"batch"}


def snapshot_fields(snapshot: Snapshot) -> dict[str, object]:
    """The fields that every model of a snapshot has."""
    fields: dict[str, object] = {field: getattr(snapshot, field) for field in _SNAPSHOT_FIELDS}
    return fields | {"batch": snapshot.batch_id}


def snapshot_model(snapshot: Snapshot) -> dict[str, object]:
    """JSON of a snapshot."""
    return SnapshotModel.model_validate(snapshot_fields(snapshot)).json_value()


def item_model(item: BatchItem) -> BatchItemModel:
    """The model of a batch's item."""
    fields = {field: getattr(item, field) for field in BatchItemModel.model_fields}
    return BatchItemModel.model_validate(fields | {"state": item.state.value})


_BATCH_FIELDS = set(BatchSummaryModel.model_fields) - {"counts"}


def _batch_fields(batch: Batch) -> dict[str, object]:
    fields: dict[str, object] = {field: getattr(batch, field) for field in _BATCH_FIELDS}
    return fields | {"counts": Counter(item.state.value for item in batch.items)}


def batch_summary_model(batch: Batch) -> dict[str, object]:
    """JSON of a batch, without its items."""
    return BatchSummaryModel.model_validate(_batch_fields(batch)).json_value()


def batch_model(batch: Batch) -> dict[str, object]:
    """JSON of a batch."""
    items = [item_model(item) for item in batch.items]
    return BatchModel.model_validate(_batch_fields(batch) | {"items": items}).json_value()


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
        "modifiedAt": _iso(modified) if modified is not None else None,
    }


def key_fields(key: ApiKey, course: Course | None) -> dict[str, object]:
    """The fields that every model of a key has."""
    fields: dict[str, object] = {
        field: getattr(key, field) for field in set(KeyModel.model_fields) - {"course"}
    }
    return fields | {"course": course.code if course is not None else None}


def audit_model(number: int, event: AuditEvent) -> dict[str, object]:
    """JSON of a line of the audit log."""
    fields = {field: getattr(event, field) for field in set(AuditModel.model_fields) - {"id"}}
    return AuditModel.model_validate(fields | {"id": number}).json_value()
