"""Reading a receipt that somebody hands in: anything may stand in it, and any amount of it.

The entries of a receipt are far more than its head. They are found by their shape, and each is
read when its turn comes, so that a receipt takes little more memory than its own bytes, whatever
is nested in it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import NotAReceipt
from .manifest import instant
from .receipts import FORMAT, MAX_INTEGER, ReceiptEntry, canonical, path_fields, readable

#: Bytes of all but the entries, and of one entry.
HEAD_LIMIT = 2 * 1024 * 1024
ENTRY_LIMIT = 64 * 1024

_SIGNATURE_BYTES = 64
#: A head with all the problems that a manifest keeps has less than half of these.
_HEAD_TOKENS = 50_000
_BLANK = rb"[ \t\r\n]*"
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_BLANK + rb"([{}\[\],:]|" + _STRING + rb'|[^ \t\r\n{}\[\],:"]+)', re.DOTALL)
_FLAT_OBJECT = rb'\{[^{}\[\]"]*(?:' + _STRING + rb'[^{}\[\]"]*)*\}'
#: An entry, and whether it is the last.
_ENTRY = re.compile(_BLANK + rb"(" + _FLAT_OBJECT + rb")" + _BLANK + rb"([,\]])", re.DOTALL)
_EMPTY = re.compile(_BLANK + rb"\]")

_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_ENTRY_FIELDS = frozenset({"path", "size", "sha256", "changedAfterDeadline"})


@dataclass(frozen=True)
class HandedReceipt:
    """A receipt as it was handed in. Its shape is right; whether it is true is another question.

    Attributes:
        head: everything but the signature and the entries.
        signature: 64 bytes.
    """

    head: Mapping[str, Any]
    signature: bytes
    _content: bytes
    _first_entry: int

    @property
    def signed(self) -> bytes:
        """What the signature is of."""
        return canonical(self.head)

    @property
    def key_id(self) -> str:
        """Of the key that is said to have signed it."""
        return str(self.head["keyId"])

    @property
    def course(self) -> str:
        """Code of the course."""
        return str(self.head["course"]["code"])

    @property
    def student(self) -> str:
        """Hub username."""
        return str(self.head["student"]["username"])

    @property
    def snapshot(self) -> str:
        """Name of the snapshot."""
        return str(self.head["snapshot"]["name"])

    def entries(self) -> Iterator[ReceiptEntry]:
        """The entries in the order of the receipt. Raises NotAReceipt at the first that is none."""
        for raw, _ in _raw_entries(self._content, self._first_entry):
            yield _entry(_json(raw))


def read_receipt(content: bytes) -> HandedReceipt:
    """The receipt in this JSON text. Raises NotAReceipt."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    first, end = _find_entries(content)
    head = _json(content[:first] + content[end:])
    _check(head, _HEAD, "")
    del head["entries"]
    signature = head.pop("signature")
    try:
        decoded = base64.b64decode(signature, validate=True)
        canonical(head)
    except ValueError as error:
        raise _not("its signature, or a text in it, can't be read") from error
    if len(decoded) != _SIGNATURE_BYTES:
        raise _not("its signature has the wrong length")
    return HandedReceipt(head, decoded, content, first)


def _find_entries(content: bytes) -> tuple[int, int]:
    """Where the array ``entries`` begins, behind its bracket, and where its closing bracket is.

    Everything outside of it is at most `HEAD_LIMIT`, and of few parts.
    """
    position = depth = spent = count = 0
    before = (b"", b"")
    found: tuple[int, int] | None = None
    while token := _TOKEN.match(content, position, position + HEAD_LIMIT - spent):
        count += 1
        if count > _HEAD_TOKENS:
            break
        spent += token.end() - position
        position, text = token.end(), token[1]
        if (depth, before, text) == (1, (b'"entries"', b":"), b"["):
            if found is not None:
                raise _not("it has two lists of files")
            first, text = position, b"]"
            position = _end_of_entries(content, first)
            found = first, position - 1
        else:
            depth += (text in (b"{", b"[")) - (text in (b"}", b"]"))
        before = (before[1], text)
        if depth <= 0:
            break
    if depth or found is None or len(content) - (found[1] - found[0]) > HEAD_LIMIT:
        raise _not("it is no JSON object with a list of files")
    return found


def _end_of_entries(content: bytes, position: int) -> int:
    """Where the array ends, behind its bracket."""
    empty = _EMPTY.match(content, position)
    if empty:
        return empty.end()
    for _, end in _raw_entries(content, position):
        position = end
    return position


