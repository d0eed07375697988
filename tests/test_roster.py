"""Who is in which course, whatever the hub, the disk and the configuration say."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from traitlets import TraitError

from jupyterhub_snapshots.beneath import identity
from jupyterhub_snapshots.core.records import Course, Member, Role
from jupyterhub_snapshots.core.sources import API, CONFIG, CSV, HOMES, HUB
from jupyterhub_snapshots.errors import (
    CourseNotFound,
    HubUnavailable,
    InvalidName,
    StorageUnavailable,
    StudentAmbiguous,
    StudentNotFound,
)
from jupyterhub_snapshots.hub import SILENT_SECONDS, HubClient
from jupyterhub_snapshots.roster import Roster
from jupyterhub_snapshots.store import Store, people
from jupyterhub_snapshots.volumes import LocalVolumes


class Hub:
    """A stand-in for the hub's API: groups, people, and ways to be broken."""

    def __init__(self) -> None:
        self.groups: dict[str, list[str]] = {}
        self.broken: Any = None
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        hub = self

        class Answer(web.RequestHandler):
            async def get(self, kind: str, name: str) -> None:
                hub.asked.append(f"{kind}/{name}")
                await hub.answers.wait()
                assert self.request.headers["Authorization"] == "token secret"
                if isinstance(hub.broken, int):
                    self.redirect(
                        self.request.uri or "/", status=hub.broken
                    ) if hub.broken < 400 else self.send_error(hub.broken)
                elif hub.broken is not None:
                    self.finish(hub.broken)
                elif kind == "groups" and name in hub.groups:
                    self.finish({"name": name, "users": hub.groups[name]})
                elif kind == "users" and name != "nobody":
                    groups = [group for group, users in hub.groups.items() if name in users]
                    self.finish({"name": name, "groups": groups})
                else:
                    self.send_error(404)

        self.server = HTTPServer(web.Application([("/hub/api/(groups|users)/(.*)", Answer)]))
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/hub/api"


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    logging.getLogger("tornado").setLevel(logging.CRITICAL)
    made = Hub()
    made.groups = {"formgrade-phys": ["ina"], "nbgrader-phys": ["alice", "bob"]}
    yield made
    made.server.stop()
    await made.server.close_all_connections()


@pytest.fixture
async def client(hub: Hub) -> AsyncIterator[HubClient]:
    made = HubClient(hub.url, "secret", 60, logging.getLogger("hub"))
    yield made
    await made.close()


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = Store(f"sqlite:///{tmp_path}/catalogue.sqlite")
    made.open()
    yield made
    made.close()


@pytest.fixture
def course(store: Store) -> Course:
    with store.writing() as db:
        number = people.ensure_course(db, "phys", "Physics 101", None, "UTC")
    return Course(number, "phys", "Physics 101", "UTC", "/srv/snapshots/phys")


def roster_of(store: Store, course: Course, hub: HubClient | None = None, **options: Any) -> Roster:
    return Roster(store=store, volumes=LocalVolumes(), courses=[course], hub=hub, **options)


@pytest.fixture
def roster(store: Store, course: Course, client: HubClient) -> Roster:
    return roster_of(store, course, client)


def names(members: list[Member]) -> list[str]:
    return [member.username for member in members]


async def test_courses_are_found_by_code_and_title(roster: Roster, course: Course) -> None:
    assert roster.find_course("phys") == roster.find_course("Physics 101") == course
    assert roster.course(course.id) == course
    for other in ("", "PHYS", "phys ", "Physics", "%"):
        assert roster.find_course(other) is None
    with pytest.raises(CourseNotFound):
        roster.course(course.id + 1)


# From the hub


async def test_the_hubs_groups(roster: Roster, course: Course, hub: Hub) -> None:
    assert names(await roster.students(course)) == ["alice", "bob"]
    assert await roster.roles("ina") == {course.id: Role.INSTRUCTOR}
    assert await roster.roles("bob") == {course.id: Role.STUDENT}
    assert await roster.roles("otto") == await roster.roles("nobody") == {}


async def test_other_names_of_groups(
    store: Store, course: Course, hub: Hub, client: HubClient
) -> None:
    hub.groups = {"staff/phys?x": ["ina"], "class of phys": ["alice"]}

    class Named(Roster):
        instructor_group = "staff/{course}?x"
        student_group = "class of {course}"

    roster = Named(store=store, volumes=LocalVolumes(), courses=[course], hub=client)
    assert names(await roster.students(course, fresh=True)) == ["alice"]
    assert await roster.roles("ina") == {course.id: Role.INSTRUCTOR}


