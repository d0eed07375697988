"""``verify-receipt`` as a process: what it says of a receipt, and its exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homes import reachable_folder
from processes import Installation, environment

INTACT = "stored: matches. The stored snapshot holds exactly these files."


class Issued:
    """An installation with a snapshot of alice, a receipt of it, and the public key."""

    def __init__(self, place: Path) -> None:
        self.installation = Installation(place, "alice")
        home = self.installation.homes["alice"]
        home.file("lab/a\n<b>.txt", b"lab")
        home.file(b"caf\xe9.txt", b"x")
        service = self.installation.start()
        batch = service.capture()
        service.wait_for(batch["id"])
        self.name = batch["name"]
        self.tree = self.installation.root / "alice" / self.name
        below = f"/api/v1/instructors/me/courses/course/students/alice/snapshots/{self.name}"
        self.receipt: dict[str, Any] = service.client.get(f"{below}/receipt").json()
        self.file = place / "alice-receipt.json"
        self.file.write_bytes(service.client.get(f"{below}/receipt").content)
        self.key = place / "key.pem"
        self.key.write_text(service.client.get("/api/v1/receipts/key").json()["publicKey"])
        service.kill()

    def write(self, **fields: object) -> None:
        self.file.write_text(json.dumps(self.receipt | fields))

    def verify(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.installation.command("verify-receipt", str(self.file), *arguments)

    def offline(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """The command on another machine, where nothing is configured."""
        return subprocess.run(
            [sys.executable, "-m", "jupyterhub_snapshots", "verify-receipt", *arguments],
            env=environment(),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="module")
def once() -> Iterator[Issued]:
    with reachable_folder() as place:
        made = Issued(place)
        yield made
        made.installation.close()


@pytest.fixture
def issued(once: Issued, tmp_path: Path) -> Iterator[Issued]:
    """The same for every test, put back to what it was."""
    kept, content = tmp_path / "kept", once.file.read_bytes()
    shutil.copytree(once.installation.root, kept)
    yield once
    once.file.write_bytes(content)
    shutil.rmtree(once.installation.root)
    shutil.copytree(kept, once.installation.root)
    shutil.rmtree(kept)


def test_a_good_receipt(issued: Issued, tmp_path: Path) -> None:
    ended = issued.verify()
    assert ended.returncode == 0, ended.stderr
    began = issued.receipt["snapshot"]["beganAt"]
    first, signature, files, stored = ended.stdout.splitlines()
    assert first == f"Receipt of course/alice/{issued.name}, taken {began}"
    assert signature.startswith("signature: valid. ")
    assert files.startswith("files: match. ")
    assert stored == INTACT
    ended = issued.offline(str(issued.file), f"--public-key={issued.key}", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[:3] == [first, signature, files]
    assert lines[3].startswith("stored: not compared. ")
    assert os.listdir(tmp_path) == ["kept"]  # no database was made


@pytest.mark.threat("F8")
def test_an_altered_snapshot(issued: Issued) -> None:
    (issued.tree / "lab/a\n<b>.txt").write_bytes(b"LAB")
    (issued.tree / "caf\udce9.txt").unlink()
    ended = issued.verify()
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[3:] == [
        "stored: differs. The stored snapshot is not what the receipt says.",
        "differs: caf\ufffd.txt",
        "differs: lab/a\\n<b>.txt",
    ]
    assert "signature: valid." in ended.stdout


def test_changed_receipts(issued: Issued, tmp_path: Path) -> None:
    key = f"--public-key={issued.key}"
    for fields, said in (
        ({"issuedAt": "2026-01-01T00:00:00Z"}, "signature: invalid. "),
        ({"entries": issued.receipt["entries"][1:]}, "files: differ. "),
        ({"keyId": "0" * 16}, "signature: unknown key. "),
    ):
        issued.write(**fields)
        ended = issued.offline(str(issued.file), key, folder=tmp_path)
        assert ended.returncode == 1
        assert said in ended.stdout
        assert "Traceback" not in ended.stderr


def test_names_cannot_write_lines_of_their_own(issued: Issued, tmp_path: Path) -> None:
    issued.write(student={"username": "bob\nsignature: valid.\x1b[2J", "name": ""})
    ended = issued.offline(str(issued.file), f"--public-key={issued.key}", folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stdout.startswith("Receipt of course/bob\\nsignature: valid.\\x1b[2J/")
    assert "\x1b" not in ended.stdout


def test_another_key_knows_nothing(issued: Issued, tmp_path: Path) -> None:
    kept = issued.installation.root / ".jupyterhub-snapshots"
    for name in ("signing-key.pem", "signing-keys.pem"):
        (kept / name).unlink()
    ended = issued.verify()
    assert ended.returncode == 1
    assert "no receipt was issued yet" in ended.stderr
    assert not (kept / "signing-key.pem").exists()
    ended = issued.verify(f"--public-key={issued.key}")
    assert (ended.returncode, ended.stdout.splitlines()[3]) == (0, INTACT)


def test_what_it_refuses(issued: Issued, tmp_path: Path) -> None:
    junk = tmp_path / "junk.json"
    junk.write_bytes(b"\xff" * 100)
    folder = tmp_path / "empty"
    folder.mkdir()
    for arguments, status, said in (
        ([], 2, "usage: jupyterhub-snapshots verify-receipt FILE"),
        ([str(junk), f"--public-key={issued.key}"], 1, "This is not a receipt"),
        ([str(tmp_path / "gone")], 1, "can't be read: No such file"),
        ([str(issued.file)], 1, "By which key? Name a file with --public-key"),
        ([str(issued.file), f"--public-key={junk}"], 1, "holds no public key"),
    ):
        ended = issued.offline(*arguments, folder=folder)
        assert (ended.returncode, ended.stdout) == (status, "")
        assert said in ended.stderr
        assert "Traceback" not in ended.stderr
    assert os.listdir(folder) == []
