"""Assignments that are set for browser tests, over the API as an instructor's script would."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from example_hub import demo_assignments

COURSE = "courses/phys101"
Task = demo_assignments.Task


def coming(**span: float) -> datetime:
    """An instant so far ahead, in whole seconds."""
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(**span)


def text(when: datetime) -> str:
    """An instant as the API takes it."""
    return when.isoformat().replace("+00:00", "Z")


class Coursework:
    """What an instructor sets.

    Parameters:
        api: a client of the service for the instructor.
    """

    def __init__(self, api: httpx.Client) -> None:
        self.api = api

    def set(self, title: str, due: datetime, **fields: Any) -> int:
        """Makes an assignment with a notebook; its id."""
        task = Task(title, f"{title.lower().replace(' ', '-')}.ipynb", (f"# {title}", ">"), {})
        made: int = demo_assignments.make(self.api, "phys101", task, duedate=text(due), **fields)
        return made

    def change(self, assignment: int, **fields: Any) -> None:
        """Changes what is named; dates are instants."""
        sent = {
            name: text(value) if isinstance(value, datetime) else value
            for name, value in fields.items()
        }
        answer = self.api.patch(f"{COURSE}/assignments/{assignment}", json=sent)
        answer.raise_for_status()

    def extend(self, assignment: int, student: str, until: datetime | None) -> None:
        """Gives a student another date, or none."""
        answer = self.api.post(
            f"{COURSE}/students/{student}/extensions",
            json={"onAssignment": assignment, "until": until and text(until)},
        )
        answer.raise_for_status()

    def remove(self, assignment: int) -> None:
        """Removes one for which nothing was captured."""
        self.api.delete(f"{COURSE}/assignments/{assignment}").raise_for_status()
