"""Homes that mean harm, or look like it: links, special files, modes, names, sizes."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from homes import IS_ROOT, SECRET, SOMEBODY, STUDENT, Home, Store, reasons, run_as

NAME = "ps1_2026-03-01"
as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")


class TestLinks:
    """Links are kept as links; nobody goes where they lead."""

    @pytest.mark.threat("S1", "S2", "S3", "S4")
    def test_out_of_the_home(self, place: Path, home: Home, store: Store, outside: Path) -> None:
        bob = Home(place / "homes" / "bob")
        bob.file("work", SECRET)
        targets = {
            "file": outside,
            "relative": "../../outside/secret",
            "folder": outside.parent,
            "from the store": "../../../outside/secret",
            "deep/down": "../" * 40 + str(outside)[1:],
            "bob": bob.path,
            "bobs": bob / "work",
        }
        for name, target in targets.items():
            home.link(name, target)
        result = store.capture(home)
        assert (result.state, result.files) == ("complete", 0)
        for name, target in targets.items():
            assert os.readlink(store.tree() / name) == str(target)
            assert store.entry(name).target == str(target)
        store.assert_clean(NAME)
        # What shows that these links do lead there:
        assert (home / "file").read_bytes() == (home / "relative").read_bytes() == SECRET

    @pytest.mark.threat("S5", "S6", "S7", "S8")
    @pytest.mark.parametrize("hidden", [False, True])
    def test_of_every_odd_kind(self, home: Home, store: Store, hidden: bool) -> None:
        targets = (
            *("/etc/shadow", "/proc/self/environ", "/proc/self/mem", "/proc/self/cwd"),
            *("/proc/self/fd/0", "/dev/zero", "/dev/urandom", "/dev/tty", "/dev/stdin"),
            *("", ".", "..", "/", "./", "nowhere", "x" * 255, "l9", "l10", "l11", "sub", "a\nb"),
        )
        home.folder("sub")
        for number, target in enumerate(targets):
            if target:
                home.link(f"l{number}", target)
                home.link(f"sub/l{number}", target)
        home.link("l", "l")
        result = store.capture(home, include_hidden=hidden)
        assert (result.state, result.problem_count, result.files) == ("complete", 0, 0)
        store.assert_clean(NAME)

    @pytest.mark.threat("S26")
    def test_hard_links_are_two_files(self, home: Home, store: Store) -> None:
        os.link(home.file("a", b"same"), home / "b")
        store.capture(home)
        a, b = (store.tree() / name for name in "ab")
        assert a.read_bytes() == b.read_bytes() == b"same"
        assert not a.samefile(b)

    @pytest.mark.threat("S25")
    def test_nothing_shares_an_inode_with_the_home(self, home: Home, store: Store) -> None:
        work = home.file("a", b"before")
        store.capture(home)
        work.write_bytes(b"after!")
        assert (store.tree() / "a").read_bytes() == b"before"
        assert work.stat().st_nlink == 1

    @as_root
    @pytest.mark.threat("S27")
    def test_hard_links_to_files_of_others(
        self, home: Home, store: Store, outside: Path, place: Path
    ) -> None:
        os.link(outside, home / "a")
        home.file("b")
        result = store.capture(home)
        assert reasons(result) == {"a": "foreign_hard_link"}
        assert result.state == "incomplete"
        store.assert_holds_no()


class TestNodes:
    @pytest.mark.threat("S18", "S19")
    def test_fifos_and_sockets_are_left_out(self, home: Home, store: Store) -> None:
        home.fifo("a/pipe")
        home.socket("a/socket")
        home.file("a/work")
        result = store.capture(home)
        assert os.listdir(store.tree() / "a") == ["work"]
        assert reasons(result) == {"a/pipe": "special", "a/socket": "special"}
        assert result.state == "complete"

    @as_root
    @pytest.mark.threat("S20")
    def test_devices_are_left_out(self, home: Home, store: Store) -> None:
        try:
            os.mknod(home / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
            os.mknod(home / "disk", 0o666 | stat.S_IFBLK, os.makedev(7, 250))
        except PermissionError:
            pytest.skip("may not make devices")
        assert reasons(store.capture(home)) == {"zero": "special", "disk": "special"}
        assert os.listdir(store.tree()) == []

    @as_root
    @pytest.mark.threat("S39")
    def test_other_file_systems_are_not_entered(self, home: Home, store: Store) -> None:
        inner = home.folder("a/inner")
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", inner], capture_output=True).returncode:
            pytest.skip("may not mount")
        try:
            (inner / "b").mkdir()
            (inner / "b" / "c").write_bytes(SECRET)
            whole = store.capture(home, "whole")
            part = store.capture(home, "part", folders=("a/inner/b",))
        finally:
            subprocess.run(["umount", inner], check=True)
        assert reasons(whole) == reasons(part) == {"a/inner": "other_file_system"}
        store.assert_holds_no()


class TestModes:
    @pytest.mark.threat("S21", "S22")
    def test_rights_do_not_come_along(self, home: Home, store: Store) -> None:
        program = home.file("program")
        program.chmod(0o6755)
        home.folder("shared").chmod(0o3777)
        for name in ("user.note", "security.capability"):
            with contextlib.suppress(OSError):  # where the disk or our rights don't allow it
                os.setxattr(program, name, bytes.fromhex("01000002" + "00040000" + "0" * 24))
        store.capture(home)
        assert stat.S_IMODE((store.tree() / "program").stat().st_mode) == 0o600
        assert stat.S_IMODE((store.tree() / "shared").stat().st_mode) == 0o700
        assert os.listxattr(store.tree() / "program") == []
        assert store.entry("program").mode == 0o6755

    @as_root
    @pytest.mark.threat("S22")
    def test_access_lists_do_not_come_along(self, home: Home, store: Store) -> None:
        if shutil.which("setfacl") is None:
            pytest.skip("no setfacl here")
        folder = home.folder("a")
        home.file("a/b")
        for option in ("-m", "-dm"):
            subprocess.run(["setfacl", option, f"u:{STUDENT}:rwx", folder], check=True)
        store.capture(home)
        assert os.listxattr(store.tree() / "a") == []

    @as_root
    @pytest.mark.threat("S23")
    def test_closed_files_and_folders_are_there(self, home: Home, store: Store) -> None:
        home.file("a/closed", b"1", mode=0)
        home.file("shut/b", b"2").parent.chmod(0)
        home.file("no way/c", b"3").parent.chmod(0o600)
        assert store.capture(home).state == "complete"
        for name in ("a/closed", "shut/b", "no way/c"):
            assert (store.tree() / name).read_bytes() == (home / name).read_bytes()

    @as_root
    @pytest.mark.threat("S24", "F11", "O4")
    @pytest.mark.parametrize("root_mode", [0o700, 0o777])
    def test_students_reach_nothing_of_the_store(
        self, place: Path, home: Home, store: Store, root_mode: int
    ) -> None:
        work = home.file("a/b")
        home.link("l", "a/b")
        store.capture(home)
        store.root.chmod(root_mode)
        tree = store.tree()

        def attack() -> list[str]:
            done = []
            attempts = {
                "list": lambda: os.listdir(store.root / "alice"),
                "list staging": lambda: os.listdir(store.staging),
                "read": lambda: (tree / "a/b").read_bytes(),
                "write": lambda: (tree / "a/b").write_bytes(b"better"),
                "add": lambda: (tree / "a/c").write_bytes(b"more"),
                "remove": lambda: (tree / "a/b").unlink(),
                "read manifest": lambda: (store.root / "alice" / f".{NAME}.manifest").read_bytes(),
                "chmod": lambda: (store.root / "alice").chmod(0o777),
                "link": lambda: os.link(tree / "a/b", home / "mine"),
            }
            for name, attempt in attempts.items():
                try:
                    attempt()
                    done.append(name)
                except PermissionError:
                    pass
            work.read_bytes()  # what shows that it is the student who tries
            return done

        assert run_as(STUDENT, attack) == []
        assert run_as(SOMEBODY, attack) == []
        store.assert_clean(NAME)


@pytest.mark.threat("S28", "S40")
def test_files_in_a_home_have_no_say(home: Home, store: Store) -> None:
    names = (".rsync-filter", ".cvsignore", ".gitignore", "manifest", "paths", "tree/x", "again")
    for name in (*names, f".{NAME}.manifest", "catalog.sqlite", "lock", "core", "a.o", "a~"):
        home.file(name, b"- *\n*\n")
    home.file("work")
    result = store.capture(home, include_hidden=True)
    assert (result.state, result.files) == ("complete", 14)
    store.assert_clean(NAME)


class TestNames:
    NAMES = (
        *(b"a\nb", b"c\r\nd", b"\t", b" ", b" lead", b"trail ", b"\x1b[31mred\x1b[0m", b"\x7f"),
        *(b"q'uote", b'q"uote', b"back\\slash", b"\\#012", b"*", b"?", b"[a-z]", b"$(id)", b"`id`"),
        *(b"#comment", b";comment", b"-rf", b"--delete", b"host:path", b"host::module", b"+ inc"),
        *(b"rsync:", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", "rtl\u202egpj.exe".encode()),
        *("e\u0301".encode(), "\u00e9".encode(), b"README", b"readme", b"n" * 255, b"...", b"a\\"),
        *(b"\xf0\x9f\x98\x80\xff", b"No space left on device (28)", b"%s%n", b"\xef\xbb\xbfbom"),
    )

    @pytest.mark.threat("S31", "S32", "R5")
    def test_every_name_is_kept_byte_for_byte(self, home: Home, store: Store) -> None:
        for name in self.NAMES:
            home.file(name, b"content of " + name)
            home.file(b"below/" + name + b"/" + name, name)
        result = store.capture(home, include_hidden=True)
        assert (result.state, result.problem_count) == ("complete", 0)
        assert result.files == 2 * len(self.NAMES)
        tree = os.fsencode(store.tree())
        for name in self.NAMES:
            with open(os.path.join(tree, name), "rb") as file:
                assert file.read() == b"content of " + name
        assert sorted(os.listdir(tree)) == sorted([*self.NAMES, b"below"])
        assert {os.fsencode(entry.path) for entry in store.entries()} >= set(self.NAMES)
        store.assert_clean(NAME)


class TestSizes:
    @pytest.mark.threat("S33")
    def test_sparse_files_stay_sparse(self, home: Home, store: Store) -> None:
        home.sparse("big", 64 << 20)
        home.sparse("huge", 1 << 40)
        result = store.capture(home, max_file_bytes=1 << 30)
        assert reasons(result) == {"huge": "too_large"}
        kept = (store.tree() / "big").stat()
        assert kept.st_size == 64 << 20
        assert kept.st_blocks * 512 < 1 << 20

    @pytest.mark.threat("S34")
    def test_many_files_in_little_memory(self, home: Home, store: Store) -> None:
        folder = home.folder("many")
        for number in range(20_000):
            os.close(os.open(folder / f"file {number}", os.O_CREAT, 0o600))

        def take() -> tuple[int, int]:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            files = store.capture(home).files
            return files, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

        files, grown_kib = run_as(os.geteuid(), take)
        assert files == 20_000
        assert grown_kib < 40_000

    @pytest.mark.threat("S34")
    def test_deep_folders(self, home: Home, store: Store) -> None:
        self.dig(home.path, "deep", 300)
        result = store.capture(home)
        assert (result.state, result.files) == ("complete", 1)
        store.assert_clean(NAME)

    @pytest.mark.threat("S34", "R2")
    def test_what_is_too_deep_for_rsync_is_named(self, home: Home, store: Store) -> None:
        self.dig(home.path, "deep", 300)
        home.file("work")

        def take() -> tuple[str, int, set[str]]:
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
            result = store.capture(home)
            return result.state, result.files, set(reasons(result).values())

        assert run_as(os.geteuid(), take) == ("incomplete", 1, {"unreadable"})
        store.assert_clean(NAME)

    @pytest.mark.threat("S34", "P8")
    def test_paths_beyond_the_kernels_limit_are_named(self, home: Home, store: Store) -> None:
        self.dig(home.path, "x" * 250, 20)
        home.file("work")
        result = store.capture(home)
        assert result.state == "incomplete"
        assert set(reasons(result).values()) == {"too_deep"}
        assert [len(path) for path in reasons(result)] == [16 * 251 - 1]
        assert (store.tree() / "work").exists()
        assert store.damage() == []

    @pytest.mark.threat("S34")
    def test_a_path_of_just_the_limit(self, home: Home, store: Store) -> None:
        self.dig(home.path, "x" * 249, 16, "y" * 3)  # 16 times 250 bytes, then the file
        result = store.capture(home)
        assert [len(path) for path in reasons(result)] == [4003]
        shutil.rmtree(home / ("x" * 249))
        self.dig(home.path, "x" * 248, 16, "y" * 16)
        home.file("work")
        result = store.capture(home, "second")
        assert (result.state, result.files) == ("complete", 2)
        assert max(len(entry.path) for entry in store.entries("second")) == 4000
        assert store.damage("second") == []

    @pytest.mark.threat("S34", "D10")
    def test_many_problems_with_long_paths_leave_a_readable_header(
        self, home: Home, store: Store
    ) -> None:
        self.dig(home.path, "\udcff" * 240, 15)
        here = os.open(home.path, os.O_RDONLY)
        for _ in range(15):
            below = os.open("\udcff" * 240, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        for number in range(1100):
            os.mkfifo(f"pipe {number}", dir_fd=here)
        os.close(here)
        result = store.capture(home)
        header = store.header()
        assert header is not None
        assert result.problem_count == header.problem_count == 1100
        assert 0 < len(header.problems) < 100
        assert result.state == "complete"  # only pipes are missing

    @staticmethod
    def dig(top: Path, name: str, levels: int, file: str = "file") -> None:
        """Makes folders in each other and a file in the last one, by descriptors."""
        here = os.open(top, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open(file, os.O_CREAT, 0o644, dir_fd=here))
        os.close(here)
