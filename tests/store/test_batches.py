"""Batches and the audit log in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jupyterhub_snapshots.core.records import AuditEvent, Batch, BatchItem, Failure, ItemState
from jupyterhub_snapshots.errors import BatchNotFound
from jupyterhub_snapshots.store import Store, audit, batches
from jupyterhub_snapshots.store.database import utc_now

INJECTION = "x'); DROP TABLE batches; --"


def create(store: Store, course: int, *students: str, name: str = "ps1_2026-03-01") -> Batch:
    with store.writing() as db:
        return batches.create(
            db,
            course_id=course,
            name=name,
            requested_by=INJECTION,
            include_hidden=True,
            students=students,
        )


@pytest.mark.threat("B8")
def test_comes_back_as_it_was_made(store: Store, course: int) -> None:
    made = create(store, course, "bob", "alice", INJECTION, name=INJECTION)
    with store.reading() as db:
        assert batches.get(db, made.id, course) == made
    assert [item.student for item in made.items] == ["bob", "alice", INJECTION]
    assert create(store, course, "bob").key != made.key


def test_another_courses_batch_is_not_found(store: Store, course: int) -> None:
    made = create(store, course, "bob")
    with store.reading() as db:
        for number, of in ((made.id, course + 1), (made.id + 1, None)):
            with pytest.raises(BatchNotFound):
                batches.get(db, number, of)


def test_items_are_saved_one_by_one(store: Store, course: int) -> None:
    made = create(store, course, "alice", "bob")
    done = BatchItem(
        "bob", ItemState.DONE, 2, utc_now(), utc_now(), None, None, "complete", 1, 2, 3
    )
    with store.writing() as db:
        batches.save_items(db, [(made.id, done)])
        batches.save_items(db, [(made.id, BatchItem("nobody"))])
        batches.save_items(db, [(made.id + 1, done)])
    with store.reading() as db:
        assert batches.get(db, made.id) == replace(made, items=(BatchItem("alice"), done))


def test_a_failure_is_told_until_a_capture_is_done(store: Store, course: int) -> None:
    first = create(store, course, "alice", "bob", "carl", "dora")
    second = create(store, course, "alice", "bob", "carl")
    early, late = utc_now(), utc_now() + timedelta(hours=1)

    def ended(student: str, state: ItemState, at: datetime) -> BatchItem:
        code = "rsync_failed" if state is ItemState.FAILED else None
        return BatchItem(student, state, 1, early, at, code, code and "rsync failed.")

    with store.writing() as db:
        batches.save_items(
            db,
            [
                # Failed, then done; the batch that is newer was done first.
                (second.id, ended("alice", ItemState.DONE, early)),
                (first.id, ended("alice", ItemState.FAILED, late)),
                (first.id, ended("bob", ItemState.FAILED, early)),
                (second.id, ended("bob", ItemState.DONE, late)),
                # What was cancelled tells nothing.
                (first.id, ended("carl", ItemState.FAILED, early)),
                (second.id, ended("carl", ItemState.CANCELLED, late)),
            ],
        )
    with store.reading() as db:
        assert batches.last_failures(db, course) == {
            "alice": Failure(late, "rsync_failed", "rsync failed.", first.id),
            "carl": Failure(early, "rsync_failed", "rsync failed.", first.id),
        }
        assert batches.last_failures(db, course + 1) == {}


@pytest.mark.threat("K1")
def test_unfinished_are_those_with_something_to_do(store: Store, course: int) -> None:
    made = {state: create(store, course, "alice", "bob") for state in ItemState}
    with store.writing() as db:
        for state, batch in made.items():
            batches.save_items(db, [(batch.id, BatchItem("alice", ItemState.DONE))])
            batches.save_items(db, [(batch.id, BatchItem("bob", state))])
        unfinished = [batch.id for batch in batches.unfinished(db)]
    assert unfinished == [made[ItemState.QUEUED].id, made[ItemState.RUNNING].id]


@pytest.mark.threat("B8", "O1")
def test_audit_lines_are_added_and_read_backwards(store: Store, course: int) -> None:
    events = [
        AuditEvent(utc_now(), f"ina{n}", INJECTION, course, INJECTION, f"line\n{n}", 200, "::1")
        for n in range(5)
    ]
    with store.writing() as db:
        audit.add(db, events)
        audit.add(db, [])
    with store.reading() as db:
        found = audit.of_course(db, course, limit=2)
        assert [event for _, event in found] == [events[4], events[3]]
        older = audit.of_course(db, course, before=found[-1][0])
        assert [event for _, event in older] == [events[2], events[1], events[0]]
        assert audit.of_course(db, course + 1) == []
