"""Classes of made-up students: their homes, and what changes in them between two captures."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PRESETS = {"small": "50x60x3MB", "large": "200x150x10MB"}
#: Part of each home's files that is written anew between two captures.
CHANGED = 0.02

#: A file changed this shortly before a capture is copied again by the next one.
SETTLE_SECONDS = 2.1

_UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_FOLDERS = ("", "data/", "figures/", *(f"week-{week:02}/" for week in range(1, 8)))


@dataclass(frozen=True)
class ClassSize:
    """How large a class is; `bytes` are those of one home."""

    name: str
    students: int
    files: int
    bytes: int

    @property
    def total_bytes(self) -> int:
        """Of all homes."""
        return self.students * self.bytes


def parse_bytes(text: str) -> int:
    """A number of bytes such as 300kB or 1.5GB; ValueError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(kB|MB|GB|)", text)
    if match is None:
        raise ValueError(f"{text!r} is no size; write it as in 300kB, 3MB or 1.5GB")
    return int(float(match[1]) * _UNITS[match[2]])


def parse_classes(text: str) -> list[ClassSize]:
    """Classes by name, or as NAME=STUDENTSxFILESxSIZE; ValueError otherwise."""
    found = []
    for part in text.split(","):
        name, _, size = part.partition("=")
        size = size or PRESETS.get(name, "")
        match = re.fullmatch(r"(\d+)x(\d+)x(.+)", size)
        if match is None or not name.isalnum():
            raise ValueError(f"{part!r} is no class; write small, large or NAME=50x60x3MB")
        found.append(ClassSize(name, int(match[1]), int(match[2]), parse_bytes(match[3])))
    return found


def make_homes(homes: Path, size: ClassSize) -> None:
    """Writes the homes: many small files, a few large ones, content that doesn't compress."""
    for number in range(size.students):
        chance = random.Random(number)
        weights = [chance.lognormvariate(0, 1.2) for _ in range(size.files)]
        home = homes / f"student{number:03}"
        for folder in _FOLDERS:
            (home / folder).mkdir(parents=True, exist_ok=True)
        for index, weight in enumerate(weights):
            length = int(size.bytes * weight / sum(weights))
            name = f"{_FOLDERS[index % len(_FOLDERS)]}notebook-{index:03}.ipynb"
            (home / name).write_bytes(chance.randbytes(length))


def change_homes(homes: Path, seed: int) -> list[Path]:
    """Writes some files of each home anew, in the same length; returns which.

    At least one in each home; of homes of 60 files one, and two in every fifth.
    """
    chance = random.Random(seed)
    changed: list[Path] = []
    seen = 0
    for home in sorted(homes.iterdir()):
        files = sorted(_files(home))
        before, seen = seen, seen + len(files)
        count = max(1, round(CHANGED * seen) - round(CHANGED * before))
        changed += chance.sample(files, count)
    for path in changed:
        path.write_bytes(chance.randbytes(path.stat().st_size))
    return changed


def settle(homes: Path) -> None:
    """Waits until none of the files is young."""
    newest = max(path.stat().st_ctime for path in _files(homes))
    time.sleep(max(0.0, newest + SETTLE_SECONDS - time.time()))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
