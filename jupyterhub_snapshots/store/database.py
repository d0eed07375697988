"""Opening the database, keeping its schema, and units of work."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from ..errors import Busy, StorageUnavailable

Result = TypeVar("Result")

#: How long a writer waits for its turn.
LOCK_WAIT_SECONDS = 15
_THREADS = 4
#: Whose statements are written here and in the catalogue.
_BACKENDS = ("sqlite", "postgresql")
#: Number of the lock in a PostgreSQL database that makes writers take turns.
_ADVISORY_LOCK = 7_481_230_951
_POSTGRES_TURN = [
    f"SET LOCAL lock_timeout = '{LOCK_WAIT_SECONDS}s'",
    f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})",
]


def utc_now() -> datetime:
    """The present instant, aware."""
    return datetime.now(timezone.utc)


class Store:
    """The database of the service.

    A session lives for one unit of work: ``with store.reading() as db`` or ``store.writing()``,
    or from a coroutine ``await store.read(work)`` or ``store.write(work)``, which run
    ``work(db)`` in a thread. Writers wait for each other, in other processes too; readers wait
    for nobody.
    """

    def __init__(self, url: str) -> None:
        """Raises StorageUnavailable for a URL that no database can have, or one of another kind."""
        self._intent = threading.local()
        self._writer = threading.Lock()
        try:
            self.url = make_url(url)
            backend = self.url.get_backend_name()
            if backend not in _BACKENDS:
                raise ArgumentError(f"{backend} is neither {' nor '.join(_BACKENDS)}.")
            self._engine = _engine(self.url, self._intent)
        except (ArgumentError, ImportError) as error:
            raise StorageUnavailable(
                f"The URL of the database can't be used: {error}. An example of one: "
                "sqlite:////srv/jupyterhub/snapshots.sqlite"
            ) from error
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        # Apart, so that writers who wait for a locked database hold up no reader.
        self._readers = ThreadPoolExecutor(_THREADS, thread_name_prefix="store-read")
        self._writers = ThreadPoolExecutor(_THREADS, thread_name_prefix="store-write")

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database; None for others and for one in memory."""
        name = self.url.database
        sqlite = self.url.get_backend_name() == "sqlite"
        return Path(name) if sqlite and name and name != ":memory:" else None

    def open(self) -> None:
        """Checks the database and makes it when it is empty.

        Raises StorageUnavailable when it is damaged, out of reach, or of another version than
        the program.
        """
        found = self._revision()
        head = _scripts().get_current_head()
        if found == head:
            return
        if found is None:
            self._migrate()
            return
        raise StorageUnavailable(
            f"The database {self.url.render_as_string()} has schema {found}, this program needs "
            f"{head}. Run 'jupyterhub-snapshots upgrade-db', or the version of the program that "
            "made the database."
        )

    def upgrade(self) -> Path | None:
        """Brings the schema to the program's version; returns the copy made before, if any.

        Raises StorageUnavailable when the database is damaged, out of reach, or newer than the
        program.
        """
        found = self._revision()
        if found == _scripts().get_current_head():
            return None
        if found is not None and found not in {
            each.revision for each in _scripts().walk_revisions()
        }:
            raise StorageUnavailable(
                f"The database has schema {found}, which this program does not know: a newer "
                "version of jupyterhub-snapshots made it. Upgrade the program."
            )
        copy = self._copy() if found is not None else None
        self._migrate()
        return copy

    def _copy(self) -> Path | None:
        if self.path is None:
            return None
        copy = self.path.with_name(f"{self.path.name}.{utc_now():%Y-%m-%d-%H%M%S}.bak")
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(copy)) as kept:
            source.backup(kept)
        return copy

    def _migrate(self) -> None:
        """Runs in one transaction, after whoever else does the same."""
        config = _alembic()
        with self._writing(), self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _keep_private(self) -> None:
        """Makes the file, if it is missing, ours alone; SQLite makes those beside it alike."""
        if self.path is not None:
            with suppress(OSError):  # opening it says what is wrong
                self.path.touch(mode=0o600)
                self.path.chmod(0o600)

    def _revision(self) -> str | None:
        """The schema of the database, None for an empty one. Raises StorageUnavailable."""
        self._keep_private()
        try:
            with self._engine.connect() as connection:
                if self.path is not None:
                    answer = connection.execute(text("PRAGMA quick_check(1)")).scalar()
                    if answer != "ok":
                        raise self._damaged(answer)
                found = MigrationContext.configure(connection).get_current_revision()
                if found is None and connection.dialect.has_table(connection, "courses"):
                    return "unknown"
                return found
        except OperationalError as error:
            raise StorageUnavailable(
                f"The database {self.url.render_as_string()} can't be opened "
                f"({_line(error.orig)}). Is it there, not locked by another program, and may this "
                "user write it?"
            ) from error
        except DatabaseError as error:
            raise self._damaged(error.orig) from error

    def _damaged(self, how: object) -> StorageUnavailable:
        return StorageUnavailable(
            f"The database {self.url.render_as_string()} is damaged ({_line(how)}). Put back a "
            "copy, or move it away: the catalogue is then made anew from the snapshots on the disk."
        )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A unit of work that only reads.

        Raises Busy when the database is locked or out of reach.
        """
        try:
            with self._sessions.begin() as db:
                yield db
        except OperationalError as error:
            raise _busy() from error

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A unit of work that writes: committed at the end of the block, or rolled back.

        Raises Busy when the database is locked, full or out of reach.
        """
        with self._writing(), self.reading() as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The turn of this thread to write. Raises Busy when it does not come."""
        if not self._writer.acquire(timeout=LOCK_WAIT_SECONDS):
            raise _busy()
        self._intent.write = True
        try:
            yield
        finally:
            self._intent.write = False
            self._writer.release()

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Runs one reading unit of work in a thread and returns what it returns."""
        return await _run(self._readers, self.reading, work)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        """Runs one writing unit of work in a thread and returns what it returns."""
        return await _run(self._writers, self.writing, work)

    def close(self) -> None:
        """Waits for running units and closes every connection."""
        self._readers.shutdown()
        self._writers.shutdown()
        self._engine.dispose()


