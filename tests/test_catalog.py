"""The list of snapshots is what lies on the disk, whoever put it there or took it away."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from courses import PS1, PS2, CourseOnDisk
from homes import SECRET
from jupyterhub_snapshots.beneath import Folder, NotBelow
from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.core.records import Snapshot
from jupyterhub_snapshots.engine import CaptureJob, capture
from jupyterhub_snapshots.errors import (
    FileNotFound,
    NotAFolder,
    SnapshotNotFound,
    SnapshotPinned,
    StorageUnavailable,
)
from jupyterhub_snapshots.snapshots import SnapshotCatalog, finish_deletions
from jupyterhub_snapshots.store import Store


@pytest.fixture
def course(place: Path) -> Iterator[CourseOnDisk]:
    made = CourseOnDisk(place, "alice", "bob")
    yield made
    made.store.close()


@pytest.fixture
def outside(place: Path) -> Path:
    """A file that no snapshot may lead to."""
    folder = place / "outside"
    folder.mkdir()
    path = folder / "secret"
    path.write_bytes(SECRET)
    return path


def take(course: CourseOnDisk, student: str = "alice", name: str = PS1) -> None:
    """Captures as another process would, without the catalogue."""
    capture(
        CaptureJob(
            home=str(course.place / "homes" / student),
            root=str(course.root),
            student=student,
            snapshot=name,
            capture_id=f"{student}-{name}",
            extra={"by": "ina"},
        )
    )


async def listed(course: CourseOnDisk, student: str | None = None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for snapshot in await course.snapshots.list_snapshots(course.course, student):
        found.setdefault(snapshot.student, []).append(snapshot.name)
    return found


def reopened(course: CourseOnDisk) -> None:
    """As after a restart."""
    course.store.close()
    course.store = Store(f"sqlite:///{course.place}/catalogue.sqlite")
    course.store.open()
    course.snapshots = SnapshotCatalog(course.store)


async def test_trees_of_another_program_are_there(course: CourseOnDisk) -> None:
    course.tree("alice", PS1, "a.txt")
    course.tree("carol", "final-exam")
    assert await listed(course) == {"alice": [PS1], "carol": ["final-exam"]}
    (snapshot,) = await course.snapshots.list_snapshots(course.course, "carol")
    assert snapshot == Snapshot(course.course.id, "carol", "final-exam", "unknown")
    assert [file.path for file in course.snapshots.files(course.course, "alice", PS1)] == ["a.txt"]


@pytest.mark.threat("B3", "B4", "C4")
async def test_what_is_put_or_taken_away_by_hand_is_seen_at_once(course: CourseOnDisk) -> None:
    """Also within one tick of the file system's clock."""
    course.tree("alice", PS1)
    for number in range(20):
        name = f"try-{number}_2026-03-01"
        tree = course.tree("alice", name)
        assert await listed(course, "alice") == {"alice": [PS1, name]}
        tree.rmdir()
        assert await listed(course) == {"alice": [PS1]}
    shutil.rmtree(course.root / "alice")
    assert await listed(course) == {}
    course.tree("alice", PS2)
    assert await listed(course, "alice") == {"alice": [PS2]}


async def test_another_tree_of_the_same_name_is_described_anew(course: CourseOnDisk) -> None:
    take(course)
    (before,) = await course.snapshots.list_snapshots(course.course)
    assert (before.state, before.files, before.created_by) == ("complete", 1, "ina")
    kept = course.place / "kept"
    (course.root / "alice" / PS1).rename(kept)
    (course.root / "alice" / f".{PS1}.manifest").unlink()
    course.tree("alice")
    (after,) = await course.snapshots.list_snapshots(course.course)
    assert (after.state, after.files) == ("unknown", None)


