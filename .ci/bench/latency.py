"""How soon the service answers, alone and while it captures a class."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classroom import change_homes, settle
from real_service import BenchError, Service

CONNECTIONS = (1, 32)
#: The service makes no more than 16 zips at once for one caller.
ZIP_CONNECTIONS = (1, 8)
ALONE, CAPTURING = "alone", "capturing"
#: Each case is measured this often, alone and capturing in turns.
PASSES = 2
SNAPSHOTS = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """One kind of request; `requests` go round the students."""

    name: str
    requests: list[bytes]
    connections: tuple[int, ...] = CONNECTIONS


def measure_latency(
    name: str, *, homes: Path, folder: Path, seconds: float, say: Say
) -> dict[str, Any]:
    """Answers' latencies in seconds: case, connections, alone or capturing, samples."""
    reading, loaded = f"{name}-read", f"{name}-load"
    samples: dict[str, dict[str, dict[str, list[float]]]] = {}
    spawn = multiprocessing.get_context("spawn")
    with (
        Service(folder / "service", {reading: homes, loaded: homes}) as service,
        ProcessPoolExecutor(1, spawn) as client,
    ):
        settle(homes)
        names = []
        for number in range(SNAPSHOTS):
            names.append(service.capture(reading, f"week-{number}"))
        say(f"{name}: {SNAPSHOTS} snapshots of each student to be listed")
        service.capture(loaded, "first")
        cases = _cases(service, reading, names[-1], sorted(path.name for path in homes.iterdir()))
        for number in range(PASSES):
            for state in (ALONE, CAPTURING):
                with _Load(service, loaded, homes, f"{number}", on=state == CAPTURING) as load:
                    for case in cases:
                        for connections in case.connections:
                            load.check()
                            found = client.submit(
                                hammer, service.port, case.requests, connections, seconds
                            ).result()
                            kept = samples.setdefault(case.name, {}).setdefault(
                                f"{connections}", {ALONE: [], CAPTURING: []}
                            )
                            kept[state].extend(found)
                say(f"{name} latency {state}, pass {number + 1}/{PASSES}")
    return samples


def _cases(service: Service, course: str, snapshot: str, students: list[str]) -> list[Case]:
    def form(path: str, **fields: str) -> list[bytes]:
        return [
            service.raw_request("POST", path, course, STUDENT_ID=student, **fields)
            for student in students
        ]

    def get(rest: str) -> list[bytes]:
        return [
            service.raw_request("GET", service.path(course, rest.format(student)), course)
            for student in students
        ]

    return [
        Case("list, older route", form("/get_snapshot_list")),
        Case("list", get("students/{}/snapshots")),
        Case("list, class", get("snapshots?per_page=100")),
        Case("files, older route", form("/get_snapshot_file_list", SNAPSHOT_NAME=snapshot)),
        Case("files, one folder", get(f"students/{{}}/snapshots/{snapshot}/tree?path=week-01")),
        Case(
            "zip of a student",
            form("/get_snapshot_zip", SNAPSHOT_NAME=snapshot),
            ZIP_CONNECTIONS,
        ),
    ]


class _Load:
    """Captures of the class, one after the other, files changing before each, until left."""

    def __init__(self, service: Service, course: str, homes: Path, name: str, *, on: bool) -> None:
        self._service = service
        self._course = course
        self._homes = homes
        self._name = name
        self._on = on
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Load:
        if self._on:
            self._thread.start()
        time.sleep(0.3)
        return self

    def __exit__(self, *error: object) -> None:
        if self._on:
            self._stop.set()
            self._thread.join()
            self.check()

    def check(self) -> None:
        """Raises what a capture has failed with."""
        if self._error is not None:
            raise BenchError("A capture failed meanwhile") from self._error

    def _run(self) -> None:
        try:
            for number in itertools.count():
                if self._stop.is_set():
                    return
                change_homes(self._homes, number)
                self._service.capture(self._course, f"load-{self._name}-{number}")
        except BaseException as error:
            self._error = error


def hammer(port: int, requests: list[bytes], connections: int, seconds: float) -> list[float]:
    """Sends the requests over some connections, each waiting for its answer; the latencies."""
    return asyncio.run(_hammer(port, requests, connections, seconds))


async def _hammer(
    port: int, requests: list[bytes], connections: int, seconds: float
) -> list[float]:
    found: list[float] = []
    turn = itertools.cycle(requests)
    begin = time.perf_counter() + 0.1 * seconds  # what comes before is to warm up
    end = begin + seconds

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (start := time.perf_counter()) < end or not found:
            writer.write(next(turn))
            await _read_answer(reader)
            if start >= begin:
                found.append(time.perf_counter() - start)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(connections)))
    return found


async def _read_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    _, _, length = head.partition("\r\ncontent-length: ")
    left = int(length.partition("\r\n")[0])
    status, _, _ = head.partition("\r\n")
    if " 200 " not in status:
        raise BenchError(f"{status}: {(await reader.readexactly(left)).decode()}")
    while left:
        left -= len(await reader.read(min(left, 1 << 18)))
