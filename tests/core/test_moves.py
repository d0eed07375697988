"""Who gets another deadline by a change, and what is captured because of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_snapshots.core.assignments import (
    AccessToken,
    Accommodation,
    Assignment,
    Availability,
    DateInputs,
    Extension,
)
from jupyterhub_snapshots.core.captures import Enrolled, Kind, due, plan
from jupyterhub_snapshots.core.moves import Effect, Move, find_moves, move_text

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
LONG_AGO = NOON - timedelta(days=300)
BERLIN = ZoneInfo("Europe/Berlin")
ADA, BOB = (Enrolled(number, name, LONG_AGO) for number, name in enumerate(("ada", "bob"), 1))


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


HOMEWORK = Assignment(1, 1, "Homework", LONG_AGO, due=at(10))
EXAM = Assignment(
    2, 1, "Exam", LONG_AGO, visible_till=at(9), availability=Availability(False, 60, "x")
)


def moves(
    before: Assignment,
    taken: Mapping[Kind, datetime] | None = None,
    *,
    student: Enrolled = ADA,
    given: Mapping[str, Any] | None = None,
    then: Mapping[str, Any] | None = None,
    **fields: Any,
) -> list[Move]:
    """Of one student, at noon, when these fields of the assignment, or inputs, change."""
    inputs = DateInputs({before.id: before}, **(given or {}))
    changed = replace(before, **fields)
    after = replace(inputs, assignments={before.id: changed}, **(then or {}))
    known = {(before.id, student.user_id): taken or {}}
    return find_moves(inputs, after, [student], known, NOON)


def extension(until: datetime | None) -> dict[str, Any]:
    return {"extensions": {(1, ADA.user_id): Extension(7, 1, ADA.user_id, until)}}


FIRED = {Kind.DEADLINE: at(-2)}
PAST = replace(HOMEWORK, due=at(-2))


@pytest.mark.parametrize(
    ("before", "taken", "fields", "effect"),
    [
        # Not fired yet
        (HOMEWORK, {}, {"due": at(20)}, "moves"),
        (HOMEWORK, {}, {"due": at(1)}, "moves"),
        (HOMEWORK, {}, {"due": None}, "moves"),
        (HOMEWORK, {}, {"visible_till": at(20)}, "moves"),
        (replace(HOMEWORK, due=None), {}, {"due": at(20)}, "moves"),
        (HOMEWORK, {}, {"due": NOON}, "captured_now"),
        (HOMEWORK, {}, {"due": at(-5)}, "captured_now"),
        (HOMEWORK, {}, {"due": LONG_AGO}, "none"),
        (replace(HOMEWORK, visible_till=at(20)), {}, {"visible_till": None}, "moves"),
        # Fired before
        (PAST, FIRED, {"due": at(20)}, "captured_again"),
        (PAST, FIRED, {"due": at(-1)}, "captured_now"),
        (PAST, FIRED, {"due": at(-3)}, "none"),
        (PAST, FIRED, {"due": None}, "none"),
        # Late work
        (PAST, FIRED, {"visible_till": at(20)}, "moves"),
        (replace(PAST, visible_till=at(5)), FIRED, {"visible_till": at(6)}, "moves"),
        (replace(PAST, visible_till=at(5)), FIRED, {"visible_till": None}, "none"),
        (
            replace(PAST, visible_till=at(-1)),
            FIRED | {Kind.LATE: at(-1)},
            {"visible_till": at(6)},
            "captured_again",
        ),
        (
            replace(PAST, visible_till=at(-0.5)),
            FIRED | {Kind.LATE: at(-0.5)},
            {"visible_till": at(-1)},
            "none",
        ),
        # What a person captured is no capture of the deadline
        (HOMEWORK, {Kind.MANUAL: at(-1)}, {"due": at(20)}, "moves"),
        # A time of the own, and none any more
        (HOMEWORK, {}, {"availability": EXAM.availability}, "moves"),
        (PAST, FIRED, {"availability": EXAM.availability}, "none"),
        (EXAM, {}, {"visible_till": at(20)}, "moves"),
        (replace(EXAM, due=at(5)), {}, {"availability": None}, "moves"),
        (
            replace(EXAM, due=at(5)),
            {Kind.EXAM: at(-1)},
            {"availability": None},
            "captured_again",
        ),
    ],
)
def test_effects(
    before: Assignment, taken: dict[Kind, datetime], fields: dict[str, Any], effect: str
) -> None:
    [move] = moves(before, taken, **fields)
    assert move.effect.value == effect
    assert (move.assignment_id, move.student) == (before.id, ADA)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"title": "Another", "description": "x", "point_value": 5},
        {"grade_release": at(1)},
        {"visible_from": at(1)},
        {"due": HOMEWORK.due},
        {"visible_till": at(3)},  # before it is due
        {"availability": Availability(True, None, "x")},
    ],
)
def test_what_moves_nobody(fields: dict[str, Any]) -> None:
    assert moves(HOMEWORK, **fields) == []


def test_only_who_has_the_date_moves() -> None:
    """The due date is another's matter where there is an extension."""
    given = extension(at(30))
    assert moves(HOMEWORK, given=given, due=at(20)) == []
    assert len(moves(HOMEWORK, given=given, student=BOB, due=at(20))) == 1
    [move] = moves(HOMEWORK, then=given)
    assert (move.before.due, move.after.due) == (at(10), at(30))
    assert moves(HOMEWORK, then=given, student=BOB) == []


