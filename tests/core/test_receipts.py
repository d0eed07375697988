"""What a receipt says, the bytes that are signed, and reading one that somebody hands in."""

from __future__ import annotations

import base64
import hashlib
import json
import tracemalloc
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_snapshots.core.manifest import Entry, Header, Problem
from jupyterhub_snapshots.core.receipt_reader import ENTRY_LIMIT, HEAD_LIMIT, read_receipt
from jupyterhub_snapshots.core.receipts import (
    ReceiptEntry,
    RootDigest,
    canonical,
    digest_line,
    dump_entry,
    receipt_entries,
    receipt_head,
    root_digest,
    visible,
)
from jupyterhub_snapshots.core.records import Course
from jupyterhub_snapshots.errors import NotAReceipt

ZERO, ONE = "0" * 64, "1" * 64
COURSE = Course(1, "phys", "Physics 101", "Europe/Berlin", "/snapshots/phys")
DEADLINE = "2026-12-01T22:59:59Z"
#: The first ns after the second of the deadline.
CUTOFF = 1_796_166_000 * 10**9


def header(**fields: Any) -> Header:
    values = {
        "student": "ada",
        "snapshot": "hw_2026-12-01",
        "capture_id": "1",
        "state": "complete",
        "began_at": "2026-12-01T23:00:00.250000Z",
        "ended_at": "2026-12-01T23:00:01Z",
        "deadline": DEADLINE,
    }
    return Header(**(values | fields))


def file(path: str, ctime: int | None = 0, sha256: str = ZERO, size: int = 1) -> Entry:
    return Entry(path, "file", size, 0, ctime, 0o644, 0, 0, sha256)


def make(
    head: Header | None = None, entries: Iterable[Entry] = (file("a.txt"),), name: str = "Ada"
) -> dict[str, Any]:
    """A whole receipt, as JSON values, with a signature of the right length."""
    head, digest = head or header(), RootDigest()
    listed = list(receipt_entries(head, entries))
    for each in listed:
        digest.add(each)
    made = receipt_head(
        head,
        COURSE,
        digest,
        name=name,
        issued_at=datetime(2026, 12, 2, tzinfo=timezone.utc),
        service="https://hub.example.edu/",
        key_id="0123456789abcdef",
    )
    signature = base64.b64encode(b"s" * 64).decode()
    return made | {"signature": signature, "entries": [json.loads(dump_entry(e)) for e in listed]}


def handed(receipt: object, **options: Any) -> Any:
    return read_receipt(json.dumps(receipt, **options).encode())


# What it says


@pytest.mark.parametrize(
    ("deadline", "ctime", "late"),
    [
        (DEADLINE, CUTOFF - 1, False),
        (DEADLINE, CUTOFF, True),
        ("2026-12-01T23:00:00Z", CUTOFF - 1, False),
        ("2026-12-01T23:00:00Z", CUTOFF, True),
        ("2026-12-01T23:00:00.000001Z", CUTOFF + 999, False),
        ("2026-12-01T23:00:00.000001Z", CUTOFF + 1000, True),
        ("2026-12-02T00:00:00+01:00", CUTOFF, True),
        (DEADLINE, None, None),
        (None, CUTOFF, None),
    ],
)
def test_what_is_late(deadline: str | None, ctime: int | None, late: bool | None) -> None:
    found = receipt_entries(header(deadline=deadline), [file("a", ctime)])
    assert [each.late for each in found] == [late]


def test_only_files_are_listed() -> None:
    entries = [
        Entry("d", "folder", 0, 0, 0, 0o755, 0, 0),
        file("d/a"),
        Entry("l", "link", 3, 0, CUTOFF, 0o777, 0, 0, target="d/a"),
    ]
    assert [each.path for each in receipt_entries(header(), entries)] == ["d/a"]
    with pytest.raises(ValueError, match="without a digest"):
        list(receipt_entries(header(), [file("a")._replace(sha256=None)]))


