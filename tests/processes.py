"""The service without a hub, and its commands, as real processes.

`Installation` is a folder with homes, snapshots and a database. It starts the service on a free
port, stops or kills it, finds what it started, and runs commands beside it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

import jupyterhub_snapshots
from homes import Home
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.engine import sidecar, verify
from jupyterhub_snapshots.engine.rsync import MARK
from jupyterhub_snapshots.engine.staging import home_lock

KEY = "a-key-of-the-site-that-nobody-guesses"
_SOURCES = str(Path(jupyterhub_snapshots.__file__).parent.parent)
_PATIENCE_SECONDS = 30


def eventually(true: Callable[[], Any], what: str, seconds: float = _PATIENCE_SECONDS) -> Any:
    """What the function returns as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := true():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not in {seconds} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**more: str) -> dict[str, str]:
    """What a program needs to run, and nothing else of the environment of the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": _SOURCES, "PYTHONWARNINGS": "default", **more}


def children_of(process: int) -> list[int]:
    """Every process below that one."""
    found: list[int] = []
    pending = [process]
    while pending:
        of = pending.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{of}/task"):
                below = Path(f"/proc/{of}/task/{task}/children").read_text().split()
                pending.extend(map(int, below))
                found.extend(map(int, below))
    return found


def is_running(process: int) -> bool:
    """Whether it is there and no zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def command_line(process: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    return ""


def names_in(environ_of: int) -> dict[str, str]:
    """The environment of a process."""
    pairs = Path(f"/proc/{environ_of}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def copies_below(place: Path) -> list[int]:
    """Running processes of copies to a place below that folder."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError):
            if MARK in names_in(int(name)) and str(place) in command_line(int(name)):
                found.append(int(name))
    return found


class Installation:
    """One course, whose roster is a folder of homes, and the service that captures it."""

    def __init__(self, place: Path, *students: str, config: str = "") -> None:
        self.place = place
        self.root = place / "snapshots"
        self.database = place / "catalogue.sqlite"
        self.config = place / "config.py"
        self.config.write_text(config)
        self.root.mkdir(mode=0o700)
        (place / "homes").mkdir()
        self.homes = {name: Home(place / "homes" / name) for name in students}
        for name, home in self.homes.items():
            home.file("work.txt", f"{name}'s work".encode())
        self.services: list[RunningService] = []

    def environment(self, **more: str) -> dict[str, str]:
        own = {
            "JUPYTER_API_HOST": "127.0.0.1",
            "JUPYTER_API_KEY": KEY,
            "JNOTE_HOME": str(self.place / "homes"),
            "JNOTE_SNAP": str(self.root),
            "TZ": "UTC",
        }
        return environment(**{**own, **more})

    @property
    def options(self) -> list[str]:
        return [f"--db=sqlite:///{self.database}", f"--config={self.config}"]

    def start(self, *options: str, **more: str) -> RunningService:
        """The service, once it is ready."""
        service = RunningService(self, list(options), more)
        self.services.append(service)
        service.wait_until_ready()
        return service

    def command(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs ``jupyterhub-snapshots`` with these arguments to its end."""
        words = [sys.executable, "-m", "jupyterhub_snapshots", *arguments, *self.options]
        return subprocess.run(
            words,
            env=self.environment(**more),
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def close(self) -> None:
        """Ends everything that was started here."""
        for service in self.services:
            service.kill()
        for process in self.marked():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    @contextlib.contextmanager
    def held(self, student: str) -> Iterator[None]:
        """While the block runs, no capture of this home gets any further."""
        home = str(self.place / "homes" / student)
        with home_lock(str(self.root), None, home, time.monotonic() + 5):
            yield

    @contextlib.contextmanager
    def locked_database(self) -> Iterator[None]:
        """While the block runs, nobody else can write the database."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN IMMEDIATE")
            yield

    def query(self, sql: str) -> list[Any]:
        """What the database answers."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as connection:
            return connection.execute(sql).fetchall()

    def snapshots(self) -> dict[str, list[str]]:
        """Student → names of the snapshots that can be seen."""
        return {
            folder.name: sorted(each.name for each in folder.iterdir() if each.name[0] != ".")
            for folder in sorted(self.root.iterdir())
            if folder.name != SERVICE_DIR
        }

    def marked(self) -> list[int]:
        """Running copies of this installation."""
        return copies_below(self.place)

    def assert_sound(self, name: str, *students: str) -> None:
        """Each student has this one snapshot, intact, and nothing half-made is anywhere."""
        for student in students or self.homes:
            folder = self.root / student
            assert sorted(os.listdir(folder)) == sorted([name, f".{name}.manifest"]), student
            assert list(verify(str(self.root), student, name)) == []
            with Folder.at(folder) as held:
                header = sidecar.read_header(held, name)
                assert header is not None
                assert header.state == "complete"
        staging = self.root / SERVICE_DIR / "staging"
        assert not staging.exists() or os.listdir(staging) == []
        eventually(lambda: not self.marked(), "no rsync is left", 10)


class RunningService:
    """The service as a process, and a client of it."""

    def __init__(
        self, installation: Installation, options: list[str], more: dict[str, str]
    ) -> None:
        self.port = free_port()
        self.log = installation.place / f"service-{self.port}.log"
        words = [sys.executable, "-m", "jupyterhub_snapshots", f"--ServeApp.port={self.port}"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*words, *installation.options, *options],
                env=installation.environment(**more),
                cwd=installation.place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"X-Api-Key": KEY},
            timeout=_PATIENCE_SECONDS,
        )

    @property
    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text()

    def wait_until_ready(self) -> None:
        def answers() -> bool:
            assert self.process.poll() is None, self.text
            with contextlib.suppress(httpx.TransportError):
                return self.client.get("/ready").status_code in (200, 503)
            return False

        eventually(answers, "the service is ready")

    @property
    def workers(self) -> list[int]:
        """Its processes that run captures."""
        below = children_of(self.process.pid)
        return [process for process in below if "engine.worker" in command_line(process)]

    @property
    def rsyncs(self) -> list[int]:
        below = children_of(self.process.pid)
        return [process for process in below if "rsync" in command_line(process).split(" ")[0]]

    def capture(self, name: str = "hw", students: list[str] | None = None) -> dict[str, Any]:
        """Starts a batch of the class, or of these students, and returns it."""
        body = {"name": name} if students is None else {"name": name, "students": students}
        response = self.client.post(f"{self._course}/snapshots", json=body)
        assert response.status_code == 202, response.text
        batch: dict[str, Any] = response.json()
        return batch

    def batch(self, number: int) -> dict[str, Any]:
        response = self.client.get(f"{self._course}/batches/{number}")
        assert response.status_code == 200, response.text
        batch: dict[str, Any] = response.json()
        return batch

    def wait_for(self, number: int, state: str = "done") -> dict[str, Any]:
        """The batch, once it has that state."""

        def there() -> dict[str, Any] | None:
            batch = self.batch(number)
            return batch if batch["state"] == state else None

        batch: dict[str, Any] = eventually(there, f"batch {number} is {state}")
        return batch

    _course = "/api/v1/instructors/me/courses/course"

    def kill(self) -> None:
        """SIGKILL: no time to do anything."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.client.close()

    def terminate(self) -> int:
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        status = self.process.wait(_PATIENCE_SECONDS)
        self.client.close()
        return status
