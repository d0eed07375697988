"""Putting a document into a home: beside what is there, never over it, never through a link."""

from __future__ import annotations

import errno
import os
import stat

from .beneath import Folder, NotBelow
from .core.home_deliveries import Outcome, names_to_try
from .errors import PlaceTaken, SnapshotsError, StorageUnavailable
from .reports import not_written, open_home, write_file

_PIECE_BYTES = 1 << 20


def hand_out(
    home: str, folder: str, filename: str, content: bytes, had: str | None = None
) -> Outcome:
    """Puts the file into that folder of the home; both become the student's own. For threads.

    Where the name is taken it is a numbered copy beside it. A file of the same contents that is
    there already counts as delivered.

    Parameters:
        home: absolute path.
        had: where the same contents were delivered before; if something is there, nothing is done.

    Raises HomeNotFound, PlaceTaken, StorageFull, StorageUnavailable.
    """
    with open_home(home) as top:
        if had is not None and _is_there(top, had):
            return Outcome(path=had)
        owner = top.status()
        with _enter(top, folder, owner) as place:
            for name in names_to_try(filename):
                if _put(place, name, content, owner):
                    return Outcome(path=f"{folder}/{name}", renamed=name != filename)
    raise PlaceTaken(
        f"The folder {folder} of the home has too many files called like {filename}. Ask the "
        "student to remove some."
    )


def holds(home: str, name: str, content: bytes) -> bool:
    """Whether the home has a file of that name with these contents. For threads.

    Raises HomeNotFound, StorageUnavailable.
    """
    with open_home(home) as top:
        return _is_same(top, name, content)


def _is_there(top: Folder, path: str) -> bool:
    try:
        top.find(path.split("/"))
    except NotBelow:
        return False
    return True


def _enter(top: Folder, name: str, owner: os.stat_result) -> Folder:
    """The assignment's folder, as open to others as the home is."""
    mode = 0o700 | owner.st_mode & (0o055 | stat.S_ISGID)
    try:
        return top.make_for(name, mode, (owner.st_uid, owner.st_gid))
    except NotBelow as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT):  # or gone meanwhile
            raise _unreadable() from error
        raise PlaceTaken(
            f"The home has something called {name} that is no folder. Ask the student to rename "
            "it, then deliver again."
        ) from error
    except OSError as error:
        raise not_written(error) from error


def _put(place: Folder, name: str, content: bytes, owner: os.stat_result) -> bool:
    """Whether the file is there now under that name; False when something else is."""
    try:
        place.lstat(name)
    except NotBelow as error:
        if error.errno != errno.ENOENT:
            raise _unreadable() from error
    except OSError as error:
        raise _unreadable() from error
    else:
        return _is_same(place, name, content)
    try:
        write_file(place, name, content, owner)
    except FileExistsError:
        return False
    return True


def _is_same(folder: Folder, name: str, content: bytes) -> bool:
    """Whether it is a file with these contents; reads no more of it than that."""
    try:
        descriptor, status = folder.open_child(name)
    except OSError:
        return False
    with open(descriptor, "rb", buffering=0) as file:
        if status.st_size != len(content):
            return False
        try:
            for start in range(0, len(content) + 1, _PIECE_BYTES):
                wanted = content[start : start + _PIECE_BYTES]
                if file.read(len(wanted)) != wanted:
                    return False
        except OSError:
            return False
    return True


def _unreadable() -> SnapshotsError:
    return StorageUnavailable("The student's home can't be read; nothing was written.")
