"""The one module that touches what students own: nothing leads out, nothing is half-written."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import itertools
import os
import resource
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homes import IS_ROOT, SECRET, STUDENT, Home, racing, reachable_folder, run_as
from jupyterhub_snapshots import renaming
from jupyterhub_snapshots.beneath import Folder, NotBelow

ODD_NAMES = ["..", ".", "", "/", "a/b", "/etc", "../x", "a\0b", "\0", "..\0"]


def within_seconds(limit: float) -> Iterator[int]:
    """Counts until the time is over: on a busy machine a race needs longer to be won."""
    until = time.monotonic() + limit
    yield from itertools.takewhile(lambda _: time.monotonic() < until, itertools.count())


@pytest.fixture
def place() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture
def home(place: Path) -> Home:
    home = Home(place / "home")
    home.file("a/b/c", b"content")
    return home


@pytest.fixture
def folder(home: Home) -> Iterator[Folder]:
    with Folder.at(home.path) as folder:
        yield folder


@pytest.fixture
def outside(place: Path) -> Path:
    path = place / "outside" / "secret"
    path.parent.mkdir()
    path.write_bytes(SECRET)
    return path


class TestReading:
    def test_finds_what_is_there(self, folder: Folder) -> None:
        descriptor, status = folder.open_file(["a", "b", "c"])
        with open(descriptor, "rb") as file:
            assert file.read() == b"content"
        assert status.st_size == folder.find(["a", "b", "c"]).st_size == 7
        with folder.enter([]) as same:
            assert os.path.sameopenfile(same.descriptor, folder.descriptor)

    @pytest.mark.threat("P1", "P2", "P3", "P4", "P6", "Z12")
    @pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
    def test_takes_names_of_one_thing_only(self, folder: Folder, name: str) -> None:
        for call in (folder.lstat, folder.open_child, folder.readlink, folder.make, folder.remove):
            with pytest.raises(NotBelow):
                call(name)
        for parts in ([name], ["a", name], [name, "a"]):
            with pytest.raises(NotBelow):
                folder.enter(parts)
            with pytest.raises(NotBelow):
                folder.open_file(parts)

    @pytest.mark.threat("Z12", "Z14", "P14", "S6")
    @pytest.mark.parametrize("kind", ["folder", "link", "outside", "fifo", "socket", "device"])
    def test_opens_regular_files_only(
        self, home: Home, folder: Folder, outside: Path, kind: str
    ) -> None:
        if kind == "folder":
            home.folder("x")
        elif kind == "fifo":
            home.fifo("x")
        elif kind == "socket":
            home.socket("x")
        else:
            target = {"link": "a/b/c", "outside": outside, "device": "/dev/zero"}[kind]
            home.link("x", target)
        with pytest.raises(NotBelow):
            folder.open_file(["x"])

    @pytest.mark.threat("Z12", "Z15", "P14", "S36")
    @pytest.mark.parametrize("target", ["a", "..", ".", "/", "../outside", "x"])
    def test_goes_through_no_link(
        self, home: Home, folder: Folder, outside: Path, target: str
    ) -> None:
        home.link("x", target)
        for parts in (["x"], ["x", "b"], ["x", "secret"]):
            with pytest.raises(NotBelow):
                folder.enter(parts)
            with pytest.raises(NotBelow):
                folder.open_file([*parts, "secret"])
        for ending in ("", "/", "/.", "//", "/./"):
            with pytest.raises(NotBelow):
                Folder.at(str(home / "x") + ending)

    @pytest.mark.parametrize("path", ["/", "//", "/.", ".", "./"])
    def test_plain_folders_are_opened(self, path: str) -> None:
        with Folder.at(path) as folder:
            assert folder.status().st_ino == os.stat(path).st_ino

    @pytest.mark.threat("P8")
    def test_long_and_unspeakable_names(self, folder: Folder) -> None:
        for name in ("x" * 256, "x" * 5000, "\ud800", "\U0001f600" * 64):
            with pytest.raises(NotBelow):
                folder.lstat(name)

    @pytest.mark.threat("Z12", "S11", "S12")
    def test_under_a_race_only_the_file_itself_is_read(
        self, home: Home, folder: Folder, outside: Path
    ) -> None:
        home.link("link", outside)
        home.fifo("pipe")
        work, spare = home / "a/b/c", home / "spare"
        swaps = []
        for other in (home / "link", home / "pipe"):
            swaps += [lambda: work.rename(spare), lambda other=other: other.rename(work)]
            swaps += [lambda other=other: work.rename(other), lambda: spare.rename(work)]
        contents = set()
        with racing(*swaps):
            for tries in within_seconds(20):
                if contents and tries > 3000:
                    break
                try:
                    descriptor, _ = folder.open_file(["a", "b", "c"])
                except NotBelow:
                    pass
                else:
                    with open(descriptor, "rb") as file:
                        contents.add(file.read())
            assert self.leaks_by_name(work)
        assert contents == {b"content"}

    def leaks_by_name(self, path: Path) -> bool:
        """The positive control: whoever opens the name is led out at times."""
        for _ in within_seconds(20):
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                with open(descriptor, "rb") as file:
                    if file.read() == SECRET:
                        return True
        return False


class TestWalk:
    def test_visits_folders_first_and_names_in_order(self, home: Home, folder: Folder) -> None:
        for name in ("a-b", "a.c", "z/1", "z/-", "é", b"\xff"):
            home.file(name)
        paths = [found.path for found in folder.walk("top/")]
        expected = ["a", "a/b", "a/b/c", "a-b", "a.c", "z", "z/-", "z/1", "é", "\udcff"]
        assert paths == [f"top/{path}" for path in expected]
        assert paths == sorted(paths, key=lambda path: path.split("/"))

    @pytest.mark.threat("Z13", "S7")
    def test_goes_into_no_link(self, home: Home, folder: Folder) -> None:
        for number, target in enumerate(("..", ".", "/", "a", "l3", "l4")):
            home.link(f"l{number}", target)
        assert len(list(folder.walk())) == 3 + 6

    def test_tells_what_it_could_not_read(self, home: Home, folder: Folder) -> None:
        failed = []
        for found in folder.walk(failed=lambda path, error: failed.append(path)):
            if found.path == "a":
                (home / "a/b/c").unlink()
                (home / "a/b").rmdir()
                (home / "a").rmdir()
                home.link("a", "/etc")
        assert failed == ["a"]

    @pytest.mark.threat("S34")
    def test_any_depth_in_few_descriptors(self, place: Path) -> None:
        """1,500 levels, each with a folder to come back to, 80 open files allowed."""
        top = Home(place / "deep")
        here = os.open(top.path, os.O_RDONLY)
        for _ in range(1500):
            for name in ("d", "e"):
                os.mkdir(name, dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)

        def walk_and_remove() -> int:
            used = len(os.listdir("/proc/self/fd"))
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 75, used + 75))
            failed: list[object] = []
            with Folder.at(place) as folder, folder.enter(["deep"]) as deep:
                count = sum(1 for _ in deep.walk(failed=lambda *problem: failed.append(problem)))
                folder.remove("deep")
            assert failed == []
            return count

        assert run_as(os.geteuid(), walk_and_remove) == 3000
        assert os.listdir(place) == []

    @pytest.mark.threat("S13")
    def test_a_folder_swapped_while_deep_below_is_not_taken_for_another(
        self, place: Path, outside: Path
    ) -> None:
        top = Home(place / "deep")
        top.file("/".join(["d"] * 100) + "/file")
        top.file("d/d/z", b"last")
        failed, paths = [], []
        with Folder.at(top.path) as folder:
            for found in folder.walk(failed=lambda path, error: failed.append(path)):
                paths.append(found.path)
                if found.name == "file":
                    (top / "d/d").rename(top / "moved")
                    top.link("d/d", outside.parent)
        assert failed == ["d/d/"]
        assert not any("secret" in path or path.endswith("z") for path in paths)


class TestRemoving:
    @pytest.mark.threat("O4")
    def test_removes_what_is_below_and_no_more(
        self, home: Home, folder: Folder, outside: Path
    ) -> None:
        home.link("a/out", outside.parent)
        home.link("a/b/file", outside)
        home.fifo("a/pipe")
        home.file("a/.hidden/x", mode=0)
        (home / "a/.hidden").chmod(0)
        folder.remove("a")
        folder.remove("a")
        assert os.listdir(home.path) == []
        assert outside.read_bytes() == SECRET
        home.link("l", outside.parent)
        folder.remove("l")
        assert outside.exists()

    @pytest.mark.threat("O4", "K1")
    def test_goes_on_where_it_was_interrupted(
        self, home: Home, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(5):
            home.file(f"a/{number}/x/y/z")
        real = os.rmdir
        for allowed in range(1, 40):
            calls = iter(range(allowed))

            def rmdir(*args: object, calls: Iterator[int] = calls, **kwargs: object) -> None:
                if next(calls, None) is None:
                    raise InterruptedError
                real(*args, **kwargs)  # type: ignore[arg-type]

            with monkeypatch.context() as patched:
                patched.setattr(os, "rmdir", rmdir)
                try:
                    folder.remove("a")
                    break
                except InterruptedError:
                    continue
        assert os.listdir(home.path) == []

    def test_as_an_ordinary_user(self, place: Path) -> None:
        if IS_ROOT:
            os.chown(place, STUDENT, STUDENT)

        def remove() -> list[str]:
            below = place / "a/b/c"
            below.mkdir(parents=True)
            (below / "file").touch()
            for path in (below, below.parent, below.parent.parent):
                path.chmod(0)
            with Folder.at(place) as folder:
                folder.remove("a")
            return os.listdir(place)

        assert run_as(STUDENT, remove) == []


class TestWritingNew:
    def test_is_whole_and_the_students(self, home: Home, folder: Folder) -> None:
        old = os.umask(0o077)
        try:
            folder.write_new("r.html", b"report", mode=0o644, owner=(STUDENT, STUDENT))
        finally:
            os.umask(old)
        status = (home / "r.html").stat()
        assert (home / "r.html").read_bytes() == b"report"
        assert stat.S_IMODE(status.st_mode) == 0o644
        assert (status.st_uid, status.st_gid, status.st_nlink) == (
            STUDENT,
            STUDENT,
            1,
        ) or not IS_ROOT
        assert sorted(os.listdir(home.path)) == ["a", "r.html"]

    @pytest.mark.threat("U1", "U2", "U5")
    @pytest.mark.parametrize(
        "kind", ["file", "folder", "fifo", "socket", "dangling", "link", "folder link", "loop"]
    )
    def test_never_over_something(
        self, home: Home, folder: Folder, outside: Path, kind: str
    ) -> None:
        match kind:
            case "file":
                home.file("r", b"mine")
            case "folder":
                home.folder("r")
            case "fifo":
                home.fifo("r")
            case "socket":
                home.socket("r")
            case _:
                places = {"dangling": "../outside/new", "link": outside, "loop": "r"}
                home.link("r", places.get(kind, outside.parent))
        before = os.lstat(home / "r")
        with pytest.raises(FileExistsError):
            folder.write_new("r", b"report")
        assert os.lstat(home / "r") == before
        assert os.listdir(outside.parent) == ["secret"]
        assert outside.read_bytes() == SECRET
        assert sorted(os.listdir(home.path)) == ["a", "r"]

    @pytest.mark.threat("U7", "P1")
    @pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
    def test_nowhere_else(self, place: Path, folder: Folder, name: str) -> None:
        for call in (folder.write_new, folder.replace):
            with pytest.raises(NotBelow):
                call(name, b"report")
        assert os.listdir(place) == ["home"]

    @pytest.mark.threat("U3", "U4")
    def test_under_a_race_nothing_outside_changes(
        self, home: Home, folder: Folder, outside: Path
    ) -> None:
        """The student swaps the name and whatever temporary file is seen for links out."""
        real, name = str(outside), home / "r"

        def swap_temporary() -> None:
            for found in os.listdir(home.path):
                if found.endswith(".part"):
                    (home / found).unlink()
                    (home / found).symlink_to(real)

        def put_links() -> None:
            for target in (real, str(outside.parent), str(outside.parent / "new")):
                name.symlink_to(target)
                name.unlink()

        written = refused = 0
        with racing(swap_temporary, put_links):
            for tries in within_seconds(20):
                if tries > 300 and written and refused:
                    break
                try:
                    folder.write_new("r", b"report")
                except (FileExistsError, FileNotFoundError):
                    refused += 1
                    continue
                written += 1
                with contextlib.suppress(OSError):
                    folder.remove("r")
        assert written
        assert refused
        assert outside.read_bytes() == SECRET
        assert os.listdir(outside.parent) == ["secret"]

    @pytest.mark.threat("U4")
    def test_the_held_home_is_written_not_what_took_its_name(
        self, home: Home, folder: Folder, outside: Path
    ) -> None:
        moved = home.path.rename(home.path.with_name("moved"))
        home.path.symlink_to(outside.parent)
        folder.write_new("r", b"report")
        assert (moved / "r").exists()
        assert os.listdir(outside.parent) == ["secret"]

    @pytest.mark.threat("U6")
    def test_of_two_at_once_one_wins(self, home: Home, folder: Folder) -> None:
        outcomes: list[object] = []

        def write(content: bytes) -> None:
            try:
                folder.write_new("r", content)
                outcomes.append(content)
            except FileExistsError:
                outcomes.append(None)

        threads = [threading.Thread(target=write, args=(b"%d" % n * 9999,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = (outcome for outcome in outcomes if outcome)
        assert (home / "r").read_bytes() == winner
        assert sorted(os.listdir(home.path)) == ["a", "r"]

    @pytest.mark.threat("U12", "U14", "F1", "F2")
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
    @pytest.mark.parametrize("call", ["fchown", "fchmod", "fsync", "link"])
    def test_a_failure_leaves_nothing(
        self,
        home: Home,
        folder: Folder,
        monkeypatch: pytest.MonkeyPatch,
        number: int,
        call: str,
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, call, fail)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        with pytest.raises(OSError, match=os.strerror(number)):
            folder.write_new("r", b"report", owner=(STUDENT, STUDENT))
        assert os.listdir(home.path) == ["a"]


def test_move_never_replaces(home: Home, folder: Folder) -> None:
    home.file("x")
    home.folder("y")
    with pytest.raises(FileExistsError):
        folder.move("x", folder, "y")
    with pytest.raises(FileExistsError):
        folder.move("y", folder, "x")
    folder.move("y", folder, "z")
    assert sorted(os.listdir(home.path)) == ["a", "x", "z"]


@pytest.fixture
def without_noreplace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that can't refuse to replace, as NFS."""

    class Libc:
        def renameat2(self, *_: object) -> int:
            ctypes.set_errno(errno.EINVAL)
            return -1

    monkeypatch.setattr(renaming, "_libc", Libc())


