"""Snapshots as streamed zips: stored, not compressed; memory flat whatever the size.

A zip is written while it is sent, so an error in the middle can't be told any more: the iterator
raises and whoever sends must break the connection off.

Names are made safe for any program that unpacks. A member whose name in the zip is not the real
one has that, too, in an extra field of both its headers: id 0x6E53, then the length, then the path
with its prefix, and with a "/" at the end of a folder's, as the bytes it has on the disk. Programs
skip fields that they do not know.
"""

from __future__ import annotations

import contextlib
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from .beneath import Folder, NotBelow
from .core.names import is_hidden
from .core.records import Course
from .errors import EngineFailed, FileNotFound, NotAFolder, SnapshotNotFound
from .snapshots import SnapshotCatalog

CHUNK_BYTES = 1 << 18
#: Sizes from which on a zip gets its 64-bit form, whose exact length is not computed here.
_ZIP32_BYTES = 2**31 - 1
_ZIP32_MEMBERS = 65_000
#: With more members than this, looking for the length would take too long.
_MEASURED_MEMBERS = 20_000
_DIRECTORY_IN_MEMORY = 1 << 20
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
_LOCAL_HEADER, _DESCRIPTOR, _CENTRAL_HEADER, _END = 30, 16, 46, 22
_FOLDER_ATTRIBUTE = 0x10
_STREAMED = 0x08
_UNIX, _ZIP64 = 3, 45
#: Id of the extra field with a member's real name; nobody else's in PKWARE's list.
REAL_NAME = 0x6E53
_LONGEST_REAL_NAME_BYTES = 2**15
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
        folder: the components of the one folder of the snapshot that is wanted; none for all.
    """

    course: Course
    student: str
    snapshot: str
    prefix: str
    with_top: bool = False
    skip_hidden_folders: bool = False
    timestamp: datetime | None = None
    folder: tuple[str, ...] = ()


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

        Raises SnapshotNotFound, and FileNotFound or NotAFolder for a part's folder.
        """
        if len(self._parts) != 1:
            return None
        total, count = _END, 0
        part = self._parts[0]
        names = _Names()
        with self._opened(part) as tree:
            for member in _members(tree, part):
                header = len(_info(member, names).FileHeader(zip64=False))
                total += 2 * header - _LOCAL_HEADER + _CENTRAL_HEADER + _DESCRIPTOR
                total += member.status[1]
                count += 1
                if total >= _ZIP32_BYTES or count > _MEASURED_MEMBERS:
                    return None
        return total

    @contextlib.contextmanager
    def _opened(self, part: Part) -> Iterator[Folder]:
        with self._catalog.open_tree(part.course, part.student, part.snapshot) as tree:
            try:
                folder = tree.enter(part.folder)
            except NotBelow as error:
                raise _no_folder(tree, part) from error
            with folder:
                yield folder

    def chunks(self) -> Iterator[bytes]:
        """The zip, piece by piece; for threads.

        Raises SnapshotNotFound or EngineFailed in the middle when a snapshot is taken away or
        changes while it is read.
        """
        names = _Names()
        with tempfile.SpooledTemporaryFile(_DIRECTORY_IN_MEMORY) as directory:
            made = _Zip(directory)
            for part in self._parts:
                try:
                    with self._opened(part) as tree:
                        for member in _members(tree, part):
                            yield from _add(made, tree, member, names)
                except SnapshotNotFound:
                    if len(self._parts) == 1:
                        raise
                    raise EngineFailed(f"A snapshot of {part.student} was taken away.") from None
            yield made.take()
            yield from made.end()


def _no_folder(tree: Folder, part: Part) -> Exception:
    path = "/".join(part.folder)[:200]
    with contextlib.suppress(NotBelow):
        if stat.S_ISREG(tree.find(part.folder).st_mode):
            return NotAFolder(
                f"{path} is a file, and a zip is made of a folder. Download it from the "
                "snapshot's files, or name the folder it is in."
            )
    return FileNotFound(
        f"The snapshot has no folder {path}. The list of its files shows their paths."
    )


def _add(made: _Zip, tree: Folder, member: _Member, names: _Names) -> Iterator[bytes]:
    mode, size, _ = member.status
    made.begin(_info(member, names), size)
    if member.content is not None:
        made.write(member.content)
    elif stat.S_ISLNK(mode):
        with tree.enter(member.path[:-1]) as folder:
            made.write(_raw(folder.readlink(member.path[-1])))
    elif stat.S_ISREG(mode):
        descriptor, _ = tree.open_file(member.path)
        with open(descriptor, "rb", buffering=0) as file:
            while made.member_bytes <= size and (chunk := file.read(CHUNK_BYTES)):
                made.write(chunk)
                if made.waiting >= CHUNK_BYTES:
                    yield made.take()
        if made.member_bytes != size:
            raise EngineFailed(f"{member.name} changed while it was read.")
    made.end_member()
    if made.waiting >= CHUNK_BYTES:
        yield made.take()