def test_a_whole_receipt() -> None:
    head = header(
        requested_at=DEADLINE,
        problems=(Problem("caf\udce9", "unreadable"),),
        problem_count=4,
        extra={"kind": "deadline", "assignment": {"id": 7, "title": "Homework"}, "by": "ina"},
    )
    receipt = make(head, [file("a.txt", 0, ZERO, 10), file("caf\udce9", CUTOFF, ONE, 5)])
    assert receipt == {
        "receipt": 1,
        "issuedAt": "2026-12-02T00:00:00Z",
        "service": "https://hub.example.edu/",
        "course": {"code": "phys", "title": "Physics 101", "timeZone": "Europe/Berlin"},
        "assignment": {"id": 7, "title": "Homework"},
        "student": {"username": "ada", "name": "Ada"},
        "snapshot": {
            "name": "hw_2026-12-01",
            "kind": "deadline",
            "state": "complete",
            "deadline": DEADLINE,
            "requestedAt": DEADLINE,
            "beganAt": "2026-12-01T23:00:00.250000Z",
            "endedAt": "2026-12-01T23:00:01Z",
            "lateSeconds": 0,
            "problems": [{"path": "caf\ufffd", "pathBase64": "Y2Fm6Q==", "reason": "unreadable"}],
            "problemCount": 4,
        },
        "files": 2,
        "bytes": 15,
        "lateFiles": 1,
        "rootDigest": "sha256:"
        + hashlib.sha256(
            f"{ZERO} 10 - a.txt\0{ONE} 5 + caf".encode() + b"\xe9\0",
        ).hexdigest(),
        "keyId": "0123456789abcdef",
        "signature": receipt["signature"],
        "entries": [
            {"path": "a.txt", "size": 10, "sha256": ZERO, "changedAfterDeadline": False},
            {
                "path": "caf\ufffd",
                "pathBase64": "Y2Fm6Q==",
                "size": 5,
                "sha256": ONE,
                "changedAfterDeadline": True,
            },
        ],
    }


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"assignment": None, "kind": None},
        {"assignment": "7", "kind": 7},
        {"assignment": {"id": "7", "title": "Homework"}},
        {"assignment": {"id": 7}},
    ],
)
def test_an_older_manifest_knows_less(extra: dict[str, Any]) -> None:
    receipt = make(header(deadline=None, extra=extra))
    assert (receipt["assignment"], receipt["snapshot"]["kind"]) == (None, None)
    assert (receipt["lateFiles"], receipt["snapshot"]["lateSeconds"]) == (None, None)
    assert handed(receipt).head["snapshot"]["deadline"] is None


@pytest.mark.parametrize(
    ("began", "seconds"),
    [
        ("2026-12-01T22:59:59.5Z", 0),
        ("2026-12-01T23:00:00.99Z", 0),
        ("2026-12-01T23:00:41Z", 41),
        ("2026-12-03T23:00:00Z", 172_800),
    ],
)
def test_how_late_it_began(began: str, seconds: int) -> None:
    assert make(header(began_at=began))["snapshot"]["lateSeconds"] == seconds


# The bytes

BYTES = st.binary(min_size=1, max_size=30).filter(lambda raw: b"\0" not in raw)
PATHS = st.one_of(
    BYTES, st.text(min_size=1, max_size=20).map(lambda t: t.encode("utf-8", "replace"))
)
ENTRIES = st.builds(
    ReceiptEntry,
    PATHS.filter(lambda raw: b"\0" not in raw).map(
        lambda raw: raw.decode("utf-8", "surrogateescape")
    ),
    st.integers(0, 2**53 - 1),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.sampled_from([True, False, None]),
)


def parsed(content: bytes) -> list[tuple[bytes, int, str, bool | None]]:
    """The reverse of the lines of a root digest, written from the document alone."""
    found = []
    for line in content.split(b"\0")[:-1]:
        sha256, size, mark, path = line.split(b" ", 3)
        late = {b"+": True, b"-": False, b"?": None}[mark]
        found.append((path, int(size), sha256.decode(), late))
    return found


@given(st.lists(ENTRIES, max_size=5))
def test_nothing_of_an_entry_is_lost_in_the_digest(entries: list[ReceiptEntry]) -> None:
    content = b"".join(map(digest_line, entries))
    assert parsed(content) == [
        (path.encode("utf-8", "surrogateescape"), size, sha256, late)
        for path, size, sha256, late in entries
    ]
    assert root_digest(entries) == f"sha256:{hashlib.sha256(content).hexdigest()}"


@given(st.lists(ENTRIES, max_size=6), st.sampled_from([None, 2]), st.booleans(), st.booleans())
def test_a_receipt_comes_back_however_it_is_written(
    entries: list[ReceiptEntry], indent: int | None, ascii: bool, sort: bool
) -> None:
    listed = [json.loads(dump_entry(each)) for each in entries]
    receipt = make() | {"rootDigest": root_digest(entries), "entries": listed}
    text = json.dumps(receipt, indent=indent, ensure_ascii=ascii, sort_keys=sort)
    found = read_receipt(text.encode())
    assert list(found.entries()) == entries
    assert found.signed == canonical(receipt)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), JSON)
