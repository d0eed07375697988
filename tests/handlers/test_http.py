"""HTTP itself: smuggling, odd addresses, other origins, headers that claim something."""

from __future__ import annotations

import pytest

from service import SITE_KEY, RunningService, assert_error

KEY = f"X-Api-Key: {SITE_KEY}"
FORM = "Content-Type: application/x-www-form-urlencoded"
BODY = "STUDENT_ID=alice"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def post(*headers: str, body: str = BODY) -> bytes:
    lines = ["POST /get_snapshot_list HTTP/1.1", "Host: x", KEY, FORM, *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")


SMUGGLED = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
#: Requests that must not be understood in two ways.
BROKEN = {
    "two lengths": post("Content-Length: 16", "Content-Length: 0", body=SMUGGLED),
    "two lengths in one": post("Content-Length: 16, 0", body=SMUGGLED),
    "length and chunks": post(
        "Content-Length: 5", "Transfer-Encoding: chunked", body="0\r\n\r\n" + SMUGGLED
    ),
    "chunks twice": post("Transfer-Encoding: chunked, chunked", body="0\r\n\r\n"),
    "chunks of another kind": post("Transfer-Encoding: xchunked", body="0\r\n\r\n" + SMUGGLED),
    "negative length": post("Content-Length: -1"),
    "length with a sign": post("Content-Length: +16"),
    "length in other digits": post("Content-Length: \xb2"),
    "length of words": post("Content-Length: ten"),
    "bad chunk": post("Transfer-Encoding: chunked", body="zz\r\nabc\r\n"),
    "chunk size too long": post("Transfer-Encoding: chunked", body="1" * 200 + "\r\n"),
    "NUL in a header": post("X-Odd: a\0b", "Content-Length: 16"),
    "NUL in a header's name": post("X-O\0dd: a", "Content-Length: 16"),
    "space before the colon": post("Content-Length : 16"),
    "line that is no header": post("nothing", "Content-Length: 16"),
    "header of a megabyte": post("X-Long: " + "x" * (1 << 20), "Content-Length: 16"),
    "5,000 headers": post(*(f"X-{n}: {'y' * 20}" for n in range(5000)), "Content-Length: 16"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
    "no version": b"GET /health\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "empty lines": b"\r\n" * 100,
}


@pytest.mark.threat("H15")
async def test_requests_that_could_be_read_in_two_ways(single: RunningService) -> None:
    single.put_snapshot("alice")
    for what, request in BROKEN.items():
        answer = await single.raw(request, seconds=0.3)
        assert status(answer) in (0, 400, 404, 405, 411, 413, 414, 431, 501, 505), (what, answer)
        assert answer.count(b"HTTP/1.1 200") == 0, (what, answer)
        assert b'"status": "ok"' not in answer, what
    folded = await single.raw(post("X-Odd: a\r\n b", "Content-Length: 16", "Connection: close"))
    assert status(folded) in (200, 400)
    assert (await single.get("/health")).status_code == 200


@pytest.mark.threat("H16", "A17")
async def test_other_ways_to_write_an_address_are_no_way_around_the_key(
    single: RunningService,
) -> None:
    single.put_snapshot("alice")
    for path in (
        "//get_snapshot_list", "/./get_snapshot_list", "/%67et_snapshot_list",
        "/get_snapshot_list/", "/GET_SNAPSHOT_LIST", "/get_snapshot_list;x",
        "/get_snapshot_list%00", "/x/../get_snapshot_list",
        "/get_snapshot_list%20", "/get_snapshot_list\\", "/api/v1/../../get_snapshot_list",
        "http://x/get_snapshot_list", "/get_snapshot_list?a=b", "/get_snapshot_list#x", "*",
        "/api/v1/../v1/docs", "/api/v1/docs/", "/API/v1", "//api/v1", "/api//v1", "/api/v1/%64ocs",
    ):  # fmt: skip
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: x",
            FORM,
            "Content-Length: 16",
            "Connection: close",
        ]
        answer = await single.raw(("\r\n".join(lines) + "\r\n\r\n" + BODY).encode())
        assert status(answer) in (400, 401, 404, 405), (path, answer[:80])
        assert b"hw_2026" not in answer
    # Below the API doubled slashes are tolerated, with the same key.
    assert (await single.get("/api//v1//docs")).status_code == 200
    assert_error(await single.client.get(f"{single.url}/api//v1"), 401)
    assert (await single.get("/api/v1/docs/")).status_code == 404


@pytest.mark.threat("H11")
async def test_no_other_origin_is_let_in(single: RunningService) -> None:
    single.put_snapshot("alice")
    evil = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "x-api-key",
    }
    for method, path in (("OPTIONS", "/snapshot"), ("OPTIONS", "/api/v1"), ("GET", "/api/v1")):
        answer = await single.fetch(method, path, headers=evil)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("access-control")]
    options = await single.fetch("OPTIONS", "/snapshot")
    assert options.headers["Allow"] == "OPTIONS, POST"
    assert (await single.fetch("OPTIONS", "/nothing")).status_code == 404


@pytest.mark.threat("H4", "H7", "H14")
async def test_every_answer_has_the_safe_headers(single: RunningService) -> None:
    single.put_snapshot("alice")
    for method, path, key in (
        ("GET", "/health", True), ("GET", "/api/v1", True), ("GET", "/api/v1/docs", True),
        ("POST", "/get_snapshot_list", True), ("POST", "/get_snapshot_list", False),
        ("GET", "/nothing", False), ("PUT", "/snapshot", True), ("GET", "/api/v1/none", False),
    ):  # fmt: skip
        headers = single.headers if key else {}
        answer = await single.client.request(method, single.url + path, headers=headers)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in answer.headers
        assert "Set-Cookie" not in answer.headers


@pytest.mark.threat("A16")
async def test_claims_in_headers_change_nothing(single: RunningService) -> None:
    credentials = single.services.credentials
    credentials.free_attempts = credentials.max_attempts = 1
    for number in range(3):
        answer = await single.client.get(
            f"{single.url}/api/v1",
            headers={"X-Api-Key": "wrong", "X-Forwarded-For": f"10.0.0.{number}"},
        )
    assert answer.status_code == 429  # the peer's address counts
    claims = {
        "X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil", "Host": "evil",
        "X-Forwarded-Proto": "https", "X-Original-URL": "/health", "X-Rewrite-URL": "/health",
    }  # fmt: skip
    answer = await single.get("/api/v1/openapi.json", headers=claims)
    assert "evil" not in answer.text
    single.put_snapshot("alice")
    listed = await single.get(
        "/api/v1/instructors/me/courses/STAT100a/snapshots?per_page=1", headers=claims
    )
    assert "evil" not in str(listed.headers)


@pytest.mark.threat("O2", "A8")
async def test_health_readiness_and_metrics(single: RunningService) -> None:
    assert (await single.client.get(f"{single.url}/health")).json() == {"status": "ok"}
    ready = await single.client.get(f"{single.url}/ready")
    assert ready.json()["checks"] == {"rsync": "ok", "storage": "ok", "database": "ok"}
    metrics = await single.get("/metrics")
    assert "jupyterhub_snapshots_request_duration_seconds" in metrics.text
    assert SITE_KEY not in metrics.text
    assert_error(await single.client.get(f"{single.url}/metrics"), 401)
    (single.place / "snapshots").rename(single.place / "elsewhere")
    answer = await single.client.get(f"{single.url}/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["storage"] == "missing"
    assert str(single.place) not in answer.text
    assert_error(await single.get("/api/v1/instructors/me/courses/STAT100a/snapshots"), 502)
