"""Receipts over HTTP: who gets one, what the pages hold, and checking one that is handed in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tornado.web import create_signed_value

from jupyterhub_snapshots import receipts as manager
from jupyterhub_snapshots.engine import CaptureJob, capture
from jupyterhub_snapshots.handlers import receipt_pages
from jupyterhub_snapshots.handlers import receipts as handlers
from service import RunningService, assert_error

NAME = "hw_2026-01-31"
STUDENT = "/api/v1/instructors/me/courses/phys/students/alice"
BELOW = f"{STUDENT}/snapshots/{NAME}"
OWN = f"/api/v1/users/me/courses/phys/snapshots/{NAME}"
CHECK = "/api/v1/receipts/check"
NASTY = [
    "<script>alert(1)</script>.txt",
    "a\nb.txt",
    "\u202etxt.exe",
    "\"'&amp;.txt",
    b"caf\xe9.txt",
]


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"token token-{name}"}


def take(service: RunningService, student: str = "alice", **fields: Any) -> Path:
    """A snapshot of the student's home as it is now; its tree."""
    root = service.course("phys").root
    values = {
        "home": str(service.place / "homes" / student),
        "root": root,
        "student": student,
        "snapshot": NAME,
        "capture_id": student,
    }
    capture(CaptureJob(**(values | fields)))
    return Path(root, student, NAME)


@pytest.fixture
def taken(service: RunningService) -> Path:
    home = service.home("alice")
    home.file("lab/a.txt", b"alice's")
    for name in NASTY:
        home.file(name, b"x")
    return take(
        service,
        deadline="2026-01-31T22:59:59Z",
        requested_at="2026-01-31T22:59:59Z",
        extra={
            "kind": "deadline",
            "assignment": {"id": 5, "title": "<b>Home & work</b>"},
            "by": "ina",
        },
    )


async def check(service: RunningService, content: object, who: str = "ina", query: str = "") -> Any:
    body = content if isinstance(content, (bytes, str)) else json.dumps(content)
    return await service.fetch("POST", CHECK + query, headers=as_(who), content=body)


async def test_a_receipt(service: RunningService, taken: Path) -> None:
    answer = await service.get(f"{BELOW}/receipt")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith(f'attachment; filename="alice-{NAME}-receipt.json"')
    receipt = answer.json()
    assert receipt["course"] == {
        "code": "phys",
        "title": "Physics 101",
        "timeZone": "Europe/Berlin",
    }
    assert receipt["assignment"] == {"id": 5, "title": "<b>Home & work</b>"}
    assert receipt["files"] == receipt["lateFiles"] == len(NASTY) + 1
    assert {each["path"] for each in receipt["entries"]} >= {"lab/a.txt", "a\nb.txt", NASTY[0]}
    handlers.ReceiptModel.model_validate(receipt)
    own = (await service.get(f"{OWN}/receipt", headers=as_("alice"))).json()
    for each in (own, receipt):
        del each["issuedAt"], each["signature"]
    assert own == receipt


@pytest.mark.threat("A12", "A13")
@pytest.mark.parametrize("page", ["receipt", "receipt.html"])
async def test_who_gets_one(service: RunningService, taken: Path, page: str) -> None:
    service.home("bob").file("b.txt")
    take(service, "bob")
    below = f"{BELOW}/{page}"
    for who, status in {"alice": 200, "bob": 403, "carl": 403, "otto": 403, "root": 200}.items():
        answer = await service.get(below, headers=as_(who))
        assert answer.status_code == status, who
    assert (await service.get(f"{OWN}/{page}", headers=as_("bob"))).status_code == 200
    for who in ("ina", "root"):
        assert_error(await service.get(f"{OWN}/{page}", headers=as_(who)), 404)
    assert_error(await service.get(f"{OWN}/{page}", headers=as_("carl")), 403)
    answer = await service.get(f"{STUDENT}/snapshots/gone_2026-01-31/{page}")
    assert_error(answer, 404, "snapshot_not_found")
    service.put_snapshot("alice", "old_2026-01-31", course="phys")
    answer = await service.get(f"{STUDENT}/snapshots/old_2026-01-31/{page}")
    assert_error(answer, 409, "manifest_missing")
    lines = [each for each in await service.audit() if each["status"] == 200]
    assert {(each["action"], each["target"]) for each in lines} == {("download", NAME)}