@pytest.mark.usefixtures("without_noreplace")
class TestMovingWithoutNoreplace:
    def put(self, home: Home, kind: str, name: str) -> os.stat_result:
        match kind:
            case "file":
                home.file(name, b"content")
            case "fifo":
                home.fifo(name)
            case "folder":
                home.folder(name)
            case "full folder":
                home.file(f"{name}/file")
            case "dangling":
                home.link(name, "nowhere")
        return os.lstat(home / name)

    @pytest.mark.parametrize("kind", ["file", "fifo", "dangling", "folder", "full folder"])
    def test_moves_the_thing_itself(self, home: Home, folder: Folder, kind: str) -> None:
        before = self.put(home, kind, "x")
        with folder.enter(["a"]) as to:
            folder.move("x", to, "y")
        after = os.lstat(home / "a/y")
        assert (after.st_ino, after.st_mode, after.st_nlink) == (
            (before.st_ino, before.st_mode, before.st_nlink)
        )
        assert os.listdir(home.path) == ["a"]
        with pytest.raises(FileNotFoundError):
            folder.move("x", folder, "y")

    @pytest.mark.parametrize("there", ["file", "fifo", "dangling", "folder", "full folder"])
    @pytest.mark.parametrize("kind", ["file", "dangling", "folder"])
    def test_never_over_something(self, home: Home, folder: Folder, kind: str, there: str) -> None:
        before = [self.put(home, kind, "x"), self.put(home, there, "y")]
        with pytest.raises(FileExistsError):
            folder.move("x", folder, "y")
        assert [os.lstat(home / name) for name in "xy"] == before

    @pytest.mark.parametrize("there", ["file", "full folder"])
    @pytest.mark.parametrize("kind", ["file", "dangling", "folder"])
    def test_never_over_what_is_made_at_the_last_moment(
        self,
        home: Home,
        folder: Folder,
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
        there: str,
    ) -> None:
        self.put(home, kind, "x")
        for call in ("link", "rename"):
            real = getattr(os, call)

            def late(*args: object, real: Callable[..., None] = real, **more: object) -> None:
                self.put(home, there, "y")
                real(*args, **more)

            monkeypatch.setattr(os, call, late)
        with pytest.raises(FileExistsError):
            folder.move("x", folder, "y")
        assert sorted(os.listdir(home.path)) == ["a", "x", "y"]
        assert (home / "y").is_dir() == (there == "full folder")

    def test_without_hard_links_either(
        self, home: Home, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
        home.file("x")
        folder.move("x", folder, "y")
        home.file("x")
        with pytest.raises(FileExistsError):
            folder.move("x", folder, "y")
        assert sorted(os.listdir(home.path)) == ["a", "x", "y"]


def test_replace_is_atomic(home: Home, folder: Folder) -> None:
    home.link("own", "/etc/passwd")
    folder.replace("own", b"one")
    folder.replace("own", b"two")
    assert (home / "own").read_bytes() == b"two"
    assert not (home / "own").is_symlink()
    assert sorted(os.listdir(home.path)) == ["a", "own"]
