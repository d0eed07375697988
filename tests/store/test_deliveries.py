"""Deliveries: which are wanted, which are due, and that two processes never take on the same."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select

from jupyterhub_snapshots.core.assignments import Availability, Scope
from jupyterhub_snapshots.core.home_deliveries import Outcome, Parcel
from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.errors import DocumentNotFound
from jupyterhub_snapshots.store import (
    Store,
    assignments,
    deliveries,
    documents,
    due_deliveries,
    people,
)
from jupyterhub_snapshots.store.assignment_tables import DeliveryRow

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Course:
    """A course with students and one document; every call is a unit of work of its own."""

    def __init__(self, store: Store, number: int, *students: str) -> None:
        self.store = store
        self.id = number
        self.enrol(*students)
        with store.writing() as db:
            document = documents.create_document(
                db,
                owner="ina",
                filename="sheet.ipynb",
                scope=Scope.PRIVATE,
                description=None,
                now=NOW,
            )
        self.document = document.id
        self.write(b"one")

    def enrol(self, *students: str) -> None:
        with self.store.writing() as db:
            people.set_members(db, self.id, students, Role.STUDENT, "hub")

    def write(self, content: bytes) -> None:
        with self.store.writing() as db:
            documents.write_contents(db, self.document, content, written_by="ina", now=NOW)

    def assignment(self, title: str = "Homework 1", **fields: Any) -> int:
        with self.store.writing() as db:
            given = {"title": title, "document": self.document, **fields}
            return assignments.create_assignment(db, self.id, given, NOW).id

    def change(self, number: int, **fields: Any) -> None:
        with self.store.writing() as db:
            assignments.update_assignment(db, self.id, number, fields)

    def next_due(self, now: datetime = NOW) -> datetime | None:
        with self.store.reading() as db:
            return due_deliveries.next_due(db, [self.id], now)

    def claim(self, now: datetime = NOW, most: int = 100) -> list[Parcel]:
        with self.store.writing() as db:
            due_deliveries.add_wanted(db, [self.id], now)
            return deliveries.claim(db, [self.id], now, most)

    def ask(self, number: int, *students: str, now: datetime = NOW) -> list[Parcel]:
        people = self.users(*students)
        with self.store.writing() as db:
            return deliveries.ask(db, self.id, number, people, by="ina", now=now)

    def hold(self, number: int, student: str, content: bytes = b"8 of 10") -> int:
        [user] = self.users(student)
        with self.store.writing() as db:
            return deliveries.hold_report(
                db,
                assignments.get_assignment(db, self.id, number),
                user,
                student,
                filename="report.html",
                content=content,
                by="ina",
                now=NOW,
            ).id

    def finish(self, parcel: Parcel, now: datetime = NOW, **outcome: Any) -> None:
        with self.store.writing() as db:
            deliveries.finish(db, [(parcel, Outcome(**outcome))], now)

    def users(self, *students: str) -> dict[int, str]:
        with self.store.reading() as db:
            known = {each.username: each.user_id for each in people.members(db, self.id)}
        return {known[name]: name for name in students}

    def told(self, number: int) -> list[tuple[object, ...]]:
        with self.store.reading() as db:
            return [
                (each.student, each.kind.value, each.state.value, each.path, each.error_code)
                for each in deliveries.list_deliveries(db, self.id, number)
            ]


@pytest.fixture
def phys(store: Store, course: int) -> Course:
    return Course(store, course, "alice", "bob")


def students(parcels: list[Parcel]) -> list[str]:
    return sorted(each.delivery.student for each in parcels)


def test_documents_wait_for_their_time(phys: Course) -> None:
    number = phys.assignment(visible_from=NOW + HOUR)
    assert phys.next_due() == NOW + HOUR
    assert phys.claim() == []
    assert students(phys.claim(NOW + HOUR)) == ["alice", "bob"]
    assert phys.claim(NOW + HOUR) == []
    assert {state for _, _, state, *_ in phys.told(number)} == {"waiting"}


def test_who_comes_late_gets_what_was_missed(phys: Course) -> None:
    phys.assignment(visible_from=NOW)
    for parcel in phys.claim():
        phys.finish(parcel, path="homework-1/sheet.ipynb")
    assert phys.next_due() is None
    phys.enrol("alice", "bob", "dora")
    assert phys.next_due() == NOW
    assert students(phys.claim(NOW + HOUR)) == ["dora"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"visible_from": NOW, "document": None},
        {"visible_from": NOW, "availability": Availability(False, None, "x")},
        {"visible_from": NOW, "availability": Availability(True, 30, "x")},
        {"visible_from": NOW + HOUR},
    ],
    ids=["no time", "no document", "password", "hidden", "later"],
)
def test_not_by_itself(phys: Course, fields: dict[str, Any]) -> None:
    phys.assignment(**fields)
    assert phys.claim() == []


def test_an_empty_document_is_not_handed_out(phys: Course, store: Store) -> None:
    with store.writing() as db:
        empty = documents.create_document(
            db, owner="ina", filename="e", scope=Scope.PRIVATE, description=None, now=NOW
        )
    number = phys.assignment(visible_from=NOW, document=empty.id)
    assert phys.next_due() is None
    assert phys.claim() == []
    with pytest.raises(DocumentNotFound):
        phys.ask(number, "alice")


def test_who_left_gets_nothing(phys: Course) -> None:
    number = phys.assignment(visible_from=NOW)
    phys.hold(number, "bob")
    [first, *_] = phys.claim(most=1)
    phys.finish(first, again=True, error_code="home_not_found")
    phys.enrol("alice")
    phys.change(number, grade_release=NOW)
    assert students(phys.claim(NOW + HOUR)) == ["alice"]


def test_the_time_is_moved_while_a_home_is_missing(phys: Course) -> None:
    number = phys.assignment(visible_from=NOW)
    for parcel in phys.claim():
        phys.finish(parcel, again=True, error_code="home_not_found", error="none")
    phys.change(number, visible_from=NOW + 3 * HOUR)
    assert phys.claim(NOW + HOUR) == []
    assert phys.next_due(NOW + HOUR) == NOW + 3 * HOUR
    phys.change(number, availability=Availability(False, None, "x"))
    assert phys.next_due(NOW + HOUR) is None
    assert len(phys.ask(number, "alice", now=NOW + HOUR)) == 1


def test_attempts_are_spread(phys: Course) -> None:
    phys.enrol("alice")
    phys.assignment(visible_from=NOW)
    now, waits = NOW, []
    for _ in range(8):
        [parcel] = phys.claim(now)
        phys.finish(parcel, now, again=True, error_code="home_not_found")
        due = phys.next_due(now)
        assert due is not None
        assert phys.claim(due - timedelta(seconds=1)) == []
        waits.append((due - now).total_seconds())
        now = due
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]


def test_whoever_claimed_it_has_two_minutes(phys: Course) -> None:
    phys.enrol("alice")
    number = phys.assignment(visible_from=NOW)
    [first] = phys.claim()
    assert phys.next_due() == NOW + 2 * MINUTE
    assert phys.ask(number, "alice", now=NOW + MINUTE) == []
    [second] = phys.claim(NOW + 2 * MINUTE)
    phys.finish(first, path="homework-1/late.ipynb")
    assert phys.told(number) == [("alice", "document", "waiting", None, None)]
    phys.finish(second, path="homework-1/sheet.ipynb")
    assert phys.told(number) == [("alice", "document", "delivered", "homework-1/sheet.ipynb", None)]


def test_a_clock_that_was_ahead_holds_up_nothing(phys: Course) -> None:
    phys.enrol("alice")
    phys.assignment(visible_from=NOW)
    future = NOW + timedelta(days=4000)
    [parcel] = phys.claim(future)
    [again] = phys.claim(NOW)
    phys.finish(again, future, again=True, error_code="home_not_found")
    assert parcel != again
    due = phys.next_due(NOW)
    assert due is not None
    assert due <= NOW
    assert len(phys.claim(NOW)) == 1


@pytest.mark.db
def test_two_processes_never_take_on_the_same(phys: Course, url: str) -> None:
    names = [f"s{number:03}" for number in range(60)]
    phys.enrol(*names)
    number = phys.assignment(visible_from=NOW)
    stores = [Store(url), Store(url)]
    found: list[str] = []
    turn = threading.Barrier(len(stores) * 2)

    def process(store: Store) -> None:
        turn.wait()
        while True:
            with store.writing() as db:
                due_deliveries.add_wanted(db, [phys.id], NOW)
                parcels = deliveries.claim(db, [phys.id], NOW, 7)
            if not parcels:
                return
            found.extend(each.delivery.student for each in parcels)
            with store.writing() as db:
                deliveries.finish(db, [(each, Outcome(path="x/y")) for each in parcels], NOW)

    threads = [threading.Thread(target=process, args=(store,)) for store in stores * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(found) == names
    assert len(phys.told(number)) == 60


def test_asking_again(phys: Course, store: Store) -> None:
    number = phys.assignment()
    [parcel] = phys.ask(number, "alice")
    phys.finish(parcel, path="homework-1/sheet.ipynb")
    assert [each.had for each in phys.ask(number, "alice", "bob")] == [
        "homework-1/sheet.ipynb",
        None,
    ]
    later = NOW + HOUR
    phys.write(b"two")
    [newer] = phys.ask(number, "alice", now=later)
    assert (newer.had, newer.delivery.state.value) == (None, "waiting")
    phys.finish(newer, later, path="homework-1/sheet-2.ipynb", renamed=True)
    phys.write(b"three")
    phys.write(b"two")  # as it was, so nothing has changed for who has it
    [same] = phys.ask(number, "alice", now=later)
    assert same.had == "homework-1/sheet-2.ipynb"
    phys.finish(same, later + HOUR, path=same.had)
    with store.reading() as db:
        rows = db.scalars(select(DeliveryRow).where(DeliveryRow.student == "alice")).all()
    assert [(row.path, row.renamed, row.done_at) for row in rows] == [
        ("homework-1/sheet-2.ipynb", True, later)
    ]


def test_reports_follow_the_release(phys: Course, store: Store) -> None:
    number = phys.assignment(grade_release=NOW + HOUR)
    phys.hold(number, "alice", b"wrong")
    assert phys.hold(number, "alice", b"right") == phys.hold(number, "alice", b"right")
    phys.hold(number, "bob")
    assert phys.next_due() == NOW + HOUR
    phys.change(number, grade_release=NOW + 2 * HOUR)
    assert phys.next_due(NOW + HOUR) == NOW + 2 * HOUR
    assert phys.claim(NOW + HOUR) == []
    phys.change(number, grade_release=None)
    alice, bob = sorted(phys.claim(), key=lambda each: each.delivery.student)
    with store.reading() as db:
        assert deliveries.content_of(db, alice) == b"right"
    phys.finish(alice, path="report.html")
    phys.finish(bob, error_code="report_exists", error="there")
    assert phys.told(number) == [
        ("alice", "report", "delivered", "report.html", None),
        ("bob", "report", "failed", None, "report_exists"),
    ]
    with store.reading() as db:
        assert deliveries.content_of(db, replace(alice)) is None
        assert deliveries.content_of(db, bob) is not None
    assert phys.next_due(NOW + HOUR) is None