def allowed(page: httpx.Response, tag: str, directive: str) -> str:
    """The text of the tag, which must be allowed by its digest and be the only one."""
    (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"{directive} 'sha256-{digest}'" in page.headers["Content-Security-Policy"]
    return str(text)


def assert_loads_nothing(page: httpx.Response) -> None:
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.findall(r"@import|url\(|<link|<img|<iframe| style=| on\w+=", page.text)


async def test_the_page_of_a_receipt(service: RunningService, taken: Path) -> None:
    page = await service.get(f"{BELOW}/receipt.html")
    assert_loads_nothing(page)
    assert "script" not in page.headers["Content-Security-Policy"]
    assert "Content-Disposition" not in page.headers
    assert allowed(page, "style", "style-src")
    assert "<script" not in page.text
    receipt = (await service.get(f"{BELOW}/receipt")).json()
    rows = re.findall(r'<tr><td class="path"><bdi>(.*?)</bdi>', page.text)
    assert set(map(html.unescape, rows)) == {
        "lab/a.txt",
        NASTY[0],
        "a\\nb.txt",
        "\\u202etxt.exe",
        NASTY[3],
        "caf\ufffd.txt",
    }
    for text in (
        receipt["rootDigest"],
        receipt["keyId"],
        "&lt;b&gt;Home &amp; work&lt;/b&gt;",
        "Sat 31 Jan 2026, 23:59:59 CET",
        "(2026-01-31 22:59:59 UTC)",
        "6 files",
        'href="receipt"',
        f'href="{service.prefix}/api/v1/receipts"',
    ):
        assert text in page.text, text
    assert page.text.endswith("</html>\n")


@pytest.mark.parametrize(
    ("began", "late", "text"),
    [
        ("2026-01-31T22:59:07.020000Z", 0, "less than a second after the deadline"),
        ("2026-01-31T22:59:06.980000Z", 0, "before the deadline"),
        ("2026-01-31T23:00:09Z", 62, "1 min 2 s after the deadline"),
    ],
)
def test_how_long_after_the_deadline(began: str, late: int, text: str) -> None:
    snapshot = {"beganAt": began, "deadline": "2026-01-31T22:59:07Z"}
    assert receipt_pages._after_deadline(snapshot, late) == text


async def test_a_page_lists_the_first_files(
    service: RunningService, taken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_pages, "MAX_LISTED", 2)
    page = (await service.get(f"{BELOW}/receipt.html")).text
    assert page.count("<tr><td") == 2
    assert "The first 2 of 6 files stand here" in page


async def test_a_browser_gets_pages_of_errors(service: RunningService, taken: Path) -> None:
    headers = {"Accept": "text/html", **as_("ina")}
    page = await service.get(f"{STUDENT}/snapshots/gone/receipt.html", headers=headers)
    assert page.status_code == 404
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_the_key(service: RunningService, taken: Path) -> None:
    key = (await service.get("/api/v1/receipts/key", headers=as_("otto"))).json()
    receipt = (await service.get(f"{BELOW}/receipt")).json()
    assert key["keyId"] == receipt["keyId"]
    assert key["algorithm"] == "Ed25519"
    assert key["publicKey"].startswith("-----BEGIN PUBLIC KEY-----\n")
    assert "PRIVATE" not in json.dumps(key)
    assert_error(await service.client.get(service.url + "/api/v1/receipts/key"), 401)
    kept = service.place / "snapshots/.jupyterhub-snapshots/signing-key.pem"
    assert kept.stat().st_mode & 0o777 == 0o600


# Checking


async def test_a_good_receipt(service: RunningService, taken: Path) -> None:
    content = (await service.get(f"{BELOW}/receipt")).content
    for who, query in (("ina", ""), ("alice", ""), ("root", "?contents=false")):
        answer = await check(service, content, who, query)
        found = answer.json()
        handlers.ReceiptCheckModel.model_validate(found)
        said = {name: found[name] for name in ("signature", "files", "stored", "differences")}
        assert said == {
            "signature": "valid",
            "files": "match",
            "stored": "matches",
            "differences": [],
        }
        assert found["message"] == " ".join(found["findings"])
    line = (await service.audit())[-1]
    assert (line["student"], line["target"], line["status"]) == ("alice", NAME, 200)


@pytest.mark.threat("F8")
async def test_an_altered_snapshot(service: RunningService, taken: Path) -> None:
    content = (await service.get(f"{BELOW}/receipt")).content
    (taken / "lab/a.txt").write_bytes(b"mallory")
    (taken / "caf\udce9.txt").write_bytes(b"y")
    found = (await check(service, content)).json()
    assert (found["signature"], found["files"], found["stored"]) == ("valid", "match", "differs")
    assert found["differences"] == ["caf\ufffd.txt", "lab/a.txt"]
    quick = (await check(service, content, query="?contents=false")).json()
    assert quick["stored"] == "matches"


async def test_a_changed_receipt(service: RunningService, taken: Path) -> None:
    receipt = (await service.get(f"{BELOW}/receipt")).json()
    receipt["snapshot"]["beganAt"] = "2026-01-31T22:00:00Z"
    receipt["entries"].pop()
    found = (await check(service, receipt)).json()
    assert (found["signature"], found["files"], found["stored"]) == ("invalid", "differ", "differs")
    assert len(found["differences"]) == 1


@pytest.mark.threat("A12", "A13")
async def test_nobody_learns_of_other_peoples_snapshots(
    service: RunningService, taken: Path
) -> None:
    receipt = (await service.get(f"{BELOW}/receipt")).json()
    elsewhere = receipt | {"course": receipt["course"] | {"code": "chem"}}
    nowhere = receipt | {"course": receipt["course"] | {"code": "nothing"}}
    nobody = receipt | {"student": {"username": "nobody", "name": ""}}
    for who, content, stored in (
        ("bob", receipt, "not_yours"),
        ("bob", nobody, "not_yours"),
        ("carl", receipt, "not_yours"),
        ("otto", receipt, "not_yours"),
        ("alice", elsewhere, "not_yours"),
        ("ina", elsewhere, "not_yours"),
        ("ina", nowhere, "not_yours"),
        ("root", nowhere, "not_yours"),
        ("ina", nobody, "gone"),
        ("root", elsewhere, "gone"),
    ):
        found = (await check(service, content, who)).json()
        assert (found["stored"], found["differences"]) == (stored, []), (who, content["student"])
    lines = [each for each in await service.audit() if each["principal"] in ("bob", "otto")]
    assert {each["student"] for each in lines} == {None}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b"[" * 1_000_000, b'{"entries":[' + b"[" * 100_000]
)
async def test_what_is_no_receipt(service: RunningService, content: bytes) -> None:
    assert_error(await check(service, content), 400, "not_a_receipt")


