"""How far the class is with its assignments, over HTTP, after captures of the real kind."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from collecting import COURSE, LONG_AGO, ago, change, collect, extend, make, text
from jupyterhub_snapshots.core.captures import Kind, Occasion
from jupyterhub_snapshots.handlers.collected import AssignmentOverviewModel, GridModel
from jupyterhub_snapshots.store import assignments, batches, captures
from jupyterhub_snapshots.store.database import utc_now
from jupyterhub_snapshots.store.tables import BatchItemRow, MemberRow, SnapshotRow
from service import RunningService, StandInHub


async def overview(service: RunningService) -> dict[str, Any]:
    answer = await service.get(f"{COURSE}/overview/assignments")
    assert answer.status_code == 200, answer.text
    AssignmentOverviewModel.model_validate(answer.json())
    return dict(answer.json())


async def grid(service: RunningService) -> dict[str, dict[int, dict[str, Any]]]:
    """Username to assignment to cell."""
    answer = await service.get(f"{COURSE}/overview/grid")
    assert answer.status_code == 200, answer.text
    GridModel.model_validate(answer.json())
    found = answer.json()
    return {
        student["username"]: dict(zip(found["assignments"], row, strict=True))
        for student, row in zip(found["students"], found["cells"], strict=True)
    }


async def states(service: RunningService, assignment: int) -> dict[str, str]:
    return {name: row[assignment]["state"] for name, row in (await grid(service)).items()}


def counts(found: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in found["counts"].items() if count}


async def test_an_empty_course(service: RunningService, hub: StandInHub) -> None:
    hub.groups["nbgrader-phys"] = []
    assert await overview(service) == {
        "students": 0,
        "timeZone": "Europe/Berlin",
        "assignments": [],
    }
    answer = await service.get(f"{COURSE}/overview/grid")
    assert answer.json() == {"assignments": [], "students": [], "cells": []}
    await make(service, "Homework", due=ago(days=1))
    [row] = (await overview(service))["assignments"]
    assert (row["state"], counts(row)) == ("collected", {})


async def test_an_assignment_from_the_beginning_to_the_end(service: RunningService) -> None:
    for student in ("alice", "bob"):
        service.home(student).file("a.txt")
    number = await make(service)
    assert await states(service, number) == {"alice": "none", "bob": "none"}
    [row] = (await overview(service))["assignments"]
    assert (row["state"], row["firstInstant"], counts(row)) == ("undated", None, {})

    await change(service, number, duedate="2099-12-01", visibleFrom="2099-11-01")
    await extend(service, number, "bob", "2099-12-05")
    found = await overview(service)
    [row] = found["assignments"]
    stored = (await service.get(f"{COURSE}/assignments/{number}")).json()
    assert {name: row[name] for name in stored} == stored
    assert row["state"] == "upcoming"
    assert (row["firstInstant"], row["lastInstant"]) == (
        "2099-12-01T22:59:59Z",
        "2099-12-05T22:59:59Z",
    )
    assert (found["students"], counts(row)) == (2, {"open": 2, "extended": 1})
    cells = await grid(service)
    assert cells["bob"][number] == {
        "state": "open",
        "at": "2099-12-05T22:59:59Z",
        "snapshot": None,
        "changed": 0,
        "extended": True,
    }
    assert not cells["alice"][number]["extended"]

    due = ago(minutes=30)
    await change(service, number, duedate=text(due), visibleFrom=None)
    await collect(service)
    cell = (await grid(service))["alice"][number]
    assert cell.pop("at") >= text(due)
    assert cell.pop("snapshot").startswith("homework-3_")
    # The file was written after the deadline.
    assert cell == {"state": "changed", "changed": 1, "extended": False}
    [row] = (await overview(service))["assignments"]
    assert (row["state"], counts(row)) == ("open", {"late": 1, "open": 1, "extended": 1})

    await extend(service, number, "bob", None)
    [row] = (await overview(service))["assignments"]
    assert (row["state"], counts(row)) == ("collected", {"late": 1, "excused": 1})
    await change(service, number, gradeRelease=text(ago(seconds=1)))
    [row] = (await overview(service))["assignments"]
    assert row["state"] == "released"


async def test_on_time_late_failed_and_deleted(service: RunningService) -> None:
    service.home("alice").file("a.txt")  # bob has no home
    await asyncio.sleep(1.1)  # written before the deadline
    number = await make(service, due=ago())
    await collect(service)
    assert await states(service, number) == {"alice": "captured", "bob": "failed"}
    [row] = (await overview(service))["assignments"]
    assert (row["state"], counts(row)) == ("collected", {"captured": 1, "failed": 1})

    late = await make(service, "Late", due=ago(minutes=3))
    service.home("bob").file("b.txt")
    await collect(service)
    assert (await states(service, late)) == {"alice": "changed", "bob": "changed"}
    name = (await grid(service))["alice"][number]["snapshot"]
    gone = await service.fetch("DELETE", f"{COURSE}/students/alice/snapshots/{name}")
    assert gone.status_code == 200, gone.text
    cell = (await grid(service))["alice"][number]
    assert (cell["state"], cell["snapshot"]) == ("missing", None)


async def test_a_capture_by_hand_stands_in(service: RunningService) -> None:
    number = await make(service, due=ago(minutes=3))
    await collect(service)  # there are no homes
    assert await states(service, number) == {"alice": "failed", "bob": "failed"}
    service.home("alice").file("a.txt")
    body = {"name": "By hand", "students": ["alice"], "assignment": number}
    batch = (await service.post(f"{COURSE}/snapshots", json=body)).json()
    await service.services.batches.wait(batch["id"])
    await collect(service)
    assert await states(service, number) == {"alice": "late", "bob": "failed"}
    assert (await grid(service))["alice"][number]["snapshot"] == batch["name"]


@pytest.mark.parametrize("written", [False, True])
async def test_late_work(service: RunningService, written: bool) -> None:
    home = service.home("alice")
    home.file("a.txt")
    await asyncio.sleep(1.1)
    number = await make(service, due=ago())
    await collect(service)
    assert (await states(service, number))["alice"] == "captured"
    if written:
        home.file("more.txt")
    await asyncio.sleep(1.1)
    await change(service, number, visibleTill=text(ago()))
    await collect(service)
    cell = (await grid(service))["alice"][number]
    assert cell["state"] == ("late" if written else "captured")
    assert "-late_" not in cell["snapshot"]


async def test_moved_on_after_it_was_captured(service: RunningService) -> None:
    service.home("alice").file("a.txt")
    number = await make(service, due=ago(minutes=3))
    await collect(service)
    name = (await grid(service))["alice"][number]["snapshot"]
    later = utc_now().replace(microsecond=0) + timedelta(days=1)
    await change(service, number, duedate=text(later))
    cell = (await grid(service))["alice"][number]
    assert (cell["state"], cell["snapshot"], cell["at"]) == ("open", name, text(later))


async def test_a_timed_assignment(service: RunningService) -> None:
    timed = {"tag": "ViaPasswordExpiring", "contents": ["secret", 60]}
    number = await make(service)
    await change(service, number, availability=timed, visibleTill="2099-12-01")
    assert set((await states(service, number)).values()) == {"open"}
    await change(service, number, visibleTill=text(ago(minutes=1)))
    assert set((await states(service, number)).values()) == {"not_opened"}
    [row] = (await overview(service))["assignments"]
    assert (row["state"], counts(row)) == ("collected", {"missing": 2})


async def test_who_left_is_there_with_what_was_captured(
    service: RunningService, hub: StandInHub
) -> None:
    service.home("alice").file("a.txt")
    first = await make(service, "First", due=ago(minutes=3))
    await collect(service)
    second = await make(service, "Second")
    await change(service, second, duedate="2099-12-01")
    service.services.roster.refresh_seconds = 0.0
    hub.groups["nbgrader-phys"] = []
    answer = await service.get(f"{COURSE}/overview/grid")
    alice, bob = answer.json()["students"]  # bob's capture failed
    assert (alice["username"], alice["active"]) == ("alice", False)
    cells = (await grid(service))["alice"]
    assert cells[first]["snapshot"] is not None
    assert cells[second]["state"] == "none"
    assert bob["active"] is False
    found = await overview(service)
    assert found["students"] == 0
    assert [counts(row) for row in found["assignments"]] == [{}, {}]


async def test_assignments_are_by_time(service: RunningService) -> None:
    for title, due in (
        ("Undated", None),
        ("Zebra", "2099-01-02"),
        ("Last", "2099-01-03"),
        ("Apple", "2099-01-02"),
    ):
        number = await make(service, title)
        await change(service, number, duedate=due)
    rows = (await overview(service))["assignments"]
    assert [row["title"] for row in rows] == ["Apple", "Zebra", "Last", "Undated"]
    answer = await service.get(f"{COURSE}/overview/grid")
    assert answer.json()["assignments"] == [row["id"] for row in rows]


@pytest.mark.threat("D7")
async def test_a_large_class(service: RunningService, hub: StandInHub) -> None:
    """500 students and 20 assignments: below 1.5 MB, soon, and nobody else has to wait."""
    students = [f"student{number:03}.lastname" for number in range(500)]
    hub.groups["nbgrader-phys"] = students
    await service.get(f"{COURSE}/students")
    course = service.course("phys").id
    now = ago()

    def known(db: Any) -> None:
        everybody = captures.enrolled(db, course)
        db.execute(update(MemberRow).values(created_at=LONG_AGO))
        for day in range(20):
            due = now - timedelta(days=40 - day)
            title = f"Weekly exercise {day:02}"
            fields = {"title": title, "due": due, "visible_till": due + timedelta(days=2)}
            made = assignments.create_assignment(db, course, fields, LONG_AGO)
            for kind, at in ((Kind.DEADLINE, due), (Kind.LATE, due + timedelta(days=2))):
                name = f"weekly-exercise-{day:02}-{kind.value}_{at:%Y-%m-%d}"
                occasion = Occasion(made.id, title, kind, at)
                batch = batches.create(
                    db,
                    course_id=course,
                    name=name,
                    requested_by="scheduler",
                    include_hidden=False,
                    students=students,
                    occasion=occasion,
                )
                captures.record(
                    db, course, occasion, everybody, batch_id=batch.id, snapshot=name, now=at
                )
                db.execute(
                    update(BatchItemRow)
                    .where(BatchItemRow.batch_id == batch.id)
                    .values(state="done", outcome="complete", began_at=at + timedelta(seconds=2))
                )
                rows = [
                    {"course_id": course, "student": student, "name": name, "inode": 1}
                    | {"state": "complete", "late_count": 0, "batch_id": batch.id}
                    for student in students
                ]
                db.execute(insert(SnapshotRow), rows)

    await service.services.store.write(known)
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(0.005)
            longest = max(longest, loop.time() - began)

    watching = asyncio.create_task(watch())
    began = time.process_time()
    answer = await service.get(f"{COURSE}/overview/grid")
    seconds = time.process_time() - began
    rows = (await overview(service))["assignments"]
    watching.cancel()
    found = answer.json()
    assert {cell["state"] for row in found["cells"] for cell in row} == {"late"}
    assert (len(found["cells"]), len(found["cells"][0])) == (500, 20)
    assert len(answer.content) < 1_500_000
    assert [counts(row) for row in rows] == [{"late": 500}] * 20
    assert longest < 1
    assert seconds < 3  # a third of a second on a machine that does nothing else