def test_the_canonical_form_is_one_for_one(head: dict[str, Any], other: object) -> None:
    content = canonical(head)
    kept = {name: value for name, value in head.items() if name not in ("signature", "entries")}
    assert json.loads(content) == kept
    assert canonical(dict(reversed(head.items()))) == content
    assert canonical(head | {"signature": other, "entries": other}) == content
    assert not {b"\n", b"\r"} & {content[at : at + 1] for at in range(len(content))}
    changed = kept | {"course": [other, "changed"]}
    assert (canonical(changed) == content) == (changed == kept)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("é€\U0001f600", '"é€\U0001f600"'),
        ('"\\/\x08\x0c\n\r\t', '"\\"\\\\/\\b\\f\\n\\r\\t"'),
        ("\x01\x1f\x7f\u2028", '"\\u0001\\u001f\x7f\u2028"'),
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
    ],
)
def test_the_canonical_form_is_that_of_rfc_8785(value: object, written: str) -> None:
    assert canonical({"x": value}) == f'{{"x":{written}}}'.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b/é😀", "a b/é😀"),
        ("a\nb\tc\x1b[31m\x7f", "a\\nb\\tc\\x1b[31m\\x7f"),
        ("abc\u202efdp.exe", "abc\\u202efdp.exe"),
        ("caf\udce9\udcff\udcfe", "caf\ufffd\ufffd\ufffd"),
    ],
)
def test_what_people_see_of_a_name(text: str, shown: str) -> None:
    assert visible(text) == shown


# Handed in


def changed(path: str, value: object) -> dict[str, Any]:
    receipt = json.loads(json.dumps(make()))
    *above, last = path.split(".")
    place: Any = receipt
    for name in above:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    return receipt


WRONG = [None, True, 1.5, "", "x", -1, 2**53, [], {}, [[]], "1"]
FIELDS = [
    "receipt",
    "issuedAt",
    "course",
    "student",
    "snapshot",
    "files",
    "keyId",
    "signature",
    "snapshot.beganAt",
    "entries.0.size",
    "entries.0.sha256",
]


@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_wrong_types_are_refused(path: str, value: object) -> None:
    with pytest.raises(NotAReceipt):
        list(handed(changed(path, value)).entries())


@pytest.mark.parametrize("field", sorted(make()))
def test_missing_fields_are_refused(field: str) -> None:
    receipt = make()
    del receipt[field]
    with pytest.raises(NotAReceipt):
        handed(receipt)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("service", "\ud800"),
        ("course.code", 7),
        ("assignment", {"id": 1}),
        ("assignment", [1]),
        ("snapshot.problems", [7]),
        ("snapshot.problems", [{"path": 7}]),
        ("snapshot.lateSeconds", "0"),
        ("lateFiles", True),
        ("rootDigest", 7),
        ("keyId", "0123456789ABCDEF"),
        ("signature", "c2hvcnQ="),
        ("signature", "not base64!"),
        ("entries.0.path", ""),
        ("entries.0.path", "a\0b"),
        ("entries.0.path", "\ud800"),
        ("entries.0.path", ["a"]),
        ("entries.0.changedAfterDeadline", 1),
        ("entries.0.changedAfterDeadline", "no"),
        ("entries.0.sha256", "A" * 64),
        ("entries.0.sha256", ZERO + "\n"),
        ("entries.0.size", True),
        ("entries.0.size", 1e3),
        ("entries.0.more", "than there is"),
        ("entries.0.pathBase64", "YS50eHQ="),  # it is plain UTF-8
        ("entries.0.pathBase64", "Y2Fm6Q=="),  # it is another path
        ("entries.0.pathBase64", "é"),
        ("entries.0.pathBase64", None),
        ("entries.0", 7),
        ("entries", [[]]),
        ("entries", {"0": {}}),
    ],
)
def test_what_can_not_be_is_refused(path: str, value: object) -> None:
    receipt = make()
    *above, last = path.split(".")
    place: Any = receipt
    for name in above:
        place = place[int(name) if name.isdigit() else name]
    place[int(last) if last.isdigit() else last] = value
    with pytest.raises(NotAReceipt, match="not a receipt of this service"):
        list(handed(receipt).entries())


