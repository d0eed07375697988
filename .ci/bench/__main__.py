"""Measures captures, answers and zips of the real service beside plain programs.

Everything is measured in the same run on this machine, in turns, so that what else the machine
does hits all alike. Prints a table, and writes all figures to a JSON file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from captures import measure_captures
from classroom import ClassSize, make_homes
from deadline import COPIES, FILES, HOME_BYTES, measure_deadline
from latency import measure_latency
from options import parse_options
from real_service import BenchError
from report import table, targets
from zips import measure_zips

#: Copies of a class that lie on the disk at once: the homes, the contenders', a full one.
_COPIES = 12
_ZIP_ROUNDS = 3
_BLOCK_BYTES = 4096
_BEGIN = time.monotonic()


def main() -> None:
    """The command."""
    options = parse_options(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options.dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=options.dir)).resolve()
    try:
        _check_space(folder, options)
        _tell(_measure(folder, options), options.json)
    except BenchError as error:
        sys.exit(str(error))
    finally:
        _say("cleaning up")
        subprocess.run(["rm", "-rf", folder], check=True)


def _tell(results: dict[str, Any], path: Path) -> None:
    found = targets(results)
    results["targets"] = [asdict(target) for target in found]
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\n{table(found, results)}\n\nAll figures are in {path}\n", flush=True)


def _check_space(folder: Path, options: argparse.Namespace) -> None:
    largest = max(size.total_bytes for size in options.classes)
    every = sum(size.total_bytes for size in options.classes)
    needed = 0
    if set(options.only) - {"deadlines"}:
        needed = every + max(_COPIES * largest, 3 * options.zip_size + 2 * largest)
    if "deadlines" in options.only:
        # Small files take whole blocks: of each, half a one is lost on the average.
        home = HOME_BYTES + FILES * _BLOCK_BYTES // 2
        needed = max(needed, every + COPIES * home * max(options.homes))
    free = shutil.disk_usage(folder).free
    if free < 1.1 * needed:
        raise BenchError(
            f"{folder} has {free / 1e9:.1f} GB free, this needs {1.1 * needed / 1e9:.1f}. Choose "
            "another folder with --dir, or smaller classes with --classes small."
        )


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    results: dict[str, Any] = {"machine": _machine(folder), "versions": _versions(options.skip)}
    results["options"] = {
        "rounds": options.rounds,
        "seconds": options.seconds,
        "zip_size": options.zip_size,
        "homes": options.homes,
        "lead": options.lead,
        "classes": [asdict(size) for size in options.classes],
    }
    results |= {"captures": {}, "latency": {}, "zips": {}, "deadlines": []}
    homes = {size.name: folder / "homes" / size.name for size in options.classes}
    for size in options.classes if set(options.only) - {"deadlines"} else ():
        _say(f"{size.name}: writing {size.students} homes, {size.total_bytes / 1e9:.2f} GB")
        make_homes(homes[size.name], size)
    until = time.monotonic() + options.minutes * 60
    if "captures" in options.only:
        for size in options.classes:
            results["captures"][size.name] = measure_captures(
                size,
                homes=homes[size.name],
                folder=_part(folder, "captures", size),
                rounds=options.rounds,
                slow_rounds=options.slow_rounds,
                rest_seconds=options.rest,
                skip=options.skip,
                until=until,
                say=_say,
            )
    largest = max(options.classes, key=lambda size: size.total_bytes)
    if "latency" in options.only:
        results["latency"][largest.name] = measure_latency(
            largest.name,
            homes=homes[largest.name],
            folder=_part(folder, "latency", largest),
            seconds=options.seconds,
            say=_say,
        )
    if "zips" in options.only:
        results["zips"] = measure_zips(
            options.zip_size,
            homes[largest.name],
            folder=_part(folder, "zips", largest),
            rounds=min(options.rounds, _ZIP_ROUNDS),
            skip=options.skip,
            say=_say,
        )
    if "deadlines" in options.only:
        for students in options.homes:
            place = folder / f"deadline-{students}"
            results["deadlines"].append(
                measure_deadline(
                    students,
                    folder=place,
                    lead_seconds=options.lead,
                    rest_seconds=options.rest,
                    say=_say,
                )
            )
    results["seconds"] = round(time.monotonic() - _BEGIN, 1)
    return results


def _part(folder: Path, part: str, size: ClassSize) -> Path:
    path = folder / f"{part}-{size.name}"
    path.mkdir()
    return path


def _machine(folder: Path) -> dict[str, Any]:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    kind = subprocess.run(
        ["stat", "--file-system", "--format=%T", folder], capture_output=True, text=True, check=True
    ).stdout
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "kernel": platform.release(),
        "file_system": kind.strip(),
        "load_before": os.getloadavg()[0],
    }


def _versions(skip: set[str]) -> dict[str, str]:
    found = {"python": platform.python_version(), "tornado": version("tornado")}
    for program, option in (
        ("rsync", "--version"),
        ("restic", "version"),
        ("borg", "--version"),
        ("zip", "--version"),
    ):
        if program not in skip and shutil.which(program):
            lines = subprocess.run([program, option], capture_output=True, text=True).stdout
            line = next((line for line in lines.splitlines() if any(map(str.isdigit, line))), "")
            found[program] = line.strip()
    return found


def _say(text: str) -> None:
    print(f"[{time.monotonic() - _BEGIN:6.1f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
