"""Looking at a home: what a snapshot of it should hold, and what can't be in it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from ..beneath import Folder, Found, NotBelow
from ..core.manifest import FILE, FOLDER, HARMLESS, LINK, MAX_PROBLEMS, Entry, Problem
from ..core.names import MAX_PATH_BYTES, path_parts
from ..errors import HomeTooLarge
from .job import CaptureJob

_TYPES = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK}
#: Characters of all paths of problems that are kept, so that the header stays one short line.
_MAX_PROBLEM_CHARACTERS = 200_000


class Problems:
    """What of a home is not in its snapshot as it should be.

    Attributes:
        kept: the first of them.
        count: how many there are in all.
        harmful: whether one of them leaves the snapshot incomplete.
    """

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.count = 0
        self.harmful = False
        self._characters = 0

    def add(self, path: str, reason: str) -> None:
        """Notes one more."""
        self.count += 1
        self.harmful = self.harmful or reason not in HARMLESS
        self._characters += len(path)
        if len(self.kept) < MAX_PROBLEMS and self._characters <= _MAX_PROBLEM_CHARACTERS:
            self.kept.append(Problem(path, reason))


def type_of(status: os.stat_result) -> str | None:
    """The type of an entry; None for what no snapshot holds: devices, sockets, FIFOs."""
    return _TYPES.get(stat.S_IFMT(status.st_mode))


def entry_of(path: str, status: os.stat_result) -> Entry | None:
    """The entry of something in a home, its content not known yet; None when it can't be one."""
    kind = type_of(status)
    if kind is None:
        return None
    return Entry(
        path=path,
        type=kind,
        size=0 if kind == FOLDER else status.st_size,
        mtime=status.st_mtime_ns,
        ctime=status.st_ctime_ns,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )


def survey(
    home: Folder, job: CaptureJob, problems: Problems
) -> Iterator[tuple[Entry, os.stat_result]]:
    """What the snapshot should hold, with its status, in the order of the manifest.

    Raises HomeTooLarge.
    """
    owner = home.status().st_uid
    size = 0
    for found in _found(home, job, problems):
        entry = entry_of(found.path, found.status)
        if entry is None:
            problems.add(found.path, "special")
        elif len(os.fsencode(found.path)) > MAX_PATH_BYTES:
            problems.add(found.path, "too_deep")
        elif entry.type == FILE and 0 < job.max_file_bytes < entry.size:
            problems.add(found.path, "too_large")
        elif entry.type == FILE and found.status.st_nlink > 1 and entry.uid != owner:
            problems.add(found.path, "foreign_hard_link")
        else:
            size += entry.size if entry.type == FILE else 0
            if 0 < job.max_bytes < size:
                raise HomeTooLarge(
                    f"The home is over the limit of {job.max_bytes} bytes for one snapshot. Ask "
                    "the student to remove what is not needed, or raise the limit."
                )
            yield entry, found.status


def _found(home: Folder, job: CaptureJob, problems: Problems) -> Iterator[Found]:
    device = home.status().st_dev

    def keep(name: str) -> bool:
        return job.include_hidden or not name.startswith(".")

    def enter(path: str, status: os.stat_result) -> bool:
        if status.st_dev != device:
            problems.add(path, "other_file_system")
            return False
        return len(os.fsencode(path)) <= MAX_PATH_BYTES

    def failed(path: str, error: OSError) -> None:
        gone = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        problems.add(path.rstrip("/"), "vanished" if gone else "unreadable")

    if not job.folders:
        yield from home.walk(enter=enter, failed=failed, keep=keep)
    made: set[str] = set()
    for parts in _outermost(job.folders):
        path = "/".join(parts)
        try:
            for depth in range(1, len(parts) + 1):
                above_path = "/".join(parts[:depth])
                with home.enter(parts[: depth - 1]) as above:
                    status = above.lstat(parts[depth - 1])
                    if not stat.S_ISDIR(status.st_mode):
                        raise NotBelow(errno.ENOTDIR, "Not a folder", above_path)
                    if above_path not in made:
                        made.add(above_path)
                        yield Found(above_path, status, above, parts[depth - 1])
                if not enter(above_path, status):
                    break
            else:
                with home.enter(parts) as below:
                    yield from below.walk(path + "/", enter=enter, failed=failed, keep=keep)
        except NotBelow as error:
            if error.errno != errno.ENOENT:  # a folder that is not there yet is no fault
                failed(path, error)


def _outermost(folders: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The folders in the order of the manifest, without those that are in another one."""
    last: tuple[str, ...] | None = None
    for parts in sorted(path_parts(folder) for folder in folders):
        if last is None or parts[: len(last)] != last:
            yield parts
            last = parts
