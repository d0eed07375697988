"""Documents and held reports into real homes, which may be hostile, missing or full."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from courses import CourseOnDisk
from homes import IS_ROOT, SECRET, STUDENT, racing
from jupyterhub_snapshots.audit import AuditLog
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.core.assignments import Assignment, Scope
from jupyterhub_snapshots.core.home_deliveries import (
    DeliveryKind,
    HomeDelivery,
    folder_of,
    names_to_try,
)
from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.deliveries import DeliveryManager
from jupyterhub_snapshots.errors import PlaceTaken, RefusedFileType, SnapshotsError
from jupyterhub_snapshots.handing_out import hand_out
from jupyterhub_snapshots.reports import ReportManager
from jupyterhub_snapshots.roster import Roster
from jupyterhub_snapshots.store import assignments, audit, documents, people
from jupyterhub_snapshots.store import deliveries as table
from jupyterhub_snapshots.volumes import LocalVolumes

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
SHEET = "homework-1/sheet.ipynb"


class Handing(CourseOnDisk):
    """A course that hands out ``sheet.ipynb``; its clock stands still unless it is set."""

    def __init__(self, place: Path, *students: str) -> None:
        super().__init__(place, *students)
        self.now = NOW
        with self.store.writing() as db:
            document = documents.create_document(
                db,
                owner="ina",
                filename="sheet.ipynb",
                scope=Scope.PRIVATE,
                description=None,
                now=NOW,
            )
        self.document = document.id
        self.write(b"one")
        self.managers = [self.manager()]
        self.audit: AuditLog

    def manager(self) -> DeliveryManager:
        """One more process that delivers."""
        volumes, log = LocalVolumes(), logging.getLogger("test")
        roster = Roster(store=self.store, volumes=volumes, courses=[self.course], hub=None)
        roster.refresh_seconds = 0.0
        self.roster = roster
        self.audit = AuditLog(self.store, log)
        return DeliveryManager(
            store=self.store,
            roster=roster,
            volumes=volumes,
            reports=ReportManager(volumes),
            audit=self.audit,
            log=log,
            now=lambda: self.now,
        )

    def write(self, content: bytes) -> None:
        with self.store.writing() as db:
            documents.write_contents(db, self.document, content, written_by="ina", now=NOW)

    def assignment(self, title: str = "Homework 1", **fields: Any) -> int:
        with self.store.writing() as db:
            given = {"title": title, "document": self.document, **fields}
            return assignments.create_assignment(db, self.course.id, given, NOW).id

    def change(self, number: int, **fields: Any) -> None:
        with self.store.writing() as db:
            assignments.update_assignment(db, self.course.id, number, fields)

    async def run(self) -> int:
        """Everything that is due, with the members as they are now."""
        await self.roster.refresh(self.course, fresh=True)
        return await self.managers[0].run_due()

    async def deliver(self, number: int, *students: str) -> dict[str, HomeDelivery]:
        """On request, to all when no names are given."""
        known = await self.roster.students(self.course, fresh=True)
        chosen = [each for each in known if each.username in students] if students else None
        found = await self.managers[0].deliver(self.course, number, chosen, "ina")
        return {each.student: each for each in found}

    async def told(self, number: int) -> dict[str, tuple[object, ...]]:
        found = await self.managers[0].of_assignment(self.course, number)
        return {
            each.student: (each.state.value, each.path, each.renamed, each.error_code)
            for each in found
        }


@pytest.fixture
async def phys(place: Path) -> AsyncIterator[Handing]:
    made = Handing(place, "alice", "bob")
    yield made
    for manager in made.managers:
        await manager.stop()
    await made.audit.write()
    made.store.close()


def files(home: Path) -> list[str]:
    return sorted(
        path.relative_to(home).as_posix() for path in home.rglob("*") if not path.is_dir()
    )


async def test_at_its_time(phys: Handing) -> None:
    number = phys.assignment(visible_from=NOW + HOUR)
    assert await phys.run() == 0
    assert await phys.managers[0].next_due() == NOW + HOUR
    phys.now = NOW + HOUR
    assert await phys.run() == 2
    for home in phys.homes.values():
        status = (home / SHEET).lstat()
        assert (home / SHEET).read_bytes() == b"one"
        assert stat.S_IMODE(status.st_mode) == 0o644
        folder = (home / "homework-1").lstat()
        assert stat.S_IMODE(folder.st_mode) == 0o755
        if IS_ROOT:
            assert {status.st_uid, status.st_gid, folder.st_uid, folder.st_gid} == {STUDENT}
        assert files(home.path) == [SHEET, "work.txt"]
    assert await phys.told(number) == dict.fromkeys(
        ("alice", "bob"), ("delivered", SHEET, False, None)
    )
    assert await phys.run() == 0
    phys.home("dora")
    assert await phys.run() == 1
    assert (phys.place / "homes/dora" / SHEET).read_bytes() == b"one"
    await phys.audit.write()
    with phys.store.reading() as db:
        events = [event for _, event in audit.of_course(db, phys.course.id)]
    assert {(each.principal, each.action, each.status) for each in events} == {
        ("scheduler", "deliver a document", 200)
    }
    assert {each.target for each in events} == {f"Homework 1: {SHEET}"}


async def test_a_home_that_is_closed_stays_so(phys: Handing) -> None:
    for name, mode in (("alice", 0o700), ("bob", 0o2750)):
        phys.homes[name].path.chmod(mode)
    number = phys.assignment()
    old = os.umask(0o077)
    try:
        await phys.deliver(number)
    finally:
        os.umask(old)
    assert stat.S_IMODE((phys.homes["alice"] / "homework-1").stat().st_mode) == 0o700
    assert stat.S_IMODE((phys.homes["bob"] / "homework-1").stat().st_mode) == 0o2750
    assert stat.S_IMODE((phys.homes["bob"] / SHEET).stat().st_mode) == 0o644


async def test_never_over_what_is_there(phys: Handing) -> None:
    alice, bob = phys.homes["alice"], phys.homes["bob"]
    alice.file(SHEET, b"my own")
    bob.file(SHEET, b"one")
    before = (bob / SHEET).lstat()
    number = phys.assignment()
    found = await phys.deliver(number)
    assert (found["alice"].path, found["alice"].renamed) == ("homework-1/sheet-2.ipynb", True)
    assert (found["bob"].path, found["bob"].renamed) == (SHEET, False)
    assert (alice / SHEET).read_bytes() == b"my own"
    assert (alice / "homework-1/sheet-2.ipynb").read_bytes() == b"one"
    after = (bob / SHEET).lstat()
    assert (after.st_ino, after.st_mtime_ns, after.st_nlink) == (
        *(before.st_ino, before.st_mtime_ns, 1),
    )


async def test_again_only_when_it_changed_or_is_gone(phys: Handing) -> None:
    alice = phys.homes["alice"]
    number = phys.assignment()
    first = await phys.deliver(number)
    alice.file(SHEET, b"worked on")
    assert await phys.deliver(number) == first
    assert files(alice.path) == [SHEET, "work.txt"]
    (phys.homes["bob"] / SHEET).unlink()
    again = await phys.deliver(number, "bob")
    assert (again["bob"].path, (phys.homes["bob"] / SHEET).read_bytes()) == (SHEET, b"one")
    phys.write(b"two")
    assert await phys.run() == 0
    newer = await phys.deliver(number, "alice")
    assert list(newer) == ["alice"]
    assert (newer["alice"].path, newer["alice"].renamed) == ("homework-1/sheet-2.ipynb", True)
    assert (alice / SHEET).read_bytes() == b"worked on"
    assert (alice / "homework-1/sheet-2.ipynb").read_bytes() == b"two"


async def test_a_home_that_is_not_there_yet(phys: Handing) -> None:
    elsewhere = phys.homes["bob"].path.rename(phys.place / "bob")
    number = phys.assignment(visible_from=NOW)
    with phys.store.writing() as db:
        people.set_members(db, phys.course.id, ["alice", "bob"], Role.STUDENT, "homes")
    assert await phys.managers[0].run_due() == 2
    assert (await phys.told(number))["bob"] == ("waiting", None, False, "home_not_found")
    assert await phys.managers[0].run_due() == 0
    elsewhere.rename(phys.homes["bob"].path)
    phys.now += timedelta(seconds=31)
    assert await phys.managers[0].run_due() == 1
    assert (await phys.told(number))["bob"] == ("delivered", SHEET, False, None)


@pytest.mark.threat("U3", "U4")
async def test_links_and_files_in_the_way(phys: Handing) -> None:
    outside = phys.place / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    hostile: dict[str, Callable[[Path], object]] = {
        "link": lambda way: way.symlink_to(outside),
        "dangling": lambda way: way.symlink_to(outside / "new"),
        "loop": lambda way: way.symlink_to(way),
        "file": lambda way: way.write_text("mine"),
        "fifo": os.mkfifo,
    }
    for name, put in hostile.items():
        put(phys.home(name).path / "homework-1")
    number = phys.assignment()
    found = await asyncio.wait_for(phys.deliver(number), 20)
    for name in hostile:
        delivery = found[name]
        assert (delivery.state.value, delivery.error_code) == ("failed", "place_taken"), name
        assert "homework-1" in (delivery.error or "")
        assert delivery.path is None
    assert list(outside.iterdir()) == []
    assert found["alice"].path == SHEET
    (phys.place / "homes/file/homework-1").unlink()
    again = await phys.deliver(number, "file")
    assert (again["file"].path, again["file"].error_code) == (SHEET, None)


@pytest.mark.threat("U1", "U4")
async def test_odd_things_called_like_the_document(phys: Handing) -> None:
    secret = phys.place / "secret"
    secret.write_bytes(SECRET)
    same = phys.place / "same"
    same.write_bytes(b"one")
    hostile: dict[str, Callable[[Path], object]] = {
        "link": lambda way: way.symlink_to(secret),
        "same": lambda way: way.symlink_to(same),
        "dangling": lambda way: way.symlink_to("nowhere"),
        "folder": lambda way: way.mkdir(),
        "fifo": os.mkfifo,
        "device": lambda way: way.symlink_to("/dev/zero"),
    }
    for name, put in hostile.items():
        put(phys.home(name).folder("homework-1") / "sheet.ipynb")
    number = phys.assignment()
    found = await asyncio.wait_for(phys.deliver(number), 20)
    for name in hostile:
        assert (found[name].path, found[name].renamed) == ("homework-1/sheet-2.ipynb", True), name
        copy = phys.place / "homes" / name / "homework-1/sheet-2.ipynb"
        assert copy.read_bytes() == b"one"
    assert secret.read_bytes() == SECRET


@pytest.mark.threat("U3")
async def test_a_folder_that_turns_into_a_link_meanwhile(phys: Handing) -> None:
    outside = phys.place / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    home = phys.homes["alice"]
    folder, spare = home / "homework-1", home / "spare"

    home.folder("homework-1")
    refused = set()
    written = 0
    with racing(
        lambda: time.sleep(0.002),
        lambda: folder.rename(spare),
        lambda: folder.symlink_to(outside),
        lambda: folder.unlink(),
        lambda: spare.rename(folder),
    ):
        for number in range(300):
            try:
                hand_out(str(home.path), "homework-1", f"{number}.txt", b"x")
                written += 1
            except SnapshotsError as error:
                refused.add(error.code)
    assert refused <= {"place_taken", "storage_unavailable"}
    assert written
    assert list(outside.iterdir()) == []
    assert all(
        path.parent.name in ("homework-1", "spare")
        for path in home.path.rglob("*.txt")
        if path.name != "work.txt"
    )


@pytest.mark.skipif(not IS_ROOT, reason="only root gives files away")
@pytest.mark.threat("U3", "U12")
def test_only_a_folder_that_was_made_is_given_away(phys: Handing) -> None:
    home = phys.homes["alice"]
    (home / "ours").mkdir()
    (home / "ours/kept").write_text("root's")
    with Folder.at(home.path) as top, top.make_for("ours", 0o755, (STUDENT, STUDENT)):
        pass
    assert (home / "ours").stat().st_uid == 0
    with Folder.at(home.path) as top, top.make_for("new", 0o755, (STUDENT, STUDENT)):
        pass
    assert (home / "new").stat().st_uid == STUDENT
    assert sorted(os.listdir(home.path)) == ["new", "ours", "work.txt"]


@pytest.mark.threat("U12", "U14")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage_full"),
        (errno.EDQUOT, "storage_full"),
        (errno.EROFS, "storage_unavailable"),
        (errno.EIO, "storage_unavailable"),
    ],
    ids=["space", "quota", "read-only", "broken"],
)
@pytest.mark.parametrize("step", ["fsync", "mkdir"])
async def test_a_disk_that_refuses(
    phys: Handing, monkeypatch: pytest.MonkeyPatch, number: int, code: str, step: str
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    assignment = phys.assignment()
    with monkeypatch.context() as broken:
        broken.setattr(os, step, refuse)
        found = await phys.deliver(assignment, "alice")
    assert (found["alice"].state.value, found["alice"].error_code) == ("waiting", code)
    assert "nothing was written" in (found["alice"].error or "")
    assert files(phys.homes["alice"].path) == ["work.txt"]
    phys.now += timedelta(seconds=31)
    assert await phys.managers[0].run_due() == 1
    assert (await phys.told(assignment))["alice"] == ("delivered", SHEET, False, None)


@pytest.mark.threat("U6")
async def test_several_processes_at_once(phys: Handing) -> None:
    names = [f"s{number:02}" for number in range(40)]
    for name in names:
        phys.home(name)
    phys.managers += [phys.manager(), phys.manager()]
    number = phys.assignment(visible_from=NOW)
    await phys.roster.refresh(phys.course, fresh=True)
    tried = await asyncio.gather(*(manager.run_due() for manager in phys.managers))
    assert sum(tried) == 42
    assert set((await phys.told(number)).values()) == {("delivered", SHEET, False, None)}
    for name in names:
        assert files(phys.place / "homes" / name) == [SHEET, "work.txt"]


async def test_what_was_written_before_a_crash_is_not_written_again(phys: Handing) -> None:
    number = phys.assignment()
    phys.homes["alice"].file(SHEET, b"one")
    assert (await phys.deliver(number, "alice"))["alice"].path == SHEET
    assert files(phys.homes["alice"].path) == [SHEET, "work.txt"]


# Reports that are held


async def hold(phys: Handing, number: int, name: str = "r.html", content: bytes = b"8") -> bool:
    members = await phys.roster.students(phys.course)
    alice = next(each for each in members if each.username == "alice")
    held = await phys.managers[0].hold_report(phys.course, number, alice, name, content, "ina")
    assert held is None or held.kind is DeliveryKind.REPORT
    return held is not None


async def test_a_report_waits_for_its_release(phys: Handing) -> None:
    home = phys.homes["alice"]
    number = phys.assignment(grade_release=NOW + HOUR)
    assert await hold(phys, number)
    with pytest.raises(RefusedFileType):
        await hold(phys, number, "r.exe")
    phys.change(number, grade_release=NOW + 2 * HOUR)
    phys.now = NOW + HOUR
    assert await phys.run() == 0
    assert files(home.path) == ["work.txt"]
    phys.now = NOW + 2 * HOUR
    assert await phys.run() == 1
    assert (home / "r.html").read_bytes() == b"8"
    assert await phys.told(number) == {"alice": ("delivered", "r.html", False, None)}
    assert not await hold(phys, number, "late.html")
    assert not await hold(phys, phys.assignment("Other"), "now.html")


async def test_a_report_is_never_put_over_something(phys: Handing) -> None:
    number = phys.assignment(grade_release=NOW + HOUR)
    await hold(phys, number)
    phys.homes["alice"].file("r.html", b"8")
    phys.now = NOW + HOUR
    assert await phys.run() == 1
    assert await phys.told(number) == {"alice": ("failed", None, False, "report_exists")}
    await phys.audit.write()
    with phys.store.reading() as db:
        [event] = [event for _, event in audit.of_course(db, phys.course.id)]
    assert (event.principal, event.action, event.status) == ("ina", "return a report", 409)


async def test_a_report_that_was_written_before_a_crash(
    phys: Handing, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = phys.assignment(grade_release=NOW)
    phys.now = NOW - HOUR
    await hold(phys, number)
    phys.now = NOW
    with monkeypatch.context() as broken:

        def crash(*args: object) -> None:
            raise ValueError("killed")

        broken.setattr(table, "finish", crash)
        with pytest.raises(ValueError, match="killed"):
            await phys.run()
    assert (phys.homes["alice"] / "r.html").exists()
    assert await phys.run() == 0  # somebody may still be at it
    phys.now = NOW + timedelta(seconds=121)
    assert await phys.run() == 1
    assert await phys.told(number) == {"alice": ("delivered", "r.html", False, None)}


# Names


@pytest.mark.parametrize(
    ("title", "folder"),
    [
        ("Homework 1", "homework-1"),
        ("Übung 3: Größen", "ubung-3-groen"),
        ("../../etc/passwd", "etcpasswd"),
        ("作业", "assignment-7"),
        ("...", "assignment-7"),
        ("x" * 255, "x" * 180),
    ],
)
def test_folders(title: str, folder: str) -> None:
    assert folder_of(Assignment(7, 1, title, NOW)) == folder


@pytest.mark.threat("P8")
def test_copies() -> None:
    tried = list(names_to_try("a.b.txt"))
    assert tried[:3] == ["a.b.txt", "a.b-2.txt", "a.b-3.txt"]
    assert len(set(tried)) == len(tried) == 101
    assert list(names_to_try("Makefile"))[1] == "Makefile-2"
    long = "ü" * 125 + ".txt"
    assert all(len(name.encode()) <= 255 for name in names_to_try(long))
    assert list(names_to_try(long))[1].endswith("ü-2.txt")


def test_every_name_taken(phys: Handing) -> None:
    home = phys.homes["alice"]
    for name in names_to_try("sheet.ipynb"):
        home.file(f"homework-1/{name}", b"mine")
    with pytest.raises(PlaceTaken, match="too many"):
        hand_out(str(home.path), "homework-1", "sheet.ipynb", b"one")
