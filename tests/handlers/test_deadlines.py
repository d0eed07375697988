"""Deadlines of the class, and what a change of dates would do, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from collecting import COURSE, ago, change, collect, extend, make, text
from jupyterhub_snapshots.store import people
from jupyterhub_snapshots.store.database import utc_now
from service import RunningService, StandInHub, assert_error

ROUTE, PREVIEW = f"{COURSE}/deadlines", f"{COURSE}/deadlines/preview"


async def deadlines(service: RunningService, query: str = "") -> list[dict[str, Any]]:
    answer = await service.get(f"{ROUTE}{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


async def preview(service: RunningService, **what: Any) -> dict[str, Any]:
    answer = await service.post(PREVIEW, json=what)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_all_of_a_class_with_how_it_came_about(service: RunningService) -> None:
    number = await make(service)
    await change(service, number, duedate="2099-12-01", visibleTill="2099-12-03 10:00")
    await extend(service, number, "bob", "2099-12-05 10:00")
    alice, bob = await deadlines(service)
    assert alice == {
        "assignment": number,
        "student": "alice",
        "due": "2099-12-01T22:59:59Z",
        "closes": "2099-12-03T09:00:00Z",
        "ends": None,
        "opens": None,
        "release": None,
        "fires": "2099-12-01T22:59:59Z",
        "excused": False,
        "timeLeftSeconds": None,
        "captures": [
            {
                "kind": kind,
                "at": at,
                "state": "planned",
                "snapshot": None,
                "lateSeconds": None,
            }
            for kind, at in (
                ("deadline", "2099-12-01T22:59:59Z"),
                ("late", "2099-12-03T09:00:00Z"),
            )
        ],
        "steps": alice["steps"],
    }
    assert [step["rule"] for step in alice["steps"]] == ["dueDate", "visibleTill"]
    assert [step["rule"] for step in bob["steps"]] == ["dueDate", "extension"]
    assert bob["steps"][1]["text"].endswith("Sat 5 December 2099, 10:00 CET.")
    assert [each["kind"] for each in bob["captures"]] == ["deadline"]


async def test_some_of_them(service: RunningService) -> None:
    first, second = await make(service, "A"), await make(service, "B")
    [alice, bob] = (await service.get(f"{COURSE}/students")).json()
    await service.services.store.write(lambda db: people.set_canvas_ids(db, {"777000": "bob"}))
    everything = [(first, "alice"), (first, "bob"), (second, "alice"), (second, "bob")]

    async def found(query: str) -> list[tuple[int, str]]:
        return [(each["assignment"], each["student"]) for each in await deadlines(service, query)]

    assert await found("") == everything
    assert await found(f"?assignment={second}") == everything[2:]
    for name in ("bob", bob["id"], "777000"):
        assert await found(f"?student={name}") == [(first, "bob"), (second, "bob")]
    assert await found(f"?assignment={first}&student=alice") == [(first, "alice")]
    assert await found("?per_page=3&page=2") == everything[3:]
    answer = await service.get(f"{ROUTE}?per_page=3")
    assert 'rel="next"' in answer.headers["Link"]
    assert_error(await service.get(f"{ROUTE}?student=nobody"), 404, "student_not_found")
    assert_error(await service.get(f"{ROUTE}?assignment=4711"), 404, "assignment_not_found")
    assert_error(await service.get(f"{ROUTE}?assignment=x"), 400, "invalid_request")
    assert alice["id"] != bob["id"]


async def test_who_left_has_none(service: RunningService, hub: StandInHub) -> None:
    await make(service)
    hub.groups["nbgrader-phys"].remove("bob")
    service.services.roster.refresh_seconds = 0.0
    assert [each["student"] for each in await deadlines(service)] == ["alice"]
    assert await deadlines(service, "?student=bob") == []


async def test_another_courses_assignment_is_none(service: RunningService) -> None:
    number = await make(service)
    headers = {"Authorization": "token token-root"}
    there = f"/api/v1/instructors/me/courses/chem/deadlines?assignment={number}"
    assert_error(await service.get(there, headers=headers), 404, "assignment_not_found")


async def test_what_was_captured_is_told_to_both(service: RunningService) -> None:
    service.home("alice").file("a.txt")  # bob has no home
    due = ago(seconds=20)
    number = await make(service, due=due)
    await collect(service)
    alice, bob = await deadlines(service)
    [taken] = alice["captures"]
    assert 19 <= taken.pop("lateSeconds") < 50
    assert taken.pop("snapshot").startswith("homework-3_")
    assert taken == {"kind": "deadline", "at": text(due), "state": "done"}
    assert [(each["state"], each["snapshot"]) for each in bob["captures"]] == [("failed", None)]
    own = await service.get(
        "/api/v1/users/me/courses/phys/deadlines", headers={"Authorization": "token token-alice"}
    )
    [mine] = own.json()
    assert mine["captures"] == (await deadlines(service, "?student=alice"))[0]["captures"]
    # Moved on: what was taken stays, and another is planned.
    later = utc_now().replace(microsecond=0) + timedelta(days=3)
    await extend(service, number, "alice", text(later))
    [alice] = await deadlines(service, "?student=alice")
    assert [(each["at"], each["state"]) for each in alice["captures"]] == [
        (text(due), "done"),
        (text(later), "planned"),
    ]


@pytest.mark.parametrize(
    ("name", "status"),
    [("ina", 200), ("tara", 200), ("root", 200), ("alice", 403), ("carl", 403), ("otto", 403)],
)
async def test_who_may(service: RunningService, name: str, status: int) -> None:
    number = await make(service)
    headers = {"Authorization": f"token token-{name}"}
    body = {"assignment": {"id": number, "duedate": "2099-01-01"}}
    assert (await service.get(ROUTE, headers=headers)).status_code == status
    assert (await service.post(PREVIEW, json=body, headers=headers)).status_code == status


async def test_preview_of_an_assignment(service: RunningService) -> None:
    number = await make(service)
    await change(service, number, duedate="2099-12-01")
    await extend(service, number, "bob", "2099-12-05")
    before = await deadlines(service)
    found = await preview(service, assignment={"id": number, "duedate": "2099-12-02"})
    assert found == {
        "notes": [],
        "moves": [
            {
                "assignment": number,
                "student": "alice",
                "before": {
                    "due": "2099-12-01T22:59:59Z",
                    "closes": "2099-12-01T22:59:59Z",
                    "ends": None,
                },
                "after": {
                    "due": "2099-12-02T22:59:59Z",
                    "closes": "2099-12-02T22:59:59Z",
                    "ends": None,
                },
                "effect": "moves",
                "text": "Due on Wed 2 December 2099, 23:59 CET instead of "
                "Tue 1 December 2099, 23:59 CET.",
            }
        ],
    }
    assert await deadlines(service) == before
    assert await preview(service, assignment={"id": number, "title": "Other"}) == {
        "notes": [],
        "moves": [],
    }


async def test_preview_tells_how_dates_were_read(service: RunningService) -> None:
    number = await make(service)
    for body in (
        {"assignment": {"id": number, "due-date": "2026-03-29 02:30"}},
        {"extension": {"onAssignment": number, "student": "bob", "until": "2026-03-29 02:30"}},
    ):
        [note] = (await preview(service, **body))["notes"]
        assert "does not happen" in note


async def test_preview_of_an_extension(service: RunningService) -> None:
    number = await make(service)
    await change(service, number, duedate="2099-12-01")
    students = (await service.get(f"{COURSE}/students")).json()
    bob = next(each["id"] for each in students if each["username"] == "bob")
    for student in ("bob", bob, str(bob)):
        wanted = {"onAssignment": number, "student": student, "until": "2099-12-05"}
        [move] = (await preview(service, extension=wanted))["moves"]
        assert (move["student"], move["effect"]) == ("bob", "moves")
        assert move["after"]["due"] == "2099-12-05T22:59:59Z"
    wanted = {"onAssignment": number, "student": "bob", "until": None}
    [move] = (await preview(service, extension=wanted))["moves"]
    assert move["after"]["due"] is None
    assert move["text"].startswith("The student is excused.")
    assert (await service.get(f"{COURSE}/assignments/{number}/extensions")).json() == []


async def test_preview_of_an_accommodation(service: RunningService) -> None:
    first, second = await make(service, "A"), await make(service, "B")
    undated = await make(service, "C")
    for number in (first, second):
        await change(service, number, duedate="2099-12-01")
    wanted = {"student": "bob", "dateExtraHours": "24"}
    moves = (await preview(service, accommodation=wanted))["moves"]
    assert [(move["assignment"], move["student"]) for move in moves] == [
        (first, "bob"),
        (second, "bob"),
    ]
    assert {move["after"]["due"] for move in moves} == {"2099-12-02T22:59:59Z"}
    await service.fetch(
        "PATCH", f"{COURSE}/students/bob/accommodations", json={"dateExtraHours": 24}
    )
    assert (await preview(service, accommodation={"student": "bob", "timeFactor": 2}))[
        "moves"
    ] == []
    assert undated not in {move["assignment"] for move in moves}


async def test_preview_of_what_was_captured(service: RunningService) -> None:
    for student in ("alice", "bob"):
        service.home(student).file("a.txt")
    due = ago(minutes=5)
    number = await make(service, due=due)
    await collect(service)

    async def effects(when: str | None) -> set[str]:
        found = await preview(service, assignment={"id": number, "duedate": when})
        assert [move["student"] for move in found["moves"]] == ["alice", "bob"]
        return {move["effect"] for move in found["moves"]}

    assert await effects("2099-12-01") == {"captured_again"}
    assert await effects(text(due + timedelta(seconds=60))) == {"captured_now"}
    assert await effects(text(due - timedelta(days=1))) == {"none"}
    assert await effects(None) == {"none"}
    fresh = await make(service, "Fresh")
    wanted = {"onAssignment": fresh, "student": "alice", "until": text(ago(days=1))}
    [move] = (await preview(service, extension=wanted))["moves"]
    assert move["effect"] == "captured_now"
    wanted["until"] = "2019-12-31"  # before the assignment was made
    [move] = (await preview(service, extension=wanted))["moves"]
    assert move["effect"] == "none"


async def test_preview_of_a_timed_assignment(service: RunningService) -> None:
    number = await make(service)
    await change(service, number, visibleTill="2099-12-01")
    timed = {"tag": "ViaPasswordExpiring", "contents": ["secret", 60]}
    body = {"id": number, "availability": timed, "duedate": "2099-11-30"}
    moves = (await preview(service, assignment=body))["moves"]
    assert [move["effect"] for move in moves] == ["moves", "moves"]
    stored = (await service.get(f"{COURSE}/assignments/{number}")).json()
    assert stored["availability"] is None
    body = {"id": number, "availability": {"tag": "ViaPasswordExpiring", "contents": 60}}
    answer = await service.post(PREVIEW, json={"assignment": body})
    assert_error(answer, 400, "missing_field")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "invalid_request", "send one change"),
        (
            {
                "assignment": {"id": 1},
                "accommodation": {"student": "bob"},
            },
            "invalid_request",
            "send one change",
        ),
        ([], "invalid_request", "the body"),
        ({"assignment": {"duedate": "2099-01-01"}}, "invalid_request", "assignment.id"),
        ({"assignment": {"id": "1"}}, "invalid_request", "assignment.id"),
        ({"assignment": {"id": 1, "duedate": "soon"}}, "invalid_date", "duedate"),
        ({"assignment": {"id": 1, "duedate": 5}}, "invalid_request", "assignment.duedate"),
        (
            {"extension": {"student": "bob", "until": None}},
            "invalid_request",
            "extension.onAssignment",
        ),
        ({"extension": {"student": "bob", "onAssignment": 1}}, "invalid_request", "until"),
        (
            {"extension": {"student": "bob", "onAssignment": 1, "until": "2099-13-01"}},
            "invalid_date",
            "until",
        ),
        ({"accommodation": {"student": "bob", "timeFactor": -1}}, "invalid_request", "timeFactor"),
        ({"accommodation": {"timeFactor": 2}}, "invalid_request", "accommodation.student"),
        ({"accommodation": {"student": True}}, "invalid_request", "accommodation.student"),
    ],
)
async def test_what_can_be_no_change(
    service: RunningService, body: Any, code: str, field: str
) -> None:
    answer = await service.post(PREVIEW, json=body)
    assert field in assert_error(answer, 400, code)["message"]


async def test_whom_and_what_nobody_knows(service: RunningService) -> None:
    number = await make(service)
    for body, code in (
        ({"assignment": {"id": 4711}}, "assignment_not_found"),
        (
            {"extension": {"onAssignment": 4711, "student": "bob", "until": None}},
            "assignment_not_found",
        ),
        (
            {"extension": {"onAssignment": number, "student": "dora", "until": None}},
            "student_not_found",
        ),
        ({"accommodation": {"student": 4711}}, "student_not_found"),
    ):
        assert_error(await service.post(PREVIEW, json=body), 404, code)


async def test_the_audit_log_says_about_whom(service: RunningService) -> None:
    number = await make(service)
    await deadlines(service, "?student=bob")
    await preview(service, extension={"onAssignment": number, "student": "alice", "until": None})
    lines = [line for line in await service.audit() if line["action"] == "read deadlines"]
    assert [(line["student"], line["target"]) for line in lines] == [
        ("bob", None),
        ("alice", "Homework 3"),
    ]
