"""What became of captures, as the database remembers it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event

from jupyterhub_snapshots.core.capture_states import CaptureState
from jupyterhub_snapshots.core.captures import Kind, Occasion
from jupyterhub_snapshots.core.records import BatchItem, ItemState, Snapshot
from jupyterhub_snapshots.store import Store, assignments, batches, capture_states, catalog, people
from jupyterhub_snapshots.store.database import utc_now

DUE = datetime(2026, 12, 1, 22, 59, 59, tzinfo=timezone.utc)
BEGAN = DUE + timedelta(seconds=4)
NAME = "homework-3_2026-12-01"


def assignment(store: Store, course: int, title: str = "Homework 3") -> int:
    with store.writing() as db:
        return assignments.create_assignment(db, course, {"title": title}, utc_now()).id


def captured(
    store: Store,
    course: int,
    number: int,
    *students: str,
    kind: Kind = Kind.DEADLINE,
    at: datetime = DUE,
    name: str = NAME,
    late: int = 0,
    in_catalogue: bool = True,
    **item: Any,
) -> int:
    """A batch of which every capture has become this; its id."""
    found = BatchItem(
        "", **{"state": ItemState.DONE, "outcome": "complete", "began_at": BEGAN, **item}
    )
    with store.writing() as db:
        batch = batches.create(
            db,
            course_id=course,
            name=name,
            requested_by="scheduler",
            include_hidden=False,
            students=students,
            occasion=Occasion(number, "Homework 3", kind, at),
        )
        batches.save_items(db, [(batch.id, replace(found, student=each)) for each in students])
        if found.state is ItemState.DONE and in_catalogue:
            records = [
                (1, Snapshot(course, each, name, "complete", late_count=late)) for each in students
            ]
            catalog.put(db, records)
    return batch.id


def read(store: Store, course: int, **which: Any) -> dict[tuple[int, str], list[CaptureState]]:
    with store.reading() as db:
        return capture_states.of_course(db, course, **which)


@pytest.mark.parametrize(
    ("item", "state", "snapshot"),
    [
        ({}, "done", NAME),
        ({"outcome": "incomplete"}, "done", NAME),
        ({"outcome": "unchanged"}, "skipped", None),
        ({"state": ItemState.QUEUED, "outcome": None}, "running", None),
        ({"state": ItemState.RUNNING, "outcome": None}, "running", None),
        ({"state": ItemState.FAILED, "outcome": None}, "failed", None),
        ({"state": ItemState.CANCELLED, "outcome": None}, "skipped", None),
    ],
)
def test_states(
    store: Store, course: int, item: dict[str, Any], state: Any, snapshot: str | None
) -> None:
    number = assignment(store, course)
    captured(store, course, number, "ada", late=3, **item)
    [found] = read(store, course)[number, "ada"]
    assert found == CaptureState(Kind.DEADLINE, DUE, state, snapshot, BEGAN, found.late_files)
    assert found.late_files == 3 or state != "done"


def test_a_snapshot_that_was_deleted_is_none(store: Store, course: int) -> None:
    number = assignment(store, course)
    captured(store, course, number, "ada", in_catalogue=False)
    [found] = read(store, course)[number, "ada"]
    assert (found.state, found.snapshot) == ("done", None)


def test_what_is_asked_for(store: Store, course: int) -> None:
    with store.writing() as db:
        other = people.ensure_course(db, "chem", "Chemistry", None, "UTC")
    first, second = assignment(store, course), assignment(store, course, "Homework 4")
    captured(store, course, first, "ada", "bob")
    captured(store, course, second, "ada", name="homework-4_2026-12-01")
    captured(store, other, assignment(store, other), "ada")
    with store.writing() as db:  # for no assignment
        batches.create(
            db,
            course_id=course,
            name="plain_2026-12-01",
            requested_by="ina",
            include_hidden=False,
            students=["ada"],
        )
    assert set(read(store, course)) == {(first, "ada"), (first, "bob"), (second, "ada")}
    assert set(read(store, course, assignment_id=first)) == {(first, "ada"), (first, "bob")}
    assert set(read(store, course, student="ada")) == {(first, "ada"), (second, "ada")}
    assert set(read(store, course, assignment_id=second, student="bob")) == set()


def test_the_oldest_is_the_first_and_warm_ups_are_none(store: Store, course: int) -> None:
    number = assignment(store, course)
    for hours, kind in ((30, Kind.LATE), (0, Kind.DEADLINE), (-1, Kind.WARM_UP), (9, Kind.MANUAL)):
        at = DUE + timedelta(hours=hours)
        captured(store, course, number, "ada", kind=kind, at=at, name=f"{kind.value}_2026-12-01")
    found = read(store, course)[number, "ada"]
    assert [each.kind for each in found] == [Kind.DEADLINE, Kind.MANUAL, Kind.LATE]


def test_the_number_of_statements_is_the_same_for_a_class(store: Store, course: int) -> None:
    seen: list[str] = []
    event.listen(store._engine, "before_cursor_execute", lambda *given: seen.append(str(given[2])))

    def statements() -> int:
        seen.clear()
        read(store, course)
        return len([each for each in seen if each.lstrip().startswith("SELECT")])

    number = assignment(store, course)
    captured(store, course, number, "ada")
    before = statements()
    captured(store, course, number, *(f"s{each}" for each in range(50)), name="b_2026-12-01")
    captured(store, course, assignment(store, course, "Next"), "ada", name="c_2026-12-01")
    assert statements() == before == 2