@pytest.mark.threat("A14")
@pytest.mark.parametrize(
    "template", ["", "students", "{0}", "{course}{course}", "{course.id}", "{x}", "{course"]
)
def test_names_of_groups_that_are_refused(store: Store, course: Course, template: str) -> None:
    roster = roster_of(store, course)
    for name in ("instructor_group", "student_group", "assistant_group"):
        with pytest.raises(TraitError):
            setattr(roster, name, template)


@pytest.mark.threat("A13", "N6")
async def test_a_list_is_read_again_after_a_while_or_at_once(
    roster: Roster, course: Course, hub: Hub
) -> None:
    assert names(await roster.students(course)) == ["alice", "bob"]
    hub.groups["nbgrader-phys"] = ["bob", "dora"]
    asked = len(hub.asked)
    assert names(await roster.students(course)) == ["alice", "bob"]
    assert len(hub.asked) == asked
    assert names(await roster.students(course, fresh=True)) == ["bob", "dora"]
    roster.refresh_seconds = 0
    hub.groups["nbgrader-phys"] = ["alice"]
    assert names(await roster.students(course)) == ["alice"]


@pytest.mark.threat("N5", "A13")
async def test_a_group_that_is_removed_leaves_inactive_members(
    roster: Roster, course: Course, hub: Hub
) -> None:
    before = await roster.find_student(course, "alice")
    hub.groups.clear()
    assert await roster.students(course, fresh=True) == []
    after = await roster.find_student(course, "alice")
    assert after == replace(before, active=False)
    assert await roster.roles("alice", []) == {}