@pytest.mark.threat("P14", "P15", "Z15", "Z13")
async def test_what_is_no_snapshot(course: CourseOnDisk) -> None:
    tree = course.tree("alice", PS1)
    (course.root / "alice" / "linked_2026-03-01").symlink_to(tree)
    (course.root / "alice" / "file_2026-03-01").write_text("a file")
    (course.root / "linked").symlink_to(course.root / "alice")
    (course.root / "file").write_text("a file")
    for name in (".hidden_2026-03-01", "with.dot", "x" * 240):
        (course.root / "alice" / name).mkdir()
    os.mkdir(os.fsencode(course.root / "alice") + b"/bytes-\xff")
    os.mkdir(os.fsencode(course.root) + b"/bytes-\xff")
    (course.root / "alice" / "new\nline").mkdir()
    (course.root / SERVICE_DIR / "staging").mkdir()
    (course.root / SERVICE_DIR / "staging" / PS1).mkdir()
    assert await listed(course) == {"alice": [PS1]}
    for student in ("linked", "file", SERVICE_DIR, "..", "", "nobody", "alice/../alice"):
        assert await listed(course, student) == {}
        with pytest.raises(SnapshotNotFound):
            course.snapshots.files(course.course, student, PS1)
    for name in ("linked_2026-03-01", "file_2026-03-01", ".hidden_2026-03-01", "..", ""):
        with pytest.raises(SnapshotNotFound):
            course.snapshots.files(course.course, "alice", name)
        with pytest.raises(SnapshotNotFound):
            await course.snapshots.get(course.course, "alice", name)


@pytest.mark.threat("N1")
async def test_students_of_every_kind(course: CourseOnDisk) -> None:
    students = [
        "a b",
        "first.last",
        "o'brien",
        "snap",
        "user@example.com",
        "Zoë",
        "x" * 120,
        ".dot",
    ]
    for student in students:
        course.tree(student, PS1)
    assert await listed(course) == {student: [PS1] for student in students}
    for student in students:
        assert await listed(course, student) == {student: [PS1]}


@pytest.mark.threat("B2", "B3", "B4", "K1")
@pytest.mark.parametrize("lost", ["deleted", "emptied", "older", "newer"])
async def test_the_database_is_not_what_the_disk_is(course: CourseOnDisk, lost: str) -> None:
    file = course.place / "catalogue.sqlite"
    take(course)
    await course.snapshots.list_snapshots(course.course)
    old = file.read_bytes() if course.store.close() is None else b""
    reopened(course)
    take(course, "bob", PS2)
    before = await course.snapshots.list_snapshots(course.course)
    assert len(before) == 2
    course.store.close()
    for beside in course.place.glob("catalogue.sqlite-*"):
        beside.unlink()
    if lost == "deleted":
        file.unlink()
    elif lost == "emptied":
        file.write_bytes(b"")
    elif lost == "older":
        file.write_bytes(old)
    else:
        shutil.rmtree(course.root / "bob")
        before = before[:1]
    reopened(course)
    if lost in ("deleted", "emptied"):
        course.store.close()
        fresh = CourseOnDisk.__new__(CourseOnDisk)
        fresh.__dict__ = course.__dict__
        reopened(fresh)
        with fresh.store.writing() as db:
            from jupyterhub_snapshots.store import people

            assert people.ensure_course(db, "phys", "Physics", None, "UTC") == course.course.id
    assert await course.snapshots.list_snapshots(course.course) == before
    if lost == "newer":
        with pytest.raises(SnapshotNotFound):
            await course.snapshots.get(course.course, "bob", PS2)


@pytest.mark.threat("F10")
@pytest.mark.parametrize("how", ["missing", "empty", "link"])
async def test_a_disk_that_is_not_mounted_makes_nothing_forgotten(
    course: CourseOnDisk, how: str
) -> None:
    take(course)
    await course.snapshots.list_snapshots(course.course)
    await course.snapshots.set_pinned(course.course, "alice", PS1, True)
    away = course.place / "away"
    course.root.rename(away)
    if how == "empty":
        course.root.mkdir()
    elif how == "link":
        course.root.symlink_to(away)
    with pytest.raises(StorageUnavailable):
        await course.snapshots.list_snapshots(course.course)
    if how == "empty":
        assert os.listdir(course.root) == []
        course.root.rmdir()
    elif how == "link":
        course.root.unlink()
    else:
        assert not course.root.exists()
    away.rename(course.root)
    (snapshot,) = await course.snapshots.list_snapshots(course.course)
    assert snapshot.pinned


