"""The snapshots of a course: listed from the disk, described by the catalogue."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import replace

from .beneath import Folder, NotBelow
from .core.captures import Kind
from .core.manifest import Header, instant
from .core.names import (
    SERVICE_DIR,
    is_snapshot_name,
    student_folder,
)
from .core.records import Course, Snapshot
from .engine import sidecar
from .engine.staging import home_lock, open_root
from .engine.storage_errors import storage_errors
from .errors import (
    InvalidName,
    SnapshotPinned,
    StorageUnavailable,
)
from .snapshot_trees import SnapshotTrees, no_snapshot
from .store import Store, catalog

#: A folder that changed this shortly before it was read may have changed again unseen.
_RACY_NS = 2_000_000_000
_LOCK_SECONDS = 10
#: Some file systems use all 64 bits of an inode's number, databases have a sign.
_INODE_BITS = 2**63 - 1

_DELETED = ".deleted"
_NOTHING_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

Names = dict[str, int]


class SnapshotCatalog(SnapshotTrees):
    """Lists, opens, pins and deletes snapshots. What is on the disk is what there is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scanned: dict[tuple[int, str], tuple[int, int, Names]] = {}

    async def list_snapshots(
        self,
        course: Course,
        student: str | None = None,
        name: str | None = None,
        assignment: int | None = None,
    ) -> list[Snapshot]:
        """Snapshots of the course, of one student, name or assignment, by student and name.

        Paths of late files are there only when one student or one assignment is asked for.

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
        listed = [
            known[key][1]
            for key in sorted(found)
            if key in known
            and (name is None or key[1] == name)
            and (assignment is None or known[key][1].assignment_id == assignment)
        ]
        if (student is None and assignment is None) or not any(each.late_count for each in listed):
            return listed
        late = await self._store.read(
            lambda db: catalog.late_files(db, course.id, student, assignment)
        )
        return [
            replace(each, late_files=late.get((each.student, each.name), each.late_files))
            for each in listed
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
        raise no_snapshot(student, name)

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

    def _describe_all(
        self, course: Course, keys: Iterable[tuple[str, str]]
    ) -> list[tuple[int, Snapshot]]:
        return [found for key in keys for found in self.describe(course, *key)]

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
                raise no_snapshot(student, name) from error
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
        began_at=instant(header.began_at),
        ended_at=instant(header.ended_at),
        files=header.files,
        bytes=header.bytes,
        copied_bytes=header.copied_bytes,
        changed_files=header.changed_files,
        problem_count=header.problem_count,
        digest=header.digest,
        created_by=header.extra.get("by"),
        assignment_id=_assignment_id(header),
        kind=_kind(header),
        deadline=instant(header.deadline) if header.deadline is not None else None,
        late_count=header.late_count,
        late_files=header.late_files,
    )


def _assignment_id(header: Header) -> int | None:
    assignment = header.extra.get("assignment")
    number = assignment.get("id") if isinstance(assignment, dict) else None
    return number if isinstance(number, int) else None


def _kind(header: Header) -> str | None:
    kind = header.extra.get("kind")
    return kind if kind in {each.value for each in Kind} else None


def lock_path(course: Course, home: str) -> str | None:
    """The file whose lock keeps captures of one home apart; None for the engine's own choice."""
    if course.locks is None:
        return None
    return os.path.join(course.locks, hashlib.sha256(os.fsencode(home)).hexdigest())
