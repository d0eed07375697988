"""Trouble with the store, told to people."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from ..errors import EngineFailed, StorageFull, StorageUnavailable


@contextlib.contextmanager
def storage_errors(failed: str) -> Iterator[None]:
    """Turns what the operating system says of the store into errors for people.

    Parameters:
        failed: what did not work, as the beginning of a sentence.

    Raises StorageFull, StorageUnavailable, EngineFailed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                "There is no space left for snapshots. Free some and try again."
            ) from error
        if error.errno in (errno.EROFS, errno.EIO, errno.ESTALE, errno.ENXIO, errno.EACCES):
            raise StorageUnavailable(
                "The disk of the snapshots can't be used. The log of the service says why."
            ) from error
        if error.errno == errno.EXDEV:
            raise StorageUnavailable(
                "The staging folder is on another file system than the snapshots. Configure one "
                "on the same."
            ) from error
        raise EngineFailed(
            f"{failed}: {error.strerror or 'unknown error'}. The log of the service says more."
        ) from error
