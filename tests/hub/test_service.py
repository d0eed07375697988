"""The service as a hub runs it: sessions, tokens, groups, keys, and the hub gone."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from homes import Home
from service import assert_error

from .conftest import RealHub

pytestmark = pytest.mark.hub
COURSES = "/api/v1/instructors/me/courses"
PHYS = f"{COURSES}/phys"
HTML = {"Accept": "text/html"}


async def until(check: Any, wanted: int, seconds: float = 6) -> httpx.Response:
    """Asks until this status is answered: a hub's answer may be used again for a second."""
    deadline = time.monotonic() + seconds
    while (answer := await check()).status_code != wanted:
        assert time.monotonic() < deadline, (answer.status_code, answer.text)
        await asyncio.sleep(0.1)
    return answer


@pytest.mark.threat("H8", "H10", "H12", "H13", "J3", "A9")
async def test_a_browsers_session(real_hub: RealHub) -> None:
    service = real_hub.url
    async with httpx.AsyncClient() as stranger:
        asked = await stranger.get(f"{service}/api/v1/docs", headers=HTML)
        login = urlsplit(asked.headers["Location"])
        assert (asked.status_code, login.path) == (302, "/hub/api/oauth2/authorize")
        [state] = parse_qs(login.query)["state"]
        assert_error(await stranger.get(f"{service}/api/v1"), 401)
        assert_error(await stranger.post(f"{service}/snapshot", headers=HTML), 401)
        callback = f"{service}/oauth_callback"
        for query in ("", "?code=x", "?code=x&state=x", f"?code=x&state={state}x", "?error=x"):
            answer = await stranger.get(callback + query)
            assert answer.status_code in (400, 403), query

    ina = await real_hub.browser("ina")
    wanted = f"{service}/api/v1/openapi.json?after=login"
    page = await ina.get(wanted, headers=HTML)
    assert (page.status_code, str(page.url)) == (200, wanted)
    assert str((await ina.get(f"{service}/", headers=HTML)).url) == f"{service}/api/v1/docs"
    cookies = {cookie.name: cookie for cookie in ina.cookies.jar if "/services/" in cookie.path}
    session = cookies["service-snapshots"]
    assert session.path == "/services/snapshots/"
    assert session.has_nonstandard_attr("HttpOnly")
    assert {cookie.path for cookie in cookies.values()} == {"/services/snapshots/"}

    assert (await ina.get(f"{service}{COURSES}")).json()[0]["code"] == "phys"
    body = {"name": "x"}
    route = f"{service}{COURSES.replace('/courses', '/keys')}"
    # The hub's other pages share the origin, so neither Origin nor Referer shows anything.
    same_origin = {"Origin": service, "Referer": f"{service}/", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, same_origin, {"X-XSRFToken": "guess"}):
        assert_error(await ina.post(route, json=body, headers=headers), 403, "access_denied")
    fetched = await ina.get(f"{service}{COURSES}", headers={"Sec-Fetch-Mode": "cors"})
    assert_error(fetched, 403, "access_denied")
    token = {"X-XSRFToken": cookies["_xsrf"].value}
    assert (await ina.post(route, json=body, headers=token)).status_code == 201

    # Whoever has signed in already is led on, also from a page that was left open.
    stale = await ina.get(f"{callback}?code=x&state={state}")
    assert (stale.status_code, str(stale.url)) == (200, f"{service}/api/v1/docs")

    # What changes something is checked with the hub now, whatever it said a moment ago.
    assert (await ina.get(f"{service}{PHYS}/students")).status_code == 200
    real_hub.set_group("formgrade-phys", [])
    answer = await ina.post(f"{service}{PHYS}/snapshots", json=body, headers=token)
    assert "not an instructor" in assert_error(answer, 403, "access_denied")["message"]
    real_hub.set_group("formgrade-phys", ["ina"])
    assert_error(await ina.get(f"{service}{COURSES}/chem/students"), 403)

    planted = {"Cookie": "service-snapshots=planted; _xsrf=planted; jupyterhub-session-id=x"}
    async with httpx.AsyncClient() as tossed:
        assert_error(await tossed.get(f"{service}{COURSES}", headers=planted), 401)
        answer = await tossed.get(f"{service}{COURSES}", headers={**planted, **HTML})
        assert answer.status_code == 302

    nora = await real_hub.browser("nora")
    answer = await nora.get(f"{service}/api/v1/docs", headers=HTML)
    assert answer.status_code == 403
    await ina.aclose()
    await nora.aclose()