async def test_pins_survive_a_new_disk_and_a_new_manifest(course: CourseOnDisk) -> None:
    take(course)
    await course.snapshots.set_pinned(course.course, "alice", PS1, True)
    moved = course.place / "moved"
    shutil.copytree(course.root, moved)
    shutil.rmtree(course.root)
    moved.rename(course.root)
    (snapshot,) = await course.snapshots.list_snapshots(course.course)
    assert snapshot.pinned
    await course.snapshots.describe_again(course.course, [("alice", PS1)])
    with pytest.raises(SnapshotPinned):
        await course.snapshots.delete(course.course, "alice", PS1, "/home/alice")
    await course.snapshots.set_pinned(course.course, "alice", PS1, False)
    await course.snapshots.delete(course.course, "alice", PS1, "/home/alice")
    assert os.listdir(course.root / "alice") == []


@pytest.mark.threat("O4", "S1")
async def test_delete_is_out_of_sight_at_once_and_stays_inside(
    course: CourseOnDisk, outside: Path
) -> None:
    tree = course.tree("alice", PS1, "a.txt")
    (tree / "folder").symlink_to(outside.parent)
    (tree / "link").symlink_to(outside)
    (course.root / "alice" / "linked_2026-03-01").symlink_to(outside.parent)
    take(course, "alice", PS2)
    await course.snapshots.delete(
        course.course, "alice", PS1, str(course.place / "homes" / "alice")
    )
    assert await listed(course) == {"alice": [PS2]}
    for name in (PS1, "linked_2026-03-01", "..", f".{PS2}.manifest", ""):
        with pytest.raises(SnapshotNotFound):
            await course.snapshots.delete(course.course, "alice", name, "/home/alice")
    (course.root / "alice" / "linked_2026-03-01").unlink()
    course.assert_sound()
    assert os.listdir(outside.parent) == [outside.name]


@pytest.mark.threat("O4", "K1")
async def test_a_deletion_that_was_killed_is_finished(course: CourseOnDisk) -> None:
    take(course)
    os.rename(course.root / "alice" / PS1, course.root / "alice" / f".{PS1}.deleted")
    assert await listed(course) == {}
    finish_deletions(course.course)
    assert [name for name in os.listdir(course.root / "alice") if name[0] != "."] == []
    assert not (course.root / "alice" / f".{PS1}.deleted").exists()


@pytest.mark.threat("F4", "F6")
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
async def test_a_folder_that_cant_be_read_makes_nothing_forgotten(
    course: CourseOnDisk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    take(course)
    await course.snapshots.set_pinned(course.course, "alice", PS1, True)
    lstat = Folder.lstat

    def failing(folder: Folder, name: str) -> os.stat_result:
        if name == "alice":
            raise NotBelow(number, "Nothing of that kind there", name)
        return lstat(folder, name)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "lstat", failing)
        with pytest.raises(StorageUnavailable):
            await course.snapshots.list_snapshots(course.course)
    (snapshot,) = await course.snapshots.list_snapshots(course.course)
    assert snapshot.pinned


@pytest.mark.threat("B2", "F8")
@pytest.mark.parametrize("damage", [b"2026-13-", b'"x"'])
async def test_a_manifest_that_makes_no_sense_hides_nobody_else(
    course: CourseOnDisk, damage: bytes
) -> None:
    take(course, "alice")
    take(course, "bob")
    manifest = course.root / "alice" / f".{PS1}.manifest"
    header, _, entries = manifest.read_bytes().partition(b"\n")
    if damage.startswith(b"2026"):
        header = re.sub(rb'("began_at":")\d{4}-\d\d-', rb"\g<1>" + damage, header)
    else:
        header = re.sub(rb'("files":)\d+', rb"\g<1>" + damage, header)
    manifest.write_bytes(header + b"\n" + entries)
    found = await course.snapshots.list_snapshots(course.course)
    assert [(each.student, each.state) for each in found] == [
        ("alice", "unknown"),
        ("bob", "complete"),
    ]


