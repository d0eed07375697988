"""How far a student is with an assignment, and how far the class."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from jupyterhub_snapshots.core.assignments import (
    AccessToken,
    Assignment,
    Availability,
    Extension,
    Override,
)
from jupyterhub_snapshots.core.capture_states import CaptureState, State, with_planned
from jupyterhub_snapshots.core.captures import Kind
from jupyterhub_snapshots.core.collected import (
    AssignmentState,
    Cell,
    CellState,
    by_time,
    cell,
    collected,
    last_moment,
)
from jupyterhub_snapshots.core.deadlines import Deadline, resolve

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
LONG_AGO = NOON - timedelta(days=300)
SECOND = timedelta(seconds=1)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


AFTERWARDS = at(30)
HOMEWORK = Assignment(1, 1, "Homework", LONG_AGO, due=NOON, visible_till=at(24))
EXAM = Assignment(
    2, 1, "Exam", LONG_AGO, visible_till=at(2), availability=Availability(False, 60, "x")
)
UNDATED = Assignment(3, 1, "Reading", LONG_AGO)


def token(hours: float) -> AccessToken:
    return AccessToken(1, 2, 1, at(hours))


def extension(until: datetime | None) -> Extension:
    return Extension(1, 1, 1, until)


def capture(
    state: State = "done",
    *,
    kind: Kind = Kind.DEADLINE,
    instant: datetime = NOON,
    seconds: float = 3,
    late: int = 0,
    snapshot: str | None = "homework_2026-03-02",
) -> CaptureState:
    """A capture that began that many seconds after its instant."""
    began = None if state == "planned" else instant + timedelta(seconds=seconds)
    kept = snapshot if state == "done" else None
    return CaptureState(kind, instant, state, kept, began, late)


def standing(
    deadline: Deadline,
    *made: CaptureState,
    now: datetime = AFTERWARDS,
    known_since: datetime = LONG_AGO,
) -> Cell:
    """As the service finds it: what was made, and what is planned."""
    return cell(deadline, with_planned(deadline, made, known_since), now)


LATE = capture(kind=Kind.LATE, instant=at(24), snapshot="homework-late_2026-03-03")
MANUAL = capture(kind=Kind.MANUAL, instant=at(5), snapshot="by-hand_2026-03-02")
DUE = resolve(HOMEWORK)


@pytest.mark.parametrize(
    ("made", "state", "snapshot", "changed"),
    [
        ([capture()], "captured", "homework_2026-03-02", 0),
        ([capture(seconds=60)], "captured", "homework_2026-03-02", 0),
        ([capture(seconds=61)], "late", "homework_2026-03-02", 0),
        ([capture(late=2)], "changed", "homework_2026-03-02", 2),
        ([capture(late=2, seconds=900)], "changed", "homework_2026-03-02", 2),
        ([capture(), LATE], "late", "homework_2026-03-02", 0),
        # Nothing differs from what was there at the deadline; or it was deleted since.
        ([capture(), replace(LATE, state="skipped", snapshot=None)], "captured", None, 0),
        ([capture(), replace(LATE, snapshot=None)], "captured", None, 0),
        ([capture(), replace(LATE, state="failed", snapshot=None)], "captured", None, 0),
        ([capture("running")], "running", None, 0),
        ([capture(), replace(LATE, state="running")], "running", "homework_2026-03-02", 0),
        ([capture("failed")], "failed", None, 0),
        ([capture("skipped")], "missing", None, 0),
        # The snapshot was deleted.
        ([capture(snapshot=None)], "missing", None, 0),
        # What failed was captured under another name, or once more.
        ([capture("failed"), capture()], "captured", "homework_2026-03-02", 0),
        ([capture(), capture("failed")], "captured", "homework_2026-03-02", 0),
        # A person captured what is not there.
        ([capture("failed"), MANUAL], "late", "by-hand_2026-03-02", 0),
        ([capture(snapshot=None), MANUAL], "late", "by-hand_2026-03-02", 0),
        # It does not stand for what is there, nor does one of before the deadline.
        ([capture(), MANUAL], "captured", "homework_2026-03-02", 0),
        ([replace(MANUAL, at=at(-1)), capture("failed")], "failed", "by-hand_2026-03-02", 0),
    ],
)
def test_after_the_deadline(
    made: list[CaptureState], state: str, snapshot: str | None, changed: int
) -> None:
    found = standing(DUE, *made)
    assert found.state.value == state
    wanted = "homework_2026-03-02" if state == "captured" else snapshot
    assert (found.snapshot, found.changed) == (wanted, changed)


def test_when_something_was_captured_is_told_and_else_the_instant() -> None:
    assert standing(DUE, capture(seconds=7)).at == NOON + 7 * SECOND
    assert standing(DUE, capture("failed")).at == NOON
    assert standing(DUE, now=at(-1)).at == NOON
    assert standing(resolve(UNDATED)).at is None


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(-3600, "open"), (-0.1, "open"), (0, "running"), (59, "running"), (60, "missing")],
)
def test_at_the_instant_the_capture_is_waited_for(seconds: float, state: str) -> None:
    assert standing(DUE, now=NOON + seconds * SECOND).state.value == state


def test_a_last_second_is_open_to_its_end() -> None:
    night = datetime(2026, 3, 2, 22, 59, 59, tzinfo=timezone.utc)
    due = resolve(replace(HOMEWORK, due=night, visible_till=None))
    assert standing(due, now=night + 0.9 * SECOND).state is CellState.OPEN
    assert standing(due, now=night + SECOND).state is CellState.RUNNING
    on_time = capture(instant=night, seconds=61)
    assert standing(due, on_time).state is CellState.CAPTURED


@pytest.mark.parametrize(
    ("deadline", "made", "now", "state"),
    [
        # Moved to a later time after it fired: open again, then once more captured.
        (resolve(HOMEWORK, extension=extension(at(5))), [capture()], at(1), "open"),
        (resolve(HOMEWORK, extension=extension(at(5))), [capture()], at(6), "missing"),
        (
            resolve(HOMEWORK, extension=extension(at(5))),
            [capture(), capture("failed", instant=at(5))],
            at(6),
            "failed",
        ),
        (
            resolve(HOMEWORK, extension=extension(at(5))),
            [capture(), capture(instant=at(5), snapshot="homework-2_2026-03-02")],
            at(6),
            "captured",
        ),
        # Moved to an earlier time after it fired: what was taken stands, later than it is due.
        (resolve(HOMEWORK, extension=extension(at(-5))), [capture()], at(1), "late"),
        # Moved to an earlier time before it fired.
        (
            resolve(HOMEWORK, extension=extension(at(-5))),
            [capture(instant=at(-5), seconds=7200)],
            at(-2),
            "late",
        ),
        # A late capture of what is now in time.
        (
            resolve(HOMEWORK, extension=extension(at(24))),
            [capture(instant=at(24)), LATE],
            at(30),
            "captured",
        ),
        (resolve(HOMEWORK, extension=extension(None)), [], at(30), "excused"),
        (resolve(HOMEWORK, extension=extension(None)), [capture()], at(30), "excused"),
        (resolve(HOMEWORK, override=Override(None, "override")), [], at(30), "none"),
    ],
)
def test_moved(deadline: Deadline, made: list[CaptureState], now: datetime, state: str) -> None:
    assert standing(deadline, *made, now=now).state.value == state


def test_the_snapshot_of_before_is_shown_until_there_is_another() -> None:
    moved = resolve(HOMEWORK, extension=extension(at(5)))
    again = capture(instant=at(5), snapshot="homework-2_2026-03-02")
    assert standing(moved, capture(), now=at(1)).snapshot == "homework_2026-03-02"
    assert standing(moved, capture(), again, now=at(6)).snapshot == "homework-2_2026-03-02"


def test_what_was_over_before_the_student_came_is_missing() -> None:
    assert standing(DUE, known_since=at(1), now=at(2)).state is CellState.MISSING
    assert standing(DUE, MANUAL, known_since=at(1), now=at(6)).state is CellState.LATE


@pytest.mark.parametrize(
    ("opened", "made", "hours", "state"),
    [
        (None, [], 1.9, "open"),
        (None, [], 2, "not_opened"),
        (None, [MANUAL], 9, "not_opened"),
        (0, [], 0.5, "open"),
        (0, [capture(kind=Kind.EXAM, instant=at(1))], 1.1, "captured"),
        (0, [capture("running", kind=Kind.EXAM, instant=at(1))], 1.001, "running"),
        (0, [], 1.1, "missing"),
        # The closing time ends it.
        (1.5, [], 1.9, "open"),
        (1.5, [capture(kind=Kind.EXAM, instant=at(2))], 2.1, "captured"),
        # Allowed to open it anew.
        (None, [capture(kind=Kind.EXAM, instant=at(1))], 1.5, "open"),
    ],
)
def test_timed(opened: float | None, made: list[CaptureState], hours: float, state: str) -> None:
    deadline = resolve(EXAM, token=token(opened) if opened is not None else None)
    assert standing(deadline, *made, now=at(hours)).state.value == state


def test_timed_without_an_end_stays_open() -> None:
    deadline = resolve(replace(EXAM, visible_till=None))
    assert standing(deadline, now=at(10_000)).state is CellState.OPEN


@pytest.mark.parametrize(
    ("made", "state"),
    [
        ([], "none"),
        ([replace(MANUAL, state="running")], "running"),
        ([MANUAL], "captured"),
        ([replace(MANUAL, state="failed", snapshot=None)], "failed"),
        ([replace(MANUAL, snapshot=None)], "none"),
        # Its due date was taken away after it was captured.
        ([capture()], "captured"),
    ],
)
def test_without_a_deadline(made: list[CaptureState], state: str) -> None:
    assert standing(resolve(UNDATED), *made).state.value == state


def test_warm_ups_say_nothing() -> None:
    warm_up = capture(kind=Kind.WARM_UP, instant=at(-0.2))
    assert cell(DUE, [warm_up], at(-0.1)) == Cell(CellState.OPEN, NOON)
    assert cell(DUE, [replace(warm_up, state="running")], at(-0.1)).state is CellState.OPEN


def test_until_when_there_is_time() -> None:
    assert last_moment(DUE) == NOON
    assert last_moment(resolve(EXAM)) == at(2)
    assert last_moment(resolve(EXAM, token=token(0))) == at(1)
    assert last_moment(resolve(EXAM, extension=Extension(1, 2, 1, None))) is None


def state_of(
    assignment: Assignment, *students: tuple[Deadline, str], now: datetime = AFTERWARDS
) -> str:
    rows = [(deadline, Cell(CellState(state))) for deadline, state in students]
    return collected(assignment, rows, now).state.value


@pytest.mark.parametrize(
    ("change", "states", "now", "expected"),
    [
        ({}, [], at(-1), "open"),
        ({}, [], NOON, "collected"),
        ({}, ["open", "open"], at(-1), "open"),
        ({"visible_from": at(-2)}, ["open"], at(-1), "open"),
        ({"visible_from": at(-1)}, ["open"], at(-1), "open"),
        ({"visible_from": at(-0.5)}, ["open"], at(-1), "upcoming"),
        ({"visible_from": at(-0.5)}, [], at(-1), "upcoming"),
        ({"visible_from": at(5)}, ["captured"], at(1), "collected"),
        ({"visible_from": at(5)}, ["running"], NOON, "capturing"),
        ({}, ["running", "open"], NOON, "capturing"),
        ({}, ["captured", "open"], at(1), "open"),
        ({}, ["captured", "late", "changed", "missing", "failed", "none"], at(1), "collected"),
        ({"grade_release": at(1)}, ["captured"], at(0.9), "collected"),
        ({"grade_release": at(1)}, ["captured"], at(1), "released"),
        ({"grade_release": at(1)}, ["captured", "open"], at(1), "released"),
        ({"grade_release": at(1)}, ["captured", "running"], at(1), "capturing"),
        ({"due": None, "visible_till": None}, [], at(1), "undated"),
        ({"due": None, "visible_till": None}, ["none", "none"], at(1), "undated"),
        ({"due": None, "visible_till": None, "grade_release": NOON}, ["none"], at(1), "released"),
    ],
)
def test_states_of_assignments(
    change: dict[str, datetime | None], states: list[str], now: datetime, expected: str
) -> None:
    assignment = replace(HOMEWORK, **change)  # type: ignore[arg-type]
    students = [(resolve(assignment), state) for state in states]
    assert state_of(assignment, *students, now=now) == expected


def test_a_date_that_only_some_have_is_one() -> None:
    extended = resolve(UNDATED, extension=extension(at(5)))
    assert state_of(UNDATED, (resolve(UNDATED), "none"), (extended, "open")) == "open"
    assert state_of(UNDATED, (resolve(UNDATED), "none"), (extended, "captured")) == "collected"


def test_where_all_are_excused_its_own_date_counts() -> None:
    excused = resolve(HOMEWORK, extension=extension(None))
    assert state_of(HOMEWORK, (excused, "excused"), now=at(-1)) == "open"
    assert state_of(HOMEWORK, (excused, "excused"), now=at(1)) == "collected"


def test_timed_assignments_are_open_until_they_close() -> None:
    assert state_of(EXAM, (resolve(EXAM), "open"), now=at(1)) == "open"
    assert state_of(EXAM, now=at(1)) == "open"
    assert state_of(EXAM, (resolve(EXAM), "not_opened"), now=at(3)) == "collected"
    endless = replace(EXAM, visible_till=None)
    assert state_of(endless, (resolve(endless), "open"), now=at(1000)) == "open"
    assert state_of(endless, now=at(1000)) == "open"


def test_counts() -> None:
    rows = [(DUE, Cell(state)) for state in CellState]
    rows.append(
        (resolve(HOMEWORK, extension=extension(at(48))), Cell(CellState.OPEN, extended=True))
    )
    found = collected(HOMEWORK, rows, at(1))
    assert found.counts == {
        "open": 2,
        "captured": 1,
        "late": 2,
        "missing": 2,
        "excused": 1,
        "failed": 1,
        "running": 1,
        "extended": 1,
    }
    assert (found.first, found.last) == (NOON, at(48))
    assert found.state is AssignmentState.CAPTURING


def test_by_time() -> None:
    early = replace(HOMEWORK, id=4, title="Zebra", due=at(-9))
    twin = replace(HOMEWORK, id=5, title="Another")
    found = [collected(each, (), NOON) for each in (UNDATED, HOMEWORK, twin, early, EXAM)]
    assert [each.assignment.title for each in by_time(found)] == [
        *("Zebra", "Another", "Homework", "Exam", "Reading"),
    ]
