"""Snapshots as streamed zips: stored, not compressed; memory flat whatever the size.

A zip is written while it is sent, so an error in the middle can't be told any more: the iterator
raises and whoever sends must break the connection off.
"""

from __future__ import annotations

import stat
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO, cast

from .beneath import Folder
from .core.names import is_hidden
from .core.records import Course
from .errors import EngineFailed, SnapshotNotFound
from .snapshots import SnapshotCatalog

CHUNK_BYTES = 1 << 18
#: Sizes beyond which a zip needs its 64-bit form, whose exact length is not computed here.
_ZIP32_BYTES = 2**31 - 1
_ZIP32_MEMBERS = 65_000
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
_LOCAL_HEADER, _DESCRIPTOR, _CENTRAL_HEADER, _END = 30, 16, 46, 22
_FOLDER_ATTRIBUTE = 0x10
_STREAMED = 0x08
#: Backslashes separate folders on Windows; control characters forge lines of a listing.
_UNSAFE = {ord("\\"): "_"} | dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], "_")


@dataclass(frozen=True)
class Part:
    """One snapshot that goes into a zip.

    Attributes:
        prefix: put before the path of each member; ends in "/" unless empty.
        with_top: whether the prefix itself is a member.
        skip_hidden_folders: leave out what lies in a folder whose name begins with a dot.
        timestamp: if given, a file ``timestamp.txt`` with it is added, as nbgrader wants it.
    """

    course: Course
    student: str
    snapshot: str
    prefix: str
    with_top: bool = False
    skip_hidden_folders: bool = False
    timestamp: datetime | None = None


@dataclass(frozen=True)
class _Member:
    name: str
    status: tuple[int, int, float]  # mode, size, mtime
    path: tuple[str, ...] = ()
    content: bytes | None = None


class Archive:
    """A zip of some snapshots. Its length is known beforehand when that is cheap to know."""

    def __init__(self, catalog: SnapshotCatalog, parts: Iterable[Part]) -> None:
        self._catalog = catalog
        self._parts = list(parts)

    def length(self) -> int | None:
        """Bytes of the zip, or None when they are not known beforehand; for threads.

        Raises SnapshotNotFound.
        """
        if len(self._parts) != 1:
            return None
        total, count = _END, 0
        part = self._parts[0]
        names = _Names()
        with self._catalog.open_tree(part.course, part.student, part.snapshot) as tree:
            for member in _members(tree, part):
                header = len(_info(member, names).FileHeader(zip64=False))
                total += 2 * header - _LOCAL_HEADER + _CENTRAL_HEADER + _DESCRIPTOR
                total += member.status[1]
                count += 1
        return total if total < _ZIP32_BYTES and count < _ZIP32_MEMBERS else None

    def chunks(self) -> Iterator[bytes]:
        """The zip, piece by piece; for threads.

        Raises SnapshotNotFound or EngineFailed in the middle when a snapshot is taken away or
        changes while it is read.
        """
        sink, names = _Sink(), _Names()
        with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_STORED) as archive:
            for part in self._parts:
                try:
                    with self._catalog.open_tree(part.course, part.student, part.snapshot) as tree:
                        for member in _members(tree, part):
                            yield from self._add(archive, sink, tree, member, names)
                except SnapshotNotFound:
                    if len(self._parts) == 1:
                        raise
                    raise EngineFailed(f"A snapshot of {part.student} was taken away.") from None
        yield sink.take()

    def _add(
        self,
        archive: zipfile.ZipFile,
        sink: _Sink,
        tree: Folder,
        member: _Member,
        names: _Names,
    ) -> Iterator[bytes]:
        mode, size, _ = member.status
        info = _info(member, names)
        with archive.open(info, "w", force_zip64=size >= _ZIP32_BYTES) as target:
            if member.content is not None:
                target.write(member.content)
            elif stat.S_ISLNK(mode):
                with tree.enter(member.path[:-1]) as folder:
                    target.write(_raw(folder.readlink(member.path[-1])))
            elif stat.S_ISREG(mode):
                left = size
                descriptor, _ = tree.open_file(member.path)
                with open(descriptor, "rb", buffering=0) as file:
                    while chunk := file.read(CHUNK_BYTES):
                        left -= len(chunk)
                        target.write(chunk)
                        if sink.size >= CHUNK_BYTES:
                            yield sink.take()
                if left:
                    raise EngineFailed(f"{member.name} changed while it was read.")
        if sink.size >= CHUNK_BYTES:
            yield sink.take()


class _Sink:
    """What a `zipfile.ZipFile` writes to: no seeking, and the bytes can be taken out."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def take(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return data


def _members(tree: Folder, part: Part) -> Iterator[_Member]:
    top = tree.status()
    if part.with_top:
        yield _Member(part.prefix, (top.st_mode, 0, top.st_mtime))
    if part.timestamp is not None:
        text = part.timestamp.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC\n")
        yield _Member(
            f"{part.prefix}timestamp.txt",
            (stat.S_IFREG | 0o644, len(text), part.timestamp.timestamp()),
            content=text.encode(),
        )

    def failed(path: str, error: OSError) -> None:
        raise EngineFailed(f"{path} of the snapshot can't be read.") from error

    for found in tree.walk(failed=failed):
        mode = found.status.st_mode
        folder = stat.S_ISDIR(mode)
        inside = found.path if folder else found.path.rpartition("/")[0]
        if part.skip_hidden_folders and is_hidden(inside):
            continue
        if part.timestamp is not None and found.path == "timestamp.txt":
            continue
        if folder or stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            size = 0 if folder else found.status.st_size
            yield _Member(
                part.prefix + found.path + ("/" if folder else ""),
                (mode, size, found.status.st_mtime),
                tuple(found.path.split("/")),
            )


class _Names:
    """Names of a zip's members: safe for any program that unpacks, and each only once."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def take(self, name: str) -> str:
        """The name the member gets; numbered when what is left of it was taken before."""
        folder, slash, plain = _safe(name).rpartition("/")
        name = wanted = folder + slash + plain
        number = self._taken.get(wanted, 0)
        while name in self._taken:
            number += 1
            stem, dot, suffix = plain.rpartition(".")
            numbered = f"{stem}~{number}{dot}{suffix}" if stem else f"{plain}~{number}"
            name = folder + slash + numbered
        self._taken[wanted] = number
        self._taken[name] = self._taken.get(name, 0)
        return name


def _info(member: _Member, names: _Names) -> zipfile.ZipInfo:
    mode, _, modified = member.status
    name = names.take(member.name.rstrip("/")) + "/" * stat.S_ISDIR(mode)
    info = zipfile.ZipInfo(name, _zip_time(modified))
    info.create_system = 3
    info.external_attr = (mode & ~0o7000) << 16
    if stat.S_ISDIR(mode):
        info.external_attr |= _FOLDER_ATTRIBUTE
    info.flag_bits |= _STREAMED  # the digest follows the content
    return info


def _safe(name: str) -> str:
    """A member's name that no program can take for a path elsewhere, or for two lines."""
    text = _raw(name).decode("utf-8", "replace").translate(_UNSAFE)
    return text[0] + "_" + text[2:] if text[1:2] == ":" else text


def _zip_time(modified: float) -> tuple[int, int, int, int, int, int]:
    try:
        moment = time.localtime(modified)[:6]
    except (OverflowError, ValueError, OSError):
        return _EARLIEST if modified < 0 else _LATEST
    return min(max(moment, _EARLIEST), _LATEST)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
