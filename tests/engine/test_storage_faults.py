"""Disks that are full, read-only, gone, or fail at any call: no snapshot, and no harm to others."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homes import IS_ROOT, Home, Store
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.engine import capture, publish
from jupyterhub_snapshots.errors import Conflict, EngineFailed, StorageFull, StorageUnavailable

FIRST, NAME = "ps0_2026-02-01", "ps1_2026-03-01"
Mount = Callable[..., None]


@pytest.fixture
def small_disk(place: Path) -> Iterator[tuple[Store, Callable[[str], None]]]:
    """A store on a disk of its own, and a way to mount that anew with other options."""
    disk = place / "disk"
    disk.mkdir()

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        if not IS_ROOT or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("may not mount")

    mount("size=3m,nr_inodes=200")
    try:
        yield Store(disk / "store"), mount
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


class TestSmallDisk:
    @pytest.mark.threat("F1", "F2", "D8")
    def test_no_space(self, home: Home, small_disk: tuple[Store, Mount]) -> None:
        store, _ = small_disk
        home.file("a", os.urandom(500_000))
        store.capture(home, FIRST)
        home.file("b", os.urandom(4_000_000))
        with pytest.raises(StorageFull):
            store.capture(home, NAME)
        store.assert_clean(FIRST)
        (home / "b").unlink()
        store.capture(home, NAME)
        store.assert_clean(FIRST, NAME)

    @pytest.mark.threat("F1")
    def test_no_space_for_any_size_of_home(
        self, home: Home, small_disk: tuple[Store, Mount]
    ) -> None:
        """From plenty to nothing in small steps, so that each kind of write fails once."""
        store, _ = small_disk
        home.file("a", b"x" * 10_000)
        home.file("c/d", b"y" * 10_000)
        store.capture(home, FIRST)
        filler = store.root.parent / "filler"
        outcomes = []
        for left in range(60_000, 0, -4096):
            filler.unlink(missing_ok=True)
            free = os.statvfs(store.root)
            filler.write_bytes(b"z" * max(0, free.f_bavail * free.f_bsize - left))
            try:
                store.capture(home, NAME)
            except StorageFull:
                outcomes.append(False)
                store.assert_clean(FIRST)
            else:
                outcomes.append(True)
                store.assert_clean(FIRST, NAME)
                shutil.rmtree(store.tree(NAME))
                (store.root / "alice" / f".{NAME}.manifest").unlink()
        assert outcomes == sorted(outcomes, reverse=True)
        assert set(outcomes) == {True, False}

    @pytest.mark.threat("F3")
    def test_no_inodes(self, home: Home, small_disk: tuple[Store, Mount]) -> None:
        store, _ = small_disk
        home.file("a")
        store.capture(home, FIRST)
        for number in range(250):
            home.file(f"many/{number}", b"")
        with pytest.raises(StorageFull):
            store.capture(home, NAME)
        store.assert_clean(FIRST)

    @pytest.mark.threat("F4")
    def test_read_only(self, home: Home, small_disk: tuple[Store, Mount]) -> None:
        store, mount = small_disk
        home.file("a")
        store.capture(home, FIRST)
        mount("remount,ro")
        for student in ("alice", "bob"):
            with pytest.raises(StorageUnavailable):
                store.capture(home, NAME, student=student)
        store.assert_clean(FIRST)  # reading goes on
        mount("remount,rw")
        store.capture(home, NAME)
        store.assert_clean(FIRST, NAME)

    @pytest.mark.threat("F7", "F10")
    def test_staging_on_another_disk(
        self, place: Path, home: Home, store: Store, small_disk: tuple[Store, Mount]
    ) -> None:
        home.file("a")
        elsewhere = small_disk[0].root / "staging"
        with pytest.raises(StorageUnavailable, match="another file system"):
            store.capture(home, staging=str(elsewhere))
        store.assert_clean()
        assert os.listdir(elsewhere) == []
        beside = place / "staging"
        assert store.capture(home, staging=str(beside)).state == "complete"
        assert os.listdir(beside) == []


class TestFailingCalls:
    @pytest.fixture
    def home(self, home: Home) -> Home:
        home.file("a/b")
        home.file("c")
        return home

    @pytest.mark.threat("F4", "F5", "F6", "F9")
    @pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ESTALE])
    @pytest.mark.parametrize("call", ["sync_file_system", "move", "second move", "sync"])
    def test_nothing_is_visible_and_nothing_tried_twice(
        self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch, call: str, number: int
    ) -> None:
        store.capture(home, FIRST)
        owner, name = (publish, call) if call == "sync_file_system" else (Folder, call.split()[-1])
        real, calls = getattr(owner, name), []

        def fail(*arguments: object) -> object:
            calls.append(call)
            if len(calls) == 1 + call.startswith("second"):
                raise OSError(number, os.strerror(number))
            return real(*arguments)

        monkeypatch.setattr(owner, name, fail)
        job = store.job(home, NAME)
        with pytest.raises(StorageUnavailable):
            capture(job)
        if "sync" in call:
            assert calls == [call]
        monkeypatch.setattr(owner, name, real)
        store.assert_clean(FIRST)
        capture(job)
        store.assert_clean(FIRST, NAME)

    # Enough for a capture of this home; one more than it makes of each does no harm.
    CALLS = (
        *[("write", "ENOSPC", number) for number in (1, 2, 3, 4, 6, 8)],
        *[("fsync", "EIO", number) for number in (1, 2)],
        *[("renameat2", "EIO", number) for number in (1, 2)],
        *[("syncfs", "EIO", 1), ("linkat", "EDQUOT", 1), ("mkdirat", "ENOSPC", 1)],
        *[("mkdir", "ENOSPC", 2), ("utimensat", "EIO", 1), ("read", "EIO", 40)],
    )

    @pytest.mark.threat("F1", "F2", "F5")
    @pytest.mark.parametrize(("call", "error", "number"), CALLS)
    def test_the_nth_call(
        self, home: Home, store: Store, call: str, error: str, number: int
    ) -> None:
        if shutil.which("strace") is None:
            pytest.skip("no strace here")
        store.capture(home, FIRST)
        job = store.job(home, NAME)
        inject = f"inject={call}:error={error}:when={number}"
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        ended = subprocess.run(
            [*command, sys.executable, "-B", "-c", self.CODE, job.root, job.home, job.capture_id],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        if "ptrace" in ended.stderr:
            pytest.skip("may not trace")
        expected = [FIRST, NAME] if NAME in os.listdir(store.root / "alice") else [FIRST]
        store.assert_clean(*expected)
        assert ended.stdout.strip() in ("complete", "incomplete", *self.FAILURES, "")
        capture(store.job(home, "after"))
        store.assert_clean(*expected, "after")

    FAILURES = ("StorageFull", "StorageUnavailable", "RsyncFailed", "EngineFailed")
    CODE = f"""
