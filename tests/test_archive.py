"""Zips: safe member names, any size, flat memory, and never less than there is."""

from __future__ import annotations

import io
import os
import resource
import shutil
import stat
import struct
import subprocess
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from jupyterhub_snapshots import archive as archive_module
from jupyterhub_snapshots.archive import Archive, Part
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.core.records import Course
from jupyterhub_snapshots.errors import EngineFailed, SnapshotNotFound
from jupyterhub_snapshots.snapshots import SnapshotCatalog
from jupyterhub_snapshots.store import Store

NAME = "hw_2026-01-31"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    root = tmp_path / "root"
    (root / "alice" / NAME).mkdir(parents=True)
    return Course(1, "phys", "phys", "UTC", str(root))


@pytest.fixture
def tree(course: Course) -> Path:
    return Path(course.root) / "alice" / NAME


@pytest.fixture
def catalog(empty_database: Path) -> Iterator[SnapshotCatalog]:
    store = Store(f"sqlite:///{empty_database}")
    yield SnapshotCatalog(store)
    store.close()


def part(course: Course, student: str = "alice", **options: object) -> Part:
    return Part(course, student, NAME, f"{student}/", **options)  # type: ignore[arg-type]


def opened(archive: Archive) -> zipfile.ZipFile:
    length = archive.length()
    content = b"".join(archive.chunks())
    assert length in (None, len(content))
    made = zipfile.ZipFile(io.BytesIO(content))
    assert made.testzip() is None
    return made


