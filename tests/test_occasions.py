"""Batches that are taken for an assignment: begun whole, gone on with, kept only if needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from courses import CourseOnDisk
from executors.contract import until
from jupyterhub_snapshots.batches import BatchManager
from jupyterhub_snapshots.core.captures import Kind, Occasion
from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.core.records import Batch, ItemState
from jupyterhub_snapshots.engine import sidecar
from jupyterhub_snapshots.errors import AlreadyTaken, Busy, InvalidSnapshotName
from jupyterhub_snapshots.snapshots import SnapshotCatalog
from jupyterhub_snapshots.store import assignments, catalog
from jupyterhub_snapshots.store import batches as table
from jupyterhub_snapshots.store.database import utc_now
from jupyterhub_snapshots.store.tables import BatchRow

STUDENTS = ["alice", "bob", "carol"]
NAME, LATE = "homework-3_2026-12-01", "homework-3-late_2026-12-08"


@pytest.fixture
def course(place: Path) -> Iterator[CourseOnDisk]:
    made = CourseOnDisk(place, *STUDENTS)
    yield made
    made.store.close()


@pytest.fixture
async def batches(course: CourseOnDisk) -> AsyncIterator[BatchManager]:
    async with course.batches() as manager:
        yield manager


@pytest.fixture
def assignment(course: CourseOnDisk) -> int:
    with course.store.writing() as db:
        made = assignments.create_assignment(
            db, course.course.id, {"title": "Homework 3"}, utc_now()
        )
        return made.id


def now() -> datetime:
    """A moment that is not in the last second of a minute."""
    while time.time() % 60 > 58:
        time.sleep(0.1)
    return utc_now()


async def begin(
    batches: BatchManager,
    course: CourseOnDisk,
    occasion: Occasion | None,
    name: str = NAME,
    **more: object,
) -> Batch:
    return await batches.begin(
        course.course,
        name,
        STUDENTS,
        include_hidden=False,
        requested_by="scheduler",
        occasion=occasion,
        **more,
    )


async def taken(
    batches: BatchManager, course: CourseOnDisk, occasion: Occasion | None, name: str = NAME
) -> Batch:
    """A batch that has ended, and the database knows it."""
    batch = await begin(batches, course, occasion, name)
    await until(lambda: not batches._live, "the database knows it")
    return await batches.get(batch.id)


async def abandoned(course: CourseOnDisk, occasion: Occasion, name: str = NAME) -> Batch:
    """A batch that a process began and left when it was killed."""
    return await course.store.write(
        lambda db: table.create(
            db,
            course_id=course.course.id,
            name=name,
            requested_by="scheduler",
            include_hidden=False,
            students=STUDENTS,
            occasion=occasion,
        )
    )


def outcomes(batch: Batch) -> dict[str, str | None]:
    return {item.student: item.outcome for item in batch.items}


async def rows(course: CourseOnDisk) -> list[str]:
    """Names of all batches in the database."""
    return await course.store.read(lambda db: list(db.scalars(select(BatchRow.name))))


class TestBegin:
    async def test_the_record_is_made_with_the_batch(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int
    ) -> None:
        occasion = Occasion(assignment, "Homework 3", Kind.DEADLINE, now())
        recorded: list[tuple[Batch, list[str]]] = []

        def record(db: Session, batch: Batch) -> None:
            recorded.append((batch, list(db.scalars(select(BatchRow.name)))))

        batch = await begin(batches, course, occasion, record=record)
        assert recorded == [(batch, [NAME])]
        assert (batch.name, batch.occasion, batch.state) == (NAME, occasion, "running")
        assert outcomes(await batches.wait(batch.id)) == dict.fromkeys(STUDENTS, "complete")

    async def test_what_the_record_raises_leaves_nothing(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int
    ) -> None:
        def refuse(db: Session, batch: Batch) -> None:
            db.flush()
            raise AlreadyTaken("somebody else was quicker")

        occasion = Occasion(assignment, "Homework 3", Kind.DEADLINE, now())
        with pytest.raises(AlreadyTaken):
            await begin(batches, course, occasion, record=refuse)
        assert await rows(course) == []
        assert list((course.root / SERVICE_DIR / "batches").iterdir()) == []
        assert course.visible() == {}
        assert (await taken(batches, course, occasion)).state == "done"

    @pytest.mark.parametrize("name", ["", "..", "a/b", "a.b_2026-12-01", ".hidden_2026-12-01"])
    async def test_names_that_cannot_be(
        self, course: CourseOnDisk, batches: BatchManager, name: str
    ) -> None:
        with pytest.raises(InvalidSnapshotName):
            await begin(batches, course, None, name)
        assert await rows(course) == []

    async def test_nothing_begins_when_the_service_stops(self, course: CourseOnDisk) -> None:
        async with course.batches() as batches:
            pass
        with pytest.raises(Busy):
            await begin(batches, course, None)
        await batches.take_over()
        assert await rows(course) == []


class TestDeadlines:
    async def test_what_is_known_of_the_snapshots(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int
    ) -> None:
        deadline = now()
        await asyncio.sleep(0.02)
        course.homes["bob"].file("after/wards.txt", b"too late")
        await taken(batches, course, Occasion(assignment, "Homework 3", Kind.DEADLINE, deadline))
        found = await course.snapshots.list_snapshots(course.course, assignment=assignment)
        assert [(each.student, each.late_count) for each in found] == [
            ("alice", 0), ("bob", 1), ("carol", 0),
        ]  # fmt: skip
        assert {(each.assignment_id, each.kind, each.deadline) for each in found} == {
            (assignment, "deadline", deadline)
        }
        assert found[1].late_files == ("after/wards.txt",)
        everything = await course.snapshots.list_snapshots(course.course)
        assert [each.late_files for each in everything] == [(), (), ()]
        of_bob = await course.snapshots.get(course.course, "bob", NAME)
        assert of_bob == found[1]
        other = await course.snapshots.list_snapshots(course.course, assignment=assignment + 1)
        assert other == []
        header = course.snapshots.header(course.course, "bob", NAME)
        assert header is not None
        assert header.extra == {
            "course": "phys",
            "by": "scheduler",
            "assignment": {"id": assignment, "title": "Homework 3"},
            "kind": "deadline",
        }

    async def test_the_catalogue_is_made_anew_from_the_disk(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int
    ) -> None:
        deadline = now()
        await asyncio.sleep(0.02)
        course.homes["bob"].file("late.txt")
        await taken(batches, course, Occasion(assignment, "Homework 3", Kind.EXAM, deadline))
        known = await course.snapshots.list_snapshots(course.course, assignment=assignment)
        keys = [(each.student, each.name) for each in known]
        await course.store.write(lambda db: catalog.forget(db, course.course.id, keys))
        again = await SnapshotCatalog(course.store).list_snapshots(
            course.course, assignment=assignment
        )
        assert [each.batch_id for each in again] == [None] * 3
        for fresh, old in zip(again, known, strict=True):
            for field in ("assignment_id", "kind", "deadline", "late_count", "late_files"):
                assert getattr(fresh, field) == getattr(old, field)

    @pytest.mark.parametrize("kind", [Kind.WARM_UP, Kind.MANUAL])
    async def test_nothing_is_late_for_a_capture_without_a_deadline(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int, kind: Kind
    ) -> None:
        long_ago = datetime(2020, 1, 1, tzinfo=timezone.utc)
        await taken(batches, course, Occasion(assignment, "Homework 3", kind, long_ago))
        for each in await course.snapshots.list_snapshots(course.course):
            assert (each.kind, each.deadline, each.late_count) == (kind.value, None, 0)

    async def test_the_tree_says_what_changed(
        self,
        course: CourseOnDisk,
        batches: BatchManager,
        assignment: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        home = course.homes["alice"]
        for path in ("a/b/early.txt", "a/late.txt", "a.txt", "z/early.txt"):
            home.file(path)
        home.link("z/link", "early.txt")
        deadline = now()
        await asyncio.sleep(0.02)
        for path in ("a/late.txt", "a.txt", "a/b/c/late.txt"):
            home.file(path, b"edited")
        await taken(batches, course, Occasion(assignment, "Homework 3", Kind.DEADLINE, deadline))

        def late(path: str) -> list[str]:
            found = course.snapshots.folder(course.course, "alice", NAME, path)
            return sorted(each.name for each in found if each.changed_after_deadline)

        def check() -> None:
            assert late("") == ["a", "a.txt"]
            assert late("a") == ["b", "late.txt"]
            assert late("a/b") == ["c"]
            assert late("a/b/c") == ["late.txt"]
            assert late("z") == []

        check()
        # Of more late files than the header names, the manifest's entries are asked.
        real = course.snapshots.header(course.course, "alice", NAME)
        assert real is not None
        monkeypatch.setattr(sidecar, "read_header", lambda *_: replace(real, late_files=()))
        check()


class TestLateCaptures:
    @pytest.fixture
    async def captured(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int
    ) -> Occasion:
        """The deadline has passed; bob goes on working."""
        deadline = now()
        await taken(batches, course, Occasion(assignment, "Homework 3", Kind.DEADLINE, deadline))
        course.homes["bob"].file("work.txt", b"better")
        return Occasion(assignment, "Homework 3", Kind.LATE, deadline + timedelta(days=7))

    async def test_only_what_changed_is_kept(
        self, course: CourseOnDisk, batches: BatchManager, captured: Occasion
    ) -> None:
        ended = await taken(batches, course, captured, LATE)
        assert ended.state == "done"
        assert outcomes(ended) == {"alice": "unchanged", "bob": "complete", "carol": "unchanged"}
        assert course.visible() == {"alice": [NAME], "bob": [LATE, NAME], "carol": [NAME]}
        found = await course.snapshots.list_snapshots(course.course, name=LATE)
        assert [(each.student, each.batch_id) for each in found] == [("bob", ended.id)]
        assert {item.copied_bytes for item in ended.items if item.outcome == "unchanged"} == {0}
        assert await batches.wait((await batches.retry(ended)).id) == ended
        course.assert_sound()

    async def test_it_is_so_after_a_restart(
        self, course: CourseOnDisk, batches: BatchManager, captured: Occasion
    ) -> None:
        await batches.stop()
        batch = await abandoned(course, captured, LATE)
        async with course.batches() as next_one:
            await next_one.resume()
            ended = await next_one.wait(batch.id)
        assert outcomes(ended) == {"alice": "unchanged", "bob": "complete", "carol": "unchanged"}
        assert ended.occasion == captured
        course.assert_sound()

    async def test_a_deadline_is_captured_though_nothing_changed(
        self, course: CourseOnDisk, batches: BatchManager, captured: Occasion
    ) -> None:
        again = Occasion(captured.assignment_id, "Homework 3", Kind.DEADLINE, captured.at)
        ended = await taken(batches, course, again, "homework-3_2026-12-08")
        assert outcomes(ended) == dict.fromkeys(STUDENTS, "complete")

    async def test_who_has_nothing_of_the_deadline_is_captured(
        self, course: CourseOnDisk, batches: BatchManager, captured: Occasion
    ) -> None:
        home = str(course.homes["alice"].path)
        await course.snapshots.delete(course.course, "alice", NAME, home)
        ended = await taken(batches, course, captured, LATE)
        assert outcomes(ended) == {"alice": "complete", "bob": "complete", "carol": "unchanged"}
        course.assert_sound()


class TestTakingOver:
    async def test_what_nobody_runs_is_gone_on_with(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int
    ) -> None:
        occasion = Occasion(assignment, "Homework 3", Kind.DEADLINE, now())
        batch = await abandoned(course, occasion)
        await asyncio.gather(batches.take_over(), batches.take_over())
        assert (await batches.wait(batch.id)).state == "done"
        await until(lambda: not batches._live, "the database knows it")
        ended = await batches.get(batch.id)
        assert {item.attempts for item in ended.items} == {1}
        assert ended.occasion == occasion
        await batches.take_over()
        assert batches._live == {}
        course.assert_sound()

    async def test_what_somebody_runs_is_left_alone(
        self, course: CourseOnDisk, assignment: int
    ) -> None:
        async with course.batches() as there, course.batches() as here:
            with course.held(*STUDENTS):
                batch = await begin(there, course, None)
                for manager in (here, there, here):
                    await manager.take_over()
                assert here._live == {}
                assert len(there._live[batch.id].tasks) == len(STUDENTS)
            ended = await there.wait(batch.id)
        assert {item.attempts for item in ended.items} == {1}

    async def test_it_goes_over_when_a_process_stops(self, course: CourseOnDisk) -> None:
        async with course.batches() as here:
            async with course.batches() as there:
                with course.held("bob"):
                    batch = await begin(there, course, None)
                    await here.take_over()
                    assert here._live == {}
                    await there.stop()
            await here.take_over()
            assert (await here.wait(batch.id)).state == "done"
        course.assert_sound()

    async def test_it_waits_for_its_storage(
        self, course: CourseOnDisk, batches: BatchManager, assignment: int
    ) -> None:
        occasion = Occasion(assignment, "Homework 3", Kind.DEADLINE, now())
        batch = await abandoned(course, occasion)
        course.root.rename(course.place / "elsewhere")
        await batches.take_over()
        assert {item.state for item in (await batches.get(batch.id)).items} == {ItemState.QUEUED}
        (course.place / "elsewhere").rename(course.root)
        await batches.take_over()
        assert (await batches.wait(batch.id)).state == "done"


class TestEnded:
    async def test_it_is_told_once_the_database_knows(
        self, course: CourseOnDisk, batches: BatchManager
    ) -> None:
        told: list[tuple[Batch, Batch]] = []

        def tell(batch: Batch) -> None:
            with course.store.reading() as db:
                told.append((batch, table.get(db, batch.id)))

        batches.ended.append(tell)
        batch = await begin(batches, course, None)
        await until(lambda: told, "it is told")
        ended, stored = told[0]
        assert ended == stored
        assert (ended.id, ended.state) == (batch.id, "done")
        await batches.retry(ended)
        await until(lambda: len(told) > 1, "it is told again")
        assert [each.id for each, _ in told] == [batch.id] * 2

    async def test_stopping_is_no_end(self, course: CourseOnDisk) -> None:
        told: list[Batch] = []
        async with course.batches(places=1) as batches:
            batches.ended.append(told.append)
            with course.held("alice"):
                await begin(batches, course, None)
                await batches.stop()
        assert told == []