async def test_hostile_names_in_a_receipt(service: RunningService, taken: Path) -> None:
    receipt = (await service.get(f"{BELOW}/receipt")).json()
    for student, name in (
        ("../alice", NAME),
        ("alice", "../alice/" + NAME),
        ("alice", f".{NAME}.manifest"),
        (".jupyterhub-snapshots", "staging"),
        ("a\0b", "\n<b>"),
        ("a" * 100_000, NAME),
        ("", ""),
    ):
        handed = receipt | {
            "student": {"username": student, "name": ""},
            "snapshot": receipt["snapshot"] | {"name": name},
        }
        found = (await check(service, handed)).json()
        assert (found["signature"], found["stored"]) == ("invalid", "gone"), student[:20]


async def test_a_large_receipt_and_one_that_is_too_large(
    service: RunningService, taken: Path
) -> None:
    receipt = (await service.get(f"{BELOW}/receipt")).json()
    entry = receipt["entries"][0] | {"path": "a" * 180}
    receipt["entries"] = [entry | {"path": f"{n:06}{'a' * 180}"} for n in range(90_000)]
    content = json.dumps(receipt).encode()
    assert 28_000_000 < len(content) < 33_000_000
    answer = await asyncio.gather(check(service, content), service.get("/health"))
    assert answer[1].status_code == 200
    found = answer[0].json()
    assert (found["files"], found["stored"], found["truncated"]) == ("differ", "differs", True)
    assert len(found["differences"]) == manager.MAX_DIFFERENCES
    head = f"POST {service.prefix}{CHECK} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-ina\r\n"
    refused = await service.raw(f"{head}Content-Length: 34000000\r\n\r\n".encode())
    assert refused.startswith(b"HTTP/1.1 413 ")


