"""The options of the command."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from classroom import parse_bytes, parse_classes

PARTS = ("captures", "latency", "zips", "deadlines")
#: Defaults of a run that only shows whether all of it works.
_QUICK = {
    "classes": "tiny=10x30x1MB",
    "rounds": 1,
    "seconds": 0.2,
    "zip_size": "50MB",
    "homes": "20",
    "lead": 5,
    "rest": 1,
}


def parse_options(description: str | None) -> argparse.Namespace:
    """What was asked for; ends the program when that can't be read."""
    parser = argparse.ArgumentParser(prog="bench", description=description)
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
    parser.add_argument(
        "--homes",
        type=_argument(_counts),
        default="100,500,2000",
        metavar="LIST",
        help="how many are captured at a deadline, smallest first",
    )
    parser.add_argument(
        "--lead", type=float, default=65, help="seconds before a deadline in which nothing happens"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only 20 homes at a deadline, a small class and few rounds: figures of little worth",
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="leave out other parts")
    parser.add_argument(
        "--skip", choices=("restic", "borg", "zip"), action="append", help="leave a program out"
    )
    parser.add_argument(
        "--dir", type=Path, default=Path(".cache"), help="where to work; by default ./.cache"
    )
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where figures go")
    options = parser.parse_args()
    if options.quick:
        parser.set_defaults(**_QUICK)
        options = parser.parse_args()
    options.skip = set(options.skip or ())
    options.only = options.only or PARTS
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def _counts(text: str) -> list[int]:
    if not re.fullmatch(r"[1-9]\d{0,4}(,[1-9]\d{0,4})*", text):
        raise ValueError(f"{text!r} is no list of numbers; write it as in 100,500")
    return sorted({int(number) for number in text.split(",")})


def _argument(parse: Any) -> Any:
    def read(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
