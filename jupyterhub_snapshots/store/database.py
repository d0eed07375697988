"""Opening the database, keeping its schema, and units of work."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from ..errors import Busy, StorageUnavailable

Result = TypeVar("Result")

_LOCK_WAIT_SECONDS = 15
_THREADS = 4


def utc_now() -> datetime:
    """The present instant, aware."""
    return datetime.now(timezone.utc)


class Store:
    """The database of the service.

    A session lives for one unit of work: ``with store.reading() as db`` or ``store.writing()``,
    or from a coroutine ``await store.read(work)`` or ``store.write(work)``, which run
    ``work(db)`` in a thread. Writers wait for each other, readers for nobody.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self._intent = threading.local()
        self._writer = threading.Lock()
        self._engine = _engine(url, self._intent)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database; None for others and for one in memory."""
        name = self.url.database
        sqlite = self.url.get_backend_name() == "sqlite"
        return Path(name) if sqlite and name and name != ":memory:" else None

    def open(self) -> None:
        """Checks the database and makes it when it is empty.

        Raises StorageUnavailable when it is damaged, or of another version than the program.
        """
        self._check_integrity()
        with self._engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            empty = not connection.dialect.has_table(connection, "courses")
        head = ScriptDirectory.from_config(_alembic()).get_current_head()
        if found == head:
            return
        if found is None and empty:
            self._migrate()
            return
        raise StorageUnavailable(
            f"The database {self.url.render_as_string()} has schema {found}, this program needs "
            f"{head}. Run 'jupyterhub-snapshots upgrade-db', or the version of the program that "
            "made the database."
        )

    def upgrade(self) -> Path | None:
        """Brings the schema to the program's version; returns the copy made before, if any.

        Raises StorageUnavailable when the database is newer than the program.
        """
        self._check_integrity()
        copy = None
        if self.path is not None and self.path.exists():
            copy = self.path.with_name(f"{self.path.name}.{utc_now():%Y-%m-%d-%H%M%S}.bak")
            with sqlite3.connect(self.path) as source, sqlite3.connect(copy) as target:
                source.backup(target)
            shutil.copymode(self.path, copy)
        self._migrate()
        return copy

    def _migrate(self) -> None:
        config = _alembic()
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except Exception as error:
                if "Can't locate revision" in str(error):
                    raise StorageUnavailable(
                        "The database was made by a newer version of jupyterhub-snapshots. "
                        "Upgrade the program."
                    ) from error
                raise
        if self.path is not None:
            self.path.chmod(0o600)

    def _check_integrity(self) -> None:
        if self.path is None or not self.path.exists():
            return
        try:
            with self._engine.connect() as connection:
                answer = connection.execute(text("PRAGMA quick_check(1)")).scalar()
        except DatabaseError as error:
            answer = str(error.orig)
        if answer != "ok":
            raise StorageUnavailable(
                f"The database {self.path} is damaged ({answer}). Put back a copy, or move it "
                "away: the catalogue is then made anew from the snapshots on the disk."
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
            raise Busy("The database is locked or out of reach. Try again.") from error

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A unit of work that writes: committed at the end of the block, or rolled back.

        Raises Busy when the database is locked, full or out of reach.
        """
        with self._writer:
            self._intent.write = True
            try:
                with self.reading() as db:
                    yield db
            finally:
                self._intent.write = False

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Runs one reading unit of work in a thread and returns what it returns."""
        return await self._run(self.reading, work)

    async def write(self, work: Callable[[Session], Result]) -> Result:
        """Runs one writing unit of work in a thread and returns what it returns."""
        return await self._run(self.writing, work)

    async def _run(
        self,
        session: Callable[[], AbstractContextManager[Session]],
        work: Callable[[Session], Result],
    ) -> Result:
        def unit() -> Result:
            with session() as db:
                return work(db)

        return await asyncio.get_running_loop().run_in_executor(self._threads, unit)

    def close(self) -> None:
        """Waits for running units and closes every connection."""
        self._threads.shutdown()
        self._engine.dispose()


def _engine(url: str, intent: threading.local) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    options: dict[str, Any] = {
        "connect_args": {"timeout": _LOCK_WAIT_SECONDS, "check_same_thread": False}
    }
    if parsed.database in (None, "", ":memory:"):
        options["poolclass"] = StaticPool
    elif parsed.database is not None:
        folder = os.path.dirname(os.path.abspath(parsed.database))
        if not os.path.isdir(folder):
            raise StorageUnavailable(f"The folder {folder} of the database does not exist.")
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # transactions begin where `begin` below says
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # A reader that turns writer later would fail at once instead of waiting for its turn.
        immediate = getattr(intent, "write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("path_separator", "os")
    return config
