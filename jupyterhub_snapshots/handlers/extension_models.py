"""Extensions, accommodations and access tokens in the API."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from ..core.assignments import AccessToken, Accommodation, Extension
from .fields import DateText, ExtraHours, ExtraMinutes, Factor, Id
from .models import ApiModel, Instant


class ExtensionModel(ApiModel):
    """A student's own due date; none (`null`) excuses. `forUser` is the `userId`."""

    id: int
    on_assignment: int
    for_user: int
    until: Instant | None


class NewExtensionModel(ApiModel):
    """An own due date for a student. `forUser`, if sent, must be the student's `userId`."""

    on_assignment: Id
    until: DateText | None
    for_user: Id | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_misspelt(cls, body: Any) -> Any:
        # Scripts have it like this from a page of the older server.
        if isinstance(body, dict) and "onAsssignment" in body:
            return {"onAssignment": body["onAsssignment"], **body}
        return body


class AccommodationModel(ApiModel):
    """What a student is given in a course; without an id, nothing but the defaults."""

    id: int | None
    for_course: int
    for_user: int
    time_factor: int | float
    time_extra_minutes: int
    date_extra_hours: int


class AccommodationPatchModel(ApiModel):
    """What is to change of it; what is not sent, or sent as `null`, stays.

    Numbers may stand in quotes, and the factor may be one like `"4/3"`.
    """

    time_factor: Factor | None = None
    time_extra_minutes: ExtraMinutes | None = None
    date_extra_hours: ExtraHours | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that are to change."""
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in sent.items() if value is not None}


class AccessTokenModel(ApiModel):
    """When a student (`user`, the `userId`) opened an assignment."""

    id: int
    created_at: Instant
    user: int
    assignment: int


def extension_model(extension: Extension) -> dict[str, object]:
    """JSON of an extension."""
    return ExtensionModel(
        id=extension.id,
        on_assignment=extension.assignment_id,
        for_user=extension.user_id,
        until=extension.until,
    ).json_value()


def accommodation_model(given: Accommodation) -> dict[str, object]:
    """JSON of an accommodation."""
    factor = given.time_factor
    return AccommodationModel(
        id=given.id,
        for_course=given.course_id,
        for_user=given.user_id,
        time_factor=factor.numerator if factor.denominator == 1 else float(factor),
        time_extra_minutes=given.time_extra_minutes,
        date_extra_hours=given.date_extra_hours,
    ).json_value()


def token_model(token: AccessToken) -> dict[str, object]:
    """JSON of an access token."""
    return AccessTokenModel(
        id=token.id,
        created_at=token.created_at,
        user=token.user_id,
        assignment=token.assignment_id,
    ).json_value()
