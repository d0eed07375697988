"""When a student's work is due: tables of the steps, and what holds whatever is given."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_snapshots.core.assignments import (
    AccessToken,
    Accommodation,
    Assignment,
    Availability,
    Extension,
    Override,
)
from jupyterhub_snapshots.core.captures import Kind, cutoff, wanted
from jupyterhub_snapshots.core.deadlines import Deadline, Rule, own_minutes, resolve

MONDAY = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


def day(number: float) -> datetime:
    return MONDAY + timedelta(days=number)


def assignment(
    due: datetime | None = None, till: datetime | None = None, minutes: int | None = None
) -> Assignment:
    timed = Availability(hidden=False, minutes=minutes) if minutes is not None else None
    return Assignment(3, 1, "Homework", day(-9), due=due, visible_till=till, availability=timed)


def extension(until: datetime | None) -> Extension:
    return Extension(12, 3, 5, until)


def accommodation(hours: int = 0, factor: str = "1", minutes: int = 0) -> Accommodation:
    return Accommodation(1, 5, Fraction(factor), minutes, hours, id=62)


def token(at: datetime) -> AccessToken:
    return AccessToken(17, 3, 5, at)


def rules(deadline: Deadline) -> list[str]:
    return [step.rule.value for step in deadline.steps]


def test_nothing_is_due() -> None:
    found = resolve(assignment())
    assert (found.due, found.closes, found.ends, found.instant) == (None, None, None, None)
    assert found.steps == ()
    assert wanted(found) == ()


def test_a_due_date() -> None:
    found = resolve(assignment(day(1)))
    assert found.due == found.closes == found.instant == day(1)
    assert rules(found) == ["dueDate"]
    assert [each.kind for each in wanted(found)] == [Kind.DEADLINE]


def test_every_step_in_its_order() -> None:
    found = resolve(
        assignment(day(1), till=day(9)),
        override=Override(day(2), "Canvas override 7"),
        extension=extension(day(3)),
        accommodation=accommodation(hours=24),
    )
    assert [(s.rule, s.before, s.after, s.source) for s in found.steps] == [
        (Rule.DUE_DATE, None, day(1), "assignment 3"),
        (Rule.OVERRIDE, day(1), day(2), "Canvas override 7"),
        (Rule.EXTENSION, day(2), day(3), "extension 12"),
        (Rule.DATE_EXTRA_HOURS, day(3), day(4), "accommodation 62"),
        (Rule.VISIBLE_TILL, day(4), day(9), "assignment 3"),
    ]
    assert (found.due, found.closes) == (day(4), day(9))
    assert [(each.kind, each.at) for each in wanted(found)] == [
        (Kind.DEADLINE, day(4)),
        (Kind.LATE, day(9)),
    ]


@pytest.mark.parametrize(
    ("override", "until", "due"),
    [
        (None, day(0.5), day(0.5)),  # an extension may be earlier
        (Override(day(0.2), "Canvas"), None, day(0.2)),  # an override too
        (Override(None, "Canvas"), None, None),  # "no due date"
        (Override(None, "Canvas"), day(4), day(4)),  # and an extension stands above it
    ],
)
def test_what_replaces_what(
    override: Override | None, until: datetime | None, due: datetime | None
) -> None:
    given_until = extension(until) if until is not None else None
    assert resolve(assignment(day(1)), override=override, extension=given_until).due == due


def test_extra_hours_widen_the_closing_time() -> None:
    found = resolve(assignment(day(1), till=day(1.5)), accommodation=accommodation(hours=48))
    assert found.due == found.closes == day(3)
    assert [each.kind for each in wanted(found)] == [Kind.DEADLINE]


def test_extra_hours_of_nothing_are_nothing() -> None:
    assert resolve(assignment(), accommodation=accommodation(hours=48)).steps == ()


def test_a_student_who_is_excused() -> None:
    found = resolve(
        assignment(day(1), till=day(2), minutes=60),
        extension=extension(None),
        accommodation=accommodation(hours=5),
        token=token(day(0)),
    )
    assert found.excused
    assert found.instant is None
    assert found.due is None
    assert wanted(found) == ()


@pytest.mark.parametrize(
    ("minutes", "factor", "extra", "own"),
    [
        (60, "1", 0, 60),
        (60, "1.5", 0, 90),
        (45, "1.5", 0, 67),  # 67.5, without the half
        (45, "1.5", 10, 77),
        (100, "2.3", 0, 230),  # 229.99… in floating point
        (10, "1.1", 0, 11),  # 11.000000000000002 in floating point
        (60, "0.5", 0, 30),
        (7, "1/3", 0, 2),
        (0, "2", 5, 5),
    ],
)
def test_own_time(minutes: int, factor: str, extra: int, own: int) -> None:
    given_time = accommodation(factor=factor, minutes=extra)
    assert own_minutes(assignment(minutes=minutes), given_time) == own
    found = resolve(assignment(minutes=minutes), accommodation=given_time, token=token(day(0)))
    assert found.ends == found.instant == day(0) + timedelta(minutes=own)
    assert [(each.kind, each.at) for each in wanted(found)] == [(Kind.EXAM, found.ends)]


def test_own_time_ends_when_the_assignment_closes() -> None:
    found = resolve(assignment(day(1), minutes=120), token=token(day(1) - timedelta(minutes=30)))
    assert found.ends == day(1)
    assert rules(found) == ["dueDate", "timed", "cappedByClosing"]


def test_a_timed_assignment_that_was_not_opened() -> None:
    found = resolve(assignment(day(1), till=day(2), minutes=120))
    assert found.ends is None
    assert wanted(found) == ()


def test_a_password_without_a_limit_changes_no_date() -> None:
    given_password = Assignment(
        3, 1, "Quiz", day(-9), due=day(1), availability=Availability(True, None)
    )
    found = resolve(given_password, token=token(day(0)))
    assert (found.due, found.ends, found.timed) == (day(1), None, False)


@pytest.mark.threat("T10")
def test_there_is_a_last_instant() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
    found = resolve(assignment(last), accommodation=accommodation(hours=10_000))
    assert found.due == datetime.max.replace(tzinfo=timezone.utc)
    assert cutoff(last) == last


# Whatever is given

_instants = st.integers(0, 360 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))
_maybe = st.none() | _instants
_minutes = st.none() | st.integers(1, 600)
_assignments = st.builds(assignment, _maybe, _maybe, _minutes)
_overrides = st.none() | st.builds(Override, _maybe, st.just("Canvas"))
_extensions = st.none() | st.builds(extension, _maybe)
_accommodations = st.none() | st.builds(
    accommodation,
    st.integers(0, 500),
    st.fractions(Fraction(1), Fraction(9), max_denominator=20).map(str),
    st.integers(0, 300),
)
_tokens = st.none() | st.builds(token, _instants)
_ORDER = [rule.value for rule in Rule]


@settings(deadline=None, max_examples=300)
@given(_assignments, _overrides, _extensions, _accommodations, _tokens)
def test_what_always_holds(
    work: Assignment,
    override: Override | None,
    given_until: Extension | None,
    needs: Accommodation | None,
    opened: AccessToken | None,
) -> None:
    found = resolve(
        work, override=override, extension=given_until, accommodation=needs, token=opened
    )
    # Extra time never closes earlier than the work is due, nor ends the own time later.
    if found.due is not None:
        assert found.closes is not None
        assert found.closes >= found.due
    if found.ends is not None and found.closes is not None:
        assert found.ends <= found.closes
    # The steps come in their order, and lead to what is told.
    told = [_ORDER.index(step.rule.value) for step in found.steps]
    assert told == sorted(set(told))
    dated = [step for step in found.steps if told and _ORDER.index(step.rule.value) <= 3]
    assert found.due == (dated[-1].after if dated else None)
    for before, after in itertools.pairwise(dated):
        assert before.after == after.before
    # More extra time never makes anything earlier.
    if needs is not None and not found.excused:
        without = resolve(work, override=override, extension=given_until, token=opened)
        for name in ("due", "closes", "ends"):
            less, more = getattr(without, name), getattr(found, name)
            assert (less is None) == (more is None)
            assert less is None or more >= less


@settings(deadline=None, max_examples=100)
@given(_assignments, _maybe, _instants)
def test_an_extension_alone_decides(
    work: Assignment, earlier: datetime | None, until: datetime
) -> None:
    """It counts as it is, whatever was there before."""
    before = Override(earlier, "Canvas")
    assert resolve(work, override=before, extension=extension(until)).due == until