GOOD = json.dumps(make()).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"entries"',
        b'{"entries":[]}',
        b'{"entries":[',
        b'{"entries":[{',
        b'{"entries":[}]}',
        b'{"entries":[{}',
        b'{"entries":[{}x]}',
        b"\xff\xfe{\x00}\x00",
        b"PK\x03\x04",
        GOOD[:-1],
        GOOD + b"x",
        GOOD + GOOD,
        GOOD.replace(b'"student"', b'"student": {}, "student"', 1),
        GOOD.replace(b'"entries"', b'"entries": [], "entries"', 1),
        GOOD.replace(b'"entries"', b'"\\u0065ntries": [], "entries"', 1),
        GOOD.replace(b'"entries"', b'"\\u0065ntries"', 1),
        GOOD.replace(b'"size"', b'"size": 7, "size"', 1),
        GOOD.replace(b"Physics", b"Ph\xffsics"),
        GOOD.replace(b"a.txt", b"\xff.txt"),
        GOOD.replace(b'"files": 1', b'"files": NaN'),
        GOOD.replace(b'"files": 1', b'"files": 1e0'),
        GOOD.replace(b'"files": 1', b'"files": ' + b"9" * 100_000),
        GOOD.replace(b'"size": 1', b'"size": ' + b"9" * 10_000),
        GOOD.replace(b"[{", b"[{}, {", 1),
    ],
)
def test_what_is_no_receipt_is_refused(content: bytes) -> None:
    with pytest.raises(NotAReceipt):
        list(read_receipt(content).entries())


def test_a_byte_order_mark_does_no_harm() -> None:
    assert len(list(read_receipt(b"\xef\xbb\xbf" + GOOD).entries())) == 1


def test_more_fields_are_signed_too() -> None:
    found = handed(make() | {"added": {"entries": [[]]}})
    assert b'"added":{"entries":[[]]}' in found.signed


@given(st.binary(max_size=80), st.integers(0, len(GOOD)))
@settings(max_examples=300)
def test_whatever_is_put_in_somewhere(junk: bytes, at: int) -> None:
    try:
        found = list(read_receipt(GOOD[:at] + junk + GOOD[at:]).entries())
    except NotAReceipt:
        return
    assert len(found) == 1


BOMBS = {
    "lists": GOOD[:-2] + b"[" * 30_000_000,
    "empty lists": GOOD[:-2] + b"[]," * 10_000_000 + b"[]]}",
    "in the head": b'{"x": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"," + GOOD[1:],
    "many in the head": b'{"x": [' + b"[]," * 9_000_000 + b"[]]," + GOOD[1:],
    "objects": b'{"entries":' * 2_000_000,
    "one entry": GOOD[:-2] + b', {"path": "' + b"a" * 30_000_000 + b'"}]}',
    "escapes": GOOD[:-2] + b', {"path": "' + b"\\" * 30_000_000 + b'"}]}',
    "quotes": GOOD[:-2] + b', {"path": ' + b'""' * 15_000_000,
    "blanks": b" " * 30_000_000 + GOOD,
    "blanks behind": GOOD + b" " * 30_000_000,
    "a string": b'"' + b"a" * 30_000_000,
    "deep entries": GOOD[:-2] + b', {"path": {"a": ' * 1_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_little_memory(name: str) -> None:
    content = BOMBS[name]
    tracemalloc.start()
    try:
        with pytest.raises(NotAReceipt):
            list(read_receipt(content).entries())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * HEAD_LIMIT


def test_a_large_receipt_is_read_piece_by_piece() -> None:
    line = b', {"path": "%s/%06d", "size": 1, "sha256": "%s", "changedAfterDeadline": null}'
    folder = b"a" * 180
    count = 100_000
    entries = b"".join(line % (folder, number, ZERO.encode()) for number in range(count))
    content = GOOD.replace(b'"entries": [', b'"entries": [' + entries[1:] + b", ")
    assert len(content) > 28_000_000
    tracemalloc.start()
    try:
        found = read_receipt(content)
        read = sum(1 for _ in found.entries())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == count + 1
    assert peak < 1_000_000


def test_the_longest_path_fits() -> None:
    raw = b"\xff" * 4000
    entry = ReceiptEntry(raw.decode("utf-8", "surrogateescape"), 2**53 - 1, ONE, None)
    receipt = make() | {"entries": [json.loads(dump_entry(entry))]}
    text = json.dumps(receipt, indent=8).encode()
    assert list(read_receipt(text).entries()) == [entry]
    escaped = ReceiptEntry("\x01" * 4000, 0, ONE, None)
    assert len(dump_entry(escaped)) < ENTRY_LIMIT
