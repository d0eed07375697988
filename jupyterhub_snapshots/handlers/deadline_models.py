"""Deadlines as the API tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from ..core.capture_states import CaptureState
from ..core.deadline_texts import sentences
from ..deadlines import StudentDeadline
from .models import ApiModel, Instant


class StepModel(ApiModel):
    """One step of the rule that changed something, and a sentence for people."""

    rule: str
    before: Instant | None
    after: Instant | None
    source: str
    text: str


class PlannedCaptureModel(ApiModel):
    """A capture that follows from a deadline.

    `kind` is deadline, exam, late or manual; `state` is planned, running, done, failed or skipped.
    """

    kind: str
    at: Instant
    state: str
    snapshot: str | None
    late_seconds: int | None


class DeadlineTimesModel(ApiModel):
    """When work is due, and how it came to this.

    `fires` is the instant that counts. `timeLeftSeconds` is of the own time, of an assignment that
    was opened.
    """

    due: Instant | None
    closes: Instant | None
    ends: Instant | None
    opens: Instant | None
    release: Instant | None
    fires: Instant | None
    excused: bool
    steps: list[StepModel]
    captures: list[PlannedCaptureModel]
    time_left_seconds: int | None


class DeadlineModel(DeadlineTimesModel):
    """The deadline of a student (username) for an assignment (id)."""

    assignment: int
    student: str


def deadline_times(found: StudentDeadline, zone: tzinfo, now: datetime) -> dict[str, object]:
    """The fields of `DeadlineTimesModel`.

    Parameters:
        zone: the course's, for the sentences.
        now: for the time that is left.
    """
    deadline = found.deadline
    texts = sentences(deadline, found.assignment, found.given, zone)
    left = None
    if deadline.ends is not None:
        left = max(0, int((deadline.ends - now).total_seconds()))
    return {
        "due": deadline.due,
        "closes": deadline.closes,
        "ends": deadline.ends,
        "opens": deadline.opens,
        "release": deadline.release,
        "fires": deadline.instant,
        "excused": deadline.excused,
        "steps": [
            StepModel(
                rule=step.rule.value,
                before=step.before,
                after=step.after,
                source=step.source,
                text=text,
            )
            for step, text in zip(deadline.steps, texts, strict=True)
        ],
        "captures": capture_models(found.captures),
        "time_left_seconds": left,
    }


def capture_models(captures: Iterable[CaptureState]) -> list[PlannedCaptureModel]:
    """Models of captures."""
    return [
        PlannedCaptureModel(
            kind=each.kind.value,
            at=each.at,
            state=each.state,
            snapshot=each.snapshot,
            late_seconds=each.late_seconds,
        )
        for each in captures
    ]


def deadline_model(found: StudentDeadline, zone: tzinfo, now: datetime) -> dict[str, object]:
    """JSON of a student's deadline."""
    fields = deadline_times(found, zone, now)
    return DeadlineModel.model_validate(
        fields | {"assignment": found.assignment.id, "student": found.student.username}
    ).json_value()
