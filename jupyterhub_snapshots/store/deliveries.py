"""Deliveries into homes: who has taken them on, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.assignments import Assignment
from ..core.home_deliveries import (
    DeliveryKind,
    DeliveryState,
    HomeDelivery,
    Outcome,
    Parcel,
    wait_after,
)
from ..errors import DocumentNotFound
from .assignment_tables import DeliveryRow, DocumentRow, DocumentVersionRow
from .assignments import get_assignment
from .due_deliveries import FARTHEST, NOBODY, is_due, is_newest, waiting

_CLAIM = timedelta(seconds=120)
_AT_ONCE = 500


@dataclass(frozen=True)
class Contents:
    """The newest contents of an assignment's document."""

    version_id: int
    filename: str
    #: Ids of this version, and of others that are the same.
    versions: frozenset[int]


# What is asked for


def newest_contents(db: Session, assignment: Assignment) -> Contents:
    """What the assignment hands out.

    Raises DocumentNotFound when it hands out nothing, or a document that is empty.
    """
    row = db.execute(
        select(
            DocumentVersionRow.id,
            DocumentRow.filename,
            DocumentVersionRow.document_id,
            DocumentVersionRow.sha256,
        )
        .join(DocumentRow, is_newest())
        .where(DocumentRow.id == assignment.document)
    ).first()
    if row is None:
        raise DocumentNotFound(
            "The assignment hands out nothing: it has no document, or one without contents. "
            "PUT …/documents/{document}/data gives it some."
        )
    same = select(DocumentVersionRow.id).where(
        DocumentVersionRow.document_id == row.document_id,
        DocumentVersionRow.sha256 == row.sha256,
    )
    return Contents(row.id, row.filename, frozenset(db.scalars(same)))


def ask(
    db: Session,
    course_id: int,
    assignment_id: int,
    students: Mapping[int, str],
    *,
    by: str,
    now: datetime,
) -> list[Parcel]:
    """Takes on the delivery of the newest contents to these students, unless another has.

    Parameters:
        students: user id to username.
        by: who asks for it.

    Raises AssignmentNotFound, DocumentNotFound.
    """
    assignment = get_assignment(db, course_id, assignment_id)
    contents = newest_contents(db, assignment)
    rows = {
        row.user_id: row
        for part in _parts(list(students))
        for row in db.scalars(
            select(DeliveryRow).where(
                DeliveryRow.assignment_id == assignment_id,
                DeliveryRow.kind == DeliveryKind.DOCUMENT.value,
                DeliveryRow.user_id.in_(part),
            )
        )
    }
    chosen = []
    for user_id, username in students.items():
        row = rows.get(user_id)
        if row is None:
            row = DeliveryRow(
                course_id=course_id,
                assignment_id=assignment_id,
                user_id=user_id,
                kind=DeliveryKind.DOCUMENT.value,
                filename=contents.filename,
                state=DeliveryState.WAITING.value,
                due_at=now,
                renamed=False,
                created_at=now,
            )
            db.add(row)
        elif row.claimed_until is not None and now < row.claimed_until <= now + FARTHEST:
            continue
        if row.version_id not in contents.versions:
            row.state = DeliveryState.WAITING.value
        row.student, row.created_by, row.attempts = username, by, 0
        chosen.append(row)
    return _take_on(db, chosen, now)


def hold_report(
    db: Session,
    assignment: Assignment,
    user_id: int,
    student: str,
    *,
    filename: str,
    content: bytes,
    by: str,
    now: datetime,
) -> HomeDelivery:
    """Keeps a report until its assignment's reports are released.

    It replaces one of the same name that waits, or could not be delivered.
    """
    row = db.scalar(
        select(DeliveryRow).where(
            DeliveryRow.assignment_id == assignment.id,
            DeliveryRow.user_id == user_id,
            DeliveryRow.kind == DeliveryKind.REPORT.value,
            DeliveryRow.filename == filename,
            DeliveryRow.state != DeliveryState.DELIVERED.value,
        )
    )
    if row is None:
        row = DeliveryRow(
            course_id=assignment.course_id,
            assignment_id=assignment.id,
            user_id=user_id,
            kind=DeliveryKind.REPORT.value,
            filename=filename,
            created_at=now,
        )
        db.add(row)
    row.student, row.content, row.created_by = student, content, by
    row.state, row.due_at = DeliveryState.WAITING.value, now
    row.attempts, row.renamed, row.claimed_until = 0, False, None
    row.error_code = row.error = row.done_at = None
    db.flush()
    return _delivery(row, assignment.visible_from, assignment.grade_release)


# What is due


def claim(db: Session, course_ids: Collection[int], now: datetime, most: int) -> list[Parcel]:
    """Takes on what is due now, the longest waiting first; nobody else does for two minutes.

    Parameters:
        most: how many at once.
    """
    due = waiting(course_ids).where(is_due(now)).order_by(DeliveryRow.due_at, DeliveryRow.id)
    return _take_on(db, db.scalars(due.limit(most)).all(), now)