class _Zip:
    """Writes a zip front to back; its bytes are taken out as they come.

    `zipfile` keeps an object for each member until the end. Here the central directory waits
    packed, in a file as soon as it is large.

    Attributes:
        waiting: bytes that can be taken out.
        member_bytes: bytes of the member that is being written.
    """

    def __init__(self, directory: tempfile.SpooledTemporaryFile[bytes]) -> None:
        self._directory = directory
        self._members = 0
        self._pieces: list[bytes] = []
        self.waiting = 0
        self._written = 0

    def begin(self, info: zipfile.ZipInfo, size: int) -> None:
        """Begins a member that will have this size."""
        self._large = size >= _ZIP32_BYTES
        self._begun, self._attributes = self._written, info.external_attr
        self._extra = info.extra
        self._header = info.FileHeader(zip64=self._large)
        self._put(self._header)
        self.member_bytes = self._sum = 0

    def write(self, data: bytes) -> None:
        """Adds to the member."""
        self._sum = zlib.crc32(data, self._sum)
        self.member_bytes += len(data)
        self._put(data)

    def end_member(self) -> None:
        """Writes what follows the member's content, and notes it for the central directory."""
        size = self.member_bytes
        form = "<4sIQQ" if self._large else "<4sIII"
        self._put(struct.pack(form, b"PK\7\x08", self._sum, size, size))
        wide = [size, size] if self._large else []
        begun = self._begun
        if begun >= _ZIP32_BYTES:
            wide.append(begun)
            begun = 2**32 - 1
        if self._large:
            size = 2**32 - 1
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        extra = self._extra + extra
        # Local and central header share version, flags, method, time, date; and the name.
        version, shared = struct.unpack_from("<H8s", self._header, 4)
        (length,) = struct.unpack_from("<H", self._header, 26)
        version = max(version, _ZIP64) if wide else version
        self._directory.write(
            struct.pack(
                "<4sBBH8sIIIHHHHHII",
                *(b"PK\1\2", version, _UNIX, version, shared, self._sum, size, size),
                *(length, len(extra), 0, 0, 0, self._attributes, begun),
            )
            + self._header[_LOCAL_HEADER : _LOCAL_HEADER + length]
            + extra
        )
        self._members += 1

    def end(self) -> Iterator[bytes]:
        """The central directory and the end, once everything else is taken out."""
        begin, size, count = self._written, self._directory.tell(), self._members
        self._directory.seek(0)
        while piece := self._directory.read(CHUNK_BYTES):
            yield piece
        last = b""
        if count > _ZIP32_MEMBERS or max(begin, size) >= _ZIP32_BYTES:
            last = struct.pack(
                "<4sQHHIIQQQQ", b"PK\6\6", 44, _ZIP64, _ZIP64, 0, 0, count, count, size, begin
            ) + struct.pack("<4sIQI", b"PK\6\7", 0, begin + size, 1)
        count, size, begin = min(count, 2**16 - 1), min(size, 2**32 - 1), min(begin, 2**32 - 1)
        yield last + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, size, begin, 0)

    def _put(self, data: bytes) -> None:
        self._pieces.append(data)
        self.waiting += len(data)
        self._written += len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self.waiting = 0
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
    """Names of a zip's members: safe for any program that unpacks, and each only once.

    Of a name only its hash is kept, for there may be very many. Should two of them ever have the
    same, one gets a number that it did not need.
    """

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._numbers: dict[int, int] = {}

    def take(self, name: str) -> str:
        """The name the member gets; numbered when what is left of it was taken before."""
        name = _safe(name)
        wanted = hash(name)
        if wanted in self._taken:
            folder, slash, plain = name.rpartition("/")
            stem, dot, suffix = plain.rpartition(".")
            number = self._numbers.get(wanted, 0)
            while hash(name) in self._taken:
                number += 1
                numbered = f"{stem}~{number}{dot}{suffix}" if stem else f"{plain}~{number}"
                name = folder + slash + numbered
            self._numbers[wanted] = number
        self._taken.add(hash(name))
        return name


def _info(member: _Member, names: _Names) -> zipfile.ZipInfo:
    mode, _, modified = member.status
    name = names.take(member.name.rstrip("/")) + "/" * stat.S_ISDIR(mode)
    info = zipfile.ZipInfo(name, _zip_time(modified))
    if name != member.name and len(real := _raw(member.name)) <= _LONGEST_REAL_NAME_BYTES:
        info.extra = struct.pack("<HH", REAL_NAME, len(real)) + real
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
