"""What a snapshot holds, what the next one shares with it, and what a capture refuses."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from homes import IS_ROOT, SOMEBODY, Home, Store, reasons, run_as, student_home
from jupyterhub_snapshots.core.manifest import Entry
from jupyterhub_snapshots.engine import rsync
from jupyterhub_snapshots.engine.earlier import unchanged
from jupyterhub_snapshots.errors import (
    HomeNotFound,
    HomeTooLarge,
    InvalidName,
    SnapshotExists,
)

FIRST, SECOND, THIRD = "ps1_2026-03-01", "ps1_2026-03-02", "ps1_2026-03-03"


def files_below(top: Path) -> dict[bytes, bytes | None]:
    """Path → content of every file, target of every link, None for every folder."""
    found: dict[bytes, bytes | None] = {}
    for above, folders, files in os.walk(os.fsencode(top)):
        for name in folders + files:
            path = os.path.join(above, name)
            if os.path.islink(path):
                content: bytes | None = b"-> " + os.readlink(path)
            else:
                content = None if os.path.isdir(path) else Path(os.fsdecode(path)).read_bytes()
            found[os.path.relpath(path, os.fsencode(top))] = content
    return found


@pytest.mark.threat("S8", "S9", "S26", "S30", "S31")
def test_holds_every_byte_of_a_home(place: Path, store: Store) -> None:
    home = student_home(place / "homes" / "bob")
    result = store.capture(home, include_hidden=True)
    assert files_below(store.tree()) == files_below(home.path)
    assert (result.state, result.problems, result.problem_count) == ("complete", (), 0)
    assert result.files == result.copied_files == 14
    store.assert_clean(FIRST)


def test_times_are_the_students_and_modes_the_stores(home: Home, store: Store) -> None:
    script = home.file("a/run.sh", mode=0o755)
    os.utime(script, ns=(1_700_000_000_123_456_789,) * 2)
    os.utime(home / "a", ns=(1_600_000_000_000_000_001,) * 2)
    old = home.file("old")
    os.utime(old, ns=(-5_000_000_000,) * 2)
    store.capture(home)
    kept = (store.tree() / "a/run.sh").stat()
    assert kept.st_mtime_ns == 1_700_000_000_123_456_789
    assert stat.S_IMODE(kept.st_mode) == 0o600
    assert (store.tree() / "a").stat().st_mtime_ns == 1_600_000_000_000_000_001
    assert (store.tree() / "old").stat().st_mtime_ns == -5_000_000_000
    entry = store.entry("a/run.sh")
    assert (entry.mode, entry.uid) == (0o755, home.uid)
    assert entry.ctime == script.stat().st_ctime_ns


def test_manifest_is_in_the_order_of_the_walk(place: Path, store: Store) -> None:
    home = student_home(place / "homes" / "bob")
    home.file("a/x")
    home.file("a-b")
    home.file("a.txt")
    store.capture(home, include_hidden=True)
    orders = [entry.order for entry in store.entries()]
    assert orders == sorted(orders)
    assert len(orders) == len(files_below(store.tree()))


@pytest.mark.threat("S29")
def test_hidden_files_are_left_out(home: Home, store: Store) -> None:
    for name in (".x", "a/.git/x", "..x", "...", "a/b.txt", "c."):
        home.file(name)
    home.link("a/.l", "b.txt")
    result = store.capture(home)
    assert set(files_below(store.tree())) == {b"a", b"a/b.txt", b"c."}
    assert result.problem_count == 0


@pytest.mark.usefixtures("no_racy_window")
class TestNextSnapshot:
    def test_of_an_unchanged_home_shares_every_file_and_starts_no_rsync(
        self, place: Path, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = student_home(place / "homes" / "bob")
        store.capture(home, FIRST)
        monkeypatch.delattr(rsync, "copy")
        result = store.capture(home, SECOND)
        assert (result.copied_files, result.copied_bytes, result.parent) == (0, 0, FIRST)
        for path in (entry.path for entry in store.entries(SECOND) if entry.type != "folder"):
            before, after = (os.lstat(store.tree(name) / path) for name in (FIRST, SECOND))
            assert before.st_ino == after.st_ino
        assert store.entries(FIRST) == store.entries(SECOND)
        store.assert_clean(FIRST, SECOND)

    def test_has_new_content_behind_old_size_and_time(self, home: Home, store: Store) -> None:
        work = home.file("work", b"wrong")
        store.capture(home, FIRST)
        times = work.stat()
        work.write_bytes(b"right")
        os.utime(work, ns=(times.st_atime_ns, times.st_mtime_ns))
        store.capture(home, SECOND)
        assert (store.tree(SECOND) / "work").read_bytes() == b"right"
        assert (store.tree(FIRST) / "work").read_bytes() == b"wrong"
        store.assert_clean(FIRST, SECOND)

    @pytest.mark.parametrize("change", ["mode", "name and back", "owner"])
    def test_shares_content_whose_inode_only_was_touched(
        self, home: Home, store: Store, change: str
    ) -> None:
        work = home.file("work")
        store.capture(home, FIRST)
        if change == "mode":
            work.chmod(0o700)
        elif change == "owner":
            os.chown(work, home.uid, -1)
        else:
            work.rename(home / "other").rename(work)
        result = store.capture(home, SECOND)
        assert (result.copied_files, result.copied_bytes) == (1, 0)
        assert store.tree(SECOND).joinpath("work").stat().st_nlink == 2
        assert store.entry("work", SECOND).ctime == work.stat().st_ctime_ns
        store.assert_clean(FIRST, SECOND)

    def test_keeps_the_new_time_of_a_file_saved_again(self, home: Home, store: Store) -> None:
        work = home.file("work")
        store.capture(home, FIRST)
        os.utime(work, ns=(5_000_000_000, 5_000_000_000))
        store.capture(home, SECOND)
        assert (store.tree(SECOND) / "work").stat().st_mtime_ns == 5_000_000_000
        assert (store.tree(FIRST) / "work").stat().st_mtime_ns != 5_000_000_000

    def test_has_links_that_point_elsewhere_now(self, home: Home, store: Store) -> None:
        home.file("a")
        home.link("l", "a")
        store.capture(home, FIRST)
        (home / "l").unlink()
        home.link("l", "b")
        store.capture(home, SECOND)
        assert os.readlink(store.tree(SECOND) / "l") == "b"
        assert store.entry("l", SECOND).target == "b"

    @pytest.mark.threat("K3")
    def test_lacks_what_the_student_removed(self, home: Home, store: Store) -> None:
        gone = home.file("a/gone")
        home.file("a/kept")
        store.capture(home, FIRST)
        gone.unlink()
        home.file("a/gone/now a folder")
        store.capture(home, SECOND)
        assert (store.tree(SECOND) / "a/gone/now a folder").exists()
        (home / "a/gone/now a folder").unlink()
        (home / "a/gone").rmdir()
        store.capture(home, THIRD)
        assert set(files_below(store.tree(THIRD))) == {b"a", b"a/kept"}

    def test_an_incomplete_one_is_built_upon(self, home: Home, store: Store) -> None:
        home.file("a")
        home.file("too much", b"12345678")
        store.capture(home, FIRST, max_file_bytes=7)
        result = store.capture(home, SECOND, max_file_bytes=7)
        assert (result.state, result.parent, result.copied_bytes) == ("incomplete", FIRST, 0)
        complete = store.capture(home, THIRD)
        assert (complete.state, complete.parent) == ("complete", SECOND)
        assert (store.tree(THIRD) / "too much").read_bytes() == b"12345678"

    @pytest.mark.threat("F8")
    @pytest.mark.parametrize(
        "damage", [b"", b"junk\n", b"[1]\n", b'[1,"file",0,0,0,0,0,0]\n', b"\xff\n"]
    )
    def test_survives_a_damaged_manifest(self, home: Home, store: Store, damage: bytes) -> None:
        home.file("a")
        home.file("b")
        store.capture(home, FIRST)
        manifest = store.root / "alice" / f".{FIRST}.manifest"
        lines = manifest.read_bytes().splitlines(keepends=True)
        manifest.write_bytes(lines[0] + damage + b"".join(lines[2:])[:-5])
        result = store.capture(home, SECOND)
        assert result.state == "complete"
        assert store.damage(SECOND) == []

    @pytest.mark.threat("F8")
    def test_takes_no_link_to_a_file_that_was_truncated(self, home: Home, store: Store) -> None:
        home.file("a", b"content")
        store.capture(home, FIRST)
        os.truncate(store.tree(FIRST) / "a", 3)
        store.capture(home, SECOND)
        assert store.damage(SECOND) == []

    def test_copies_where_no_further_link_is_possible(
        self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.file("a", b"content")
        moved = home.file("b", b"content")
        store.capture(home, FIRST)
        moved.chmod(0o600)

        def full(*_: object, **__: object) -> None:
            raise OSError(31, "Too many links")

        with monkeypatch.context() as patched:
            patched.setattr(os, "link", full)
            result = store.capture(home, SECOND)
        assert (result.state, result.copied_files) == ("complete", 2)
        store.assert_clean(FIRST, SECOND)


def test_copies_again_what_changed_just_before(home: Home, store: Store) -> None:
    home.file("a")
    store.capture(home, FIRST)
    assert store.capture(home, SECOND).copied_files == 1


def test_unchanged_needs_every_sign() -> None:
    entry = Entry("a", "file", 1, 10, 20, 0o644, 1, 1, "00")
    later = 20 + 3_000_000_000
    assert unchanged(entry, entry, later)
    assert not unchanged(entry, None, later)
    assert not unchanged(entry, entry, 20)
    for field in ({"size": 2}, {"mtime": 11}, {"ctime": 21}, {"type": "link"}, {"ctime": None}):
        assert not unchanged(entry, entry._replace(**field), later)  # type: ignore[arg-type]
    assert not unchanged(entry, entry._replace(changed=True), later)


class TestFolders:
    """A capture that is limited to some folders of the home."""

    def test_holds_them_and_nothing_else(self, home: Home, store: Store) -> None:
        for name in ("course/ps1/a", "course/ps2/b", "course/other/c", "private/d", "top"):
            home.file(name)
        result = store.capture(home, folders=("course/ps2", "course/ps1", "course/ps3"))
        assert set(files_below(store.tree())) == {
            b"course",
            b"course/ps1",
            b"course/ps1/a",
            b"course/ps2",
            b"course/ps2/b",
        }
        assert result.state == "complete"
        assert store.damage() == []

    def test_may_lie_in_each_other(self, home: Home, store: Store) -> None:
        home.file("a/b/c")
        store.capture(home, folders=("a/b", "a", "a/b"))
        assert set(files_below(store.tree())) == {b"a", b"a/b", b"a/b/c"}

    @pytest.mark.threat("S2", "S17")
    def test_are_no_links(self, home: Home, store: Store, outside: Path) -> None:
        home.link("course", outside.parent)
        home.link("other", outside.parent.parent)
        result = store.capture(home, folders=("course", "other/outside"))
        assert set(reasons(result)) == {"course", "other/outside"}
        assert result.state == "incomplete"
        store.assert_holds_no()

    @pytest.mark.threat("P1")
    @pytest.mark.parametrize("folder", ["..", "a/..", "/etc", "", "a//b", ".", "a\0"])
    def test_are_below_the_home(self, home: Home, store: Store, folder: str) -> None:
        with pytest.raises(InvalidName):
            store.capture(home, folders=(folder,))
        store.assert_clean()


class TestRefusals:
    @pytest.mark.threat("S36", "S37", "S38")
    @pytest.mark.parametrize("ending", ["", "/", "/."])
    @pytest.mark.parametrize("kind", ["missing", "file", "link", "loop"])
    def test_what_is_no_home(
        self, place: Path, home: Home, store: Store, kind: str, ending: str
    ) -> None:
        home.file("a")
        path = place / "homes" / "bob"
        if kind == "file":
            path.write_bytes(b"")
        elif kind != "missing":
            path.symlink_to(home.path if kind == "link" else path)
        with pytest.raises(HomeNotFound):
            store.capture(str(path) + ending)
        store.assert_clean()
        assert "alice" not in os.listdir(store.root)  # no folder for one who has no home

    @pytest.mark.threat("S38")
    def test_an_empty_home_is_captured_as_one(self, home: Home, store: Store) -> None:
        result = store.capture(home)
        assert (result.state, result.files) == ("complete", 0)
        store.assert_clean(FIRST)

    @pytest.mark.threat("S35")
    def test_a_home_over_the_limit(self, home: Home, store: Store) -> None:
        home.file("a", b"x" * 600)
        home.file("b", b"x" * 600)
        with pytest.raises(HomeTooLarge):
            store.capture(home, max_bytes=1000)
        store.assert_clean()
        assert store.capture(home, max_bytes=1200).state == "complete"

    @pytest.mark.threat("P1", "P3", "P6", "P15")
    @pytest.mark.parametrize(
        "fields",
        [
            {"student": ""},
            {"student": ".."},
            {"student": "a/b"},
            {"student": "a\0"},
            {"student": ".jupyterhub-snapshots"},
            {"snapshot": ".staging"},
            {"snapshot": ".."},
            {"snapshot": "a/b"},
            {"snapshot": ""},
            {"capture_id": "../../x"},
        ],
        ids=str,
    )
    def test_names(self, home: Home, store: Store, fields: dict[str, str]) -> None:
        with pytest.raises(InvalidName):
            store.capture(home, **fields)
        assert os.listdir(store.root) == []

    @pytest.mark.threat("P12", "P13", "N1")
    @pytest.mark.parametrize("student", ["-rf", "--rsync-path=x", "host:etc", "*", "$(id)", "Zoë"])
    def test_names_are_never_options(self, home: Home, store: Store, student: str) -> None:
        home.file("a")
        store.capture(home, snapshot="-e", student=student)
        assert (store.root / student / "-e" / "a").read_bytes() == b"text\n"

    @pytest.mark.threat("P18")
    def test_a_name_that_is_taken(self, home: Home, store: Store) -> None:
        home.file("a")
        taken = store.capture(home, capture_id="one")
        assert store.capture(home, capture_id="one") == taken
        with pytest.raises(SnapshotExists):
            store.capture(home, capture_id="two")
        store.assert_clean(FIRST)


@pytest.mark.skipif(not IS_ROOT, reason="needs another user")
@pytest.mark.threat("O3")
def test_an_ordinary_user_captures_what_it_can_read(place: Path, home: Home) -> None:
    home.file("a/open")
    home.file("a/closed", mode=0o600)
    home.folder("shut", mode=0o700)
    (place / "own").mkdir()
    os.chown(place / "own", SOMEBODY, SOMEBODY)
    result = run_as(SOMEBODY, lambda: Store(place / "own/store").capture(home))
    assert result.state == "incomplete"
    assert reasons(result) == {"a/closed": "unreadable", "shut": "unreadable"}
    assert (place / "own/store/alice" / FIRST / "a/open").stat().st_uid == SOMEBODY


def test_result_and_manifest_tell_the_same(home: Home, store: Store) -> None:
    result = store.capture(home, requested_at="2026-03-01T00:00:00Z", extra={"course": 7})
    header = store.header()
    assert header is not None
    assert (header.requested_at, header.extra) == ("2026-03-01T00:00:00Z", {"course": 7})
    assert (result.began_at, result.digest) == (header.began_at, header.digest)
    assert result.began_at <= result.ended_at
    assert result.began_at.endswith("Z")
