"""Real students' homes, built file by file, and a store that captures them.

`Home` builds one thing at a time; `student_home` builds what a student has after some weeks.
`Store` captures with the engine and can tell whether a capture left anything behind. `run_as`
and `racing` start another process, as the student where the tests run as root.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.core.manifest import Entry, Header
from jupyterhub_snapshots.engine import CaptureJob, CaptureResult, capture, sidecar, verify
from jupyterhub_snapshots.engine.rsync import MARK
from jupyterhub_snapshots.engine.verify import Damage

IS_ROOT = os.geteuid() == 0
#: The student who owns the homes; whoever runs the tests when that is not root.
STUDENT = 20_001 if IS_ROOT else os.getuid()
#: An instructor's or the service's ordinary account.
SOMEBODY = 20_002
#: What no capture may ever hold.
SECRET = b"the key to the exam"


@contextlib.contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder that every user can reach; only its owner can reach pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="snapshots-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        # Deeper than `shutil.rmtree` can go.
        subprocess.run(["rm", "-rf", folder], check=True)


class Home:
    """A student's home that is filled one thing at a time; paths are relative to it."""

    def __init__(self, path: Path, uid: int = STUDENT) -> None:
        self.path = path
        self.uid = uid
        path.mkdir(mode=0o755, parents=True)
        self._own(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def _own(self, path: str | Path) -> None:
        if IS_ROOT:
            os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def _place(self, name: str | bytes) -> Path:
        path = self.path / os.fsdecode(name)
        missing = []
        above = path.parent
        while not above.exists():
            missing.append(above)
            above = above.parent
        for folder in reversed(missing):
            folder.mkdir()
            self._own(folder)
        return path

    def file(self, name: str | bytes, content: bytes = b"text\n", mode: int = 0o644) -> Path:
        """A file of the student, with the folders above it."""
        path = self._place(name)
        path.write_bytes(content)
        self._own(path)
        path.chmod(mode)
        return path

    def folder(self, name: str | bytes, mode: int = 0o755) -> Path:
        """A folder of the student."""
        path = self._place(name)
        path.mkdir()
        self._own(path)
        path.chmod(mode)
        return path

    def link(self, name: str, target: str | Path) -> Path:
        """A symbolic link, wherever it leads."""
        path = self._place(name)
        path.symlink_to(target)
        self._own(path)
        return path

    def fifo(self, name: str) -> Path:
        """A FIFO: whoever opens it waits."""
        path = self._place(name)
        os.mkfifo(path)
        self._own(path)
        return path

    def socket(self, name: str) -> Path:
        """A socket that nobody listens to any more."""
        path = self._place(name)
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(path.parent)  # the address of a socket is short
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path.name)
        finally:
            os.fchdir(here)
            os.close(here)
        self._own(path)
        return path

    def sparse(self, name: str, size: int) -> Path:
        """A file of that length without any blocks."""
        path = self.file(name, b"")
        os.truncate(path, size)
        return path

    def notebook(self, name: str, *sources: str) -> Path:
        """A notebook with a code cell for each source."""
        cells = [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"cell-{number}",
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(sources)
        ]
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return self.file(name, json.dumps(content, indent=1).encode())


def student_home(path: Path) -> Home:
    """What a student has after some weeks: work, data, a checkout, odd names, links."""
    home = Home(path)
    home.notebook("assignments/ps1/problem1.ipynb", "import math", "print(math.pi)")
    home.notebook("assignments/ps1/problem2.ipynb", "x = 1")
    home.file("assignments/ps1/data/räume.csv", "Größe;Übung\n1;2\n".encode())
    home.file("assignments/ps1/.ipynb_checkpoints/problem1-checkpoint.ipynb", b"{}")
    home.file("assignments/ps2/#draft.py#", b"autosaved")
    home.file("assignments/ps2/; rm -rf ~", b"semicolon")
    home.file("-rf", b"an option")
    home.file("a b/c\td\n e", b"blanks")
    home.file(b"bytes-\xff\xfe", b"not UTF-8")
    home.file("empty", b"")
    home.file("run.sh", b"#!/bin/sh\n", mode=0o755)
    home.file(".bashrc", b"export TOKEN=abc")
    home.file(".git/HEAD", b"ref: refs/heads/main")
    home.folder("nothing in it")
    home.link("latest", "assignments/ps2")
    home.link("venv/bin/python", "/opt/gone/bin/python3")
    os.link(home / "run.sh", home / "same as run.sh")
    return home


