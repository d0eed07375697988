"""What was captured of a student's work on an assignment, and what still will be. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .captures import AT_DEADLINE, Kind, cutoff, pending, wanted
from .deadlines import Deadline

State = Literal["planned", "running", "done", "failed", "skipped"]


@dataclass(frozen=True)
class CaptureState:
    """A capture for an assignment, and where it stands.

    Attributes:
        at: the instant it is for.
        state: "skipped" when there was nothing to capture, or nobody who wanted it any more.
        snapshot: name of what was taken; None while there is nothing.
        began_at: when the capture began.
        late_files: files in it that changed after the deadline.
    """

    kind: Kind
    at: datetime
    state: State
    snapshot: str | None = None
    began_at: datetime | None = None
    late_files: int = 0

    @property
    def late_seconds(self) -> int | None:
        """How long after its time it began, in seconds; None before that."""
        if self.began_at is None:
            return None
        return max(0, int((self.began_at - cutoff(self.at)).total_seconds()))


def with_planned(
    deadline: Deadline, made: Iterable[CaptureState], known_since: datetime
) -> tuple[CaptureState, ...]:
    """What was made but the warm-ups, and what is still to be made, in the order of instants.

    Parameters:
        known_since: when the student and the assignment were both there.
    """
    found = [each for each in made if each.kind is not Kind.WARM_UP]
    latest: dict[Kind, datetime] = {}
    for each in found:
        latest[each.kind] = max(each.at, latest.get(each.kind, each.at))
    for want in pending(wanted(deadline), latest, known_since):
        found.append(CaptureState(want.kind, want.at, "planned"))
    return tuple(sorted(found, key=lambda each: each.at))


def counted(captures: Iterable[CaptureState]) -> CaptureState | None:
    """The one whose snapshot stands for the work: at a deadline, else by hand, else late."""
    there = [each for each in captures if each.state == "done" and each.snapshot is not None]
    for kinds in (AT_DEADLINE, {Kind.MANUAL}, {Kind.LATE}):
        chosen = [each for each in there if each.kind in kinds]
        if chosen:
            return max(chosen, key=lambda each: each.at)
    return None
