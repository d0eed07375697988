"""Plain programs that the service is compared with, each doing what it is known for."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from jupyterhub_snapshots.executors import LocalExecutor

FULL_COPY, ONE_RSYNC, LINKS = "rsync -a, one by one", "rsync, one for all", "cp -al"
HASHED = "rsync, sha256sum, sync"
PROCESSES = (1, 2, 4, 8)

Command = list[str]


@dataclass(frozen=True)
class Timing:
    """One run, in seconds: until the program ended, until all was durable, and of CPU time."""

    seconds: float
    durable_seconds: float
    cpu_seconds: float


def incremental(processes: int) -> str:
    """Name of the reference with one rsync for each home."""
    return f"rsync --link-dest x{processes}"


class Reference:
    """A program that copies all homes, in a folder of its own.

    Attributes:
        plain: whether it is rsync that copies into a plain tree and links what is unchanged.
        has_cold: whether its first copy is a case of its own.
    """

    plain = False
    has_cold = True

    def __init__(self, name: str, folder: Path, homes: Path, processes: int = 1) -> None:
        self.name = name
        self.folder = folder
        self.homes = homes
        self.processes = processes

    def prepare(self, stage: str) -> None:
        """What is done before the clock starts; `stage` is "cold" or "warm"."""
        (self.folder / stage).mkdir(parents=True)

    def commands(self, stage: str) -> list[Command]:
        """What is run; `processes` of them at a time."""
        raise NotImplementedError

    def run(self, stage: str) -> Timing:
        """Runs them, once prepared, against what is there from the stage before."""
        # As low as the service's own workers stand, so that other load hits all alike.
        nice = ["nice", "-n", str(LocalExecutor().niceness)]
        commands = [nice + command for command in self.commands(stage)]
        environment = os.environ | {
            "RESTIC_PASSWORD": "bench",
            "RESTIC_CACHE_DIR": str(self.folder / "cache"),
            "BORG_BASE_DIR": str(self.folder / "cache"),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        }

        def one(command: Command) -> None:
            subprocess.run(
                command, check=True, cwd=self.homes, env=environment, stdout=subprocess.DEVNULL
            )

        subprocess.run(["sync"], check=True)
        cpu = _cpu_of_children()
        begin = time.perf_counter()
        with ThreadPoolExecutor(self.processes) as threads:
            for _ in threads.map(one, commands):
                pass
        end = time.perf_counter()
        cpu = _cpu_of_children() - cpu
        subprocess.run(["sync", "-f", self.folder], check=True)
        return Timing(end - begin, time.perf_counter() - begin, cpu)

    def _students(self) -> list[str]:
        return sorted(os.listdir(self.homes))


class FullCopies(Reference):
    """What the older server does: a new, whole copy of each home, one after the other."""

    has_cold = False

    def commands(self, stage: str) -> list[Command]:
        """See `Reference`."""
        target = self.folder / stage
        return [["rsync", "-a", f"{name}/", f"{target}/{name}/"] for name in self._students()]


class Incremental(Reference):
    """One rsync for each home, linking what is unchanged since the tree before."""

    plain = True

    def commands(self, stage: str) -> list[Command]:
        """See `Reference`."""
        return [
            [
                "rsync",
                "-a",
                *([f"--link-dest={self.folder}/cold/{name}"] if stage == "warm" else []),
                f"{name}/",
                f"{self.folder}/{stage}/{name}/",
            ]
            for name in self._students()
        ]


class Hashed(Incremental):
    """The same with what makes a copy a snapshot: a list of digests, and all of it durable."""

    plain = False

    def commands(self, stage: str) -> list[Command]:
        """See `Reference`."""
        script = (
            'target=$1; shift; "$@" && find "$target" -type f -exec sha256sum {} + '
            '> "${target%/}.sha256" && sync -f "$target"'
        )
        return [["sh", "-c", script, "sh", line[-1], *line] for line in super().commands(stage)]


class OneRsync(Reference):
    """A single rsync over all homes."""

    plain = True

    def commands(self, stage: str) -> list[Command]:
        """See `Reference`."""
        link = [f"--link-dest={self.folder}/cold"] if stage == "warm" else []
        return [["rsync", "-a", *link, "./", f"{self.folder}/{stage}/"]]


class Links(Reference):
    """Links alone, of a tree that another reference made: no capture can do with less."""

    has_cold = False

    def commands(self, stage: str) -> list[Command]:
        """See `Reference`."""
        tree = self.folder.parent / incremental(1) / "cold"
        return [["cp", "-al", f"{tree}/.", f"{self.folder}/{stage}/"]]


class Restic(Reference):
    """A deduplicating backup of all homes, at its defaults."""

    def prepare(self, stage: str) -> None:
        """See `Reference`."""
        if stage == "cold":
            _quiet(["restic", "init", "--repo", f"{self.folder}/repo"], RESTIC_PASSWORD="bench")

    def commands(self, stage: str) -> list[Command]:
        """See `Reference`."""
        return [["restic", "--quiet", "--repo", f"{self.folder}/repo", "backup", "."]]


class Borg(Reference):
    """Another one, at its defaults but for encryption."""

    def prepare(self, stage: str) -> None:
        """See `Reference`."""
        if stage == "cold":
            self.folder.mkdir(parents=True)
            _quiet(
                ["borg", "init", "--encryption=none", f"{self.folder}/repo"],
                BORG_BASE_DIR=str(self.folder / "cache"),
            )

    def commands(self, stage: str) -> list[Command]:
        """See `Reference`."""
        return [["borg", "create", f"{self.folder}/repo::{stage}", "."]]


def make_references(folder: Path, homes: Path, skip: set[str]) -> list[Reference]:
    """One of each that this machine has and nobody wants skipped."""
    found: list[Reference] = [
        FullCopies(FULL_COPY, folder / "full", homes),
        *(
            Incremental(incremental(count), folder / incremental(count), homes, count)
            for count in PROCESSES
        ),
        Hashed(HASHED, folder / "hashed", homes, max(PROCESSES)),
        OneRsync(ONE_RSYNC, folder / "one", homes),
        Links(LINKS, folder / "links", homes),
    ]
    for name, kind in (("restic", Restic), ("borg", Borg)):
        if name not in skip and shutil.which(name):
            found.append(kind(name, folder / name, homes))
    return found


def used_bytes(folder: Path) -> int:
    """What a folder takes of the disk, a file with several names counted once."""
    output = subprocess.run(
        ["du", "--summarize", "--block-size=1", folder], check=True, capture_output=True, text=True
    ).stdout
    return int(output.split()[0])


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _quiet(command: Command, **environment: str) -> None:
    subprocess.run(command, check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)
