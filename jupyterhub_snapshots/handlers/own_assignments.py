"""The caller's own assignments and deadlines, as a student."""

from __future__ import annotations

from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field

from ..core.access import Action
from ..core.capture_states import counted
from ..core.deadlines import own_minutes
from ..core.records import Role
from ..core.visibility import OwnState, own_state
from ..opening import OwnAssignment
from .api import ApiHandler, number_in
from .base import Operation
from .deadline_models import DeadlineModel, DeadlineTimesModel, deadline_model, deadline_times
from .models import ApiModel, Instant
from .own import OwnHandler

Password = Annotated[str, Field(max_length=1000)]


class OwnAvailabilityModel(ApiModel):
    """How an assignment is opened: the own minutes, if it is timed, and whether by a password."""

    timed: int | None
    password: bool


class OwnSnapshotModel(ApiModel):
    """The snapshot that stands for the work; `changed` of its files changed after the deadline."""

    name: str
    began_at: Instant | None
    changed: int


class OwnDeliveryModel(ApiModel):
    """What came of putting the document into the home; `state` is waiting, delivered or failed."""

    state: str
    path: str | None
    renamed: bool
    error_code: str | None
    error: str | None


class OwnAssignmentModel(DeadlineTimesModel):
    """An assignment that the caller may see, with the own deadline.

    `opened` is when the caller opened it, `delivered` where its document is in the home.
    """

    id: int
    title: str
    description: str | None
    availability: OwnAvailabilityModel | None
    opened: Instant | None
    state: OwnState
    snapshot: OwnSnapshotModel | None
    delivered: str | None
    delivery: OwnDeliveryModel | None


class OpeningModel(ApiModel):
    """The password of an assignment."""

    password: Password = ""


class HiddenOpeningModel(ApiModel):
    """Title and password of an assignment that is in no list."""

    title: Annotated[str, Field(min_length=1, max_length=255)]
    password: Password = ""


class OwnAssignmentBaseHandler(OwnHandler, ApiHandler):
    """A route about own assignments."""

    @property
    def zone(self) -> ZoneInfo:
        """Of the course."""
        return ZoneInfo(self.here.time_zone)

    @property
    def is_student(self) -> bool:
        """Whether the caller is a student of the course; staff have nothing of their own."""
        return self.caller.role_in(self.here.id) is Role.STUDENT

    def model(self, own: OwnAssignment) -> dict[str, object]:
        """JSON of an own assignment."""
        found, delivery = own.found, own.delivery
        assignment, given = found.assignment, found.given
        now = self.services.opening.now()
        taken = counted(found.captures)
        availability = snapshot = delivered = None
        if assignment.availability is not None:
            minutes = own_minutes(assignment, given.accommodation)
            availability = OwnAvailabilityModel(
                timed=minutes if assignment.timed else None,
                password=bool(assignment.availability.password_hash),
            )
        if taken is not None and taken.snapshot is not None:
            snapshot = OwnSnapshotModel(
                name=taken.snapshot, began_at=taken.began_at, changed=taken.late_files
            )
        if delivery is not None:
            delivered = OwnDeliveryModel(
                state=delivery.state.value,
                path=delivery.path,
                renamed=delivery.renamed,
                error_code=delivery.error_code,
                error=delivery.error,
            )
        # Who opened it once more has another deadline, which the earlier snapshot does not meet.
        instant = found.deadline.instant
        captured = taken is not None and (instant is None or taken.at >= instant)
        fields = deadline_times(found, self.zone, now) | {
            "id": assignment.id,
            "title": assignment.title,
            "description": assignment.description,
            "availability": availability,
            "opened": given.token.created_at if given.token is not None else None,
            "state": own_state(assignment, found.deadline, given.token, now, captured=captured),
            "snapshot": snapshot,
            "delivered": delivery.path if delivery is not None else None,
            "delivery": delivered,
        }
        return OwnAssignmentModel.model_validate(fields).json_value()


class OwnAssignmentListHandler(OwnAssignmentBaseHandler):
    """GET …/users/me/courses/{course}/assignments"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_ASSIGNMENTS, "Your assignments, as a student", list[OwnAssignmentModel]
        )
    }

    async def get(self, course: str, ident: str, student: str) -> None:
        """See the class."""
        found = []
        if self.is_student:
            found = await self.services.opening.list_assignments(self.here, self.whose)
        await self.reply_each(found, self.model)


class OwnDeadlineListHandler(OwnAssignmentBaseHandler):
    """GET …/users/me/courses/{course}/deadlines"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DEADLINES,
            "Your deadlines, as a student, and how they came about",
            list[DeadlineModel],
        )
    }

    async def get(self, course: str, ident: str, student: str) -> None:
        """See the class."""
        found = []
        if self.is_student:
            found = await self.services.opening.deadlines(self.here, self.whose)
        now = self.services.opening.now()
        await self.reply_each(found, lambda each: deadline_model(each, self.zone, now))


class OwnOpeningHandler(OwnAssignmentBaseHandler):
    """POST …/users/me/courses/{course}/assignments/{assignment}/open"""

    operations: ClassVar = {
        "POST": Operation(
            Action.OPEN_ASSIGNMENT,
            "Open an assignment: your time begins, and its document is put into your home",
            OwnAssignmentModel,
            body=OpeningModel,
        )
    }

    async def post(self, course: str, assignment: str, ident: str, student: str) -> None:
        """See the class."""
        self.target = f"assignment {assignment[:20]}"
        wanted = self.json_body(OpeningModel)
        opened = await self.services.opening.open(
            self.here, self.whose, number_in(assignment), wanted.password
        )
        self.target = opened.found.assignment.title
        self.services.deadlines_changed()
        self.reply(self.model(opened))


class OwnHiddenOpeningHandler(OwnAssignmentBaseHandler):
    """POST …/users/me/courses/{course}/assignments/open"""

    operations: ClassVar = {
        "POST": Operation(
            Action.OPEN_ASSIGNMENT,
            "Open an assignment that is not in your list",
            OwnAssignmentModel,
            body=HiddenOpeningModel,
        )
    }

    async def post(self, course: str, ident: str, student: str) -> None:
        """See the class."""
        wanted = self.json_body(HiddenOpeningModel)
        opened = await self.services.opening.open_hidden(
            self.here, self.whose, wanted.title, wanted.password
        )
        self.target = opened.found.assignment.title
        self.services.deadlines_changed()
        self.reply(self.model(opened))
