"""Making a finished capture a snapshot: durable, then visible, all at once or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator

from ..beneath import Folder, NotBelow
from ..core.manifest import Header
from ..errors import Conflict, SnapshotExists
from . import sidecar
from .job import CaptureJob, CaptureResult

_libc = ctypes.CDLL(None, use_errno=True)


def existing(root: Folder, job: CaptureJob) -> CaptureResult | None:
    """What the same capture made earlier; None when the name is free. Raises SnapshotExists."""
    try:
        with root.enter([job.student]) as student:
            student.lstat(job.snapshot)
            header = sidecar.read_header(student, job.snapshot)
    except NotBelow:
        return None
    if header is not None and header.capture_id == job.capture_id:
        return result_of(header)
    raise _exists(job)


def _exists(job: CaptureJob) -> SnapshotExists:
    return SnapshotExists(
        f"{job.student} already has a snapshot {job.snapshot}. Choose another name."
    )


def open_student(root: Folder, student: str) -> Folder:
    """The folder of the student's snapshots, made when it is missing. Raises Conflict."""
    try:
        folder = root.enter([student])
    except NotBelow as error:
        if error.errno != errno.ENOENT:
            raise Conflict(
                "There is something else where the folder of this student's snapshots should be."
            ) from error
        folder = root.make(student)
        root.sync()
    if student not in os.listdir(root.descriptor):
        folder.close()  # the file system takes two names for one
        raise Conflict("Another student's folder has the same name but for case or accents.")
    return folder


def publish(work: Folder, student: Folder, job: CaptureJob) -> None:
    """Moves ``manifest`` and ``tree`` from the folder of the attempt to the student's folder.

    Raises SnapshotExists, and OSError when the disk refuses; then nothing is visible.
    """
    sync_file_system(work)
    hidden = sidecar.manifest_name(job.snapshot)
    with _only_one(student):
        with contextlib.suppress(NotBelow):
            student.lstat(job.snapshot)
            raise _exists(job)
        student.remove(hidden)  # of a tree that is gone
        work.move("manifest", student, hidden)
        try:
            work.move("tree", student, job.snapshot)
            try:
                student.sync()
            except BaseException:
                student.move(job.snapshot, work, "tree")
                raise
        except BaseException:
            student.remove(hidden)
            raise


@contextlib.contextmanager
def _only_one(student: Folder) -> Iterator[None]:
    """Keeps two that publish for one student apart; they may come from different homes."""
    fcntl.flock(student.descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(student.descriptor, fcntl.LOCK_UN)


def result_of(header: Header) -> CaptureResult:
    """The answer of a capture, from the header of its manifest."""
    return CaptureResult(
        student=header.student,
        snapshot=header.snapshot,
        state=header.state,
        began_at=header.began_at,
        ended_at=header.ended_at,
        files=header.files,
        bytes=header.bytes,
        copied_files=header.copied_files,
        copied_bytes=header.copied_bytes,
        changed_files=header.changed_files,
        digest=header.digest,
        parent=header.parent,
        problems=header.problems,
        problem_count=header.problem_count,
        late_count=header.late_count,
    )


def sync_file_system(folder: Folder) -> None:
    """Makes all that was written on the folder's file system durable.

    Raises OSError when the disk refused; never tried a second time, because the kernel may have
    dropped what it could not write.
    """
    if _libc.syncfs(ctypes.c_int(folder.descriptor)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
