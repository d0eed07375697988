"""Renaming that never replaces what has the new name, also where the kernel can't promise that."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat

_RENAME_NOREPLACE = 1
#: What `link` says of a file system, or of another person's file, that can't have one.
_NO_HARD_LINK = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
_libc = ctypes.CDLL(None, use_errno=True)


def move(source: int, name: str, target: int, new_name: str) -> None:
    """Renames atomically and never over something that exists.

    Parameters:
        source: descriptor of the folder that has the name; `target` of the one that gets it.

    Raises FileExistsError when the new name is taken, OSError(EXDEV) across file systems.
    """
    result = _libc.renameat2(
        ctypes.c_int(source),
        os.fsencode(name),
        ctypes.c_int(target),
        os.fsencode(new_name),
        ctypes.c_uint(_RENAME_NOREPLACE),
    )
    if result == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), new_name)
    _move_by_link(source, name, target, new_name)


def _move_by_link(source: int, name: str, target: int, new_name: str) -> None:
    """Renames where there is no NOREPLACE; what others do to these names meanwhile is not locked.

    A file or link gets its new name as a hard link, which is never made over something, and then
    loses the old one: for a moment, and after a crash, it has both. A folder is renamed, which at
    worst replaces an empty folder that was made meanwhile. Only a file system that has no hard
    links either could lose a file that takes the new name between the look and the rename.

    Raises FileExistsError, OSError.
    """
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        try:
            os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINK:
                raise
        else:
            os.unlink(name, dir_fd=source)
            return
    taken = FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
    with contextlib.suppress(FileNotFoundError):
        os.stat(new_name, dir_fd=target, follow_symlinks=False)
        raise taken
    try:
        os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR):
            raise taken from error
        raise
