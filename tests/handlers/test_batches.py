"""Batches over HTTP: progress, server-sent events, retry, cancel."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from jupyterhub_snapshots.engine import CaptureResult
from jupyterhub_snapshots.handlers import batches as batch_handlers
from service import RunningService, assert_error

COURSE = "/api/v1/instructors/me/courses/phys"


async def start(service: RunningService, name: str = "Final Exam") -> httpx.Response:
    answer = await service.post(f"{COURSE}/snapshots", json={"name": name})
    assert answer.status_code == 202
    return answer


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


@pytest.fixture
def held(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Captures that wait until the event is set."""
    gate = asyncio.Event()
    executor = service.services.batches._captures._executor
    submit = executor.submit

    async def wait(job: Any, queue: str, started: Any) -> CaptureResult:
        started()
        await gate.wait()
        return await submit(job, queue)

    monkeypatch.setattr(executor, "submit", wait)
    return gate


@pytest.mark.threat("N7", "D8")
async def test_one_bad_home_does_not_stop_the_others_and_can_be_retried(
    service: RunningService,
) -> None:
    service.home("alice").file("a.txt")
    started = await start(service)
    assert started.json()["state"] == "running"
    location = started.headers["Location"].removeprefix(service.prefix)
    assert location == f"{COURSE}/batches/{started.json()['id']}"
    followed = await service.get(f"{location}/events")
    kinds = events(followed.text)
    assert [kind for kind, _ in kinds][-1] == "end"
    ended = kinds[-1][1]
    assert ended == (await service.get(location)).json()
    assert ended["counts"] == {"done": 1, "failed": 1}
    alice, bob = ended["items"]
    assert (alice["student"], alice["state"], alice["files"]) == ("alice", "done", 1)
    assert (bob["student"], bob["state"], bob["errorCode"]) == ("bob", "failed", "home_not_found")
    service.home("bob").file("b.txt")
    again = await service.post(f"{location}/retry")
    assert again.status_code == 202
    assert again.headers["Location"].endswith(location)
    ended = events((await service.get(f"{location}/events")).text)[-1][1]
    assert ended["state"] == "done"
    assert [item["attempts"] for item in ended["items"]] == [1, 2]
    [listed] = (await service.get(f"{COURSE}/batches")).json()
    del ended["items"]
    assert listed == ended


async def test_events_of_an_ended_batch_end_at_once(service: RunningService) -> None:
    service.home("alice")
    service.home("bob")
    started = await start(service)
    await service.services.batches.wait(started.json()["id"])
    followed = await service.get(f"{COURSE}/batches/{started.json()['id']}/events")
    assert followed.headers["Content-Type"] == "text/event-stream"
    assert [kind for kind, _ in events(followed.text)] == ["items", "end"]


async def test_events_reconnect_slow_reader_and_cancel(
    service: RunningService, held: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_handlers, "HEARTBEAT_SECONDS", 0.02)
    service.home("alice")
    service.home("bob")
    number = (await start(service)).json()["id"]
    route = f"{COURSE}/batches/{number}"
    live = service.services.batches._live[number]
    assert_error(await service.post(f"{route}/retry"), 409, "batch_running")
    for _ in range(2):  # a client that goes away and one that comes back
        async with service.client.stream(
            "GET", f"{service.url}{route}/events", headers=service.headers
        ) as followed:
            text = ""
            async for piece in followed.aiter_text():
                text += piece
                if "still running" in text:
                    break
            [(kind, items)] = events(text)
            assert kind == "items"
            assert {item["state"] for item in items} <= {"queued", "running"}
    for _ in range(100):  # nothing is kept for those who went away
        if not live._watches:
            break
        await asyncio.sleep(0.02)
    assert not live._watches
    slow = service.slow_socket()
    token = service.headers["Authorization"]
    target = f"{service.prefix}{route}/events"
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
    await asyncio.get_running_loop().sock_sendall(slow, request.encode())
    cancelled = await service.fetch("DELETE", route)
    assert cancelled.json()["counts"] == {"cancelled": 2}
    assert (await service.get(route)).json()["state"] == "cancelled"
    slow.close()
    held.set()
    assert (await service.post(f"{route}/retry")).status_code == 202
    ended = events((await service.get(f"{route}/events")).text)[-1][1]
    assert ended["counts"] == {"done": 2}
    assert (await service.fetch("DELETE", route)).json()["counts"] == {"done": 2}


@pytest.mark.threat("A13")
async def test_batches_of_other_courses_and_odd_numbers(service: RunningService) -> None:
    service.home("alice")
    service.home("bob")
    number = (await start(service)).json()["id"]
    await service.services.batches.wait(number)
    carl = {"Authorization": "token token-carl"}
    route = f"/api/v1/instructors/me/courses/chem/batches/{number}"
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/events")):
        answer = await service.fetch(method, route + path, headers=carl)
        assert_error(answer, 404, "batch_not_found")
    for text in ("0", "-1", "1.5", "x", "9" * 30, "%31%00", "²", "1%20"):
        assert_error(await service.get(f"{COURSE}/batches/{text}"), 404, "batch_not_found")
