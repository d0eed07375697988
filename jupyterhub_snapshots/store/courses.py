"""What is told of a course beside its settings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..core.records import Role
from .assignment_tables import AssignmentRow
from .tables import MemberRow, UserRow


@dataclass(frozen=True)
class CourseFacts:
    """What follows from a course's members and assignments.

    Attributes:
        instructor: membership id of the main instructor; None while no instructor is known.
        total_points: of all its assignments together.
    """

    instructor: int | None = None
    total_points: int = 0


def facts(db: Session) -> dict[int, CourseFacts]:
    """The facts of every course that has an instructor or an assignment, by its id."""
    sums = select(AssignmentRow.course_id, func.sum(AssignmentRow.point_value)).group_by(
        AssignmentRow.course_id
    )
    points = {row[0]: row[1] for row in db.execute(sums)}
    instructors = (
        select(MemberRow.course_id, func.min(MemberRow.id))
        .where(MemberRow.active, MemberRow.role == Role.INSTRUCTOR.value)
        .group_by(MemberRow.course_id)
    )
    first = {row[0]: row[1] for row in db.execute(instructors)}
    return {
        course_id: CourseFacts(first.get(course_id), points.get(course_id) or 0)
        for course_id in {*points, *first}
    }


def assigner_of(db: Session, course_id: int, username: str | None) -> int | None:
    """User id of the co-instructor of that name; None for the main one and for anybody else."""
    rows = db.execute(
        select(MemberRow.user_id, UserRow.username)
        .join(UserRow)
        .where(
            MemberRow.course_id == course_id,
            MemberRow.active,
            MemberRow.role == Role.INSTRUCTOR.value,
        )
        .order_by(MemberRow.id)
    )
    return next((row.user_id for row in rows.all()[1:] if row.username == username), None)
