"""Reading a snapshot again finds whatever happened to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from homes import Home, Store, student_home
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.engine.verify import Damage, verify
from jupyterhub_snapshots.errors import SnapshotNotFound, StorageUnavailable

NAME = "ps1_2026-03-01"


@pytest.fixture
def tree(place: Path, store: Store) -> Path:
    store.capture(student_home(place / "homes" / "bob"), include_hidden=True)
    return store.tree()


@pytest.mark.threat("F8")
def test_nothing_is_found_in_what_is_intact(store: Store, tree: Path) -> None:
    read = []
    assert list(verify(str(store.root), "alice", NAME, read.append)) == []
    header = store.header()
    assert header is not None
    assert sum(read) == header.bytes


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    times = path.stat()
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def to_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


DAMAGE: list[tuple[str, Callable[[Path], object], str]] = [
    ("run.sh", lambda path: edit(path, lambda content: content[:-1] + b"\t"), "altered"),
    ("run.sh", lambda path: os.truncate(path, 3), "altered"),
    ("run.sh", lambda path: edit(path, lambda content: content + b"x"), "altered"),
    ("run.sh", to_link, "altered"),
    ("run.sh", to_pipe, "altered"),
    ("latest", relink, "altered"),
    ("run.sh", os.unlink, "missing"),
    ("latest", os.unlink, "missing"),
    ("nothing in it", os.rmdir, "missing"),
    ("assignments/new", Path.touch, "added"),
    ("a new folder", Path.mkdir, "added"),
    ("\udcff", Path.touch, "added"),
]


@pytest.mark.threat("F8", "Z14")
@pytest.mark.parametrize(("path", "change", "what"), DAMAGE)
def test_each_damage_is_named(
    store: Store, tree: Path, path: str, change: Callable[[Path], object], what: str
) -> None:
    change(tree / path)
    assert store.damage() == [Damage(path, what)]


@pytest.mark.threat("F8")
def test_several_are_named_in_order(store: Store, tree: Path) -> None:
    (tree / "a").touch()
    (tree / "empty").write_bytes(b"no more")
    (tree / "run.sh").unlink()
    found = [Damage("a", "added"), Damage("empty", "altered"), Damage("run.sh", "missing")]
    assert store.damage() == found


class TestManifest:
    @pytest.fixture
    def manifest(self, store: Store, tree: Path) -> Path:
        return store.root / "alice" / f".{NAME}.manifest"

    @pytest.mark.threat("F8", "B2")
    @pytest.mark.parametrize(
        "content", [None, b"", b"{}\n", b"[]\n", b"\xff\n", b'{"format":99}\n']
    )
    def test_that_is_missing(self, store: Store, manifest: Path, content: bytes | None) -> None:
        if content is None:
            manifest.unlink()
        else:
            manifest.write_bytes(content)
        assert store.damage() == [Damage("", "no_manifest")]

    @pytest.mark.threat("F8")
    def test_with_a_line_changed(self, store: Store, tree: Path, manifest: Path) -> None:
        edit(
            manifest, lambda content: content.replace(b'"run.sh","file",10', b'"run.sh","file",11')
        )
        assert store.damage() == [Damage("", "manifest_altered"), Damage("run.sh", "altered")]

    @pytest.mark.threat("F8")
    def test_with_a_line_gone_or_junk(self, store: Store, manifest: Path) -> None:
        lines = manifest.read_bytes().splitlines(keepends=True)
        for number in (1, len(lines) - 1):
            for junk in (b"", b"junk\n", b"[]\n"):
                manifest.write_bytes(b"".join([*lines[:number], junk, *lines[number + 1 :]]))
                first, *others = store.damage()
                assert first == Damage("", "manifest_altered")
                assert {damage.what for damage in others} == {"added"}

    @pytest.mark.threat("P14", "S36")
    def test_that_is_a_link(self, store: Store, manifest: Path, outside: Path) -> None:
        manifest.rename(manifest.with_name("elsewhere"))
        manifest.symlink_to("elsewhere")
        assert store.damage() == [Damage("", "no_manifest")]


@pytest.mark.threat("F5")
def test_what_can_not_be_read_is_named(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Folder.open_child

    def open_child(folder: Folder, name: str) -> tuple[int, os.stat_result]:
        if name == "run.sh":
            raise OSError(5, "Input/output error")
        return real(folder, name)

    monkeypatch.setattr(Folder, "open_child", open_child)
    assert Damage("run.sh", "unreadable") in store.damage()


@pytest.mark.threat("P1", "P14", "P15", "Z15", "F10")
def test_only_snapshots_are_read(home: Home, store: Store, tree: Path, outside: Path) -> None:
    (store.root / "alice" / "link").symlink_to(outside.parent)
    (store.root / "link").symlink_to(outside.parent)
    for student, snapshot in [
        ("alice", "other"),
        ("alice", "link"),
        ("link", "x"),
        ("alice", ".."),
        ("..", "homes"),
        ("alice", "a/b"),
        ("", ""),
        ("alice", f"../alice/{NAME}"),
    ]:
        with pytest.raises(SnapshotNotFound):
            list(verify(str(store.root), student, snapshot))
    with pytest.raises(StorageUnavailable):
        list(verify(str(store.root / "nowhere"), "alice", NAME))