def test_excused() -> None:
    [move] = moves(HOMEWORK, then=extension(None))
    assert (move.effect, move.after.due) == (Effect.MOVES, None)
    assert move_text(move, BERLIN) == "The student is excused. Nothing is captured by itself."
    [move] = moves(PAST, FIRED, then=extension(None))
    assert move.effect is Effect.NONE
    assert "What was captured stays" in move_text(move, BERLIN)
    undated = replace(HOMEWORK, due=None)
    [move] = moves(undated, given=extension(None), then={"extensions": {}})
    assert move_text(move, BERLIN) == "The student is not excused any more."


def test_an_own_time_is_longer() -> None:
    given = {"tokens": {(2, ADA.user_id): AccessToken(1, 2, ADA.user_id, at(-0.5))}}
    more = {"accommodations": {ADA.user_id: Accommodation(1, ADA.user_id, time_extra_minutes=30)}}
    [move] = moves(EXAM, given=given, then=more)
    assert (move.before.ends, move.after.ends, move.effect) == (at(0.5), at(1), Effect.MOVES)
    assert move_text(move, BERLIN) == (
        "The student's own time ends on Mon 2 March 2026, 14:00 CET instead of "
        "Mon 2 March 2026, 13:30 CET."
    )


@pytest.mark.parametrize(
    ("before", "taken", "fields", "text"),
    [
        (HOMEWORK, {}, {"due": at(20)}, "Due on Tue 3 March 2026, 09:00 CET instead of "),
        (HOMEWORK, {}, {"due": None}, "There is no due date any more; it was Mon 2 March"),
        (HOMEWORK, {}, {"due": at(-1)}, "That is past: it is captured at once, and marked late."),
        (PAST, FIRED, {"due": at(1)}, "captured once more then."),
        (PAST, FIRED, {"due": at(-3)}, "What was captured stays, and nothing else is."),
        (HOMEWORK, {}, {"due": LONG_AGO}, "Nothing is captured: that is before the assignment"),
        (HOMEWORK, {}, {"visible_till": at(20)}, "Late work is taken until Tue 3 March"),
        (replace(EXAM, due=at(5)), {}, {"availability": None}, "no time of the own any more"),
        (HOMEWORK, {}, {"availability": EXAM.availability}, "begins with opening the assignment."),
    ],
)
def test_texts(
    before: Assignment, taken: dict[Kind, datetime], fields: dict[str, Any], text: str
) -> None:
    [move] = moves(before, taken, **fields)
    assert text in move_text(move, BERLIN)


_hours = st.one_of(st.none(), st.integers(-48, 48).map(at))
_assignments = st.builds(
    Assignment,
    st.just(1),
    st.just(1),
    st.just("Homework"),
    st.sampled_from([LONG_AGO, at(-24)]),
    due=_hours,
    visible_till=_hours,
    availability=st.sampled_from([None, Availability(False, 90, "x")]),
)
_given = st.fixed_dictionaries(
    {
        "extensions": st.one_of(
            st.just({}), _hours.map(lambda until: {(1, 1): Extension(1, 1, 1, until)})
        ),
        "accommodations": st.one_of(
            st.just({}),
            st.integers(0, 30).map(lambda n: {1: Accommodation(1, 1, date_extra_hours=n)}),
        ),
        "tokens": st.one_of(
            st.just({}), st.integers(-48, 0).map(lambda n: {(1, 1): AccessToken(1, 1, 1, at(n))})
        ),
    }
)


@settings(deadline=None, max_examples=300)
@given(_assignments, _given, _given, _hours, _hours, st.booleans())
def test_the_effect_is_what_the_scheduler_does(
    before: Assignment,
    given_before: dict[str, Any],
    given_after: dict[str, Any],
    due_after: datetime | None,
    till_after: datetime | None,
    timed: bool,
) -> None:
    """Everything that was due is taken before the change; afterwards the plans are compared."""
    earlier = DateInputs({1: before}, **given_before)
    changed = replace(
        before,
        due=due_after,
        visible_till=till_after,
        availability=Availability(False, 90, "x") if timed else None,
    )
    later = DateInputs({1: changed}, **given_after)
    taken: dict[tuple[int, int], dict[Kind, datetime]] = {}
    while ready := due(plan(earlier, [ADA], taken, timedelta()), NOON):
        for _, want, _ in ready:
            taken.setdefault((1, ADA.user_id), {})[want.kind] = want.at
    found = find_moves(earlier, later, [ADA], taken, NOON)
    plans = [plan(inputs, [ADA], taken, timedelta()) for inputs in (earlier, later)]
    if not found:
        assert plans[0] == plans[1]
        return
    [move] = found
    new = set(plans[1]) - set(plans[0])
    assert (move.effect is Effect.NOW) == bool(due(plans[1], NOON))
    if move.effect is Effect.NONE:
        assert not new
    if move.effect is Effect.AGAIN:
        assert new
        assert taken
