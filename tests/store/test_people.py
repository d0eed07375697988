"""Courses, people, and who is what in which course."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.core.sources import API, CONFIG, CSV, HOMES, HUB
from jupyterhub_snapshots.store import Store, people


def set_members(
    store: Store, course: int, names: Iterable[str], role: Role = Role.STUDENT, source: str = HUB
) -> None:
    names = list(names)
    with store.writing() as db:
        people.set_members(db, course, names, role, source)
        if source != CONFIG:
            assert people.has_members(db, course, names, role, source)


def roster(store: Store, course: int) -> dict[str, tuple[str, bool]]:
    with store.reading() as db:
        return {
            member.username: (member.role.value, member.active)
            for member in people.members(db, course)
        }


@pytest.mark.threat("N4", "N5", "N6")
def test_who_leaves_is_kept_but_not_active(store: Store, course: int) -> None:
    set_members(store, course, ["alice", "bob"])
    set_members(store, course, ["bob", "dora"])
    assert roster(store, course) == {
        "alice": ("student", False),
        "bob": ("student", True),
        "dora": ("student", True),
    }
    with store.reading() as db:
        assert people.roles_of(db, "alice") == {}
        before = people.find_by_username(db, course, "alice")
    set_members(store, course, ["alice"])
    with store.reading() as db:
        after = people.find_by_username(db, course, "alice")
    assert before is not None
    assert after is not None
    assert (after.id, after.user_id) == (before.id, before.user_id)


def test_roles_change_both_ways(store: Store, course: int) -> None:
    for instructors, students in ((["ina"], ["bob"]), (["bob"], ["ina"])):
        set_members(store, course, instructors, Role.INSTRUCTOR)
        set_members(store, course, students)
        assert roster(store, course) == {
            instructors[0]: ("instructor", True),
            students[0]: ("student", True),
        }


@pytest.mark.parametrize("by_hand_first", [True, False])
def test_what_is_given_by_hand_stands(store: Store, course: int, by_hand_first: bool) -> None:
    steps = [
        lambda: set_members(store, course, ["ina"], Role.INSTRUCTOR, CONFIG),
        lambda: set_members(store, course, ["ina", "bob"]),
    ]
    for step in steps if by_hand_first else reversed(steps):
        step()
    assert roster(store, course) == {"ina": ("instructor", True), "bob": ("student", True)}
    with store.reading() as db:
        assert people.roles_of(db, "ina", HUB) == {course: Role.INSTRUCTOR}
        assert people.roles_of(db, "bob", HUB) == {}
    set_members(store, course, [])
    assert roster(store, course)["ina"] == ("instructor", True)
    set_members(store, course, [], Role.INSTRUCTOR, CONFIG)
    set_members(store, course, ["ina"])
    assert roster(store, course)["ina"] == ("student", True)


def test_another_source_takes_over(store: Store, course: int) -> None:
    """A course was moved from the hub's groups to a folder of homes."""
    set_members(store, course, ["alice", "bob"], source=HUB)
    with store.reading() as db:
        assert not people.has_members(db, course, ["alice", "bob"], Role.STUDENT, HOMES)
    set_members(store, course, ["bob"], source=HOMES)
    assert roster(store, course) == {"alice": ("student", False), "bob": ("student", True)}


@pytest.mark.parametrize("own", [CSV, API])
@pytest.mark.parametrize("below", [HUB, HOMES])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_sources_stand_above_each_other(
    store: Store, course: int, own: str, below: str, order: tuple[int, ...]
) -> None:
    """Whoever is told first: the configuration, then the instructors' roster, then the others."""
    steps = [
        lambda: set_members(store, course, ["a"], Role.INSTRUCTOR, CONFIG),
        lambda: set_members(store, course, ["a", "b"], Role.ASSISTANT, own),
        lambda: set_members(store, course, ["a", "b", "c"], Role.STUDENT, below),
    ]
    for step in order:
        steps[step]()
    wanted = {"a": ("instructor", True), "b": ("assistant", True), "c": ("student", True)}
    assert roster(store, course) == wanted
    with store.reading() as db:
        found = {each.username: each.source for each in people.members(db, course)}
    assert found == {"a": CONFIG, "b": own, "c": below}
    # As at a start, and as when the groups are read again.
    set_members(store, course, ["a"], Role.INSTRUCTOR, CONFIG)
    for role in Role:
        set_members(store, course, [], role, below)
    assert roster(store, course) == wanted | {"c": ("student", False)}
    set_members(store, course, [], Role.INSTRUCTOR, CONFIG)
    assert roster(store, course) == wanted | {"a": ("instructor", False), "c": ("student", False)}


def test_who_leaves_a_higher_source_is_the_lower_ones_again(store: Store, course: int) -> None:
    for higher in (CONFIG, API):
        set_members(store, course, ["a"], Role.ASSISTANT, higher)
        set_members(store, course, ["a"], Role.STUDENT, HUB)
        assert roster(store, course) == {"a": ("assistant", True)}
        set_members(store, course, [], Role.ASSISTANT, higher)
        assert roster(store, course) == {"a": ("assistant", False)}
        with store.reading() as db:
            assert not people.has_members(db, course, ["a"], Role.STUDENT, HUB)
        set_members(store, course, ["a"], Role.STUDENT, HUB)
        assert roster(store, course) == {"a": ("student", True)}