class Store:
    """A snapshot root, and captures into it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.taken = 0
        self.mark = f"capture-{secrets.token_hex(4)}"
        root.mkdir(mode=0o700)

    def job(self, home: Home | str, snapshot: str = "ps1_2026-03-01", **fields: Any) -> CaptureJob:
        """A capture of the home that is not run yet."""
        self.taken += 1
        values = {
            "home": home if isinstance(home, str) else str(home.path),
            "root": str(self.root),
            "student": "alice",
            "snapshot": snapshot,
            "capture_id": f"{self.mark}-{self.taken}",
            "timeout_seconds": 60,
        }
        return CaptureJob(**(values | fields))

    def capture(
        self, home: Home | str, snapshot: str = "ps1_2026-03-01", **fields: Any
    ) -> CaptureResult:
        """Captures the home, which may be given by its path."""
        return capture(self.job(home, snapshot, **fields))

    def tree(self, snapshot: str = "ps1_2026-03-01", student: str = "alice") -> Path:
        """Where the snapshot lies."""
        return self.root / student / snapshot

    def header(self, snapshot: str = "ps1_2026-03-01", student: str = "alice") -> Header | None:
        """The header of the manifest."""
        with Folder.at(self.root / student) as folder:
            return sidecar.read_header(folder, snapshot)

    def entries(self, snapshot: str = "ps1_2026-03-01", student: str = "alice") -> list[Entry]:
        """The files of the manifest, in its order."""
        with Folder.at(self.root / student) as folder:
            return list(sidecar.read_entries(folder, snapshot))

    def entry(self, path: str, snapshot: str = "ps1_2026-03-01") -> Entry:
        """The entry of one file."""
        (found,) = (entry for entry in self.entries(snapshot) if entry.path == path)
        return found

    def damage(self, snapshot: str = "ps1_2026-03-01", student: str = "alice") -> list[Damage]:
        """What the engine finds wrong with the snapshot."""
        return list(verify(str(self.root), student, snapshot))

    @property
    def staging(self) -> Path:
        """Where unfinished work lies."""
        return self.root / ".jupyterhub-snapshots" / "staging"

    def snapshots(self, student: str = "alice") -> list[str]:
        """All that lies in the student's folder, manifests and debris too."""
        folder = self.root / student
        return sorted(os.listdir(folder)) if folder.exists() else []

    def assert_clean(self, *expected: str) -> None:
        """Nothing is there but these snapshots, each intact; no work and no process is left.

        A manifest whose snapshot never came is nothing: nobody sees it, the next one replaces it.
        """
        assert [name for name in self.snapshots() if name[0] != "."] == sorted(expected)
        assert not self.staging.exists() or os.listdir(self.staging) == []
        assert marked_processes(self.mark) == []
        for snapshot in expected:
            assert self.damage(snapshot) == []

    def assert_holds_no(self, secret: bytes = SECRET) -> None:
        """The bytes are in no file below the root, not even where staging was."""
        for above, _, names in os.walk(self.root):
            for name in names:
                path = Path(above, name)
                if path.is_file() and not path.is_symlink():
                    assert secret not in path.read_bytes(), path


def marked_processes(beginning: str) -> list[int]:
    """The running processes of captures whose name begins like that."""
    wanted = f"\0{MARK}={beginning}".encode()
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and wanted in b"\0" + Path("/proc", name, "environ").read_bytes():
                found.append(int(name))
    return found


def reasons(result: CaptureResult) -> dict[str, str]:
    """Path → reason of what is missing from a snapshot."""
    return {problem.path: problem.reason for problem in result.problems}


def become(uid: int) -> None:
    """Gives up root for good; nothing when the tests don't run as root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)


def run_as(uid: int, function: Callable[[], Any]) -> Any:
    """What the function returns in a process of that user.

    Raises AssertionError with the traceback when it raised, or was killed, there.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(uid)
            answer = pickle.dumps((True, function()))
        except BaseException:
            answer = pickle.dumps((False, traceback.format_exc()))
        os.write(write, answer)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert answer, "the process was killed"
    fine, value = pickle.loads(answer)
    assert fine, value
    return value


def killed_by(function: Callable[[], Any]) -> int:
    """Runs the function in a process; the signal that ended it, 0 when it returned."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            function()
            os._exit(0)
        traceback.print_exc()
        os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


@contextlib.contextmanager
def racing(*steps: Callable[[], object], uid: int = STUDENT) -> Iterator[None]:
    """The steps, one after the other for ever, in a process of the student."""
    child = os.fork()
    if child == 0:
        become(uid)
        while True:
            for step in steps:
                with contextlib.suppress(OSError):
                    step()
    try:
        time.sleep(0.02)
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
