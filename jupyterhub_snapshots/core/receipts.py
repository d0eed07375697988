"""What a receipt says: that a snapshot of a student was taken, when, and of exactly which files.

A receipt is a JSON object: its *head*, which tells of the whole snapshot, and ``entries``, one for
each file. The head is signed; it holds the root digest of the entries, which so are signed too.
``docs/receipts.md`` has the format for those who check receipts with programs of their own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from .captures import cutoff, cutoff_ns
from .manifest import FILE, Entry, Header, instant
from .records import Course

#: Raised when the meaning of a field changes.
FORMAT = 1
#: Fields that the signature is not computed over.
NOT_SIGNED = frozenset({"signature", "entries"})
#: Larger integers are not the same in every JSON parser.
MAX_INTEGER = 2**53 - 1

_MARKS = {True: b"+", False: b"-", None: b"?"}


class ReceiptEntry(NamedTuple):
    """One file of a receipt.

    Attributes:
        path: relative to the snapshot; bytes that are not UTF-8 as surrogate escapes.
        size: bytes.
        sha256: hex digest of the content.
        late: whether the file was changed after the deadline; None when that is not known, or
            when there was no deadline.
    """

    path: str
    size: int
    sha256: str
    late: bool | None


class RootDigest:
    """The digest of all entries, and what there is to count, while they go by."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.files = 0
        self.bytes = 0
        self.late = 0

    def add(self, entry: ReceiptEntry) -> None:
        """The next entry, in the order of the receipt."""
        self._digest.update(digest_line(entry))
        self.files += 1
        self.bytes += entry.size
        self.late += entry.late is True

    @property
    def text(self) -> str:
        """As it stands in a receipt."""
        return f"sha256:{self._digest.hexdigest()}"


def digest_line(entry: ReceiptEntry) -> bytes:
    """What an entry adds to the root digest: ``<sha256> <size> <mark> <path>`` and a NUL.

    The path is the bytes that the file system has. The mark is ``+`` for a file that was changed
    after the deadline, ``-`` for one that was not, ``?`` where that is not known.
    """
    return b"%s %d %s %s\0" % (
        entry.sha256.encode("ascii"),
        entry.size,
        _MARKS[entry.late],
        entry.path.encode("utf-8", "surrogateescape"),
    )


def root_digest(entries: Iterable[ReceiptEntry]) -> str:
    """The digest of these entries in this order."""
    digest = RootDigest()
    for entry in entries:
        digest.add(entry)
    return digest.text


def canonical(receipt: Mapping[str, Any]) -> bytes:
    """What is signed: the head as JSON with sorted keys, without blanks, in UTF-8 (RFC 8785).

    Raises ValueError for what can't be written in UTF-8.
    """
    head = {name: value for name, value in receipt.items() if name not in NOT_SIGNED}
    text = json.dumps(
        head, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


# Made from a manifest


def receipt_entries(header: Header, entries: Iterable[Entry]) -> Iterable[ReceiptEntry]:
    """The files among the entries of a manifest; streams.

    Raises ValueError for an entry that can't be one of a file.
    """
    since = None
    if header.deadline is not None:
        since = cutoff_ns(instant(header.deadline))
    for entry in entries:
        if entry.type == FILE:
            if entry.sha256 is None:
                raise ValueError("a file without a digest")
            late = None if since is None or entry.ctime is None else entry.ctime >= since
            yield ReceiptEntry(entry.path, entry.size, entry.sha256, late)


def receipt_head(
    header: Header,
    course: Course,
    digest: RootDigest,
    *,
    name: str,
    issued_at: datetime,
    service: str,
    key_id: str,
) -> dict[str, Any]:
    """The head of a receipt, but for its signature. Raises ValueError for a damaged header.

    Parameters:
        digest: of all entries.
        name: of the student, for people; "" when it is not known.
        service: what the installation is called.
    """
    began = instant(header.began_at)
    deadline = late = None
    if header.deadline is not None:
        deadline = instant(header.deadline)
        late = max(0, math.floor((began - cutoff(deadline)).total_seconds()))
    return {
        "receipt": FORMAT,
        "issuedAt": iso(issued_at),
        "service": readable(service),
        "course": {"code": course.code, "title": course.title, "timeZone": course.time_zone},
        "assignment": _assignment(header.extra.get("assignment")),
        "student": {"username": readable(header.student), "name": readable(name)},
        "snapshot": {
            "name": readable(header.snapshot),
            "kind": kind if isinstance(kind := header.extra.get("kind"), str) else None,
            "state": header.state,
            "deadline": None if deadline is None else iso(deadline),
            "requestedAt": None if not header.requested_at else iso(instant(header.requested_at)),
            "beganAt": iso(began),
            "endedAt": iso(instant(header.ended_at)),
            "lateSeconds": late,
            "problems": [
                {**path_fields(each.path), "reason": each.reason} for each in header.problems
            ],
            "problemCount": header.problem_count,
        },
        "files": digest.files,
        "bytes": digest.bytes,
        "lateFiles": None if deadline is None else digest.late,
        "rootDigest": digest.text,
        "keyId": key_id,
    }


def dump_entry(entry: ReceiptEntry) -> str:
    """An entry as JSON."""
    fields = {
        **path_fields(entry.path),
        "size": entry.size,
        "sha256": entry.sha256,
        "changedAfterDeadline": entry.late,
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def path_fields(path: str) -> dict[str, str]:
    """A path in JSON that every parser takes.

    A name need not be UTF-8. Each byte that is not becomes U+FFFD in ``path``, and only then
    ``pathBase64`` has the true bytes of the whole path.
    """
    shown = readable(path)
    if shown == path:
        return {"path": path}
    raw = path.encode("utf-8", "surrogateescape")
    return {"path": shown, "pathBase64": base64.b64encode(raw).decode("ascii")}


def readable(text: str) -> str:
    """The text with U+FFFD for each surrogate: for each byte that is not UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def visible(text: str) -> str:
    """The text on one line, with escapes for all that can't be seen or turns text around."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in readable(text)
    )


def iso(when: datetime) -> str:
    """ISO 8601 in UTC with Z."""
    return when.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _assignment(found: object) -> dict[str, Any] | None:
    """The assignment as the manifest has it; what is anything else counts as none."""
    if not isinstance(found, dict):
        return None
    number, title = found.get("id"), found.get("title")
    if isinstance(number, int) and isinstance(title, str):
        return {"id": number, "title": readable(title)}
    return None
