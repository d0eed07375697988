"""The deadlines of a course: what the database knows, given to the one rule."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from .core.assignments import Assignment, DateInputs, Given
from .core.capture_states import CaptureState, with_planned
from .core.captures import Enrolled
from .core.deadlines import Deadline, resolve
from .core.records import Course
from .roster import Roster
from .store import Store, assignments, capture_states, captures


@dataclass(frozen=True)
class StudentDeadline:
    """The deadline of one student for one assignment, and what it follows from.

    Attributes:
        captures: those made and those to come, in the order of their instants.
    """

    assignment: Assignment
    student: Enrolled
    given: Given
    deadline: Deadline
    captures: tuple[CaptureState, ...]


class DeadlineReader:
    """Tells deadlines as they are now."""

    def __init__(self, *, store: Store, roster: Roster) -> None:
        self._store = store
        self._roster = roster

    async def of_course(
        self, course: Course, assignment_id: int | None = None
    ) -> list[StudentDeadline]:
        """Those of all who are students now, by assignment and then by username."""
        await self._roster.refresh(course)
        return await self._store.read(lambda db: _read(db, course, assignment_id))

    async def of_student(
        self, course: Course, user_id: int, assignment_id: int | None = None
    ) -> list[StudentDeadline]:
        """Those of one student by assignment; none for who is no student of the course now."""
        await self._roster.refresh(course)
        return await self._store.read(lambda db: _read(db, course, assignment_id, user_id))


def _read(
    db: Session, course: Course, assignment_id: int | None, user_id: int | None = None
) -> list[StudentDeadline]:
    inputs = assignments.date_inputs(db, course.id, assignment_id, user_id)
    students = captures.enrolled(db, course.id, user_id)
    made = capture_states.of_course(
        db,
        course.id,
        assignment_id=assignment_id,
        student=students[0].username if user_id is not None and students else None,
    )
    return list_deadlines(inputs, students, made)


def list_deadlines(
    inputs: DateInputs,
    students: list[Enrolled],
    made: dict[tuple[int, str], list[CaptureState]],
) -> list[StudentDeadline]:
    """Of these students for these assignments. What is the same for many is found once.

    Parameters:
        made: (assignment id, username) to what was captured.
    """
    found = []
    for assignment in inputs.assignments.values():
        known: dict[Given, Deadline] = {}
        for student in students:
            given = inputs.given(assignment.id, student.user_id)
            if given not in known:
                known[given] = resolve(assignment, **given._asdict())
            taken = with_planned(
                known[given],
                made.get((assignment.id, student.username), ()),
                max(assignment.created_at, student.since),
            )
            found.append(StudentDeadline(assignment, student, given, known[given], taken))
    return found
