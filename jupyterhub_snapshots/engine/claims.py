"""Who works on a batch: a locked file says so for as long as the process lives that took it.

The lock ends with its process, however that ends, so that nobody waits for one that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time

from ..core.names import SERVICE_DIR
from ..errors import BatchRunning

#: Whoever looks at a claim holds its lock for a moment.
_PATIENCE_SECONDS = 0.2


class Claim:
    """A batch that is this process's own until it is released; without a file it is nobody's."""

    def __init__(self, path: str = "", descriptor: int | None = None) -> None:
        self._path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Lets go of it; harmless when that was done already."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
            os.close(descriptor)


def take(root: str, key: str) -> Claim:
    """Makes the batch of that key this process's own.

    Raises BatchRunning when another has it, OSError when the store can't be written.
    """
    path = _path(root, key)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.fstat(descriptor).st_nlink > 0  # else it was released meanwhile
            if ours:
                os.ftruncate(descriptor, 0)
                here = f"process {os.getpid()} on {socket.gethostname()}"
                os.pwrite(descriptor, here.encode(), 0)
                return Claim(path, descriptor)
        except BlockingIOError:
            if time.monotonic() > deadline:
                there = os.pread(descriptor, 1000, 0).decode() or "another process"
                os.close(descriptor)
                raise BatchRunning(
                    f"The batch runs in {there}. Wait for its end, or stop it there."
                ) from None
            time.sleep(_PATIENCE_SECONDS / 10)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def is_taken(root: str, key: str) -> bool:
    """Whether a living process, which may be this one, has the batch of that key."""
    try:
        descriptor = os.open(_path(root, key), os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _path(root: str, key: str) -> str:
    return os.path.join(root, SERVICE_DIR, "batches", key)
