"""SIGKILL at every step of a capture: the snapshot is whole or not there, and work goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homes import Home, Store, killed_by, marked_processes
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.core.names import is_snapshot_name
from jupyterhub_snapshots.engine import capture as capture_function
from jupyterhub_snapshots.engine import publish, rsync, sidecar, staging
from jupyterhub_snapshots.engine.capture import _Capture
from jupyterhub_snapshots.errors import RsyncFailed

FIRST, NAME = "ps0_2026-02-01", "ps1_2026-03-01"


@pytest.fixture
def home(home: Home) -> Home:
    home.file("a/work")
    home.file("b", b"more")
    home.link("l", "b")
    return home


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: object, name: str, call: int = 1) -> Callable[[], None]:
    """Dies instead of the n-th call of that function."""

    def prepare() -> None:
        real, calls = getattr(owner, name), []

        def counted(*arguments: object, **fields: object) -> object:
            calls.append(name)
            return die() if len(calls) == call else real(*arguments, **fields)

        setattr(owner, name, counted)

    return prepare


def after(owner: object, name: str, call: int = 1) -> Callable[[], None]:
    """Dies as soon as the n-th call of that function is done."""

    def prepare() -> None:
        real, calls = getattr(owner, name), []

        def counted(*arguments: object, **fields: object) -> object:
            calls.append(name)
            result = real(*arguments, **fields)
            return die() if len(calls) == call else result

        setattr(owner, name, counted)

    return prepare


# What the process was at when it died → how to bring that about, and whether the snapshot is there.
STEPS: dict[str, tuple[Callable[[], None], bool]] = {
    "reading the parent": (before(sidecar, "newest"), False),
    "making staging": (after(Folder, "make", 2), False),
    "looking at the home": (before(_Capture, "_look"), False),
    "starting rsync": (before(rsync, "_start"), False),
    "copying": (before(rsync, "_wait"), False),
    "after the copy": (before(_Capture, "_finish"), False),
    "before the manifest": (before(_Capture, "_write_manifest"), False),
    "before it is durable": (before(publish, "sync_file_system"), False),
    "before the first rename": (before(Folder, "move"), False),
    "between the renames": (before(Folder, "move", 2), False),
    "after the second rename": (after(Folder, "move", 2), True),
    "clearing staging": (before(Folder, "_enter_to_empty"), True),
    "in the middle of clearing": (after(Folder, "_enter_to_empty"), True),
}


@pytest.mark.threat("K1", "K3", "C5")
@pytest.mark.parametrize("step", STEPS)
def test_whole_or_not_at_all(home: Home, store: Store, step: str) -> None:
    prepare, expected = STEPS[step]
    store.capture(home, FIRST)
    job = store.job(home, NAME)

    def take() -> None:
        prepare()
        capture_function(job)

    assert killed_by(take) == signal.SIGKILL
    visible = [name for name in store.snapshots() if is_snapshot_name(name)]
    assert visible == ([FIRST, NAME] if expected else [FIRST])
    assert store.damage(FIRST) == []
    assert (store.header(NAME) is not None) or not expected

    staging.clean(str(store.root))
    assert os.listdir(store.staging) == []
    assert marked_processes(store.mark) == []
    result = capture_function(job)  # and the lock is free
    assert (result.state, result.files) == ("complete", 2)
    store.assert_clean(FIRST, NAME)


@pytest.mark.threat("K1")
def test_a_manifest_without_its_tree_is_no_snapshot(home: Home, store: Store) -> None:
    store.capture(home, FIRST)
    job = store.job(home, NAME)

    def take() -> None:
        before(Folder, "move", 2)()
        capture_function(job)

    killed_by(take)
    assert f".{NAME}.manifest" in store.snapshots()
    with Folder.at(store.root / "alice") as student:
        newest = sidecar.newest(student)
        assert newest is not None
        assert newest.snapshot == FIRST
    staging.clean(str(store.root))
    store.assert_clean(FIRST)


class TestRsyncWithoutItsParent:
    @pytest.fixture
    def orphans(self, home: Home, store: Store) -> Iterator[list[int]]:
        """A capture whose process was killed while rsync copies, and rsync lives on."""
        home.sparse("large", 8 << 30)
        job = store.job(home)

        def take() -> None:
            before(rsync, "_wait")()
            capture_function(job)

        killed_by(take)
        running = marked_processes(job.capture_id)
        assert running
        yield running
        for process in marked_processes(job.capture_id):
            os.kill(process, signal.SIGKILL)

    @pytest.mark.threat("K2", "R4")
    def test_is_ended_by_the_next_start(self, store: Store, orphans: list[int]) -> None:
        assert staging.clean(str(store.root)) == 1
        store.assert_clean()

    @pytest.mark.threat("K2", "K3")
    def test_does_not_disturb_the_next_capture(
        self, home: Home, store: Store, orphans: list[int]
    ) -> None:
        (home / "large").unlink()
        assert store.capture(home, capture_id="other").files == 2
        staging.clean(str(store.root))


@pytest.mark.threat("K2", "R3", "R4")
@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_killed_rsync_fails_the_capture(
    home: Home, store: Store, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    home.sparse("large", 512 << 20)
    real = rsync._wait

    def kill_one_then_wait(*arguments: object) -> int | None:
        deadline = time.monotonic() + 5
        while len(marked_processes(store.mark)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(sorted(marked_processes(store.mark))[which], signal.SIGKILL)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rsync, "_wait", kill_one_then_wait)
    with pytest.raises(RsyncFailed):
        store.capture(home)
    store.assert_clean()


@pytest.mark.threat("K5")
def test_ten_kills_at_any_time(home: Home, store: Store, place: Path) -> None:
    """Whatever was reported as taken is there and intact; the rest is whole or gone."""
    for number in range(20):
        home.file(f"more/{number}", os.urandom(5000))
    report = place / "report"
    report.touch()
    chance = random.Random(7)
    for round_ in range(10):

        def take(round_: int = round_) -> None:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.02, 0.25))
            signal.signal(signal.SIGALRM, die)
            for number in range(50):
                store.capture(
                    home, f"s{round_}-{number}", capture_id=f"{store.mark}-{round_}-{number}"
                )
                with report.open("a") as file:
                    file.write(f"s{round_}-{number}\n")

        assert killed_by(take) == signal.SIGKILL
        chance.random()
        staging.clean(str(store.root))
    reported = report.read_text().split()
    visible = [name for name in store.snapshots() if is_snapshot_name(name)]
    assert set(reported) <= set(visible)
    assert len(visible) <= len(reported) + 10
    store.assert_clean(*visible)


class TestStaging:
    @pytest.mark.threat("K3")
    def test_what_is_left_there_is_never_merged(self, home: Home, store: Store) -> None:
        old = store.staging / "capture-1.0123abcd" / "tree"
        old.mkdir(parents=True)
        (old / "gone").write_bytes(b"removed by the student long ago")
        (old / ".hidden").write_bytes(b"never asked for")
        store.capture(home, NAME, capture_id="capture-1")
        assert sorted(os.listdir(store.tree(NAME))) == ["a", "b", "l"]
        assert staging.clean(str(store.root)) == 1
        store.assert_clean(NAME)

    @pytest.mark.threat("C3", "K1")
    def test_running_work_is_not_cleared(self, store: Store) -> None:
        with staging.attempt(str(store.root), None, "running") as work:
            (Path(work.path) / "draft").touch()
            assert staging.clean(str(store.root)) == 0
            killed = killed_by(lambda: staging.clean(str(store.root)))
            assert (killed, set(os.listdir(work.path))) == (0, {"draft", "lock"})
        assert os.listdir(store.staging) == []

    @pytest.mark.threat("S36", "O4")
    def test_only_work_is_cleared(self, store: Store, outside: Path) -> None:
        store.staging.mkdir(parents=True)
        kept = ["notes", "link.0123abcd", "x.0123ABCD", "file.0123abcd"]
        for name in kept[::2]:
            (store.staging / name).mkdir()
        (store.staging / kept[1]).symlink_to(outside.parent)
        (store.staging / kept[3]).touch()
        assert staging.clean(str(store.root)) == 0
        assert sorted(os.listdir(store.staging)) == sorted(kept)
        assert outside.exists()

    def test_a_store_without_staging_is_clean(self, store: Store) -> None:
        assert staging.clean(str(store.root)) == 0
        assert staging.clean(str(store.root), str(store.root / "elsewhere")) == 0
