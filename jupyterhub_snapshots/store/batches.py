"""Batches: captures started together, and where each of them stands."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import fields
from typing import cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from ..core.records import ENDED, Batch, BatchItem, Failure, ItemState
from ..errors import BatchNotFound
from .database import utc_now
from .tables import BatchItemRow, BatchRow


def new_key() -> str:
    """A key that no other batch has."""
    return secrets.token_hex(8)


def create(
    db: Session,
    *,
    course_id: int,
    name: str,
    requested_by: str,
    include_hidden: bool,
    students: Iterable[str],
    key: str | None = None,
) -> Batch:
    """A new batch with every student queued.

    Parameters:
        key: see `Batch`; made when none is given.
    """
    row = BatchRow(
        key=key or new_key(),
        course_id=course_id,
        name=name,
        requested_by=requested_by,
        requested_at=utc_now(),
        include_hidden=include_hidden,
        items=[
            BatchItemRow(student=student, state=ItemState.QUEUED.value, attempts=0, problem_count=0)
            for student in students
        ],
    )
    db.add(row)
    db.flush()
    return _batch(row)


def get(db: Session, batch_id: int, course_id: int | None = None) -> Batch:
    """The batch. Raises BatchNotFound, also when it is another course's."""
    row = db.get(BatchRow, batch_id)
    if row is None or (course_id is not None and row.course_id != course_id):
        raise BatchNotFound("There is no such batch in this course.")
    return _batch(row)


def unfinished(db: Session) -> list[Batch]:
    """Batches in which something is queued or was running when the service ended."""
    open_items = select(BatchItemRow.batch_id).where(
        BatchItemRow.state.not_in([state.value for state in ENDED])
    )
    rows = db.scalars(select(BatchRow).where(BatchRow.id.in_(open_items)).order_by(BatchRow.id))
    return [_batch(row) for row in rows]


def of_course(db: Session, course_id: int, limit: int = 100) -> list[Batch]:
    """The newest batches of the course, newest first."""
    rows = db.scalars(
        select(BatchRow)
        .where(BatchRow.course_id == course_id)
        .order_by(BatchRow.id.desc())
        .limit(limit)
    )
    return [_batch(row) for row in rows]


def last_failures(db: Session, course_id: int) -> dict[str, Failure]:
    """Of the students whose last capture failed, by username: how it did.

    The last is the one that ended last; those that were cancelled tell nothing.
    """
    place = func.row_number().over(
        partition_by=BatchItemRow.student,
        order_by=(BatchItemRow.ended_at.desc(), BatchItemRow.id.desc()),
    )
    told = (ItemState.DONE.value, ItemState.FAILED.value)
    ended = (
        select(BatchItemRow.id, place.label("place"))
        .join(BatchRow)
        .where(
            BatchRow.course_id == course_id,
            BatchItemRow.state.in_(told),
            BatchItemRow.ended_at.is_not(None),
        )
        .subquery()
    )
    rows = db.scalars(
        select(BatchItemRow)
        .join(ended, ended.c.id == BatchItemRow.id)
        .where(ended.c.place == 1, BatchItemRow.state == ItemState.FAILED.value)
    )
    return {
        row.student: Failure(
            row.ended_at, row.error_code or "internal_error", row.error or "", row.batch_id
        )
        for row in rows
        if row.ended_at is not None
    }


_ITEM_FIELDS = tuple(
    field.name for field in fields(BatchItem) if field.name not in ("student", "state")
)

_ITEMS = cast("Table", BatchItemRow.__table__)
_SAVE = (
    update(_ITEMS)
    .where(_ITEMS.c.batch_id == bindparam("of_batch"), _ITEMS.c.student == bindparam("of_student"))
    .values({field: bindparam(field) for field in (*_ITEM_FIELDS, "state")})
)


def save_items(db: Session, items: Iterable[tuple[int, BatchItem]]) -> None:
    """Notes where captures stand, each given with the id of its batch."""
    rows = [
        {
            "of_batch": batch_id,
            "of_student": item.student,
            "state": item.state.value,
            **{field: getattr(item, field) for field in _ITEM_FIELDS},
        }
        for batch_id, item in items
    ]
    if rows:
        db.connection().execute(_SAVE, rows)


def _batch(row: BatchRow) -> Batch:
    return Batch(
        id=row.id,
        key=row.key,
        course_id=row.course_id,
        name=row.name,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        include_hidden=row.include_hidden,
        items=tuple(
            BatchItem(
                student=item.student,
                state=ItemState(item.state),
                **{field: getattr(item, field) for field in _ITEM_FIELDS},
            )
            for item in row.items
        ),
    )
