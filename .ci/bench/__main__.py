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
from classroom import ClassSize, make_homes, parse_bytes, parse_classes
from latency import measure_latency
from real_service import BenchError
from report import table, targets
from zips import measure_zips

_PARTS = ("captures", "latency", "zips")
#: Copies of a class that lie on the disk at once: the homes, the contenders', a full one.
_COPIES = 12
_ZIP_ROUNDS = 3
_BEGIN = time.monotonic()


def main() -> None:
    """The command."""
    options = _options()
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--classes",
        type=_argument(parse_classes),
        default="small,large",
        metavar="LIST",
        help="small, large, or NAME=STUDENTSxFILESxSIZE with the size of one home",
    )
    parser.add_argument("--rounds", type=int, default=5, help="medians are of so many")
    parser.add_argument(
        "--slow-rounds", type=int, default=1, help="rounds in which restic and borg take part"
    )
    parser.add_argument("--rest", type=float, default=5, help="seconds before each capture")
    parser.add_argument(
        "--minutes", type=float, default=20, help="captures begin no new round after so long"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.5, help="how long each case of latency is measured"
    )
    parser.add_argument(
        "--zip-size",
        type=_argument(parse_bytes),
        default="1GB",
        metavar="SIZE",
        help="of the home that is downloaded as a zip",
    )
    parser.add_argument("--only", choices=_PARTS, action="append", help="leave out other parts")
    parser.add_argument(
        "--skip", choices=("restic", "borg", "zip"), action="append", help="leave a program out"
    )
    parser.add_argument(
        "--dir", type=Path, default=Path(".cache"), help="where to work; by default ./.cache"
    )
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where figures go")
    options = parser.parse_args()
    options.skip = set(options.skip or ())
    options.only = options.only or _PARTS
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def _argument(parse: Any) -> Any:
    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _check_space(folder: Path, options: argparse.Namespace) -> None:
    largest = max(size.total_bytes for size in options.classes)
    every = sum(size.total_bytes for size in options.classes)
    needed = every + max(_COPIES * largest, 3 * options.zip_size + 2 * largest)
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
        "classes": [asdict(size) for size in options.classes],
    }
    results |= {"captures": {}, "latency": {}, "zips": {}}
    homes = {size.name: folder / "homes" / size.name for size in options.classes}
    for size in options.classes:
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
