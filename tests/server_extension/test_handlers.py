"""The handshake, and the way to the service and back."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from jupyter_server.auth import AllowAllAuthorizer

from jupyterhub_snapshots import __version__
from jupyterhub_snapshots.server_extension import handlers, link, passing
from service import RunningService, StandInHub, assert_error

from .conftest import BASE_URL, LAB_TOKEN, Lab, OtherService, resident_bytes

Start = Callable[..., Awaitable[Lab]]
COURSE = "api/v1/instructors/me/courses/phys"
SNAPSHOT = f"{COURSE}/students/alice/snapshots/hw_2026-01-31"
OF_PAGE = {"api": SNAPSHOT.removeprefix("api/v1/"), "path": "page"}
MiB = 2**20


# The handshake


async def test_status_ok(lab: Lab) -> None:
    answer = await lab.get("status")
    assert answer.status_code == 200
    assert answer.json() == {
        "state": "ok",
        "message": "",
        "version": __version__,
        "serviceVersion": __version__,
        "ident": "ina",
    }


@pytest.mark.parametrize(
    ("url", "token"), [("", "token-ina"), ("http://127.0.0.1:9/", "")], ids=["address", "token"]
)
async def test_status_not_configured(start_lab: Start, url: str, token: str) -> None:
    lab = await start_lab(url, token)
    answer = (await lab.get("status")).json()
    assert answer["state"] == "not_configured"
    assert "JUPYTERHUB_SNAPSHOTS_URL" in answer["message"]
    assert_error(await lab.get("api/v1"), 502, "service_down")


async def test_status_down(start_lab: Start, other_service: OtherService) -> None:
    for url in ("http://127.0.0.1:9/", f"{other_service.url}/page?"):
        lab = await start_lab(url)
        answer = (await lab.get("status")).json()
        assert answer["state"] == "down", url
        assert "administrator" in answer["message"]


async def test_status_refused(service: RunningService, start_lab: Start) -> None:
    lab = await start_lab(service.url, "token-of-nobody")
    answer = (await lab.get("status")).json()
    assert answer["state"] == "refused"
    assert "start it again" in answer["message"]


async def test_status_other_version(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "__version__", "7.3.0")
    answer = (await lab.get("status")).json()
    assert (answer["state"], answer["serviceVersion"]) == ("other_version", __version__)
    assert "Restart your server" in answer["message"]


def test_a_version_that_mends_is_no_other() -> None:
    assert handlers._generation("1.2.3") == handlers._generation("1.2.9")
    assert handlers._generation("1.2.3") != handlers._generation("1.3.0")
    assert handlers._generation(None) != handlers._generation("1.2.3")


# Who may ask


async def test_nobody_is_let_in_without_the_server_s_own_sign_in(lab: Lab) -> None:
    async with httpx.AsyncClient(base_url=lab.url) as stranger:
        for method, path in [
            ("GET", "status"),
            ("GET", "api/v1"),
            ("POST", "copy"),
            ("POST", "compare"),
            ("POST", "api/v1/x"),
            ("GET", "api/v1/x"),
        ]:
            assert_error(await stranger.request(method, path, json={}), 403)
        # A person who follows a link can sign in.
        link = await stranger.get("api/v1/x", headers={"Sec-Fetch-Mode": "navigate"})
        assert link.status_code == 302
        assert "/login?" in link.headers["Location"]


async def test_a_session_downloads_by_a_link_and_changes_only_with_its_xsrf_token(
    service: RunningService, lab: Lab
) -> None:
    service.put_snapshot("alice", course="phys")
    async with httpx.AsyncClient(base_url=lab.url, follow_redirects=True) as browser:
        await browser.get(f"{lab.address}{BASE_URL}login?token={LAB_TOKEN}")
        link = await browser.get(
            f"{SNAPSHOT}/files/a.txt", headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
        )
        assert (link.status_code, link.content) == (200, b"a")
        assert link.headers["Content-Disposition"].startswith('attachment; filename="a.txt"')
        assert link.headers["Content-Security-Policy"].startswith("sandbox;")
        assert link.headers["X-Content-Type-Options"] == "nosniff"
        for path in ("copy", "compare", f"{COURSE}/snapshots"):
            assert_error(await browser.post(path, json={"name": "x"}), 403)
        xsrf = browser.cookies["_xsrf"]
        answer = await browser.post(
            f"{COURSE}/snapshots", json={"name": ""}, headers={"X-XSRFToken": xsrf}
        )
        assert_error(answer, 400)
        other = {"X-XSRFToken": xsrf, "Origin": "https://evil.example"}
        assert_error(await browser.get("status", headers=other), 403)


async def test_the_server_s_authorizer_is_asked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(self: object, handler: object, user: object, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(AllowAllAuthorizer, "is_authorized", refuse)
    assert_error(await lab.get("api/v1"), 403, "access_denied")
    assert_error(await lab.post("copy", {}), 403, "access_denied")
    assert asked == [("read", "jupyterhub-snapshots"), ("write", "jupyterhub-snapshots")]


# There and back


async def test_the_service_is_asked_as_the_person(lab: Lab, hub: StandInHub) -> None:
    assert (await lab.get("api/v1")).json()["ident"] == "ina"
    courses = (await lab.get("api/v1/instructors/me/courses")).json()
    assert [course["code"] for course in courses] == ["phys"]
    refused = await lab.get("api/v1/instructors/me/courses/chem/students")
    assert_error(refused, 403)
    assert_error(await lab.get("api/v1/nothing"), 404)


async def test_what_is_passed_up(start_lab: Start, other_service: OtherService) -> None:
    lab = await start_lab(other_service.url + "/")
    sent = {"Range": "bytes=1-", "If-None-Match": '"x"', "Last-Event-ID": "3", "X-Other": "no"}
    answer = await lab.get(
        "api/v1/a%2Fb/zo%C3%AB%20%25+c/?x=1%202&y=%2F&y=+", headers={**sent, "Cookie": "a=b"}
    )
    (request,) = other_service.requests
    assert request.uri == "/services/snapshots/api/v1/a%2Fb/zo%C3%AB%20%25+c/?x=1%202&y=%2F&y=+"
    headers = request.headers
    assert headers["Authorization"] == "token token-ina"
    assert LAB_TOKEN not in str(headers)
    assert {name: headers.get(name) for name in sent} == {**sent, "X-Other": None}
    assert "Cookie" not in headers
    assert headers["Accept-Encoding"] == "identity"
    assert answer.content == b"{}"
    assert "Set-Cookie" not in answer.headers or "stolen" not in answer.headers["Set-Cookie"]
    assert answer.headers.get_list("Link") == ["<a>; rel=next", "<b>; rel=last"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
async def test_methods(start_lab: Start, other_service: OtherService, method: str) -> None:
    lab = await start_lab(other_service.url)
    body = b"x" * 1000 if method in ("POST", "PUT", "PATCH") else None
    answer = await lab.client.request(method, "api/v1/x", content=body)
    assert answer.status_code == 200
    assert answer.content == (b"" if method == "HEAD" else b"{}")
    assert answer.headers["Content-Length"] == "2"
    assert other_service.requests[0].method == method
    assert other_service.received_bytes == len(body or b"")


async def test_no_path_leads_out(lab: Lab) -> None:
    port = int(lab.address.rpartition(":")[2])
    for path in ("../metrics", "a/%2e%2e/%2E%2E/metrics", "..%2Fmetrics", "a/./b", "a%2F..%2Fb"):
        # httpx would tidy the address itself.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET {BASE_URL}jupyterhub-snapshots/api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Authorization: token {LAB_TOKEN}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 400 "), path
        assert b'"invalid_name"' in answer


async def test_no_redirect_is_followed_or_passed(
    start_lab: Start, other_service: OtherService
) -> None:
    lab = await start_lab(other_service.url)
    answer = await lab.get("api/v1/redirect")
    assert_error(answer, 502, "service_down")
    assert "Location" not in answer.headers


async def test_service_down(lab: Lab, service: RunningService) -> None:
    service.server.stop()
    await service.server.close_all_connections()
    assert_error(await lab.get("api/v1"), 502, "service_down")
    assert_error(await lab.client.post("api/v1/x", content=bytes(MiB)), 502, "service_down")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_the_page_of_a_proxy_is_no_answer(
    start_lab: Start, other_service: OtherService, method: str
) -> None:
    lab = await start_lab(other_service.url)
    answer = await lab.client.request(method, "api/v1/page")
    assert_error(answer, 502, "service_down")
    assert "<html>" not in answer.text
    assert_error(await lab.post("compare", {"base": OF_PAGE, "other": None}), 502, "service_down")
    busy = await lab.client.request(method, "api/v1/busy")
    assert (busy.status_code, busy.json()["code"]) == (503, "busy")
    assert busy.headers["Retry-After"] == "10"


async def test_statuses_without_a_name(start_lab: Start, other_service: OtherService) -> None:
    lab = await start_lab(other_service.url)
    for path, status, code in [("odd", 520, "service_error"), ("empty", 502, "service_down")]:
        side = {**OF_PAGE, "path": path}
        assert_error(await lab.post("compare", {"base": side, "other": None}), status, code)
    assert (await lab.get("api/v1/odd")).status_code == 520
    assert (await lab.get("api/v1/empty")).status_code == 204


async def test_what_says_nothing_about_itself_can_do_nothing(
    start_lab: Start, other_service: OtherService
) -> None:
    lab = await start_lab(other_service.url)
    for path in ("x", "odd"):
        answer = await lab.get(f"api/v1/{path}")
        assert answer.headers.get_list("Content-Security-Policy") == ["sandbox; default-src 'none'"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_service_may_take_its_time_but_not_when_it_sends_events(
    start_lab: Start, other_service: OtherService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_SILENCE_SECONDS", 0.2)
    lab = await start_lab(other_service.url)
    assert (await lab.get("api/v1/slow")).text == "late"
    assert (await lab.get("api/v1/slow?path=/events")).text == "late"
    with pytest.raises(httpx.TransportError):
        await lab.get("api/v1/events")
    lab.link.url += "/slow?"
    assert (await lab.get("status")).json()["state"] == "down"
    monkeypatch.setattr(link, "_WORK_SECONDS", 0.2)
    lab.link.url = other_service.url
    assert_error(await lab.get("api/v1/slow"), 502, "service_down")


async def test_a_transfer_that_breaks_is_seen_to(
    start_lab: Start, other_service: OtherService
) -> None:
    lab = await start_lab(other_service.url)
    with pytest.raises(httpx.TransportError):
        await lab.get("api/v1/broken")


async def test_events_come_one_by_one(start_lab: Start, other_service: OtherService) -> None:
    lab = await start_lab(other_service.url)
    async with lab.client.stream("GET", "api/v1/events") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        pieces = answer.aiter_raw()
        for number in range(3):
            assert await asyncio.wait_for(anext(pieces), 5) == f"data: {number}\n\n".encode()
            other_service.go_on.set()


async def test_events_of_a_real_batch(service: RunningService, lab: Lab) -> None:
    service.home("alice").file("work.txt")
    started = await lab.post(f"{COURSE}/snapshots", {"name": "Week 1", "students": ["alice"]})
    assert started.status_code == 202
    events = await lab.get(f"{COURSE}/batches/{started.json()['id']}/events")
    kinds = re.findall(r"^event: (\w+)$", events.text, re.MULTILINE)
    assert (kinds[0], kinds[-1]) == ("items", "end")
    assert json.loads(events.text.rpartition("data: ")[2])["state"] == "done"


async def test_the_service_hears_when_the_browser_goes(
    start_lab: Start, other_service: OtherService
) -> None:
    lab = await start_lab(other_service.url)
    for path in ("api/v1/endless", "api/v1/events"):
        async with lab.client.stream("GET", path) as answer:
            await anext(answer.aiter_raw())
    await other_service.closed(0)
    await other_service.closed(1)
    assert (await lab.get("api/v1/x")).status_code == 200


async def test_an_upload_that_is_given_up(start_lab: Start, other_service: OtherService) -> None:
    lab = await start_lab(other_service.url)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield bytes(1 << 16)
        raise ConnectionError("the browser was closed")

    with pytest.raises(ConnectionError):
        await lab.client.post("api/v1/x", content=endless(), headers={"Content-Length": "9999999"})
    await other_service.closed(0)
    assert (await lab.get("api/v1/x")).status_code == 200


# Files


async def test_ranges_and_what_is_cached(service: RunningService, lab: Lab) -> None:
    service.put_snapshot("alice", files=[("a b.txt", b"0123456789")], course="phys")
    address = f"{SNAPSHOT}/files/a%20b.txt"
    whole = await lab.get(address)
    etag = whole.headers["ETag"]
    part = await lab.get(address, headers={"Range": "bytes=2-4", "If-Range": etag})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    same = await lab.get(address, headers={"If-None-Match": etag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", etag)
    head = await lab.client.head(address)
    assert (head.headers["Content-Length"], head.content) == ("10", b"")
    for answer in (whole, part, same, head):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        (policy,) = answer.headers.get_list("Content-Security-Policy")
        assert policy.startswith("sandbox;")
        if answer is not same:  # what a cache has keeps its name
            assert answer.headers["Content-Disposition"].startswith('attachment; filename="a b.txt')
    none = await lab.get(address, headers={"Range": "bytes=99-"})
    assert_error(none, 416)
    missing = await lab.get(f"{SNAPSHOT}/files/nothing")
    assert_error(missing, 404, "file_not_found")
    for answer in (none, missing):
        (policy,) = answer.headers.get_list("Content-Security-Policy")
        assert "default-src 'none'" in policy


@pytest.mark.parametrize("slowly", [False, True], ids=["fast", "slowly"])
async def test_large_files_take_no_memory(service: RunningService, lab: Lab, slowly: bool) -> None:
    size = 200 * MiB
    folder = service.put_snapshot("alice", course="phys")
    os.truncate(folder / "a.txt", size)
    await lab.get("api/v1")
    before, most, received = resident_bytes(), 0, 0
    async with lab.client.stream("GET", f"{SNAPSHOT}/files/a.txt") as answer:
        assert answer.headers["Content-Length"] == str(size)
        async for piece in answer.aiter_raw(MiB):
            received += len(piece)
            most = max(most, resident_bytes())
            if slowly:
                await asyncio.sleep(0.005)
                if received > 40 * MiB:
                    break
    assert slowly or received == size
    # Of the service, the Jupyter server and this client together.
    assert most - before < 40 * MiB


async def test_large_uploads_take_no_memory(start_lab: Start, other_service: OtherService) -> None:
    lab = await start_lab(other_service.url)
    await lab.get("api/v1/x")
    before, most = resident_bytes(), 0

    async def pieces(count: int) -> AsyncIterator[bytes]:
        nonlocal most
        for _ in range(count):
            yield bytes(MiB)
            most = max(most, resident_bytes())

    for mebibytes, status in [(32, 200), (200, 413)]:
        length = {"Content-Length": str(mebibytes * MiB)}
        answer = await lab.client.put("api/v1/x", content=pieces(mebibytes), headers=length)
        assert answer.status_code == status
    assert_error(answer, 413, "too_large")
    assert other_service.received_bytes == 32 * MiB
    # Of a length that is not said.
    answer = await lab.client.put("api/v1/x", content=pieces(100))
    assert_error(answer, 413, "too_large")
    assert other_service.received_bytes <= 64 * MiB
    await other_service.closed(-1)
    assert most - before < 24 * MiB


async def test_whatever_fails_on_the_way_up_lets_the_rest_of_the_body_come(
    start_lab: Start, other_service: OtherService, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await start_lab(other_service.url)
    # No length that Tornado lets through is one that can't be read; this stands for it.
    monkeypatch.setattr(passing, "int", lambda text: 1 / 0, raising=False)
    assert_error(await lab.client.put("api/v1/x", content=bytes(4 * MiB)), 500)


async def test_reports_are_returned(service: RunningService, lab: Lab) -> None:
    home = service.home("alice")
    address = f"{COURSE}/students/alice/reports"
    for name, content, status in [("r.html", b"<p>", 201), ("r.html", b"<p>", 409)]:
        answer = await lab.client.post(address, files={"file": (name, content)})
        assert answer.status_code == status, answer.text
    assert (home / "r.html").read_bytes() == b"<p>"
    # Refused by the service or on the way there, and answered all the same.
    for mebibytes in (3, 40):
        large = {"file": ("large.html", bytes(mebibytes * MiB))}
        assert_error(await lab.client.post(address, files=large), 413, "too_large")
