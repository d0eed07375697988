"""Fixtures of the store's tests.

url: of an empty database, an SQLite file; with SNAPSHOTS_TEST_DB_URL set (a PostgreSQL where
    databases may be made) once more of a fresh database there.
store: an opened store of that database.
course: the id of a course in it.
file: an SQLite file that does not exist yet.
quick: makes writers give up after a fifth of a second.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from jupyterhub_snapshots.store import Store, database, people

SERVER = os.environ.get("SNAPSHOTS_TEST_DB_URL")
DATABASES = ["sqlite", *([pytest.param("postgresql", marks=pytest.mark.db)] if SERVER else [])]


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite" or SERVER is None:
        yield f"sqlite:///{tmp_path}/catalogue.sqlite"
        return
    name = f"snapshots_test_{secrets.token_hex(6)}"
    server = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = Store(url)
    made.open()
    yield made
    made.close()


@pytest.fixture
def course(store: Store) -> int:
    with store.writing() as db:
        return people.ensure_course(db, "phys", "Physics", None, "UTC")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.2)
