"""A deadline in real time, below a real hub.

SNAPSHOTS_DEADLINE_SECONDS=60 plays it slowly.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from homes import Home

from .conftest import RealHub

pytestmark = pytest.mark.hub
SECONDS = float(os.environ.get("SNAPSHOTS_DEADLINE_SECONDS", "4"))
PHYS = "/api/v1/instructors/me/courses/phys"


def text(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


async def pass_to(when: datetime) -> None:
    await asyncio.sleep((when - datetime.now(timezone.utc)).total_seconds())


@pytest.mark.threat("T5", "T11", "N6")
async def test_two_students_two_deadlines(real_hub: RealHub) -> None:
    real_hub.set_group("nbgrader-phys", ["alice", "nora"])
    homes = {name: Home(real_hub.place / "homes" / name) for name in ("alice", "nora")}
    for home in homes.values():
        home.file("work.txt", b"before the deadline")
    ina, alice = real_hub.token("ina"), real_hub.token("alice")

    async def ask(method: str, path: str, token: str = ina, **options: Any) -> Any:
        answer = await real_hub.call(method, path, token, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()

    students = {each["username"]: each for each in await ask("GET", f"{PHYS}/students")}
    document = await ask(
        "POST", "/api/v1/instructors/me/documents", json={"filename": "sheet.ipynb"}
    )
    # To the millisecond: to a last second, as 10:10:59, another would be added.
    due = datetime.now(timezone.utc).replace(microsecond=1000) + timedelta(seconds=SECONDS)
    later = due + timedelta(seconds=SECONDS)
    number = await ask(
        "POST",
        f"{PHYS}/assignments",
        json={"document": document, "title": "Homework 1", "duedate": text(due)},
    )
    nora = students["nora"]
    await ask(
        "POST",
        f"{PHYS}/students/{nora['id']}/extensions",
        json={"onAssignment": number, "until": text(later), "forUser": nora["userId"]},
    )
    await pass_to(due + timedelta(seconds=SECONDS / 2))
    for home in homes.values():
        home.file("work.txt", b"between the deadlines")
    await pass_to(later + timedelta(seconds=1))
    for home in homes.values():
        home.file("work.txt", b"after both")
    for _ in range(50):
        batches = await ask("GET", f"{PHYS}/batches")
        if len(batches) == 2 and all(batch["state"] == "done" for batch in batches):
            break
        await asyncio.sleep(0.1)

    assert [(each["kind"], each["instant"], each["counts"]) for each in reversed(batches)] == [
        ("deadline", text(due), {"done": 1}),
        ("deadline", text(later), {"done": 1}),
    ]
    handed_in = await ask("GET", f"{PHYS}/assignments/{number}/submissions")
    name = {each["problemSubmissionUserId"]: each for each in handed_in}
    assert len(handed_in) == 2
    for who, content, at in (
        ("alice", "before the deadline", due),
        ("nora", "between the deadlines", later),
    ):
        submission = name[students[who]["userId"]]
        title = submission["problemSubmissionIdent"]
        snapshot = f"{PHYS}/students/{students[who]['id']}/snapshots/{title}"
        answer = await real_hub.call("GET", f"{snapshot}/files/work.txt", ina)
        assert answer.text == content
        details = await ask("GET", snapshot)
        began = datetime.fromisoformat(details["beganAt"].replace("Z", "+00:00"))
        assert at <= began < at + timedelta(seconds=5)
        assert details["deadline"] == text(at)
        assert details["lateFiles"] == 0

    # Receipts, for the instructor and for the student.
    mine = f"/api/v1/users/me/courses/phys/snapshots/{title}"
    receipt = await ask("GET", f"{mine}/receipt", alice)
    assert receipt["assignment"]["title"] == "Homework 1"
    check = await ask("POST", "/api/v1/receipts/check", alice, json=receipt)
    assert (check["signature"], check["files"], check["stored"]) == ("valid", "match", "matches")
    forged = {**receipt, "student": {**receipt["student"], "username": "carl"}}
    check = await ask("POST", "/api/v1/receipts/check", ina, json=forged)
    assert check["signature"] == "invalid"
    # Somebody alters what is stored.
    kept = real_hub.place / "snapshots" / "phys" / "alice" / receipt["snapshot"]["name"]
    (kept / "work.txt").chmod(0o600)
    (kept / "work.txt").write_text("better than before!")
    check = await ask("POST", "/api/v1/receipts/check", ina, json=receipt)
    assert check["signature"] == "valid"
    assert (check["stored"], check["differences"]) == ("differs", ["work.txt"])
