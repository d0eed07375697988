"""A course at a glance: one line for each student, one for each name of a snapshot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import PlainSerializer

from ..core.access import Action
from ..core.overview import NameOverview, StudentOverview, by_name, by_student, shown
from ..core.records import Failure, Role, Snapshot
from ..store import batches
from .api import ApiHandler
from .base import Operation
from .models import ApiModel

#: What is told of a failure in a list of very many; the batch has the whole.
_MESSAGE_LENGTH = 120


def _to_the_second(when: datetime) -> str:
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


Moment = Annotated[datetime, PlainSerializer(_to_the_second, return_type=str)]


class NewestModel(ApiModel):
    """A student's newest snapshot."""

    name: str
    state: str
    began_at: Moment | None
    ended_at: Moment | None
    problem_count: int
    bytes: int | None
    changed_files: int


class FailureModel(ApiModel):
    """How a capture failed."""

    at: Moment
    code: str
    message: str
    batch: int


class StudentOverviewModel(ApiModel):
    """A student and the snapshots there are; inactive for one who is none of the course now.

    `id` is the student's in paths, null for one of whom only snapshots are known. `role` is that
    in the course now, null for one who left it or never was in it.
    """

    id: int | None
    username: str
    canvas_id: str | None
    first_name: str
    last_name: str
    active: bool
    role: Role | None
    snapshots: int
    newest: NewestModel | None
    last_failure: FailureModel | None


class NameOverviewModel(ApiModel):
    """The snapshots of one name; times, files and sizes are null when nothing is known of them."""

    name: str
    taken: int
    complete: int
    incomplete: int
    other: int
    began_at: Moment | None
    ended_at: Moment | None
    files: int | None
    bytes: int | None
    copied_bytes: int | None
    pinned: int
    batch: int | None


class CourseOverviewModel(ApiModel):
    """How many students the course has now, and its snapshots by name, newest first."""

    students: int
    snapshots: list[NameOverviewModel]


class OverviewHandler(ApiHandler):
    """Answers what may be long as short as it can be."""

    async def reply_short(self, make: Callable[[], object]) -> None:
        """Answers what is made in a thread, without blanks."""
        made = await asyncio.to_thread(lambda: json.dumps(make(), separators=(",", ":")))
        self.reply_text(made)


class StudentOverviewHandler(OverviewHandler):
    """GET …/courses/{course}/overview/students"""

    operations: ClassVar = {
        "GET": Operation(
            Action.LIST_SNAPSHOTS,
            "Every student with the newest snapshot",
            list[StudentOverviewModel],
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        number = self.here.id
        members = await self.services.roster.everybody(self.here)
        failures = await self.services.store.read(lambda db: batches.last_failures(db, number))
        found = shown(await self.services.snapshots.list_snapshots(self.here))
        zone = ZoneInfo(self.here.time_zone)
        await self.reply_short(
            lambda: [_student(each) for each in by_student(members, found, failures, zone)]
        )


class NameOverviewHandler(OverviewHandler):
    """GET …/courses/{course}/overview/snapshots"""

    operations: ClassVar = {
        "GET": Operation(
            Action.LIST_SNAPSHOTS, "The snapshots of the class by name", CourseOverviewModel
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        students = await self.services.roster.students(self.here)
        found = shown(await self.services.snapshots.list_snapshots(self.here))
        await self.reply_short(
            lambda: CourseOverviewModel(
                students=len(students), snapshots=[_name(each) for each in by_name(found)]
            ).json_value()
        )


def _student(found: StudentOverview) -> dict[str, object]:
    member, newest, failure = found.member, found.newest, found.last_failure
    return StudentOverviewModel(
        id=member.id if member is not None else None,
        username=found.username,
        canvas_id=member.canvas_id if member is not None else None,
        first_name=member.first_name if member is not None else "",
        last_name=member.last_name if member is not None else "",
        active=found.active,
        role=found.role,
        snapshots=found.snapshots,
        newest=_newest(newest) if newest is not None else None,
        last_failure=_failure(failure) if failure is not None else None,
    ).json_value()


def _newest(found: Snapshot) -> NewestModel:
    return NewestModel.model_validate(found, from_attributes=True)


def _failure(found: Failure) -> FailureModel:
    message = found.message
    if len(message) > _MESSAGE_LENGTH:
        message = message[: _MESSAGE_LENGTH - 1] + "…"
    return FailureModel(at=found.at, code=found.code, message=message, batch=found.batch_id)


_NAME_FIELDS = set(NameOverviewModel.model_fields) - {"batch"}


def _name(found: NameOverview) -> NameOverviewModel:
    fields = {field: getattr(found, field) for field in _NAME_FIELDS}
    return NameOverviewModel.model_validate(fields | {"batch": found.batch_id})