def content_of(db: Session, parcel: Parcel) -> bytes | None:
    """What is to be put into the home; None when it is gone."""
    if parcel.version_id is not None:
        return db.scalar(
            select(DocumentVersionRow.content).where(DocumentVersionRow.id == parcel.version_id)
        )
    return db.scalar(select(DeliveryRow.content).where(DeliveryRow.id == parcel.delivery.id))


# What came of it


def finish(db: Session, outcomes: Iterable[tuple[Parcel, Outcome]], now: datetime) -> None:
    """Notes what came of attempts; of those that somebody else has taken on since, nothing."""
    for parcel, outcome in outcomes:
        row = db.get(DeliveryRow, parcel.delivery.id)
        if row is None or row.claimed_until != parcel.claimed_until:
            continue
        row.claimed_until = None
        row.error_code, row.error = outcome.error_code, outcome.error
        if outcome.path is not None:
            if outcome.path != parcel.had:
                row.path, row.renamed, row.done_at = outcome.path, outcome.renamed, now
            row.state, row.content = DeliveryState.DELIVERED.value, None
            row.version_id, row.filename = parcel.version_id, parcel.delivery.filename
        elif outcome.again:
            row.state = DeliveryState.WAITING.value
            row.due_at = now + wait_after(parcel.attempts)
        else:
            row.state, row.done_at = DeliveryState.FAILED.value, now
    db.flush()


def list_deliveries(
    db: Session, course_id: int, assignment_id: int, user_ids: Collection[int] | None = None
) -> list[HomeDelivery]:
    """Those of an assignment by student, documents first; of these people only, if they are given.

    Raises AssignmentNotFound.
    """
    assignment = get_assignment(db, course_id, assignment_id)
    query = (
        select(DeliveryRow)
        .where(DeliveryRow.assignment_id == assignment_id)
        .order_by(DeliveryRow.student, DeliveryRow.kind, DeliveryRow.id)
    )
    found = [
        _delivery(row, assignment.visible_from, assignment.grade_release)
        for row in db.scalars(query)
        if user_ids is None or row.user_id in user_ids
    ]
    return found


def documents_of(db: Session, course_id: int, user_id: int) -> dict[int, HomeDelivery]:
    """Assignment id to the delivery of its document to that student."""
    rows = db.scalars(
        select(DeliveryRow).where(
            DeliveryRow.course_id == course_id,
            DeliveryRow.user_id == user_id,
            DeliveryRow.kind == DeliveryKind.DOCUMENT.value,
        )
    )
    return {row.assignment_id: _delivery(row, None, None) for row in rows}


def _take_on(db: Session, rows: Sequence[DeliveryRow], now: datetime) -> list[Parcel]:
    """Makes these deliveries ours for a while."""
    for row in rows:
        row.attempts += 1
        row.claimed_until = now + _CLAIM
    db.flush()
    contents: dict[int, Contents] = {}
    return [_parcel(db, row, contents) for row in rows]


def _parcel(db: Session, row: DeliveryRow, known: dict[int, Contents]) -> Parcel:
    assignment = get_assignment(db, row.course_id, row.assignment_id)
    delivery = _delivery(row, assignment.visible_from, assignment.grade_release)
    version, had = None, None
    if delivery.kind is DeliveryKind.DOCUMENT:
        if assignment.id not in known:
            known[assignment.id] = newest_contents(db, assignment)
        contents = known[assignment.id]
        delivery = replace(delivery, filename=contents.filename)
        version = contents.version_id
        had = row.path if row.version_id in contents.versions else None
    assert row.claimed_until is not None
    return Parcel(
        delivery=delivery,
        course_id=row.course_id,
        assignment=assignment,
        claimed_until=row.claimed_until,
        attempts=row.attempts,
        version_id=version,
        had=had,
        asked_by=row.created_by,
    )


def _delivery(
    row: DeliveryRow, visible_from: datetime | None, release: datetime | None
) -> HomeDelivery:
    kind, state = DeliveryKind(row.kind), DeliveryState(row.state)
    due = None
    if state is DeliveryState.WAITING:
        waits = release if kind is DeliveryKind.REPORT else None
        if kind is DeliveryKind.DOCUMENT and row.created_by == NOBODY:
            waits = visible_from
        due = max(row.due_at, waits) if waits is not None else row.due_at
    return HomeDelivery(
        id=row.id,
        assignment_id=row.assignment_id,
        student=row.student,
        kind=kind,
        state=state,
        filename=row.filename,
        path=row.path,
        renamed=row.renamed,
        error_code=row.error_code,
        error=row.error,
        due_at=due,
        at=row.done_at,
    )


def _parts(values: list[int]) -> Iterable[list[int]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
