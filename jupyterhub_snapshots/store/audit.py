"""The audit log: who did what. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ..core.records import AuditEvent
from .tables import AuditRow

_FIELDS = tuple(field.name for field in fields(AuditEvent))


def add(db: Session, events: Iterable[AuditEvent]) -> None:
    """Adds events in their order."""
    rows = [{field: getattr(event, field) for field in _FIELDS} for event in events]
    if rows:
        db.execute(insert(AuditRow), rows)


def of_course(
    db: Session, course_id: int, *, before: int | None = None, limit: int = 100
) -> list[tuple[int, AuditEvent]]:
    """The newest events of the course with their numbers, newest first.

    Parameters:
        before: only events with a lower number, to read on from the last one seen.
    """
    query = select(AuditRow).where(AuditRow.course_id == course_id)
    if before is not None:
        query = query.where(AuditRow.id < before)
    rows = db.scalars(query.order_by(AuditRow.id.desc()).limit(limit))
    return [
        (row.id, AuditEvent(**{field: getattr(row, field) for field in _FIELDS})) for row in rows
    ]
