"""Batches: started, followed, stopped, run again, and what they say of each student."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from courses import PS1, CourseOnDisk
from executors.contract import until
from jupyterhub_snapshots import batch_journal, live_batch
from jupyterhub_snapshots.batches import BatchManager, today
from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.core.records import Batch, BatchItem, Course, ItemState, Role
from jupyterhub_snapshots.core.sources import CONFIG
from jupyterhub_snapshots.engine import verify
from jupyterhub_snapshots.errors import (
    BatchNotFound,
    BatchRunning,
    Busy,
    InvalidName,
    InvalidSnapshotName,
)
from jupyterhub_snapshots.store import batches as table
from jupyterhub_snapshots.store import database, people
from processes import Installation, eventually

STUDENTS = ["alice", "bob", "carol", "dora"]


@pytest.fixture
def course(place: Path) -> Iterator[CourseOnDisk]:
    made = CourseOnDisk(place, *STUDENTS)
    yield made
    made.store.close()


@pytest.fixture
async def batches(course: CourseOnDisk) -> AsyncIterator[BatchManager]:
    async with course.batches() as manager:
        yield manager


async def start(
    batches: BatchManager, course: CourseOnDisk, *students: str, name: str = "ps1"
) -> Batch:
    return await batches.start(
        course.course, name, students or STUDENTS, include_hidden=False, requested_by="ina"
    )


def states(batch: Batch) -> dict[str, str]:
    return {item.student: item.state.value for item in batch.items}


def item_of(batch: Batch, student: str) -> BatchItem:
    return next(item for item in batch.items if item.student == student)


async def stored(course: CourseOnDisk, number: int) -> Batch:
    return await course.store.read(lambda db: table.get(db, number))


async def stored_as(course: CourseOnDisk, number: int, state: str) -> Batch:
    """The batch in the database, once it has that state."""
    for _ in range(1000):
        if (batch := await stored(course, number)).state == state:
            return batch
        await asyncio.sleep(0.01)
    raise AssertionError(f"the database does not say {state}")


async def abandoned(course: CourseOnDisk) -> Batch:
    """A batch that a process began and left when it was killed."""
    return await course.store.write(
        lambda db: table.create(
            db,
            course_id=course.course.id,
            name=PS1,
            requested_by="ina",
            include_hidden=False,
            students=STUDENTS,
        )
    )


async def test_a_class(course: CourseOnDisk, batches: BatchManager) -> None:
    batch = await start(batches, course)
    assert batch.name == f"ps1_{today(course.course)}"
    assert batch.state == "running"
    ended = await batches.wait(batch.id)
    assert ended.state == "done"
    for item in ended.items:
        assert (item.outcome, item.files, item.attempts) == ("complete", 1, 1)
        assert item.began_at is not None
        assert item.ended_at is not None
        assert batch.requested_at <= item.began_at <= item.ended_at
    assert course.visible() == {student: [batch.name] for student in STUDENTS}
    course.assert_sound()
    listed = await course.snapshots.list_snapshots(course.course)
    assert [snapshot.student for snapshot in listed] == STUDENTS
    assert {snapshot.created_by for snapshot in listed} == {"ina"}


async def test_the_database_learns_all_of_it(course: CourseOnDisk, batches: BatchManager) -> None:
    batch = await start(batches, course)
    ended = await batches.wait(batch.id)
    assert await stored_as(course, batch.id, "done") == ended
    assert await batches.recent(course.course.id) == [ended]
    assert await batches.get(batch.id, course.course.id) == ended
    assert await batches.wait(batch.id) == ended
    with pytest.raises(BatchNotFound):
        await batches.get(batch.id, course.course.id + 1)
    listed = await course.snapshots.list_snapshots(course.course)
    assert {snapshot.batch_id for snapshot in listed} == {batch.id}


@pytest.mark.parametrize("bad", ["", "!!!", "x" * 5000])
async def test_names_that_cannot_be(course: CourseOnDisk, batches: BatchManager, bad: str) -> None:
    with pytest.raises(InvalidSnapshotName):
        await start(batches, course, name=bad)
    for student in ("..", "a/b", "", "\0", ".jupyterhub-snapshots"):
        with pytest.raises(InvalidName):
            await start(batches, course, "alice", student)
    assert await batches.recent(course.course.id) == []


@pytest.mark.threat("N7", "S36", "S37", "S38", "S35")
async def test_one_bad_home_fails_alone(
    course: CourseOnDisk, caplog: pytest.LogCaptureFixture
) -> None:
    homes = course.place / "homes"
    (homes / "linked").symlink_to(homes / "bob")
    (homes / "file").write_text("no folder")
    course.home("large").sparse("large", 2_000_000)
    async with course.batches(max_snapshot_bytes=1_000_000) as batches:
        batch = await start(batches, course, "linked", "file", "missing", "large", *STUDENTS)
        ended = await batches.wait(batch.id)
    assert ended.state == "failed"
    codes = {item.student: item.error_code for item in ended.items}
    assert codes == {
        "linked": "home_not_found",
        "file": "home_not_found",
        "missing": "home_not_found",
        "large": "home_too_large",
        **dict.fromkeys(STUDENTS),
    }
    assert all(item.error for item in ended.items if item.error_code)
    assert course.visible() == {student: [batch.name] for student in STUDENTS}


@pytest.mark.threat("S38", "F10")
async def test_an_alarm_when_all_homes_are_empty(
    course: CourseOnDisk, batches: BatchManager, caplog: pytest.LogCaptureFixture
) -> None:
    for home in course.homes.values():
        (home / "work.txt").unlink()
    batches.log = logging.getLogger("batches")
    await batches.wait((await start(batches, course)).id)
    assert "All 4 homes" in caplog.text
    caplog.clear()
    course.homes["bob"].file("work.txt")
    await batches.wait((await start(batches, course, name="ps2")).id)
    assert "All" not in caplog.text


@pytest.mark.threat("F10")
async def test_snapshots_that_are_not_mounted(course: CourseOnDisk, batches: BatchManager) -> None:
    course.root.rename(course.place / "elsewhere")
    course.root.mkdir()
    ended = await batches.wait((await start(batches, course)).id)
    assert {item.error_code for item in ended.items} == {"storage_unavailable"}
    assert os.listdir(course.root) == []
    course.root.rmdir()
    ended = await batches.wait((await start(batches, course)).id)
    assert {item.error_code for item in ended.items} == {"storage_unavailable"}
    assert not course.root.exists()


@pytest.mark.threat("C1", "P18")
async def test_two_batches_of_one_name_at_once(course: CourseOnDisk, batches: BatchManager) -> None:
    made = [
        await start(batches, course, name=name)
        for name in ("Exam 1", "exam-1", "EXAM. 1", "exam 1")
    ]
    assert {batch.name for batch in made} == {f"exam-1_{today(course.course)}"}
    ended = [await batches.wait(batch.id) for batch in made]
    for student in STUDENTS:
        items = [item_of(batch, student) for batch in ended]
        assert sorted(item.state.value for item in items) == ["done", *["failed"] * 3]
        assert {item.error_code for item in items} == {None, "snapshot_exists"}
    assert course.visible() == {student: [made[0].name] for student in STUDENTS}
    course.assert_sound()


@pytest.mark.threat("C2")
async def test_eight_students_at_once(course: CourseOnDisk, batches: BatchManager) -> None:
    students = [f"s{number}" for number in range(8)]
    for student in students:
        course.home(student)
    made = await asyncio.gather(*(start(batches, course, student) for student in students))
    ended = await asyncio.gather(*(batches.wait(batch.id) for batch in made))
    assert [states(batch) for batch in ended] == [{student: "done"} for student in students]
    course.assert_sound()


async def test_a_student_named_twice_is_captured_once(
    course: CourseOnDisk, batches: BatchManager
) -> None:
    batch = await start(batches, course, "bob", "bob")
    assert states(await batches.wait(batch.id)) == {"bob": "done"}


async def test_nobody_to_capture(course: CourseOnDisk, batches: BatchManager) -> None:
    batch = await batches.start(course.course, "ps1", [], include_hidden=False, requested_by="ina")
    assert (await batches.wait(batch.id)).state == "done"


async def test_events_tell_every_end(course: CourseOnDisk, batches: BatchManager) -> None:
    with course.held("alice"):
        batch = await start(batches, course)
        events = batches.events(batch.id)
        first = await anext(events)
        assert [item.student for item in first] == STUDENTS
        await anext(events)
    seen = {item.student: item async for items in events for item in items}
    assert seen["alice"].state is ItemState.DONE
    ended = await batches.get(batch.id)
    assert [items async for items in batches.events(batch.id)] == [list(ended.items)]
    with pytest.raises(BatchNotFound):
        await anext(batches.events(batch.id + 1))


async def test_a_slow_reader_gets_the_newest(course: CourseOnDisk, batches: BatchManager) -> None:
    with course.held("alice"):
        batch = await start(batches, course)
        events = batches.events(batch.id)
        await anext(events)
    await batches.wait(batch.id)
    (last,) = [items async for items in events]
    assert {item.state for item in last} == {ItemState.DONE}


@pytest.mark.threat("D8")
async def test_cancel_keeps_what_is_done(course: CourseOnDisk) -> None:
    async with course.batches(places=1) as batches:
        with course.held("carol"):
            batch = await start(batches, course)
            await until(lambda: len(course.visible()) == 2, "two are done")
            await until(lambda: batches._live[batch.id].items["carol"].began_at, "carol is running")
            cancelled, again = await asyncio.gather(batches.cancel(batch), batches.cancel(batch))
        assert cancelled == again
        assert list(states(cancelled).values()) == ["done", "done", "cancelled", "cancelled"]
        assert cancelled.state == "cancelled"
        assert list(course.visible()) == ["alice", "bob"]
        course.assert_sound()
        assert await batches.cancel(batch) == cancelled
        ended = await batches.wait((await batches.retry(cancelled)).id)
        assert set(states(ended).values()) == {"done"}
        assert [item.attempts for item in ended.items] == [1, 1, 2, 1]
    course.assert_sound()


async def test_cancel_before_anything_began(course: CourseOnDisk, batches: BatchManager) -> None:
    batch = await start(batches, course)
    cancelled = await asyncio.wait_for(batches.cancel(batch), 10)
    assert set(states(cancelled).values()) == {"cancelled"}
    assert course.visible() == {}


@pytest.mark.threat("N7")
async def test_retry_runs_what_failed(course: CourseOnDisk, batches: BatchManager) -> None:
    hidden = course.place / "bob"
    course.homes["bob"].path.rename(hidden)
    with course.held("alice"):
        batch = await start(batches, course)
        with pytest.raises(BatchRunning):
            await batches.retry(batch)
    ended = await batches.wait(batch.id)
    assert states(ended)["bob"] == "failed"
    before = (course.root / "alice" / batch.name).stat().st_ino
    hidden.rename(course.homes["bob"].path)
    again = await batches.retry(ended)
    assert (again.state, item_of(again, "bob").error) == ("running", None)
    ended = await batches.wait(batch.id)
    assert states(ended) == dict.fromkeys(STUDENTS, "done")
    assert (item_of(ended, "bob").attempts, item_of(ended, "alice").attempts) == (2, 1)
    assert (course.root / "alice" / batch.name).stat().st_ino == before
    nothing_left = await batches.retry(ended)
    assert await batches.wait(nothing_left.id) == ended


@pytest.mark.threat("K4")
async def test_stopped_batches_are_resumed(course: CourseOnDisk) -> None:
    async with course.batches(places=1) as batches:
        with course.held("bob"):
            batch = await start(batches, course)
            await until(lambda: batches._live[batch.id].items["bob"].began_at, "alice is done")
            waiting = asyncio.create_task(batches.wait(batch.id))
            await asyncio.sleep(0)
            await batches.stop()
        assert states(await waiting) == {
            "alice": "done",
            "bob": "queued",
            "carol": "queued",
            "dora": "queued",
        }
        with pytest.raises(Busy):
            await start(batches, course, name="ps2")
    assert states(await stored(course, batch.id))["bob"] == "queued"
    async with course.batches() as batches:
        await batches.resume()
        assert set(states(await batches.wait(batch.id)).values()) == {"done"}
    assert states(await stored(course, batch.id)) == dict.fromkeys(STUDENTS, "done")
    course.assert_sound()


@pytest.mark.threat("K1", "C3")
async def test_resumed_by_two_at_once(course: CourseOnDisk) -> None:
    batch = await abandoned(course)
    async with course.batches() as one, course.batches() as other:
        await asyncio.gather(one.resume(), other.resume())
        assert len(one._live) + len(other._live) == 1
        for manager in (one, other):
            assert states(await manager.wait(batch.id)) == dict.fromkeys(STUDENTS, "done")
    assert course.visible() == {student: [PS1] for student in STUDENTS}
    assert {item.attempts for item in (await stored(course, batch.id)).items} == {1}
    course.assert_sound()


async def test_a_batch_of_another_process(
    course: CourseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_batch, "_POLL_SECONDS", 0.05)
    async with course.batches(places=1) as there, course.batches() as here:
        with course.held("carol"):
            batch = await start(there, course)
            events = here.events(batch.id)
            assert [item.student for item in await anext(events)] == STUDENTS
            seen = [item.student for item in await anext(events)]
            await here.resume()
            assert here._live == {}
            for refused in (here.cancel, here.retry):
                with pytest.raises(BatchRunning, match=f"process {os.getpid()} on "):
                    await refused(await here.get(batch.id))
            waiting = asyncio.create_task(here.wait(batch.id))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        seen += [item.student async for items in events for item in items]
        assert set(seen) == set(STUDENTS)
        assert states(await waiting) == dict.fromkeys(STUDENTS, "done")
        assert await here.cancel(await here.get(batch.id)) == await there.wait(batch.id)
        await until(lambda: not there._live, "it is forgotten")
        # Now it is nobody's, and whoever is asked may run it.
        assert (await here.wait((await here.retry(await waiting)).id)).state == "done"
    assert os.listdir(course.root / SERVICE_DIR / "batches") == []


async def test_cancelling_what_a_killed_process_left(
    course: CourseOnDisk, batches: BatchManager
) -> None:
    batch = await abandoned(course)
    assert [items async for items in batches.events(batch.id)] == [list(batch.items)]
    cancelled = await batches.cancel(batch)
    assert set(states(cancelled).values()) == {"cancelled"}
    assert await stored_as(course, batch.id, "cancelled") == cancelled
    assert course.visible() == {}


@pytest.mark.parametrize("how", ["resume", "retry"])
async def test_who_has_left_is_not_captured_again(
    course: CourseOnDisk, batches: BatchManager, how: str
) -> None:
    batch = await abandoned(course)
    with course.store.writing() as db:
        people.set_members(db, course.course.id, STUDENTS, Role.STUDENT, "homes")
        people.set_members(db, course.course.id, ["bob"], Role.INSTRUCTOR, CONFIG)
    (course.place / "homes" / "carol").rename(course.place / "carol")
    if how == "resume":
        await batches.resume()
    else:
        await batches.retry(await batches.cancel(batch))
    ended = await batches.wait(batch.id)
    assert {item.student: item.error_code for item in ended.items} == {
        "alice": None,
        "bob": "student_not_found",
        "carol": "student_not_found",
        "dora": None,
    }
    assert item_of(ended, "bob").error == "This is no student of the course any more."
    assert list(course.visible()) == ["alice", "dora"]


async def test_a_roster_that_cannot_be_read_stops_no_retry(
    course: CourseOnDisk, batches: BatchManager
) -> None:
    async def unreadable(course: Course) -> frozenset[str]:
        raise Busy("The database is locked.")

    batches._captures._left = unreadable
    batch = await abandoned(course)
    await batches.resume()
    assert states(await batches.wait(batch.id)) == dict.fromkeys(STUDENTS, "done")


async def test_resuming_a_course_that_is_gone(course: CourseOnDisk) -> None:
    batch = await abandoned(course)
    here = course.course
    course.course = replace(here, id=here.id + 1)
    async with course.batches() as batches:
        await batches.resume()
        ended = await batches.wait(batch.id)
    assert {item.error_code for item in ended.items} == {"course_not_found"}
    assert {item.error for item in ended.items} == {"The course is not configured any more."}
    assert (await stored(course, batch.id)).state == "failed"


@pytest.mark.threat("B1", "B6")
async def test_a_locked_database_loses_nothing(
    course: CourseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(batch_journal, "_RETRY_SECONDS", 0.1)
    async with course.batches() as batches:
        with course.held("alice"):
            batch = await start(batches, course)
            course.store._writer.acquire()
        ended = await asyncio.wait_for(batches.wait(batch.id), 20)
        assert set(states(ended).values()) == {"done"}
        with pytest.raises(Busy):
            await start(batches, course, name="ps2")
        await asyncio.sleep(0.3)
        assert (await stored(course, batch.id)).state == "running"
        assert (await batches.get(batch.id)).state == "done"
        assert (await batches.retry(batch)).id == batch.id
        course.store._writer.release()
        await stored_as(course, batch.id, "done")
        assert states(await batches.get(batch.id)) == dict.fromkeys(STUDENTS, "done")


@pytest.mark.threat("B1", "K4")
async def test_stop_does_not_wait_for_a_locked_database(
    course: CourseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.1)
    async with course.batches() as batches:
        batch = await start(batches, course)
        course.store._writer.acquire()
        await batches.wait(batch.id)
        await asyncio.wait_for(batches.stop(), 10)
        course.store._writer.release()
    async with course.batches() as batches:
        await batches.resume()
        assert (await batches.wait(batch.id)).state == "done"
    assert (await stored(course, batch.id)).state == "done"
    course.assert_sound()


async def test_nothing_is_kept_of_a_batch_that_ended(
    course: CourseOnDisk, batches: BatchManager
) -> None:
    await batches.wait((await start(batches, course)).id)
    await until(lambda: not batches._live, "it is forgotten")
    with course.store.reading() as db:
        assert (
            db.execute(text("SELECT count(*) FROM batch_items WHERE state = 'done'")).scalar() == 4
        )


@pytest.mark.threat("C3", "T8")
def test_two_services_on_one_store_and_one_database(place: Path) -> None:
    students = [f"s{number}" for number in range(8)]
    installation = Installation(place, *students)
    try:
        services = [installation.start(), installation.start()]
        answers: dict[int, int] = {}

        def snapshot_all(number: int) -> None:
            response = services[number].client.post("/snapshot_all", data={"SNAPSHOT_NAME": "hw"})
            answers[number] = response.status_code

        both = [threading.Thread(target=snapshot_all, args=(number,)) for number in (0, 1)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert set(answers.values()) <= {200, 207, 404}
        (name,) = {name for names in installation.snapshots().values() for name in names}
        installation.assert_sound(name)
        counted = "SELECT student, count(*) FROM snapshots GROUP BY student"
        each_once = [(student, 1) for student in students]
        eventually(lambda: installation.query(counted) == each_once, "all are in the catalogue")
        done = "SELECT student, count(*) FROM batch_items WHERE state = 'done' GROUP BY student"
        eventually(lambda: installation.query(done) == each_once, "each was taken by one of them")
        # A third starts while the second is at work, and leaves it to it.
        with installation.held("s0"):
            batch = services[1].capture("second")
            third = installation.start()
            assert "Going on with batch" not in third.text
            assert f"The batch runs in process {services[1].process.pid} on " in third.text
            refused = third.client.delete(
                f"/api/v1/instructors/me/courses/course/batches/{batch['id']}"
            )
            assert refused.status_code == 409
            assert str(services[1].process.pid) in refused.json()["message"]
        for service in (services[1], third):
            ended = service.wait_for(batch["id"])
            assert {item["state"] for item in ended["items"]} == {"done"}
        for student in students:
            assert list(verify(str(installation.root), student, batch["name"])) == []
    finally:
        installation.close()
