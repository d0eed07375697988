"""Reports into hostile homes: races, full disks, nothing half-written."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from homes import IS_ROOT, STUDENT, Home, racing
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.core.records import Course
from jupyterhub_snapshots.errors import (
    HomeNotFound,
    InvalidName,
    MissingField,
    RefusedFileType,
    ReportExists,
    SnapshotsError,
    StorageFull,
    StorageUnavailable,
)
from jupyterhub_snapshots.reports import ReportManager
from jupyterhub_snapshots.volumes import LocalVolumes


@pytest.fixture
def home(place: Path) -> Home:
    return Home(place / "homes" / "alice")


@pytest.fixture
def course(home: Home, place: Path) -> Course:
    return Course(1, "phys", "phys", "UTC", str(place / "store"), homes=str(home.path.parent))


@pytest.fixture
def reports() -> ReportManager:
    return ReportManager(LocalVolumes())


async def test_the_students_own_file(reports: ReportManager, course: Course, home: Home) -> None:
    old = os.umask(0o077)
    try:
        assert await reports.put(course, "alice", "a b.html", b"A") == "a_b.html"
    finally:
        os.umask(old)
    status = (home / "a_b.html").lstat()
    assert status.st_mode & 0o7777 == 0o644
    if IS_ROOT:
        assert (status.st_uid, status.st_gid) == (STUDENT, STUDENT)
    assert [path.name for path in home.path.iterdir()] == ["a_b.html"]


async def test_refused(reports: ReportManager, course: Course, home: Home) -> None:
    for name, error in (
        ("", MissingField), ("???", MissingField), ("..", MissingField), ("x.py", RefusedFileType),
        ("x" * 300 + ".txt", InvalidName),
    ):  # fmt: skip
        with pytest.raises(error):
            await reports.put(course, "alice", name, b"")
    for student in ("nobody", "..", "alice/x", ""):
        with pytest.raises((HomeNotFound, InvalidName)):
            await reports.put(course, student, "x.txt", b"")
    assert list(home.path.iterdir()) == []


@pytest.mark.threat("U6")
async def test_of_two_at_once_one_wins(reports: ReportManager, course: Course, home: Home) -> None:
    sent = [reports.put(course, "alice", "x.txt", f"{n}".encode() * 9000) for n in range(8)]
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert sum(answer == "x.txt" for answer in answers) == 1
    assert sum(isinstance(answer, ReportExists) for answer in answers) == 7
    assert len(set((home / "x.txt").read_bytes())) == 1


@pytest.mark.threat("U3", "U4")
async def test_a_name_that_turns_into_a_link_meanwhile(
    reports: ReportManager, course: Course, home: Home, place: Path
) -> None:
    outside = place / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    (outside / "victim.txt").write_text("untouched")
    name, spare = home / "victim.txt", home / "spare"
    written = refused = 0

    def link(target: Path) -> None:
        spare.symlink_to(target)
        os.replace(spare, name)

    with racing(
        lambda: link(outside / "victim.txt"),
        lambda: name.unlink(missing_ok=True),
        lambda: link(outside / "new.txt"),
        lambda: name.unlink(missing_ok=True),
        lambda: link(outside),
        lambda: name.unlink(missing_ok=True),
    ):
        for _ in range(400):
            try:
                await reports.put(course, "alice", "victim.txt", b"planted")
                written += 1
            except (ReportExists, SnapshotsError):
                refused += 1
    assert written
    assert refused
    assert [path.name for path in outside.iterdir()] == ["victim.txt"]
    assert (outside / "victim.txt").read_text() == "untouched"
    assert {path.name for path in home.path.iterdir()} <= {"victim.txt", "spare"}


@pytest.mark.threat("U12", "U14")
@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EROFS, StorageUnavailable),
        (errno.EIO, StorageUnavailable),
        (errno.EACCES, StorageUnavailable),
    ],
    ids=errno.errorcode.get,
)
async def test_nothing_half_written_when_the_disk_refuses(
    reports: ReportManager,
    course: Course,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[SnapshotsError],
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", refuse)
        with pytest.raises(error) as raised:
            await reports.put(course, "alice", "x.txt", b"x")
    assert "nothing was written" in raised.value.message
    assert str(home.path) not in raised.value.message
    assert list(home.path.iterdir()) == []
    assert await reports.put(course, "alice", "x.txt", b"x") == "x.txt"


@pytest.mark.threat("U4")
async def test_a_home_that_is_a_link(reports: ReportManager, course: Course, home: Home) -> None:
    outside = home.path.parent.parent / "outside"
    outside.mkdir()
    (home.path.parent / "eve").symlink_to(outside)
    for student in ("eve", "eve/."):
        with pytest.raises((HomeNotFound, InvalidName)):
            await reports.put(course, student, "x.txt", b"x")
    assert list(outside.iterdir()) == []
    with Folder.at(home.path) as held:  # a folder that is held is written to wherever it goes
        home.path.rename(home.path.with_name("moved"))
        held.write_new("kept.txt", b"x")
    assert (home.path.with_name("moved") / "kept.txt").exists()
