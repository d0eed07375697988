"""Bodies, slow clients and floods: refused or waited for, while others are served."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from jupyterhub_snapshots.handlers import streaming
from jupyterhub_snapshots.metrics import RUNNING_DOWNLOADS
from service import SITE_KEY, RunningService, assert_error

NAME = "hw_2026-01-31"
HEAD = f"Host: x\r\nX-Api-Key: {SITE_KEY}\r\n"
MIB = 1 << 20


def rss() -> int:
    """Resident bytes of this process, which is the service too."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def open_files(name: str) -> list[str]:
    """Descriptors of this process that a file of that name is open on."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/self/fd/{number}").endswith(name):
                found.append(number)
    return found


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.threat("D1", "U13")
async def test_too_large_is_told_and_the_connection_not_reset(single: RunningService) -> None:
    single.home("alice")
    form = {"STUDENT_ID": "alice"}
    for size in (2 * MIB + 1, 20 * MIB):
        for send in (
            single.post("/put_student_report", form, files={"UPLOAD_FILE": ("x.txt", b"x" * size)}),
            single.post("/get_snapshot_list", {"STUDENT_ID": "x" * size}),
        ):
            assert_error(await send, 413, "too_large")

    async def chunked() -> object:
        for _ in range(40):
            yield b"x" * 65536

    answer = await single.post("/get_snapshot_list", content=chunked())
    assert_error(answer, 413, "too_large")
    nobody = await single.client.post(f"{single.url}/snapshot", content=b"x" * (3 * MIB))
    assert_error(nobody, 401)
    assert list((single.place / "homes/alice").iterdir()) == []


async def send_huge_and_endless(service: RunningService, path: str) -> None:
    before = rss()
    began = time.monotonic()
    post = f"POST {service.prefix}{path} HTTP/1.1\r\n{HEAD}"
    for extra in ("", "Expect: 100-continue\r\n"):
        answer = await service.raw(f"{post}{extra}Content-Length: {10 << 30}\r\n\r\n".encode())
        assert b" 413 " in answer
        assert b"The body is over the limit" in answer
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(f"{post}Transfer-Encoding: chunked\r\n\r\n".encode())
    sent, chunk = 0, b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with contextlib.suppress(ConnectionError):
        while sent < 200 * MIB:
            writer.write(chunk)
            await writer.drain()
            sent += 65536
    writer.close()
    assert sent < 64 * MIB
    assert rss() - before < 48 * MIB
    assert time.monotonic() - began < 10


@pytest.mark.threat("D1", "D2", "U13")
async def test_huge_and_endless_bodies_are_cut(single: RunningService) -> None:
    for path in ("/snapshot", "/health"):
        await send_huge_and_endless(single, path)


@pytest.mark.threat("D1", "D2")
async def test_huge_and_endless_bodies_are_cut_where_browsers_sign_in(
    service: RunningService,
) -> None:
    for path in ("/oauth_callback", "/"):
        await send_huge_and_endless(service, path)
    home = await service.client.get(f"{service.url}/")
    assert home.headers["Location"] == f"{service.prefix}/api/v1/docs"
    page = await service.client.get(f"{service.url}/oauth_callback")
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.threat("P17", "D1", "D11")
async def test_forms_that_are_none(single: RunningService) -> None:
    single.put_snapshot("alice", NAME)
    fields = "&".join(f"f{n}=x" for n in range(20_000)).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    part = b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n'
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    parts = b"".join(part % n for n in range(3000)) + b"--b--\r\n"
    odd_name = (
        b'--b\r\nContent-Disposition: form-data; name="STUDENT_ID"; filename="%s"\r\n\r\n'
        b"alice\r\n--b--\r\n"
    )
    cases: list[tuple[dict[str, str], bytes]] = [
        (form, fields),
        (form, b"&" * MIB),
        (form, b"=" * MIB),
        (multipart, parts),
        (multipart, odd_name % b"a.txt"),
        (multipart, odd_name % b"\xff"),
        (multipart, b'--b\r\nContent-Disposition: form-data; name="STUDENT_ID"\r\n\r\nali'),
        (multipart, b"--b\r\n\r\nalice\r\n--b--\r\n"),
        ({"Content-Type": "multipart/form-data"}, b"STUDENT_ID=alice"),
        ({"Content-Type": "multipart/form-data; boundary="}, b"STUDENT_ID=alice"),
        ({"Content-Type": "application/json"}, b'{"STUDENT_ID": "alice"}'),
        (
            {"Content-Type": "text/xml"},
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        ),
        ({"Content-Type": "text/plain"}, b"STUDENT_ID=alice"),
        ({}, b"STUDENT_ID=alice"),
        (form, "STUDENT_ID=alice".encode("utf-16")),
        (form, b"STUDENT_ID=+AGEAbABpAGMAZQ-"),
        ({**form, "Content-Encoding": "gzip"}, gzip.compress(b"STUDENT_ID=" + b"x" * (30 * MIB))),
    ]
    for headers, body in cases:
        began = time.monotonic()
        answer = await single.fetch("POST", "/get_snapshot_list", headers=headers, content=body)
        assert answer.status_code in (400, 404, 406), (headers, body[:50])
        assert_error(answer, answer.status_code)
        assert time.monotonic() - began < 2


@pytest.mark.threat("D11", "P8")
async def test_names_of_a_megabyte(single: RunningService) -> None:
    single.home("alice")
    for name in ("é" * 100_000, " -" * 300_000, "a" * 900_000):
        began = time.monotonic()
        answer = await single.post("/snapshot", {"STUDENT_ID": "alice", "SNAPSHOT_NAME": name})
        assert_error(answer, 406)
        for route in ("/get_snapshot_zip", "/get_snapshot_file_list"):
            answer = await single.post(route, {"STUDENT_ID": name, "SNAPSHOT_NAME": name})
            assert_error(answer, 404)
            assert len(answer.content) < 5000
        assert time.monotonic() - began < 2
    assert max(len(line["student"] or "") for line in await single.audit()) <= 255


@pytest.mark.threat("D3", "D7")
async def test_slow_clients_do_not_keep_others_waiting(single: RunningService) -> None:
    halves = [
        b"", b"GET /hea", f"GET /health HTTP/1.1\r\n{HEAD}".encode(),
        f"POST /snapshot HTTP/1.1\r\n{HEAD}Content-Length: 1000\r\n\r\nSTUD".encode(),
    ]  # fmt: skip
    open_ones = []
    for number in range(200):
        _, writer = await asyncio.open_connection("127.0.0.1", single.port)
        writer.write(halves[number % len(halves)])
        open_ones.append(writer)
    began = time.monotonic()
    assert (await single.get("/health")).status_code == 200
    assert_error(await single.post("/get_snapshot_list", {"STUDENT_ID": "x"}), 404)
    assert time.monotonic() - began < 2
    for writer in open_ones:
        writer.close()


def big(single: RunningService) -> Path:
    """A stored file that fits into no buffer."""
    single.home("alice")
    path = single.put_snapshot("alice", NAME, [("small.txt", b"x")])
    with open(path / "big.bin", "wb") as file:
        file.truncate(64 * MIB)
    return path / "big.bin"


ZIP = f"/api/v1/instructors/me/courses/STAT100a/students/alice/snapshots/{NAME}/archive.zip"
FILE = ZIP.replace("archive.zip", "files/big.bin")


async def ask(single: RunningService, path: str) -> object:
    client = single.slow_socket()
    request = f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode()
    await asyncio.get_running_loop().sock_sendall(client, request)
    return client


@pytest.mark.threat("D4", "Z8")
async def test_clients_that_do_not_read_hold_little_and_are_given_up(
    single: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    big(single)
    monkeypatch.setattr(streaming, "STALL_SECONDS", 0.5)
    before = rss()
    clients = [await ask(single, path) for path in (ZIP, FILE) * 8]
    began = time.monotonic()
    answer = await single.get(ZIP.replace("archive.zip", "files/small.txt"))
    assert answer.content == b"x"
    assert time.monotonic() - began < 3
    assert rss() - before < 64 * MIB
    await until(lambda: RUNNING_DOWNLOADS._value.get() == 0, 15)
    await until(lambda: not streaming._zips)
    for client in clients:
        client.close()


@pytest.mark.threat("D5")
async def test_a_dropped_download_ends_its_work(single: RunningService) -> None:
    big(single)
    clients = [await ask(single, path) for path in (ZIP, FILE) * 6]
    await until(lambda: RUNNING_DOWNLOADS._value.get() == 12)
    assert open_files("big.bin")
    for client in clients:
        client.close()
    await until(lambda: RUNNING_DOWNLOADS._value.get() == 0)
    await until(lambda: not open_files("big.bin"))
    await until(lambda: not streaming._zips)
    await until(lambda: len(single.services.audit._pending) == 0)
    assert sum(line["action"] == "download" for line in await single.audit()) == 6


@pytest.mark.threat("Z10", "Z17")
async def test_a_transfer_that_broke_looks_broken(single: RunningService) -> None:
    async def download(path: str, harm: Callable[[], object]) -> None:
        async with single.client.stream("GET", single.url + path, headers=single.headers) as answer:
            assert answer.status_code == 200
            pieces = answer.aiter_bytes(65536)
            await anext(pieces)
            harm()
            async for _ in pieces:
                pass

    stored = big(single)
    for path, harm in (
        (ZIP, stored.with_name("small.txt").unlink),
        (ZIP, lambda: os.truncate(stored, 5 * MIB)),
        (FILE, lambda: os.truncate(stored, 5 * MIB)),
    ):
        os.truncate(stored, 64 * MIB)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await download(path, harm)
    os.truncate(stored, 64 * MIB)
    # Out of sight is not out of reach: what is being read stays open.
    await download(FILE, lambda: stored.parent.rename(stored.parent.with_name("gone")))


@pytest.mark.threat("D6")
async def test_too_many_zips_are_asked_to_come_back(
    single: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    big(single)
    monkeypatch.setattr(streaming, "MAX_ZIPS_EACH", 2)
    clients = [await ask(single, ZIP) for _ in range(2)]
    await until(lambda: RUNNING_DOWNLOADS._value.get() == 2)
    answers = await asyncio.gather(*(single.get(ZIP) for _ in range(20)))
    for answer in answers:
        body = assert_error(answer, 503, "busy")
        assert int(answer.headers["Retry-After"]) == body["details"]["retryAfterSeconds"] == 10
    assert (await single.get("/health")).status_code == 200
    for client in clients:
        client.close()
    await until(lambda: not streaming._zips)
    assert (await single.get(ZIP)).status_code == 200


@pytest.mark.threat("D12")
async def test_the_class_is_not_captured_in_a_loop(single: RunningService) -> None:
    single.application.settings["snapshot_all_interval_seconds"] = 3600
    single.home("alice").file("a.txt")
    assert (await single.post("/snapshot_all", {"SNAPSHOT_NAME": "one"})).status_code == 200
    answer = await single.post("/snapshot_all", {"SNAPSHOT_NAME": "two"})
    assert_error(answer, 429, "too_many_attempts")
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600


@pytest.mark.threat("D7", "D8")
async def test_requests_at_once_for_one_snapshot(single: RunningService) -> None:
    single.home("alice").file("a.txt")
    form = {"STUDENT_ID": "alice", "SNAPSHOT_NAME": "Same name"}
    sent: list[Awaitable[object]] = [single.post("/snapshot", form) for _ in range(4)]
    answers = await asyncio.gather(*sent)
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    [name] = (await single.post("/get_snapshot_list", {"STUDENT_ID": "alice"})).json()
    files = await single.post("/get_snapshot_file_list", {**form, "SNAPSHOT_NAME": name})
    assert files.json() == ["a.txt"]
