"""Documents in the database."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from jupyterhub_snapshots.core.assignments import Document, Scope
from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.errors import DocumentExists, DocumentInUse, DocumentNotFound
from jupyterhub_snapshots.store import Store, assignments, courses, documents, people

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
LATER = datetime(2026, 3, 2, tzinfo=timezone.utc)


def make(store: Store, owner: str = "ina", filename: str = "sheet.md") -> Document:
    with store.writing() as db:
        return documents.create_document(
            db, owner=owner, filename=filename, scope=Scope.PRIVATE, description=None, now=NOW
        )


def test_versions_are_kept(store: Store) -> None:
    made = make(store)
    for content in (b"one", b"\0\xff" * 1000, b"\0\xff" * 1000, b""):
        with store.writing() as db:
            written = documents.write_contents(db, made.id, content, written_by="ina", now=LATER)
    assert (written.version, written.date) == (3, LATER)
    with store.reading() as db:
        versions = documents.list_versions(db, made.id)
        assert [(each.number, each.size) for each in versions] == [(3, 0), (2, 2000), (1, 3)]
        assert documents.contents(db, made.id) == b""
        assert documents.contents(db, made.id, 2) == b"\0\xff" * 1000
        for number in (0, 4):
            with pytest.raises(DocumentNotFound):
                documents.contents(db, made.id, number)


def test_an_empty_one_has_no_version(store: Store) -> None:
    made = make(store)
    with store.reading() as db:
        assert documents.contents(db, made.id) == b""
        assert documents.list_versions(db, made.id) == []
        with pytest.raises(DocumentNotFound):
            documents.contents(db, made.id, 1)


def test_what_fails_in_the_middle_changes_nothing(store: Store) -> None:
    made = make(store)
    with store.writing() as db:
        documents.write_contents(db, made.id, b"x", written_by="ina", now=LATER)
        db.rollback()
    with store.reading() as db:
        assert documents.get_document(db, made.id) == made
        assert documents.contents(db, made.id) == b""


def test_names_are_each_owners(store: Store) -> None:
    made = make(store)
    other = make(store, "carl")
    with pytest.raises(DocumentExists):
        make(store)
    with store.reading() as db:
        assert documents.list_documents(db, "ina") == [made]
        assert documents.list_documents(db, "carl") == [other]
        assert documents.list_documents(db, "nobody") == []
        assert documents.is_known(db, "carl")
        assert not documents.is_known(db, "nobody")


def test_one_in_use_is_not_deleted(store: Store, course: int) -> None:
    made = make(store)
    with store.writing() as db:
        documents.write_contents(db, made.id, b"x", written_by="ina", now=NOW)
        work = assignments.create_assignment(
            db, course, {"title": "Homework 1", "document": made.id}, NOW
        )
    with pytest.raises(DocumentInUse), store.writing() as db:
        documents.delete_document(db, made.id)
    with store.writing() as db:
        assignments.delete_assignment(db, course, work.id)
        documents.delete_document(db, made.id)
        with pytest.raises(DocumentNotFound):
            documents.list_versions(db, made.id)


def test_what_is_told_of_courses(store: Store, course: int) -> None:
    with store.writing() as db:
        assert courses.facts(db) == {}
        people.put_members(db, course, {"tom": Role.STUDENT, "ina": Role.INSTRUCTOR}, "api")
        people.put_members(db, course, {"otto": Role.INSTRUCTOR}, "api")
        for title, points in (("One", 20), ("Two", 5), ("Three", None)):
            fields = {"title": title, "point_value": points}
            assignments.create_assignment(db, course, fields, NOW)
        found = {each.username: each for each in people.members(db, course)}
        assert courses.facts(db) == {course: courses.CourseFacts(found["ina"].id, 25)}
        assert courses.assigner_of(db, course, "otto") == found["otto"].user_id
        for nobody in ("ina", "tom", "nobody", None):
            assert courses.assigner_of(db, course, nobody) is None
        people.leave(db, course, found["ina"].id)
        assert courses.facts(db) == {course: courses.CourseFacts(found["otto"].id, 25)}
