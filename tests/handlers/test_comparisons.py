"""What changed between two snapshots of a student, over HTTP."""

from __future__ import annotations

import asyncio
import resource
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyterhub_snapshots import comparison
from jupyterhub_snapshots.core.manifest import Entry, Header, dump_entry, dump_header
from jupyterhub_snapshots.engine import CaptureJob, capture, sidecar
from jupyterhub_snapshots.engine.sidecar import manifest_name
from jupyterhub_snapshots.handlers import comparisons
from service import RunningService, assert_error

BELOW = "/api/v1/instructors/me/courses/phys/students/alice/snapshots"
OWN = "/api/v1/users/me/courses/phys/snapshots"
ALICE = {"Authorization": "token token-alice"}
FIRST, SECOND = "hw-1_2026-01-31", "hw-2_2026-02-28"


def take(service: RunningService, name: str) -> Path:
    """A snapshot of alice's home as it is now; its tree."""
    root = service.course("phys").root
    job = CaptureJob(
        home=str(service.place / "homes/alice"),
        root=root,
        student="alice",
        snapshot=name,
        capture_id=name,
    )
    capture(job)
    return Path(root, "alice", name)


@pytest.fixture
def two(service: RunningService) -> RunningService:
    home = service.home("alice")
    for name in ("same.txt", "gone.txt", "changed.txt", "d/e/deep.txt"):
        home.file(name, b"before")
    take(service, FIRST)
    (home / "gone.txt").unlink()
    (home / "changed.txt").write_bytes(b"after it")
    home.file("d/new.txt", b"new")
    home.file(b"caf\xe9.txt", b"x")
    take(service, SECOND)
    return service


async def test_what_changed(two: RunningService) -> None:
    for route in (BELOW, OWN):
        answer = await two.get(f"{route}/{SECOND}/compare?with={FIRST}", headers=ALICE)
        assert answer.json() == {
            "base": FIRST,
            "other": SECOND,
            "counts": {"added": 2, "removed": 1, "changed": 1},
            "truncated": False,
            "entries": [
                {"path": path, "change": change, "type": "file", "size": size, "baseSize": base}
                for path, change, size, base in (
                    ("caf\udce9.txt", "added", 1, None),
                    ("changed.txt", "changed", 8, 6),
                    ("d/new.txt", "added", 3, None),
                    ("gone.txt", "removed", None, 6),
                )
            ],
        }
        first = await two.get(f"{route}/{SECOND}/compare?with={FIRST}&limit=1", headers=ALICE)
        assert [each["path"] for each in first.json()["entries"]] == ["caf\udce9.txt"]
        assert first.json()["counts"] == {"added": 2, "removed": 1, "changed": 1}
        assert first.json()["truncated"] is True
        same = await two.get(f"{route}/{FIRST}/compare?with={FIRST}", headers=ALICE)
        assert same.json()["counts"] == {"added": 0, "removed": 0, "changed": 0}
    line = (await two.audit())[0]
    assert (line["action"], line["student"]) == ("read files", "alice")
    assert line["target"] == f"{SECOND} compared with {FIRST}"


@pytest.mark.threat("F8")
async def test_without_a_manifest(two: RunningService) -> None:
    two.put_snapshot("alice", "older_2020-01-01", course="phys")
    folder = Path(two.course("phys").root, "alice")
    for name in ("damaged", "headless"):
        take(two, f"{name}_2026-03-01")
    damaged = folder / manifest_name("damaged_2026-03-01")
    damaged.write_bytes(damaged.read_bytes().replace(b"same.txt", b'same"txt'))
    (folder / manifest_name("headless_2026-03-01")).write_bytes(b"\xff\n")
    for name, advice in (
        ("older_2020-01-01", "jupyterhub-snapshots import"),
        ("damaged_2026-03-01", "jupyterhub-snapshots verify"),
        ("headless_2026-03-01", "jupyterhub-snapshots import"),
    ):
        for query in (f"{FIRST}/compare?with={name}", f"{name}/compare?with={FIRST}"):
            answer = await two.get(f"{BELOW}/{query}")
            error = assert_error(answer, 409, "manifest_missing")
            assert advice in error["message"]
            assert error["details"] == {"snapshot": name}


