"""Which deliveries there are to be, and which of them are due.

An instant far ahead can only come from a clock that was wrong, so it counts as past.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from ..core.home_deliveries import DeliveryKind, DeliveryState
from ..core.records import Role
from .assignment_tables import AssignmentRow, DeliveryRow, DocumentRow, DocumentVersionRow
from .tables import MemberRow, UserRow

#: No delivery is put off for longer.
FARTHEST = timedelta(hours=1)
#: Who asked for what is delivered by itself.
NOBODY = ""


def add_wanted(db: Session, course_ids: Collection[int], now: datetime) -> None:
    """Lets the document of every visible assignment wait for each student who has no delivery."""
    wanted = _missing(course_ids).where(AssignmentRow.visible_from <= now)
    for row in db.execute(wanted).all():
        db.add(
            DeliveryRow(
                course_id=row.course_id,
                assignment_id=row.id,
                user_id=row.user_id,
                student=row.username,
                kind=DeliveryKind.DOCUMENT.value,
                filename=row.filename,
                state=DeliveryState.WAITING.value,
                due_at=row.visible_from,
                attempts=0,
                renamed=False,
                created_at=now,
                created_by=NOBODY,
            )
        )
    db.flush()


def next_due(db: Session, course_ids: Collection[int], now: datetime) -> datetime | None:
    """When there is something to deliver at the earliest, which may be past; None for never."""
    missing = _missing(course_ids).with_only_columns(AssignmentRow.visible_from)
    instants = [
        db.scalar(missing.order_by(AssignmentRow.visible_from).limit(1)),
    ]
    columns = (
        DeliveryRow.due_at,
        DeliveryRow.claimed_until,
        DeliveryRow.kind,
        DeliveryRow.created_by,
        AssignmentRow.visible_from,
        AssignmentRow.grade_release,
    )
    for row in db.execute(waiting(course_ids).with_only_columns(*columns).distinct()):
        waits = [at for at in (row.due_at, row.claimed_until) if at and at <= now + FARTHEST]
        if row.kind == DeliveryKind.REPORT.value:
            waits.append(row.grade_release or now)
        elif row.created_by == NOBODY:
            waits.append(row.visible_from)
        instants.append(max(waits, default=now))
    return min((at for at in instants if at is not None), default=None)


def _missing(course_ids: Collection[int]) -> Select[int, int, datetime | None, int, str, str]:
    """(assignment, student) that have no delivery of its document and are to have one some day."""
    delivered = exists().where(
        DeliveryRow.assignment_id == AssignmentRow.id,
        DeliveryRow.user_id == MemberRow.user_id,
        DeliveryRow.kind == DeliveryKind.DOCUMENT.value,
    )
    return (
        select(
            AssignmentRow.id,
            AssignmentRow.course_id,
            AssignmentRow.visible_from,
            MemberRow.user_id,
            UserRow.username,
            DocumentRow.filename,
        )
        .join(MemberRow, MemberRow.course_id == AssignmentRow.course_id)
        .join(UserRow, UserRow.id == MemberRow.user_id)
        .join(DocumentRow, DocumentRow.id == AssignmentRow.document_id)
        .join(DocumentVersionRow, is_newest())
        .where(
            AssignmentRow.course_id.in_(list(course_ids)),
            AssignmentRow.visible_from.is_not(None),
            AssignmentRow.hidden.is_(None),
            _is_student(),
            ~delivered,
        )
    )


def waiting(course_ids: Collection[int]) -> Select[DeliveryRow]:
    """Deliveries that wait, for people who are students now, of what there is."""
    newest = exists().where(
        DocumentRow.id == AssignmentRow.document_id,
        DocumentVersionRow.document_id == DocumentRow.id,
        is_newest(),
    )
    is_report = DeliveryRow.kind == DeliveryKind.REPORT.value
    given = or_(
        DeliveryRow.created_by != NOBODY,
        and_(AssignmentRow.visible_from.is_not(None), AssignmentRow.hidden.is_(None)),
    )
    return (
        select(DeliveryRow)
        .join(AssignmentRow, AssignmentRow.id == DeliveryRow.assignment_id)
        .join(
            MemberRow,
            and_(
                MemberRow.course_id == DeliveryRow.course_id,
                MemberRow.user_id == DeliveryRow.user_id,
            ),
        )
        .where(
            DeliveryRow.course_id.in_(list(course_ids)),
            DeliveryRow.state == DeliveryState.WAITING.value,
            _is_student(),
            or_(is_report, and_(newest, given)),
        )
    )


def is_due(now: datetime) -> ColumnElement[bool]:
    """Whether a delivery of `waiting` is to be tried now."""
    far = now + FARTHEST
    return and_(
        or_(DeliveryRow.due_at <= now, DeliveryRow.due_at > far),
        or_(
            DeliveryRow.claimed_until.is_(None),
            DeliveryRow.claimed_until <= now,
            DeliveryRow.claimed_until > far,
        ),
        or_(
            and_(
                DeliveryRow.kind == DeliveryKind.REPORT.value,
                or_(AssignmentRow.grade_release.is_(None), AssignmentRow.grade_release <= now),
            ),
            and_(
                DeliveryRow.kind == DeliveryKind.DOCUMENT.value,
                or_(DeliveryRow.created_by != NOBODY, AssignmentRow.visible_from <= now),
            ),
        ),
    )


def _is_student() -> ColumnElement[bool]:
    return and_(MemberRow.active.is_(True), MemberRow.role == Role.STUDENT.value)


def is_newest() -> ColumnElement[bool]:
    """Joins a document with the newest version of its contents."""
    return and_(
        DocumentVersionRow.document_id == DocumentRow.id,
        DocumentVersionRow.number == DocumentRow.version,
    )
