"""Batches: what the API takes and answers."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from ..core.records import Batch, BatchItem
from .models import LARGEST_ID, ApiModel, CaptureKind, Instant, Name, PageQuery

StudentId = Annotated[str, StringConstraints(max_length=255)] | StrictInt


class NewBatchModel(ApiModel):
    """A batch to be started: a name, and students (all, if left out).

    A number is a student's id, a text a hub username or Canvas id. With `assignment`, the id of
    one, the snapshots are taken for it.
    """

    name: Name
    students: Annotated[list[StudentId], Field(max_length=10_000)] | None = None
    include_hidden: StrictBool = False
    assignment: Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)] | None = None


class BatchItemModel(ApiModel):
    """The capture of one student. `state` is queued, running, done, failed or cancelled.

    `outcome` is the state of the snapshot, or unchanged when none was needed.
    """

    student: str
    state: str
    attempts: int
    began_at: Instant | None
    ended_at: Instant | None
    error_code: str | None
    error: str | None
    outcome: str | None
    problem_count: int
    files: int | None
    bytes: int | None
    copied_bytes: int | None


class BatchSummaryModel(ApiModel):
    """A batch. `state` is running, done, failed (some students) or cancelled.

    `assignment` is the id of the one it is taken for, `kind` and `instant` say at what occasion.
    """

    id: int
    name: str
    state: str
    requested_by: str
    requested_at: Instant
    include_hidden: bool
    assignment: int | None
    kind: CaptureKind | None
    instant: Instant | None
    counts: dict[str, int]


class BatchModel(BatchSummaryModel):
    """A batch with the capture of each student."""

    items: list[BatchItemModel]


def item_model(item: BatchItem) -> BatchItemModel:
    """The model of a batch's item."""
    fields = {field: getattr(item, field) for field in BatchItemModel.model_fields}
    return BatchItemModel.model_validate(fields | {"state": item.state.value})


class BatchesQuery(PageQuery):
    """Which batches: of one kind; warm-ups only if asked for."""

    kind: CaptureKind | None = None


_OCCASION_FIELDS = {"assignment", "kind", "instant"}
_BATCH_FIELDS = set(BatchSummaryModel.model_fields) - _OCCASION_FIELDS - {"counts"}


def _batch_fields(batch: Batch) -> dict[str, object]:
    fields: dict[str, object] = {field: getattr(batch, field) for field in _BATCH_FIELDS}
    occasion = batch.occasion
    return fields | {
        "assignment": occasion.assignment_id if occasion is not None else None,
        "kind": occasion.kind.value if occasion is not None else None,
        "instant": occasion.at if occasion is not None else None,
        "counts": Counter(item.state.value for item in batch.items),
    }


def batch_summary_model(batch: Batch) -> dict[str, object]:
    """JSON of a batch, without its items."""
    return BatchSummaryModel.model_validate(_batch_fields(batch)).json_value()


def batch_model(batch: Batch) -> dict[str, object]:
    """JSON of a batch."""
    items = [item_model(item) for item in batch.items]
    return BatchModel.model_validate(_batch_fields(batch) | {"items": items}).json_value()
