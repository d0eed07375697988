"""Students' own assignments: what they see, opening one, and the clock that then runs."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from assignments import BASE, make_assignment, make_document, members
from collecting import ago, collect, make
from jupyterhub_snapshots.errors import TooManyAttempts
from jupyterhub_snapshots.opening import WrongPasswords
from jupyterhub_snapshots.store import assignments
from service import RunningService, StandInHub, assert_error

ME = "/api/v1/users/me/courses/phys"
DOCUMENTS = "/api/v1/instructors/me/documents"


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"token token-{name}"}


def at(hours: float) -> str:
    """An instant so many hours from now, as the API takes it."""
    when = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=hours)
    return when.isoformat().replace("+00:00", "Z")


async def handed_out(service: RunningService, title: str = "Exam", **fields: Any) -> int:
    """An assignment with a document that has contents."""
    document = await make_document(service, f"{title}.ipynb")
    answer = await service.fetch("PUT", f"{DOCUMENTS}/{document}/data", content=b"{}")
    assert answer.status_code == 200
    return await make_assignment(service, title, document=document, **fields)


async def own(service: RunningService, who: str = "alice") -> list[dict[str, Any]]:
    answer = await service.get(f"{ME}/assignments", headers=as_(who))
    assert answer.status_code == 200, answer.text
    return list(answer.json())


async def open_(
    service: RunningService, number: int, password: str = "sesame", who: str = "alice"
) -> httpx.Response:
    return await service.post(
        f"{ME}/assignments/{number}/open", json={"password": password}, headers=as_(who)
    )


def password(tag: str, *contents: object) -> dict[str, object]:
    return {"tag": tag, "contents": contents[0] if len(contents) == 1 else list(contents)}


async def test_what_a_student_sees(service: RunningService) -> None:
    await make_assignment(service, "Soon", visibleFrom=at(1))
    await make_assignment(service, "Secret", availability=password("HiddenViaPassword", "sesame"))
    exam = await make_assignment(
        service,
        "Exam",
        availability=password("ViaPasswordExpiring", "sesame", 60),
        visibleTill=at(5),
    )
    due, closes = at(2), at(3)
    homework = await make_assignment(
        service, "Homework", duedate=due, visibleTill=closes, description="All of it"
    )
    assert {each["title"] for each in await own(service)} == {"Exam", "Homework"}
    by_id = {each["id"]: each for each in await own(service)}
    work = by_id[homework]
    assert {name: work[name] for name in ("due", "closes", "ends", "fires", "state")} == {
        "due": due, "closes": closes, "ends": None, "fires": due, "state": "open",
    }  # fmt: skip
    assert (work["description"], work["availability"]) == ("All of it", None)
    assert [(each["kind"], each["at"], each["state"]) for each in work["captures"]] == [
        ("deadline", due, "planned"),
        ("late", closes, "planned"),
    ]
    assert [step["rule"] for step in work["steps"]] == ["dueDate", "visibleTill"]
    assert all("202" in step["text"] and ":" in step["text"] for step in work["steps"])
    assert by_id[exam]["availability"] == {"timed": 60, "password": True}
    assert (by_id[exam]["state"], by_id[exam]["opened"]) == ("not_opened", None)
    assert "sesame" not in str(by_id)
    answer = await service.get(f"{ME}/deadlines", headers=as_("alice"))
    assert {(each["assignment"], each["student"]) for each in answer.json()} == {
        (exam, "alice"),
        (homework, "alice"),
    }


async def test_staff_have_none_of_their_own(service: RunningService) -> None:
    await make_assignment(service)
    for who in ("ina", "tara", "root"):
        for path in ("assignments", "deadlines"):
            answer = await service.get(f"{ME}/{path}", headers=as_(who))
            assert (answer.status_code, answer.json()) == (200, []), who
    for who in ("dora", "carl", "otto"):
        for path in ("assignments", "deadlines"):
            assert_error(await service.get(f"{ME}/{path}", headers=as_(who)), 403)


async def test_opening_starts_the_clock_once(service: RunningService) -> None:
    home = service.home("alice")
    number = await handed_out(service, availability=password("ViaPasswordExpiring", "sesame", 60))
    alice = (await members(service))["alice"]
    answer = await service.fetch(
        "PATCH",
        f"{BASE}/students/{alice['id']}/accommodations",
        json={"timeFactor": 1.5, "timeExtraMinutes": 5},
    )
    assert answer.status_code == 200
    assert_error(await open_(service, number, "wrong"), 403, "wrong_password")
    answers = await asyncio.gather(*(open_(service, number) for _ in range(4)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["opened"] for each in answers}) == 1
    opened = answers[0].json()
    assert opened["state"] == "running_out"
    assert 94 * 60 < opened["timeLeftSeconds"] <= 95 * 60
    assert opened["availability"]["timed"] == 95
    began = datetime.fromisoformat(opened["opened"].replace("Z", "+00:00"))
    ends = datetime.fromisoformat(opened["ends"].replace("Z", "+00:00"))
    assert ends - began == timedelta(minutes=95)
    assert [each["kind"] for each in opened["captures"]] == ["exam"]
    assert (await own(service))[0]["delivered"] == "exam/Exam.ipynb"
    assert (home / "exam/Exam.ipynb").read_bytes() == b"{}"
    assert sorted(path.name for path in (home / "exam").iterdir()) == ["Exam.ipynb"]
    assert (await own(service, "bob"))[0]["opened"] is None
    lines = [line for line in await service.audit() if line["action"] == "open an assignment"]
    assert [(line["status"], line["student"]) for line in lines] == [
        (403, "alice"),
        *[(200, "alice")] * 4,
    ]


async def test_a_new_start_after_the_token_is_taken_back(service: RunningService) -> None:
    service.home("alice")
    number = await handed_out(service, availability=password("ViaPasswordExpiring", "sesame", 9))
    first = (await open_(service, number)).json()
    alice = (await members(service))["alice"]
    tokens = f"{BASE}/students/{alice['id']}/assignmentTokens"
    [token] = (await service.get(tokens)).json()
    assert (await service.fetch("DELETE", f"{tokens}/{token['id']}")).status_code == 200
    assert (await own(service))[0]["state"] == "not_opened"
    second = (await open_(service, number)).json()
    assert second["opened"] > first["opened"]
    assert second["delivered"] == "exam/Exam.ipynb"


async def test_a_document_that_can_not_be_delivered(service: RunningService) -> None:
    number = await handed_out(service, availability=password("ViaPassword", "sesame"))
    opened = (await open_(service, number)).json()
    assert opened["opened"] is not None
    assert opened["delivered"] is None
    assert opened["delivery"]["errorCode"] == "home_not_found"
    service.home("alice").file("exam", b"in the way")
    opened = (await open_(service, number)).json()
    assert (opened["delivery"]["state"], opened["delivery"]["errorCode"]) == (
        *("failed", "place_taken"),
    )
    (service.place / "homes/alice/exam").unlink()
    assert (await open_(service, number)).json()["delivered"] == "exam/Exam.ipynb"
    empty = await make_assignment(service, "Empty", availability=password("ViaPassword", "sesame"))
    opened = (await open_(service, empty)).json()
    assert (opened["opened"] is not None, opened["delivery"]) == (True, None)


async def test_when_it_can_be_opened(service: RunningService) -> None:
    lock = password("ViaPassword", "sesame")
    for fields, status, code in (
        ({"visibleFrom": at(1)}, 403, "not_open_yet"),
        ({"duedate": at(-1)}, 403, "closed"),
        ({"availability": None}, 409, "nothing_to_open"),
    ):
        number = await make_assignment(service, f"Work {code}", **{"availability": lock, **fields})
        assert_error(await open_(service, number), status, code)
    for number in ("0", "999999", "x", "1" * 30):
        answer = await service.post(f"{ME}/assignments/{number}/open", json={}, headers=as_("bob"))
        assert_error(answer, 404, "assignment_not_found")
    for body in (b"", b"[]", b'{"password": 5}', b'{"password": "' + b"x" * 1001 + b'"}'):
        answer = await service.fetch(
            "POST", f"{ME}/assignments/{number}/open", content=body, headers=as_("alice")
        )
        assert_error(answer, 400, "invalid_request")


async def test_a_hidden_one(service: RunningService) -> None:
    service.home("alice")
    number = await handed_out(
        service, "Make-up Exam", availability=password("HiddenViaPassword", "sesame")
    )
    assert await own(service) == []
    path = f"{ME}/assignments/open"

    async def by_title(title: str, word: str, who: str = "alice") -> httpx.Response:
        body = {"title": title, "password": word}
        return await service.post(path, json=body, headers=as_(who))

    told = {
        assert_error(await by_title(title, word), 403, "wrong_password")["message"]
        for title, word in (("Make-up Exam", "wrong"), ("No such thing", "sesame"))
    }
    assert len(told) == 1
    assert_error(await open_(service, number, "wrong", "bob"), 404, "assignment_not_found")
    answer = await by_title(" make-up exam ", "sesame")
    assert (answer.status_code, answer.json()["id"]) == (200, number)
    assert answer.json()["delivered"] == "make-up-exam/Make-up Exam.ipynb"
    assert [each["id"] for each in await own(service)] == [number]
    assert await own(service, "bob") == []
    assert (await open_(service, number, "sesame", "bob")).status_code == 200


@pytest.mark.threat("A12", "A15")
async def test_only_students_open(service: RunningService, hub: StandInHub) -> None:
    number = await handed_out(service, availability=password("ViaPassword", "sesame"))
    for who in ("ina", "tara", "root", "carl", "dora", "otto"):
        assert_error(await open_(service, number, who=who), 403, "access_denied")
        answer = await service.post(
            f"{ME}/assignments/open",
            json={"title": "Exam", "password": "sesame"},
            headers=as_(who),
        )
        assert_error(answer, 403, "access_denied")
    hub.groups["nbgrader-phys"].remove("alice")
    assert_error(await open_(service, number), 403, "access_denied")
    found = await service.services.store.read(
        lambda db: assignments.date_inputs(db, service.course("phys").id)
    )
    assert found.tokens == {}


@pytest.mark.threat("A4", "A5")
async def test_many_wrong_passwords(service: RunningService) -> None:
    number = await handed_out(service, availability=password("ViaPassword", "sesame"))
    clock = [0.0]
    service.services.opening.wrong_passwords = WrongPasswords(lambda: clock[0])
    for _ in range(5):
        assert_error(await open_(service, number, "wrong"), 403, "wrong_password")
        clock[0] += 10
    refused = await open_(service, number, "sesame")
    assert_error(refused, 429, "too_many_attempts")
    assert refused.headers["Retry-After"] == "250"
    assert (await open_(service, number, who="bob")).status_code == 200
    for _ in range(5):
        assert_error(await open_(service, 4711, "wrong"), 404, "assignment_not_found")
    assert_error(await open_(service, 4712, "wrong"), 429, "too_many_attempts")
    clock[0] = 301.0
    assert (await open_(service, number, "sesame")).status_code == 200


async def test_no_password_is_no_attempt(service: RunningService) -> None:
    number = await handed_out(service, availability=password("ViaPassword", "right"))
    address = f"/api/v1/users/me/courses/phys/assignments/{number}/open"
    for _ in range(7):
        answer = await service.post(address, json={}, headers=as_("alice"))
        assert_error(answer, 400, "missing_field")
    answer = await service.post(address, json={"password": "right"}, headers=as_("alice"))
    assert answer.status_code == 200


def test_attempts_at_once_count() -> None:
    counted = WrongPasswords(lambda: 0.0)
    for _ in range(5):
        counted.begin("alice")
    with pytest.raises(TooManyAttempts):
        counted.begin("alice")
    counted.begin("bob")
    counted.forget("alice")
    counted.begin("alice")


async def test_what_was_captured(service: RunningService) -> None:
    service.home("alice").file("work.txt")
    await make(service, due=ago(hours=1))
    assert (await own(service))[0]["state"] in ("closed", "captured")
    await collect(service)
    [mine] = await own(service)
    assert mine["state"] == "captured"
    assert mine["snapshot"]["name"].startswith("homework-3_")
    # The file is younger than the deadline.
    assert (mine["snapshot"]["changed"], mine["captures"][0]["state"]) == (1, "done")
    assert mine["captures"][0]["lateSeconds"] >= 3600
    [other] = await own(service, "bob")
    assert (other["snapshot"], other["state"]) == (None, "closed")
    assert other["captures"][0]["state"] == "failed"


async def test_a_snapshot_does_not_tell_of_a_hidden_one(service: RunningService) -> None:
    service.home("alice").file("a.txt")
    number = await handed_out(
        service, "Secret Quiz", availability=password("HiddenViaPassword", "sesame")
    )
    body = {"name": "secret quiz", "assignment": number, "students": ["alice"]}
    batch = await service.post("/api/v1/instructors/me/courses/phys/snapshots", json=body)
    await service.services.batches.wait(batch.json()["id"])

    async def names() -> list[str]:
        listed = await service.get(f"{ME}/snapshots", headers=as_("alice"))
        return [each["name"].partition("_")[0] for each in listed.json()]

    assert await names() == []
    assert (await open_(service, number)).status_code == 200
    assert await names() == ["secret-quiz"]


async def test_one_password_gives_no_tries_at_another(service: RunningService) -> None:
    """Of an assignment that can't be opened yet the password is known."""
    coming = await handed_out(
        service,
        "Coming",
        visibleFrom=at(5),
        availability=password("HiddenViaPassword", "known"),
    )
    wanted = await handed_out(
        service, "Wanted", availability=password("HiddenViaPassword", "sesame")
    )
    statuses = []
    for _ in range(3):
        statuses.append((await open_(service, wanted, "guess")).status_code)
        statuses.append((await open_(service, coming, "known")).status_code)
    assert statuses == [404, 403, 404, 403, 404, 429]
