"""Which captures follow from deadlines, which of them are left, and when they are due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_snapshots.core.assignments import (
    Accommodation,
    Assignment,
    DateInputs,
    Extension,
)
from jupyterhub_snapshots.core.captures import (
    Enrolled,
    Kind,
    Plan,
    Wanted,
    capture_name,
    cutoff,
    due,
    next_instant,
    pending,
    plan,
    wanted,
)
from jupyterhub_snapshots.core.deadlines import resolve

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
LONG_AGO = NOON - timedelta(days=300)
WARM_UP = timedelta(minutes=10)
BERLIN = ZoneInfo("Europe/Berlin")
ADA, BOB, CAI = (
    Enrolled(number, name, LONG_AGO) for number, name in enumerate(("ada", "bob", "cai"), 1)
)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def homework(hours: float = 0, till: float | None = None, number: int = 1) -> Assignment:
    closing = at(till) if till is not None else None
    return Assignment(
        number, 1, f"Homework {number}", LONG_AGO, due=at(hours), visible_till=closing
    )


def inputs(*work: Assignment, **given_dates: dict[object, object]) -> DateInputs:
    return DateInputs(assignments={each.id: each for each in work}, **given_dates)  # type: ignore[arg-type]


def names(found: Plan) -> dict[tuple[int, str, datetime], list[str]]:
    return {
        (number, each.kind.value, each.at): [student.username for student in students]
        for (number, each), students in found.items()
    }


def test_a_last_second_is_covered_whole() -> None:
    night = datetime(2026, 3, 1, 23, 59, 59, tzinfo=timezone.utc)
    assert cutoff(night) == night + timedelta(seconds=1)
    assert cutoff(NOON) == NOON
    assert Wanted(night, Kind.DEADLINE).fires == night + timedelta(seconds=1)


def test_a_warm_up_comes_before() -> None:
    found = wanted(resolve(homework(till=5)), WARM_UP)
    assert [(each.kind, each.at) for each in found] == [
        (Kind.WARM_UP, NOON - WARM_UP),
        (Kind.DEADLINE, NOON),
        (Kind.LATE, at(5)),
    ]


@pytest.mark.threat("T9")
@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ({}, ["warmup", "deadline", "late"]),
        ({Kind.WARM_UP: NOON - WARM_UP}, ["deadline", "late"]),
        ({Kind.DEADLINE: NOON}, ["late"]),
        ({Kind.DEADLINE: NOON, Kind.LATE: at(5)}, []),
        # Moved to a later time after it fired: once more.
        ({Kind.DEADLINE: at(-1), Kind.WARM_UP: at(-1) - WARM_UP}, ["warmup", "deadline", "late"]),
        # Moved to an earlier time after it fired: what was taken stands.
        ({Kind.DEADLINE: at(1)}, ["late"]),
    ],
)
def test_what_is_left(taken: dict[Kind, datetime], left: list[str]) -> None:
    found = pending(wanted(resolve(homework(till=5)), WARM_UP), taken, LONG_AGO)
    assert [each.kind.value for each in found] == left


def test_what_lay_before_anybody_knew_of_it_is_not_taken() -> None:
    follow = wanted(resolve(homework(till=5)), WARM_UP)
    assert pending(follow, {}, at(-0.1)) == list(follow)[1:]
    assert [each.kind for each in pending(follow, {}, NOON)] == [Kind.LATE]
    assert pending(follow, {}, at(6)) == []


def test_students_of_whom_the_same_holds_are_together() -> None:
    given_dates = inputs(
        homework(),
        homework(24, number=2),
        extensions={(1, BOB.user_id): Extension(1, 1, BOB.user_id, at(3))},
        accommodations={CAI.user_id: Accommodation(1, CAI.user_id, date_extra_hours=3)},
    )
    assert names(plan(given_dates, [ADA, BOB, CAI], {}, timedelta())) == {
        (1, "deadline", NOON): ["ada"],
        (1, "deadline", at(3)): ["bob", "cai"],
        (2, "deadline", at(24)): ["ada", "bob"],
        (2, "deadline", at(27)): ["cai"],
    }


@pytest.mark.threat("N6")
def test_one_who_came_later_has_what_is_due_later() -> None:
    late = Enrolled(9, "zoe", at(1))
    found = plan(inputs(homework(), homework(24, number=2)), [ADA, late], {}, timedelta())
    assert names(found) == {(1, "deadline", NOON): ["ada"], (2, "deadline", at(24)): ["ada", "zoe"]}


@pytest.mark.threat("T5", "T6")
def test_what_was_missed_comes_in_its_order_and_the_deadline_first() -> None:
    found = plan(inputs(homework(2, till=4), homework(number=2)), [ADA], {}, WARM_UP)
    assert due(found, at(-1)) == []
    assert [(n, each.kind, each.at) for n, each, _ in due(found, at(9))] == [
        (2, Kind.DEADLINE, NOON),
        (1, Kind.DEADLINE, at(2)),
    ]
    taken = {(1, ADA.user_id): {Kind.DEADLINE: at(2)}, (2, ADA.user_id): {Kind.DEADLINE: NOON}}
    found = plan(inputs(homework(2, till=4), homework(number=2)), [ADA], taken, WARM_UP)
    assert [(n, each.kind) for n, each, _ in due(found, at(9))] == [(1, Kind.LATE)]


def test_when_to_look_again() -> None:
    found = plan(inputs(homework(2, till=4)), [ADA], {}, WARM_UP)
    assert next_instant(found, NOON) == at(2) - WARM_UP
    assert next_instant(found, at(3)) == at(4)
    assert next_instant(found, at(4)) is None
    assert next_instant({}, NOON) is None


@pytest.mark.threat("T4")
@pytest.mark.parametrize(
    ("title", "kind", "number", "expected"),
    [
        ("Homework 3", Kind.DEADLINE, 1, "homework-3_2026-03-02"),
        ("Homework 3", Kind.EXAM, 2, "homework-3-2_2026-03-02"),
        ("Homework 3", Kind.LATE, 1, "homework-3-late_2026-03-02"),
        ("Homework 3", Kind.WARM_UP, 3, "homework-3-warm-up-3_2026-03-02"),
        ("Übung Größe", Kind.DEADLINE, 1, "ubung-groe_2026-03-02"),
        ("作业", Kind.DEADLINE, 1, "assignment_2026-03-02"),
        ("x" * 255, Kind.LATE, 12, "x" * 180 + "-late-12_2026-03-02"),
    ],
)
def test_names(title: str, kind: Kind, number: int, expected: str) -> None:
    assert capture_name(title, kind, NOON, BERLIN, number) == expected


@pytest.mark.threat("T10")
def test_the_day_in_a_name_is_the_courses() -> None:
    night = datetime(2026, 3, 1, 23, 30, tzinfo=timezone.utc)
    assert capture_name("a", Kind.DEADLINE, night, BERLIN) == "a_2026-03-02"
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
    assert capture_name("a", Kind.DEADLINE, last, BERLIN) == "a_9999-12-31"


_hours = st.integers(-200, 200)


@settings(deadline=None, max_examples=100)
@given(_hours, st.dictionaries(st.integers(1, 8), _hours, max_size=8), st.integers(1, 8), _hours)
def test_an_extension_moves_nobody_else(
    hours: int, granted: dict[int, int], whom: int, until: int
) -> None:
    students = [Enrolled(number, f"s{number}", LONG_AGO) for number in range(1, 9)]

    def planned(more: dict[int, int]) -> dict[str, list[tuple[str, datetime]]]:
        extensions = {
            (1, user): Extension(user, 1, user, at(each))
            for user, each in {**granted, **more}.items()
        }
        theirs: dict[str, list[tuple[str, datetime]]] = {}
        found = plan(inputs(homework(hours), extensions=extensions), students, {}, WARM_UP)  # type: ignore[arg-type]
        for (_, each), group in found.items():
            for student in group:
                theirs.setdefault(student.username, []).append((each.kind.value, each.at))
        return theirs

    before, after = planned({}), planned({whom: until})
    assert ("deadline", at(until)) in after.pop(f"s{whom}")
    before.pop(f"s{whom}")
    assert before == after
