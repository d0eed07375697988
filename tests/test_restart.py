"""The service is killed, or stopped, in the middle of its work, and started again.

Real processes and real signals. What was done stays done, nothing half-made is ever visible, and
what was not done is done after the next start, once for every student.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyterhub_snapshots.core.names import SERVICE_DIR
from jupyterhub_snapshots.engine import verify
from processes import Installation, RunningService, eventually, is_running

STUDENTS = [f"s{number}" for number in range(6)]
ONE_AT_A_TIME = "c.LocalExecutor.max_concurrent_captures = 1\n"
MiB = 1024**2


@pytest.fixture
def installation(place: Path) -> Iterator[Installation]:
    made = Installation(place, *STUDENTS, config=ONE_AT_A_TIME)
    yield made
    made.close()


def states(batch: dict[str, Any]) -> dict[str, str]:
    return {item["student"]: item["state"] for item in batch["items"]}


def kill_service(service: RunningService) -> None:
    """As the kernel does it to one process."""
    service.kill()


def kill_all(service: RunningService) -> None:
    """As the kernel does it to a whole container."""
    below = [*service.workers, *service.rsyncs]
    service.kill()
    for process in below:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def assert_resumed(installation: Installation, batch: dict[str, Any]) -> None:
    """After a start: the batch says the truth, and every student was captured once."""
    service = installation.start()
    ended = service.wait_for(batch["id"])
    assert states(ended) == dict.fromkeys(STUDENTS, "done")
    assert installation.snapshots() == {student: [batch["name"]] for student in STUDENTS}
    installation.assert_sound(batch["name"])
    listed = service.client.get("/api/v1/instructors/me/courses/course/snapshots").json()
    assert [(each["student"], each["name"]) for each in listed] == [
        (student, batch["name"]) for student in STUDENTS
    ]
    noted = "SELECT student, count(*), min(batch_id) FROM snapshots GROUP BY student"
    wanted = [(student, 1, batch["id"]) for student in STUDENTS]
    with contextlib.suppress(AssertionError):
        eventually(lambda: installation.query(noted) == wanted, "the catalogue knows all", 10)
    assert installation.query(noted) == wanted, service.text
    service.terminate()


@pytest.mark.threat("K1", "T8")
@pytest.mark.parametrize(("done", "kill"), [(0, kill_service), (3, kill_all), (5, kill_service)])
def test_killed_while_some_are_queued(
    installation: Installation, done: int, kill: Callable[[RunningService], None]
) -> None:
    service = installation.start()
    with installation.held(STUDENTS[done]):
        batch = service.capture()
        eventually(lambda: states(service.batch(batch["id"]))[STUDENTS[done]] == "running", "there")
        before = service.batch(batch["id"])
        assert list(states(before).values()) == [
            *["done"] * done,
            "running",
            *["queued"] * (5 - done),
        ]
        kill(service)
        seen = [student for student, names in installation.snapshots().items() if names]
        assert seen == STUDENTS[:done]
    inodes = {
        student: (installation.root / student / batch["name"]).stat().st_ino for student in seen
    }
    assert_resumed(installation, batch)
    for student, inode in inodes.items():
        assert (installation.root / student / batch["name"]).stat().st_ino == inode


@pytest.mark.threat("K1", "K2", "K6", "R4")
@pytest.mark.parametrize("kill", [kill_service, kill_all])
def test_killed_in_the_middle_of_a_copy(
    installation: Installation, kill: Callable[[RunningService], None]
) -> None:
    endless = installation.homes["s0"].sparse("endless", 9 * 1024 * MiB)
    service = installation.start()
    batch = service.capture()
    eventually(lambda: service.rsyncs, "rsync runs")
    workers = service.workers
    kill(service)
    if kill is kill_service:
        eventually(lambda: not installation.marked(), "a worker without a service ends its rsync")
    assert not (installation.root / "s0" / batch["name"]).exists()
    os.truncate(endless, 10)
    assert_resumed(installation, batch)
    assert not any(map(is_running, workers))


@pytest.mark.threat("K1", "B1", "B6")
def test_killed_between_the_rename_and_the_catalogue(installation: Installation) -> None:
    service = installation.start()
    with ExitStack() as until_killed:
        with installation.held("s0"):
            batch = service.capture()
            eventually(lambda: installation.query("SELECT 1 FROM batch_items"), "noted")
            eventually(lambda: service.workers, "the first runs")
            until_killed.enter_context(installation.locked_database())
        eventually(
            lambda: set(states(service.batch(batch["id"])).values()) == {"done"},
            "all are done, though nobody can write it down",
        )
        service.kill()
    assert installation.query("SELECT count(*) FROM snapshots") == [(0,)]
    assert installation.query("SELECT count(*) FROM batch_items WHERE state = 'done'") == [(0,)]
    assert_resumed(installation, batch)


@pytest.mark.threat("K2", "N7", "D8")
def test_a_worker_is_killed_and_the_others_go_on(installation: Installation) -> None:
    endless = installation.homes["s2"].sparse("endless", 9 * 1024 * MiB)
    service = installation.start()
    batch = service.capture()
    eventually(lambda: states(service.batch(batch["id"]))["s2"] == "running", "s2 is running")
    eventually(lambda: service.rsyncs, "rsync runs")
    (worker,) = service.workers
    os.kill(worker, signal.SIGKILL)
    ended = service.wait_for(batch["id"], "failed")
    assert states(ended) == dict.fromkeys(STUDENTS, "done") | {"s2": "failed"}
    (failed,) = (item for item in ended["items"] if item["student"] == "s2")
    assert failed["errorCode"] == "worker_lost"
    assert failed["attempts"] == 1
    assert installation.marked() == []
    assert os.listdir(installation.root / SERVICE_DIR / "staging") == []
    os.truncate(endless, 10)
    again = service.client.post(
        f"/api/v1/instructors/me/courses/course/batches/{batch['id']}/retry"
    )
    assert again.status_code == 202
    ended = service.wait_for(batch["id"])
    assert states(ended) == dict.fromkeys(STUDENTS, "done")
    installation.assert_sound(batch["name"])


def put_large_snapshot(installation: Installation, size: int) -> None:
    tree = installation.root / "s0" / "large_2026-01-01"
    tree.mkdir(parents=True)
    (tree / "data").touch()
    os.truncate(tree / "data", size)


def zip_form() -> dict[str, str]:
    return {"STUDENT_ID": "s0", "SNAPSHOT_NAME": "large_2026-01-01"}


@pytest.mark.threat("K1", "K6", "Z10")
def test_killed_during_a_download(installation: Installation) -> None:
    put_large_snapshot(installation, 64 * MiB)
    service = installation.start()

    def download(service: RunningService) -> bytes:
        with service.client.stream("POST", "/get_snapshot_zip", data=zip_form()) as response:
            assert response.status_code == 200
            pieces = [next(stream := response.iter_bytes(MiB))]
            if service.port == first:
                service.process.kill()
            return b"".join([*pieces, *stream])

    first = service.port
    with pytest.raises(httpx.TransportError):
        download(service)
    service.kill()
    whole = download(installation.start())
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert archive.infolist()[-1].file_size == 64 * MiB


@pytest.mark.threat("K4", "K1")
def test_stopped_with_captures_and_a_download_in_flight(installation: Installation) -> None:
    put_large_snapshot(installation, 64 * MiB)
    service = installation.start()
    with (
        installation.held("s1"),
        service.client.stream("POST", "/get_snapshot_zip", data=zip_form()) as response,
    ):
        stream = response.iter_bytes(MiB)
        pieces = [next(stream)]
        batch = service.capture()
        eventually(lambda: states(service.batch(batch["id"]))["s1"] == "running", "there")
        service.process.terminate()
        eventually(lambda: not service.workers, "captures are stopped at once")
        assert service.process.poll() is None
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{service.port}/health")
        pieces.extend(stream)
        assert len(b"".join(pieces)) == int(response.headers["Content-Length"])
    assert service.process.wait(10) == 0
    assert "Stopping" in service.text
    stored = installation.query("SELECT student, state FROM batch_items ORDER BY id")
    assert stored == [("s0", "done"), *((student, "queued") for student in STUDENTS[1:])]
    assert not (installation.root / "s1" / batch["name"]).exists()
    service = installation.start()
    service.wait_for(batch["id"])
    installation.assert_sound(batch["name"], *STUDENTS[1:])


@pytest.mark.threat("K4", "D4")
def test_a_reader_who_does_not_read_holds_up_no_stop(installation: Installation) -> None:
    put_large_snapshot(installation, 256 * MiB)
    service = installation.start("--ServeApp.stop_grace_seconds=0.5")
    with service.client.stream("POST", "/get_snapshot_zip", data=zip_form()) as response:
        stream = response.iter_bytes(1024)
        next(stream)
        began = time.monotonic()
        service.process.terminate()
        assert service.process.wait(15) == 0
        assert time.monotonic() - began >= 0.5
        with pytest.raises(httpx.TransportError):
            list(stream)


@pytest.mark.threat("K4", "J3")
def test_whoever_stops_all_processes_at_once_loses_nothing(installation: Installation) -> None:
    """As systemd does: the workers get SIGTERM, too."""
    service = installation.start()
    with installation.held("s2"):
        batch = service.capture()
        eventually(lambda: states(service.batch(batch["id"]))["s2"] == "running", "there")
        for process in (*service.workers, service.process.pid):
            os.kill(process, signal.SIGTERM)
        assert service.process.wait(15) == 0
    stored = dict(installation.query("SELECT student, state FROM batch_items"))
    assert set(stored.values()) == {"done", "queued"}
    assert_resumed(installation, batch)


@pytest.mark.threat("K5", "K1", "T8")
def test_killed_over_and_over(installation: Installation) -> None:
    chance = random.Random(5)
    installation.config.write_text("")
    for home in installation.homes.values():
        for number in range(40):
            home.file(f"folder/file{number}", os.urandom(2000))
    accepted: list[dict[str, Any]] = []
    end = time.monotonic() + 7
    while time.monotonic() < end:
        service = RunningService(installation, [], {})
        installation.services.append(service)
        with contextlib.suppress(httpx.TransportError, AssertionError):
            if chance.random() < 0.8:
                service.wait_until_ready()
                accepted.append(service.capture(f"hw{len(accepted)}"))
            time.sleep(chance.random() * 0.6)
        chance.choice([kill_service, kill_all])(service)
    assert len(accepted) >= 2
    service = installation.start()
    for batch in accepted:
        ended = service.wait_for(batch["id"])
        assert states(ended) == dict.fromkeys(STUDENTS, "done")
    wanted = sorted(batch["name"] for batch in accepted)
    assert installation.snapshots() == dict.fromkeys(STUDENTS, wanted)
    for student in STUDENTS:
        for name in wanted:
            assert list(verify(str(installation.root), student, name)) == []
    assert os.listdir(installation.root / SERVICE_DIR / "staging") == []
    assert service.terminate() == 0
    assert installation.marked() == []
    assert installation.query("PRAGMA integrity_check") == [("ok",)]
