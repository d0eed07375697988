"""Documents of assignments in students' homes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from ..core.access import Action, require_student
from ..core.home_deliveries import HomeDelivery
from ..core.records import Member
from .api import ApiHandler, number_in
from .base import Operation
from .batch_models import StudentId
from .models import ApiModel, Instant, PageQuery


class HomeDeliveryModel(ApiModel):
    """A file that goes, or went, into a student's home.

    `state` is waiting, delivered or failed; what waits may tell by `error` why the last attempt
    came to nothing. `path` is relative to the home. `renamed` tells that something was there
    already, so that the file has a number in its name.
    """

    id: int
    student: str
    kind: str
    state: str
    path: str | None
    renamed: bool
    error_code: str | None
    error: str | None
    due_at: Instant | None
    at: Instant | None


class NewDeliveriesModel(ApiModel):
    """Who is to get the document: students (all, if left out).

    A number is a student's id, a text a hub username or Canvas id.
    """

    students: Annotated[list[StudentId], Field(max_length=10_000)] | None = None


class DeliveryListHandler(ApiHandler):
    """GET, POST …/assignments/{assignment}/deliveries"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_ASSIGNMENTS,
            "What was put into homes for an assignment, or is to be",
            list[HomeDeliveryModel],
            query=PageQuery,
        ),
        "POST": Operation(
            Action.DELIVER_DOCUMENT,
            "Put the assignment's document into homes now",
            list[HomeDeliveryModel],
            body=NewDeliveriesModel,
        ),
    }

    async def get(self, ident: str, course: str, assignment: str) -> None:
        """See the class."""
        self.target = f"assignment {assignment[:20]}"
        found = await self.services.deliveries.of_assignment(self.here, number_in(assignment))
        await self.reply_list(found, self.query(PageQuery), home_delivery_model)

    async def post(self, ident: str, course: str, assignment: str) -> None:
        """See the class."""
        self.target = f"assignment {assignment[:20]}"
        wanted = self.json_body(NewDeliveriesModel).students
        students = await self._find(wanted) if wanted is not None else None
        found = await self.services.deliveries.deliver(
            self.here, number_in(assignment), students, self.caller.name
        )
        self.target += f": {len(found)} students"
        self.services.deadlines_changed()
        await self.reply_each(found, home_delivery_model)

    async def _find(self, wanted: list[int | str]) -> list[Member]:
        """Raises StudentNotFound, StudentAmbiguous."""
        roster = self.services.roster
        return [
            require_student(
                await roster.find_student(self.here, str(each))
                if isinstance(each, int)
                else await roster.find_named_student(self.here, each),
                Action.DELIVER_DOCUMENT,
            )
            for each in dict.fromkeys(wanted)
        ]


def home_delivery_model(delivery: HomeDelivery) -> dict[str, object]:
    """JSON of a delivery."""
    fields = {
        field: getattr(delivery, field)
        for field in set(HomeDeliveryModel.model_fields) - {"kind", "state"}
    }
    fields |= {"kind": delivery.kind.value, "state": delivery.state.value}
    return HomeDeliveryModel.model_validate(fields).json_value()