@pytest.mark.threat("A9", "A10", "A13", "J1")
async def test_tokens_groups_keys_and_the_hub_gone(real_hub: RealHub) -> None:
    for name in ("ina", "alice"):
        Home(real_hub.place / "homes" / name).file("a.txt")
    ina, alice, root = (real_hub.token(name) for name in ("ina", "alice", "root"))
    for token in ("junk", "", real_hub.token("nora", scopes=["self"])):
        answer = await real_hub.call("GET", COURSES, token)
        assert answer.status_code in (401, 403)
        assert_error(answer, answer.status_code)
    narrow = real_hub.token("ina", scopes=["read:users:name!user"])
    assert_error(await real_hub.call("GET", COURSES, narrow), 403, "access_denied")
    bearer = await real_hub.call("GET", COURSES, "", headers={"Authorization": f"Bearer {ina}"})
    assert bearer.status_code == 200
    assert_error(await real_hub.call("GET", f"{COURSES}?token={ina}", ""), 401)

    [student] = (await real_hub.call("GET", f"{PHYS}/students", ina)).json()
    assert student["username"] == "alice"
    assert_error(await real_hub.call("GET", f"{PHYS}/students", alice), 403)
    form = {"STUDENT_ID": "alice", "SNAPSHOT_NAME": "Exam"}
    done = await real_hub.call("POST", "/snapshot", ina, data=form)
    assert done.status_code == 200
    own = f"{PHYS}/students/alice/snapshots"
    assert len((await real_hub.call("GET", own, alice)).json()) == 1
    assert (await real_hub.call("GET", "/metrics", root)).status_code == 200
    assert_error(await real_hub.call("GET", "/metrics", ina), 403)
    made = await real_hub.call(
        "POST", COURSES.replace("/courses", "/keys"), ina, json={"name": "k"}
    )
    key = {"X-Api-Key": made.json()["key"]}

    async def by_key(path: str = f"{PHYS}/students") -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(real_hub.direct_url + path, headers=key)

    assert (await by_key()).status_code == 200

    # Out of the group: writes are refused at once, reads and keys within the cache's age.
    real_hub.set_group("formgrade-phys", [])
    assert_error(await real_hub.call("POST", f"{PHYS}/snapshots", ina, json={"name": "x"}), 403)
    await until(lambda: real_hub.call("GET", f"{PHYS}/students", ina), 403)
    await until(by_key, 403)
    real_hub.set_group("formgrade-phys", ["ina"])
    await until(lambda: real_hub.call("GET", f"{PHYS}/students", ina), 200)
    await until(by_key, 200)

    # A student who left keeps nothing of the course; the snapshots stay with the instructor.
    real_hub.set_group("nbgrader-phys", [])
    await until(lambda: real_hub.call("GET", own, alice), 403)
    assert_error(await real_hub.call("POST", "/snapshot", ina, data=form), 404, "student_not_found")
    assert len((await real_hub.call("GET", f"{PHYS}/snapshots", ina)).json()) == 1

    real_hub.revoke(alice)
    assert_error(await real_hub.call("POST", "/snapshot", alice, data=form), 401)
    await until(lambda: real_hub.call("GET", "/api/v1", alice), 401)

    real_hub.app.http_server.stop()
    await real_hub.app.http_server.close_all_connections()
    body = {"name": "x"}
    answer = await real_hub.call("POST", f"{PHYS}/snapshots", ina, json=body)
    assert_error(answer, 503, "hub_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    answer = await until(lambda: real_hub.call("GET", f"{PHYS}/students", ina), 503)
    assert_error(answer, 503, "hub_unavailable")
    assert (await by_key()).status_code == 200
    await asyncio.sleep(1.1)  # past the age of every answer of the hub
    assert (await by_key()).status_code == 200
    assert (await by_key("/health")).status_code == 200