@pytest.mark.threat("C4", "K1")
async def test_listing_while_snapshots_come_and_go(course: CourseOnDisk) -> None:
    """What was there all the time is always listed, with what is known of it; nothing is half."""
    take(course, "alice", PS1)
    await course.snapshots.set_pinned(course.course, "alice", PS1, True)
    stop = threading.Event()

    def others() -> None:
        for number in range(1000):
            if stop.is_set():
                return
            name = f"try-{number}_2026-03-01"
            take(course, "alice", name)
            shutil.rmtree(course.root / "alice" / name)

    other = threading.Thread(target=others)
    other.start()
    try:
        for _ in range(30):
            found = await asyncio.gather(*(listed(course) for _ in range(4)))
            assert all(PS1 in names["alice"] for names in found)
            for snapshot in await course.snapshots.list_snapshots(course.course):
                assert snapshot.state in ("complete", "unknown")
                assert snapshot.pinned == (snapshot.name == PS1)
    finally:
        stop.set()
        other.join()


@pytest.mark.threat("Z17")
async def test_an_open_file_is_read_to_its_end_though_its_snapshot_is_deleted(
    course: CourseOnDisk,
) -> None:
    course.tree("alice", PS1, "a.txt")
    descriptor, entry, _ = course.snapshots.open_file(course.course, "alice", PS1, "a.txt")
    await course.snapshots.delete(course.course, "alice", PS1, "/home/alice")
    assert os.read(descriptor, 100) == b"a.txt"
    assert entry.size == 5
    os.close(descriptor)
    with pytest.raises(SnapshotNotFound):
        course.snapshots.open_file(course.course, "alice", PS1, "a.txt")


@pytest.mark.threat("P1", "P2", "P3", "P6", "P8", "Z12", "S18")
def test_files_are_only_those_of_the_snapshot(course: CourseOnDisk, outside: Path) -> None:
    tree = course.tree("alice", PS1, "a.txt")
    (tree / "folder").mkdir()
    (tree / "link").symlink_to(outside)
    (tree / "up").symlink_to(outside.parent)
    os.mkfifo(tree / "pipe")
    for path in (
        "link", "up/secret", "pipe", "folder", "nothing", "", "/", ".", "..", "../a.txt", "a.txt/",
        "./a.txt", "folder/../a.txt", str(outside), "a.txt\0", "\0", "a/" * 3000, "x" * 300,
        "\udcff", "a.txt ",
    ):  # fmt: skip
        with pytest.raises(FileNotFound):
            course.snapshots.open_file(course.course, "alice", PS1, path)
    for path in ("up", "link", "pipe", "..", "/", "folder/.."):
        with pytest.raises(FileNotFound):
            course.snapshots.folder(course.course, "alice", PS1, path)
    with pytest.raises(NotAFolder):
        course.snapshots.folder(course.course, "alice", PS1, "a.txt")
    top = course.snapshots.folder(course.course, "alice", PS1, "")
    assert [(entry.path, entry.type) for entry in top] == [
        ("a.txt", "file"),
        ("folder", "folder"),
        ("link", "link"),
        ("up", "link"),
    ]
    assert [file.path for file in course.snapshots.files(course.course, "alice", PS1)] == ["a.txt"]


async def test_thousands_are_scanned_once(
    course: CourseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for student in range(60):
        for number in range(50):
            (course.root / f"s{student}" / f"ps{number}").mkdir(parents=True)
    for folder in course.root.iterdir():
        os.utime(folder, (1_700_000_000, 1_700_000_000))
    scans: list[int] = []
    statements: list[str] = []
    scan: Callable[[Folder], list[os.DirEntry[str]]] = Folder.scan
    monkeypatch.setattr(Folder, "scan", lambda self: scans.append(1) or scan(self))

    @event.listens_for(course.store._engine, "before_cursor_execute")
    def note(connection: object, cursor: object, text: str, *rest: object) -> None:
        statements.append(text)

    assert len(await course.snapshots.list_snapshots(course.course)) == 3000
    assert len(scans) == 61
    assert [text.split()[0] for text in statements] == ["BEGIN", "SELECT", "BEGIN", "INSERT"]
    scans.clear()
    statements.clear()
    assert len(await course.snapshots.list_snapshots(course.course)) == 3000
    assert len(scans) == 1
    assert [text.split()[0] for text in statements] == ["BEGIN", "SELECT"]
    course.tree("s7", "new")
    scans.clear()
    assert len(await course.snapshots.list_snapshots(course.course)) == 3001
    assert len(scans) == 2
