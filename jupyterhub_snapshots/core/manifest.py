"""The manifest of a snapshot: one record about the capture, then one line per file.

A manifest is a text file of JSON lines beside the snapshot, outside the copied tree. The first
line is the `Header`, each further line an `Entry`, in the order of a walk that visits a folder
before what is in it and names in the order of their code points. This order lets two manifests
be compared as streams, whatever their length.
"""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

#: Raised when the meaning of a field changes.
FORMAT = 1
#: Problems kept in full in the header; more are only counted.
MAX_PROBLEMS = 1000
#: Paths of late files kept in the header; more are only counted.
MAX_LATE_FILES = 1000

# Made once, where `json.loads` looks for the encoding of each of a snapshot's lines.
_decode = json.JSONDecoder().decode

_quoted = json.encoder.encode_basestring_ascii
_null = "null"

FILE, FOLDER, LINK = "file", "folder", "link"


class Entry(NamedTuple):
    """One file, folder or link of a snapshot.

    Attributes:
        path: relative to the snapshot; bytes that are not UTF-8 as surrogate escapes.
        type: "file", "folder" or "link".
        size: bytes.
        mtime: modification time of the source, ns since the epoch.
        ctime: inode change time of the source at the capture, ns since the epoch; None if unknown.
        mode: permission bits of the source.
        uid: owner of the source.
        gid: group of the source.
        sha256: hex digest of a file's content; None for others.
        target: where a link points; None for others.
        changed: the file was still changing when it was copied, so it may be torn.
    """

    path: str
    type: str
    size: int
    mtime: int
    ctime: int | None
    mode: int
    uid: int
    gid: int
    sha256: str | None = None
    target: str | None = None
    changed: bool = False

    @property
    def order(self) -> list[str]:
        """Key of the manifest's order."""
        return self.path.split("/")


@dataclass(frozen=True)
class Problem:
    """Something of the home that is not in the snapshot as it should be.

    Attributes:
        path: relative to the home.
        reason: stable word: vanished, unreadable, special, too_large, too_deep, other_file_system,
            foreign_hard_link, changed_type, changed; and partial, with an empty path, when rsync
            reports a fault that no path shows.
    """

    path: str
    reason: str


#: Reasons that leave a snapshot complete: nothing that a student could have handed in is missing.
HARMLESS = frozenset({"special", "changed"})


@dataclass(frozen=True)
class Header:
    """What is known of a whole capture. Times are ISO 8601 in UTC, sizes bytes.

    Attributes:
        deadline: what changed after it is late; None when nothing can be.
        late_count: files and links that changed after the deadline.
        late_files: paths of the first of these.
    """

    student: str
    snapshot: str
    capture_id: str
    state: str
    began_at: str
    ended_at: str
    requested_at: str | None = None
    parent: str | None = None
    include_hidden: bool = False
    folders: tuple[str, ...] = ()
    files: int = 0
    bytes: int = 0
    copied_files: int = 0
    copied_bytes: int = 0
    changed_files: int = 0
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    deadline: str | None = None
    late_count: int = 0
    late_files: tuple[str, ...] = ()
    digest: str = ""
    format: int = FORMAT
    extra: dict[str, Any] = field(default_factory=dict)


_COUNTS = ("files", "bytes", "copied_files", "copied_bytes", "changed_files", "problem_count")
_LATE = {"deadline": None, "late_count": 0, "late_files": ()}


def instant(text: str) -> datetime:
    """A time of a header. Raises ValueError when it is none, or has no time zone."""
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if when.tzinfo is None:
        raise ValueError("no time zone")
    return when


def dump_header(header: Header) -> bytes:
    """The first line of a manifest."""
    return json.dumps(asdict(header), separators=(",", ":")).encode("ascii") + b"\n"


def load_header(line: bytes) -> Header:
    """The reverse of `dump_header`; ValueError when the line is no header of a known format."""
    try:
        data = json.loads(line)
        if data.pop("format") != FORMAT:
            raise ValueError("unknown format")
        data["folders"] = tuple(data["folders"])
        data["problems"] = tuple(Problem(**problem) for problem in data["problems"])
        data = _LATE | data  # which manifests of earlier versions have not
        data["late_files"] = tuple(data["late_files"])
        if not all(isinstance(path, str) for path in data["late_files"]):
            raise TypeError("late_files")
        for name in ("began_at", "ended_at"):
            instant(data[name])
        if data["deadline"] is not None:
            instant(data["deadline"])
        for name in (*_COUNTS, "late_count"):
            if not isinstance(data[name], int):
                raise TypeError(name)
        return Header(**data)
    except (TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("not a manifest") from error


def dump_entry(entry: Entry) -> bytes:
    """One line of a manifest: a JSON array of the fields."""
    path, kind, size, mtime, ctime, mode, uid, gid, sha256, target, changed = entry
    # Written out, because `json` takes four times as long for as small an array.
    return (
        f"[{_quoted(path)},{_quoted(kind)},{size},{mtime},{_null if ctime is None else ctime},"
        f"{mode},{uid},{gid},{_null if sha256 is None else _quoted(sha256)},"
        f"{_null if target is None else _quoted(target)},{'true' if changed else 'false'}]\n"
    ).encode("ascii")


def load_entry(line: bytes) -> Entry:
    """The reverse of `dump_entry`; ValueError when the line is no entry."""
    try:
        entry = Entry(*_decode(line.decode("ascii")))
    except (TypeError, RecursionError) as error:
        raise ValueError("not a manifest entry") from error
    if not (isinstance(entry.path, str) and isinstance(entry.type, str)):
        raise ValueError("not a manifest entry")
    return entry


class Difference(NamedTuple):
    """One path in which two manifests differ: the entry before, the entry after, or one of them."""

    before: Entry | None
    after: Entry | None


def pair(
    before: Iterable[Entry], after: Iterable[Entry]
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Walks two manifests in step: each path once, with its entry on either side or None."""
    left, right = iter(before), iter(after)
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a.order < b.order):
            yield a, None
            a = next(left, None)
        elif a is None or b.order < a.order:
            yield None, b
            b = next(right, None)
        else:
            yield a, b
            a, b = next(left, None), next(right, None)


def content(entry: Entry) -> tuple[object, ...]:
    """What makes the entry's content: equal for two entries that hold the same."""
    return (entry.type, entry.target, *((entry.size, entry.sha256) if entry.type == FILE else ()))


def compare(before: Iterable[Entry], after: Iterable[Entry]) -> Iterator[Difference]:
    """What was added, removed or altered between two manifests; streams, in manifest order."""
    for a, b in pair(before, after):
        if a is None or b is None or content(a) != content(b):
            yield Difference(a, b)