async def test_deleted_meanwhile(two: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(two.course("phys").root, "alice")
    real = sidecar.read_header

    def deleted_meanwhile(*place: Any) -> object:
        (folder / SECOND).rename(folder / f".{SECOND}.deleted")
        (folder / manifest_name(SECOND)).unlink()
        monkeypatch.setattr(sidecar, "read_header", real)
        return real(*place)

    monkeypatch.setattr(sidecar, "read_header", deleted_meanwhile)
    answer = await two.get(f"{BELOW}/{SECOND}/compare?with={FIRST}")
    assert_error(answer, 404, "snapshot_not_found")


@pytest.mark.threat("D6")
async def test_too_many_are_asked_to_come_back(
    two: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the clients have left: the work goes on."""
    go_on = threading.Event()
    compare = comparison.compare

    def waiting(*entries: Any) -> object:
        go_on.wait(30)
        return compare(*entries)

    monkeypatch.setattr(comparison, "compare", waiting)
    path = f"{BELOW}/{SECOND}/compare?with={FIRST}"
    try:
        for _ in range(comparisons.MAX_COMPARISONS_EACH):
            with pytest.raises(httpx.ReadTimeout):
                await two.get(path, timeout=0.3)
        answer = await two.get(path)
        body = assert_error(answer, 503, "busy")
        assert int(answer.headers["Retry-After"]) == body["details"]["retryAfterSeconds"] == 10
        assert (await two.get("/api/v1")).status_code == 200
    finally:
        go_on.set()
    for _ in range(250):
        answer = await two.get(path)
        if answer.status_code == 200:
            break
        await asyncio.sleep(0.02)
    assert answer.status_code == 200
    assert not comparisons._running


@pytest.mark.threat("P1", "P3", "P15")
async def test_refused(two: RunningService) -> None:
    two.put_snapshot("bob", "bobs_2026-01-31", course="phys")
    for query, status in (
        ("", 400), (f"with={FIRST}&limit=0", 400), (f"with={FIRST}&limit=5001", 400),
        (f"with={FIRST}&limit=x", 400), ("with=", 404), ("with=nothing", 404), ("with=..", 404),
        ("with=../bob/bobs_2026-01-31", 404), ("with=bobs_2026-01-31", 404), ("with=%FF", 404),
        (f"with=.{FIRST}.manifest", 404), ("with=%00", 404), ("with=" + "x" * 300, 404),
    ):  # fmt: skip
        assert_error(await two.get(f"{BELOW}/{SECOND}/compare?{query}"), status)
    assert_error(await two.get(f"{BELOW}/nothing/compare?with={FIRST}"), 404)
    other = BELOW.replace("alice", "bob")
    assert_error(
        await two.get(f"{other}/bobs_2026-01-31/compare?with=bobs_2026-01-31", headers=ALICE), 403
    )


@pytest.mark.threat("D7")
async def test_long_manifests_are_read_as_streams(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a thread, and not in memory: twice 50,000 files, all of them changed."""
    folder = Path(service.course("phys").root, "alice")
    for name, digest in ((FIRST, "00"), (SECOND, "ff")):
        (folder / name).mkdir(parents=True)
        header = Header(
            "alice", name, name, "complete", "2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z"
        )
        with (folder / manifest_name(name)).open("wb") as file:
            file.write(dump_header(header))
            for number in range(50_000):
                path = f"{number:06}-{'x' * 80}"
                file.write(dump_entry(Entry(path, "file", 1, 0, 0, 0o644, 1, 1, digest)))
    made_in = set()
    compare = comparison.compare

    def watched(*entries: object) -> object:
        made_in.add(threading.current_thread())
        return compare(*entries)  # type: ignore[arg-type]

    monkeypatch.setattr(comparison, "compare", watched)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await service.get(f"{BELOW}/{SECOND}/compare?with={FIRST}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert answer.json()["counts"] == {"added": 0, "removed": 0, "changed": 50_000}
    assert len(answer.json()["entries"]) == 1000
    assert len(answer.content) < 300_000
    assert threading.main_thread() not in made_in
    assert grown < 16 * 1024  # kB; both manifests are 25 MB as entries
