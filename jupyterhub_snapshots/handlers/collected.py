"""How far the class is: one line for each assignment, one cell for each student and assignment."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from ..collection import ClassWork
from ..core.access import Action
from ..core.collected import Cell, CellState, Collected
from ..core.overview import is_student
from ..store.database import utc_now
from .assignment_models import AssignmentModel, assignment_model
from .base import Operation
from .models import ApiModel
from .overviews import Moment, OverviewHandler


class CountsModel(ApiModel):
    """How many students are how far, and how many of them have a due date of their own.

    Who has no deadline is not counted. `late` has those in whose snapshots files changed after
    the deadline, too, and `missing` those who did not open a timed assignment.
    """

    open: int
    captured: int
    late: int
    missing: int
    excused: int
    failed: int
    running: int
    extended: int


class AssignmentRowModel(AssignmentModel):
    """An assignment, and how far the class is with it.

    The last moments of its students lie between `firstInstant` and `lastInstant`.
    """

    state: Literal["upcoming", "open", "capturing", "collected", "released", "undated"]
    first_instant: Moment | None
    last_instant: Moment | None
    counts: CountsModel


class AssignmentOverviewModel(ApiModel):
    """How many students the course has now, its time zone, and its assignments by time."""

    students: int
    time_zone: str
    assignments: list[AssignmentRowModel]


class GridStudentModel(ApiModel):
    """A student; inactive for one who has left the course, of whom something was captured."""

    id: int
    username: str
    first_name: str
    last_name: str
    active: bool


class CellModel(ApiModel):
    """How far a student is. `at` is when that was captured, or else until when there is time.

    `changed` counts the files in the snapshot that changed after the deadline.
    """

    state: Literal[
        "none",
        "open",
        "running",
        "captured",
        "late",
        "changed",
        "missing",
        "failed",
        "excused",
        "not_opened",
    ]
    at: Moment | None
    snapshot: str | None
    changed: int
    extended: bool


class GridModel(ApiModel):
    """Ids of the assignments by time, the students by username, and for each a row of cells."""

    assignments: list[int]
    students: list[GridStudentModel]
    cells: list[list[CellModel]]


class AssignmentOverviewHandler(OverviewHandler):
    """GET …/courses/{course}/overview/assignments"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_ASSIGNMENTS,
            "Every assignment with how far the class is",
            AssignmentOverviewModel,
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        work = await self.services.collection.of_course(self.here, utc_now())
        await self.reply_short(
            lambda: {
                "students": sum(map(is_student, work.students)),
                "timeZone": self.here.time_zone,
                "assignments": [_row(each) for each in work.assignments],
            }
        )


class GridHandler(OverviewHandler):
    """GET …/courses/{course}/overview/grid"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_ASSIGNMENTS, "How far every student is with every assignment", GridModel
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        work = await self.services.collection.of_course(self.here, utc_now())
        await self.reply_short(lambda: _grid(work))


def _row(found: Collected) -> dict[str, object]:
    return assignment_model(found.assignment) | {
        "state": found.state.value,
        "firstInstant": _to_the_second(found.first),
        "lastInstant": _to_the_second(found.last),
        "counts": dict(found.counts),
    }


def _grid(work: ClassWork) -> dict[str, object]:
    # Without models, of which there would be a hundred thousand.
    numbers = [each.assignment.id for each in work.assignments]
    nothing = Cell(CellState.NONE)
    return {
        "assignments": numbers,
        "students": [
            GridStudentModel(
                id=each.id,
                username=each.username,
                first_name=each.first_name,
                last_name=each.last_name,
                active=is_student(each),
            ).json_value()
            for each in work.students
        ],
        "cells": [
            [_cell(work.cells.get((number, student.user_id), nothing)) for number in numbers]
            for student in work.students
        ],
    }


def _cell(cell: Cell) -> dict[str, object]:
    return {
        "state": cell.state.value,
        "at": _to_the_second(cell.at),
        "snapshot": cell.snapshot,
        "changed": cell.changed,
        "extended": cell.extended,
    }


def _to_the_second(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at is not None else None
