"""What lies in snapshots: their trees, read below held folders and never through a link."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .beneath import Folder, NotBelow
from .core.captures import cutoff_ns
from .core.manifest import Entry, Header, instant
from .core.names import is_component, path_parts, student_folder
from .core.records import Course
from .engine import sidecar
from .engine.late import is_late
from .engine.staging import open_root
from .errors import FileNotFound, InvalidName, NotAFolder, SnapshotNotFound


@dataclass(frozen=True)
class FileEntry:
    """One file or folder of a snapshot, as it lies on the disk.

    Attributes:
        path: relative to the snapshot.
        type: "file", "folder" or "link".
        size: bytes.
        modified_at_ns: ns since the epoch.
        changed_after_deadline: of a folder, whether something in it did.
    """

    path: str
    type: str
    size: int
    modified_at_ns: int
    changed_after_deadline: bool = False

    @property
    def name(self) -> str:
        """Last component of the path."""
        return self.path.rpartition("/")[2]


class SnapshotTrees:
    """Opens and reads snapshots; all of it is for threads."""

    @contextlib.contextmanager
    def open_tree(self, course: Course, student: str, name: str) -> Iterator[Folder]:
        """The held folder of one snapshot; for threads. Raises SnapshotNotFound."""
        with open_root(course.root) as root:
            try:
                if not is_component(name) or name.startswith("."):
                    raise NotBelow(errno.ENOENT, "No snapshot", name)
                tree = root.enter([student_folder(student), name])
            except (NotBelow, InvalidName) as error:
                raise no_snapshot(student, name) from error
        with tree:
            yield tree

    def header(self, course: Course, student: str, name: str) -> Header | None:
        """What the manifest says of the whole capture, if there is one; for threads."""
        with (
            contextlib.suppress(NotBelow),
            open_root(course.root) as root,
            root.enter([student_folder(student)]) as folder,
        ):
            folder.lstat(name)
            return sidecar.read_header(folder, name)
        return None

    def files(
        self, course: Course, student: str, name: str, *, hidden: bool = False
    ) -> list[FileEntry]:
        """Every regular file of a snapshot; for threads. Raises SnapshotNotFound."""
        with self.open_tree(course, student, name) as tree:
            return [
                _file_entry(found.path, found.status)
                for found in tree.walk(keep=lambda name: hidden or not name.startswith("."))
                if stat.S_ISREG(found.status.st_mode)
            ]

    def folder(self, course: Course, student: str, name: str, path: str) -> list[FileEntry]:
        """What is directly in one folder of a snapshot; for threads.

        Parameters:
            path: relative to the snapshot; "" for its top.

        Raises SnapshotNotFound, FileNotFound, NotAFolder.
        """
        with self.open_tree(course, student, name) as tree:
            try:
                parts = path_parts(path) if path else ()
                with tree.enter(parts) as folder:
                    prefix = f"{path}/" if path else ""
                    found = [
                        _file_entry(prefix + entry.name, entry.stat(follow_symlinks=False))
                        for entry in folder.scan()
                        if _kind(entry.stat(follow_symlinks=False)) is not None
                    ]
            except (NotBelow, InvalidName) as error:
                if _is_file(tree, path):
                    raise NotAFolder(
                        f"{path[:200]} is a file. Ask for the folder that it is in."
                    ) from error
                raise _no_file(path) from error
        late = self._late(course, student, name, parts)
        return [replace(each, changed_after_deadline=each.name in late) for each in found]

    def _late(
        self, course: Course, student: str, name: str, folder: Sequence[str]
    ) -> frozenset[str]:
        """Names in the folder of what changed after the snapshot's deadline, or holds what did."""
        with (
            contextlib.suppress(NotBelow, ValueError),
            open_root(course.root) as root,
            root.enter([student_folder(student)]) as above,
        ):
            header = sidecar.read_header(above, name)
            if header is None or header.deadline is None or not header.late_count:
                return frozenset()
            if len(header.late_files) == header.late_count:
                paths: Iterable[list[str]] = (path.split("/") for path in header.late_files)
            else:
                from_ns = cutoff_ns(instant(header.deadline))
                entries = _below(sidecar.read_entries(above, name), list(folder))
                paths = (entry.order for entry in entries if is_late(entry, from_ns))
            depth, wanted = len(folder), list(folder)
            return frozenset(path[depth] for path in paths if path[:depth] == wanted)
        return frozenset()

    def open_file(
        self, course: Course, student: str, name: str, path: str
    ) -> tuple[int, FileEntry, int]:
        """Descriptor, entry and inode of one file of a snapshot; for threads.

        Raises SnapshotNotFound, FileNotFound.
        """
        with self.open_tree(course, student, name) as tree:
            try:
                descriptor, status = tree.open_file(path_parts(path))
            except (NotBelow, InvalidName) as error:
                raise _no_file(path) from error
            return descriptor, _file_entry(path, status), status.st_ino


def _below(entries: Iterable[Entry], folder: list[str]) -> Iterator[Entry]:
    """Those of a manifest's entries that are in the folder, at any depth."""
    depth = len(folder)
    for entry in entries:
        order = entry.order
        if order[:depth] == folder and len(order) > depth:
            yield entry
        elif order > folder and order[:depth] != folder:
            return


def _is_file(tree: Folder, path: str) -> bool:
    """Whether the tree has a file at the path."""
    with contextlib.suppress(NotBelow, InvalidName):
        return stat.S_ISREG(tree.find(path_parts(path)).st_mode)
    return False


def _kind(status: os.stat_result) -> str | None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else None


def _file_entry(path: str, status: os.stat_result) -> FileEntry:
    return FileEntry(
        path=path,
        type=_kind(status) or "special",
        size=status.st_size,
        modified_at_ns=status.st_mtime_ns,
    )


def no_snapshot(student: str, name: str) -> SnapshotNotFound:
    return SnapshotNotFound(
        f"{student[:100]} has no snapshot {name[:100]}. The list of the student's snapshots "
        "shows their full names."
    )


def _no_file(path: str) -> FileNotFound:
    return FileNotFound(
        f"The snapshot has no file {path[:200]}. The list of its files shows their paths."
    )
