"""The scheduler with the real batches on a real database; `test_term` plays whole terms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_snapshots.clock import Clock
from jupyterhub_snapshots.core import sources
from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.errors import AlreadyTaken, Busy, SnapshotExists
from jupyterhub_snapshots.store import assignments, audit, captures, people
from term import World, instant

HOUR = 3600


@pytest.fixture
async def world(place: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr("jupyterhub_snapshots.batch_journal._SAVE_SECONDS", 0.0)
    made = World(place, ("phys",), lambda capture_id: False)
    enrol(made, "ada", "bob")
    yield made
    await made.close()


def enrol(world: World, *names: str) -> None:
    course = world.roster.courses[0]

    def work(db: Any) -> list[int]:
        people.put_members(db, course.id, dict.fromkeys(names, Role.STUDENT), sources.API)
        return [each.user_id for each in people.members(db, course.id) if each.username in names]

    for number in world.change(work):
        world.set_active(course, number, active=True)


def homework(world: World, title: str = "Homework 1", **dates: float) -> int:
    fields = {"title": title, **{name: instant(second) for name, second in dates.items()}}
    made = world.change(
        lambda db: assignments.create_assignment(
            db, world.roster.courses[0].id, fields, world.clock.now()
        )
    )
    return int(made.id)


def extend(world: World, number: int, name: str, until: float | None) -> None:
    course = world.roster.courses[0]

    def work(db: Any) -> None:
        student = people.find_by_username(db, course.id, name)
        assert student is not None
        assignments.grant_extension(
            db,
            course.id,
            assignment_id=number,
            user_id=student.user_id,
            until=instant(until) if until is not None else None,
            granted_by="ina",
            now=world.clock.now(),
        )

    world.change(work)


def taken(world: World) -> list[tuple[float, str, str]]:
    return [(each.second, each.student, each.snapshot) for each in world.executor.taken]


async def test_each_student_at_the_own_deadline(world: World) -> None:
    await world.start()
    number = homework(world, due=HOUR)
    extend(world, number, "bob", 2 * HOUR)
    await world.play(3 * HOUR)
    assert taken(world) == [
        (HOUR - 600, "ada", "homework-1-warm-up_2026-01-05"),
        (HOUR, "ada", "homework-1_2026-01-05"),
        (2 * HOUR - 600, "bob", "homework-1-warm-up_2026-01-05"),
        (2 * HOUR, "bob", "homework-1_2026-01-05"),
    ]
    assert [each.deadline for each in world.executor.taken if "warm" not in each.snapshot] == [
        "2026-01-05T01:00:00Z",
        "2026-01-05T02:00:00Z",
    ]


@pytest.mark.threat("T5")
async def test_what_was_missed_is_told_with_how_late_it_was(world: World) -> None:
    await world.start()
    homework(world, due=HOUR, visible_till=2 * HOUR)
    await world.stop()
    await world.play(5 * HOUR)
    await world.start()
    await world.play(5 * HOUR + 1)
    assert [each[2] for each in taken(world)] == [
        *["homework-1_2026-01-05"] * 2,
        *["homework-1-late_2026-01-05"] * 2,
    ]
    await world.audit.write()
    with world.store.reading() as db:
        lines = [event.target or "" for _, event in audit.of_course(db, 1)]
    assert any("deadline of 2026-01-05T01:00:00Z, 14400 s late, 2 students" in x for x in lines)


@pytest.mark.threat("T9")
async def test_a_change_takes_effect_at_once(world: World) -> None:
    await world.start()
    course = world.roster.courses[0]
    number = homework(world, due=HOUR)
    await world.play(HOUR / 2)

    def move(to: float) -> None:
        fields = {"due": instant(to)}
        world.change(lambda db: assignments.update_assignment(db, course.id, number, fields))

    move(HOUR / 2 - 60)  # into the past: taken now, marked late
    await world.play(HOUR / 2 + 1)
    move(2 * HOUR)  # to a later time: taken again, under another name
    await world.play(3 * HOUR)
    move(HOUR)  # to an earlier time: what was taken stands
    await world.play(4 * HOUR)
    names = [(second, name) for second, student, name in taken(world) if student == "ada"]
    assert names == [
        (HOUR / 2, "homework-1_2026-01-05"),
        (2 * HOUR - 600, "homework-1-warm-up_2026-01-05"),
        (2 * HOUR, "homework-1-2_2026-01-05"),
    ]


@pytest.mark.threat("T8")
async def test_two_instances_take_nothing_twice(
    place: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look at the same second, again and again."""
    other = World.__new__(World)
    other.__dict__.update(world.__dict__)
    await world.start()
    await world.scheduler.stop()
    await other.start()
    await other.scheduler.stop()
    enrol(world, *(f"student-{number}" for number in range(30)))
    for number in range(12):
        homework(world, f"Homework {number}", due=HOUR + number % 3)
    for second in (0.0, HOUR - 600, HOUR, HOUR + 1, HOUR + 2, HOUR + 3):
        world.clock.second = second
        await asyncio.gather(*(each.scheduler.step() for each in (world, other) * 3))
    while world.batches.busy or other.batches.busy:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    deadlines = [each for each in world.executor.taken if each.deadline is not None]
    assert len(deadlines) == 12 * 32
    assert len({(each.student, each.extra["assignment"]["id"]) for each in deadlines}) == 12 * 32
    await other.batches.stop()


