"""One run of rsync: its arguments, its limits, and what its exit code means."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import IO, BinaryIO, cast

from ..beneath import Folder
from ..errors import CaptureTimedOut, RsyncFailed, RsyncMissing, StorageFull
from . import confine

#: Oldest version that has all options used here.
OLDEST = (3, 2, 0)
#: First version whose local copies hold against every known race; distributions backport.
HARDENED = (3, 5, 0)
#: Some files could not be read (23) or vanished (24): the rest is copied.
PARTIAL = (23, 24)
#: Name of the environment variable by which a run can be found after its parent was killed.
MARK = "JUPYTERHUB_SNAPSHOTS_CAPTURE"

#: rsync is ended when it has neither read nor written anything for so long: a regular file that
#: is swapped for a FIFO at the right moment blocks it for ever.
STALL_SECONDS = 30.0

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
_STDERR_HEAD, _STDERR_TAIL = 16 * 1024, 48 * 1024
_NO_SPACE = re.compile(r"^rsync: .*\((?:28|122)\)$", re.MULTILINE)
_UNSETTLED = "ABORTING due to invalid path from sender"
_LOOK_SECONDS = 0.5
_MANY_HOLES = 1 << 20
_SPARE_BYTES = 1 << 30
_GRACE_SECONDS = 0.5


@dataclass(frozen=True)
class Rsync:
    """An installed rsync."""

    path: str
    version: tuple[int, ...]

    @property
    def version_text(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))


def listed(path: str) -> bytes:
    """A path as rsync reads it from a list; the dot keeps "#" and ";" from being comments."""
    return b"./" + os.fsencode(path) + b"\0"


@cache
def find_rsync() -> Rsync:
    """The rsync of this machine. Raises RsyncMissing when there is none or it is too old."""
    path = shutil.which("rsync", path="/usr/local/bin:/usr/bin:/bin:" + os.environ.get("PATH", ""))
    if path is None:
        raise RsyncMissing("rsync is not installed. Install the package 'rsync' (3.2 or newer).")
    try:
        output = subprocess.run(  # noqa: S603
            [path, "--version"], capture_output=True, timeout=10, check=True, env=_ENVIRONMENT
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise RsyncMissing(f"{path} can't be run. Install rsync 3.2 or newer.") from error
    match = re.search(rb"version v?(\d+)\.(\d+)\.(\d+)", output)
    version = tuple(map(int, match.groups())) if match else (0,)
    if version < OLDEST:
        raise RsyncMissing(f"{path} is too old. Install rsync 3.2 or newer.")
    return Rsync(path, version)


@dataclass
class Load:
    """What is to be copied: bytes, and how many of them are holes in sparse files."""

    bytes: int = 0
    holes: int = 0

    def add(self, status: os.stat_result) -> None:
        """Adds one file."""
        self.bytes += status.st_size
        self.holes += max(0, status.st_size - status.st_blocks * 512)

    @property
    def sparse(self) -> bool:
        """Whether looking for holes is worth its time, which is a tenth of a copy's."""
        return self.holes >= _MANY_HOLES

    @property
    def most_moved(self) -> int:
        """Bytes that rsync may read and write in all, each byte four times on its way, before it
        is clear that the home was exchanged for a much larger one meanwhile."""
        return 4 * (2 * self.bytes + _SPARE_BYTES)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        code: the exit code: 0, 23 or 24; 2 when rsync gave up because a folder vanished while its
            files were listed; None when it was ended because a file blocked it.
        errors: what it wrote on its error output, the middle of it left out when it is long.
    """

    code: int | None
    errors: str


def copy(
    home: Folder, target: str, paths: BinaryIO, *, load: Load, deadline: float, mark: str
) -> Outcome:
    """Copies the named files and links of the home into the target with one confined rsync.

    No ``--link-dest``: Landlock forbids a link into a folder with more rights than the link's
    source has, so rsync could not both be kept from writing to the earlier snapshot and link to
    it. `capture` makes the links itself, and rsync is only given what is new.

    Parameters:
        target: absolute path of a folder of ours.
        paths: open file of NUL-separated paths relative to the home, at its beginning; each begins
            with "./", because rsync takes a name that begins with "#" or ";" for a comment.
        load: what is to be copied, as it was when the home was looked at.
        deadline: value of `time.monotonic` at which the whole process group is ended.
        mark: put into the environment, to find the processes again.

    Raises CaptureTimedOut, StorageFull, RsyncFailed, RsyncMissing.
    """
    process = _start(home, target, paths, load, mark)
    stream = cast(IO[bytes], process.stderr)
    errors = bytearray()
    reader = threading.Thread(target=_drain, args=(stream, errors), daemon=True)
    try:
        reader.start()
        code = _wait(process, reader, load, deadline)
    finally:
        end_group(process)
        reader.join(_GRACE_SECONDS)
        if reader.is_alive():  # something that left the group still holds the pipe
            end_marked(mark)
            reader.join(_GRACE_SECONDS)
        stream.close()
    text = errors.decode("utf-8", "backslashreplace")
    if _NO_SPACE.search(text):
        raise StorageFull("There is no space left for snapshots. Free some and try again.")
    if code is None or code == 0 or code in PARTIAL or (code == 2 and _UNSETTLED in text):
        return Outcome(code, text)
    how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
    raise RsyncFailed(f"rsync {how}: {_last_line(text) or 'no message'}")


def _start(
    home: Folder, target: str, paths: BinaryIO, load: Load, mark: str
) -> subprocess.Popen[bytes]:
    program = find_rsync().path
    arguments = [
        program,
        "-lptS" if load.sparse else "-lpt",
        "--whole-file",
        "--ignore-times",
        "--chmod=D0700,F0600",
        "--from0",
        "--files-from=-",
        "--no-implied-dirs",
        "--omit-dir-times",
        "--",
        "./",
        f"{target}/",
    ]

    def start() -> subprocess.Popen[bytes]:
        with Folder.at(target) as folder:
            confine.restrict(program, read=[home.descriptor], write=[folder.descriptor])
        return subprocess.Popen(  # noqa: S603
            arguments,
            cwd=f"/proc/self/fd/{home.descriptor}",
            env=_ENVIRONMENT | {MARK: mark},
            stdin=paths,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    try:
        # The confinement binds the thread for good, so each run is started by a thread of its own.
        with ThreadPoolExecutor(1, "rsync") as threads:
            return threads.submit(start).result()
    except BaseException:
        end_marked(mark)
        raise


def _drain(stream: IO[bytes], errors: bytearray) -> None:
    while chunk := os.read(stream.fileno(), 1 << 16):
        errors.extend(chunk)
        del errors[_STDERR_HEAD:-_STDERR_TAIL]


def _wait(
    process: subprocess.Popen[bytes], reader: threading.Thread, load: Load, deadline: float
) -> int | None:
    """The exit code; None when nothing moved for so long that a file must be blocking the run."""
    moved, since = 0, time.monotonic()
    while True:
        reader.join(max(0.0, min(_LOOK_SECONDS, deadline - time.monotonic())))
        if not reader.is_alive():  # its error output is closed: it has ended, or is about to
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
        if process.poll() is not None:
            return process.returncode
        now = time.monotonic()
        if now >= deadline:
            raise CaptureTimedOut(
                "The capture did not end within its time limit and was stopped. Try again, or "
                "raise the limit."
            )
        before, moved = moved, _bytes_moved(process.pid)
        if moved > load.most_moved:
            raise RsyncFailed(
                "The home grew to many times its size while it was copied. Look at what the "
                "student runs, and try again."
            )
        if moved != before or moved == 0:
            since = now
        elif now - since > STALL_SECONDS:
            return None


def _bytes_moved(process: int) -> int:
    """Bytes that the process and those below it have read and written; 0 where that is unknown."""
    total, pending = 0, [process]
    while pending:
        of = f"/proc/{pending.pop()}"
        with contextlib.suppress(OSError), open(f"{of}/io", "rb") as counters:
            total += sum(int(line.split()[1]) for line in counters.readlines()[:2])
        with contextlib.suppress(OSError), open(f"{of}/task/{of[6:]}/children", "rb") as below:
            pending.extend(map(int, below.read().split()))
    return total


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all of its session; harmless when it is gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        if number == signal.SIGTERM:
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    process.wait()


def end_marked(mark: str) -> int:
    """Ends every process of this machine that carries the mark; returns how many.

    Waits a moment until they are gone, so that none of them writes any more.
    """
    ended: set[int] = set()
    until = time.monotonic() + 4 * _GRACE_SECONDS
    while (found := _marked(mark)) and time.monotonic() < until:
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        ended.update(found)
        time.sleep(_GRACE_SECONDS / 50)
    return len(ended)


def _marked(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
            if wanted in file.read().split(b"\0"):
                found.append(int(name))
    return found
