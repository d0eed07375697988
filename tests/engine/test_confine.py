"""The kernel keeps rsync, whatever it is led to, inside the home and its own staging."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homes import SECRET, Home, run_as
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.engine import confine, rsync

needs_landlock = pytest.mark.skipif(
    not confine.landlock_version(), reason="this kernel has no Landlock"
)


def confined(home: Path, target: Path, function: Callable[[], Any]) -> Any:
    """What the function returns in a process that may only read the home and write the target."""

    def run() -> Any:
        with Folder.at(home) as read, Folder.at(target) as write:
            confine.restrict("/usr/bin/rsync", [read.descriptor], [write.descriptor])
        return function()

    return run_as(os.geteuid(), run)


@pytest.fixture
def target(place: Path) -> Path:
    path = place / "target"
    path.mkdir()
    return path


@needs_landlock
@pytest.mark.threat("S1", "S2", "S4", "S10", "S11")
class TestRestricted:
    def test_work_is_possible(self, home: Home, target: Path) -> None:
        home.file("a/b", b"work")

        def work() -> bytes:
            (target / "new").mkdir()
            (target / "new" / "c").write_bytes((home / "a/b").read_bytes())
            (target / "new" / "c").rename(target / "d")
            subprocess.run(["/bin/sh", "-c", f"cat < {home / 'a/b'} > {target / 'e'}"], check=True)
            return (target / "e").read_bytes()

        assert confined(home.path, target, work) == b"work"
        assert sorted(os.listdir(target)) == ["d", "e", "new"]

    def test_nothing_else_can_be_read(self, home: Home, target: Path, outside: Path) -> None:
        home.link("file", outside)
        home.link("folder", outside.parent)
        paths = [outside, home / "file", home / "folder/secret", home / "../../outside/secret"]
        paths += [Path("/etc/passwd"), Path("/proc/self/environ"), Path("/dev/zero")]

        def read() -> list[str]:
            opened = []
            for path in paths:
                try:
                    with path.open("rb"):
                        opened.append(str(path))
                except PermissionError:
                    continue
            return opened

        assert run_as(os.geteuid(), read) == [str(path) for path in paths]  # unconfined
        assert confined(home.path, target, read) == []
        assert confined(home.path, target, lambda: self.listed(home / "folder")) is None

    def listed(self, path: Path) -> list[str] | None:
        try:
            return os.listdir(path)
        except PermissionError:
            return None

    @pytest.mark.parametrize("place_of", ["home", "outside"])
    def test_nothing_else_can_be_written(
        self, home: Home, target: Path, outside: Path, place_of: str
    ) -> None:
        folder = home.path if place_of == "home" else outside.parent
        victim = folder / "secret"
        victim.write_bytes(SECRET)

        def write() -> list[str]:
            done = []
            attempts: dict[str, Callable[[], object]] = {
                "new": lambda: (folder / "new").write_bytes(b""),
                "change": lambda: victim.open("r+b"),
                "cut": lambda: os.truncate(victim, 0),
                "remove": victim.unlink,
                "rename": lambda: victim.rename(folder / "x"),
                "move out": lambda: victim.rename(target / "x"),
                "link": lambda: os.link(victim, target / "x"),
                "folder": lambda: (folder / "d").mkdir(),
                "fifo": lambda: os.mkfifo(folder / "f"),
            }
            for name, attempt in attempts.items():
                try:
                    attempt()
                    done.append(name)
                except OSError:
                    continue
            return done

        assert confined(home.path, target, write) == []
        assert victim.read_bytes() == SECRET

    def test_programs_of_the_home_do_not_run(self, home: Home, target: Path) -> None:
        program = home.file("program", b"#!/bin/sh\necho ran\n", mode=0o755)

        def run() -> bool:
            try:
                subprocess.run([program], check=True)
            except PermissionError:
                return False
            return True

        assert run_as(os.geteuid(), run)
        assert not confined(home.path, target, run)

    def test_a_misled_rsync_leaks_nothing(
        self, home: Home, target: Path, outside: Path, place: Path
    ) -> None:
        """The worst case: an rsync that follows every link."""
        home.link("file", outside)
        home.link("folder", outside.parent)
        home.file("work")
        command = [rsync.find_rsync().path, "-rL", "--insecure-links", f"{home.path}/"]

        def run(to: Path) -> None:
            subprocess.run([*command, f"{to}/"], capture_output=True)

        (place / "control").mkdir()
        run_as(os.geteuid(), lambda: run(place / "control"))
        assert (place / "control" / "file").read_bytes() == SECRET
        confined(home.path, target, lambda: run(target))
        assert [name for name in os.listdir(target) if (target / name).is_file()] == ["work"]
        assert not (target / "folder" / "secret").exists()


@needs_landlock
def test_an_rsync_installed_elsewhere_can_run(place: Path, target: Path, home: Home) -> None:
    program = place / "env" / "bin" / "rsync"
    library = place / "env" / "lib" / "words"
    for path, text in ((program, f"#!/bin/sh\ncat {library}\n"), (library, "found\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    program.chmod(0o755)

    def run() -> bytes:
        with Folder.at(home.path) as read, Folder.at(target) as write:
            confine.restrict(str(program), [read.descriptor], [write.descriptor])
        return subprocess.run([program], capture_output=True, check=True).stdout

    assert run_as(os.geteuid(), run) == b"found\n"


def test_the_log_says_what_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "landlock_version", lambda: 5)
    assert "confined by Landlock (ABI 5)" in confine.describe()
    monkeypatch.setattr(confine, "landlock_version", lambda: 0)
    assert "NOT confined" in confine.describe()


def test_without_landlock_nothing_is_restricted(
    home: Home, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confine, "landlock_version", lambda: 0)
    assert confined(home.path, target, lambda: Path("/etc/passwd").exists())
