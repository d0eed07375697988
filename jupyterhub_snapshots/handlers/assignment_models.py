"""Assignments in the API."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from ..core.assignments import Assignment, Availability
from .fields import MOST_MINUTES, Count, DateText, Description, Id, Title, read_field
from .models import ApiModel, Instant

Tag = Literal[
    "ViaPassword", "HiddenViaPassword", "ViaPasswordExpiring", "HiddenViaPasswordExpiring"
]
_MOST_CHARACTERS = 1000


def _password(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_CHARACTERS:
        raise ValueError(f"the password is a text of 1 to {_MOST_CHARACTERS} characters")
    return value


def _minutes(value: object) -> int:
    if type(value) is not int or not 0 < value <= MOST_MINUTES:
        raise ValueError(f"minutes: a whole number, 1 or more and {MOST_MINUTES} at most")
    return value


def _contents(value: object) -> str | tuple[str, int] | int | None:
    """What is told to people is about passwords and minutes, not about types."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ValueError("send [password, minutes]")
        return _password(value[0]), _minutes(value[1])
    return _password(value) if isinstance(value, str) else _minutes(value)


_PASSWORD = {"type": "string", "minLength": 1, "maxLength": _MOST_CHARACTERS}
_MINUTES = {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES}
_PAIR = {"type": "array", "prefixItems": [_PASSWORD, _MINUTES], "minItems": 2, "maxItems": 2}
Contents = Annotated[
    str | tuple[str, int] | int | None,
    PlainValidator(_contents),
    WithJsonSchema({"anyOf": [_PASSWORD, _PAIR, _MINUTES, {"type": "null"}]}),
]


class NewAvailabilityModel(ApiModel):
    """How an assignment is opened.

    `contents` is the password, or for what expires the password and the minutes. Where there is a
    password already, none (`null`), or the minutes alone, keeps it.
    """

    tag: Tag
    contents: Contents = Field(None, validate_default=True)

    @field_validator("contents")
    @classmethod
    def _check(cls, contents: Contents, info: ValidationInfo) -> Contents:
        tag = info.data.get("tag", "")
        if tag.endswith("Expiring") and not isinstance(contents, (tuple, int)):
            raise ValueError(f"{tag} needs [password, minutes]")
        if tag and not tag.endswith("Expiring") and not isinstance(contents, (str, type(None))):
            raise ValueError(f"{tag} needs a password")
        return contents

    @property
    def password(self) -> str | None:
        """The new password; None for the one there is."""
        found = self.contents[0] if isinstance(self.contents, tuple) else self.contents
        return found if isinstance(found, str) else None

    def record(self, password_hash: str) -> Availability:
        """The record with that hash."""
        minutes = self.contents[1] if isinstance(self.contents, tuple) else self.contents
        return Availability(
            hidden=self.tag.startswith("Hidden"),
            minutes=minutes if isinstance(minutes, int) else None,
            password_hash=password_hash,
        )


class AvailabilityModel(ApiModel):
    """How an assignment is opened; `contents` is the minutes of what expires. No password."""

    tag: Tag
    contents: int | None


class AssignmentModel(ApiModel):
    """An assignment. `date` is when it was made, `assigner` the `userId` of the co-instructor who
    made it."""

    grade_release: Instant | None
    total_problems: int | None
    visible_from: Instant | None
    availability: AvailabilityModel | None
    date: Instant
    document: int | None
    point_value: int | None
    course: int
    id: int
    duedate: Instant | None
    title: str
    visible_till: Instant | None
    assigner: int | None
    description: str | None


class AssignmentPatchModel(ApiModel):
    """What of an assignment is to change; `null` clears a field, but not the title.

    `due-date` may stand for `duedate`.
    """

    grade_release: DateText | None = None
    total_problems: Count | None = None
    visible_from: DateText | None = None
    availability: NewAvailabilityModel | None = None
    point_value: Count | None = None
    duedate: DateText | None = None
    title: Title | None = None
    visible_till: DateText | None = None
    description: Description | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_due_date(cls, body: Any) -> Any:
        if isinstance(body, dict) and "due-date" in body:
            return {"duedate": body["due-date"], **body}
        return body

    def changes(self, zone: tzinfo) -> tuple[dict[str, Any], list[str | None]]:
        """The fields that were sent, under the names of the record, and notes on their dates.

        The availability is not among them: its password has to be hashed. Raises InvalidDate.
        """
        fields: dict[str, Any] = {}
        notes: list[str | None] = []
        for name in self.model_fields_set - {"availability"}:
            value = getattr(self, name)
            if name in _DATES and value is not None:
                reading = read_field(value, zone, _DATES[name], begins=name == "visible_from")
                value = reading.at
                notes.append(reading.note)
            if not (name == "title" and value is None):
                fields["due" if name == "duedate" else name] = value
        return fields, notes


class NewAssignmentModel(AssignmentPatchModel):
    """An assignment to be made: the id of a document and a title, and what else there is.

    `due-date` may stand for `duedate`.
    """

    document: Id
    title: Title


_DATES = {
    "grade_release": "gradeRelease",
    "visible_from": "visibleFrom",
    "visible_till": "visibleTill",
    "duedate": "duedate",
}


def assignment_model(assignment: Assignment) -> dict[str, object]:
    """JSON of an assignment."""
    available = assignment.availability
    return AssignmentModel(
        grade_release=assignment.grade_release,
        total_problems=assignment.total_problems,
        visible_from=assignment.visible_from,
        availability=AvailabilityModel.model_validate(
            {"tag": available.tag, "contents": available.minutes}
        )
        if available is not None
        else None,
        date=assignment.created_at,
        document=assignment.document,
        point_value=assignment.point_value,
        course=assignment.course_id,
        id=assignment.id,
        duedate=assignment.due,
        title=assignment.title,
        visible_till=assignment.visible_till,
        assigner=assignment.assigner,
        description=assignment.description,
    ).json_value()
