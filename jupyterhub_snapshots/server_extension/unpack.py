"""A zip of the service becomes a folder: nothing of it can land anywhere else."""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from typing import IO

from ..beneath import Folder
from ..errors import EngineFailed, TooLarge

#: Most files and folders in one zip.
MAX_MEMBERS = 200_000
_LONGEST_LINK_BYTES = 4096
_COPY_BYTES = 1 << 20
#: Extra field that holds the real path of a member, as the service's zips have it.
REAL_NAME = 0x6E53
_FIELD = struct.Struct("<HH")
#: What `zipfile` raises for bytes that are no zip, or one that is encrypted or packed otherwise.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack(file: IO[bytes], into: Folder) -> int:
    """Fills the empty folder with what is below the zip's one top folder; for threads.

    Only plain files, folders, and links that stay inside. The number of what was left out: other
    links, and what has a name, or is in a folder with one, that is too long for this disk.

    Raises EngineFailed for a zip that is none of ours, TooLarge, OSError.
    """
    try:
        with zipfile.ZipFile(file) as archive, _Places(into) as places:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise TooLarge(
                    f"The folder has more than {MAX_MEMBERS:,} files. Download it as a zip instead."
                )
            top = _path(members[0]) if members else ""
            return sum(
                not _add(archive, member, _below(top, _path(member)), places)
                for member in members[1:]
            )
    except _BROKEN as error:
        raise EngineFailed("The snapshots service sent a broken zip. Try again.") from error


def _path(member: zipfile.ZipInfo) -> str:
    """The member's path as it is in the snapshot, also where the zip had to call it otherwise."""
    rest = member.extra
    while len(rest) >= _FIELD.size:
        field, length = _FIELD.unpack_from(rest)
        if field == REAL_NAME:
            return os.fsdecode(rest[_FIELD.size :][:length])
        rest = rest[_FIELD.size + length :]
    return member.filename


def _below(top: str, name: str) -> list[str]:
    """The components of a member's name below the top folder. Raises EngineFailed."""
    parts = name.removesuffix("/")[len(top) :].split("/")
    if not top.endswith("/") or not name.startswith(top) or not all(map(_is_name, parts)):
        raise EngineFailed("The snapshots service sent a zip with names that can't be.")
    return parts


def _is_name(part: str) -> bool:
    """Whether it can be the name of something below; how long it may be, the disk says."""
    return part not in ("", ".", "..") and "\0" not in part


class _Places:
    """Folders below one; the last one stays open, for a zip comes in the order of a walk."""

    def __init__(self, top: Folder) -> None:
        self._top = top
        self._parts: list[str] = []
        self._folder = top

    def __enter__(self) -> _Places:
        return self

    def __exit__(self, *error: object) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._folder is not self._top:
            self._folder.close()
        self._folder, self._parts = self._top, []

    def at(self, parts: list[str]) -> Folder:
        """The folder there, made if it is missing; open until the next call."""
        if parts != self._parts:
            self._leave()
            for name in parts:
                above, self._folder = self._folder, self._folder.make(name, 0o777)
                self._parts = [*self._parts, name]
                if above is not self._top:
                    above.close()
        return self._folder


def _add(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, parts: list[str], places: _Places
) -> bool:
    """Whether the member was added; see `unpack` for what is not."""
    try:
        return _make(archive, member, parts, places)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


def _make(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, parts: list[str], places: _Places
) -> bool:
    if member.is_dir():
        places.at(parts)
        return True
    folder, name = places.at(parts[:-1]), parts[-1]
    mode = member.external_attr >> 16
    if stat.S_ISLNK(mode):
        if member.file_size > _LONGEST_LINK_BYTES:
            return False
        target = os.fsdecode(archive.read(member))
        if not _stays_inside(target, len(parts) - 1):
            return False
        os.symlink(target, name, dir_fd=folder.descriptor)
        return True
    executable = 0o111 if mode & stat.S_IXUSR else 0
    descriptor = os.open(name, _NEW_FILE, 0o666 | executable, dir_fd=folder.descriptor)
    with open(descriptor, "wb") as made, archive.open(member) as content:
        shutil.copyfileobj(content, made, _COPY_BYTES)
    return True


def _stays_inside(target: str, depth: int) -> bool:
    """Whether a link so many folders deep leads to somewhere below the top.

    The folders above it are plain ones, so going up first is what it seems; going up after a name
    is not, because that name may be a link itself.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
    return (
        bool(target)
        and target[0] != "/"
        and "\0" not in target
        and up <= depth
        and ".." not in parts[up:]
    )
