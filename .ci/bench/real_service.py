"""The real service in a process of its own, and a client for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

CHUNK = 1 << 20
#: Outcome of a capture that nothing is missing from.
COMPLETE = "complete"
_START_SECONDS = 30
_STOP_SECONDS = 30
_SAMPLE_SECONDS = 0.01
_CONFIG = """\
c = get_config()
c.SnapshotsApp.db_url = {db_url!r}
c.SnapshotsApp.snapshots_dir = {snapshots_dir!r}
c.SnapshotsApp.courses = {courses!r}
"""


class BenchError(Exception):
    """The run can't go on; says why."""


@dataclass(frozen=True)
class Download:
    """One transfer: until its first and its last byte, and the most memory meanwhile."""

    first_byte_seconds: float
    seconds: float
    bytes: int
    memory_growth_bytes: int


class Service:
    """A service without a hub, on a port of its own.

    Parameters:
        folder: of the database, the log and the snapshots.
        courses: code of each course to the folder of its students' homes.
        settings: more lines of its configuration.
    """

    def __init__(self, folder: Path, courses: dict[str, Path], settings: str = "") -> None:
        self.folder = folder
        self.courses = courses
        self.settings = settings
        self.key = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def __enter__(self) -> Service:
        snapshots = self.folder / "snapshots"
        snapshots.mkdir(parents=True, mode=0o700)
        config = self.folder / "config.py"
        courses = [{"code": code, "homes": str(homes)} for code, homes in self.courses.items()]
        config.write_text(
            _CONFIG.format(
                db_url=f"sqlite:///{self.folder}/snapshots.sqlite",
                snapshots_dir=str(snapshots),
                courses=courses,
            )
            + self.settings
        )
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JUPYTER", "JNOTE"))
        }
        environment |= {
            "JUPYTER_API_HOST": "127.0.0.1",
            "JUPYTER_API_PORT": str(self.port),
            "JUPYTER_API_KEY": self.key,
        }
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub_snapshots", "--config", str(config)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the process, kindly first."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.json("GET", "/api/v1")
                return
            time.sleep(0.05)
        raise BenchError(f"The service does not start:\n{self.log()}")

    def log(self) -> str:
        """What the service has written so far."""
        return (self.folder / "log").read_text(errors="replace")

    def root(self, course: str) -> Path:
        """Folder of the course's snapshots."""
        return self.folder / "snapshots" / course

    def path(self, course: str, rest: str) -> str:
        """Path of a route below the course."""
        return f"/api/v1/instructors/me/courses/{course}/{rest}"

    # Requests

    @contextlib.contextmanager
    def _answer(
        self, method: str, path: str, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"X-Api-Key": self.key})
            response = connection.getresponse()
            if response.status >= 400:
                raise BenchError(f"{method} {path}: {response.status} {response.read()!r}")
            yield response

    def json(self, method: str, path: str, value: object = None) -> Any:
        """Sends JSON, returns JSON."""
        body = None if value is None else json.dumps(value).encode()
        with self._answer(method, path, body) as response:
            return json.load(response)

    def read(self, path: str) -> bytes:
        """The body of an answer."""
        with self._answer("GET", path) as response:
            return response.read()

    def raw_request(self, method: str, path: str, course: str, **fields: str) -> bytes:
        """The bytes of a request on a connection that is kept, with a form in its body."""
        body = urlencode(fields)
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: {self.key}\r\n"
            f"Course: {course}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def capture(self, course: str, name: str) -> str:
        """Captures the class and follows the batch to its end; returns the snapshots' name."""
        batch = self.json("POST", self.path(course, "snapshots"), {"name": name})
        end = None
        with self._answer("GET", self.path(course, f"batches/{batch['id']}/events")) as events:
            for line in events:
                if line.startswith(b"event: end"):
                    end = json.loads(next(iter(events)).removeprefix(b"data: "))
        if end is None:
            raise BenchError(f"Batch {batch['id']} of {course} did not end")
        bad = [item for item in end["items"] if item["outcome"] != COMPLETE]
        if bad:
            raise BenchError(f"{len(bad)} captures of {course} failed, the first: {bad[0]}")
        return str(end["name"])

    def download(self, path: str) -> Download:
        """Reads an answer to its end and drops it, watching the service's memory."""
        stop = threading.Event()
        before = peak = self.memory()

        def watch() -> None:
            nonlocal peak
            while not stop.wait(_SAMPLE_SECONDS):
                peak = max(peak, self.memory())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            begin = time.perf_counter()
            with self._answer("GET", path) as response:
                size = len(response.read(1))
                first = time.perf_counter() - begin
                buffer = bytearray(CHUNK)
                while count := response.readinto(buffer):
                    size += count
            seconds = time.perf_counter() - begin
        finally:
            stop.set()
            watcher.join()
        return Download(first, seconds, size, peak - before)

    # The process

    def memory(self) -> int:
        """Bytes of memory that the service holds, its workers not counted."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise BenchError("The service is gone")

    def cpu_seconds(self) -> float:
        """CPU time so far of the service, of its workers, and of what these have run."""
        parents: dict[int, int] = {}
        ticks: dict[int, int] = {}
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                text = Path(entry.path, "stat").read_text()
                fields = text.rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                ticks[int(entry.name)] = sum(map(int, fields[11:15]))
        ours = {self.process.pid}
        while found := {one for one, above in parents.items() if above in ours} - ours:
            ours |= found
        return sum(ticks.get(one, 0) for one in ours) / os.sysconf("SC_CLK_TCK")
