"""Captures for assignments: which were decided on, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from ..core.captures import AT_DEADLINE, Enrolled, Kind, Occasion, Taken
from ..core.records import ENDED, ItemState, Role
from ..errors import AlreadyTaken
from .assignment_tables import CaptureRow
from .tables import BatchItemRow, BatchRow, CourseRow, MemberRow, SnapshotRow, UserRow

_ENDED = [state.value for state in ENDED]
_OPEN = [state.value for state in ItemState if state not in ENDED]


def revisions(db: Session) -> dict[int, int]:
    """Course id to a number that grows with everything that may move a deadline."""
    return {row.id: row.revision for row in db.execute(select(CourseRow.id, CourseRow.revision))}


def touch(db: Session, course_id: int) -> None:
    """Notes that something changed that may move a deadline of the course."""
    db.execute(
        update(CourseRow)
        .where(CourseRow.id == course_id)
        .values(revision=CourseRow.revision + 1)
        .execution_options(synchronize_session=False)
    )


def enrolled(db: Session, course_id: int) -> list[Enrolled]:
    """The students of the course, by username."""
    rows = db.execute(
        select(MemberRow.user_id, UserRow.username, MemberRow.created_at)
        .join(UserRow)
        .where(
            MemberRow.course_id == course_id,
            MemberRow.active,
            MemberRow.role == Role.STUDENT.value,
        )
        .order_by(UserRow.username)
    )
    return [Enrolled(*row) for row in rows]


def taken(db: Session, course_id: int, assignment_id: int | None = None) -> Taken:
    """(assignment id, user id) to kind to the latest instant for which a capture was decided."""
    query = (
        select(
            CaptureRow.assignment_id,
            CaptureRow.user_id,
            CaptureRow.kind,
            func.max(CaptureRow.instant, type_=CaptureRow.instant.type),
        )
        .where(CaptureRow.course_id == course_id)
        .group_by(CaptureRow.assignment_id, CaptureRow.user_id, CaptureRow.kind)
    )
    if assignment_id is not None:
        query = query.where(CaptureRow.assignment_id == assignment_id)
    found: dict[tuple[int, int], dict[Kind, datetime]] = {}
    for assignment, user, kind, instant in db.execute(query):
        found.setdefault((assignment, user), {})[Kind(kind)] = instant
    return found


def record(
    db: Session,
    course_id: int,
    occasion: Occasion,
    students: Iterable[Enrolled],
    *,
    batch_id: int,
    snapshot: str,
    now: datetime,
) -> None:
    """Notes that these students are captured now by that batch.

    Raises AlreadyTaken when that was decided on before, for one of them.
    """
    db.add_all(
        CaptureRow(
            course_id=course_id,
            assignment_id=occasion.assignment_id,
            user_id=student.user_id,
            student=student.username,
            kind=occasion.kind.value,
            instant=occasion.at,
            decided_at=now,
            batch_id=batch_id,
            snapshot=snapshot,
        )
        for student in students
    )
    try:
        db.flush()
    except IntegrityError as error:
        raise AlreadyTaken("The same captures were started by another process.") from error


def names_in_use(db: Session, course_id: int, names: Iterable[str]) -> dict[str, set[str]]:
    """Snapshot name to the usernames that have a snapshot of it, or will have."""
    wanted = list(names)
    found: dict[str, set[str]] = {name: set() for name in wanted}
    for query in (
        select(SnapshotRow.name, SnapshotRow.student).where(
            SnapshotRow.course_id == course_id, SnapshotRow.name.in_(wanted)
        ),
        select(BatchRow.name, BatchItemRow.student)
        .join(BatchItemRow)
        .where(
            BatchRow.course_id == course_id,
            BatchRow.name.in_(wanted),
            BatchItemRow.state.not_in([ItemState.CANCELLED.value]),
        ),
    ):
        for name, student in db.execute(query):
            found[name].add(student)
    return found


def unfinished(db: Session, course_id: int) -> set[int]:
    """Ids of the assignments for which captures are under way."""
    query = (
        select(BatchRow.assignment_id)
        .join(BatchItemRow)
        .where(
            BatchRow.course_id == course_id,
            BatchRow.assignment_id.is_not(None),
            BatchItemRow.state.in_(_OPEN),
        )
        .distinct()
    )
    return {assignment for assignment in db.scalars(query) if assignment is not None}


def failed(db: Session, since: datetime) -> list[int]:
    """Ids of batches for assignments, started since then, in which a capture failed."""
    query = (
        select(BatchRow.id)
        .join(BatchItemRow)
        .where(
            BatchRow.assignment_id.is_not(None),
            BatchRow.requested_at >= since,
            BatchItemRow.state == ItemState.FAILED.value,
        )
        .distinct()
    )
    return list(db.scalars(query))


def forget(db: Session, course_id: int, batch_id: int, students: Iterable[str]) -> None:
    """Drops the decision to capture these students, who then are due again."""
    touch(db, course_id)
    db.execute(
        delete(CaptureRow).where(
            CaptureRow.batch_id == batch_id, CaptureRow.student.in_(list(students))
        )
    )


@dataclass(frozen=True)
class WarmUp:
    """An early capture of a student's home."""

    id: int
    student: str
    snapshot: str


def idle_warm_ups(db: Session, course_id: int) -> list[WarmUp]:
    """Warm-ups whose student was captured since, so that they are of no more use."""
    made, item = aliased(CaptureRow), aliased(BatchItemRow)
    is_helped: ColumnElement[bool] = (
        select(made.id)
        .join(item, (item.batch_id == made.batch_id) & (item.student == made.student))
        .where(
            made.assignment_id == CaptureRow.assignment_id,
            made.user_id == CaptureRow.user_id,
            made.kind.in_([kind.value for kind in AT_DEADLINE]),
            made.instant > CaptureRow.instant,
            item.state == ItemState.DONE.value,
        )
        .exists()
    )
    own = aliased(BatchItemRow)
    rows = db.execute(
        select(CaptureRow.id, CaptureRow.student, CaptureRow.snapshot)
        .outerjoin(own, (own.batch_id == CaptureRow.batch_id) & (own.student == CaptureRow.student))
        .where(
            CaptureRow.course_id == course_id,
            CaptureRow.kind == Kind.WARM_UP.value,
            is_helped,
            (own.id.is_(None)) | own.state.in_(_ENDED),
        )
    )
    return [WarmUp(*row) for row in rows]


def forget_warm_up(db: Session, number: int) -> None:
    """Drops a warm-up that is gone."""
    db.execute(delete(CaptureRow).where(CaptureRow.id == number))