async def test_dates_that_change_at_the_last_moment_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the plan and the capture an extension is granted."""
    await world.start()
    number = homework(world, due=HOUR)
    await world.play(HOUR)
    begin, refused = world.batches.begin, []

    async def extended_first(*args: Any, **options: Any) -> Any:
        if not refused:
            extend(world, number, "bob", 2 * HOUR)
        try:
            return await begin(*args, **options)
        except AlreadyTaken as error:
            refused.append(error)
            raise

    monkeypatch.setattr(world.batches, "begin", extended_first)
    await world.play(3 * HOUR)
    assert len(refused) == 1
    due = [(second, who) for second, who, name in taken(world) if name == "homework-1_2026-01-05"]
    assert due == [(HOUR, "ada"), (2 * HOUR, "bob")]


@pytest.mark.threat("J4")
async def test_a_hub_that_hangs_holds_up_no_deadline(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def hang(course: Any, *, fresh: bool = False) -> None:
        asked.append(course)
        await asyncio.Event().wait()

    monkeypatch.setattr(world.roster, "refresh", hang)
    await world.start()
    homework(world, due=HOUR)
    await world.play(2 * HOUR)
    assert asked
    assert (HOUR, "ada", "homework-1_2026-01-05") in taken(world)


@pytest.mark.threat("T7")
async def test_many_deadlines_in_one_second(world: World) -> None:
    await world.start()
    enrol(world, *(f"student-{number}" for number in range(98)))
    for number in range(10):
        homework(world, f"Homework {number}", due=HOUR)
    await world.play(2 * HOUR)
    deadlines = [each for each in world.executor.taken if each.deadline is not None]
    assert len(deadlines) == 1000
    assert {each.second for each in deadlines} == {HOUR}


async def test_warm_ups_are_forgotten_when_they_have_served(world: World) -> None:
    from sqlalchemy import func, select

    from jupyterhub_snapshots.store.assignment_tables import CaptureRow

    await world.start()
    homework(world, due=HOUR)
    counts = []
    for second in (HOUR - 1, HOUR + 1):
        await world.play(second)
        with world.store.reading() as db:
            query = select(func.count()).where(CaptureRow.kind == "warmup")
            counts.append(db.scalar(query))
    assert counts == [2, 0]


async def test_nothing_is_taken_while_it_is_switched_off(world: World) -> None:
    await world.start()
    world.scheduler.enabled = False
    homework(world, due=HOUR)
    await world.play(2 * HOUR)
    assert taken(world) == []


@pytest.mark.threat("T10")
async def test_dates_at_the_ends_of_time_stop_nothing(world: World) -> None:
    await world.start()
    last = datetime.fromisoformat("9999-12-31T23:59:59+00:00")
    homework(world, "Last", due=(last - instant(0)).total_seconds())
    homework(world, "First", due=-4_000_000_000.0)
    homework(world, due=HOUR)
    await world.play(2 * HOUR)
    assert {each[2] for each in taken(world) if each[0] == HOUR} == {"homework-1_2026-01-05"}
    assert not any("first" in each[2] for each in taken(world))


async def test_it_ends_when_it_was_just_woken(world: World) -> None:
    """A wait that ends in the moment of its cancellation must not go on for ever."""
    world.clock.wait = Clock().wait  # type: ignore[method-assign]
    for _ in range(20):
        await world.start()
        await asyncio.sleep(0.01)
        world.scheduler.wake()
        await asyncio.sleep(0)
        await asyncio.wait_for(world.scheduler.stop(), 5)
        await world.batches.stop()
    world.up = False


@pytest.mark.threat("N7")
@pytest.mark.parametrize("fault", ["raises", "hangs"])
async def test_one_course_does_not_stop_another(
    place: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("jupyterhub_snapshots.batch_journal._SAVE_SECONDS", 0.0)
    monkeypatch.setattr("jupyterhub_snapshots.scheduler._PATIENCE_SECONDS", 0.2)
    world = World(place, ("bad", "phys"), lambda capture_id: False)
    world.roster.courses = world.roster.courses[::-1]
    enrol(world, "ada")
    await world.start()
    make_plan = world.scheduler._make_plan

    async def broken(course: Any, *rest: Any) -> Any:
        if course.code == "bad":
            if fault == "raises":
                raise ValueError("a row that can't be")
            await asyncio.Event().wait()
        return await make_plan(course, *rest)

    monkeypatch.setattr(world.scheduler, "_make_plan", broken)
    homework(world, due=HOUR)
    await world.play(2 * HOUR)
    assert (HOUR, "ada", "homework-1_2026-01-05") in taken(world)
    await world.close()


async def test_a_fault_when_it_is_tried_again_is_no_end(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is locked just then; the capture is taken all the same."""
    monkeypatch.setattr("jupyterhub_snapshots.batch_journal._SAVE_SECONDS", 0.0)
    tried: set[str] = set()

    def fails_once(capture_id: str) -> bool:
        first = capture_id not in tried
        tried.add(capture_id)
        return first

    world = World(place, ("phys",), fails_once)
    enrol(world, "ada")
    await world.start()
    retry, refused = world.batches.retry, []

    async def busy_once(*args: Any) -> Any:
        if not refused:
            refused.append(args)
            raise Busy("The database is locked.")
        return await retry(*args)

    monkeypatch.setattr(world.batches, "retry", busy_once)
    homework(world, due=HOUR)
    await world.play(2 * HOUR)
    assert refused
    deadlines = [each for each in world.executor.taken if each.deadline is not None]
    assert [(each.second, each.student) for each in deadlines] == [(HOUR + 60, "ada")]
    await world.close()


