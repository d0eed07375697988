"""A course at a glance over HTTP: by student, by name, small and quick for a large class."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from jupyterhub_snapshots.core.records import BatchItem, ItemState
from jupyterhub_snapshots.store import batches, catalog, people
from jupyterhub_snapshots.store.database import utc_now
from service import RunningService, StandInHub

COURSE = "/api/v1/instructors/me/courses/phys"


async def capture(service: RunningService, name: str, *students: str) -> dict[str, object]:
    """A batch that has ended."""
    body = {"name": name, "students": list(students)}
    batch = (await service.post(f"{COURSE}/snapshots", json=body)).json()
    await service.services.batches.wait(batch["id"])
    for _ in range(50):
        found = (await service.get(f"{COURSE}/batches/{batch['id']}")).json()
        stored = await service.services.store.read(
            lambda db: batches.get(db, int(batch["id"])).state
        )
        if stored != "running":
            break
        await asyncio.sleep(0.05)
    return dict(found)


async def test_a_row_for_each_student(service: RunningService) -> None:
    service.home("alice").file("a.txt", b"12345")
    service.put_snapshot("formerly", "ps1_2020-02-03", course="phys")
    batch = await capture(service, "First", "alice", "bob")  # bob has no home
    alice, bob, formerly = (await service.get(f"{COURSE}/overview/students")).json()
    newest = alice.pop("newest")
    assert isinstance(alice.pop("id"), int)
    assert alice == {
        "username": "alice",
        "canvasId": None,
        "firstName": "",
        "lastName": "",
        "active": True,
        "role": "student",
        "snapshots": 1,
        "lastFailure": None,
    }
    assert newest["name"] == batch["name"]
    assert (newest["state"], newest["bytes"], newest["problemCount"]) == ("complete", 5, 0)
    assert newest["beganAt"] <= newest["endedAt"]
    assert set(newest) == {
        *("name", "state", "beganAt", "endedAt", "problemCount", "bytes", "changedFiles"),
    }
    assert (bob["active"], bob["snapshots"], bob["newest"]) == (True, 0, None)
    assert bob["lastFailure"].pop("at").endswith("Z")
    assert bob["lastFailure"].pop("message")
    assert bob["lastFailure"] == {"code": "home_not_found", "batch": batch["id"]}
    assert (formerly["id"], formerly["active"], formerly["snapshots"]) == (None, False, 1)
    assert formerly["role"] is None
    assert formerly["newest"]["state"] == "unknown"
    service.home("bob")
    await capture(service, "Second", "bob")
    _, bob, _ = (await service.get(f"{COURSE}/overview/students")).json()
    assert (bob["snapshots"], bob["lastFailure"]) == (1, None)


async def test_who_left_is_inactive(service: RunningService, hub: StandInHub) -> None:
    service.put_snapshot("alice", course="phys")
    await service.get(f"{COURSE}/students")
    hub.groups["nbgrader-phys"] = []
    service.services.roster.refresh_seconds = 0.0
    [alice] = (await service.get(f"{COURSE}/overview/students")).json()
    assert (alice["username"], alice["active"], alice["snapshots"]) == ("alice", False, 1)
    assert alice["role"] is None
    assert (await service.get(f"{COURSE}/overview/snapshots")).json()["students"] == 0


async def test_names_over_the_class(service: RunningService) -> None:
    for student in ("alice", "bob"):
        service.home(student).file("a.txt", b"12345")
    service.put_snapshot("alice", "old_2020-01-01", course="phys")
    batch = await capture(service, "Lab", "alice", "bob")
    name = batch["name"]
    await service.fetch("PATCH", f"{COURSE}/students/bob/snapshots/{name}", json={"pinned": True})
    found = (await service.get(f"{COURSE}/overview/snapshots")).json()
    lab, old = found["snapshots"]
    assert found["students"] == 2
    assert lab.pop("beganAt") <= lab.pop("endedAt")
    assert lab == {
        "name": name,
        "taken": 2,
        "complete": 2,
        "incomplete": 0,
        "other": 0,
        "files": 2,
        "bytes": 10,
        "copiedBytes": 10,
        "pinned": 1,
        "batch": batch["id"],
    }
    assert (old["name"], old["other"], old["files"], old["endedAt"]) == (
        *("old_2020-01-01", 1, None, None),
    )


async def test_an_empty_course(service: RunningService, hub: StandInHub) -> None:
    hub.groups["nbgrader-phys"] = []
    assert (await service.get(f"{COURSE}/overview/students")).json() == []
    assert (await service.get(f"{COURSE}/overview/snapshots")).json() == {
        "students": 0,
        "snapshots": [],
    }


@pytest.mark.threat("D7")
async def test_a_large_class(service: RunningService, hub: StandInHub) -> None:
    """500 students with 20 snapshots each: answers below 300 kB that hold nobody up."""
    students = [f"student{number:03}.lastname" for number in range(500)]
    names = [f"weekly-exercise-{number:02}_2026-03-{number + 1:02}" for number in range(20)]
    hub.groups["nbgrader-phys"] = students
    course = service.course("phys")
    for student in students:
        for name in names:
            os.makedirs(os.path.join(course.root, student, name))
    await service.services.snapshots.list_snapshots(course)
    now = utc_now()

    def known(db: object) -> None:
        rows = catalog.known(db, course.id)  # type: ignore[arg-type]
        records = [
            (inode, replace(found, state="complete", began_at=now, ended_at=now, bytes=123_456_789))
            for inode, found in rows.values()
        ]
        catalog.put(db, records)  # type: ignore[arg-type]
        batch = batches.create(
            db,  # type: ignore[arg-type]
            course_id=course.id,
            name="x",
            requested_by="ina",
            include_hidden=False,
            students=students,
        )
        late = now + timedelta(hours=1)
        item = BatchItem("", ItemState.FAILED, 1, now, late, "storage_unavailable", "x" * 5000)
        failed = [(batch.id, replace(item, student=student)) for student in students]
        batches.save_items(db, failed)  # type: ignore[arg-type]
        members = people.ensure_users(db, students)  # type: ignore[arg-type]
        for row in members.values():
            row.first_name, row.last_name, row.canvas_id = (
                "Firstname",
                "Longer Lastname",
                row.username,
            )

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
    rows = await service.get(f"{COURSE}/overview/students")
    by_name = await service.get(f"{COURSE}/overview/snapshots")
    watching.cancel()
    assert len(rows.json()) == 500
    assert all(len(row["lastFailure"]["message"]) == 120 for row in rows.json())
    assert {row["snapshots"] for row in rows.json()} == {20}
    assert len(rows.content) < 300_000
    assert [each["taken"] for each in by_name.json()["snapshots"]] == [500] * 20
    assert len(by_name.content) < 10_000
    assert longest < 1
    usual = [row | {"lastFailure": None} for row in rows.json()]
    usual_bytes = len(json.dumps(usual, separators=(",", ":")))
    assert usual_bytes < 200_000