async def _run(
    threads: ThreadPoolExecutor,
    session: Callable[[], AbstractContextManager[Session]],
    work: Callable[[Session], Result],
) -> Result:
    def unit() -> Result:
        with session() as db:
            return work(db)

    return await asyncio.get_running_loop().run_in_executor(threads, unit)


def _line(text: object) -> str:
    """What the database says, on one line."""
    return " ".join(str(text).split())


def _busy() -> Busy:
    return Busy("The database is locked, full or out of reach. Try again.")


def _engine(url: URL, intent: threading.local) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = _sqlite(url)
        begin_reading, begin_writing = ["BEGIN"], ["BEGIN IMMEDIATE"]
    else:
        engine = create_engine(url, pool_pre_ping=True)
        begin_reading, begin_writing = [], _POSTGRES_TURN

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # Two writers at once would see neither's rows; and on SQLite a reader that turns writer
        # later would fail at once instead of waiting for its turn.
        for statement in begin_writing if getattr(intent, "write", False) else begin_reading:
            connection.exec_driver_sql(statement)

    return engine


def _sqlite(url: URL) -> Engine:
    options: dict[str, Any] = {
        "connect_args": {"timeout": LOCK_WAIT_SECONDS, "check_same_thread": False}
    }
    if url.database in (None, "", ":memory:"):
        options["poolclass"] = StaticPool
    elif url.database is not None:
        folder = os.path.dirname(os.path.abspath(url.database))
        if not os.path.isdir(folder):
            raise StorageUnavailable(f"The folder {folder} of the database does not exist.")
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # transactions begin where `begin` says
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("path_separator", "os")
    return config
