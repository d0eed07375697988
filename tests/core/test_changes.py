"""What people are told of two snapshots: every file that differs, and no folders."""

from __future__ import annotations

from collections.abc import Iterator

from jupyterhub_snapshots.core.changes import Change, changes, summarize
from jupyterhub_snapshots.core.manifest import Entry, compare


def entry(path: str, kind: str = "file", size: int = 1, digest: str = "00") -> Entry:
    return Entry(path, kind, size, 0, 0, 0o644, 1, 1, digest if kind == "file" else None)


def test_folders_are_left_out() -> None:
    before = [
        entry("both", "folder"),
        entry("both/changed", size=1),
        entry("both/same"),
        entry("file-to-folder", size=3),
        entry("folder-to-file", "folder", 0),
        entry("folder-to-file/below", size=4),
        entry("gone", "folder"),
        entry("gone/file", size=5),
        entry("link", size=7),
    ]
    after = [
        entry("added", "folder"),
        entry("both", "folder"),
        entry("both/changed", size=2, digest="ff"),
        entry("both/same"),
        entry("file-to-folder", "folder", 0),
        entry("folder-to-file", size=6),
        entry("link", "link", 9),
    ]
    assert list(changes(compare(before, after))) == [
        Change("both/changed", "changed", "file", 2, 1),
        Change("file-to-folder", "removed", "file", None, 3),
        Change("folder-to-file", "added", "file", 6, None),
        Change("folder-to-file/below", "removed", "file", None, 4),
        Change("gone/file", "removed", "file", None, 5),
        Change("link", "changed", "link", 9, 7),
    ]


def test_all_are_counted_and_the_first_are_kept() -> None:
    def many() -> Iterator[Change]:
        for number in range(10_000):
            yield Change(f"{number:05}", "added" if number % 2 else "removed", "file", 1, 1)

    found = summarize(many(), 3)
    assert found.counts == {"added": 5000, "removed": 5000, "changed": 0}
    assert [each.path for each in found.changes] == ["00000", "00001", "00002"]
    assert found.truncated
    whole = summarize(many(), 10_000)
    assert len(whole.changes) == 10_000
    assert not whole.truncated
    assert summarize([], 1).changes == []
