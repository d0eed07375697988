"""How soon after a deadline the captures of a class begin and end, beside plain rsync."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from classroom import ClassSize, change_homes, make_homes, settle
from real_service import COMPLETE, BenchError, Service
from references import Incremental, Timing, incremental

from jupyterhub_snapshots.executors import LocalExecutor

FILES = 60
HOME_BYTES = 500_000
#: What a home takes while it is measured: itself, two first copies, and what changed.
COPIES = 4

_COURSE = "deadline"
_TITLE = "Homework 1"
#: The deadline is first set so late that the warm-up is due at once, and moved when all is ready:
#: how long a warm-up takes need not be guessed.
_WARM_UP = timedelta(hours=1)
_SETTINGS = f"c.DeadlineScheduler.warm_up_minutes = {_WARM_UP.total_seconds() / 60}\n"
_SOON = timedelta(seconds=3)
_POLL_SECONDS = 1.0
_LONGEST_SECONDS = 1800.0
#: So many of the changed files are read again from the snapshots.
_READ = 20

Say = Callable[[str], None]


def measure_deadline(
    students: int, *, folder: Path, lead_seconds: float, rest_seconds: float, say: Say
) -> dict[str, Any]:
    """One deadline of a class of that many, taken by the scheduler as it is in use.

    A plain rsync for each home, as many at once as the service runs, does the same to the same
    homes: a first copy, and a second one of what changed, before the deadline comes.

    Parameters:
        lead_seconds: from the moment when all is ready to the deadline. After a minute the
            service has let its idle workers go, and has to start new ones as in use.
    """
    size = ClassSize(f"{students} homes", students, FILES, HOME_BYTES)
    homes = folder / "homes"
    say(f"{size.name}: writing {size.total_bytes / 1e9:.2f} GB")
    make_homes(homes, size)
    settle(homes)
    processes = LocalExecutor().max_concurrent_captures
    name = incremental(processes)
    plain = Incremental(name, folder / "plain", homes, processes)
    with Service(folder / "service", {_COURSE: homes}, _SETTINGS) as service:
        warm_up = _warm_up(service, students)
        say(f"{size.name}: warm-up  {warm_up['last_end']:7.2f} s")
        cold = _copy(plain, "cold", rest_seconds)
        say(f"{size.name}: {name}, cold  {cold.seconds:7.2f} s")
        changed = change_homes(homes, students)
        contents = {path: path.read_bytes() for path in changed[:: len(changed) // _READ or 1]}
        settle(homes)
        warm = _copy(plain, "warm", rest_seconds)
        say(f"{size.name}: {name}, warm  {warm.seconds:7.2f} s")
        figures = _deadline(service, students, lead_seconds)
        for path, content in contents.items():
            _compare(service, figures["snapshot"], path.relative_to(homes), content)
        say(
            f"{size.name}: deadline, last begin {figures['last_begin']:.2f} s after it, "
            f"last end {figures['last_end']:.2f} s"
        )
    subprocess.run(["rm", "-rf", folder], check=True)
    return figures | {
        "students": students,
        "files": FILES,
        "bytes": HOME_BYTES,
        "changed_files": len(changed),
        "compared_files": len(contents),
        "processes": processes,
        "warm_up": warm_up,
        "reference": {"name": name, "cold": asdict(cold), "warm": asdict(warm)},
    }


def _copy(plain: Incremental, stage: str, rest_seconds: float) -> Timing:
    plain.prepare(stage)
    time.sleep(rest_seconds)
    return plain.run(stage)


def _warm_up(service: Service, students: int) -> dict[str, Any]:
    """Makes the assignment, and waits until the scheduler has taken the warm-up."""
    service.json("GET", service.path(_COURSE, "students"))  # who is no student yet gets no warm-up
    # The service's own key is nobody's, and a document is somebody's.
    person = {"username": "teacher", "role": "instructor"}
    service.json("POST", service.path(_COURSE, "members"), person)
    teacher = "/api/v1/instructors/teacher"
    document = service.json("POST", f"{teacher}/documents", {"filename": "a.ipynb"})
    due = _instant(_WARM_UP + _SOON)
    fields = {"document": document, "title": _TITLE, "duedate": _text(due)}
    service.json("POST", f"{teacher}/courses/{_COURSE}/assignments", fields)
    return _captured(service, "warmup", due - _WARM_UP, students)


def _deadline(service: Service, students: int, lead_seconds: float) -> dict[str, Any]:
    """Moves the deadline to a moment soon, and waits until the class is captured."""
    (assignment,) = service.json("GET", service.path(_COURSE, "assignments"))
    due = _instant(timedelta(seconds=lead_seconds))
    path = service.path(_COURSE, f"assignments/{assignment['id']}")
    service.json("PATCH", path, {"duedate": _text(due)})
    time.sleep(max(0.0, (due - _now()).total_seconds() - 1))
    load, cpu = os.getloadavg()[0], service.cpu_seconds()
    figures = _captured(service, "deadline", due, students)
    return figures | {"load_before": load, "cpu_seconds": service.cpu_seconds() - cpu}


def _captured(service: Service, kind: str, instant: datetime, students: int) -> dict[str, Any]:
    """Waits for the captures of an instant; when they began and ended, in seconds after it.

    Raises BenchError when one of them is not what it should be.
    """
    until = time.monotonic() + (instant - _now()).total_seconds() + _LONGEST_SECONDS
    listing = service.path(_COURSE, f"batches?kind={kind}")
    while not (found := service.json("GET", listing)) or found[0]["state"] == "running":
        if time.monotonic() > until:
            raise BenchError(f"The {kind} captures do not end: {found}\n{service.log()}")
        time.sleep(_POLL_SECONDS)
    if len(found) != 1 or _parse(found[0]["instant"]) != instant:
        raise BenchError(f"One batch for {_text(instant)} was wanted, not {found}")
    batch = service.json("GET", service.path(_COURSE, f"batches/{found[0]['id']}"))
    items = batch["items"]
    bad = [item for item in items if item["outcome"] != COMPLETE or item["attempts"] != 1]
    if bad or len(items) != students:
        raise BenchError(f"{len(bad)} of {len(items)} {kind} captures are not complete: {bad[:1]}")

    def seconds(field: str) -> list[float]:
        return sorted((_parse(item[field]) - instant).total_seconds() for item in items)

    begins, ends = seconds("beganAt"), seconds("endedAt")
    if begins[0] < 0:
        raise BenchError(f"A {kind} capture began {-begins[0]:.3f} s before its instant")
    return {
        "snapshot": batch["name"],
        "first_begin": begins[0],
        "median_begin": begins[len(begins) // 2],
        "last_begin": begins[-1],
        "last_end": ends[-1],
    }


def _compare(service: Service, snapshot: str, path: Path, content: bytes) -> None:
    student, rest = path.parts[0], "/".join(path.parts[1:])
    stored = service.read(
        service.path(_COURSE, f"students/{student}/snapshots/{snapshot}/files/{rest}")
    )
    if stored != content:
        raise BenchError(f"{path} is not in {snapshot} as it was changed before the deadline")


def _instant(ahead: timedelta) -> datetime:
    """A whole second, but the last of no minute, which would last until its end."""
    found = (_now() + ahead + timedelta(seconds=1)).replace(microsecond=0)
    return found + timedelta(seconds=1) if found.second == 59 else found


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _text(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
