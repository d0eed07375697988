"""The subcommands as processes: what they do, what they say, and their exit status."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from processes import Installation, eventually

PROGRAM = [sys.executable, "-m", "jupyterhub_snapshots"]
STUDENTS = ["alice", "bob", "carol"]


@pytest.fixture
def installation(place: Path) -> Iterator[Installation]:
    made = Installation(place, *STUDENTS)
    yield made
    made.close()


def test_snapshot_of_a_class_then_verify(installation: Installation) -> None:
    ended = installation.command("snapshot", "Home Work 1")
    assert ended.returncode == 0, ended.stderr
    name = ended.stdout.strip()
    assert name.startswith("home-work-1_")
    installation.assert_sound(name)
    assert stat.S_IMODE(installation.database.stat().st_mode) == 0o600
    verified = installation.command("verify")
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == "Snapshots read: 3; intact: 3; not: 0.\n"


@pytest.mark.threat("N7", "C1")
def test_snapshot_of_some_students_says_who_failed(installation: Installation) -> None:
    ended = installation.command("snapshot", "hw", "alice", "bob", "bob", "nobody")
    assert ended.returncode == 1
    assert "nobody: The student has no home" in ended.stderr
    assert "Traceback" not in ended.stderr
    name = ended.stdout.strip()
    assert installation.snapshots() == {"alice": [name], "bob": [name], **without(installation)}
    again = installation.command("snapshot", "hw", "alice")
    assert again.returncode == 1
    assert f"alice: alice already has a snapshot {name}" in again.stderr


def without(installation: Installation) -> dict[str, list[str]]:
    """The folder of a student of whom nothing was taken may be there."""
    return {"nobody": []} if (installation.root / "nobody").exists() else {}


@pytest.mark.threat("P1", "P9", "P13")
def test_snapshot_refuses(installation: Installation) -> None:
    for arguments, status, said in [
        (["snapshot"], 2, "usage: jupyterhub-snapshots snapshot NAME"),
        (["snapshot", "!!!"], 1, "Nothing is left of the snapshot name"),
        (["snapshot", "hw", "../alice"], 1, "can't be the name of a student"),
        (["snapshot", "hw", "--course=chem"], 1, "Which course? Name one with --course: course."),
    ]:
        ended = installation.command(*arguments)
        assert (ended.returncode, ended.stdout) == (status, "")
        assert said in ended.stderr
        assert "Traceback" not in ended.stderr
    assert installation.snapshots() == {}


@pytest.mark.threat("J4")
def test_snapshot_of_a_class_of_nobody_is_no_success(installation: Installation) -> None:
    for student in STUDENTS:
        shutil.rmtree(installation.homes[student].path)
    ended = installation.command("snapshot", "hw")
    assert ended.returncode == 1
    assert "No student of course is known yet" in ended.stderr


@pytest.mark.threat("C3")
def test_snapshot_beside_a_live_service(installation: Installation) -> None:
    service = installation.start()
    with installation.held("alice"):
        batch = service.capture("by-service")
        command = subprocess.Popen(
            [*PROGRAM, "snapshot", "by-command", *installation.options],
            env=installation.environment(),
            cwd=installation.place,
            stdout=subprocess.PIPE,
            text=True,
        )
        eventually(lambda: "by-command" in str(installation.snapshots().get("bob")), "bob is done")
        assert command.poll() is None
    output, _ = command.communicate(timeout=30)
    assert command.returncode == 0
    service.wait_for(batch["id"])
    names = sorted([batch["name"], output.strip()])
    assert installation.snapshots() == dict.fromkeys(STUDENTS, names)
    listed = service.client.get("/api/v1/instructors/me/courses/course/snapshots").json()
    assert len(listed) == 6
    taken = service.client.get("/api/v1/instructors/me/courses/course/batches").json()
    assert sorted(each["name"] for each in taken) == names
    assert {each["state"] for each in taken} == {"done"}


@pytest.mark.threat("K4")
def test_an_interrupted_snapshot_is_cancelled(installation: Installation) -> None:
    with installation.held("alice"):
        command = subprocess.Popen(
            [*PROGRAM, "snapshot", "hw", *installation.options],
            env=installation.environment(),
            cwd=installation.place,
            stderr=subprocess.DEVNULL,
            # What was started in the background of a shell ignores the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        eventually(
            lambda: all(
                len(installation.snapshots().get(who, [])) == 1 for who in ("bob", "carol")
            ),
            "bob and carol are done",
        )
        command.send_signal(signal.SIGINT)
        assert command.wait(20) != 0
    states = dict(installation.query("SELECT student, state FROM batch_items"))
    assert states == {"alice": "cancelled", "bob": "done", "carol": "done"}
    assert installation.snapshots().get("alice", []) == []
    assert installation.marked() == []


@pytest.mark.threat("A6", "A8")
def test_keys(installation: Installation) -> None:
    made = installation.command("keys", "create", "--owner=ina", "--course=course", "--name=cron")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert len(secret) > 30
    assert secret not in made.stderr
    listed = installation.command("keys", "list")
    assert secret not in listed.stdout
    assert [line.split() for line in listed.stdout.splitlines()[1:]] == [
        ["1", secret[:12], "ina", "never", "valid", "cron"]
    ]
    service = installation.start()
    url = f"http://127.0.0.1:{service.port}/api/v1"
    assert httpx.get(url, headers={"X-Api-Key": secret}).status_code == 200
    revoked = installation.command("keys", "revoke", "1", "7")
    assert revoked.returncode == 1
    assert revoked.stdout == "Revoked key 1 of ina.\n"
    assert "7: There is no such key" in revoked.stderr
    assert httpx.get(url, headers={"X-Api-Key": secret}).status_code == 401
    assert " revoked " in installation.command("keys", "list", "--owner=ina").stdout
    for path in installation.place.glob("catalogue.sqlite*"):
        assert secret.encode() not in path.read_bytes()


def test_keys_refuses(installation: Installation) -> None:
    for arguments, status, said in [
        (["keys"], 2, "usage: jupyterhub-snapshots keys create|list|revoke"),
        (["keys", "create"], 2, "usage: jupyterhub-snapshots keys create --owner"),
        (["keys", "create", "--owner=ina", "--course=x"], 1, "Which course?"),
        (["keys", "revoke", "x"], 2, "usage: jupyterhub-snapshots keys revoke"),
    ]:
        ended = installation.command(*arguments)
        assert (ended.returncode, ended.stdout) == (status, "")
        assert said in ended.stderr


@pytest.mark.threat("F8", "Z14")
def test_import_gives_old_trees_a_manifest(installation: Installation) -> None:
    old = installation.root / "alice" / "exam-1_2024-06-01"
    old.mkdir(parents=True)
    (old / "answers.txt").write_text("42")
    (old / "link").symlink_to("/etc/passwd")
    before = sorted((path.name, path.lstat().st_mtime_ns) for path in old.iterdir())
    verified = installation.command("verify")
    assert verified.returncode == 1
    assert "course/alice/exam-1_2024-06-01: no_manifest" in verified.stdout
    imported = installation.command("import")
    assert (imported.returncode, imported.stdout) == (0, "Snapshots that got a manifest: 1.\n")
    assert sorted((path.name, path.lstat().st_mtime_ns) for path in old.iterdir()) == before
    assert installation.query("SELECT state, files FROM snapshots") == [("imported", 1)]
    assert installation.command("verify", "alice", old.name).returncode == 0
    (old / "answers.txt").write_text("43")
    verified = installation.command("verify", "alice")
    assert verified.returncode == 1
    assert "course/alice/exam-1_2024-06-01: altered answers.txt" in verified.stdout
    assert "Snapshots read: 1; intact: 0; not: 1." in verified.stdout


def test_verify_refuses(installation: Installation) -> None:
    ended = installation.command("verify", "nobody")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "There is no such snapshot." in ended.stderr
    assert installation.command("verify", "a", "b", "c").returncode == 2


@pytest.mark.threat("B7")
def test_upgrade_db(installation: Installation) -> None:
    ended = installation.command("upgrade-db")
    assert (ended.returncode, ended.stdout) == (0, "The database is up to date.\n")
    assert stat.S_IMODE(installation.database.stat().st_mode) == 0o600
    with sqlite3.connect(installation.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    ended = installation.command("upgrade-db")
    assert ended.returncode == 1
    assert "Upgrade the program" in ended.stderr
    ended = installation.command("snapshot", "hw")
    assert ended.returncode == 1
    assert "has schema 9999" in ended.stderr
    assert [name for name in os.listdir(installation.place) if name.endswith(".bak")] == []
