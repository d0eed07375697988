"""What students see and may open, case by case; and the sentences on deadlines."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from jupyterhub_snapshots.core.assignments import (
    AccessToken,
    Accommodation,
    Assignment,
    Availability,
    Extension,
    Given,
    Override,
)
from jupyterhub_snapshots.core.capture_states import CaptureState, counted, with_planned
from jupyterhub_snapshots.core.captures import Kind
from jupyterhub_snapshots.core.deadline_texts import clock_time, sentences
from jupyterhub_snapshots.core.deadlines import resolve
from jupyterhub_snapshots.core.visibility import check_opening, is_listed, own_state
from jupyterhub_snapshots.errors import AssignmentClosed, NothingToOpen, NotOpenYet

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
OPEN = Assignment(1, 1, "Homework 1", NOW - 9 * HOUR)
PASSWORD = replace(OPEN, availability=Availability(False, None, "x"))
HIDDEN = replace(OPEN, availability=Availability(True, None, "x"))
TIMED = replace(OPEN, availability=Availability(False, 60, "x"))
TOKEN = AccessToken(5, 1, 7, NOW - HOUR / 2)


@pytest.mark.parametrize(
    ("assignment", "begins", "opened", "listed"),
    [
        (OPEN, None, False, True),
        (OPEN, NOW, False, True),
        (OPEN, NOW + HOUR, False, False),
        (PASSWORD, None, False, True),
        (PASSWORD, NOW + HOUR, False, False),
        (HIDDEN, None, False, False),
        (HIDDEN, NOW - HOUR, False, False),
        (HIDDEN, None, True, True),
        (HIDDEN, NOW + HOUR, True, True),
        (TIMED, None, False, True),
        (replace(TIMED, visible_till=NOW - HOUR), None, False, True),
    ],
)
def test_what_is_listed(
    assignment: Assignment, begins: datetime | None, opened: bool, listed: bool
) -> None:
    assignment = replace(assignment, visible_from=begins)
    assert is_listed(assignment, TOKEN if opened else None, NOW) is listed


LAST_MINUTE = datetime(2026, 3, 1, 11, 59, 59, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("assignment", "error"),
    [
        (OPEN, NothingToOpen),
        (PASSWORD, None),
        (HIDDEN, None),
        (replace(PASSWORD, visible_from=NOW), None),
        (replace(PASSWORD, visible_from=NOW + HOUR), NotOpenYet),
        (replace(PASSWORD, due=NOW + HOUR), None),
        (replace(PASSWORD, due=NOW), AssignmentClosed),
        (replace(PASSWORD, due=NOW - HOUR, visible_till=NOW + HOUR), None),
        (replace(TIMED, visible_till=NOW - HOUR), AssignmentClosed),
        (replace(TIMED, visible_till=NOW + HOUR), None),
        (replace(PASSWORD, due=LAST_MINUTE), AssignmentClosed),
    ],
)
def test_what_may_be_opened(assignment: Assignment, error: type[Exception] | None) -> None:
    if error is None:
        check_opening(assignment, resolve(assignment), NOW)
    else:
        with pytest.raises(error):
            check_opening(assignment, resolve(assignment), NOW)


def test_the_whole_last_second_counts() -> None:
    assignment = replace(PASSWORD, due=LAST_MINUTE)
    check_opening(assignment, resolve(assignment), LAST_MINUTE + timedelta(milliseconds=999))


def test_an_extension_opens_again() -> None:
    assignment = replace(PASSWORD, due=NOW - HOUR)
    extension = Extension(1, 1, 7, NOW + HOUR)
    check_opening(assignment, resolve(assignment, extension=extension), NOW)


@pytest.mark.parametrize(
    ("assignment", "opened", "captured", "state"),
    [
        (OPEN, False, False, "open"),
        (replace(OPEN, due=NOW + HOUR), False, False, "open"),
        (replace(OPEN, due=NOW + HOUR), False, True, "open"),
        (replace(OPEN, due=NOW - HOUR), False, False, "closed"),
        (replace(OPEN, due=NOW - HOUR), False, True, "captured"),
        (replace(OPEN, due=NOW - HOUR, visible_till=NOW + HOUR), False, False, "open"),
        (PASSWORD, False, False, "not_opened"),
        (replace(PASSWORD, due=NOW - HOUR), False, False, "closed"),
        (PASSWORD, True, False, "open"),
        (TIMED, True, False, "running_out"),
        (replace(TIMED, visible_till=NOW - HOUR / 4), True, False, "closed"),
        (replace(TIMED, availability=Availability(False, 10, "x")), True, False, "closed"),
        (replace(TIMED, availability=Availability(False, 10, "x")), True, True, "captured"),
    ],
)
def test_states(assignment: Assignment, opened: bool, captured: bool, state: str) -> None:
    token = TOKEN if opened else None
    found = own_state(assignment, resolve(assignment, token=token), token, NOW, captured=captured)
    assert found == state


def test_sentences() -> None:
    assignment = replace(
        TIMED, due=datetime(2026, 3, 1, 22, 59, 59, tzinfo=timezone.utc), visible_from=NOW - HOUR
    )
    given = Given(
        Override(NOW + 9 * HOUR, "section 2"),
        Extension(3, 1, 7, NOW + HOUR / 2),
        Accommodation(1, 7, Fraction(3, 2), 10, 1, id=4),
        TOKEN,
    )
    deadline = resolve(assignment, **given._asdict())
    assert sentences(deadline, assignment, given, ZoneInfo("Europe/Berlin")) == (
        "The assignment is due on Sun 1 March 2026, 23:59 CET.",
        "The learning management system has another date (section 2): Sun 1 March 2026, 22:00 CET.",
        "An extension sets the due date to Sun 1 March 2026, 13:30 CET.",
        "An accommodation adds 1 hour: due on Sun 1 March 2026, 14:30 CET.",
        "Opened on Sun 1 March 2026, 12:30 CET, with 100 minutes (60 times 1.5, and 10 more): "
        "until Sun 1 March 2026, 14:10 CET.",
    )
    excused = Given(Override(None, "calendar"), Extension(3, 1, 7, None), None, TOKEN)
    assignment = replace(assignment, due=NOW, visible_till=NOW + HOUR / 4)
    deadline = resolve(assignment, **excused._asdict())
    assert sentences(deadline, assignment, excused, timezone.utc) == (
        "The assignment is due on Sun 1 March 2026, 12:00 UTC.",
        "The learning management system has no due date (calendar).",
        "The assignment closes on Sun 1 March 2026, 12:15 UTC.",
        "Opened on Sun 1 March 2026, 11:30 UTC, with 60 minutes: until Sun 1 March 2026, 12:30 "
        "UTC.",
        "The assignment closes before that, so the time ends on Sun 1 March 2026, 12:15 UTC.",
    )
    late = replace(OPEN, due=NOW, visible_till=NOW + HOUR)
    given = Given(None, Extension(3, 1, 7, None), None, None)
    assert sentences(resolve(late, extension=given.extension), late, given, timezone.utc)[1:] == (
        "An extension excuses from the assignment: nothing is due, nothing is captured.",
        "The assignment closes on Sun 1 March 2026, 13:00 UTC.",
    )
    deadline = resolve(late)
    nothing = Given(None, None, None, None)
    assert sentences(deadline, late, nothing, timezone.utc)[1] == (
        "Late work is taken until Sun 1 March 2026, 13:00 UTC."
    )


def test_instants_at_the_end_of_time_and_with_seconds() -> None:
    last = datetime.max.replace(tzinfo=timezone.utc)
    assert clock_time(last, ZoneInfo("Asia/Tokyo")).endswith("9999, 23:59 UTC")
    assert clock_time(NOW.replace(second=7), ZoneInfo("Asia/Tokyo")).endswith("21:00:07 JST")


def test_captures_of_a_deadline() -> None:
    assignment = replace(OPEN, due=NOW, visible_till=NOW + HOUR)
    made = [
        CaptureState(Kind.WARM_UP, NOW - HOUR, "done", "w"),
        CaptureState(Kind.DEADLINE, NOW, "done", "d", NOW + timedelta(seconds=3), 2),
    ]
    found = with_planned(resolve(assignment), made, NOW - 9 * HOUR)
    assert [(each.kind, each.at, each.state) for each in found] == [
        (Kind.DEADLINE, NOW, "done"),
        (Kind.LATE, NOW + HOUR, "planned"),
    ]
    assert [each.late_seconds for each in found] == [3, None]
    assert counted(found) == made[1]
    assert with_planned(resolve(assignment), [], NOW + HOUR) == ()
    by_hand = CaptureState(Kind.MANUAL, NOW + HOUR, "done", "m")
    assert counted([*found, by_hand]) == made[1]
    assert counted([by_hand, CaptureState(Kind.DEADLINE, NOW, "failed")]) == by_hand
    assert counted([]) is None
