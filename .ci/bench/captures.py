"""Cold and warm captures of a class: the service and every reference, round by round."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classroom import ClassSize, change_homes, settle
from real_service import CHUNK, Service
from references import Reference, Timing, make_references, used_bytes

OURS = "this service"
STAGES = ("cold", "warm")
_REMOVERS = 4

Say = Callable[[str], None]


def measure_captures(
    size: ClassSize,
    *,
    homes: Path,
    folder: Path,
    rounds: int,
    slow_rounds: int,
    rest_seconds: float,
    skip: set[str],
    until: float,
    say: Say,
) -> dict[str, Any]:
    """Runs the rounds; no new one is begun after `until` (`time.monotonic`).

    Each contender begins after a rest: a virtual machine gives memory that was freed back to its
    host after about two seconds, and whoever writes next pays two or three times the system time
    to get it again. So that hits all, not only those that happen to run after a deletion.

    A round begins with nothing: everyone takes a first copy, the same files change for all, and
    everyone takes a second one against its own first. The order is another one in each round.

    Returns what each contender took, one value for each round.
    """
    runs: dict[str, dict[str, list[dict[str, float]]]] = {s: defaultdict(list) for s in STAGES}
    space: dict[str, dict[str, list[int]]] = {stage: defaultdict(list) for stage in STAGES}
    chance = random.Random(size.name)
    courses = {f"{size.name}-{number}": homes for number in range(1, rounds + 1)}
    with Service(folder / "service", courses) as service:
        for number, course in enumerate(courses, 1):
            if number > 1 and time.monotonic() > until:
                say(f"{size.name}: out of time after {number - 1} rounds")
                break
            trees = folder / "references"
            left_out = skip if number <= slow_rounds else skip | {"restic", "borg"}
            contenders: list[Reference | None] = [
                None,
                *make_references(trees, homes, left_out),
            ]
            for stage in STAGES:
                if stage == "warm":
                    change_homes(homes, number)
                settle(homes)
                chance.shuffle(contenders)
                for contender in contenders:
                    if contender is None:
                        name, place = OURS, service.root(course)
                    elif stage == "cold" and not contender.has_cold:
                        continue
                    else:
                        name, place = contender.name, contender.folder
                        contender.prepare(stage)
                    _warm_cache(homes, place)
                    time.sleep(rest_seconds)
                    if contender is None:
                        timing = _capture(service, course, stage)
                    else:
                        timing = contender.run(stage)
                    runs[stage][name].append(asdict(timing))
                    space[stage][name].append(used_bytes(place))
                    _drop_cache(place)
                    say(
                        f"{size.name} {number}/{rounds} {stage}  {name:24} {timing.seconds:7.2f} s"
                        f"  (durable {timing.durable_seconds:6.2f}, CPU {timing.cpu_seconds:6.2f})"
                    )
            _remove([*trees.iterdir(), service.root(course)])
    return {"students": size.students, "files": size.files, "bytes": size.bytes} | {
        "runs": runs,
        "used_bytes": space,
    }


def _capture(service: Service, course: str, stage: str) -> Timing:
    subprocess.run(["sync"], check=True)
    cpu = service.cpu_seconds()
    begin = time.perf_counter()
    service.capture(course, stage)
    seconds = time.perf_counter() - begin
    return Timing(seconds, seconds, service.cpu_seconds() - cpu)


def _warm_cache(homes: Path, place: Path) -> None:
    """Brings the homes, and the folders of what was copied before, into memory, as for all."""
    buffer = bytearray(CHUNK)
    for path in _files(homes):
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    if place.exists():
        used_bytes(place)


def _drop_cache(place: Path) -> None:
    """Takes the copies out of memory again, so that the homes stay in it."""
    subprocess.run(["sync"], check=True)
    for path in _files(place):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _remove(places: list[Path]) -> None:
    """Removes trees, several at a time, until the disk has nothing left to do about it."""
    with ThreadPoolExecutor(_REMOVERS) as threads:
        for _ in threads.map(
            lambda place: subprocess.run(["rm", "-rf", place], check=True), places
        ):
            pass
    subprocess.run(["sync"], check=True)


def _files(folder: Path) -> Iterator[str]:
    for above, _, names in os.walk(folder):
        yield from (os.path.join(above, name) for name in names)
