"""Assignments and courses in the API."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets.config import Config

from assignments import BASE, make_assignment, make_document
from jupyterhub_snapshots.store import assignments as table
from service import RunningService, StandInHub, assert_error, running

WORK = f"{BASE}/assignments"
CARL = {"Authorization": "token token-carl"}
ROOT = {"Authorization": "token token-root"}


async def patch(service: RunningService, number: int, body: Any, **options: Any) -> Any:
    return await service.fetch("PATCH", f"{WORK}/{number}", json=body, **options)


@pytest.fixture
def changes(service: RunningService) -> list[int]:
    """Grows each time somebody is told that deadlines may have moved."""
    told: list[int] = []
    # The parts are frozen, so that nobody exchanges one by mistake.
    object.__setattr__(service.services, "deadlines_changed", lambda: told.append(1))
    return told


async def target(service: RunningService) -> str | None:
    """What the newest line of the audit log about assignments says."""
    lines = await service.audit()
    return [line["target"] for line in lines if line["action"] == "edit assignments"][-1]


async def test_made_listed_changed_and_deleted(service: RunningService, changes: list[int]) -> None:
    document = await make_document(service)
    answer = await service.post(
        WORK,
        json={
            "document": document,
            "title": "Homework 1",
            "gradeRelease": "2026-06-10T00:00:00Z",
            "visibleFrom": "2026-06-01",
            "duedate": "2026-06-05",
            "visibleTill": "2026-06-07 12:00",
            "pointValue": 20,
            "totalProblems": 4,
            "description": "Pendulum",
            "unknown": 1,
        },
    )
    assert answer.status_code == 201
    number = answer.json()
    assert answer.headers["Location"] == f"{service.prefix}{WORK}/{number}"
    (record,) = (await service.get(WORK)).json()
    assert record.pop("date").endswith("Z")
    assert record == {
        "gradeRelease": "2026-06-10T00:00:00Z",
        "totalProblems": 4,
        "visibleFrom": "2026-05-31T22:00:00Z",  # the first second of the day in Berlin
        "availability": None,
        "document": document,
        "pointValue": 20,
        "course": service.course("phys").id,
        "id": number,
        "duedate": "2026-06-05T21:59:59Z",  # the last one
        "title": "Homework 1",
        "visibleTill": "2026-06-07T10:00:00Z",
        "assigner": None,
        "description": "Pendulum",
    }
    assert (await target(service) or "").startswith(
        "Homework 1: made; duedate 2026-06-05T21:59:59Z; visibleFrom"
    )
    changed = await patch(service, number, {"duedate": "2026-06-06", "pointValue": None})
    assert changed.json()["duedate"] == "2026-06-06T21:59:59Z"
    assert changed.json()["pointValue"] is None
    assert changed.json()["totalProblems"] == 4
    assert await target(service) == (
        "Homework 1: duedate 2026-06-05T21:59:59Z → 2026-06-06T21:59:59Z; pointValue 20 → none"
    )
    assert (await service.get(f"{WORK}/{number}")).json() == changed.json()
    assert len(changes) == 2
    assert (await service.fetch("DELETE", f"{WORK}/{number}")).json() == "deleted assignment"
    assert await target(service) == "Homework 1: deleted"
    assert len(changes) == 3
    for method in ("GET", "PATCH", "DELETE"):
        answer = await service.fetch(method, f"{WORK}/{number}", json={})
        assert_error(answer, 404, "assignment_not_found")
    assert len(changes) == 3


async def test_null_clears_all_but_the_title(service: RunningService) -> None:
    full = {
        "gradeRelease": "2026-06-10",
        "totalProblems": 4,
        "visibleFrom": "2026-06-01",
        "availability": {"tag": "ViaPassword", "contents": "pendulum"},
        "pointValue": 20,
        "duedate": "2026-06-05",
        "visibleTill": "2026-06-07",
        "description": "x",
    }
    number = await make_assignment(service, "Homework 1", **full)
    before = (await service.get(f"{WORK}/{number}")).json()
    assert None not in [before[name] for name in full]
    assert (await patch(service, number, {})).json() == before
    cleared = (await patch(service, number, dict.fromkeys([*full, "title", "document"]))).json()
    assert cleared == before | dict.fromkeys(full)


async def test_a_due_date_under_either_name(service: RunningService) -> None:
    number = await make_assignment(service, "One", **{"due-date": "2022-01-01 10:10"})
    found = (await service.get(f"{WORK}/{number}")).json()
    assert found["duedate"] == "2022-01-01T09:10:00Z"
    changed = await patch(service, number, {"due-date": "2022-01-02T00:00:00+02:00"})
    assert changed.json()["duedate"] == "2022-01-01T22:00:00Z"
    assert (await patch(service, number, {"due-date": None})).json()["duedate"] is None


async def test_a_change_of_the_clocks_is_told(service: RunningService) -> None:
    document = await make_document(service)
    body = {"document": document, "title": "x", "duedate": "2026-10-25 02:30"}
    answer = await service.post(WORK, json=body)
    assert answer.headers["X-Note"].startswith("duedate: 2026-10-25 02:30 happens twice")
    number = answer.json()
    assert (await service.get(f"{WORK}/{number}")).json()["duedate"] == "2026-10-25T01:30:00Z"
    answer = await patch(
        service, number, {"duedate": "2026-03-29 02:30", "visibleTill": "2026-03-29T02:45"}
    )
    notes = answer.headers.get_list("X-Note")
    assert sorted(note.partition(":")[0] for note in notes) == ["duedate", "visibleTill"]
    assert all("does not happen" in note for note in notes)
    assert answer.json()["duedate"] == "2026-03-29T01:30:00Z"
    assert "X-Note" not in (await patch(service, number, {"duedate": "2026-06-01"})).headers


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"title": None}, "title", None),
        ({"title": ""}, "title", None),
        ({"title": "  "}, "title", None),
        ({"title": 5}, "title", None),
        ({"title": "a\nb"}, "title", None),
        ({"title": "x" * 256}, "title", None),
        ({"document": None}, "document", None),
        ({"document": "1"}, "document", None),
        ({"document": 1.5}, "document", None),
        ({"document": True}, "document", None),
        ({"document": 4711}, "document", "invalid_request"),
        ({"document": 2**70}, "document", None),
        ({"pointValue": -1}, "pointValue", None),
        ({"pointValue": "5"}, "pointValue", None),
        ({"totalProblems": 2**40}, "totalProblems", None),
        ({"duedate": 5}, "duedate", None),
        ({"due-date": 5}, "duedate", None),
        ({"duedate": "tomorrow"}, "duedate", "invalid_date"),
        ({"duedate": "2026-02-30"}, "duedate", "invalid_date"),
        ({"duedate": "0001-01-01"}, "duedate", "invalid_date"),
        ({"duedate": "9999-12-31"}, "duedate", "invalid_date"),
        ({"visibleFrom": ""}, "visibleFrom", "invalid_date"),
        ({"visibleTill": "2026-06-01T25:00:00Z"}, "visibleTill", "invalid_date"),
        ({"gradeRelease": ["2026-06-01"]}, "gradeRelease", None),
        ({"description": 5}, "description", None),
    ],
)
async def test_what_is_wrong_is_named(
    service: RunningService, body: dict[str, Any], field: str, code: str | None
) -> None:
    number = await make_assignment(service)
    before = (await service.get(f"{WORK}/{number}")).json()
    document = before["document"]
    made = await service.post(WORK, json={"document": document, "title": "x", **body})
    error = assert_error(made, 400, code)
    assert error["message"].startswith(f"{field}: ")
    assert error["details"] == {"field": field}
    if field != "document" and body != {"title": None}:
        changed = await patch(service, number, {"description": "new", **body})
        assert_error(changed, 400, code)
    assert (await service.get(WORK)).json() == [before]


@pytest.mark.parametrize("body", ["", "[]", "5", "null", "{", '{"title": "x"', "\xff"])
async def test_bodies_that_are_none(service: RunningService, body: str) -> None:
    answer = await service.fetch("POST", WORK, content=body.encode("latin-1"))
    assert_error(answer, 400, "invalid_request")


async def test_a_title_is_used_once_in_a_course(service: RunningService) -> None:
    one, two = [await make_assignment(service, title) for title in ("One", "Two")]
    document = await make_document(service, "x.md")
    again = await service.post(WORK, json={"document": document, "title": "One"})
    assert_error(again, 409, "title_taken")
    assert_error(await patch(service, two, {"title": "One"}), 409, "title_taken")
    assert (await patch(service, one, {"title": "One"})).status_code == 200
    chem = WORK.replace("phys", "chem")
    document = (
        await service.post("/api/v1/instructors/me/documents", json={"filename": "x"}, headers=CARL)
    ).json()
    other = await service.post(chem, json={"document": document, "title": "One"}, headers=CARL)
    assert other.status_code == 201
    for method in ("GET", "PATCH", "DELETE"):
        answer = await service.fetch(method, f"{chem}/{one}", json={}, headers=CARL)
        assert_error(answer, 404, "assignment_not_found")


async def test_documents_of_others_as_far_as_they_let(service: RunningService) -> None:
    made = {
        scope: await make_document(service, scope, scope=scope, headers=CARL)
        for scope in ("Private", "Public", "LinkOnly", "InstructorsOnly")
    }
    private = made.pop("Private")
    for scope, document in made.items():
        answer = await service.post(WORK, json={"document": document, "title": scope})
        assert answer.status_code == 201
    answer = await service.post(WORK, json={"document": private, "title": "x"})
    unknown = await service.post(WORK, json={"document": 4711, "title": "x"})
    assert assert_error(answer, 400) == assert_error(unknown, 400)
    answer = await service.post(WORK, json={"document": private, "title": "x"}, headers=ROOT)
    assert answer.status_code == 201


#: What was sent, and what is told back.
AVAILABLE = [
    ({"tag": "ViaPassword", "contents": "pendulum"}, None),
    ({"tag": "HiddenViaPassword", "contents": "pendulum"}, None),
    ({"tag": "ViaPasswordExpiring", "contents": ["pendulum", 60]}, 60),
    ({"tag": "HiddenViaPasswordExpiring", "contents": ["pendulum", 1]}, 1),
]


@pytest.mark.threat("A8")
@pytest.mark.parametrize(("sent", "minutes"), AVAILABLE)
async def test_a_password_is_kept_as_a_hash(
    service: RunningService, sent: dict[str, Any], minutes: int | None
) -> None:
    number = await make_assignment(service, availability=sent)
    answer = await service.get(f"{WORK}/{number}")
    assert answer.json()["availability"] == {"tag": sent["tag"], "contents": minutes}
    course = service.course("phys").id
    found = await service.services.store.read(
        lambda db: table.get_assignment(db, course, number).availability
    )
    assert found is not None
    assert found.tag == sent["tag"]
    assert found.hidden == sent["tag"].startswith("Hidden")
    assert table.is_password(found.password_hash, "pendulum")
    assert not table.is_password(found.password_hash, "pendulum ")
    assert "pendulum" not in str(await service.audit()) + found.password_hash
    assert "pendulum" not in answer.text + (await service.get(WORK)).text


@pytest.mark.parametrize(
    "sent",
    [
        "ViaPassword",
        {},
        {"tag": "ViaPassword"},
        {"tag": "ViaPassword", "contents": ""},
        {"tag": "ViaPassword", "contents": 60},
        {"tag": "ViaPassword", "contents": ["pendulum", 60]},
        {"tag": "Open", "contents": "pendulum"},
        {"tag": "ViaPasswordExpiring", "contents": "pendulum"},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum", 0]},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum", -5]},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum", 2.5]},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum", "60"]},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum", True]},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum", 2**31]},
        {"tag": "ViaPasswordExpiring", "contents": ["", 60]},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum"]},
        {"tag": "ViaPasswordExpiring", "contents": ["pendulum", 60, 1]},
        {"tag": "ViaPasswordExpiring", "contents": [60, "pendulum"]},
        {"tag": "ViaPasswordExpiring", "contents": 60},
        {"tag": "ViaPasswordExpiring", "contents": None},
    ],
)
async def test_ways_to_open_that_are_none(service: RunningService, sent: object) -> None:
    document = await make_document(service)
    body = {"document": document, "title": "Exam", "availability": sent}
    error = assert_error(await service.post(WORK, json=body), 400)
    assert error["message"].startswith("availability")
    assert (await service.get(WORK)).json() == []


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        ({"tag": "ViaPassword", "contents": ""}, "availability.contents", "1 to 1000 characters"),
        (
            {"tag": "ViaPasswordExpiring", "contents": ["pendulum", 0]},
            "availability.contents",
            "minutes: a whole number, 1 or more",
        ),
        (
            {"tag": "ViaPasswordExpiring", "contents": "pendulum"},
            "availability.contents",
            "ViaPasswordExpiring needs [password, minutes]",
        ),
        ({"contents": "pendulum"}, "availability.tag", "required"),
    ],
)
async def test_what_is_wrong_with_a_way_to_open(
    service: RunningService, sent: object, field: str, message: str
) -> None:
    body = {"document": await make_document(service), "title": "Exam", "availability": sent}
    error = assert_error(await service.post(WORK, json=body), 400)
    assert error["details"]["field"] == field
    assert message in error["message"]


async def test_titles_are_trimmed(service: RunningService) -> None:
    body = {"document": await make_document(service), "title": "  Exam\n"}
    number = (await service.post(WORK, json=body)).json()
    assert (await service.get(f"{WORK}/{number}")).json()["title"] == "Exam"
    assert (await patch(service, number, {"title": " Quiz "})).json()["title"] == "Quiz"


async def test_a_password_stays_unless_another_is_sent(service: RunningService) -> None:
    course = service.course("phys").id

    async def found(number: int) -> Any:
        return await service.services.store.read(
            lambda db: table.get_assignment(db, course, number).availability
        )

    number = await make_assignment(service, availability=AVAILABLE[0][0])
    first = (await found(number)).password_hash
    timed = {"tag": "ViaPasswordExpiring", "contents": 90}
    changed = await patch(service, number, {"availability": timed})
    assert changed.json()["availability"] == timed
    assert (await found(number)).password_hash == first
    assert (await target(service) or "").endswith(
        "availability ViaPassword → ViaPasswordExpiring 90 min"
    )
    other = {"tag": "ViaPasswordExpiring", "contents": ["other", 90]}
    await patch(service, number, {"availability": other})
    assert table.is_password((await found(number)).password_hash, "other")
    assert await target(service) == "Homework 1: password changed"
    back = {"tag": "HiddenViaPassword", "contents": None}
    assert (await patch(service, number, {"availability": back})).json()["availability"] == back
    assert table.is_password((await found(number)).password_hash, "other")
    assert (await patch(service, number, {"availability": None})).json()["availability"] is None
    assert await found(number) is None
    for none in (timed, back):
        assert_error(await patch(service, number, {"availability": none}), 400, "missing_field")


async def test_a_change_can_depend_on_what_was_read(
    service: RunningService, changes: list[int]
) -> None:
    number = await make_assignment(service)
    match = {"If-Match": (await service.get(f"{WORK}/{number}")).headers["ETag"]}
    first = await patch(service, number, {"duedate": "2026-06-01"}, headers=match)
    assert first.status_code == 200
    second = await patch(service, number, {"duedate": "2026-06-02"}, headers=match)
    assert_error(second, 412, "precondition_failed")
    gone = await service.fetch("DELETE", f"{WORK}/{number}", headers=match)
    assert_error(gone, 412, "precondition_failed")
    found = await service.get(f"{WORK}/{number}")
    assert found.json()["duedate"] == "2026-06-01T21:59:59Z"
    assert found.headers["ETag"] == first.headers["ETag"]
    assert len(changes) == 2  # made, and changed once
    answer = await patch(service, number, {"pointValue": 5}, headers={"If-Match": "*"})
    assert answer.status_code == 200


async def test_who_made_it(service: RunningService, hub: StandInHub) -> None:
    hub.groups["formgrade-phys"].append("otto")
    service.services.roster.refresh_seconds = 0.0
    otto = {"Authorization": "token token-otto"}
    await service.get("/api/v1/instructors/me/courses/phys/students")
    by_ina = await make_assignment(service, "One")
    document = await make_document(service, "two.md", headers=otto)
    answer = await service.post(WORK, json={"document": document, "title": "Two"}, headers=otto)
    made = {each["title"]: each for each in (await service.get(WORK)).json()}
    documents = await service.get("/api/v1/instructors/me/documents", headers=otto)
    assert made["One"]["id"] == by_ina
    assert made["One"]["assigner"] is None
    assert made["Two"]["id"] == answer.json()
    assert made["Two"]["assigner"] == documents.json()[0]["creator"]


async def test_courses_have_their_sums(service: RunningService, hub: StandInHub) -> None:
    courses = "/api/v1/instructors/me/courses"
    (phys,) = (await service.get(courses)).json()
    assert phys == {
        "id": service.course("phys").id,
        "code": "phys",
        "title": "Physics 101",
        "description": None,
        "instructor": phys["instructor"],
        "startDate": None,
        "endDate": None,
        "timeZone": "Europe/Berlin",
        "enrollmentOpen": False,
        "totalPoints": 0,
        "textBook": None,
        "textbookProblems": None,
    }
    assert isinstance(phys["instructor"], int)
    await make_assignment(service, "One", pointValue=20)
    await make_assignment(service, "Two", pointValue=5)
    await make_assignment(service, "Three")
    assert (await service.get(courses)).json() == [phys | {"totalPoints": 25}]
    hub.groups["formgrade-chem"].append("ina")
    # A token's groups are known for a while; a key's owner is asked about anew.
    service.services.credentials.hub_auth.cache.clear()
    assert [each["code"] for each in (await service.get(courses)).json()] == ["phys", "chem"]


async def test_a_course_has_its_days(
    place: Any, empty_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("homes", "snapshots"):
        (place / folder).mkdir(mode=0o700)
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    monkeypatch.setenv("JUPYTER_API_KEY", "0" * 32)
    config = Config()
    config.SnapshotsApp.snapshots_dir = str(place / "snapshots")
    config.SnapshotsApp.courses = [
        {
            "code": "phys",
            "time_zone": "America/Chicago",
            "start": "2021-01-26",
            "end": "2021-05-18",
            "instructors": ["ina"],
        }
    ]
    async with running(place, empty_database, config) as service:
        service.headers = {"X-Api-Key": "0" * 32}
        (course,) = (await service.get("/api/v1/instructors/me/courses")).json()
    assert course["startDate"] == "2021-01-26T06:00:00Z"
    assert course["endDate"] == "2021-05-19T04:59:59Z"