def _raw_entries(content: bytes, position: int) -> Iterator[tuple[bytes, int]]:
    """The text of each entry, and where the comma or bracket behind it ends."""
    if _EMPTY.match(content, position):
        return
    while entry := _ENTRY.match(content, position, position + ENTRY_LIMIT):
        position = entry.end()
        yield entry[1], position
        if entry[2] == b"]":
            return
    raise _not("an entry of its list of files is too long, or no entry")


def _json(raw: bytes) -> dict[str, Any]:
    """An object in which no field is there twice and no number is a fraction."""
    try:
        found = json.loads(
            raw.decode(),
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise _not("it is no JSON, or a field is there twice") from error
    if not isinstance(found, dict):
        raise _not("it is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is there twice")
    return found


def _integer(text: str) -> int:
    if len(text) > len(str(MAX_INTEGER)) + 1 or abs(int(text)) > MAX_INTEGER:
        raise ValueError("too large a number")
    return int(text)


def _no_number(text: str) -> None:
    raise ValueError("not an integer")


def _entry(fields: dict[str, Any]) -> ReceiptEntry:
    path, size, sha256 = fields.get("path"), fields.get("size"), fields.get("sha256")
    late = fields.get("changedAfterDeadline")
    names = fields.keys() - {"pathBase64"}
    if (
        names != _ENTRY_FIELDS
        or not isinstance(path, str)
        or not _is_count(size)
        or not (isinstance(sha256, str) and _HEX_DIGEST.fullmatch(sha256))
        or not (late is None or isinstance(late, bool))
    ):
        raise _not("an entry of its list of files is no entry")
    assert isinstance(size, int)
    return ReceiptEntry(_path(path, fields), size, sha256, late)


def _path(shown: str, fields: dict[str, Any]) -> str:
    """The path with its true bytes, which must be what is shown of them."""
    path = shown
    if "pathBase64" in fields:
        try:
            raw = base64.b64decode(fields["pathBase64"], validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise _not("a path in it can't be read") from error
        path = raw.decode("utf-8", "surrogateescape")
    expected = {name: fields[name] for name in ("path", "pathBase64") if name in fields}
    if not path or "\0" in path or readable(shown) != shown or path_fields(path) != expected:
        raise _not("a path in it can't be one of a file")
    return path


# The shape of the head


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_instant(value: object) -> bool:
    try:
        return isinstance(value, str) and value.endswith("Z") and bool(instant(value))
    except ValueError:
        return False


def _or_none(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or holds(value)


def _are_problems(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict) and all(isinstance(text, str) for text in each.values())
        for each in value
    )


def _is_assignment(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    _check(value, {"id": _is_count, "title": _is_text}, "assignment.")
    return True


_HEAD: dict[str, Any] = {
    "receipt": lambda value: value == FORMAT and value is not True,
    "issuedAt": _is_instant,
    "service": _is_text,
    "course": {"code": _is_text, "title": _is_text, "timeZone": _is_text},
    "assignment": _or_none(_is_assignment),
    "student": {"username": _is_text, "name": _is_text},
    "snapshot": {
        "name": _is_text,
        "kind": _or_none(_is_text),
        "state": _is_text,
        "deadline": _or_none(_is_instant),
        "requestedAt": _or_none(_is_instant),
        "beganAt": _is_instant,
        "endedAt": _is_instant,
        "lateSeconds": _or_none(_is_count),
        "problems": _are_problems,
        "problemCount": _is_count,
    },
    "files": _is_count,
    "bytes": _is_count,
    "lateFiles": _or_none(_is_count),
    "rootDigest": lambda value: _is_text(value) and value.startswith("sha256:"),
    "keyId": lambda value: _is_text(value) and bool(_KEY_ID.fullmatch(value)),
    "signature": _is_text,
    "entries": lambda value: value == [],
}


def _check(fields: dict[str, Any], shape: dict[str, Any], above: str) -> None:
    """Raises NotAReceipt unless the fields of the shape are there; others are signed as well."""
    for name, holds in shape.items():
        value = fields.get(name)
        if isinstance(holds, dict):
            if not isinstance(value, dict):
                raise _not(f"{above}{name} is missing or of the wrong kind")
            _check(value, holds, f"{above}{name}.")
        elif name not in fields or not holds(value):
            raise _not(f"{above}{name} is missing or of the wrong kind")


def _not(why: str) -> NotAReceipt:
    return NotAReceipt(
        f"This is not a receipt of this service: {why}. Hand in the file as it was downloaded."
    )


__all__ = ["ENTRY_LIMIT", "HEAD_LIMIT", "HandedReceipt", "read_receipt"]