def resident() -> int:
    """Bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.threat("Z1", "Z2", "Z4")
def test_members_names(catalog: SnapshotCatalog, course: Course, tree: Path) -> None:
    raw = [
        b"..\\..\\evil", b"C:evil", b"a\\b", b"a_b", b"two\r\nlines", b"two__lines", b"esc\x1b[31m",
        b"\xff\xfe", b"\xfe\xff", b"\xef\xbf\xbd\xef\xbf\xbd", b"\xff.txt", b"\xfe.txt", b"...",
        "été".encode(), b"README", b"readme", "next\u0085line".encode(), "sep\u2028line".encode(),
    ]  # fmt: skip
    for name in raw:
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).write_bytes(name)
    for prefix in ("alice/", ""):
        made = opened(Archive(catalog, [Part(course, "alice", NAME, prefix)]))
        names = made.namelist()
        assert len(names) == len(set(names)) == len(raw)
        assert {made.read(name) for name in names} == set(raw)
        for name in names:
            assert not name.startswith(("/", "C:"))
            assert not {"..", ""} & set(name.replace("\\", "/").split("/"))
            assert name.isprintable()
        assert all(
            info.flag_bits & 0x800 for info in made.infolist() if not info.filename.isascii()
        )


def real_name(name: str, extra: bytes) -> str:
    """The path as it is on the disk, from a name and extra fields."""
    while extra:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == archive_module.REAL_NAME:
            return os.fsdecode(extra[4 : 4 + length])
        extra = extra[4 + length :]
    return name


@pytest.mark.threat("Z2")
def test_real_names_are_beside_the_safe_ones(
    catalog: SnapshotCatalog, course: Course, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {"README", "dir/", "dir/été"}
    odd = {"a\\b/", "a\\b/x", "two\nlines", "\udcff", "dir/\udcff", "a_b/", "a_b/x"}
    for name in plain | odd:
        path = tree / name
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(os.fsencode(name))
    for large in (2**31 - 1, 5):  # in the 64-bit form the field stands beside another one
        monkeypatch.setattr(archive_module, "_ZIP32_BYTES", large)
        whole = Archive(catalog, [part(course)])
        made, content = opened(whole), b"".join(whole.chunks())
        found = {real_name(info.filename, info.extra): info for info in made.infolist()}
        assert found.keys() == {f"alice/{name}" for name in plain | odd}
        for name, info in found.items():
            assert info.is_dir() or made.read(info) == os.fsencode(name.removeprefix("alice/"))
            assert (name.removeprefix("alice/") in plain) == (name == info.filename)
            # The header before the content has it, too.
            place = info.header_offset + 26
            length, extra = struct.unpack_from("<HH", content, place)
            begin = place + 4 + length
            assert real_name(info.filename, content[begin : begin + extra]) == name


@pytest.mark.threat("Z2", "D11")
def test_thousands_of_names_that_look_alike_are_numbered_quickly(
    catalog: SnapshotCatalog, course: Course, tree: Path
) -> None:
    for number in range(3000):
        name = b"x" + bytes([128 + number % 64, 128 + number // 64])
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).touch()
    began = time.process_time()
    names = opened(Archive(catalog, [part(course)])).namelist()
    assert len(set(names)) == 3000
    assert time.process_time() - began < 5


@pytest.mark.threat("Z5", "Z6", "S21")
def test_times_modes_and_links(catalog: SnapshotCatalog, course: Course, tree: Path) -> None:
    for name, seconds in (
        ("old", 0),
        ("older", -10_000_000_000),
        ("new", 6_000_000_000),
        ("odd", 1),
    ):
        (tree / name).write_text(name)
        os.utime(tree / name, (seconds, seconds))
    (tree / "setuid").write_text("x")
    (tree / "setuid").chmod(0o6755)
    (tree / "sub").mkdir(mode=0o1777)
    (tree / "link").symlink_to("/etc/passwd")
    os.mkfifo(tree / "fifo")
    made = opened(Archive(catalog, [part(course, with_top=True)]))
    found = {info.filename: info for info in made.infolist()}
    assert set(found) == {
        f"alice/{name}" for name in ("", "old", "older", "new", "odd", "setuid", "sub/", "link")
    }
    assert all(1980 <= info.date_time[0] <= 2107 for info in found.values())
    assert found["alice/new"].date_time[0] == 2107
    for info in found.values():
        assert not (info.external_attr >> 16) & 0o7000
    assert stat.S_ISLNK(found["alice/link"].external_attr >> 16)
    assert made.read("alice/link") == b"/etc/passwd"
    assert found["alice/sub/"].is_dir()


def test_a_timestamp_for_nbgrader(catalog: SnapshotCatalog, course: Course, tree: Path) -> None:
    (tree / "timestamp.txt").write_text("the student's own")
    moment = datetime(2026, 1, 31, 22, 59, 59, tzinfo=timezone.utc)
    made = opened(Archive(catalog, [part(course, timestamp=moment)]))
    assert made.namelist() == ["alice/timestamp.txt"]
    assert made.read("alice/timestamp.txt") == b"2026-01-31 22:59:59 UTC\n"


@pytest.mark.threat("Z7")
def test_the_64_bit_form(
    catalog: SnapshotCatalog,
    course: Course,
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limits of the 32-bit form are lowered, so that no gigabytes have to be written."""
    monkeypatch.setattr(archive_module, "_ZIP32_BYTES", 10_000)
    monkeypatch.setattr(archive_module, "_ZIP32_MEMBERS", 20)
    (tree / "big").write_bytes(b"b" * 50_000)
    for number in range(40):
        (tree / f"{number}.txt").write_bytes(b"s" * 900)
    whole = Archive(catalog, [part(course)])
    assert whole.length() is None
    content = b"".join(whole.chunks())
    assert b"PK\x06\x06" in content
    (tmp_path / "made.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "made.zip") as made:
        assert made.testzip() is None
        assert len(made.namelist()) == 41
        assert made.read("alice/big") == b"b" * 50_000
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tq", tmp_path / "made.zip"], check=True, capture_output=True)


@pytest.mark.threat("Z8")
def test_a_hundred_thousand_members(
    catalog: SnapshotCatalog,
    course: Course,
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tree / "0000.txt").touch()
    for number in range(1, 1000):
        os.link(tree / "0000.txt", tree / f"{number:04}.txt")
    parts = [Part(course, "alice", NAME, f"student-{number:03}/") for number in range(100)]
    made = tmp_path / "made.zip"
    before = largest = resident()
    with open(made, "wb") as file:
        for piece in Archive(catalog, parts).chunks():
            file.write(piece)
            largest = max(largest, resident())
    assert largest - before < 40 << 20
    with zipfile.ZipFile(made) as opened:  # in the form with more than 65,535 members
        assert len(set(opened.namelist())) == 100_000
        assert opened.read("student-099/0999.txt") == b""
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tqq", made], check=True, capture_output=True)
    monkeypatch.setattr(archive_module, "_MEASURED_MEMBERS", 999)
    assert Archive(catalog, parts[:1]).length() is None
    monkeypatch.setattr(archive_module, "_MEASURED_MEMBERS", 1000)
    assert Archive(catalog, parts[:1]).length() is not None


@pytest.mark.threat("Z8", "Z9")
def test_memory_is_flat_and_the_first_piece_soon(
    catalog: SnapshotCatalog, course: Course, tree: Path
) -> None:
    for name in ("zeros", "more"):
        with open(tree / name, "wb") as file:
            file.truncate(256 << 20)
    whole = Archive(catalog, [part(course)])
    length = whole.length()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    pieces = whole.chunks()
    size = len(next(pieces))
    assert time.monotonic() - began < 2
    largest = 0
    for piece in pieces:
        size += len(piece)
        largest = max(largest, len(piece))
    assert size == length
    assert largest < 1 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 << 10


@pytest.mark.threat("Z10", "Z17")
def test_a_change_in_the_middle_breaks_it_off(
    catalog: SnapshotCatalog, course: Course, tree: Path
) -> None:
    content = b"x" * (2 << 20)
    (tree / "later").write_bytes(b"y")
    for change in (
        lambda: (tree / "big").write_bytes(b"shorter"),
        lambda: (tree / "big").write_bytes(content + b"longer"),
        lambda: (tree / "later").unlink(),
    ):
        (tree / "big").write_bytes(content)
        pieces = Archive(catalog, [part(course)]).chunks()
        next(pieces)
        change()
        with pytest.raises(EngineFailed):
            list(pieces)
    shutil.copytree(tree, Path(course.root) / "bob" / NAME)
    pieces = Archive(catalog, [part(course), part(course, "bob")]).chunks()
    next(pieces)
    shutil.rmtree(Path(course.root) / "bob")
    with pytest.raises(EngineFailed):
        list(pieces)


@pytest.mark.threat("Z10")
def test_a_folder_that_cannot_be_read_breaks_it_off(
    catalog: SnapshotCatalog, course: Course, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "sub").mkdir()
    whole = Archive(catalog, [part(course)])
    enter = Folder.enter

    def refuse(self: Folder, parts: list[str]) -> Folder:
        if list(parts) == ["sub"]:
            raise OSError(5, "Input/output error")
        return enter(self, parts)

    monkeypatch.setattr(Folder, "enter", refuse)
    with pytest.raises(EngineFailed):
        whole.length()


def test_what_is_not_there(catalog: SnapshotCatalog, course: Course, tree: Path) -> None:
    for student, name in (("bob", NAME), ("alice", "none"), ("alice", ".."), ("..", "alice")):
        with pytest.raises(SnapshotNotFound):
            Archive(catalog, [Part(course, student, name, "")]).length()
