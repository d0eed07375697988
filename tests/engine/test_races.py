"""Students who change their homes, on purpose or not, while these are captured."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import SECRET, Home, Store, marked_processes, racing, reasons
from jupyterhub_snapshots.engine import rsync
from jupyterhub_snapshots.errors import CaptureTimedOut, HomeNotFound, RsyncFailed

NAME = "ps1_2026-03-01"
TRIES = 8


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """rsync counts as blocked after a moment."""
    monkeypatch.setattr(rsync, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(rsync, "_LOOK_SECONDS", 0.1)


@contextlib.contextmanager
def swapping(one: Path, other: Path) -> Iterator[None]:
    """Two things in a home change places, back and forth."""
    spare = one.with_name("spare")
    steps = [
        *(lambda: one.rename(spare), lambda: other.rename(one)),
        *(lambda: one.rename(other), lambda: spare.rename(one)),
    ]
    with racing(*steps):
        yield


class TestLinksOut:
    @pytest.mark.threat("S10", "S4")
    @pytest.mark.parametrize("level", [1, 2, 3])
    def test_a_folder_on_the_way(
        self, place: Path, home: Home, store: Store, outside: Path, level: int
    ) -> None:
        below = ["a", "b", "c"]
        for number in range(40):
            home.file(f"a/b/c/{number}")
            secret = outside.parent.joinpath(*below[level:], str(number))
            secret.parent.mkdir(parents=True, exist_ok=True)
            secret.write_bytes(SECRET)
        home.file("steady")
        home.link("out", outside.parent)
        flipped = home.path.joinpath(*below[:level])
        with swapping(flipped, home / "out"):
            for number in range(TRIES):
                store.capture(home, f"s{number}")
                assert (store.tree(f"s{number}") / "steady").exists()
            assert self.leaks_through_copytree(home, place)
        store.assert_holds_no()
        store.assert_clean(*(f"s{number}" for number in range(TRIES)))

    def leaks_through_copytree(self, home: Home, place: Path) -> bool:
        """The positive control: a plain copy is led out by the same race."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError, shutil.Error):
                shutil.copytree(home.path, place / "copy", symlinks=True)
            for above, _, names in os.walk(place / "copy"):
                for path in (Path(above, name) for name in names):
                    if not path.is_symlink() and path.read_bytes() == SECRET:
                        return True
            shutil.rmtree(place / "copy", ignore_errors=True)
        return False

    @pytest.mark.threat("S11")
    def test_a_file(self, home: Home, store: Store, outside: Path) -> None:
        home.file("work", b"mine")
        home.file("steady")
        home.link("out", outside)
        seen = set()
        with swapping(home / "work", home / "out"):
            for number in range(2 * TRIES):
                store.capture(home, f"s{number}")
                assert (store.tree(f"s{number}") / "steady").exists()
                with contextlib.suppress(OSError):
                    seen.add((home / "work").read_bytes())
        store.assert_holds_no()
        assert seen  # what shows that the name was there at times

    @pytest.mark.threat("S36", "S37")
    def test_the_home_itself(self, place: Path, home: Home, store: Store, outside: Path) -> None:
        home.file("work")
        other = place / "homes" / "out"
        other.symlink_to(outside.parent)
        moved = place / "homes" / "moved"
        steps = [
            *(lambda: home.path.rename(moved), lambda: other.rename(home.path)),
            *(lambda: home.path.rename(other), lambda: moved.rename(home.path)),
        ]
        refused = 0
        with racing(*steps, uid=os.getuid()):
            for number in range(2 * TRIES):
                try:
                    store.capture(home, f"s{number}")
                except (HomeNotFound, RsyncFailed):  # rsync gives up when its folder moves
                    refused += 1
        store.assert_holds_no()
        assert refused


class TestPipes:
    """A regular file that is a FIFO by the time rsync opens it blocks rsync for ever."""

    @pytest.fixture
    def swapped(self, home: Home, store: Store) -> Iterator[Path]:
        """A file that becomes a FIFO while rsync is busy with a large one before it."""
        home.sparse("a-large", 256 << 20)
        home.file("m-steady")
        late = home.file("z-late")
        pipe = home.fifo("pipe")

        def swap_when_rsync_is_busy() -> None:
            for above, _, names in os.walk(store.staging):
                if any(name.startswith(".a-large.") for name in names) and above:
                    pipe.rename(late)

        with racing(swap_when_rsync_is_busy, uid=os.getuid()):
            yield late

    @pytest.mark.threat("S12", "R4")
    def test_the_rest_is_kept_and_the_file_is_named(
        self, home: Home, store: Store, swapped: Path, impatient: None
    ) -> None:
        result = store.capture(home)
        assert swapped.is_fifo()
        assert reasons(result)["z-late"] == "changed_type"
        assert result.state == "incomplete"
        assert sorted(os.listdir(store.tree())) == ["a-large", "m-steady"]
        store.assert_clean(NAME)

    @pytest.mark.threat("S12", "R4", "D8")
    def test_the_limit_of_time_holds(self, home: Home, store: Store, swapped: Path) -> None:
        begun = time.monotonic()
        with pytest.raises(CaptureTimedOut):
            store.capture(home, timeout_seconds=1.5)
        assert swapped.is_fifo()
        assert time.monotonic() - begun < 5
        store.assert_clean()
        assert store.capture(home).files == 2

    @pytest.mark.threat("S12")
    def test_back_and_forth(self, home: Home, store: Store, impatient: None) -> None:
        for number in range(30):
            home.file(f"steady {number}")
        home.file("work", b"mine")
        home.fifo("pipe")
        with swapping(home / "work", home / "pipe"):
            for number in range(TRIES):
                result = store.capture(home, f"s{number}")
                assert set(reasons(result)) <= {"work", "pipe", "spare"}
                assert result.files >= 30
        store.assert_clean(*(f"s{number}" for number in range(TRIES)))


