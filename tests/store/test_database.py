"""The database as such: its schema, its locks, its file, and what happens when it is damaged."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, event, text

from homes import killed_by
from jupyterhub_snapshots.errors import Busy, StorageUnavailable
from jupyterhub_snapshots.store import Store, batches, database, people
from jupyterhub_snapshots.store.database import utc_now
from jupyterhub_snapshots.store.tables import Base

HEAD = "0002"


def sql(file: Path, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def opened(file: Path) -> Store:
    store = Store(f"sqlite:///{file}")
    store.open()
    return store


def add_course(store: Store, code: str = "phys") -> int:
    with store.writing() as db:
        return people.ensure_course(db, code, code, None, "UTC")


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program is writing."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


# The schema


def test_migrations_make_what_the_classes_describe(store: Store, url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


def test_opening_twice_changes_nothing(store: Store, url: str, course: int) -> None:
    again = Store(url)
    again.open()
    assert again.upgrade() is None
    with again.reading() as db:
        assert db.execute(text("SELECT count(*) FROM courses")).scalar() == 1
    again.close()


def open_in_process(
    url: str, start: threading.Barrier, answers: multiprocessing.Queue[str]
) -> None:
    start.wait()
    store = Store(url)
    try:
        store.open()
        answers.put("opened")
    except Exception as error:
        answers.put(repr(error))


@pytest.mark.threat("C3")
def test_several_open_an_empty_database_at_once(url: str) -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    start = context.Barrier(4)
    openers = [
        context.Process(target=open_in_process, args=(url, start, answers)) for _ in range(4)
    ]
    for opener in openers:
        opener.start()
    assert [answers.get(timeout=30) for _ in openers] == ["opened"] * 4
    for opener in openers:
        opener.join()


@pytest.mark.threat("B7")
@pytest.mark.parametrize("revision", ["9999", "0000"])
def test_a_schema_that_is_not_ours_is_refused(file: Path, revision: str) -> None:
    opened(file).close()
    sql(file, f"UPDATE alembic_version SET version_num = '{revision}'")
    before = file.read_bytes()
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StorageUnavailable, match="upgrade-db"):
        store.open()
    with pytest.raises(StorageUnavailable, match="Upgrade the program"):
        store.upgrade()
    store.close()
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.threat("B7")
def test_a_database_of_something_else_is_refused(file: Path) -> None:
    sql(file, "CREATE TABLE courses (title TEXT)")
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StorageUnavailable, match="schema unknown"):
        store.open()
    store.close()
    assert sql(file, "SELECT name FROM sqlite_master") == [("courses",)]


def at_first_schema(file: Path) -> None:
    """A database as the first version made it, with a course."""
    store = Store(f"sqlite:///{file}")
    config = database._alembic()
    with store._writing(), store._engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    store.close()
    sql(file, "INSERT INTO courses VALUES (1, 'phys', 'Physics', NULL, 'UTC', '2026-01-01')")
    sql(
        file,
        "INSERT INTO batches VALUES (1, 'k', 1, 'ps1_2026-01-01', 'ina', '2026-01-01 10:00:00', 0)",
    )
    sql(
        file,
        "INSERT INTO batch_items (batch_id, student, state, attempts, problem_count)"
        " VALUES (1, 'ada', 'done', 1, 0)",
    )


@pytest.mark.threat("B7")
def test_upgrade_keeps_everything_and_a_copy(file: Path) -> None:
    at_first_schema(file)
    store = Store(f"sqlite:///{file}")
    with pytest.raises(StorageUnavailable, match="upgrade-db"):
        store.open()
    copy = store.upgrade()
    with store.reading() as db:
        batch = batches.get(db, 1)
        assert [item.student for item in batch.items] == ["ada"]
        assert compare_metadata(MigrationContext.configure(db.connection()), Base.metadata) == []
    store.close()
    assert copy is not None
    assert copy.name.startswith("catalogue.sqlite.")
    assert copy.name.endswith(".bak")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sql(copy, "SELECT version_num FROM alembic_version") == [("0001",)]


@pytest.mark.threat("B7", "K1")
@pytest.mark.parametrize("statement", range(1, 48, 5))
def test_killed_in_the_middle_of_a_migration(file: Path, statement: int) -> None:
    def migrate() -> None:
        store = Store(f"sqlite:///{file}")
        counted = 0

        @event.listens_for(store._engine, "before_cursor_execute")
        def count(connection: object, cursor: object, text: str, *rest: object) -> None:
            nonlocal counted
            counted += text.lstrip().upper().startswith(("CREATE", "INSERT"))
            if counted == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        store.open()

    ended_by = killed_by(migrate)
    tables = sql(file, "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    assert ended_by == 0 or tables == []
    store = opened(file)
    add_course(store)
    store.close()
    assert sql(file, "SELECT version_num FROM alembic_version") == [(HEAD,)]


# The file


@pytest.mark.threat("A8", "F11")
def test_nobody_else_can_read_the_file(file: Path) -> None:
    store = opened(file)
    add_course(store)
    for path in file.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    store.close()


@pytest.mark.parametrize(
    "bad", ["nonsense", "foo://x/y", "sqlite:////no/such/folder/x.sqlite", "foo+bar://u:geheim@h/x"]
)
def test_a_url_that_cannot_be_is_told(bad: str) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        Store(bad)
    assert "geheim" not in caught.value.message


@pytest.mark.parametrize("other", ["mysql+pymysql", "mssql+pyodbc", "oracle", "postgres"])
def test_another_kind_of_database_is_refused(other: str) -> None:
    with pytest.raises(StorageUnavailable, match="is neither sqlite nor postgresql") as caught:
        Store(f"{other}://me:geheim@127.0.0.1/x")
    assert "geheim" not in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.threat("B1")
def test_a_database_out_of_reach_is_told_on_one_line() -> None:
    store = Store("postgresql+psycopg://me:geheim@127.0.0.1:1/x")
    with pytest.raises(StorageUnavailable, match="can't be opened") as caught:
        store.open()
    assert "geheim" not in caught.value.message
    assert "\n" not in caught.value.message
    store.close()


@pytest.mark.threat("B5")
@pytest.mark.parametrize("damage", ["page", "cut", "header", "text"])
def test_a_damaged_file_is_refused_and_left_as_it_is(file: Path, damage: str) -> None:
    store = opened(file)
    with store.writing() as db:
        people.ensure_users(db, [f"student{number}" for number in range(2000)])
    store.close()
    content = file.read_bytes()
    file.write_bytes(
        {
            "page": content[:8192] + os.urandom(4096) + content[12288:],
            "cut": content[: len(content) // 2],
            "header": os.urandom(100) + content[100:],
            "text": b"this is a note, not a database\n" * 50,
        }[damage]
    )
    before = file.read_bytes()
    store = Store(f"sqlite:///{file}")
    for attempt in (store.open, store.upgrade):
        with pytest.raises(
            StorageUnavailable, match=r"is damaged .* from the snapshots on the disk"
        ):
            attempt()
    store.close()
    assert file.read_bytes() == before


@pytest.mark.threat("B5")
def test_a_lost_write_ahead_log_loses_the_last_writes_only(file: Path) -> None:
    store = opened(file)
    add_course(store, "first")
    store.close()
    kept = file.read_bytes()
    store = opened(file)
    add_course(store, "second")
    store.close()
    file.write_bytes(kept)
    for name in ("-wal", "-shm"):
        Path(f"{file}{name}").unlink(missing_ok=True)
    store = opened(file)
    with store.reading() as db:
        assert db.execute(text("SELECT code FROM courses")).scalars().all() == ["first"]
    store.close()


@pytest.mark.threat("B1", "B5")
def test_a_locked_file_is_not_called_damaged(file: Path, quick: None) -> None:
    opened(file).close()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        store = Store(f"sqlite:///{file}")
        with pytest.raises(StorageUnavailable, match="locked"):
            store.open()
        store.close()


# Locks


@pytest.mark.threat("B1")
async def test_writes_wait_and_then_say_busy_while_reads_go_on(file: Path, quick: None) -> None:
    store = opened(file)
    add_course(store)
    with locked(file):
        writes = [
            asyncio.create_task(store.write(lambda db: people.ensure_users(db, ["alice"])))
            for _ in range(20)
        ]
        codes = await store.read(lambda db: db.execute(text("SELECT code FROM courses")).all())
        assert codes == [("phys",)]
        assert not any(task.done() for task in writes)
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert all(type(result) is Busy for result in results)
    await store.write(lambda db: people.ensure_users(db, ["alice"]))
    store.close()


@pytest.mark.threat("B1")
async def test_a_write_that_only_has_to_wait_is_not_lost(file: Path) -> None:
    store = opened(file)
    with locked(file):
        write = asyncio.create_task(store.write(lambda db: people.ensure_users(db, ["alice"])))
        await asyncio.sleep(0.3)
        assert not write.done()
    await write
    assert sql(file, "SELECT username FROM users") == [("alice",)]
    store.close()


async def test_writers_take_turns(store: Store, course: int) -> None:
    """Each reads before it writes, and none misses what another wrote."""

    def one_more(db: object) -> None:
        row = db.execute(text("SELECT description FROM courses")).scalar()  # type: ignore[attr-defined]
        number = int(row or 0) + 1
        db.execute(text(f"UPDATE courses SET description = '{number}'"))  # type: ignore[attr-defined]

    await asyncio.gather(*(store.write(one_more) for _ in range(50)))
    with store.reading() as db:
        assert db.execute(text("SELECT description FROM courses")).scalar() == "50"


def test_a_unit_that_fails_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writing() as db:
            people.ensure_users(db, ["alice"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as db:
        assert db.execute(text("SELECT count(*) FROM users")).scalar() == 0
    add_course(store)  # the turn to write was given back


@pytest.mark.threat("T1", "T10")
def test_times_come_back_aware(store: Store, course: int) -> None:
    before = utc_now()
    with store.writing() as db:
        people.ensure_course(db, "chem", "Chemistry", None, "UTC")
    with store.reading() as db:
        from jupyterhub_snapshots.store.tables import CourseRow

        row = db.get(CourseRow, course + 1)
        assert row is not None
        assert row.created_at.utcoffset() is not None
        assert before <= row.created_at <= utc_now()
        row.created_at = before.replace(tzinfo=None)
        with pytest.raises(Exception, match="naive"):
            db.flush()
        db.rollback()


# A disk that is full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a file system may not be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.threat("B6")
def test_a_full_disk_means_busy_and_nothing_is_torn(small_disk: Path) -> None:
    file = small_disk / "catalogue.sqlite"
    store = opened(file)
    add_course(store)
    written = 0

    def fill() -> None:
        nonlocal written
        while True:
            with store.writing() as db:
                people.ensure_users(db, [f"student{written}-{number}" for number in range(50)])
            written += 50

    with pytest.raises(Busy, match="full"):
        fill()
    with store.reading() as db:
        assert db.execute(text("SELECT count(*) FROM users")).scalar() == written
        assert db.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        (first,) = people.ensure_users(db, ["student0-0"])
    assert first == "student0-0"
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    with store.writing() as db:
        people.ensure_users(db, ["there is space again"])
    store.close()