async def test_names_that_are_always_taken_are_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def taken_always(job: Any, queue: str, started: Any = lambda: None) -> Any:
        started()
        asked.append(job.snapshot)
        raise SnapshotExists("There is something of that name.")

    asked: list[str] = []
    await world.start()
    monkeypatch.setattr(world.executor, "submit", taken_always)
    number = homework(world, due=HOUR)
    extend(world, number, "bob", None)
    await world.play(2 * HOUR)
    tries = [name for name in asked if "warm-up" not in name]
    assert 1 < len(tries) == len(set(tries)) <= 5


@pytest.mark.threat("N6")
async def test_an_assistant_who_becomes_a_student_owes_nothing_of_the_past(world: World) -> None:
    course = world.roster.courses[0]
    world.change(
        lambda db: people.put_members(db, course.id, {"tara": Role.ASSISTANT}, sources.API)
    )
    await world.start()
    homework(world, due=HOUR)
    await world.play(2 * HOUR)
    with world.store.writing() as db:
        before = people.find_by_username(db, course.id, "tara")
        people.put_members(db, course.id, {"tara": Role.STUDENT}, sources.API)
        since = {each.username: each.since for each in captures.enrolled(db, course.id)}
    assert before is not None
    assert since["tara"] > instant(2 * HOUR)  # by the machine's own clock, which is later
    await world.play(3 * HOUR)
    assert not any(each.student == "tara" for each in world.executor.taken)
