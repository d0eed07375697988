"""Personal keys over HTTP, and what is no key."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from service import SITE_KEY, RunningService, StandInHub, assert_error

KEYS = "/api/v1/instructors/me/keys"
STUDENTS = "/api/v1/instructors/me/courses/phys/students"


@pytest.mark.threat("A6", "A8")
async def test_a_key_from_making_to_revoking(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    made = await service.post(KEYS, json={"name": "cron <b>", "course": "phys"})
    assert made.status_code == 201
    secret, number = made.json()["key"], made.json()["id"]
    assert secret.startswith(made.json()["prefix"])
    [listed] = (await service.get(KEYS)).json()
    assert (listed["name"], listed["course"], listed["owner"]) == ("cron <b>", "phys", "ina")
    assert "key" not in listed
    second = (await service.post(KEYS, json={"name": "second"})).json()
    by_key, by_second = {"X-Api-Key": secret}, {"x-API-key": second["key"]}
    for headers in (by_key, by_second):
        answer = await service.client.get(service.url + STUDENTS, headers=headers)
        assert answer.status_code == 200
    assert (await service.get(KEYS)).json()[0]["lastUsedAt"].endswith("Z")
    gone = await service.fetch("DELETE", f"{KEYS}/{number}")
    assert gone.json()["revokedAt"]
    assert_error(await service.client.get(service.url + STUDENTS, headers=by_key), 401)
    answer = await service.client.get(service.url + STUDENTS, headers=by_second)
    assert answer.status_code == 200
    carl = {"Authorization": "token token-carl"}
    for text in (str(second["id"]), "4711", "x", "9" * 40):
        answer = await service.fetch("DELETE", f"{KEYS}/{text}", headers=carl)
        assert_error(answer, 404, "key_not_found")
    shown = caplog.text + generate_latest().decode() + str(await service.audit())
    for hidden in (secret, second["key"], "token-ina", "token-carl"):
        assert hidden not in shown
    assert made.json()["prefix"] in shown  # by which a person finds the key


@pytest.mark.threat("A7")
async def test_a_key_is_good_for_its_course_only(
    service: RunningService, hub: StandInHub, user_key: Callable[..., Awaitable[str]]
) -> None:
    hub.groups["formgrade-chem"].append("ina")
    both, chem = await user_key("ina"), await user_key("ina", course="chem")
    for key, course, status in (
        (both, "phys", 200), (both, "chem", 200), (chem, "phys", 403), (chem, "chem", 200),
    ):  # fmt: skip
        route = f"{service.url}/api/v1/instructors/me/courses/{course}/students"
        answer = await service.client.get(route, headers={"X-Api-Key": key})
        assert answer.status_code == status
    listed = await service.client.get(
        f"{service.url}/api/v1/instructors/me/courses", headers={"X-Api-Key": chem}
    )
    assert [course["code"] for course in listed.json()] == ["chem"]
    form = {"STUDENT_ID": "alice", "COURSE": "phys"}
    answer = await service.client.post(
        f"{service.url}/get_snapshot_list", data=form, headers={"X-Api-Key": chem}
    )
    assert_error(answer, 403)


async def test_a_key_makes_no_keys_and_nobody_makes_one_for_a_foreign_course(
    service: RunningService, user_key: Callable[..., Awaitable[str]]
) -> None:
    headers = {"X-Api-Key": await user_key("ina")}
    for method in ("GET", "POST"):
        answer = await service.fetch(method, KEYS, headers=headers, json={"name": "more"})
        assert_error(answer, 403)
    texts = set()
    for course in ("chem", "nothing", "phys\0"):
        answer = await service.post(KEYS, json={"name": "x", "course": course})
        texts.add(assert_error(answer, 403)["message"])
    assert len(texts) == 1
    for body in ({}, {"name": ""}, {"name": "x" * 256}, {"name": 1}):
        assert_error(await service.post(KEYS, json=body), 400, "invalid_request")


NO_KEYS: list[bytes] = [
    b"", SITE_KEY[:-1].encode(), SITE_KEY.encode() + b"0", SITE_KEY.upper().encode(),
    b'"' + SITE_KEY.encode() + b'"', b"12345", b"k\xe9y", "schlüssel".encode(), b"\xff\xfe",
    b"x" * 60_000, f"{SITE_KEY},{SITE_KEY}".encode(), f"x, {SITE_KEY}".encode(), b"%00", b"*",
    b"jhs_00000000_", b"jhs_", "jhs_ééé".encode(), b"' OR 1=1 --",
]  # fmt: skip


@pytest.mark.threat("A1", "B8")
async def test_what_is_no_key(single: RunningService, caplog: pytest.LogCaptureFixture) -> None:
    route = f"{single.url}/get_snapshot_list"
    assert_error(await single.client.post(route), 401, "not_authenticated")
    for key in NO_KEYS:
        answer = await single.client.post(route, headers=[("X-Api-Key", key)])
        assert_error(answer, 401, "not_authenticated")
    twice = [("X-Api-Key", SITE_KEY), ("X-Api-Key", SITE_KEY)]
    assert_error(await single.client.post(route, headers=twice), 401)
    assert_error(await single.client.post(route, headers={"X-Api-Key": SITE_KEY}), 406)
    assert SITE_KEY[:-1] not in caplog.text


@pytest.mark.threat("A3", "A11")
async def test_a_key_or_token_elsewhere_is_not_looked_at(
    service: RunningService,
    user_key: Callable[..., Awaitable[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = await user_key("ina")
    route = f"{service.url}{STUDENTS}"
    sent: list[dict[str, object]] = [
        {"params": {name: value}}
        for name in ("X-Api-Key", "x-api-key", "api_key", "key", "token", "access_token")
        for value in (key, "token-ina")
    ]
    sent += [
        {"headers": {"Cookie": f"X-Api-Key={key}; token=token-ina; jupyterhub-hub-login={key}"}}
    ]
    sent += [
        {"headers": {"Authorization": f"{kind} {key}"}} for kind in ("Basic", "token", "Bearer")
    ]
    sent += [
        {"headers": {"X-Remote-User": "ina", "X-Forwarded-User": "root", "Remote-User": "ina"}}
    ]
    for options in sent:
        answer = await service.client.get(route, **options)
        assert_error(answer, 401, "not_authenticated")
    form = {"X-Api-Key": key, "token": "token-ina", "STUDENT_ID": "alice"}
    assert_error(await service.client.post(f"{service.url}/get_snapshot_list", data=form), 401)
    assert key not in caplog.text
    assert "token-ina" not in caplog.text


@pytest.mark.threat("A4")
async def test_many_wrong_keys_are_slowed_and_a_right_one_never(single: RunningService) -> None:
    credentials = single.services.credentials
    credentials.free_attempts, credentials.max_attempts, credentials.delay_seconds = 3, 8, 0.05
    route = f"{single.url}/api/v1"
    took, statuses = [], []
    for number in range(12):
        began = time.monotonic()
        answer = await single.client.get(route, headers={"X-Api-Key": f"wrong {number}"})
        took.append(time.monotonic() - began)
        statuses.append(answer.status_code)
        right = await single.get("/api/v1")
        assert right.status_code == 200
    assert statuses == [401] * 8 + [429] * 4
    assert min(took[3:8]) >= 0.05
    assert_error(answer, 429, "too_many_attempts")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    began = time.monotonic()
    assert (await single.get("/api/v1")).status_code == 200
    assert time.monotonic() - began < 1


@pytest.mark.threat("A5")
async def test_a_nearly_right_key_takes_as_long(single: RunningService) -> None:
    """A comparison letter by letter would show in the mean; the noise is far above it."""
    credentials = single.services.credentials
    credentials.free_attempts = credentials.max_attempts = 1_000_000
    nothing, nearly = "x" * 32, SITE_KEY[:-1] + "x"
    took: dict[str, list[float]] = {nothing: [], nearly: []}
    for _ in range(60):
        for key in took:
            began = time.perf_counter()
            await single.client.get(f"{single.url}/api/v1", headers={"X-Api-Key": key})
            took[key].append(time.perf_counter() - began)
    far, near = (statistics.median(values) for values in took.values())
    assert abs(far - near) < max(0.5 * far, 0.005)


def handed_to_children() -> bytes:
    """Command lines and environments of the processes that this one started."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert children
    return b"".join(
        Path(f"/proc/{number}/{name}").read_bytes()
        for number in children
        for name in ("environ", "cmdline")
    )


@pytest.mark.threat("A8")
async def test_no_process_of_ours_is_given_the_key(single: RunningService) -> None:
    single.home("alice").file("a.txt")
    form = {"STUDENT_ID": "alice", "SNAPSHOT_NAME": "x"}
    assert (await single.post("/snapshot", form)).status_code == 200
    assert SITE_KEY.encode() not in handed_to_children()
    assert "JUPYTER_API_KEY" not in os.environ
