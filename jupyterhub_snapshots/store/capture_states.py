"""What became of the captures for assignments."""

from __future__ import annotations

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from ..core.capture_states import CaptureState, State
from ..core.captures import Kind
from ..core.records import ItemState
from .tables import BatchItemRow, BatchRow, SnapshotRow

_STATES: dict[str, State] = {
    ItemState.QUEUED.value: "running",
    ItemState.RUNNING.value: "running",
    ItemState.DONE.value: "done",
    ItemState.FAILED.value: "failed",
    ItemState.CANCELLED.value: "skipped",
}
#: Outcome of a capture after which there is no snapshot, because nothing had changed.
_UNCHANGED = "unchanged"


def of_course(
    db: Session, course_id: int, *, assignment_id: int | None = None, student: str | None = None
) -> dict[tuple[int, str], list[CaptureState]]:
    """(assignment id, username) to what was captured, or is being, the oldest first.

    Warm-ups are left out.

    Parameters:
        assignment_id: only of this assignment.
        student: only of the student of this username.
    """
    chosen = [
        BatchRow.course_id == course_id,
        BatchRow.assignment_id.is_not(None),
        BatchRow.instant.is_not(None),
        BatchRow.kind != Kind.WARM_UP.value,
    ]
    if assignment_id is not None:
        chosen.append(BatchRow.assignment_id == assignment_id)
    # Apart from their items, of which there may be a hundred thousand.
    batches = {
        number: (assignment, Kind(kind), at)
        for number, assignment, kind, at in db.execute(
            select(BatchRow.id, BatchRow.assignment_id, BatchRow.kind, BatchRow.instant)
            .where(*chosen)
            .order_by(BatchRow.instant, BatchRow.id)
        )
    }
    query = (
        select(
            BatchItemRow.batch_id,
            BatchItemRow.student,
            BatchItemRow.state,
            BatchItemRow.outcome,
            BatchItemRow.began_at,
            SnapshotRow.name,
            SnapshotRow.late_count,
        )
        .join(BatchRow, BatchItemRow.batch_id == BatchRow.id)
        .outerjoin(
            SnapshotRow,
            and_(
                SnapshotRow.course_id == BatchRow.course_id,
                SnapshotRow.student == BatchItemRow.student,
                SnapshotRow.name == BatchRow.name,
            ),
        )
        .where(*chosen)
        .order_by(BatchRow.instant, BatchRow.id)
    )
    if student is not None:
        query = query.where(BatchItemRow.student == student)
    found: dict[tuple[int, str], list[CaptureState]] = {}
    for number, who, state, outcome, began, name, late in db.execute(query):
        assignment, kind, at = batches.get(number, (None, None, None))
        if assignment is None or kind is None or at is None:  # begun just now
            continue
        unchanged = outcome == _UNCHANGED
        done = state == ItemState.DONE.value
        found.setdefault((assignment, who), []).append(
            CaptureState(
                kind=kind,
                at=at,
                state="skipped" if done and unchanged else _STATES[state],
                snapshot=name if done and not unchanged else None,
                began_at=began,
                late_files=late or 0,
            )
        )
    return found