async def test_few_checks_at_once(
    service: RunningService, taken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (await service.get(f"{BELOW}/receipt")).content
    going, go = threading.Semaphore(0), threading.Event()

    def slow(*args: Any, **options: Any) -> Any:
        going.release()
        go.wait(10)
        return verify(*args, **options)

    verify = manager.verify
    monkeypatch.setattr(manager, "verify", slow)
    running = [asyncio.create_task(check(service, content)) for _ in range(2)]
    for _ in running:
        await asyncio.to_thread(going.acquire)
    answer = await check(service, content)
    assert_error(answer, 503, "busy")
    assert answer.headers["Retry-After"]
    go.set()
    assert {(await each).json()["stored"] for each in running} == {"matches"}
    assert (await check(service, content)).json()["stored"] == "matches"
    assert not handlers._checks


async def test_nothing_more_is_read_for_a_client_that_went_away(
    service: RunningService, taken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (await service.get(f"{BELOW}/receipt")).content
    ended: list[BaseException] = []
    began = threading.Event()

    def endless(root: str, student: str, name: str, progress: Any) -> Any:
        try:
            for _ in range(1000):
                began.set()
                progress(1)
                time.sleep(0.01)
        except BaseException as error:
            ended.append(error)
            raise
        return []

    monkeypatch.setattr(manager, "verify", endless)
    head = (
        f"POST {service.prefix}{CHECK} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-ina\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(head.encode() + content)
    await writer.drain()
    assert await asyncio.to_thread(began.wait, 10)
    writer.transport.abort()
    for _ in range(200):
        if ended and not handlers._checks:
            break
        await asyncio.sleep(0.02)
    assert [type(error).__name__ for error in ended] == ["_ClientGone"]
    assert not handlers._checks


# The page on which receipts are checked


def session_of(service: RunningService, name: str) -> str:
    hub_auth = service.services.credentials.hub_auth
    assert hub_auth is not None
    value = create_signed_value(
        service.application.settings["cookie_secret"], hub_auth.cookie_name, f"token-{name}"
    )
    return f"{hub_auth.cookie_name}={value.decode()}"


async def test_the_check_page(service: RunningService, taken: Path) -> None:
    content = (await service.get(f"{BELOW}/receipt")).content
    session = session_of(service, "ina")
    page = await service.client.get(
        f"{service.url}/api/v1/receipts", headers={"Cookie": session, "Sec-Fetch-Mode": "navigate"}
    )
    assert page.status_code == 200
    assert_loads_nothing(page)
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
    assert allowed(page, "style", "style-src")
    script = allowed(page, "script", "script-src")
    assert "innerHTML" not in script
    assert "'receipts/check'" in script
    token = re.search(r'data-xsrf="([^"]+)"', page.text)
    assert token is not None
    cookies = f"{session}; _xsrf={page.cookies['_xsrf']}"
    service.client.cookies.clear()
    for headers, status in (
        ({"X-XSRFToken": token[1]}, 200),
        ({"X-XSRFToken": "planted"}, 403),
        ({}, 403),
    ):
        answer = await service.client.post(
            service.url + CHECK,
            content=content,
            headers={"Cookie": cookies, "Sec-Fetch-Mode": "cors", **headers},
        )
        assert answer.status_code == status


async def test_the_check_page_of_a_token_needs_no_cookie(service: RunningService) -> None:
    page = await service.get("/api/v1/receipts")
    assert 'data-xsrf=""' in page.text
    assert "Set-Cookie" not in page.headers


async def test_without_a_hub(single: RunningService) -> None:
    single.home("alice").file("a.txt", b"a")
    root = single.services.roster.courses[0].root
    capture(
        CaptureJob(
            home=str(single.place / "homes/alice"),
            root=root,
            student="alice",
            snapshot=NAME,
            capture_id="1",
        )
    )
    below = f"/api/v1/instructors/me/courses/STAT100a/students/alice/snapshots/{NAME}"
    content = (await single.get(f"{below}/receipt")).content
    found = (await single.fetch("POST", CHECK, content=content)).json()
    assert (found["signature"], found["stored"]) == ("valid", "matches")
    assert (await single.get("/api/v1/receipts")).status_code == 200
    assert "signing-key.pem" in os.listdir(f"{root}/.jupyterhub-snapshots")
