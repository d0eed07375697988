"""Batches: captures started together, and where each of them stands."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from ..core.captures import AT_DEADLINE, Kind, Occasion
from ..core.records import ENDED, Batch, BatchItem, Failure, ItemState
from ..errors import BatchNotFound
from .assignment_tables import AssignmentRow
from .database import utc_now
from .tables import BatchItemRow, BatchRow, SnapshotRow

_NO_WARM_UP = or_(BatchRow.kind.is_(None), BatchRow.kind != Kind.WARM_UP.value)


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
    occasion: Occasion | None = None,
) -> Batch:
    """A new batch with every student queued.

    Parameters:
        key: see `Batch`; made when none is given.
        occasion: what it is taken for, if for an assignment.
    """
    row = BatchRow(
        key=key or new_key(),
        course_id=course_id,
        name=name,
        requested_by=requested_by,
        requested_at=utc_now(),
        include_hidden=include_hidden,
        assignment_id=occasion.assignment_id if occasion is not None else None,
        kind=occasion.kind.value if occasion is not None else None,
        instant=occasion.at if occasion is not None else None,
        items=[
            BatchItemRow(student=student, state=ItemState.QUEUED.value, attempts=0, problem_count=0)
            for student in students
        ],
    )
    db.add(row)
    db.flush()
    return replace(_batch(row, {}), occasion=occasion)


def get(db: Session, batch_id: int, course_id: int | None = None) -> Batch:
    """The batch. Raises BatchNotFound, also when it is another course's."""
    row = db.get(BatchRow, batch_id)
    if row is None or (course_id is not None and row.course_id != course_id):
        raise BatchNotFound("There is no such batch in this course.")
    return _batches(db, [row])[0]


def unfinished(db: Session, but: Collection[int] = ()) -> list[Batch]:
    """Batches in which something is queued or was running when the service ended.

    Parameters:
        but: ids of those that are not wanted.
    """
    open_items = select(BatchItemRow.batch_id).where(
        BatchItemRow.state.in_([state.value for state in ItemState if state not in ENDED])
    )
    rows = db.scalars(select(BatchRow).where(BatchRow.id.in_(open_items)).order_by(BatchRow.id))
    return _batches(db, [row for row in rows if row.id not in but])


def of_course(
    db: Session, course_id: int, kind: Kind | None = None, limit: int = 100
) -> list[Batch]:
    """The newest batches of the course, newest first: of one kind, or all but warm-ups."""
    rows = db.scalars(
        select(BatchRow)
        .where(
            BatchRow.course_id == course_id,
            BatchRow.kind == kind.value if kind is not None else _NO_WARM_UP,
        )
        .order_by(BatchRow.id.desc())
        .limit(limit)
    )
    return _batches(db, list(rows))


def last_failures(db: Session, course_id: int) -> dict[str, Failure]:
    """Of the students whose last capture failed, by username: how it did.

    The last is the one that ended last; warm-ups and those that were cancelled tell nothing.
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
            _NO_WARM_UP,
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


class AtDeadline(NamedTuple):
    """A snapshot that was taken at a student's deadline."""

    name: str
    deadline: datetime | None


def at_deadline(db: Session, batch: Batch) -> dict[str, AtDeadline]:
    """Student to the latest snapshot of the deadline of the batch's assignment.

    Empty for a batch without an assignment.
    """
    if batch.occasion is None:
        return {}
    rows = db.execute(
        select(SnapshotRow.student, SnapshotRow.name, SnapshotRow.deadline)
        .where(
            SnapshotRow.course_id == batch.course_id,
            SnapshotRow.assignment_id == batch.occasion.assignment_id,
            SnapshotRow.kind.in_([kind.value for kind in AT_DEADLINE]),
        )
        .order_by(SnapshotRow.deadline, SnapshotRow.began_at, SnapshotRow.id)
    )
    return {row.student: AtDeadline(row.name, row.deadline) for row in rows}


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


def _batches(db: Session, rows: list[BatchRow]) -> list[Batch]:
    wanted = {row.assignment_id for row in rows if row.assignment_id is not None}
    titles: dict[int, str] = {}
    if wanted:
        found = db.execute(
            select(AssignmentRow.id, AssignmentRow.title).where(AssignmentRow.id.in_(wanted))
        )
        titles = {row.id: row.title for row in found}
    return [_batch(row, titles) for row in rows]


def _batch(row: BatchRow, titles: Mapping[int, str]) -> Batch:
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
        occasion=_occasion(row, titles),
    )


def _occasion(row: BatchRow, titles: Mapping[int, str]) -> Occasion | None:
    if row.assignment_id is None or row.kind is None or row.instant is None:
        return None
    # Of an assignment that was deleted, the name is what is left.
    title = titles.get(row.assignment_id) or row.name.rpartition("_")[0]
    return Occasion(row.assignment_id, title, Kind(row.kind), row.instant)
