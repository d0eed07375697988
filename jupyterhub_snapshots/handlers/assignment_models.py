"""Assignments in the API."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StringConstraints, model_validator

from ..core.assignments import Assignment, Availability
from .fields import MOST_MINUTES, Count, DateText, Description, Id, Title, read_field
from .models import ApiModel, Instant

Tag = Literal[
    "ViaPassword", "HiddenViaPassword", "ViaPasswordExpiring", "HiddenViaPasswordExpiring"
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Minutes = Annotated[StrictInt, Field(ge=1, le=MOST_MINUTES)]


class NewAvailabilityModel(ApiModel):
    """How an assignment is opened.

    `contents` is the password, or for what expires the password and the minutes. Where there is a
    password already, none (`null`), or the minutes alone, keeps it.
    """

    tag: Tag
    contents: Password | tuple[Password, Minutes] | Minutes | None = None

    @model_validator(mode="after")
    def _check(self) -> NewAvailabilityModel:
        if self.is_timed and not isinstance(self.contents, (tuple, int)):
            raise ValueError(f"{self.tag} needs the contents [password, minutes]")
        if not self.is_timed and not isinstance(self.contents, (str, type(None))):
            raise ValueError(f"{self.tag} needs a password as its contents")
        return self

    @property
    def is_timed(self) -> bool:
        """Whether it is for a limited time."""
        return self.tag.endswith("Expiring")

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
