"""What was captured for assignments, as far as it was taken and is still there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from ..core.captures import SUBMISSIONS, Kind
from ..core.records import ItemState
from .assignment_tables import AssignmentRow, CaptureRow
from .tables import BatchItemRow, SnapshotRow


@dataclass(frozen=True)
class Submission:
    """A student's snapshot that stands for work on an assignment.

    Attributes:
        title: of the assignment.
        at: when the capture ended.
        is_complete: whether nothing is missing in it.
        bytes: size of all its files.
        late_files: paths of what changed after the deadline, the first thousand of them.
    """

    assignment_id: int
    title: str
    user_id: int
    student: str
    snapshot: str
    kind: Kind
    at: datetime | None
    is_complete: bool
    files: int | None
    bytes: int | None
    digest: str | None
    late_files: tuple[str, ...]


def list_submissions(
    db: Session, course_id: int, *, assignment_id: int | None = None, user_id: int | None = None
) -> list[Submission]:
    """Those of the course, of one assignment or of one student, in the order of their captures."""
    chosen = [CaptureRow.course_id == course_id]
    if assignment_id is not None:
        chosen.append(CaptureRow.assignment_id == assignment_id)
    if user_id is not None:
        chosen.append(CaptureRow.user_id == user_id)
    rows = db.execute(
        select(CaptureRow, AssignmentRow.title, BatchItemRow.ended_at, SnapshotRow)
        .join(AssignmentRow, AssignmentRow.id == CaptureRow.assignment_id)
        .join(
            BatchItemRow,
            and_(
                BatchItemRow.batch_id == CaptureRow.batch_id,
                BatchItemRow.student == CaptureRow.student,
            ),
        )
        .join(
            SnapshotRow,
            and_(
                SnapshotRow.course_id == CaptureRow.course_id,
                SnapshotRow.student == CaptureRow.student,
                SnapshotRow.name == CaptureRow.snapshot,
            ),
        )
        .where(
            *chosen,
            BatchItemRow.state == ItemState.DONE.value,
            CaptureRow.kind.in_([kind.value for kind in SUBMISSIONS]),
        )
        .order_by(CaptureRow.id)
    )
    return [
        Submission(
            assignment_id=capture.assignment_id,
            title=title,
            user_id=capture.user_id,
            student=capture.student,
            snapshot=capture.snapshot,
            kind=Kind(capture.kind),
            at=snapshot.ended_at or ended_at,
            is_complete=snapshot.state == "complete",
            files=snapshot.files,
            bytes=snapshot.bytes,
            digest=snapshot.digest,
            late_files=tuple(snapshot.late_files or ()),
        )
        for capture, title, ended_at, snapshot in rows
    ]
