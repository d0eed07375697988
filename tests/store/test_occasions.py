"""What the database remembers of captures for assignments: batches and snapshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from sqlalchemy import delete

from jupyterhub_snapshots.core.captures import Kind, Occasion
from jupyterhub_snapshots.core.records import Batch, BatchItem, ItemState, Snapshot
from jupyterhub_snapshots.store import Store, assignments, batches, catalog
from jupyterhub_snapshots.store.assignment_tables import AssignmentRow
from jupyterhub_snapshots.store.database import utc_now

DUE = datetime(2026, 12, 1, 22, 59, 59, tzinfo=timezone.utc)


def assignment(store: Store, course: int, title: str = "Homework 3") -> int:
    with store.writing() as db:
        return assignments.create_assignment(db, course, {"title": title}, utc_now()).id


def create(store: Store, course: int, occasion: Occasion | None, *students: str) -> Batch:
    with store.writing() as db:
        return batches.create(
            db,
            course_id=course,
            name="homework-3_2026-12-01",
            requested_by="scheduler",
            include_hidden=False,
            students=students or ("alice",),
            occasion=occasion,
        )


def snapshot(course: int, student: str, name: str, **more: object) -> Snapshot:
    return replace(Snapshot(course, student, name, "complete", utc_now(), utc_now()), **more)


def test_an_occasion_comes_back(store: Store, course: int) -> None:
    number = assignment(store, course)
    made = create(store, course, Occasion(number, "Homework 3", Kind.DEADLINE, DUE))
    plain = create(store, course, None)
    with store.reading() as db:
        assert batches.get(db, made.id) == made
        assert batches.unfinished(db) == [made, plain]
        assert batches.unfinished(db, but={plain.id}) == [made]
        assert batches.of_course(db, course) == [plain, made]
    with store.writing() as db:
        assignments.update_assignment(db, course, number, {"title": "Homework III"})
    with store.reading() as db:
        found = batches.get(db, made.id).occasion
    assert found == Occasion(number, "Homework III", Kind.DEADLINE, DUE)


def test_an_occasion_outlives_its_assignment(store: Store, course: int) -> None:
    number = assignment(store, course)
    made = create(store, course, Occasion(number, "Homework 3", Kind.LATE, DUE))
    with store.writing() as db:
        db.execute(delete(AssignmentRow).where(AssignmentRow.id == number))
    with store.reading() as db:
        found = batches.get(db, made.id).occasion
    assert found == Occasion(number, "homework-3", Kind.LATE, DUE)


def test_warm_ups_are_listed_when_asked_for(store: Store, course: int) -> None:
    number = assignment(store, course)
    warm_up = create(store, course, Occasion(number, "Homework 3", Kind.WARM_UP, DUE))
    plain = create(store, course, None)
    real = create(store, course, Occasion(number, "Homework 3", Kind.DEADLINE, DUE))
    with store.reading() as db:
        assert batches.of_course(db, course) == [real, plain]
        assert batches.of_course(db, course, Kind.WARM_UP) == [warm_up]
        assert batches.of_course(db, course, Kind.DEADLINE) == [real]
        assert batches.of_course(db, course, Kind.LATE) == []


def test_a_failed_warm_up_is_no_failure(store: Store, course: int) -> None:
    number = assignment(store, course)
    failed = BatchItem("alice", ItemState.FAILED, ended_at=utc_now(), error_code="busy")
    warm_up = create(store, course, Occasion(number, "Homework 3", Kind.WARM_UP, DUE))
    with store.writing() as db:
        batches.save_items(db, [(warm_up.id, failed)])
        assert batches.last_failures(db, course) == {}
    real = create(store, course, Occasion(number, "Homework 3", Kind.DEADLINE, DUE))
    with store.writing() as db:
        batches.save_items(db, [(real.id, failed)])
        assert batches.last_failures(db, course)["alice"].batch_id == real.id


def test_the_latest_snapshot_of_the_deadline(store: Store, course: int) -> None:
    number, other = assignment(store, course), assignment(store, course, "Other")
    late = create(store, course, Occasion(number, "Homework 3", Kind.LATE, DUE))
    week = timedelta(days=7)

    def of(student: str, name: str, kind: str, at: datetime, where: int = number) -> Snapshot:
        return snapshot(course, student, name, assignment_id=where, kind=kind, deadline=at)

    found = [
        of("alice", "a_2026-12-08", "deadline", DUE + week),
        of("alice", "a_2026-12-01", "deadline", DUE),
        of("alice", "a-late_2026-12-20", "late", DUE + 3 * week),
        of("alice", "other_2026-12-30", "deadline", DUE + 4 * week, other),
        of("bob", "a_2026-12-01", "exam", DUE),
        of("carol", "a-warm-up_2026-12-01", "warmup", DUE),
        snapshot(course, "dora", "a_2026-12-01", assignment_id=number, kind="manual"),
    ]
    with store.writing() as db:
        catalog.put(db, enumerate(found))
    with store.reading() as db:
        assert batches.at_deadline(db, late) == {
            "alice": ("a_2026-12-08", DUE + week),
            "bob": ("a_2026-12-01", DUE),
        }
        assert batches.at_deadline(db, replace(late, occasion=None)) == {}


def test_what_a_snapshot_was_taken_for(store: Store, course: int) -> None:
    paths = ("a", "b\udcff", "ü")
    taken = snapshot(
        course, "alice", "a_2026-12-01",
        assignment_id=7, kind="deadline", deadline=DUE, late_count=3, late_files=paths,
    )  # fmt: skip
    other = snapshot(
        course, "bob", "a_2026-12-01", assignment_id=8, late_count=1, late_files=("x",)
    )
    plain = snapshot(course, "bob", "b_2026-12-01")
    with store.writing() as db:
        catalog.put(db, [(1, taken), (2, other), (3, plain)])
    keys = [("alice", "a_2026-12-01"), ("bob", "a_2026-12-01")]
    with store.reading() as db:
        known = catalog.known(db, course)
        assert known[keys[0]] == (1, replace(taken, late_files=()))
        assert known["bob", "b_2026-12-01"] == (3, plain)
        assert catalog.late_files(db, course) == {keys[0]: paths, keys[1]: ("x",)}
        assert catalog.late_files(db, course, student="bob") == {keys[1]: ("x",)}
        assert catalog.late_files(db, course, assignment=7) == {keys[0]: paths}
        assert catalog.late_files(db, course + 1) == {}
    with store.writing() as db:
        catalog.put(db, [(4, replace(plain, name="a_2026-12-01"))])
    with store.reading() as db:
        assert catalog.late_files(db, course) == {keys[0]: paths}
        assert catalog.known(db, course)[keys[1]][1].assignment_id is None
