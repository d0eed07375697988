"""The demo's assignments, made over the API as an instructor makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from demo_homes import notebook_text
from nbformat.v4 import new_code_cell, new_markdown_cell

EXTENDED, ACCOMMODATED = "bo.chen", "mia@example.edu"
PASSWORD = "free fall"
MINUTES = 20
_FACTOR = 1.5
#: From the start until somebody can watch a deadline: time to open the panel.
_SOON = timedelta(minutes=4)
_DAYS = 9
_MORE_DAYS = 2


@dataclass(frozen=True)
class Task:
    """An assignment.

    Attributes:
        filename: of the document that is handed out.
        cells: of that document; code begins with ``>``.
        fields: what else the API is told.
    """

    title: str
    filename: str
    cells: tuple[str, ...]
    fields: dict[str, Any]

    @property
    def document(self) -> str:
        """The document's contents."""
        return notebook_text(
            [
                new_code_cell(cell[1:]) if cell.startswith(">") else new_markdown_cell(cell)
                for cell in self.cells
            ]
        )


PROBLEM_SET = Task(
    "Problem set 2",
    "problem-set-2.ipynb",
    (
        "# Problem set 2: energy and momentum\n\nWrite below each question; state your units.",
        "**1.** A ball of 0.20 kg falls from 1.8 m. How fast is it just above the floor?",
        ">g = 9.81  # m/s²\n",
        "**2.** It comes back up to 1.2 m. How much energy was lost?",
        ">",
        "**3.** Plot the height over the time from the drop to the second bounce.",
        ">",
    ),
    {"description": "Energy and momentum. Work in the notebook, and save it.", "pointValue": 20},
)
LAB = Task(
    "Pendulum lab",
    "worksheet.ipynb",
    (
        "# Pendulum lab\n\nYour table and your fit are in `lab/pendulum`.",
        "What is $g$ according to your measurements, and how sure are you of it?",
        ">",
    ),
    {"description": "Your report in lab/pendulum, and this worksheet.", "pointValue": 10},
)
QUIZ = Task(
    "Quiz 1",
    "quiz-1.ipynb",
    (
        "# Quiz 1: free fall\n\nAnswer in the cells below. What is saved at the end counts.",
        "**1.** How long does a stone fall from 20 m?",
        ">",
        "**2.** Does a heavier one fall faster? Why?",
    ),
    {
        "description": f"{MINUTES} minutes from when you open it.",
        "availability": {"tag": "ViaPasswordExpiring", "contents": [PASSWORD, MINUTES]},
    },
)


def document_path(task: Task) -> str:
    """Where the document is in a home."""
    return f"{task.title.lower().replace(' ', '-')}/{task.filename}"


def make(api: httpx.Client, course: str, task: Task, **fields: Any) -> int:
    """Makes the assignment with its document; its id. Raises HTTPStatusError."""
    known = {each["filename"]: each["id"] for each in _json(api.get("documents"))}
    document = known.get(task.filename)
    if document is None:
        document = _json(api.post("documents", json={"filename": task.filename}))
        put = api.put(f"documents/{document}/data", content=task.document.encode())
        put.raise_for_status()
    wanted = {"title": task.title, "document": document} | task.fields | fields
    return int(_json(api.post(f"courses/{course}/assignments", json=wanted)))


def set_assignments(api: httpx.Client, course: str, zone: str) -> Iterator[str]:
    """Makes what is not there, gives what is over new dates, and tells of each in a line.

    Raises HTTPStatusError.
    """
    local = ZoneInfo(zone)
    now = datetime.now(local)
    end = datetime.combine(now + timedelta(days=_DAYS), time(23, 59), local)
    soon = now.replace(microsecond=0) + _SOON
    base = f"courses/{course}"
    known = {each["title"]: each for each in _json(api.get(f"{base}/assignments"))}

    def due(task: Task, at: datetime, **fields: Any) -> tuple[int, datetime, bool]:
        """Sees to a task that is due then; its id and due date, and whether that was set now."""
        found = known.get(task.title)
        if found is None:
            return make(api, course, task, duedate=_text(at), **fields), at, True
        stands = _read(found["duedate"]).astimezone(local) if found["duedate"] else now
        if stands > now:
            return found["id"], stands, False
        _change(api, f"{base}/assignments/{found['id']}", duedate=_text(at))
        return found["id"], at, True

    begun = {"visibleFrom": _text(now)}
    task, at, is_set = due(PROBLEM_SET, end, **begun)
    if is_set:
        until = {"onAssignment": task, "until": _text(at + timedelta(days=_MORE_DAYS))}
        _json(api.post(f"{base}/students/{EXTENDED}/extensions", json=until))
    yield f"{PROBLEM_SET.title:<14} due {at:%a %d %b, %H:%M}; {EXTENDED} has an extension"

    _, at, _ = due(LAB, soon, **begun)
    minutes = max(1, round((at - now).total_seconds() / 60))
    yield (
        f"{LAB.title:<14} due at {at:%H:%M:%S} ({zone}), in {minutes} min: watch it being collected"
    )

    _, _, is_set = due(QUIZ, end)
    if is_set:
        _change(api, f"{base}/students/{ACCOMMODATED}/accommodations", timeFactor=_FACTOR)
    yield (
        f"{QUIZ.title:<14} {MINUTES} minutes from when a student opens it with {PASSWORD!r}, "
        f"{MINUTES * _FACTOR:.0f} for {ACCOMMODATED}"
    )


def _change(api: httpx.Client, path: str, **fields: Any) -> None:
    api.patch(path, json=fields).raise_for_status()


def _json(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def _text(when: datetime) -> str:
    return when.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
