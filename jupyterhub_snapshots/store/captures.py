"""Captures for assignments: which were decided on, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from ..core.captures import AT_DEADLINE, Enrolled, Kind, Occasion, Taken
from ..core.records import ENDED, Batch, ItemState, Role
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


def enrolled(db: Session, course_id: int, user_id: int | None = None) -> list[Enrolled]:
    """The students of the course, or that one if a student, by username."""
    query = (
        select(MemberRow.user_id, UserRow.username, MemberRow.created_at)
        .join(UserRow)
        .where(
            MemberRow.course_id == course_id,
            MemberRow.active,
            MemberRow.role == Role.STUDENT.value,
        )
        .order_by(UserRow.username)
    )
    if user_id is not None:
        query = query.where(MemberRow.user_id == user_id)
    return [Enrolled(*row) for row in db.execute(query)]


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


def failed(db: Session, since: datetime, lasting: Iterable[str], most: int) -> list[int]:
    """Ids of batches in which a capture for an assignment failed since then, and may go well yet.

    Parameters:
        lasting: codes of errors that stay.
        most: who was tried more often is left out.
    """
    query = (
        select(BatchItemRow.batch_id)
        .join(
            CaptureRow,
            (CaptureRow.batch_id == BatchItemRow.batch_id)
            & (CaptureRow.student == BatchItemRow.student),
        )
        .where(
            BatchItemRow.state == ItemState.FAILED.value,
            BatchItemRow.ended_at >= since,
            BatchItemRow.error_code.not_in(list(lasting)),
            BatchItemRow.attempts <= most,
        )
        .distinct()
    )
    return list(db.scalars(query))


def forget(
    db: Session, batch: Batch, students: Iterable[str], error_code: str, most: int
) -> list[str]:
    """Drops the decision to capture these students, who then are due again; who they are.

    Parameters:
        most: who failed in this way so often, for the same capture, is left as it is.
    """
    if batch.occasion is None:
        return []
    often = (
        select(BatchItemRow.student)
        .join(BatchRow)
        .where(
            BatchRow.course_id == batch.course_id,
            BatchRow.assignment_id == batch.occasion.assignment_id,
            BatchRow.kind == batch.occasion.kind.value,
            BatchRow.instant == batch.occasion.at,
            BatchItemRow.error_code == error_code,
        )
        .group_by(BatchItemRow.student)
        .having(func.count() >= most)
    )
    given_up = set(db.scalars(often))
    chosen = [student for student in students if student not in given_up]
    theirs = CaptureRow.batch_id == batch.id, CaptureRow.student.in_(chosen)
    found = list(db.scalars(select(CaptureRow.student).where(*theirs)))
    if found:
        db.execute(delete(CaptureRow).where(*theirs))
        touch(db, batch.course_id)
    return found


@dataclass(frozen=True)
class WarmUp:
    """An early capture of a student's home."""

    id: int
    student: str
    snapshot: str


def idle_warm_ups(db: Session, course_id: int, before: datetime) -> list[WarmUp]:
    """Warm-ups whose student was captured since, so that they are of no more use.

    Parameters:
        before: those for an earlier instant are of no use in any case.
    """
    made, item = aliased(CaptureRow), aliased(BatchItemRow)
    is_helped: ColumnElement[bool] = (
        select(made.id)
        .join(item, (item.batch_id == made.batch_id) & (item.student == made.student))
        .where(
            made.assignment_id == CaptureRow.assignment_id,
            made.user_id == CaptureRow.user_id,
            made.kind.in_([kind.value for kind in AT_DEADLINE]),
            made.decided_at >= CaptureRow.decided_at,
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
            is_helped | (CaptureRow.instant < before),
            (own.id.is_(None)) | own.state.in_(_ENDED),
        )
    )
    return [WarmUp(*row) for row in rows]


def forget_warm_up(db: Session, number: int) -> None:
    """Drops a warm-up that is gone."""
    db.execute(delete(CaptureRow).where(CaptureRow.id == number))
