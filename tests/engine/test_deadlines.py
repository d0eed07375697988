"""What changed after a deadline, and captures that are kept only when something changed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from homes import Home, Store, killed_by
from jupyterhub_snapshots.core.manifest import (
    FILE,
    FOLDER,
    LINK,
    MAX_LATE_FILES,
    Entry,
    dump_header,
    load_header,
)
from jupyterhub_snapshots.engine import capture as capture_function
from jupyterhub_snapshots.engine import rsync, staging
from jupyterhub_snapshots.engine.capture import _Capture
from jupyterhub_snapshots.engine.late import LateFiles
from jupyterhub_snapshots.errors import SnapshotExists

DEADLINE, LATE, LATER = "ps1_2026-03-01", "ps1-late_2026-03-03", "ps1-late_2026-03-04"


@pytest.fixture
def home(home: Home) -> Home:
    home.file("a/work")
    home.file("b", b"more")
    home.link("l", "b")
    return home


def iso(ns: int) -> str:
    when = datetime.fromtimestamp(ns // 1_000_000_000, timezone.utc)
    when += timedelta(microseconds=ns // 1000 % 1_000_000)
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def before_the_last_second() -> None:
    """Waits until this is not, and soon will not be, the last second of a minute."""
    while time.time() % 60 > 56:
        time.sleep(0.1)


def entry(path: str, when: datetime, kind: str = FILE) -> Entry:
    return Entry(path, kind, 0, 0, int(when.timestamp() * 1_000_000) * 1000, 0o644, 0, 0)


class TestLateFiles:
    def test_edits_between_two_instants(self, home: Home, store: Store) -> None:
        before_the_last_second()
        first = time.time_ns()
        time.sleep(0.02)
        home.file("b", b"edited")
        home.link("new", "a")
        home.file("c/d/e")
        time.sleep(0.02)
        second = time.time_ns()
        result = store.capture(home, DEADLINE, deadline=iso(first))
        header = store.header(DEADLINE)
        assert header is not None
        assert (header.deadline, header.late_count) == (iso(first), 3)
        assert header.late_files == ("b", "c/d/e", "new")
        assert result.late_count == 3
        assert store.capture(home, LATE, deadline=iso(second)).late_count == 0
        late = store.header(LATE)
        assert late is not None
        assert late.late_files == ()
        store.assert_clean(DEADLINE, LATE)

    def test_linked_files_are_late_too(
        self, home: Home, store: Store, no_racy_window: None
    ) -> None:
        before_the_last_second()
        deadline = iso(time.time_ns())
        time.sleep(0.02)
        home.file("b", b"edited")
        time.sleep(0.05)
        store.capture(home, DEADLINE)
        result = store.capture(home, LATE, deadline=deadline)
        assert (result.copied_files, result.late_count) == (0, 1)

    def test_a_false_modification_time_helps_nobody(self, home: Home, store: Store) -> None:
        before_the_last_second()
        deadline = iso(time.time_ns())
        time.sleep(0.02)
        os.utime(home.file("b", b"edited"), ns=(0, 0))
        assert store.capture(home, deadline=deadline).late_count == 1

    def test_without_a_deadline_nothing_is_late(self, home: Home, store: Store) -> None:
        assert store.capture(home).late_count == 0
        header = store.header()
        assert header is not None
        assert (header.deadline, header.late_files) == (None, ())

    def test_the_instant_itself_and_the_last_second(self) -> None:
        for instant, first in (
            ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, 0, 0, tzinfo=timezone.utc)),
            ("2026-03-01T23:59:58Z", datetime(2026, 3, 1, 23, 59, 58, tzinfo=timezone.utc)),
            ("2026-03-01T23:59:59Z", datetime(2026, 3, 2, 0, 0, 0, tzinfo=timezone.utc)),
            ("2026-03-01T23:59:59.250000Z", datetime(2026, 3, 2, 0, 0, 0, tzinfo=timezone.utc)),
        ):
            late = LateFiles(instant)
            late.look(entry("just in time", first - timedelta(microseconds=1)))
            assert (late.count, late.paths) == (0, ())
            late.look(entry("late", first))
            late.look(entry("folder", first, FOLDER))
            late.look(entry("a link", first + timedelta(days=1), LINK))
            late.look(entry("unknown", first)._replace(ctime=None))
            assert (late.count, late.paths) == (2, ("a link", "late"))

    def test_the_first_thousand_are_kept_in_the_order_of_the_manifest(self) -> None:
        late = LateFiles("2026-03-01T12:00:00Z")
        names = [f"f/{number:05}" for number in range(5000)] + ["f.txt", "a"]
        when = datetime(2026, 3, 2, tzinfo=timezone.utc)
        for name in reversed(names):
            late.look(entry(name, when))
        assert late.count == 5002
        assert late.paths == ("a", *names[: MAX_LATE_FILES - 1])

    def test_long_paths_leave_the_header_readable(self, home: Home, store: Store) -> None:
        late = LateFiles("2026-03-01T12:00:00Z")
        when = datetime(2026, 3, 2, tzinfo=timezone.utc)
        for number in range(900):
            late.look(entry(f"{number:04}" + "\udcff" * 4000, when))
        store.capture(home)
        header = store.header()
        assert header is not None
        line = dump_header(replace(header, late_count=late.count, late_files=late.paths))
        assert len(line) < 4 * 1024 * 1024
        assert load_header(line).late_count == 900
        assert 0 < len(late.paths) < 900


def test_manifests_of_earlier_versions_are_read(home: Home, store: Store) -> None:
    store.capture(home)
    header = store.header()
    assert header is not None
    data = {key: value for key, value in asdict(header).items() if "late" not in key}
    del data["deadline"]
    assert load_header(json.dumps(data).encode()) == header
    for bad in ({"deadline": "soon"}, {"deadline": "2026-03-01T12:00:00"}, {"late_files": [1]},
                {"late_files": 5}, {"late_count": "many"}):  # fmt: skip
        with pytest.raises(ValueError, match=r"manifest|isoformat|time zone"):
            load_header(json.dumps(asdict(header) | bad).encode())


class TestUnlessSame:
    def test_nothing_is_published_when_nothing_changed(
        self,
        home: Home,
        store: Store,
        no_racy_window: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        time.sleep(0.05)
        taken = store.capture(home, DEADLINE)
        monkeypatch.setattr(rsync, "copy", lambda *_, **__: pytest.fail("rsync ran"))
        result = store.capture(home, LATE, unless_same_as=DEADLINE)
        assert (result.state, result.snapshot) == ("unchanged", DEADLINE)
        assert (result.files, result.copied_files, result.copied_bytes) == (taken.files, 0, 0)
        store.assert_clean(DEADLINE)

    def test_touched_files_are_no_change(self, home: Home, store: Store) -> None:
        store.capture(home, DEADLINE)
        home.file("b", b"more")
        os.utime(home / "a/work", ns=(1, 1))
        (home / "a").chmod(0o700)
        result = store.capture(home, LATE, unless_same_as=DEADLINE)
        assert result.state == "unchanged"
        store.assert_clean(DEADLINE)

    @pytest.mark.parametrize(
        "edit",
        [
            lambda home: home.file("b", b"edit"),
            lambda home: (home / "b").unlink(),
            lambda home: home.file("c"),
            lambda home: home.folder("empty"),
            lambda home: ((home / "l").unlink(), home.link("l", "a")),
        ],
        ids=["edited", "removed", "added", "folder", "link"],
    )
    def test_any_change_is_taken(
        self, home: Home, store: Store, edit: Callable[[Home], object]
    ) -> None:
        store.capture(home, DEADLINE)
        edit(home)
        result = store.capture(home, LATE, unless_same_as=DEADLINE)
        assert (result.state, result.snapshot) == ("complete", LATE)
        store.assert_clean(DEADLINE, LATE)

    def test_it_is_compared_with_that_one_and_not_with_the_newest(
        self, home: Home, store: Store
    ) -> None:
        store.capture(home, DEADLINE)
        home.file("b", b"edited")
        store.capture(home, LATE)
        assert store.capture(home, LATER, unless_same_as=DEADLINE).state == "complete"
        home.file("b", b"more")
        again = store.capture(home, "ps2_2026-03-05", unless_same_as=DEADLINE)
        assert again.state == "unchanged"
        store.assert_clean(DEADLINE, LATE, LATER)

    @pytest.mark.parametrize("lost", ["tree", "manifest", "damaged", "never there"])
    def test_without_the_earlier_one_it_is_taken(self, home: Home, store: Store, lost: str) -> None:
        store.capture(home, DEADLINE)
        manifest = store.root / "alice" / f".{DEADLINE}.manifest"
        if lost == "tree":
            store.tree(DEADLINE).rename(store.root / "gone")
        elif lost == "manifest":
            manifest.unlink()
        elif lost == "damaged":
            head, *_ = manifest.read_bytes().splitlines(keepends=True)
            manifest.write_bytes(head + b"[1]\n")
        name = "ps9_2026-03-01" if lost == "never there" else DEADLINE
        assert store.capture(home, LATE, unless_same_as=name).state == "complete"
        assert LATE in store.snapshots()

    def test_a_name_that_is_taken_stays_an_error(self, home: Home, store: Store) -> None:
        store.capture(home, DEADLINE)
        store.capture(home, LATE)
        with pytest.raises(SnapshotExists):
            store.capture(home, LATE, unless_same_as=DEADLINE)

    @pytest.mark.parametrize("step", ["_is_held", "_unchanged"])
    def test_killed_meanwhile(self, home: Home, store: Store, step: str) -> None:
        store.capture(home, DEADLINE)
        job = store.job(home, LATE, unless_same_as=DEADLINE)

        def take() -> None:
            setattr(_Capture, step, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            capture_function(job)

        assert killed_by(take) == signal.SIGKILL
        staging.clean(str(store.root))
        store.assert_clean(DEADLINE)
        assert capture_function(job).state == "unchanged"
        store.assert_clean(DEADLINE)


def test_the_home_is_left_alone(home: Home, store: Store) -> None:
    """Neither a capture nor a comparison moves the change times it judges by."""

    def times() -> dict[Path, int]:
        return {path: path.lstat().st_ctime_ns for path in sorted(home.path.rglob("*"))}

    known = times()
    store.capture(home, DEADLINE)
    store.capture(home, LATE, unless_same_as=DEADLINE)
    assert times() == known