@pytest.mark.threat("S13")
def test_files_and_folders_that_come_and_go(home: Home, store: Store) -> None:
    for number in range(100):
        home.file(f"steady/{number}")
        home.file(f"moving/{number}")

    def come_and_go() -> None:
        (home / "moving").rename(home / "moved")
        for number in range(0, 100, 7):
            (home / f"moved/{number}").unlink()
            (home / f"moved/{number}").write_bytes(b"again")
        (home / "moved").rename(home / "moving")

    with racing(come_and_go):
        for number in range(TRIES):
            result = store.capture(home, f"s{number}")
            assert len(os.listdir(store.tree(f"s{number}") / "steady")) == 100
            assert not any(path.startswith("steady") for path in reasons(result))
            assert (result.state == "complete") == (
                set(reasons(result).values()) <= {"changed", "special"}
            )
    store.assert_clean(*(f"s{number}" for number in range(TRIES)))


class TestWriting:
    @pytest.mark.threat("S14")
    def test_a_log_that_never_stops(self, home: Home, store: Store) -> None:
        log = home.file("log", b"x" * 100_000)

        def grow() -> None:
            with log.open("ab") as file:
                file.write(b"x" * 5000)

        with racing(grow):
            result = store.capture(home)
        assert reasons(result) == {"log": "changed"}
        assert (result.state, result.changed_files) == ("complete", 1)
        assert store.entry("log").changed
        assert 100_000 <= store.entry("log").size <= log.stat().st_size
        store.assert_clean(NAME)

    @pytest.mark.threat("S14")
    def test_a_file_that_is_cut_again_and_again(self, home: Home, store: Store) -> None:
        log = home.file("log", b"x" * 3_000_000)
        with racing(lambda: os.truncate(log, 10), lambda: os.truncate(log, 3_000_000)):
            for number in range(TRIES):
                store.capture(home, f"s{number}")
        store.assert_clean(*(f"s{number}" for number in range(TRIES)))

    @pytest.mark.threat("S15")
    def test_a_file_saved_by_rename_is_never_torn(self, home: Home, store: Store) -> None:
        work = home.file("work", b"a" * 500_000)
        draft = home / "draft"

        def save() -> None:
            for letter in b"abc":
                draft.write_bytes(bytes([letter]) * 500_000)
                draft.rename(work)

        with racing(save):
            for number in range(TRIES):
                store.capture(home, f"s{number}")
        for number in range(TRIES):
            kept = store.tree(f"s{number}") / "work"
            assert len(set(kept.read_bytes())) == 1
            assert kept.stat().st_size == 500_000

    @pytest.mark.threat("S16")
    def test_a_file_rewritten_in_place_is_flagged(self, home: Home, store: Store) -> None:
        work = home.file("work", b"a" * 300_000)
        descriptor = os.open(work, os.O_WRONLY)
        steps = [
            lambda letter=letter: os.pwrite(descriptor, letter * 300_000, 0)
            for letter in (b"b", b"c")
        ]
        with racing(*steps):
            result = store.capture(home)
        os.close(descriptor)
        assert reasons(result) == {"work": "changed"}
        assert store.capture(home, "later").state == "complete"
        assert store.damage("later") == []

    def test_a_file_that_settles_is_copied_again(
        self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work = home.file("work", b"first")
        gone = home.file("gone", b"first")
        times = work.stat()
        real, runs = rsync.copy, []

        def copy(*arguments: object, **fields: object) -> rsync.Outcome:
            outcome = real(*arguments, **fields)  # type: ignore[arg-type]
            if not runs:
                work.write_bytes(b"later")  # same length, and then the same time
                os.utime(work, ns=(times.st_atime_ns, times.st_mtime_ns))
                gone.unlink()
            runs.append(outcome)
            return outcome

        monkeypatch.setattr(rsync, "copy", copy)
        result = store.capture(home)
        assert len(runs) == 2
        assert (store.tree() / "work").read_bytes() == b"later"
        assert not store.entry("work").changed
        assert store.entry("work").ctime == work.stat().st_ctime_ns
        assert reasons(result) == {"gone": "changed"}  # copied, but nobody can tell how whole
        store.assert_clean(NAME)


@pytest.mark.threat("S17")
def test_rights_that_come_and_go(home: Home, store: Store) -> None:
    for number in range(50):
        home.file(f"a/{number}")
    home.file("steady")
    top = home / "a"
    steps = [lambda: top.chmod(0), lambda: home.path.chmod(0), lambda: top.rename(home / "b")]
    steps += [lambda: (home / "b").rename(top), lambda: home.path.chmod(0o755)]
    with racing(*steps, lambda: top.chmod(0o755)):
        for number in range(TRIES):
            store.capture(home, f"s{number}")
    assert marked_processes(store.mark) == []
    store.assert_clean(*(f"s{number}" for number in range(TRIES)))
