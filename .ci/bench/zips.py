"""Zips of a large home and of a class, beside the program zip."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classroom import ClassSize, make_homes
from real_service import CHUNK, Download, Service
from references import used_bytes

STUDENT, CLASS = "one student", "class"
STORED, DEFLATED = "zip -0 -r", "zip -r"
_FILE_BYTES = 5 * 10**6

Say = Callable[[str], None]


def measure_zips(
    size: int, class_homes: Path, *, folder: Path, rounds: int, skip: set[str], say: Say
) -> dict[str, Any]:
    """Downloads zips, of one home of that size and of the class, and makes them with zip."""
    homes = folder / "homes"
    make_homes(homes, ClassSize("zip", 1, max(1, size // _FILE_BYTES), size))
    courses = {"zip": homes, "zip-class": class_homes}
    runs: dict[str, list[dict[str, float]]] = {}
    with Service(folder / "service", courses) as service:
        name = service.capture("zip", "large")
        class_name = service.capture("zip-class", "large")
        student = next(homes.iterdir()).name
        for number in range(rounds):
            found = {
                STUDENT: service.download(
                    service.path("zip", f"students/{student}/snapshots/{name}/archive.zip")
                ),
                CLASS: service.download(
                    service.path("zip-class", f"archive.zip?name={class_name}")
                ),
            }
            if shutil.which("zip") and "zip" not in skip:
                found[STORED] = _zip("-0", homes / student)
                if number == 0:
                    found[DEFLATED] = _zip("-6", homes / student)
            for what, run in found.items():
                runs.setdefault(what, []).append(asdict(run))
                say(
                    f"zip {number + 1}/{rounds}  {what:12} {run.bytes / 1e6:7.0f} MB"
                    f"  first byte {run.first_byte_seconds * 1e3:6.1f} ms,"
                    f" {run.bytes / run.seconds / 1e6:6.0f} MB/s,"
                    f" memory +{run.memory_growth_bytes / 1e6:.1f} MB"
                )
        return {"bytes": used_bytes(homes), "runs": runs}


def _zip(level: str, home: Path) -> Download:
    begin = time.perf_counter()
    with subprocess.Popen(
        ["zip", "-q", level, "-r", "-", "."], cwd=home, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        size = len(process.stdout.read(1))
        first = time.perf_counter() - begin
        while chunk := process.stdout.read(CHUNK):
            size += len(chunk)
    return Download(first, time.perf_counter() - begin, size, 0)
