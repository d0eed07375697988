"""What the API takes and answers: camelCase, instants as ISO 8601 in UTC, sizes in bytes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel

from ..core.records import ApiKey, AuditEvent, Course, Member


def iso(when: datetime) -> str:
    """ISO 8601 in UTC."""
    return when.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(iso, return_type=str)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
CaptureKind = Literal["warmup", "deadline", "exam", "late", "manual"]
#: Ids are 32 bits wide in every database.
LARGEST_ID = 2**31 - 1
_PAGE_SIZE = 100


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


class ProblemModel(ApiModel):
    """Something of the home that is not in the snapshot as it should be."""

    path: str
    reason: str


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
    """One page of a list, of 100 without `per_page`; the whole list without both."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, alias="per_page")

    @property
    def size(self) -> int | None:
        """How many are on a page; None for the whole list."""
        return self.per_page or (_PAGE_SIZE if "page" in self.model_fields_set else None)


class AuditQuery(ApiModel):
    """Events with lower ids than `before`, newest first."""

    before: int | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


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