import sys
from jupyterhub_snapshots.engine import CaptureJob, capture
from jupyterhub_snapshots.errors import SnapshotsError
try:
    print(capture(CaptureJob(sys.argv[2], sys.argv[1], "alice", "{NAME}", sys.argv[3])).state)
except SnapshotsError as error:
    print(type(error).__name__)
"""

    @pytest.mark.threat("F9")
    def test_durable_before_visible_before_done(
        self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order: list[str] = []
        for owner, name in ((publish, "sync_file_system"), (Folder, "move"), (Folder, "sync")):
            real = getattr(owner, name)

            def noted(
                *arguments: object, real: Callable[..., None] = real, name: str = name
            ) -> None:
                order.append(name)
                real(*arguments)

            monkeypatch.setattr(owner, name, noted)
        store.capture(home, FIRST)
        assert order == ["sync", "sync_file_system", "move", "move", "sync"]


class TestRoot:
    @pytest.mark.threat("F10")
    @pytest.mark.parametrize("kind", ["missing", "file", "link"])
    def test_that_is_not_there(self, place: Path, home: Home, store: Store, kind: str) -> None:
        root = place / "root"
        if kind == "file":
            root.touch()
        elif kind == "link":
            root.symlink_to(place / "homes")
        with pytest.raises(StorageUnavailable):
            store.capture(home, root=str(root))
        assert os.listdir(place / "homes") == ["alice"]
        assert root.exists() == (kind != "missing")

    @pytest.mark.threat("P14", "Z15", "O4")
    @pytest.mark.parametrize("kind", ["link", "dangling", "file"])
    def test_with_something_else_for_a_student(
        self, home: Home, store: Store, outside: Path, kind: str
    ) -> None:
        there = store.root / "alice"
        if kind == "file":
            there.touch()
        else:
            there.symlink_to(outside.parent if kind == "link" else "nowhere")
        with pytest.raises((Conflict, EngineFailed)):
            store.capture(home)
        assert os.listdir(outside.parent) == ["secret"]
        assert not (store.root / "nowhere").exists()

    @pytest.mark.threat("P11")
    def test_that_takes_two_names_for_one(
        self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.capture(home, student="alice")
        real = Folder.enter

        def folding(folder: Folder, parts: list[str]) -> Folder:
            return real(folder, [part.lower() if part == "Alice" else part for part in parts])

        monkeypatch.setattr(Folder, "enter", folding)
        with pytest.raises(Conflict):
            store.capture(home, "other", student="Alice")
        assert not store.tree("other").exists()
