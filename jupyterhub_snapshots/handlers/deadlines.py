"""Deadlines of a class, and who would have another one after a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StrictInt, StrictStr, model_validator

from ..core.access import Action
from ..core.assignments import Accommodation, Assignment, DateInputs, Extension
from ..core.moves import Move, move_text
from ..core.records import Member
from ..store import assignments
from ..store.database import utc_now
from .api import ApiHandler
from .assignment_models import AssignmentPatchModel
from .assignments import kept_availability
from .base import Operation
from .deadline_models import DeadlineModel, deadline_model
from .extension_models import AccommodationPatchModel, NewExtensionModel
from .fields import Id, read_field
from .models import LARGEST_ID, ApiModel, Instant, PageQuery

#: A student's id, or the username or Canvas id.
StudentText = Annotated[
    StrictInt | Annotated[StrictStr, Field(min_length=1, max_length=255)], Field(union_mode="smart")
]


class DeadlinesQuery(PageQuery):
    """Which deadlines: for one assignment (its id), of one student (id, username, Canvas id)."""

    assignment: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    student: str | None = None


class PreviewAssignmentModel(AssignmentPatchModel):
    """The id of an assignment, and what of it is to change."""

    id: Id


class PreviewExtensionModel(NewExtensionModel):
    """An own due date for a student (id or username), or for several."""

    student: StudentText | None = None
    students: Annotated[list[StudentText], Field(max_length=10_000)] | None = None

    @model_validator(mode="after")
    def _check_students(self) -> PreviewExtensionModel:
        if (self.student is None) == (self.students is None):
            raise ValueError("send either student or students")
        return self


class PreviewAccommodationModel(AccommodationPatchModel):
    """What is to change of what a student (id or username) is given in the course."""

    student: StudentText


class PreviewModel(ApiModel):
    """One change, as it would be sent to be saved."""

    assignment: PreviewAssignmentModel | None = None
    extension: PreviewExtensionModel | None = None
    accommodation: PreviewAccommodationModel | None = None

    @model_validator(mode="after")
    def _check(self) -> PreviewModel:
        if [self.assignment, self.extension, self.accommodation].count(None) != 2:
            raise ValueError("send one change: an assignment, an extension, or an accommodation")
        return self


class MomentsModel(ApiModel):
    """When work is due, when late work is not taken any more, when the own time ends."""

    due: Instant | None
    closes: Instant | None
    ends: Instant | None


class MoveModel(ApiModel):
    """Whose deadline (username) for which assignment (id) moves.

    `effect` is "moves" for what was not captured yet, "captured_again" for what was and is once
    more at a later time, "captured_now" where the new time is past and it is captured at once,
    "none" where nothing else is captured. `text` says it to people.
    """

    assignment: int
    student: str
    before: MomentsModel
    after: MomentsModel
    effect: Literal["moves", "captured_again", "captured_now", "none"]
    text: str


class MovesModel(ApiModel):
    """Who would have another deadline, and notes on how dates were read."""

    notes: list[str]
    moves: list[MoveModel]


class DeadlineListHandler(ApiHandler):
    """GET …/courses/{course}/deadlines"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DEADLINES,
            "When work is due, student by student, why, and what is captured then",
            list[DeadlineModel],
            query=DeadlinesQuery,
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        query, number = self.query(DeadlinesQuery), self.here.id
        wanted = query.assignment
        if wanted is not None:
            title = await self.services.store.read(
                lambda db: assignments.get_assignment(db, number, wanted).title
            )
            self.target = title
        if query.student is not None:
            member = await self.services.roster.find_student(self.here, query.student)
            self.student_name = member.username
            found = await self.services.deadlines.of_student(self.here, member.user_id, wanted)
        else:
            found = await self.services.deadlines.of_course(self.here, wanted)
        found.sort(key=lambda each: each.assignment.id)  # as every page needs it
        zone, now = ZoneInfo(self.here.time_zone), utc_now()
        await self.reply_list(found, query, lambda each: deadline_model(each, zone, now))


