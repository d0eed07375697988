"""What the database remembers of snapshots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyterhub_snapshots.core.records import Snapshot
from jupyterhub_snapshots.store import Store, batches, catalog
from jupyterhub_snapshots.store.database import utc_now

ODD = ["o'brien", 'x"); DROP TABLE snapshots; --', "%", "_", "a\\b", "Zoë", "日本", "x" * 255]


def snapshot(course: int, student: str = "alice", name: str = "ps1_2026-03-01") -> Snapshot:
    return Snapshot(
        course, student, name, "complete", utc_now(), utc_now(), 3, 2**40, 5, digest="d"
    )


def known(store: Store, course: int) -> dict[tuple[str, str], tuple[int, Snapshot]]:
    with store.reading() as db:
        return catalog.known(db, course)


def put(store: Store, *found: tuple[int, Snapshot]) -> None:
    with store.writing() as db:
        catalog.put(db, found)


@pytest.fixture
def batch(store: Store, course: int) -> int:
    with store.writing() as db:
        return batches.create(
            db,
            course_id=course,
            name="ps1_2026-03-01",
            requested_by="ina",
            include_hidden=False,
            students=["alice"],
        ).id


def test_what_is_put_comes_back(store: Store, course: int, batch: int) -> None:
    record = replace(snapshot(course), batch_id=batch, created_by="ina")
    put(store, (2**63 - 1, record))
    assert known(store, course) == {("alice", "ps1_2026-03-01"): (2**63 - 1, record)}


@pytest.mark.threat("C3")
def test_putting_again_keeps_the_pin_and_the_batch(store: Store, course: int, batch: int) -> None:
    record = snapshot(course)
    put(store, (1, replace(record, batch_id=batch)))
    with store.writing() as db:
        catalog.set_pinned(db, course, "alice", record.name, True)
    put(store, (2, replace(record, files=4)), (2, replace(record, files=4)))
    ((inode, found),) = known(store, course).values()
    assert (inode, found) == (2, replace(record, files=4, batch_id=batch, pinned=True))


def test_forgetting_is_exact(store: Store, course: int) -> None:
    put(store, *((1, snapshot(course, student)) for student in ODD))
    for student in ODD:
        with store.writing() as db:
            catalog.forget(db, course, [(student, "ps1_2026-03-01")])
        assert (student, "ps1_2026-03-01") not in known(store, course)
        put(store, (1, snapshot(course, student)))
    assert len(known(store, course)) == len(ODD)
    with store.writing() as db:
        catalog.forget(db, course, known(store, course))
        assert not catalog.knows_any(db, course)


@pytest.mark.threat("B8")
@pytest.mark.parametrize("odd", ODD)
def test_odd_names_are_data(store: Store, course: int, odd: str) -> None:
    put(store, (1, snapshot(course, odd, odd)), (1, snapshot(course)))
    with store.reading() as db:
        ((key, _),) = catalog.known(db, course, odd).items()
    assert key == (odd, odd)
    assert len(known(store, course)) == 2


def test_thousands_are_one_statement(store: Store, course: int) -> None:
    """Counted in round trips: one to write all, one to read all."""
    from sqlalchemy import event

    statements: list[str] = []

    @event.listens_for(store._engine, "before_cursor_execute")
    def note(connection: object, cursor: object, text: str, *rest: object) -> None:
        if not text.startswith(("SET", "SELECT pg_", "BEGIN")):
            statements.append(text)

    put(store, *((n, snapshot(course, f"s{n % 100}", f"ps{n}_2026-03-01")) for n in range(3000)))
    assert len(known(store, course)) == 3000
    assert len(statements) == 2
