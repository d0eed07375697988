"""How runs of rsync end: each exit code, no end at all, floods, lies; and what rsync is given.

Where rsync has to misbehave, a small script stands in its place. It runs under the same
confinement and is given the same arguments: its last one is the folder to fill.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from homes import Home, Store, marked_processes, reasons, run_as
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.engine import rsync
from jupyterhub_snapshots.errors import CaptureTimedOut, RsyncFailed, RsyncMissing, StorageFull

NAME = "ps1_2026-03-01"
Stand = Callable[[str], None]

pytestmark = pytest.mark.usefixtures("no_racy_window")


@pytest.fixture
def stand_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Puts a script in the place of rsync."""

    def put(script: str) -> None:
        path = place / "rsync"
        path.write_text(f'#!/bin/sh\nfor last; do :; done\ncd "$last"\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setattr(rsync, "find_rsync", lambda: rsync.Rsync(str(path), (3, 5, 0)))

    return put


@pytest.fixture
def home(home: Home) -> Home:
    home.file("a")
    home.file("b", b"more")
    return home


class TestExitCodes:
    @pytest.mark.threat("R3")
    @pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 20, 22, 25, 30, 35, 99])
    def test_others_fail_and_say_why(
        self, home: Home, store: Store, stand_in: Stand, code: int
    ) -> None:
        stand_in(f"echo first >&2; touch a; echo 'rsync error: the reason' >&2; exit {code}")
        with pytest.raises(RsyncFailed, match=f"exit code {code}: rsync error: the reason"):
            store.capture(home)
        store.assert_clean()

    @pytest.mark.threat("R3")
    @pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV"])
    def test_signals_fail(self, home: Home, store: Store, stand_in: Stand, name: str) -> None:
        stand_in(f"touch a; kill -{name} $$")
        with pytest.raises(RsyncFailed, match="signal"):
            store.capture(home)
        store.assert_clean()

    @pytest.mark.threat("R2")
    @pytest.mark.parametrize("code", [23, 24])
    def test_partial_is_kept_and_flagged(
        self, home: Home, store: Store, stand_in: Stand, code: int
    ) -> None:
        stand_in(f"printf 'text\\n' > a; exit {code}")
        result = store.capture(home)
        assert (result.state, reasons(result)) == ("incomplete", {"b": "unreadable"})
        store.assert_clean(NAME)

    @pytest.mark.threat("R2")
    def test_partial_that_no_file_shows_is_flagged(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        stand_in("printf 'text\\n' > a; printf more > b; exit 23")
        result = store.capture(home)
        assert (result.state, reasons(result)) == ("incomplete", {"": "partial"})

    @pytest.mark.threat("R7")
    def test_success_without_the_files_is_not_believed(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        stand_in("printf 'text\\n' > a; mkdir b; mkfifo c; exit 0")
        result = store.capture(home)
        assert (result.state, reasons(result)) == ("incomplete", {"b": "changed_type"})
        assert store.entry("a").sha256 is not None

    @pytest.mark.threat("R7", "S16")
    def test_a_shorter_file_is_flagged(self, home: Home, store: Store, stand_in: Stand) -> None:
        stand_in("printf te > a; printf more > b")
        result = store.capture(home)
        assert reasons(result) == {"a": "changed"}
        assert store.entry("a").size == 2
        assert store.damage() == []

    @pytest.mark.threat("F1", "F2")
    @pytest.mark.parametrize("number", [28, 122])
    @pytest.mark.parametrize("code", [11, 23])
    def test_no_space_is_told_as_that(
        self, home: Home, store: Store, stand_in: Stand, number: int, code: int
    ) -> None:
        stand_in(
            "seq 100000 >&2\n"
            f"echo 'rsync: [receiver] write failed on \"/x\": No space ({number})' >&2; exit {code}"
        )
        with pytest.raises(StorageFull):
            store.capture(home)
        store.assert_clean()

    @pytest.mark.threat("R5", "F1")
    def test_a_name_that_says_no_space_is_not_believed(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        name = "x: No space left on device (28)"
        stand_in(
            f"echo 'rsync: [sender] send_files failed to open \"/{name}\": Denied (13)' >&2\n"
            f"echo 'file has vanished: \"/{name}\"' >&2; printf more > b; exit 23"
        )
        assert reasons(store.capture(home)) == {"a": "unreadable"}

    @pytest.mark.threat("S13")
    def test_giving_up_on_a_moving_home_is_tried_again(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        stand_in(
            "test -e a && printf more > b && exit 0\n"
            "printf 'text\\n' > a; echo 'ABORTING due to invalid path from sender: x' >&2; exit 2"
        )
        result = store.capture(home)
        assert (result.state, result.files) == ("complete", 2)

    @pytest.mark.threat("S13")
    def test_giving_up_for_good_keeps_what_there_is(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        give_up = "echo 'ABORTING due to invalid path from sender: x' >&2; exit 2"
        stand_in(give_up)
        with pytest.raises(CaptureTimedOut):
            store.capture(home, "other")
        stand_in(f"printf 'text\\n' > a; {give_up}")
        assert reasons(store.capture(home)) == {"b": "unreadable"}
        store.assert_clean(NAME)


class TestNoEnd:
    STUBBORN = "trap '' TERM\n(trap '' TERM; sleep 61) &\nsetsid sleep 62 &\nsleep 63"

    @pytest.mark.threat("R4", "D7", "D8")
    def test_every_process_is_ended_at_the_limit(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        stand_in(self.STUBBORN)
        begun = time.monotonic()
        with pytest.raises(CaptureTimedOut):
            store.capture(home, timeout_seconds=0.5)
        assert time.monotonic() - begun < 4
        store.assert_clean()
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)  # no zombie either

    @pytest.mark.threat("R4")
    def test_what_it_leaves_behind_is_ended(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        stand_in("sleep 61 &\nsetsid sleep 62 &\nprintf 'text\\n' > a; printf more > b")
        assert store.capture(home).state == "complete"
        store.assert_clean(NAME)

    @pytest.mark.threat("S12", "F6")
    def test_a_run_that_does_not_move_is_ended_early(
        self, home: Home, store: Store, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rsync, "STALL_SECONDS", 0.2)
        monkeypatch.setattr(rsync, "_LOOK_SECONDS", 0.05)
        stand_in("test -e a && printf more > b && exit 0\nprintf 'text\\n' > a; exec sleep 60")
        result = store.capture(home)
        assert (result.state, result.files) == ("complete", 2)
        store.assert_clean(NAME)

    @pytest.mark.threat("S12", "F6", "D7")
    def test_a_home_of_which_nothing_can_be_read_fails(
        self, home: Home, store: Store, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As when its storage does not answer: such a snapshot would be worth nothing.
        monkeypatch.setattr(rsync, "STALL_SECONDS", 0.1)
        monkeypatch.setattr(rsync, "_LOOK_SECONDS", 0.05)
        stand_in("exec sleep 60")
        with pytest.raises(CaptureTimedOut):
            store.capture(home)
        store.assert_clean()

    def test_a_slow_run_is_waited_for(
        self, home: Home, store: Store, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rsync, "STALL_SECONDS", 0.3)
        monkeypatch.setattr(rsync, "_LOOK_SECONDS", 0.05)
        stand_in(
            "for n in 1 2 3 4 5 6 7 8; do printf x >> b; sleep 0.1; done\n"
            "printf 'text\\n' > a; printf more > b"
        )
        assert store.capture(home).state == "complete"


class TestOutput:
    @pytest.mark.threat("R5", "D10")
    def test_a_million_lines_take_no_memory(
        self, home: Home, store: Store, stand_in: Stand
    ) -> None:
        stand_in("yes 'rsync: some \377 line \033[31m' | head -n 1000000 >&2; exit 12")

        def take() -> tuple[str, int]:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            with pytest.raises(RsyncFailed) as failed:
                store.capture(home)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            return failed.value.message, grown

        message, grown_kib = run_as(os.geteuid(), take)
        assert len(message) < 400
        assert grown_kib < 20_000
        store.assert_clean()

    @pytest.mark.threat("R5")
    def test_the_end_of_a_flood_is_told(self, home: Home, store: Store, stand_in: Stand) -> None:
        stand_in("seq 200000 >&2; echo 'rsync error: the reason' >&2; exit 12")
        with pytest.raises(RsyncFailed, match="the reason"):
            store.capture(home)

    @pytest.mark.threat("R5")
    def test_silence_is_no_message(self, home: Home, store: Store, stand_in: Stand) -> None:
        stand_in("exec 2>&-; sleep 0.2; exit 12")
        with pytest.raises(RsyncFailed, match="no message"):
            store.capture(home)


class TestWhatIsGiven:
    @pytest.mark.threat("A8", "R6", "P13")
    def test_no_secret_and_nothing_of_the_environment(
        self, home: Home, place: Path, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("JUPYTER_API_KEY", "JUPYTERHUB_API_TOKEN", "RSYNC_RSH", "RSYNC_OLD_ARGS"):
            monkeypatch.setenv(name, "very secret")
        monkeypatch.setenv("HOME", str(home.path))
        home.file(".popt", b"rsync alias -lptS --copy-links\n")
        stand_in('env > environment; printf "%s\\n" "$@" > arguments; cat > paths')
        target = place / "target"
        target.mkdir()
        with Folder.at(home.path) as folder, tempfile.TemporaryFile() as paths:
            paths.write(b"./a\0")
            paths.seek(0)
            rsync.copy(
                folder,
                str(target),
                paths,
                load=rsync.Load(),
                deadline=time.monotonic() + 9,
                mark="m",
            )
        environment = dict(
            line.split("=", 1) for line in (target / "environment").read_text().splitlines()
        )
        for name in ("PWD", "OLDPWD", "SHLVL", "_"):  # the shell's own
            environment.pop(name, None)
        assert environment == {"PATH": "/usr/bin:/bin", "LC_ALL": "C", rsync.MARK: "m"}
        arguments = (target / "arguments").read_text()
        assert "secret" not in arguments
        assert arguments.splitlines()[-3:] == ["--", "./", f"{target}/"]
        assert (target / "paths").read_bytes() == b"./a\0"

    @pytest.mark.threat("R6")
    def test_rsync_is_not_led_by_the_environment(
        self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch, outside: Path
    ) -> None:
        monkeypatch.setenv("HOME", str(home.path))
        monkeypatch.setenv("RSYNC_PARTIAL_DIR", str(outside.parent))
        home.file(".popt", b"rsync alias --whole-file --copy-links --whole-file\n")
        home.link("l", outside)
        store.capture(home)
        assert (store.tree() / "l").is_symlink()
        assert marked_processes(store.mark) == []

    def test_an_empty_list_copies_nothing(self, home: Home, place: Path) -> None:
        target = place / "target"
        target.mkdir()
        with Folder.at(home.path) as folder, tempfile.TemporaryFile() as paths:
            outcome = rsync.copy(
                folder,
                str(target),
                paths,
                load=rsync.Load(),
                deadline=time.monotonic() + 9,
                mark="m",
            )
        assert (outcome.code, os.listdir(target)) == (0, [])


class TestFinding:
    @pytest.mark.threat("R1")
    def test_the_installed_one(self) -> None:
        found = rsync.find_rsync()
        assert found.version >= rsync.OLDEST
        said = subprocess.run([found.path, "--version"], capture_output=True, text=True).stdout
        assert found.version_text in said

    @pytest.mark.threat("R1")
    @pytest.mark.parametrize(
        ("script", "message"),
        [
            (None, "not installed"),
            ("echo rsync  version 3.1.3  protocol version 31", "too old"),
            ("echo rsync  version 2.6.9  protocol version 29", "too old"),
            ("echo openrsync: protocol version 29", "too old"),
            ("exit 1", "can't be run"),
            ("not executable", "can't be run"),
        ],
    )
    def test_none_that_can_be_used(
        self,
        home: Home,
        store: Store,
        place: Path,
        monkeypatch: pytest.MonkeyPatch,
        script: str | None,
        message: str,
    ) -> None:
        path = place / "rsync"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o644 if script == "not executable" else 0o755)
        monkeypatch.setattr(
            rsync.shutil, "which", lambda *_, **__: None if script is None else str(path)
        )
        rsync.find_rsync.cache_clear()
        try:
            with pytest.raises(RsyncMissing, match=message):
                store.capture(home)
        finally:
            rsync.find_rsync.cache_clear()
        store.assert_clean()

    @pytest.mark.threat("A8")
    def test_asking_for_the_version_tells_no_secret(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = place / "rsync"
        path.write_text(f"#!/bin/sh\nenv > {place}/environment\necho version 3.4.1\n")
        path.chmod(0o755)
        monkeypatch.setenv("JUPYTER_API_KEY", "very secret")
        monkeypatch.setattr(rsync.shutil, "which", lambda *_, **__: str(path))
        assert rsync.find_rsync.__wrapped__() == rsync.Rsync(str(path), (3, 4, 1))
        assert "secret" not in (place / "environment").read_text()
