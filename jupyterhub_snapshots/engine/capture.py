"""Taking one snapshot of one home.

The home is walked once. What is proven unchanged since the student's newest snapshot is
hard-linked from there; everything else goes to rsync. Then the copies are compared with the
source, hashed, listed in the manifest, made durable, and published by one rename.

A file counts as unchanged when its size, modification time and inode change time are those that
the earlier manifest holds. A student can set the first two, not the third. A file whose change
time moved is copied and, if its content turns out the same, linked after all.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from typing import BinaryIO

from ..beneath import Finder, Folder, NotBelow
from ..core.manifest import FILE, FOLDER, LINK, Entry, Header, dump_entry, dump_header, load_entry
from ..core.names import is_component, is_snapshot_name, student_folder
from ..errors import (
    CaptureTimedOut,
    HomeNotFound,
    InvalidName,
)
from . import rsync, sidecar
from .draft import Draft
from .earlier import Earlier, holds
from .job import UNCHANGED, CaptureJob, CaptureResult
from .late import LateFiles
from .publish import existing, open_student, publish, result_of
from .staging import Attempt, attempt, home_lock, open_root
from .storage_errors import storage_errors
from .survey import Problems, entry_of, survey, type_of

#: More files than this that change while they are copied are flagged without another try.
MAX_RETRIED_FILES = 10_000
#: How often rsync is started in all when it gives up because the home changes too much. It does
#: so at once, unlike when a file blocks it; that is tried `CaptureJob.attempts` times.
MAX_STARTS = 50

_READ_BYTES = 1 << 18


def capture(job: CaptureJob) -> CaptureResult:
    """Takes the snapshot, whole or not at all, and returns what is in it.

    When it would hold just what ``unless_same_as`` holds, nothing is made. Called again with the
    same ``capture_id`` it returns the snapshot that is there.

    Raises InvalidName, HomeNotFound, HomeTooLarge, SnapshotExists, Conflict, Busy (another capture
    of the home), CaptureTimedOut, StorageFull, StorageUnavailable, RsyncFailed, RsyncMissing,
    EngineFailed. After any of them nothing half-made is left.
    """
    deadline = time.monotonic() + job.timeout_seconds
    student_folder(job.student)
    if not is_snapshot_name(job.snapshot) or not is_component(job.capture_id):
        raise InvalidName("This can't be the name of a snapshot.")
    with (
        storage_errors("The capture failed"),
        open_root(job.root) as root,
        home_lock(job.root, job.lock, job.home, deadline),
    ):
        taken = existing(root, job)
        if taken is not None:
            return taken
        with (
            _home(job.home) as home,
            open_student(root, job.student) as student,
            attempt(job.root, job.staging, job.capture_id) as work,
        ):
            if work.folder.status().st_dev != student.status().st_dev:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            return _Capture(job, home, student, work, deadline).run()


class _Capture:
    """One capture on its way; a class only because its steps share so much."""

    def __init__(
        self, job: CaptureJob, home: Folder, student: Folder, work: Attempt, deadline: float
    ) -> None:
        self.job = job
        self.home = home
        self.student = student
        self.work = work
        self.deadline = deadline
        self.began = datetime.now(timezone.utc)
        self.problems = Problems()
        self.folders: list[tuple[str, int]] = []
        self.late = LateFiles(job.deadline)
        self.files = self.bytes = self.copied_files = self.copied_bytes = self.changed_files = 0
        self.load = rsync.Load()
        self.buffer = memoryview(bytearray(_READ_BYTES))
        self.partial = self.unfinished = False

    def run(self) -> CaptureResult:
        parent = sidecar.newest(self.student)
        mtime = self.home.status().st_mtime_ns
        with contextlib.ExitStack() as stack:
            self.tree = stack.enter_context(self.work.folder.make("tree"))
            before = stack.enter_context(Earlier(self.student, parent))
            paths = stack.enter_context(self._file("paths"))
            draft = Draft(stack.enter_context(self._file("draft")), paths)
            self._look(before, draft)
            moved = self._copy(draft)
            entries = stack.enter_context(self._file("entries"))
            digest = self._finish(before, draft, moved, entries)
            for path, folder_mtime in reversed(self.folders):
                os.utime(path, ns=(folder_mtime, folder_mtime), dir_fd=self.tree.descriptor)
            os.utime(self.tree.descriptor, ns=(mtime, mtime))
            header = self._header(parent, digest)
            if self._is_held(entries):
                return self._unchanged(header)
            self._write_manifest(header, entries)
            publish(self.work.folder, self.student, self.job)
        return result_of(header)

    def _file(self, name: str) -> BinaryIO:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=self.work.folder.descriptor)
        return open(descriptor, "w+b")

    def _check_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise CaptureTimedOut(
                "The capture did not end within its time limit. Try again, or raise the limit."
            )

    # Step 1: look at everything, link what is unchanged, list what is to be copied.

    def _look(self, before: Earlier, draft: Draft) -> None:
        for count, (entry, status) in enumerate(survey(self.home, self.job, self.problems)):
            if count % 256 == 0:
                self._check_time()
            earlier = before.at(entry)
            if entry.type == FOLDER:
                os.mkdir(entry.path, 0o700, dir_fd=self.tree.descriptor)
                self.folders.append((entry.path, entry.mtime))
            elif before.link(entry, earlier, self.tree) and earlier is not None:
                entry = entry._replace(sha256=earlier.sha256, target=earlier.target)
            else:
                if earlier is not None:
                    entry = entry._replace(sha256=earlier.sha256)
                self.load.add(status)
                draft.add_wanted(entry)
                continue
            draft.add_done(entry)
            self._count(entry)

    # Step 2: copy with rsync; what changed meanwhile, again.

    def _copy(self, draft: Draft) -> dict[str, Entry]:
        """Returns the entries that differ from the draft: copied anew, or still changing."""
        if not draft.wants_any:
            return {}
        self._copy_all(draft)
        settled: dict[str, Entry] = {}
        moving = self._moving(draft.wanted(), settled)
        for _ in range(self.job.attempts - 1):
            if not moving or len(moving) > MAX_RETRIED_FILES:
                break
            with self._file("again") as again:
                again.writelines(map(rsync.listed, moving))
                code = self._rsync(again)
            for entry in moving.values():  # after a fault it may still be the copy of before
                settled[entry.path] = entry._replace(changed=code != 0)
            moving = self._moving(moving.values(), settled)
        for entry in moving.values():
            settled[entry.path] = entry._replace(changed=True)
        return settled

    def _copy_all(self, draft: Draft) -> None:
        """Copies; when rsync gives up or is blocked, goes on with those that are not there yet."""
        code = self._rsync(draft.paths)
        blocked = int(code is None)
        for _ in range(MAX_STARTS - 1):
            if not self.unfinished or blocked >= self.job.attempts:
                return
            with self._file("again") as again:
                for entry in draft.wanted():
                    if self._arrived(entry) is None:
                        again.write(rsync.listed(entry.path))
                code = self._rsync(again) if again.tell() else 0
                blocked += code is None

    def _rsync(self, paths: BinaryIO) -> int | None:
        """Runs rsync; its exit code, None if it had to be ended because a file blocked it."""
        paths.flush()
        paths.seek(0)
        outcome = rsync.copy(
            self.home,
            os.path.join(self.work.path, "tree"),
            paths,
            load=self.load,
            deadline=self.deadline,
            mark=self.work.name,
        )
        self.partial = outcome.code != 0
        self.unfinished = self.partial and outcome.code not in rsync.PARTIAL
        return outcome.code

    def _moving(self, copied: Iterable[Entry], settled: dict[str, Entry]) -> dict[str, Entry]:
        """Those of the copied that changed since they were looked at, as they are now.

        What is gone by now can't be copied again; it is settled as changed.
        """
        moving = {}
        with Finder(self.home) as finder:
            for entry in copied:
                now = _now(finder, entry)
                if now is None:
                    settled[entry.path] = entry._replace(changed=True)
                elif now != (entry if entry.sha256 is None else entry._replace(sha256=None)):
                    moving[entry.path] = now
        return moving

    # Step 3: look at what arrived, hash it, write the manifest.

    def _finish(
        self, before: Earlier, draft: Draft, moved: dict[str, Entry], entries: BinaryIO
    ) -> str:
        digest = hashlib.sha256()
        missed = self.problems.count
        for line, drafted in draft.lines():
            if drafted is not None:
                entry = self._settle(before, drafted, moved.get(drafted.path, drafted))
                if entry is None:
                    continue
                line = dump_entry(entry)
                self._count(entry)
                self.copied_files += entry.type == FILE
            digest.update(line)
            entries.write(line)
        if self.unfinished and self.files == 0:
            raise CaptureTimedOut("Nothing of the home could be read in time. Try again.")
        if self.partial and self.problems.count == missed:
            self.problems.add("", "partial")
        return digest.hexdigest()

    def _arrived(self, entry: Entry) -> os.stat_result | None:
        try:
            return os.stat(entry.path, dir_fd=self.tree.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _settle(self, before: Earlier, drafted: Entry, last: Entry) -> Entry | None:
        """The final entry of what was copied; None, and noted, when it did not arrive."""
        entry = last._replace(sha256=None)
        status = self._arrived(entry)
        if status is None:
            self.problems.add(entry.path, self._why_missing(entry))
            return None
        if type_of(status) != entry.type:
            with self.tree.enter(entry.order[:-1]) as above:
                above.remove(entry.order[-1])
            self.problems.add(entry.path, "changed_type")
            return None
        if entry.type == LINK:
            target = os.readlink(entry.path, dir_fd=self.tree.descriptor)
            return entry._replace(target=target, size=status.st_size)
        if status.st_size != entry.size:
            entry = entry._replace(size=status.st_size, changed=True)
        if entry.changed:
            self.changed_files += 1
            self.problems.add(entry.path, "changed")
        entry = entry._replace(sha256=self._hash(entry.path))
        same = entry.sha256 == drafted.sha256
        if not (same and before.adopt(entry, status, self.work.folder, self.tree)):
            self.copied_bytes += entry.size
        return entry

    def _why_missing(self, entry: Entry) -> str:
        try:
            now = entry_of(entry.path, self.home.find(entry.order))
        except NotBelow as error:
            return "unreadable" if error.errno == errno.EACCES else "vanished"
        except OSError:
            return "unreadable"
        return "unreadable" if now is not None and now.type == entry.type else "changed_type"

    def _hash(self, path: str) -> str:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        digest = hashlib.sha256()
        with open(os.open(path, flags, dir_fd=self.tree.descriptor), "rb", buffering=0) as file:
            while size := file.readinto(self.buffer):
                digest.update(self.buffer[:size])
                self._check_time()
        return digest.hexdigest()

    def _count(self, entry: Entry) -> None:
        if entry.type == FILE:
            self.files += 1
            self.bytes += entry.size
        self.late.look(entry)

    # Step 4: the manifest.

    def _header(self, parent: Header | None, digest: str) -> Header:
        return Header(
            student=self.job.student,
            snapshot=self.job.snapshot,
            capture_id=self.job.capture_id,
            state=sidecar.INCOMPLETE if self.problems.harmful else sidecar.COMPLETE,
            requested_at=self.job.requested_at,
            began_at=_iso(self.began),
            ended_at=_iso(datetime.now(timezone.utc)),
            parent=parent.snapshot if parent is not None else None,
            include_hidden=self.job.include_hidden,
            folders=self.job.folders,
            files=self.files,
            bytes=self.bytes,
            copied_files=self.copied_files,
            copied_bytes=self.copied_bytes,
            changed_files=self.changed_files,
            problems=tuple(self.problems.kept),
            problem_count=self.problems.count,
            deadline=self.job.deadline,
            late_count=self.late.count,
            late_files=self.late.paths,
            digest=digest,
            extra=self.job.extra,
        )

    def _is_held(self, entries: BinaryIO) -> bool:
        """Whether the snapshot that this one is to differ from holds the same."""
        if self.job.unless_same_as is None:
            return False
        entries.seek(0)
        return holds(self.student, self.job.unless_same_as, map(load_entry, entries))

    def _unchanged(self, header: Header) -> CaptureResult:
        result = replace(result_of(header), state=UNCHANGED, copied_files=0, copied_bytes=0)
        return replace(result, snapshot=self.job.unless_same_as or result.snapshot)

    def _write_manifest(self, header: Header, entries: BinaryIO) -> None:
        with self._file("manifest") as manifest:
            manifest.write(dump_header(header))
            entries.seek(0)
            while chunk := entries.read(1 << 20):
                manifest.write(chunk)


def _now(finder: Finder, entry: Entry) -> Entry | None:
    """The source as it is now; None when it is gone or something else."""
    try:
        now = entry_of(entry.path, finder.lstat(entry.order))
    except OSError:
        return None
    return now if now is not None and now.type == entry.type else None


def _home(path: str) -> Folder:
    try:
        return Folder.at(path)
    except NotBelow as error:
        raise HomeNotFound(
            "The student has no home to capture: it is missing, a link, or no folder."
        ) from error


def _iso(when: datetime) -> str:
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")
