"""Unfinished work: a folder per attempt, gone when the attempt ends or its process died.

An attempt holds the lock of a file in its folder. Whoever finds an attempt whose lock is free
knows that its process is dead, and clears it away; this is what a restart after ``kill -9`` does.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..beneath import Folder, NotBelow
from ..core.names import SERVICE_DIR
from ..errors import Busy, StorageUnavailable
from .rsync import end_marked

_LOCK_POLL_SECONDS = 0.05
_ATTEMPT = re.compile(r".+\.[0-9a-f]{8}", re.DOTALL)


@dataclass
class Attempt:
    """A folder of our own for one piece of unfinished work.

    Attributes:
        name: unique; also the mark of its processes.
        path: absolute path.
        folder: the held folder.
    """

    name: str
    path: str
    folder: Folder


def open_root(root: str) -> Folder:
    """The snapshot root, which must be there. Raises StorageUnavailable."""
    try:
        return Folder.at(root)
    except OSError as error:
        raise StorageUnavailable(
            "The folder of the snapshots is missing or can't be read. Check that its disk is "
            "mounted; it is never made by itself at run time."
        ) from error


def staging_path(root: str, staging: str | None) -> str:
    """Where unfinished work of the root lives."""
    return staging or os.path.join(root, SERVICE_DIR, "staging")


def _open_staging(root: str, staging: str | None) -> Folder:
    with open_root(root) as top, top.make(SERVICE_DIR) as own:
        # Our folder in the root is there in any case: by it a disk is known again.
        if staging is None:
            return own.make("staging")
    with contextlib.suppress(FileExistsError):
        os.makedirs(staging, 0o700)
    return Folder.at(staging)


@contextlib.contextmanager
def attempt(root: str, staging: str | None, name: str) -> Iterator[Attempt]:
    """A fresh folder for the time of the block; removed afterwards with all that is in it.

    Parameters:
        name: what the attempt is for; its folder gets a unique name that begins with it.
    """
    with _open_staging(root, staging) as top:
        name = f"{name}.{secrets.token_hex(4)}"
        with _claim(top, name) as folder:
            try:
                yield Attempt(name, os.path.join(staging_path(root, staging), name), folder)
            finally:
                with contextlib.suppress(OSError):
                    top.remove(name)


@contextlib.contextmanager
def _claim(top: Folder, name: str) -> Iterator[Folder]:
    """A new folder below, and its lock for the time of the block."""
    while True:
        with top.make(name) as folder, _lock_file(folder) as lock:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if os.fstat(lock).st_nlink > 0:
                    yield folder
                    return
        # A cleaner was quicker.


@contextlib.contextmanager
def _lock_file(folder: Folder) -> Iterator[int | None]:
    """Descriptor of the lock of an attempt; None when its folder is gone."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open("lock", flags, 0o600, dir_fd=folder.descriptor)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def clean(root: str, staging: str | None = None) -> int:
    """Removes what dead processes left unfinished, and ends their children; returns how many."""
    cleaned = 0
    try:
        top = Folder.at(staging_path(root, staging))
    except NotBelow:
        return 0
    with top:
        for entry in top.scan():
            if not _ATTEMPT.fullmatch(entry.name):
                continue  # not ours
            with contextlib.suppress(NotBelow), top.enter([entry.name]) as folder:
                cleaned += _clear(top, entry.name, folder)
    return cleaned


def _clear(top: Folder, name: str, folder: Folder) -> bool:
    with _lock_file(folder) as lock:
        if lock is None:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        end_marked(name)
        top.remove(name)
        return True


@contextlib.contextmanager
def home_lock(root: str, lock: str | None, home: str, deadline: float) -> Iterator[None]:
    """Keeps two captures of one home apart, across processes; the lock file is never removed.

    Raises Busy when the other capture does not end before the deadline (`time.monotonic`).
    """
    if lock is None:
        with open_root(root) as top, top.make(SERVICE_DIR) as own, own.make("locks"):
            pass
        digest = hashlib.sha256(os.fsencode(os.path.normpath(home))).hexdigest()
        lock = os.path.join(root, SERVICE_DIR, "locks", digest)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise
                if time.monotonic() > deadline:
                    raise Busy("Another capture of this home is still running.") from None
                time.sleep(_LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