@pytest.mark.threat("J4")
async def test_a_class_does_not_leave_at_once(
    roster: Roster, course: Course, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is at the hub's groups must not cost a class its deadline."""
    class_of_four = ["ada", "bob", "cai", "dora"]
    hub.groups["nbgrader-phys"] = class_of_four
    assert names(await roster.students(course, fresh=True)) == class_of_four
    del hub.groups["nbgrader-phys"]
    assert names(await roster.students(course, fresh=True)) == class_of_four
    hub.groups["nbgrader-phys"] = ["ada"]
    assert names(await roster.students(course, fresh=True)) == ["ada"]
    hub.groups["nbgrader-phys"] = class_of_four
    await roster.students(course, fresh=True)
    hub.groups["nbgrader-phys"] = []
    await roster.students(course, fresh=True)
    monkeypatch.setattr("jupyterhub_snapshots.roster._EMPTY_SECONDS", -1)
    assert names(await roster.students(course, fresh=True)) == []


async def test_who_is_in_both_groups_is_an_instructor(
    roster: Roster, course: Course, hub: Hub
) -> None:
    hub.groups["nbgrader-phys"].append("ina")
    for _ in range(2):
        assert names(await roster.students(course, fresh=True)) == ["alice", "bob"]
        assert await roster.roles("ina") == {course.id: Role.INSTRUCTOR}
    hub.broken = 500
    assert await roster.roles("ina", None) == {course.id: Role.INSTRUCTOR}


async def test_the_group_of_assistants(roster: Roster, course: Course, hub: Hub) -> None:
    """Of several groups the one with most rights counts, in whatever order they are told."""
    hub.groups["assistant-phys"] = ["tara", "alice", "ina"]
    assert names(await roster.students(course)) == ["bob"]
    wanted = {"ina": Role.INSTRUCTOR, "tara": Role.ASSISTANT, "alice": Role.ASSISTANT}
    for name, role in wanted.items():
        assert await roster.roles(name) == {course.id: role}
        groups = [group for group, members in hub.groups.items() if name in members]
        assert await roster.roles(name, groups[::-1]) == {course.id: role}
    assert await roster.left(course) == set(wanted)
    hub.broken = 500
    assert await roster.roles("tara") == {course.id: Role.ASSISTANT}
    hub.broken = None
    hub.groups |= {"assistant-phys": ["bob", "ina"], "formgrade-phys": ["tara"]}
    assert names(await roster.students(course, fresh=True)) == ["alice"]
    found = {each.username: (each.role, each.source) for each in await roster.everybody(course)}
    assert found == {
        "alice": (Role.STUDENT, HUB),
        "bob": (Role.ASSISTANT, HUB),
        "ina": (Role.ASSISTANT, HUB),
        "tara": (Role.INSTRUCTOR, HUB),
    }


async def test_the_instructors_own_roster_stands_above_the_groups(
    store: Store, roster: Roster, course: Course, hub: Hub
) -> None:
    with store.writing() as db:
        people.put_members(db, course.id, {"zoe": Role.STUDENT, "bob": Role.ASSISTANT}, CSV)
        people.put_members(db, course.id, {"alice": Role.INSTRUCTOR}, API)
        people.set_members(db, course.id, ["alice"], Role.STUDENT, CONFIG)
    assert names(await roster.students(course, fresh=True)) == ["alice", "zoe"]
    assert await roster.roles("bob", ["nbgrader-phys"]) == {course.id: Role.ASSISTANT}
    assert await roster.roles("alice", ["formgrade-phys"]) == {course.id: Role.STUDENT}
    assert await roster.roles("zoe", []) == {course.id: Role.STUDENT}
    hub.groups.clear()
    assert names(await roster.students(course, fresh=True)) == ["alice", "zoe"]


async def test_who_holds_a_member(
    store: Store, course: Course, tmp_path: Path, hub: Hub, client: HubClient
) -> None:
    by_groups = roster_of(store, course, client)
    assert await by_groups.held_by(course, "ina") == HUB
    assert await by_groups.held_by(course, "alice") == HUB
    assert await by_groups.held_by(course, "otto") is None
    (tmp_path / "homes" / "alice").mkdir(parents=True)
    course = replace(course, homes=str(tmp_path / "homes"))
    by_homes = roster_of(store, course, client)
    assert await by_homes.held_by(course, "ina") == HUB
    assert await by_homes.held_by(course, "alice") == HOMES
    assert await by_homes.held_by(course, "bob") is None
    assert await roster_of(store, course).held_by(course, "ina") is None
    hub.broken = 500
    with pytest.raises(HubUnavailable):
        await by_groups.held_by(course, "otto")


async def test_members_of_the_configuration_stand(
    store: Store, roster: Roster, course: Course, hub: Hub
) -> None:
    await roster.students(course)
    with store.writing() as db:
        people.set_members(db, course.id, ["alice"], Role.INSTRUCTOR, CONFIG)
        people.set_members(db, course.id, ["otto"], Role.STUDENT, CONFIG)
    assert names(await roster.students(course, fresh=True)) == ["bob", "otto"]
    assert await roster.roles("otto") == {course.id: Role.STUDENT}
    hub.groups.clear()
    assert names(await roster.students(course, fresh=True)) == ["otto"]
    assert await roster.roles("alice", []) == {course.id: Role.INSTRUCTOR}


@pytest.mark.threat("J1", "J2", "J4")
@pytest.mark.parametrize(
    "broken",
    [
        500,
        503,
        302,
        "junk",
        "[]",
        "null",
        '{"users": null, "groups": 7}',
        '{"else": []}',
        b"\xff\xfe",
    ],
)
async def test_a_broken_hub_leaves_the_last_known_roster(
    roster: Roster, client: HubClient, course: Course, hub: Hub, broken: Any
) -> None:
    await roster.students(course)
    hub.broken = broken
    assert names(await roster.students(course, fresh=True)) == ["alice", "bob"]
    assert await roster.roles("bob") == {course.id: Role.STUDENT}
    assert await roster.roles("otto") == {}
    for ask in (client.members_of, client.groups_of):
        with pytest.raises(HubUnavailable):
            await ask("dora")
    hub.broken = None
    hub.groups["nbgrader-phys"] = ["dora"]
    assert names(await roster.students(course, fresh=True)) == ["dora"]


@pytest.mark.threat("J1", "J4")
async def test_a_hub_that_is_gone(roster: Roster, course: Course, hub: Hub) -> None:
    await roster.students(course)
    hub.server.stop()
    await hub.server.close_all_connections()
    assert names(await roster.students(course, fresh=True)) == ["alice", "bob"]


async def test_answers_about_a_person_are_used_again(client: HubClient, hub: Hub) -> None:
    await client.groups_of("alice")
    hub.broken = 500
    assert await client.groups_of("alice") == {"nbgrader-phys"}


@pytest.mark.threat("N2", "P10", "D10")
async def test_names_that_cannot_be_are_left_out_one_by_one(
    roster: Roster, course: Course, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    bad = ["..", "a/b", "", "x" * 300, "nul\0", "new\nline", "rtl\u202e", ".jupyterhub-snapshots"]
    good = [".ssh", "-rf", "Zoë", "a b", "o'brien", "user@example.com"]
    hub.groups["nbgrader-phys"] = [*bad, *good, "alice"]
    roster.log = logging.getLogger("roster")
    assert names(await roster.students(course)) == sorted([*good, "alice"])
    for name in bad:
        assert repr(name) in caplog.text
    assert "\n".join(bad) not in caplog.text


async def test_a_fresh_answer_about_a_person(client: HubClient, roster: Roster, hub: Hub) -> None:
    assert await roster.roles("ina") != {}
    hub.groups["formgrade-phys"] = []
    assert await roster.roles("ina") != {}
    assert await client.groups_of("ina") == {"formgrade-phys"}
    assert await roster.roles("ina", fresh=True) == {}
    assert await client.groups_of("ina") == frozenset()


@pytest.mark.threat("J1", "J4")
async def test_a_hub_that_hangs_holds_up_one_request_at_a_time(
    roster: Roster, client: HubClient, course: Course, hub: Hub
) -> None:
    await roster.students(course)
    client._client.timeout = httpx.Timeout(0.5)
    roster.refresh_seconds = 0
    hub.answers.clear()
    began = time.monotonic()
    found = await asyncio.gather(
        *(roster.students(course, fresh=number % 2 == 0) for number in range(20))
    )
    assert [names(each) for each in found] == [["alice", "bob"]] * 20
    assert time.monotonic() - began < 0.9
    asked = len(hub.asked)
    began = time.monotonic()
    for _ in range(20):
        assert names(await roster.students(course)) == ["alice", "bob"]
        assert await roster.roles("bob") == {course.id: Role.STUDENT}
    assert time.monotonic() - began < 0.4
    assert len(hub.asked) == asked
    # Later: one asks again, and the others don't wait for it.
    roster._failed[course.id] = time.monotonic() - SILENT_SECONDS
    asking = asyncio.create_task(roster.students(course))
    await asyncio.sleep(0.1)
    assert names(await roster.students(course)) == ["alice", "bob"]
    assert not asking.done()
    hub.groups["nbgrader-phys"] = ["dora"]
    hub.answers.set()
    assert names(await asking) == names(await roster.students(course)) == ["dora"]
    # A change asks whatever was remembered.
    assert await roster.roles("dora", fresh=True) == {course.id: Role.STUDENT}


async def test_who_has_left(store: Store, roster: Roster, course: Course, hub: Hub) -> None:
    assert await roster.left(course) == {"ina"}
    hub.groups["nbgrader-phys"] = ["bob"]
    assert await roster.left(course) == {"ina", "alice"}
    hub.broken = 500
    hub.groups["nbgrader-phys"] = ["alice"]
    assert await roster.left(course) == {"ina", "alice"}


# From a folder of homes


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    folder = tmp_path / "homes"
    for name in ("alice", "bob", "ina"):
        (folder / name).mkdir(parents=True)
    return folder


@pytest.mark.threat("N6", "N8", "N1")
async def test_a_folder_of_homes(store: Store, course: Course, homes: Path) -> None:
    course = replace(course, homes=str(homes))
    with store.writing() as db:
        people.set_members(db, course.id, ["ina"], Role.INSTRUCTOR, CONFIG)
    roster = roster_of(store, course)
    assert names(await roster.students(course)) == ["alice", "bob"]
    os.mkdir(os.fsencode(homes) + b"/bytes-\xff")
    for name in ("user@example.com", "lost+found", "new\nline"):
        (homes / name).mkdir()
    (homes / "alice").rmdir()
    assert names(await roster.students(course, fresh=True)) == [
        "bob",
        "lost+found",
        "user@example.com",
    ]


@pytest.mark.threat("F10", "J4", "S38")
async def test_homes_that_are_not_mounted(
    store: Store, course: Course, homes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    course = replace(course, homes=str(homes), mounted=(identity(str(homes)),))
    roster = roster_of(store, course)
    await roster.students(course)
    os.rename(homes, f"{homes}-away")
    for _ in ("missing", "empty, and another folder than before"):
        with pytest.raises(StorageUnavailable):
            await roster.students(course, fresh=True)
        os.makedirs(homes, exist_ok=True)
    # The same when the service is started without the disk.
    course = replace(course, mounted=(identity(str(homes)),))
    roster = roster_of(store, course)
    roster.log = logging.getLogger("roster")
    assert names(await roster.students(course)) == ["alice", "bob", "ina"]
    assert "mounted?" in caplog.text


async def test_instructors_who_have_a_home(
    store: Store, course: Course, homes: Path, hub: Hub, client: HubClient
) -> None:
    course = replace(course, homes=str(homes))
    roster = roster_of(store, course, client)
    assert names(await roster.students(course)) == ["alice", "bob"]
    assert await roster.roles("ina") == {course.id: Role.INSTRUCTOR}
    assert await roster.roles("bob", []) == {course.id: Role.STUDENT}
    hub.groups["assistant-phys"] = ["bob"]
    assert names(await roster.students(course, fresh=True)) == ["alice"]
    assert await roster.roles("bob", fresh=True) == {course.id: Role.ASSISTANT}
    del hub.groups["assistant-phys"]
    assert names(await roster.students(course, fresh=True)) == ["alice", "bob"]
    # Neither a hub that is down nor a command without one takes the course from her.
    hub.broken = 500
    assert names(await roster.students(course, fresh=True)) == ["alice", "bob"]
    assert names(await roster_of(store, course).students(course)) == ["alice", "bob"]
    assert await roster.roles("ina", fresh=True) == {course.id: Role.INSTRUCTOR}
    hub.broken = None
    hub.groups = {"formgrade-phys": ["bob"]}
    # The group tells before the list was read again.
    assert await roster.roles("bob", fresh=True) == {course.id: Role.INSTRUCTOR}
    assert names(await roster.students(course, fresh=True)) == ["alice", "ina"]
    assert await roster.roles("ina", fresh=True) == {course.id: Role.STUDENT}


async def test_homes_that_are_all_gone(store: Store, course: Course, homes: Path) -> None:
    course = replace(course, homes=str(homes), mounted=(identity(str(homes)),))
    roster = roster_of(store, course)
    await roster.students(course)
    for name in os.listdir(homes):
        os.rename(homes / name, homes.parent / f"gone-{name}")
    assert await roster.students(course, fresh=True) == []


async def test_a_course_without_students(store: Store, course: Course, tmp_path: Path) -> None:
    (tmp_path / "homes").mkdir()
    course = replace(course, homes=str(tmp_path / "homes"))
    assert await roster_of(store, course).students(course) == []


# From what a caller sent to a student


@pytest.mark.threat("P1", "P2", "P6", "P7", "P10", "P12")
async def test_resolving(store: Store, roster: Roster, course: Course) -> None:
    with store.writing() as db:
        people.set_canvas_ids(db, {"31387714": "alice"})
    assert await roster.resolve(course, "31387714") == "alice"
    for same in ("alice", "31387715", "Alice", "alice ", "\u0430lice", "*", "$(id)", "~", "-rf"):
        assert await roster.resolve(course, same) == same
    for bad in ("", ".", "..", "a/b", "/etc", "a\0", "\udcff", "a\n", "alice\u200d", "x" * 256):
        with pytest.raises(InvalidName):
            await roster.resolve(course, bad)


@pytest.mark.threat("P10", "B8")
async def test_finding_a_student(store: Store, roster: Roster, course: Course) -> None:
    with store.writing() as db:
        people.set_canvas_ids(db, {"u31387714": "alice"})
    alice = await roster.find_student(course, "alice")
    assert await roster.find_student(course, str(alice.id)) == alice
    assert await roster.find_student(course, "u31387714") == alice
    for other in ("Alice", "alic", "0", "999", "1" * 400, "²", "..", "\udcff", "' OR 1=1 --", ""):
        with pytest.raises(StudentNotFound):
            await roster.find_student(course, other)


@pytest.mark.threat("P10")
async def test_nobody_is_taken_for_another(store: Store, roster: Roster, course: Course) -> None:
    alice, bob = [await roster.find_student(course, name) for name in ("alice", "bob")]
    with store.writing() as db:
        people.set_canvas_ids(db, {str(alice.id): "bob"})
    with pytest.raises(StudentAmbiguous, match=f"alice .* id {bob.id} "):
        await roster.find_student(course, str(alice.id))
    assert await roster.find_student(course, str(bob.id)) == await roster.find_student(
        course, "bob"
    )
