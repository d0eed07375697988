"""Manifests: lines there and back, the order of a walk, comparison as streams."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.core.manifest import (
    FORMAT,
    Difference,
    Entry,
    Header,
    Problem,
    compare,
    dump_entry,
    dump_header,
    load_entry,
    load_header,
    pair,
)

names = (
    st.binary(min_size=1, max_size=12)
    .filter(lambda raw: b"\0" not in raw and b"/" not in raw and raw not in (b".", b".."))
    .map(os.fsdecode)
)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
entries = st.builds(
    Entry,
    path=paths,
    type=st.sampled_from(["file", "folder", "link"]),
    size=st.integers(0, 1 << 62),
    mtime=st.integers(-(1 << 62), 1 << 62),
    ctime=st.none() | st.integers(0, 1 << 62),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 1 << 32),
    gid=st.integers(0, 1 << 32),
    sha256=st.none() | st.sampled_from(["00", "ff"]),
    target=st.none() | paths,
    changed=st.booleans(),
)
manifests = st.dictionaries(paths, entries, max_size=12).map(
    lambda found: sorted(
        (entry._replace(path=path) for path, entry in found.items()), key=lambda one: one.order
    )
)


def file(path: str, digest: str = "00", size: int = 1, **fields: object) -> Entry:
    entry = Entry(path, "file", size, 0, 0, 0o644, 1, 1, digest)
    return entry._replace(**fields)  # type: ignore[arg-type]


@given(entries)
def test_entries_go_there_and_back(entry: Entry) -> None:
    line = dump_entry(entry)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert load_entry(line) == entry


@given(st.lists(paths, max_size=3), st.integers(0, 5), st.booleans())
def test_headers_go_there_and_back(found: list[str], count: int, hidden: bool) -> None:
    header = Header(
        student=found[0] if found else "alice",
        snapshot="s_2026-03-01",
        capture_id="c",
        state="incomplete",
        began_at="2026-03-01T00:00:00Z",
        ended_at="2026-03-01T00:00:01Z",
        include_hidden=hidden,
        folders=tuple(found),
        problems=tuple(Problem(path, "vanished") for path in found),
        problem_count=count,
        extra={"course": 1, "why": None},
    )
    line = dump_header(header)
    assert line.count(b"\n") == 1
    assert load_header(line) == header


@pytest.mark.threat("F8")
@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"\n", b"null\n", b"1\n", b'"text"\n', b"[]\n", b"{}\n", b"[1,2]\n", b"\xff\xfe\n"),
        *(b'["a","file"]\n', b'[1,"file",0,0,0,0,0,0]\n', b'["a",2,0,0,0,0,0,0]\n', b"[" * 50_000),
        *(b'["a","file",0,0,0,0,0,0,null,null,false,"more"]\n', b'{"format":1}\n'),
        *(b'{"format":1,"folders":1}\n', json.dumps({"format": FORMAT + 1}).encode()),
    ],
    ids=lambda line: ascii(line[:20]),
)
def test_junk_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        load_entry(line)
    with pytest.raises(ValueError):  # noqa: PT011
        load_header(line)


@given(manifests, manifests)
def test_pairs_hold_each_path_once_and_in_order(before: list[Entry], after: list[Entry]) -> None:
    pairs = list(pair(before, after))
    orders = [(a or b).order for a, b in pairs]  # type: ignore[union-attr]
    assert orders == sorted(orders)
    assert [a for a, _ in pairs if a] == before
    assert [b for _, b in pairs if b] == after
    assert all(a.path == b.path for a, b in pairs if a and b)
    assert len({tuple(order) for order in orders}) == len(orders)


@given(manifests, manifests)
def test_differences_lead_from_one_to_the_other(before: list[Entry], after: list[Entry]) -> None:
    content = {entry.path: entry for entry in before}
    for old, new in compare(before, after):
        if old is not None:
            assert content.pop(old.path) == old
        if new is not None:
            content[new.path] = new
    assert {(path, entry.type, entry.target) for path, entry in content.items()} == {
        (entry.path, entry.type, entry.target) for entry in after
    }
    assert list(compare(before, before)) == []
    there, back = list(compare(before, after)), list(compare(after, before))
    assert [(new, old) for old, new in there] == back


def test_what_counts_as_a_difference() -> None:
    same = file("same", mtime=1, ctime=1, mode=0o600, uid=1)
    before = [file("a"), same, file("b"), file("c")]
    after = [file("a", "ff"), file("d"), file("same", mtime=2, ctime=2, mode=0o755, uid=2)]
    before.sort(key=lambda entry: entry.order)
    assert list(compare(before, after)) == [
        Difference(file("a"), file("a", "ff")),
        Difference(file("b"), None),
        Difference(file("c"), None),
        Difference(None, file("d")),
    ]
    folder = Entry("x", "folder", 0, 0, 0, 0, 0, 0)
    assert list(compare([folder], [folder._replace(mtime=5)])) == []
    link = Entry("x", "link", 1, 0, 0, 0, 0, 0, None, "y")
    assert len(list(compare([link], [link._replace(target="z")]))) == 1
    assert len(list(compare([link], [folder]))) == 1


def test_comparison_streams() -> None:
    """Nothing is read ahead by more than one entry on either side."""
    read: list[str] = []

    def entries_read() -> object:
        for number in range(1_000_000):
            read.append("")
            yield file(f"{number:07}", "00" if number % 2 else "ff")

    found = compare(entries_read(), (file(f"{number:07}") for number in range(1_000_000)))  # type: ignore[arg-type]
    assert next(found).before == file("0000000", "ff")
    assert next(found).before == file("0000002", "ff")
    assert len(read) < 6


@given(st.sets(paths, max_size=12))
def test_a_walk_has_the_order_of_a_manifest(
    tmp_path_factory: pytest.TempPathFactory, found: set[str]
) -> None:
    top = tmp_path_factory.mktemp("walk")
    for path in sorted(found):
        place = Path(top, path)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        except OSError:
            continue  # the name above is a file already
    with Folder.at(top) as folder:
        walked = [file(one.path).order for one in folder.walk()]
    assert walked == sorted(walked)
    everything = {str(path.relative_to(top)) for path in top.rglob("*")}
    assert {"/".join(order) for order in walked} == everything
