"""Snapshots of assignments over HTTP: taken, listed, opened, downloaded; warm-ups kept apart."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from jupyterhub_snapshots.core.captures import Kind, Occasion
from jupyterhub_snapshots.core.records import Batch
from jupyterhub_snapshots.store import assignments, batches
from jupyterhub_snapshots.store.assignment_tables import CaptureRow
from jupyterhub_snapshots.store.database import utc_now
from service import RunningService, assert_error

COURSE = "/api/v1/instructors/me/courses/phys"
NAME, LATE, WARM_UP = "homework-3_2026-12-01", "homework-3-late_2026-12-08", "hw-warm-up_2026-12-01"


@pytest.fixture
async def number(service: RunningService) -> int:
    """Id of an assignment; alice and bob have homes."""
    for student in ("alice", "bob"):
        service.home(student).file("work/a.txt", b"in time")
    made = await service.services.store.write(
        lambda db: assignments.create_assignment(
            db, service.course("phys").id, {"title": "Homework 3"}, utc_now()
        )
    )
    return made.id


def now() -> datetime:
    """A moment that is not in the last second of a minute."""
    while time.time() % 60 > 58:
        time.sleep(0.1)
    return utc_now()


async def ended(service: RunningService, batch_id: int) -> Batch:
    """The batch once the database knows its end."""
    await service.services.batches.wait(batch_id)
    while True:
        stored = await service.services.store.read(lambda db: batches.get(db, batch_id))
        if stored.state != "running":
            return stored
        await asyncio.sleep(0.02)


async def capture(
    service: RunningService,
    number: int,
    kind: Kind,
    name: str,
    at: datetime | None = None,
    students: tuple[str, ...] = ("alice", "bob"),
) -> Batch:
    """A capture as the scheduler takes it."""
    batch = await service.services.batches.begin(
        service.course("phys"),
        name,
        students,
        include_hidden=False,
        requested_by="scheduler",
        occasion=Occasion(number, "Homework 3", kind, at or now()),
    )
    return await ended(service, batch.id)


async def edited_late(service: RunningService, number: int) -> datetime:
    """A capture at the deadline that came when bob had worked on; the deadline."""
    deadline = now()
    await asyncio.sleep(0.02)
    home = service.place / "homes/bob/work"
    (home / "a.txt").write_bytes(b"too late")
    await capture(service, number, Kind.DEADLINE, NAME, deadline)
    return deadline


def names_in(zipped: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(zipped)) as file:
        assert file.testzip() is None
        return sorted(name for name in file.namelist() if not name.endswith("/"))


class TestTakingOne:
    async def test_for_an_assignment(self, service: RunningService, number: int) -> None:
        body = {"name": "now", "assignment": number, "students": ["bob"]}
        batch = (await service.post(f"{COURSE}/snapshots", json=body)).json()
        assert (batch["assignment"], batch["kind"]) == (number, "manual")
        assert batch["instant"].endswith("Z")
        await ended(service, batch["id"])
        [listed] = (await service.get(f"{COURSE}/snapshots?assignment={number}")).json()
        assert (listed["student"], listed["name"]) == ("bob", batch["name"])
        assert (listed["assignment"], listed["kind"]) == (number, "manual")
        assert (listed["deadline"], listed["lateFiles"]) == (None, 0)
        rows = await service.services.store.read(
            lambda db: [
                (row.student, row.kind, row.batch_id, row.snapshot, row.assignment_id)
                for row in db.scalars(select(CaptureRow))
            ]
        )
        assert rows == [("bob", "manual", batch["id"], batch["name"], number)]

    async def test_for_none(self, service: RunningService, number: int) -> None:
        batch = (await service.post(f"{COURSE}/snapshots", json={"name": "now"})).json()
        assert (batch["assignment"], batch["kind"], batch["instant"]) == (None, None, None)
        await ended(service, batch["id"])
        listed = (await service.get(f"{COURSE}/snapshots")).json()
        assert {(each["assignment"], each["kind"]) for each in listed} == {(None, None)}
        assert (await service.get(f"{COURSE}/snapshots?assignment={number}")).json() == []
        rows = await service.services.store.read(lambda db: list(db.scalars(select(CaptureRow))))
        assert rows == []

    async def test_for_an_unknown_one(self, service: RunningService, number: int) -> None:
        elsewhere = await service.services.store.write(
            lambda db: assignments.create_assignment(
                db, service.course("chem").id, {"title": "Lab"}, utc_now()
            )
        )
        for unknown in (number + 100, elsewhere.id):
            body = {"name": "now", "assignment": unknown}
            answer = await service.post(f"{COURSE}/snapshots", json=body)
            assert_error(answer, 404, "assignment_not_found")
        for wrong in ("Homework 3", 0, -1, 2**31, 1.5, True):
            body = {"name": "now", "assignment": wrong}
            error = assert_error(await service.post(f"{COURSE}/snapshots", json=body), 400)
            assert error["details"]["field"] == "assignment"
        assert (await service.get(f"{COURSE}/batches")).json() == []


class TestAtADeadline:
    async def test_what_is_told_of_it(self, service: RunningService, number: int) -> None:
        deadline = await edited_late(service, number)
        listed = (await service.get(f"{COURSE}/snapshots?assignment={number}")).json()
        assert [(each["student"], each["lateFiles"]) for each in listed] == [
            ("alice", 0), ("bob", 1),
        ]  # fmt: skip
        told = deadline.isoformat().replace("+00:00", "Z")
        assert {(each["kind"], each["deadline"]) for each in listed} == {("deadline", told)}
        one = f"{COURSE}/students/bob/snapshots"
        assert (await service.get(f"{one}/{NAME}")).json()["lateFilePaths"] == ["work/a.txt"]
        assert (await service.get(f"{one}?assignment={number}&kind=deadline")).json() == listed[1:]
        assert (await service.get(f"{one}?kind=late")).json() == []
        assert_error(await service.get(f"{one}?kind=never"), 400)
        assert_error(await service.get(f"{one}?assignment=one"), 400)
        bob = {"Authorization": "token token-bob"}
        own = f"/api/v1/users/me/courses/phys/snapshots?assignment={number}"
        assert (await service.get(own, headers=bob)).json() == listed[1:]

    async def test_its_tree(self, service: RunningService, number: int) -> None:
        await edited_late(service, number)
        for student, late in (("alice", False), ("bob", True)):
            tree = f"{COURSE}/students/{student}/snapshots/{NAME}/tree"
            for path in ("", "work"):
                [entry] = (await service.get(f"{tree}?path={path}")).json()
                assert entry["changedAfterDeadline"] is late

    async def test_a_tree_without_a_manifest(self, service: RunningService) -> None:
        service.put_snapshot("alice", NAME, course="phys")
        [entry] = (await service.get(f"{COURSE}/students/alice/snapshots/{NAME}/tree")).json()
        assert entry["changedAfterDeadline"] is False
        one = (await service.get(f"{COURSE}/students/alice/snapshots/{NAME}")).json()
        assert (one["lateFilePaths"], one["lateFiles"], one["kind"]) == ([], 0, None)

    async def test_a_late_capture_that_was_not_needed(
        self, service: RunningService, number: int
    ) -> None:
        deadline = await edited_late(service, number)
        (service.place / "homes/alice/b.txt").write_bytes(b"new")
        later = deadline + timedelta(days=7)
        batch = await capture(service, number, Kind.LATE, LATE, later)
        found = (await service.get(f"{COURSE}/batches/{batch.id}")).json()
        assert (found["kind"], found["instant"][:19]) == ("late", later.isoformat()[:19])
        assert [(item["student"], item["outcome"]) for item in found["items"]] == [
            ("alice", "complete"), ("bob", "unchanged"),
        ]  # fmt: skip
        listed = (await service.get(f"{COURSE}/snapshots?kind=late")).json()
        assert [(each["student"], each["name"]) for each in listed] == [("alice", LATE)]


class TestZips:
    @pytest.fixture
    async def both(self, service: RunningService, number: int) -> int:
        """Both were captured at the deadline, alice later once more."""
        deadline = await edited_late(service, number)
        (service.place / "homes/alice/b.txt").write_bytes(b"new")
        await capture(service, number, Kind.LATE, LATE, deadline + timedelta(days=7))
        await capture(service, number, Kind.WARM_UP, WARM_UP)
        return number

    async def test_the_newest_of_each(self, service: RunningService, both: int) -> None:
        archive = f"{COURSE}/archive.zip?assignment={both}"
        answer = await service.get(archive)
        assert names_in(answer.content) == ["alice/work/a.txt", "bob/work/a.txt"]
        assert "homework-3.zip" in answer.headers["Content-Disposition"]
        late = await service.get(f"{archive}&late=true")
        assert names_in(late.content) == ["alice/b.txt", "alice/work/a.txt", "bob/work/a.txt"]
        of_alice = await service.get(f"{archive}&students=alice")
        assert names_in(of_alice.content) == ["alice/work/a.txt"]
        body = {"name": "again", "assignment": both, "students": ["alice"]}
        batch = (await service.post(f"{COURSE}/snapshots", json=body)).json()
        await ended(service, batch["id"])
        newest = await service.get(archive)
        assert names_in(newest.content) == names_in(late.content)

    async def test_for_nbgrader(self, service: RunningService, both: int) -> None:
        answer = await service.get(f"{COURSE}/archive.zip?assignment={both}&layout=nbgrader")
        assert names_in(answer.content) == [
            f"submitted/{student}/homework-3/{path}"
            for student in ("alice", "bob")
            for path in ("timestamp.txt", "work/a.txt")
        ]
        # Nobody is late for the time that a capture takes, only for a change after the deadline.
        for student, field in (("alice", "deadline"), ("bob", "endedAt")):
            one = (await service.get(f"{COURSE}/students/{student}/snapshots/{NAME}")).json()
            with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
                stamp = file.read(f"submitted/{student}/homework-3/timestamp.txt").decode()
            assert stamp == one[field][:19].replace("T", " ") + " UTC\n"

    async def test_a_name_or_an_assignment(self, service: RunningService, both: int) -> None:
        archive = f"{COURSE}/archive.zip"
        assert_error(await service.get(archive), 400, "missing_field")
        for query in (f"name={NAME}&assignment={both}", f"name={NAME}&late=true"):
            assert_error(await service.get(f"{archive}?{query}"), 400, "invalid_request")
        named = await service.get(f"{archive}?name={NAME}&layout=nbgrader&assignment=hw3")
        assert "submitted/bob/hw3/work/a.txt" in names_in(named.content)
        for unknown in (str(both + 100), "homework-3", "-1", "9" * 30, "٣"):
            answer = await service.get(f"{archive}?assignment={unknown}")
            assert_error(answer, 404, "assignment_not_found")

    async def test_before_anything_is_captured(self, service: RunningService, number: int) -> None:
        archive = f"{COURSE}/archive.zip?assignment={number}"
        assert_error(await service.get(archive), 404, "snapshot_not_found")
        await capture(service, number, Kind.WARM_UP, WARM_UP)
        assert_error(await service.get(f"{archive}&late=true"), 404, "snapshot_not_found")


class TestWarmUps:
    async def test_they_are_listed_only_when_asked_for(
        self, service: RunningService, number: int
    ) -> None:
        batch = await capture(service, number, Kind.WARM_UP, WARM_UP)
        student = f"{COURSE}/students/alice/snapshots"
        for path in (f"{COURSE}/snapshots", f"{COURSE}/snapshots?name={WARM_UP}", student):
            assert (await service.get(path)).json() == []
        assert len((await service.get(f"{COURSE}/snapshots?kind=warmup")).json()) == 2
        [one] = (await service.get(f"{student}?kind=warmup")).json()
        assert (one["name"], one["kind"], one["deadline"]) == (WARM_UP, "warmup", None)
        assert (await service.get(f"{COURSE}/batches")).json() == []
        [found] = (await service.get(f"{COURSE}/batches?kind=warmup")).json()
        assert (found["id"], found["kind"]) == (batch.id, "warmup")

    async def test_they_do_not_count(self, service: RunningService, number: int) -> None:
        await capture(service, number, Kind.DEADLINE, NAME, students=("alice",))
        await capture(service, number, Kind.WARM_UP, WARM_UP)
        overview = (await service.get(f"{COURSE}/overview/snapshots")).json()
        assert [(each["name"], each["taken"]) for each in overview["snapshots"]] == [(NAME, 1)]
        alice, bob = (await service.get(f"{COURSE}/overview/students")).json()
        assert (alice["snapshots"], alice["newest"]["name"]) == (1, NAME)
        assert (bob["snapshots"], bob["newest"]) == (0, None)

    async def test_the_older_routes_have_none(self, service: RunningService, number: int) -> None:
        await capture(service, number, Kind.WARM_UP, WARM_UP)
        listing = {"STUDENT_ID": "alice", "COURSE": "phys"}
        assert_error(await service.post("/get_snapshot_list", data=listing), 404)
        await capture(service, number, Kind.DEADLINE, NAME)
        assert (await service.post("/get_snapshot_list", data=listing)).json() == [NAME]
