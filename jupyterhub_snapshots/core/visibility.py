"""What a student may see of a course's assignments, and open. Pure; no clock of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ..errors import AssignmentClosed, NothingToOpen, NotOpenYet
from .assignments import AccessToken, Assignment
from .captures import cutoff
from .deadlines import Deadline

OwnState = Literal["open", "not_opened", "running_out", "closed", "captured"]


def is_listed(assignment: Assignment, token: AccessToken | None, now: datetime) -> bool:
    """Whether the student sees it: from its time on, and a hidden one when it was opened.

    What was opened stays in sight, whatever is done to its dates.
    """
    if token is not None:
        return True
    hidden = assignment.availability is not None and assignment.availability.hidden
    return not hidden and _has_begun(assignment, now)


def check_opening(assignment: Assignment, deadline: Deadline, now: datetime) -> None:
    """Makes sure that the student, with this deadline, may open it now.

    Raises NothingToOpen, NotOpenYet, AssignmentClosed.
    """
    if assignment.availability is None:
        raise NothingToOpen("The assignment needs no opening: it is there for everybody.")
    if not _has_begun(assignment, now):
        raise NotOpenYet("The assignment can't be opened yet. Its page tells from when on.")
    if _is_over(deadline, now):
        raise AssignmentClosed("The assignment is closed. Ask an instructor of the course.")


def own_state(
    assignment: Assignment,
    deadline: Deadline,
    token: AccessToken | None,
    now: datetime,
    *,
    captured: bool,
) -> OwnState:
    """Where the student stands with an assignment.

    Parameters:
        captured: whether a snapshot was taken for it.
    """
    if assignment.availability is not None and token is None:
        return "closed" if _is_over(deadline, now) else "not_opened"
    instant = deadline.instant
    if instant is not None and cutoff(instant) <= now and captured:
        return "captured"
    if deadline.ends is not None and now < deadline.ends:
        return "running_out"
    return "closed" if _is_over(deadline, now) else "open"


def _has_begun(assignment: Assignment, now: datetime) -> bool:
    return assignment.visible_from is None or assignment.visible_from <= now


def _is_over(deadline: Deadline, now: datetime) -> bool:
    ends = deadline.ends if deadline.ends is not None else deadline.closes
    return ends is not None and cutoff(ends) <= now
