"""How the service starts, what it refuses, and what it says then."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from homes import IS_ROOT, SOMEBODY
from jupyterhub_snapshots.app import ServeApp
from jupyterhub_snapshots.base_app import SnapshotsApp
from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.core.records import Course, Role, Snapshot
from jupyterhub_snapshots.errors import InvalidRequest, SnapshotsError, StorageUnavailable
from jupyterhub_snapshots.snapshots import lock_path
from jupyterhub_snapshots.store import Store, catalog, people
from processes import KEY, Installation, environment, free_port
from service import RunningService


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("JUPYTER", "JNOTE_", "DEBUG")):
            monkeypatch.delenv(name)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/catalogue.sqlite")
    made.open()
    yield made
    made.close()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "snapshots"
    folder.mkdir(mode=0o700)
    return folder


PHYS = {"code": "phys", "title": "Physics 101", "time_zone": "Europe/Berlin"}


def open_courses(store: Store, top: Path | None, *courses: Any, **options: Any) -> list[Course]:
    app = SnapshotsApp(courses=list(courses), **options)
    if top is not None:
        app.snapshots_dir = str(top)
    return app.open_courses(store)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Keys


@pytest.mark.threat("A2")
@pytest.mark.parametrize("key", [None, "", "12345", "short", "fifteen-letters"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "0.0.0.0", "", "192.0.2.1"])
def test_a_key_that_anybody_could_guess(
    key: str | None, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if key is not None:
        monkeypatch.setenv("JUPYTER_API_KEY", key)
    app = ServeApp(ip=address, log=logging.getLogger("app"))
    if address in ("127.0.0.1", "::1", "localhost"):
        assert app._site_key() == (key or None)
        assert "accepted on" in caplog.text
    else:
        with pytest.raises(SystemExit):
            app._site_key()
    assert "secrets.token_hex" in caplog.text
    assert not key or len(key) < 6 or key not in caplog.text


@pytest.mark.threat("A8")
def test_a_good_key_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_API_KEY", KEY)
    app = ServeApp()
    assert app.ip == "0.0.0.0"
    assert app._site_key() == KEY
    assert "JUPYTER_API_KEY" not in os.environ


# Folders


def test_a_course_with_all_that_can_be_said(store: Store, top: Path, tmp_path: Path) -> None:
    (course,) = open_courses(
        store,
        top,
        {
            **PHYS,
            "folders": ["hw"],
            "instructors": ["ina"],
            "students": ["bob"],
            "description": "d",
            "canvas_ids": {"31387714": "bob"},
        },
    )
    assert (course.code, course.title, course.time_zone) == ("phys", "Physics 101", "Europe/Berlin")
    assert (course.root, course.homes, course.folders) == (str(top / "phys"), None, ("hw",))
    assert mode(top / "phys") == 0o700
    with store.reading() as db:
        assert people.roles_of(db, "ina") == {course.id: Role.INSTRUCTOR}
        assert people.roles_of(db, "bob") == {course.id: Role.STUDENT}
        assert people.username_of_canvas_id(db, "31387714") == "bob"
    (again,) = open_courses(store, top, {"code": "phys"})
    assert (again.id, again.title) == (course.id, "phys")
    with store.reading() as db:
        assert people.roles_of(db, "ina") == people.roles_of(db, "bob") == {}


@pytest.mark.threat("D9")
def test_courses_share_the_locks_of_homes(store: Store, top: Path) -> None:
    one, other = open_courses(store, top, PHYS, {"code": "chem"})
    assert one.locks == other.locks == str(top / SERVICE_DIR / "locks")
    assert mode(top / SERVICE_DIR / "locks") == 0o700
    assert one.root != other.root
    for home in ("/homes/alice", "/homes/../../etc/passwd", "/homes/\n", "/" + "x" * 5000):
        path = lock_path(one, home)
        assert path == lock_path(other, home)
        assert re.fullmatch(re.escape(f"{one.locks}/") + "[0-9a-f]{64}", path or "")


@pytest.mark.threat("F10")
def test_a_root_that_is_missing_is_never_made(store: Store, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for top, course in ((missing, PHYS), (None, {**PHYS, "root": str(missing)}), (None, PHYS)):
        with pytest.raises(StorageUnavailable):
            open_courses(store, top, course)
    assert not missing.exists()


@pytest.mark.threat("F10", "S36")
def test_a_root_that_is_a_link_or_a_file(store: Store, top: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(top)
    (tmp_path / "file").write_text("")
    for name in ("link", "file"):
        with pytest.raises(StorageUnavailable, match="link or no folder"):
            open_courses(store, None, {**PHYS, "root": str(tmp_path / name)})


@pytest.mark.threat("F10", "B4")
def test_a_root_that_is_not_mounted(store: Store, top: Path) -> None:
    (course,) = open_courses(store, top, PHYS)
    with store.writing() as db:
        catalog.put(db, [(1, Snapshot(course.id, "alice", "ps1_2026-03-01"))])
    root = Path(course.root)
    root.rename(top / "away")
    with pytest.raises(StorageUnavailable, match="Mount their disk"):
        open_courses(store, top, PHYS)
    assert os.listdir(root) == []
    (root / SERVICE_DIR).mkdir(mode=0o700)  # what the message says when they are gone for good
    (again,) = open_courses(store, top, PHYS)
    assert (again.id, again.root) == (course.id, course.root)


@pytest.mark.threat("F11", "S24")
@pytest.mark.parametrize("open_to", [0o755, 0o750, 0o777, 0o701])
def test_a_root_open_to_others_is_closed_or_refused(store: Store, top: Path, open_to: int) -> None:
    root = top / "phys"
    root.mkdir()
    for folder in (root, top):
        folder.chmod(open_to)
        with pytest.raises(StorageUnavailable, match="chmod 700"):
            open_courses(store, top, PHYS, tighten_permissions=False)
        assert mode(folder) == open_to
        open_courses(store, top, PHYS)
        assert mode(folder) == 0o700


@pytest.mark.threat("F11")
@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder away")
def test_a_root_of_somebody_else_is_not_tightened(store: Store, top: Path) -> None:
    (top / "phys").mkdir()
    (top / "phys").chmod(0o755)
    os.chown(top / "phys", SOMEBODY, SOMEBODY)
    with pytest.raises(StorageUnavailable, match="belongs to another user"):
        open_courses(store, top, PHYS)


@pytest.mark.threat("F7", "F11")
def test_staging_is_on_the_file_system_of_the_snapshots(
    store: Store, top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course,) = open_courses(store, top, PHYS, staging_dir=str(tmp_path))
    assert course.staging == str(tmp_path / SERVICE_DIR / "staging")
    assert mode(Path(course.staging)) == 0o700
    if IS_ROOT:
        os.chown(course.staging, SOMEBODY, SOMEBODY)
        with pytest.raises(StorageUnavailable, match="belongs to another user"):
            open_courses(store, top, PHYS, staging_dir=str(tmp_path))
        os.chown(course.staging, 0, 0)
    if os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("there is one file system only")
    with pytest.raises(StorageUnavailable, match="another file system"):
        open_courses(store, top, PHYS, staging_dir="/dev/shm")
    with pytest.raises(StorageUnavailable, match="can't be used"):
        open_courses(store, top, PHYS, staging_dir="/proc/nothing")
    monkeypatch.setenv("JNOTE_INTSNAP", "/dev/shm")
    (course,) = open_courses(store, top, PHYS)
    assert course.staging is None
    monkeypatch.setenv("JNOTE_INTSNAP", str(tmp_path))
    (course,) = open_courses(store, top, PHYS)
    assert course.staging is not None


@pytest.fixture(autouse=True)
def _no_debris_in_shared_memory() -> Iterator[None]:
    yield
    folder = Path("/dev/shm", SERVICE_DIR)
    if folder.is_dir():
        (folder / "staging").rmdir()
        folder.rmdir()


# Settings


@pytest.mark.threat("A14", "P15", "P18")
@pytest.mark.parametrize(
    ("courses", "said"),
    [
        ([{}], "None can't be"),
        ([{"code": ""}], "can't be a course's code"),
        ([{"code": "../x"}], "can't be a course's code"),
        ([{"code": SERVICE_DIR}], "can't be a course's code"),
        ([{"code": 7}], "can't be a course's code"),
        ([{"code": "a", "timezone": "UTC"}], "no setting timezone"),
        ([{"code": "a", "time_zone": "Mars/Base"}], "unknown time zone"),
        ([{"code": "a", "time_zone": "../../etc/passwd"}], "unknown time zone"),
        ([{"code": "a", "instructors": "ina"}], "instructors must be a list"),
        ([{"code": "a", "folders": [1]}], "folders must be a list"),
        ([{"code": "a", "title": 3}], "title must be a text"),
        ([{"code": "a"}, {"code": "a"}], "both named 'a'"),
        ([{"code": "a", "title": "T"}, {"code": "b", "title": "T"}], "both named 'T'"),
        ([{"code": "a", "title": "b"}, {"code": "b"}], "both named 'b'"),
        ([{"code": "a", "root": "TOP"}, {"code": "b", "root": "TOP"}], "in one folder"),
        ([{"code": "a", "root": "TOP"}, {"code": "b"}], "in one folder"),
        ([{"code": "a", "root": "TOP", "homes": "TOP"}], "must be apart"),
        ([{"code": "a", "homes": "TOP"}], "must be apart"),
    ],
)
def test_settings_that_cannot_be(store: Store, top: Path, courses: list[Any], said: str) -> None:
    for course in courses:
        for name, value in course.items():
            course[name] = str(top) if value == "TOP" else value
    with pytest.raises(InvalidRequest, match=said):
        open_courses(store, top, *courses)


def test_a_course_code_is_one_folder_whatever_it_looks_like(store: Store, top: Path) -> None:
    codes = ["a:b", "*", "-rf", "Physik für Ärzte", ".hidden"]
    courses = open_courses(store, top, *({"code": code} for code in codes))
    assert [course.root for course in courses] == [str(top / code) for code in codes]


def test_the_older_servers_environment(
    store: Store, tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JNOTE_SNAP", f"{top}/")
    monkeypatch.setenv("TZ", "America/New_York")
    with pytest.raises(StorageUnavailable, match="JNOTE_HOME"):
        open_courses(store, None)
    (tmp_path / "homes").mkdir()
    monkeypatch.setenv("JNOTE_HOME", f"{tmp_path}/homes/")
    (course,) = open_courses(store, None)
    assert (course.code, course.root, course.homes) == ("course", str(top), str(tmp_path / "homes"))
    assert course.time_zone == "America/New_York"
    monkeypatch.setenv("JNOTE_COURSE_CODE", "STAT100a")
    assert open_courses(store, None)[0].code == "STAT100a"
    assert [course.code for course in open_courses(store, top.parent, {"code": "phys"})] == ["phys"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:10101", ("127.0.0.1", 10101)),
        ("http://[::1]:10101/services/x", ("::1", 10101)),
        ("http://snapshots", ("snapshots", 80)),
        ("https://snapshots", ("snapshots", 443)),
        ("", None),
        ("http://127.0.0.1:99999", None),
        ("http://127.0.0.1:abc", None),
        ("127.0.0.1:10101", None),
    ],
)
def test_where_a_hub_looks_for_the_service(
    url: str, address: tuple[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", url)
    app = ServeApp(log=logging.getLogger("app"))
    if address is None:
        with pytest.raises(SystemExit):
            app._hub_address()
    else:
        assert app._hub_address() == address


def test_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/services/snapshots")
    assert ServeApp()._prefix() == "/"
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token")
    assert ServeApp()._prefix() == "/services/snapshots/"


def test_how_much_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SnapshotsApp().log_level == logging.INFO
    for text, level in (
        ("true", 10),
        ("True", 10),
        ("TRUE", 10),
        ("1", 20),
        ("false", 20),
        ("", 20),
    ):
        monkeypatch.setenv("DEBUG", text)
        assert SnapshotsApp().log_level == level
    monkeypatch.setenv("DEBUG", "true")
    assert SnapshotsApp(config=Config(SnapshotsApp={"log_level": "ERROR"})).log_level == 40


@pytest.mark.threat("B2", "B5")
def test_the_database_is_checked_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(SnapshotsError, match="damaged"):
        SnapshotsApp(db_url=f"sqlite:///{tmp_path}/text").open_store()
    SnapshotsApp(db_url=f"sqlite:///{tmp_path}/new").open_store().close()
    assert mode(tmp_path / "new") == 0o600


# As a process


@pytest.fixture
def installation(place: Path) -> Iterator[Installation]:
    made = Installation(place, "alice", "bob")
    yield made
    made.close()


@pytest.mark.threat("R1", "O2", "A8")
def test_start_says_what_is_in_force(installation: Installation) -> None:
    service = installation.start(DEBUG="true")
    assert "rsync 3." in service.text
    assert "confined" in service.text
    assert f"Listening on 127.0.0.1:{service.port}/" in service.text
    batch = service.capture()
    service.wait_for(batch["id"])
    for child in service.workers:
        assert KEY not in Path(f"/proc/{child}/environ").read_text()
    assert service.terminate() == 0
    assert KEY not in service.text
    assert "Traceback" not in service.text


@pytest.mark.threat("B2", "B3")
def test_a_deleted_database_is_made_anew_from_the_disk(installation: Installation) -> None:
    service = installation.start()
    service.wait_for(service.capture()["id"])
    address = "/api/v1/instructors/me/courses/course/snapshots"
    before = service.client.get(address).json()
    assert len(before) == 2
    service.terminate()
    installation.database.unlink()
    service = installation.start()
    after = service.client.get(address).json()
    for snapshot in (*before, *after):
        snapshot.pop("batchId", None)
        snapshot.pop("batch", None)
    assert after == before
    assert all(snapshot["digest"] and snapshot["files"] == 1 for snapshot in after)


@pytest.mark.threat("A2", "F10", "B5", "R1")
@pytest.mark.parametrize(
    ("settings", "config", "said"),
    [
        ({"JUPYTER_API_HOST": "0.0.0.0", "JUPYTER_API_KEY": "12345"}, "", "JUPYTER_API_KEY"),
        ({"JNOTE_SNAP": "/no/such"}, "", "folder /no/such of the snapshots is missing"),
        ({"JUPYTER_API_PORT": "http"}, "", "JUPYTER_API_PORT is 'http'"),
        ({}, "c.SnapshotsApp.courses = [{'cod': 'a'}]", "no setting cod"),
        ({}, "c.LocalVolumes.home_template = '/home'", "home_template must be"),
        ({}, "c.LocalExecutor.max_concurrent_captures = 0", "max_concurrent_captures"),
        ({}, "c.Roster.student_group = 'students'", "must have {course}"),
        ({}, "this is no Python", "SyntaxError"),
        ({}, "import nothing_of_that_name", "nothing_of_that_name"),
    ],
)
def test_what_is_wrong_is_said_on_one_line(
    installation: Installation, settings: dict[str, str], config: str, said: str
) -> None:
    installation.config.write_text(config)
    (installation.root / "keep").mkdir()
    ended = installation.command(**settings)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    (line,) = (each for each in ended.stderr.splitlines() if each.startswith(("[E", "[C")))
    assert said in line


def test_a_port_that_is_taken(installation: Installation) -> None:
    service = installation.start()
    ended = installation.command(JUPYTER_API_PORT=str(service.port))
    assert ended.returncode == 1
    assert f"Can't listen on 127.0.0.1:{service.port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "jupyterhub_snapshots", *arguments]
    return subprocess.run(
        words, env=environment(), cwd=cwd, capture_output=True, text=True, timeout=60
    )


def test_help_and_configuration(tmp_path: Path) -> None:
    shown = run("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for word in (
        "keys",
        "snapshot",
        "verify",
        "import",
        "upgrade-db",
        "--config",
        "--snapshots-dir",
    ):
        assert word in shown.stdout
    assert "This is an application" not in shown.stdout
    made = run("--generate-config", cwd=tmp_path)
    assert made.returncode == 0
    for name in ("SnapshotsApp.courses", "LocalExecutor.max_concurrent_captures", "Roster."):
        assert f"# c.{name}" in made.stdout
    assert "geheim" not in made.stdout
    compile(made.stdout, "config", "exec")
    assert os.listdir(tmp_path) == []


def test_a_command_that_there_is_not(tmp_path: Path) -> None:
    ended = run("serv", cwd=tmp_path)
    assert ended.returncode == 1
    assert "'serv' is no command" in ended.stderr
    ended = run("--config=missing.py", cwd=tmp_path)
    assert ended.returncode == 1
    assert "no configuration file missing.py" in ended.stderr


def test_stops_at_once_when_idle(installation: Installation) -> None:
    service = installation.start()
    assert service.terminate() == 0
    assert asyncio.run(_connects(service.port)) is False
    assert free_port() > 0


async def _connects(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_a_store_without_snapshots_stays_empty(single: RunningService) -> None:
    """As the older server left it, until something is captured or a receipt asked for."""
    assert os.listdir(single.course("STAT100a").root) == []
