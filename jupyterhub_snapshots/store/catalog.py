"""What is known of snapshots beyond their being on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..core.records import Snapshot
from .tables import SnapshotRow

Key = tuple[str, str]


def known(
    db: Session, course_id: int, student: str | None = None
) -> dict[Key, tuple[int, Snapshot]]:
    """(student, name) to the tree's inode and its record, as the catalogue has it.

    The records come without the paths of late files, which may be very many; see `late_files`.
    """
    query = select(*_COLUMNS).where(SnapshotRow.course_id == course_id)
    if student is not None:
        query = query.where(SnapshotRow.student == student)
    return {
        (row.student, row.name): (
            row.inode,
            Snapshot(**dict(zip(_COLUMN_NAMES, row[1:], strict=True))),
        )
        for row in db.execute(query)
    }


def late_files(
    db: Session, course_id: int, student: str | None = None, assignment: int | None = None
) -> dict[Key, tuple[str, ...]]:
    """(student, name) to the paths of the first late files, where there are any."""
    query = select(SnapshotRow.student, SnapshotRow.name, SnapshotRow.late_files).where(
        SnapshotRow.course_id == course_id, SnapshotRow.late_count > 0
    )
    if student is not None:
        query = query.where(SnapshotRow.student == student)
    if assignment is not None:
        query = query.where(SnapshotRow.assignment_id == assignment)
    return {(row.student, row.name): tuple(row.late_files or ()) for row in db.execute(query)}


def knows_any(db: Session, course_id: int) -> bool:
    """Whether there is any snapshot in the catalogue."""
    return bool(db.scalar(select(exists().where(SnapshotRow.course_id == course_id))))


def put(db: Session, snapshots: Iterable[tuple[int, Snapshot]]) -> None:
    """Notes snapshots with the inodes of their trees.

    What was known of them is replaced, but for the pin, and for the batch if no other is given.
    """
    rows = [
        {
            "inode": inode,
            **{field: getattr(snapshot, field) for field in _COLUMN_NAMES},
            "late_files": list(snapshot.late_files) or None,
        }
        for inode, snapshot in snapshots
    ]
    if not rows:
        return
    on_sqlite = db.get_bind().dialect.name == "sqlite"
    statement: Any = (sqlite if on_sqlite else postgresql).insert(SnapshotRow.__table__)
    replaced = {field: statement.excluded[field] for field in ("inode", "late_files", *_FACTS)}
    replaced["batch_id"] = func.coalesce(statement.excluded.batch_id, SnapshotRow.batch_id)
    db.execute(statement.on_conflict_do_update(index_elements=_KEY_COLUMNS, set_=replaced), rows)


def forget(db: Session, course_id: int, keys: Iterable[Key]) -> None:
    """Drops what is known of snapshots that are gone from the disk."""
    for student, name in keys:
        db.execute(delete(SnapshotRow).where(*_is(course_id, student, name)))


def set_pinned(db: Session, course_id: int, student: str, name: str, pinned: bool) -> None:
    """Pins or unpins; harmless when nothing is known of the snapshot."""
    db.execute(update(SnapshotRow).where(*_is(course_id, student, name)).values(pinned=pinned))


def _is(course_id: int, student: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        SnapshotRow.course_id == course_id,
        SnapshotRow.student == student,
        SnapshotRow.name == name,
    )


_KEY_COLUMNS = ("course_id", "student", "name")
#: What the manifest says, but for the paths of late files.
_FACTS = (
    "state",
    "began_at",
    "ended_at",
    "files",
    "bytes",
    "copied_bytes",
    "changed_files",
    "problem_count",
    "digest",
    "created_by",
    "assignment_id",
    "kind",
    "deadline",
    "late_count",
)
_COLUMN_NAMES = (*_KEY_COLUMNS, *_FACTS, "pinned", "batch_id")
_COLUMNS = (SnapshotRow.inode, *(getattr(SnapshotRow, field) for field in _COLUMN_NAMES))
