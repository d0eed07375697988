"""What a preview says moves is what moves when the change is saved."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from traitlets.config import Config

from collecting import LONG_AGO
from jupyterhub_snapshots.core.assignments import Availability
from jupyterhub_snapshots.store import assignments
from jupyterhub_snapshots.store.assignment_tables import AccommodationRow, AssignmentRow
from jupyterhub_snapshots.store.database import utc_now
from jupyterhub_snapshots.store.tables import MemberRow
from service import SITE_KEY, RunningService, assert_error, running

COURSE = "/api/v1/instructors/me/courses/STAT100a"
STUDENTS = ("ada", "bob", "cai")
FIELDS = ("due", "closes", "ends", "fires", "excused")

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def started(
    place: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[RunningService, Run]]:
    """A service of one course that runs on from one example to the next."""
    for student in STUDENTS:
        (place / "homes" / student).mkdir(parents=True)
    (place / "snapshots").mkdir(mode=0o700)
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    monkeypatch.delenv("JNOTE_INTSNAP", raising=False)
    for name, value in {
        "JUPYTER_API_KEY": SITE_KEY,
        "JUPYTER_API_HOST": "127.0.0.1",
        "JNOTE_HOME": str(place / "homes"),
        "JNOTE_SNAP": str(place / "snapshots"),
        "JNOTE_COURSE_CODE": "STAT100a",
    }.items():
        monkeypatch.setenv(name, value)
    config = Config()
    config.DeadlineScheduler.enabled = False  # what is due stays so
    loop = asyncio.new_event_loop()
    stack = contextlib.AsyncExitStack()
    try:
        service = loop.run_until_complete(
            stack.enter_async_context(running(place, empty_database, config))
        )
        service.headers = {"X-Api-Key": SITE_KEY}
        yield service, loop.run_until_complete
    finally:
        loop.run_until_complete(stack.aclose())
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _end_tasks() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


hours = st.one_of(st.none(), st.integers(-400, 400))
students = st.sampled_from(STUDENTS)
#: Of the two assignments, in turn: due, closing, minutes of the own time.
dates = st.tuples(hours, hours, st.sampled_from([None, 30]))
opened = st.sets(st.tuples(st.sampled_from([0, 1]), students), max_size=3)
extensions = st.lists(
    st.tuples(st.just("extension"), st.sampled_from([0, 1]), students, hours), max_size=3
)
accommodations = st.tuples(
    st.just("accommodation"),
    students,
    st.fixed_dictionaries(
        {},
        optional={
            "dateExtraHours": st.integers(0, 50),
            "timeFactor": st.sampled_from(["1", "1.5", "2"]),
            "timeExtraMinutes": st.integers(0, 30),
        },
    ),
)
patches = st.tuples(
    st.just("assignment"),
    st.sampled_from([0, 1]),
    st.fixed_dictionaries(
        {"duedate": hours},
        optional={
            "visibleTill": hours,
            "gradeRelease": hours,
            "title": st.just("Renamed"),
            "availability": st.sampled_from(
                [None, {"tag": "ViaPasswordExpiring", "contents": ["secret", 45]}]
            ),
        },
    ),
)
changes = st.one_of(extensions.filter(bool).map(lambda found: found[0]), accommodations, patches)


def instant(base: datetime, number: int | None) -> datetime | None:
    return base + timedelta(hours=number) if number is not None else None


def text(base: datetime, number: int | None) -> str | None:
    when = instant(base, number)
    return when.isoformat().replace("+00:00", "Z") if when is not None else None


async def begin(
    service: RunningService, base: datetime, work: list[Any], tokens: set[Any], given: list[Any]
) -> list[int]:
    """The course as the example has it; the ids of its assignments."""
    course = service.services.roster.courses[0]
    members = {each.username: each for each in await service.services.roster.students(course)}

    def make(db: Any) -> list[int]:
        db.query(AssignmentRow).delete()
        db.query(AccommodationRow).delete()
        db.execute(update(MemberRow).values(created_at=LONG_AGO))
        made = []
        for number, (due, till, minutes) in enumerate(work):
            fields = {
                "title": f"Homework {number}",
                "due": instant(base, due),
                "visible_till": instant(base, till),
                "availability": Availability(False, minutes, "x") if minutes else None,
            }
            made.append(assignments.create_assignment(db, course.id, fields, LONG_AGO).id)
        for number, student in tokens:
            user = members[student].user_id
            assignments.open_assignment(db, course.id, made[number], user, base)
        return made

    numbers: list[int] = await service.services.store.write(make)
    for each in given:
        await save(service, base, numbers, each)
    return numbers


def body_of(base: datetime, numbers: list[int], change: Any) -> dict[str, Any]:
    """What is sent for a preview."""
    kind, *rest = change
    if kind == "extension":
        number, student, until = rest
        body = {"onAssignment": numbers[number], "student": student, "until": text(base, until)}
    elif kind == "accommodation":
        body = {"student": rest[0], **rest[1]}
    else:
        body = {"id": numbers[rest[0]]} | {
            name: text(base, value) if name in ("duedate", "visibleTill", "gradeRelease") else value
            for name, value in rest[1].items()
        }
    return {kind: body}


async def save(service: RunningService, base: datetime, numbers: list[int], change: Any) -> None:
    [(kind, body)] = body_of(base, numbers, change).items()
    if kind == "assignment":
        answer = await service.fetch("PATCH", f"{COURSE}/assignments/{body.pop('id')}", json=body)
    else:
        path = f"{COURSE}/students/{body.pop('student')}"
        if kind == "extension":
            answer = await service.post(f"{path}/extensions", json=body)
        else:
            answer = await service.fetch("PATCH", f"{path}/accommodations", json=body)
    assert answer.status_code == 200, answer.text


def moments(deadline: dict[str, Any]) -> list[Any]:
    return [deadline[name] for name in FIELDS]


async def deadlines(service: RunningService) -> dict[tuple[int, str], dict[str, Any]]:
    answer = await service.get(f"{COURSE}/deadlines")
    return {(each["assignment"], each["student"]): each for each in answer.json()}


def past(deadline: dict[str, Any], now: datetime) -> set[tuple[str, str]]:
    """The captures whose time has come, as kind and instant; nothing takes them here."""
    told = text(now, 0) or ""
    return {(each["kind"], each["at"]) for each in deadline["captures"] if each["at"] <= told}


async def check(
    service: RunningService, work: list[Any], tokens: set[Any], given: list[Any], change: Any
) -> None:
    base = utc_now().replace(microsecond=0)
    numbers = await begin(service, base, work, tokens, given)
    before = await deadlines(service)
    answer = await service.post(f"{COURSE}/deadlines/preview", json=body_of(base, numbers, change))
    assert answer.status_code == 200, answer.text
    unmoved = await deadlines(service)
    assert {key: moments(each) for key, each in unmoved.items()} == {
        key: moments(each) for key, each in before.items()
    }
    await save(service, base, numbers, change)
    after = await deadlines(service)
    assert set(after) == set(before)
    moves = {(each["assignment"], each["student"]): each for each in answer.json()["moves"]}
    assert set(moves) == {key for key in before if moments(before[key]) != moments(after[key])}
    for key, move in moves.items():
        for when, known in (("before", before), ("after", after)):
            assert move[when] == {name: known[key][name] for name in ("due", "closes", "ends")}
        assert move["text"]
        at_once = past(after[key], base) - past(before[key], base)
        assert (move["effect"] == "captured_now") == bool(at_once)


def test_what_is_said_is_what_happens(started: tuple[RunningService, Run]) -> None:
    service, run = started

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(dates, min_size=2, max_size=2), opened, extensions, changes)
    def examples(work: list[Any], tokens: set[Any], granted: list[Any], change: Any) -> None:
        run(check(service, work, tokens, granted, change))

    examples()


async def test_an_extension_for_several_is_one_question(service: RunningService) -> None:
    course = "/api/v1/instructors/me/courses/phys"
    document = (
        await service.post("/api/v1/instructors/me/documents", json={"filename": "a.txt"})
    ).json()
    body = {"document": document, "title": "Homework", "duedate": "2031-01-01"}
    number = (await service.post(f"{course}/assignments", json=body)).json()
    alice, bob = (await service.get(f"{course}/students")).json()
    wanted = {"onAssignment": number, "until": "2031-01-03"}

    async def ask(**who: object) -> httpx.Response:
        return await service.post(f"{course}/deadlines/preview", json={"extension": wanted | who})

    both = (await ask(students=[alice["id"], "bob"])).json()["moves"]
    assert [(move["student"], move["effect"]) for move in both] == [
        ("alice", "moves"),
        ("bob", "moves"),
    ]
    assert (await ask(student=bob["id"])).json()["moves"] == both[1:]
    assert (await ask(students=[])).json()["moves"] == []
    assert_error(await ask(), 400, "invalid_request")
    assert_error(await ask(student="bob", students=["bob"]), 400, "invalid_request")
    assert_error(await ask(students=["nobody"]), 404, "student_not_found")
