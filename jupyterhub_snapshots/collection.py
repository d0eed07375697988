"""How far a class is with its assignments, and what a change of dates would do to it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from .core.assignments import Assignment, DateInputs
from .core.captures import Enrolled
from .core.collected import Cell, CellState, Collected, by_time, cell, collected
from .core.moves import Move, find_moves
from .core.overview import is_student
from .core.records import Course, Member
from .deadlines import StudentDeadline, list_deadlines
from .errors import AssignmentNotFound
from .roster import Roster
from .store import Store, assignments, capture_states, captures, people


@dataclass(frozen=True)
class ClassWork:
    """A class and its assignments.

    Attributes:
        assignments: by their first moment.
        students: who is a student of the course now, and who was and has snapshots of one of the
            assignments, by username.
        cells: (assignment id, user id) to how far the student is.
    """

    assignments: list[Collected]
    students: list[Member]
    cells: dict[tuple[int, int], Cell]


class CollectionReader:
    """Tells how far students are, as it is now."""

    def __init__(self, *, store: Store, roster: Roster) -> None:
        self._store = store
        self._roster = roster

    async def of_course(self, course: Course, now: datetime) -> ClassWork:
        """How far the class is."""
        await self._roster.refresh(course)
        return await self._store.read(lambda db: _read(db, course, now))

    async def preview(
        self,
        course: Course,
        change: Callable[[DateInputs], DateInputs],
        now: datetime,
        *,
        assignment_id: int | None = None,
        user_ids: Collection[int] | None = None,
    ) -> tuple[list[Move], dict[int, Assignment]]:
        """Whose deadlines a change would move, and the assignments by id. Nothing is saved.

        Parameters:
            change: makes it.
            assignment_id: the one that it is about, if it is about one.
            user_ids: the students that it is about, if it is not about all.

        Raises AssignmentNotFound, and what the change raises.
        """
        await self._roster.refresh(course)

        def work(db: Session) -> tuple[list[Move], dict[int, Assignment]]:
            before = assignments.date_inputs(db, course.id, assignment_id)
            if assignment_id is not None and not before.assignments:
                raise AssignmentNotFound("There is no such assignment in this course.")
            students = [
                each
                for each in captures.enrolled(db, course.id)
                if user_ids is None or each.user_id in user_ids
            ]
            taken = captures.taken(db, course.id, assignment_id)
            return find_moves(before, change(before), students, taken, now), before.assignments

        return await self._store.read(work)


def _read(db: Session, course: Course, now: datetime) -> ClassWork:
    inputs = assignments.date_inputs(db, course.id)
    made = capture_states.of_course(db, course.id)
    members = people.members(db, course.id)
    cells: dict[tuple[int, int], Cell] = {}
    found: list[Collected] = []

    def of(each: StudentDeadline) -> Cell:
        extension = each.given.extension
        extended = extension is not None and extension.until is not None
        return cell(each.deadline, each.captures, now, extended=extended)

    enrolled = captures.enrolled(db, course.id)
    listed = list_deadlines(inputs, enrolled, made)
    for number, group in groupby(listed, key=lambda each: each.assignment.id):
        rows = [(each.deadline, of(each), each.student.user_id) for each in group]
        cells.update({(number, user_id): each for _, each, user_id in rows})
        here = [(deadline, each) for deadline, each, _ in rows]
        found.append(collected(inputs.assignments[number], here, now))
    if not enrolled:
        found = [collected(each, (), now) for each in inputs.assignments.values()]
    # Of who left, what was captured before; nothing more is expected of them.
    with_captures = {username for _, username in made}
    left = [each for each in members if not is_student(each) and each.username in with_captures]
    gone = [Enrolled(each.user_id, each.username, now) for each in left]
    for each in list_deadlines(inputs, gone, made):
        known = made.get((each.assignment.id, each.student.username))
        cells[each.assignment.id, each.student.user_id] = (
            cell(each.deadline, known, now) if known else Cell(CellState.NONE)
        )
    return ClassWork(
        assignments=by_time(found),
        students=sorted([*filter(is_student, members), *left], key=lambda each: each.username),
        cells=cells,
    )