def test_putting_members_changes_nobody_else(store: Store, course: int) -> None:
    set_members(store, course, ["alice", "bob"])
    with store.writing() as db:
        put = people.put_members(db, course, {"bob": Role.ASSISTANT, "zoë": Role.STUDENT}, CSV)
        assert people.put_members(db, course, {}, CSV) == {}
    assert [(each.username, each.role, each.source) for each in put.values()] == [
        ("bob", Role.ASSISTANT, CSV),
        ("zoë", Role.STUDENT, CSV),
    ]
    set_members(store, course, ["alice", "bob"])
    before = {"alice": ("student", True), "bob": ("assistant", True), "zoë": ("student", True)}
    assert roster(store, course) == before
    with store.writing() as db:
        other = people.ensure_course(db, "chem", "Chemistry", None, "UTC")
        people.leave(db, other, put["bob"].id)
    assert roster(store, course) == before
    for _ in range(2):
        with store.writing() as db:
            people.leave(db, course, put["bob"].id)
            people.leave(db, course, 4711)
        assert roster(store, course) == before | {"bob": ("assistant", False)}
    with store.writing() as db:
        again = people.put_members(db, course, {"bob": Role.STUDENT}, API)["bob"]
    assert (again.id, again.active, again.role) == (put["bob"].id, True, Role.STUDENT)


def test_what_is_known_of_a_person_is_the_same_in_every_course(store: Store, course: int) -> None:
    with store.writing() as db:
        other = people.ensure_course(db, "chem", "Chemistry", None, "UTC")
        people.put_members(db, other, {"alice": Role.INSTRUCTOR}, API)
        people.set_personal(db, {"alice": {"first_name": "Alice", "university_id": "7"}, "bob": {}})
        people.put_members(db, course, {"alice": Role.STUDENT, "bob": Role.STUDENT}, API)
        people.set_personal(db, {"alice": {"university_id": None, "email": "a@example.edu"}})
    with store.reading() as db:
        for each in (course, other):
            alice = people.find_by_username(db, each, "alice")
            assert alice is not None
            assert (alice.first_name, alice.email, alice.university_id) == (
                "Alice",
                "a@example.edu",
                None,
            )
        assert people.personal_of(db, ["bob", "nobody"]) == {
            "bob": {"first_name": "", "last_name": "", "email": "", "university_id": None}
        }
        found = people.courses_of(db, ["alice", "bob", "nobody"])
    assert found == {"alice": {course, other}, "bob": {course}, "nobody": set()}


@pytest.mark.threat("A13")
def test_courses_are_apart(store: Store, course: int) -> None:
    with store.writing() as db:
        other = people.ensure_course(db, "chem", "Chemistry", None, "UTC")
    set_members(store, course, ["alice"])
    set_members(store, other, ["alice"], Role.INSTRUCTOR)
    set_members(store, other, [], Role.INSTRUCTOR)
    with store.reading() as db:
        assert people.roles_of(db, "alice") == {course: Role.STUDENT}
        member = people.find_by_username(db, course, "alice")
        assert member is not None
        assert people.find_member(db, course, member.id) == member
        assert people.find_member(db, other, member.id) is None


def test_a_course_is_updated_and_may_take_over_a_title(store: Store, course: int) -> None:
    """A course of this year has the title that last year's had."""
    with store.writing() as db:
        assert people.ensure_course(db, "phys", "Physics II", "more", "Europe/Berlin") == course
        next_year = people.ensure_course(db, "phys-27", "Physics II", None, "UTC")
    assert next_year != course


def test_canvas_ids(store: Store) -> None:
    with store.writing() as db:
        people.set_canvas_ids(db, {"31387714": "alice", "1": "bob"})
        assert people.username_of_canvas_id(db, "31387714") == "alice"
        assert people.username_of_canvas_id(db, "1") == "bob"
        assert people.username_of_canvas_id(db, "alice") is None
        assert people.username_of_canvas_id(db, "' OR ''='") is None


def test_canvas_ids_that_were_changed_or_removed(store: Store) -> None:
    for mapping in (
        {"1": "alice", "2": "bob", "3": "dora"},
        {"1": "bob", "2": "alice"},
        {"9": "alice", "1": "emil"},
        {},
    ):
        with store.writing() as db:
            people.set_canvas_ids(db, mapping)
        with store.reading() as db:
            for canvas_id in ("1", "2", "3", "9"):
                assert people.username_of_canvas_id(db, canvas_id) == mapping.get(canvas_id)


@pytest.mark.threat("B8", "N1")
@pytest.mark.parametrize(
    "odd", ["o'brien", "'); DROP TABLE users; --", "%", "a_b", "a b", "Zoë", "user@example.com"]
)
def test_odd_names_are_data(store: Store, course: int, odd: str) -> None:
    set_members(store, course, [odd, "bob"])
    assert set(roster(store, course)) == {odd, "bob"}
    with store.reading() as db:
        found = people.find_by_username(db, course, odd)
    assert found is not None
    assert found.username == odd


def test_a_class_of_two_thousand(store: Store, course: int) -> None:
    set_members(store, course, [f"student{number}" for number in range(2000)])
    assert len(roster(store, course)) == 2000
    roles = {f"student{number}": Role.ASSISTANT for number in range(1000, 3000)}
    with store.writing() as db:
        people.put_members(db, course, roles, CSV)
        assert len(people.personal_of(db, roles)) == len(people.courses_of(db, roles)) == 2000
    assert len(roster(store, course)) == 3000
