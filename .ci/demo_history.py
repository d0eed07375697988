"""The demo's weeks before today: real captures of homes that grow, with the dates set back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from demo_homes import weeks

from jupyterhub_snapshots.core.manifest import dump_header, load_header
from jupyterhub_snapshots.engine import CaptureJob, capture

#: The last of the weeks is for the snapshot that is taken before people's eyes.
_WEEKS_BEFORE = 3
_DUE = time(18, 0)


def make_history(homes: Path, root: Path, students: tuple[str, ...], zone: str) -> int:
    """Makes the homes, and a snapshot of each at the end of every week but the last.

    The last of the students came in the second week. Returns how many snapshots it took.
    """
    root.mkdir(mode=0o700, exist_ok=True)
    growing = {student: weeks(homes / student, student) for student in students}
    taken = 0
    for week, due in enumerate(_due_dates(zone), 1):
        for number, (student, growth) in enumerate(growing.items()):
            next(growth)
            worked = due - timedelta(hours=3 + 5 * number)
            _set_times(homes / student, worked)
            if week > 1 or student != students[-1]:
                _capture(homes / student, root, student, f"week-{week}_{due:%Y-%m-%d}", due)
                taken += 1
    for growth in growing.values():
        for _ in growth:
            pass
    return taken


def _due_dates(zone: str) -> Iterator[datetime]:
    today = datetime.now(ZoneInfo(zone)).date()
    for back in range(_WEEKS_BEFORE, 0, -1):
        yield datetime.combine(today - timedelta(weeks=back), _DUE, ZoneInfo(zone))


def _set_times(home: Path, worked: datetime) -> None:
    """Gives the date to what was written just now; what has an earlier date keeps it."""
    this_hour = datetime.now(timezone.utc).timestamp() - 3600
    for path in home.rglob("*"):
        if not path.is_symlink() and path.stat().st_mtime > this_hour:
            os.utime(path, (worked.timestamp(), worked.timestamp()))


def _capture(home: Path, root: Path, student: str, name: str, due: datetime) -> None:
    job = CaptureJob(
        home=str(home),
        root=str(root),
        student=student,
        snapshot=name,
        capture_id=f"demo-{name}-{home.stat().st_ino}",
        extra={"course": root.name, "by": "ina"},
    )
    capture(job)
    manifest = root / student / f".{name}.manifest"
    first, _, rest = manifest.read_bytes().partition(b"\n")
    header = load_header(first)
    moments = {"began_at": _iso(due), "ended_at": _iso(due + timedelta(seconds=2))}
    manifest.write_bytes(dump_header(replace(header, **moments)) + rest)


def _iso(when: datetime) -> str:
    return when.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
