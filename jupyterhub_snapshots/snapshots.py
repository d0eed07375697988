"""The snapshots of a course: listed from the disk, described by the catalogue."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from .beneath import Folder, NotBelow
from .core.manifest import Header
from .core.names import (
    SERVICE_DIR,
    is_component,
    is_snapshot_name,
    path_parts,
    student_folder,
)
from .core.records import Course, Snapshot
from .engine import sidecar
from .engine.staging import home_lock, open_root
from .engine.storage_errors import storage_errors
from .errors import (
    FileNotFound,
    InvalidName,
    SnapshotNotFound,
    SnapshotPinned,
    StorageUnavailable,
)
from .store import Store, catalog

#: A folder that changed this shortly before it was read may have changed again unseen.
_RACY_NS = 2_000_000_000
_LOCK_SECONDS = 10
#: Some file systems use all 64 bits of an inode's number, databases have a sign.
_INODE_BITS = 2**63 - 1

_DELETED = ".deleted"
_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

Names = dict[str, int]


@dataclass(frozen=True)
class FileEntry:
    """One file or folder of a snapshot, as it lies on the disk.

    Attributes:
        path: relative to the snapshot.
        type: "file", "folder" or "link".
        size: bytes.
        modified_at_ns: ns since the epoch.
    """

    path: str
    type: str
    size: int
    modified_at_ns: int

    @property
    def name(self) -> str:
        """Last component of the path."""
        return self.path.rpartition("/")[2]


class SnapshotCatalog:
    """Lists, opens, pins and deletes snapshots. What is on the disk is what there is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scanned: dict[tuple[int, str], tuple[int, int, Names]] = {}

    async def list_snapshots(
        self, course: Course, student: str | None = None, name: str | None = None
    ) -> list[Snapshot]:
        """Snapshots of the course, of one student or of one name, by student and name.

        Raises StorageUnavailable when the folder of the snapshots is missing.
        """
        # In this order: what is put into the catalogue meanwhile must not seem to be gone.
        known = await self._store.read(lambda db: catalog.known(db, course.id, student))
        found = await asyncio.to_thread(self._scan, course, student)
        fresh = {
            key: inode for key, inode in found.items() if key not in known or known[key][0] != inode
        }
        gone = known.keys() - found.keys()
        if gone:
            await self._store.write(lambda db: catalog.forget(db, course.id, gone))
        if fresh:
            records = await self.describe_again(course, fresh)
            for inode, record in records:
                pinned = known.get((record.student, record.name), (0, record))[1].pinned
                known[record.student, record.name] = inode, replace(record, pinned=pinned)
        return [
            known[key][1]
            for key in sorted(found)
            if key in known and (name is None or key[1] == name)
        ]

    async def describe_again(
        self, course: Course, keys: Iterable[tuple[str, str]]
    ) -> list[tuple[int, Snapshot]]:
        """Reads the manifests of these snapshots and notes what they say."""
        wanted = list(keys)
        records = await asyncio.to_thread(self._describe_all, course, wanted)
        await self._store.write(lambda db: catalog.put(db, records))
        return records

    async def get(self, course: Course, student: str, name: str) -> Snapshot:
        """One snapshot. Raises SnapshotNotFound."""
        for snapshot in await self.list_snapshots(course, student):
            if snapshot.name == name:
                return snapshot
        raise _no_snapshot(student, name)

    def check_root(self, course: Course) -> None:
        """Makes sure that the disk of the course's snapshots is mounted; for threads.

        Raises StorageUnavailable.
        """
        _mounted_root(course).close()

    def _scan(self, course: Course, student: str | None) -> dict[tuple[str, str], int]:
        """(student, snapshot name) to inode, of everything on the disk."""
        with storage_errors("The snapshots can't be listed"), _mounted_root(course) as root:
            if student is not None:
                students = [student]
            else:
                students = [
                    entry.name
                    for entry in root.scan()
                    if entry.name != SERVICE_DIR
                    and entry.name.isprintable()
                    and entry.is_dir(follow_symlinks=False)
                ]
            found = {}
            for each in students:
                for name, inode in self._names(root, course.id, each).items():
                    found[each, name] = inode
            return found

    def _names(self, root: Folder, course_id: int, student: str) -> Names:
        try:
            status = root.lstat(student_folder(student))
            scanned = self._scanned.get((course_id, student))
            if scanned is not None and scanned[:2] == (status.st_ino, status.st_mtime_ns):
                return scanned[2]
            began = time.time_ns()
            with root.enter([student]) as folder:
                names = {
                    entry.name: entry.inode() & _INODE_BITS
                    for entry in folder.scan()
                    if is_snapshot_name(entry.name)
                    and entry.name.isprintable()
                    and entry.is_dir(follow_symlinks=False)
                }
        except InvalidName:
            return {}
        except NotBelow as error:
            if error.errno in _NOTHING_THERE:
                return {}
            raise  # no answer about what is there: nothing may be forgotten for it
        if status.st_mtime_ns < began - _RACY_NS:
            self._scanned[course_id, student] = (status.st_ino, status.st_mtime_ns, names)
        return names

    def describe(self, course: Course, student: str, name: str) -> list[tuple[int, Snapshot]]:
        """The inode and the record of a snapshot, read from its manifest; none when it is gone.

        For threads.
        """
        with open_root(course.root) as root:
            try:
                with root.enter([student]) as folder:
                    header = sidecar.read_header(folder, name)
                    inode = folder.lstat(name).st_ino & _INODE_BITS
            except NotBelow:
                return []
        return [(inode, _record(course.id, student, name, header))]

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

    def _describe_all(
        self, course: Course, keys: Iterable[tuple[str, str]]
    ) -> list[tuple[int, Snapshot]]:
        return [found for key in keys for found in self.describe(course, *key)]

    @contextlib.contextmanager
    def open_tree(self, course: Course, student: str, name: str) -> Iterator[Folder]:
        """The held folder of one snapshot; for threads. Raises SnapshotNotFound."""
        with open_root(course.root) as root:
            try:
                if not is_component(name) or name.startswith("."):
                    raise NotBelow(errno.ENOENT, "No snapshot", name)
                tree = root.enter([student_folder(student), name])
            except (NotBelow, InvalidName) as error:
                raise _no_snapshot(student, name) from error
        with tree:
            yield tree

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

        Raises SnapshotNotFound, FileNotFound.
        """
        with self.open_tree(course, student, name) as tree:
            try:
                with tree.enter(path_parts(path) if path else ()) as folder:
                    prefix = f"{path}/" if path else ""
                    return [
                        _file_entry(prefix + entry.name, entry.stat(follow_symlinks=False))
                        for entry in folder.scan()
                        if _kind(entry.stat(follow_symlinks=False)) is not None
                    ]
            except (NotBelow, InvalidName) as error:
                raise _no_file(path) from error

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

    async def set_pinned(self, course: Course, student: str, name: str, pinned: bool) -> Snapshot:
        """Pins a snapshot, so that it is not deleted, or lets it go. Raises SnapshotNotFound."""
        snapshot = await self.get(course, student, name)
        await self._store.write(lambda db: catalog.set_pinned(db, course.id, student, name, pinned))
        return replace(snapshot, pinned=pinned)

    async def delete(self, course: Course, student: str, name: str, home: str) -> None:
        """Removes a snapshot: out of sight at once, then from the disk.

        Parameters:
            home: path of the student's home, so that no capture of it is under way meanwhile.

        Raises SnapshotNotFound, SnapshotPinned.
        """
        await self.get(course, student, name)
        await asyncio.to_thread(self._delete, course, student, name, home)
        await self._store.write(lambda db: catalog.forget(db, course.id, [(student, name)]))

    def _delete(self, course: Course, student: str, name: str, home: str) -> None:
        deadline = time.monotonic() + _LOCK_SECONDS
        with contextlib.ExitStack() as stack:
            stack.enter_context(storage_errors("The snapshot can't be deleted"))
            root = stack.enter_context(open_root(course.root))
            stack.enter_context(home_lock(course.root, lock_path(course, home), home, deadline))
            with self._store.reading() as db:
                _, known = catalog.known(db, course.id, student).get((student, name), (0, None))
            if known is not None and known.pinned:
                raise SnapshotPinned("This snapshot is pinned. Unpin it first.")
            try:
                folder = stack.enter_context(root.enter([student]))
                # Out of sight by one rename, which needs no space; a disk may well be full now.
                gone = f".{name}{_DELETED}"
                folder.remove(gone)
                folder.move(name, folder, gone)
            except (NotBelow, FileNotFoundError) as error:
                raise _no_snapshot(student, name) from error
            folder.remove(sidecar.manifest_name(name))
            folder.remove(gone)
            folder.sync()


def finish_deletions(course: Course) -> None:
    """Removes what was being deleted when the service was killed. Raises StorageUnavailable."""
    with storage_errors("Deletions can't be finished"), open_root(course.root) as root:
        for student in root.scan():
            if student.name == SERVICE_DIR or not student.is_dir(follow_symlinks=False):
                continue
            with root.enter([student.name]) as folder:
                for entry in folder.scan():
                    if entry.name.startswith(".") and entry.name.endswith(_DELETED):
                        folder.remove(entry.name)


def _mounted_root(course: Course) -> Folder:
    """The root, if it is the one that was there when the service was started.

    Another folder in its place is most likely a disk that is not mounted: to go on would lose
    what the catalogue knows, and put snapshots where nobody looks for them. A disk that was
    mounted again holds our own folder.
    """
    root = open_root(course.root)
    status = root.status()
    if not course.mounted or course.mounted[0] == (status.st_dev, status.st_ino):
        return root
    try:
        root.lstat(SERVICE_DIR)
    except NotBelow as error:
        root.close()
        raise StorageUnavailable(
            f"The folder of the snapshots of {course.code} is not the one it was when the "
            "service was started. Check that its disk is mounted."
        ) from error
    return root


def _record(course_id: int, student: str, name: str, header: Header | None) -> Snapshot:
    if header is None:
        return Snapshot(course_id, student, name)
    return Snapshot(
        course_id=course_id,
        student=student,
        name=name,
        state=header.state,
        began_at=datetime.fromisoformat(header.began_at.replace("Z", "+00:00")),
        ended_at=datetime.fromisoformat(header.ended_at.replace("Z", "+00:00")),
        files=header.files,
        bytes=header.bytes,
        copied_bytes=header.copied_bytes,
        changed_files=header.changed_files,
        problem_count=header.problem_count,
        digest=header.digest,
        created_by=header.extra.get("by"),
    )


def lock_path(course: Course, home: str) -> str | None:
    """The file whose lock keeps captures of one home apart; None for the engine's own choice."""
    if course.locks is None:
        return None
    return os.path.join(course.locks, hashlib.sha256(os.fsencode(home)).hexdigest())


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


def _no_snapshot(student: str, name: str) -> SnapshotNotFound:
    return SnapshotNotFound(
        f"{student[:100]} has no snapshot {name[:100]}. The list of the student's snapshots "
        "shows their full names."
    )


def _no_file(path: str) -> FileNotFound:
    return FileNotFound(
        f"The snapshot has no file {path[:200]}. The list of its files shows their paths."
    )
