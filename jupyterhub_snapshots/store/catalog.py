"""What is known of snapshots beyond their being on the disk."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..core.records import Snapshot
from .tables import SnapshotRow

Key = tuple[str, str]


def known(
    db: Session, course_id: int, student: str | None = None
) -> dict[Key, tuple[int, Snapshot]]:
    """(student, name) to the tree's inode and its record, as the catalogue has it."""
    query = select(*_COLUMNS).where(SnapshotRow.course_id == course_id)
    if student is not None:
        query = query.where(SnapshotRow.student == student)
    return {
        (row.student, row.name): (row.inode, Snapshot(course_id, *row[1:]))
        for row in db.execute(query)
    }


def put(db: Session, snapshots: Iterable[tuple[int, Snapshot]]) -> None:
    """Notes snapshots with the inodes of their trees; what was known of them is replaced."""
    for inode, snapshot in snapshots:
        row = _find(db, snapshot.course_id, snapshot.student, snapshot.name)
        if row is None:
            row = SnapshotRow(
                course_id=snapshot.course_id, student=snapshot.student, name=snapshot.name
            )
            db.add(row)
        row.inode = inode
        for field in _FIELDS:
            setattr(row, field, getattr(snapshot, field))
    db.flush()


def forget(db: Session, course_id: int, keys: Iterable[Key]) -> None:
    """Drops what is known of snapshots that are gone from the disk."""
    for student, name in keys:
        db.execute(
            delete(SnapshotRow).where(
                SnapshotRow.course_id == course_id,
                SnapshotRow.student == student,
                SnapshotRow.name == name,
            )
        )


def set_pinned(db: Session, course_id: int, student: str, name: str, pinned: bool) -> None:
    """Pins or unpins; harmless when nothing is known of the snapshot."""
    row = _find(db, course_id, student, name)
    if row is not None:
        row.pinned = pinned


_FIELDS = (
    "state",
    "began_at",
    "ended_at",
    "files",
    "bytes",
    "copied_bytes",
    "changed_files",
    "problem_count",
    "digest",
    "pinned",
    "batch_id",
    "created_by",
)
_COLUMNS = (
    SnapshotRow.inode,
    SnapshotRow.student,
    SnapshotRow.name,
    *(getattr(SnapshotRow, field) for field in _FIELDS),
)


def _find(db: Session, course_id: int, student: str, name: str) -> SnapshotRow | None:
    return db.scalar(
        select(SnapshotRow).where(
            SnapshotRow.course_id == course_id,
            SnapshotRow.student == student,
            SnapshotRow.name == name,
        )
    )