class DeadlinePreviewHandler(ApiHandler):
    """POST …/courses/{course}/deadlines/preview"""

    operations: ClassVar = {
        "POST": Operation(
            Action.READ_DEADLINES,
            "Whose deadlines a change would move; nothing is saved",
            MovesModel,
            body=PreviewModel,
        )
    }

    async def post(self, ident: str, course: str) -> None:
        """See the class."""
        wanted = self.json_body(PreviewModel)
        assignment_id, user_ids = None, None
        notes: list[str | None] = []
        if wanted.assignment is not None:
            assignment_id = wanted.assignment.id
            change, notes = self._assignment(wanted.assignment)
        elif wanted.extension is not None:
            assignment_id = wanted.extension.on_assignment
            students = await self._students(wanted.extension)
            user_ids = {student.user_id for student in students}
            change, notes = self._extension(wanted.extension, user_ids)
        else:
            assert wanted.accommodation is not None
            student = await self._student(wanted.accommodation.student)
            user_ids = {student.user_id}
            change = self._accommodation(wanted.accommodation, student)
        now = utc_now()
        found, titles = await self.services.collection.preview(
            self.here, change, now, assignment_id=assignment_id, user_ids=user_ids
        )
        if assignment_id is not None:
            self.target = titles[assignment_id].title
        zone = ZoneInfo(self.here.time_zone)
        await self.reply_made(
            lambda: MovesModel(
                notes=[note for note in notes if note is not None],
                moves=[_move(each, zone) for each in found],
            ).json_value()
        )

    async def _student(self, text: int | str) -> Member:
        member = await self.services.roster.find_student(self.here, str(text))
        self.student_name = member.username
        return member

    async def _students(self, wanted: PreviewExtensionModel) -> list[Member]:
        if wanted.student is not None:
            return [await self._student(wanted.student)]
        known: dict[int | str, Member] = {}
        for member in await self.services.roster.students(self.here):
            known[member.id] = member
        find = self.services.roster.find_student
        return [
            known.get(each) or await find(self.here, str(each)) for each in wanted.students or ()
        ]

    def _assignment(
        self, wanted: PreviewAssignmentModel
    ) -> tuple[Callable[[DateInputs], DateInputs], list[str | None]]:
        fields, notes = wanted.changes(ZoneInfo(self.here.time_zone))
        fields.pop("id")

        def change(inputs: DateInputs) -> DateInputs:
            before: Assignment = inputs.assignments[wanted.id]
            if "availability" in wanted.model_fields_set:
                sent = wanted.availability
                # It stands for the hash of a password that is sent, which moves nothing.
                record = sent.record(sent.password or "") if sent is not None else None
                fields["availability"] = kept_availability(record, before.availability)
            return replace(inputs, assignments={wanted.id: replace(before, **fields)})

        return change, notes

    def _extension(
        self, wanted: PreviewExtensionModel, user_ids: Iterable[int]
    ) -> tuple[Callable[[DateInputs], DateInputs], list[str | None]]:
        until = note = None
        if wanted.until is not None:
            reading = read_field(wanted.until, ZoneInfo(self.here.time_zone), "until")
            until, note = reading.at, reading.note
        number = wanted.on_assignment
        granted = {(number, user): Extension(0, number, user, until) for user in user_ids}
        return lambda inputs: replace(inputs, extensions={**inputs.extensions, **granted}), [note]

    def _accommodation(
        self, wanted: PreviewAccommodationModel, student: Member
    ) -> Callable[[DateInputs], DateInputs]:
        course_id, user_id, fields = self.here.id, student.user_id, wanted.changes()
        fields.pop("student")

        def change(inputs: DateInputs) -> DateInputs:
            before = inputs.accommodations.get(user_id, Accommodation(course_id, user_id))
            given = {**inputs.accommodations, user_id: replace(before, **fields)}
            return replace(inputs, accommodations=given)

        return change


def _move(move: Move, zone: ZoneInfo) -> MoveModel:
    return MoveModel(
        assignment=move.assignment_id,
        student=move.student.username,
        before=MomentsModel.model_validate(move.before, from_attributes=True),
        after=MomentsModel.model_validate(move.after, from_attributes=True),
        effect=move.effect.value,
        text=move_text(move, zone),
    )
