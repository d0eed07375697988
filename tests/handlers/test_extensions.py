"""What single students are given, in the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import pytest

from assignments import BASE, make_assignment, make_document, members, utc
from jupyterhub_snapshots.store import assignments as table
from service import RunningService, StandInHub, assert_error

CARL = {"Authorization": "token token-carl"}
ALICE = {"Authorization": "token token-alice"}


@pytest.fixture
async def alice(service: RunningService) -> dict[str, Any]:
    return (await members(service))["alice"]


@pytest.fixture
def changes(service: RunningService) -> list[int]:
    told: list[int] = []
    object.__setattr__(service.services, "deadlines_changed", lambda: told.append(1))
    return told


def below(student: dict[str, Any], path: str) -> str:
    return f"{BASE}/students/{student['id']}/{path}"


async def target(service: RunningService) -> str | None:
    lines = await service.audit()
    return [line["target"] for line in lines if line["action"].startswith("grant")][-1]


# Extensions


async def test_granted_replaced_and_taken_back(
    service: RunningService, alice: dict[str, Any], changes: list[int]
) -> None:
    number = await make_assignment(service, duedate="2022-06-01")
    assert (await service.get(below(alice, "extensions"))).json() == []
    wanted = {"onAssignment": number, "until": "2022-06-02", "forUser": alice["userId"]}
    answer = await service.post(below(alice, "extensions"), json=wanted)
    assert answer.status_code == 200
    first = answer.json()
    record = {
        "id": first,
        "onAssignment": number,
        "forUser": alice["userId"],
        "until": "2022-06-02T21:59:59Z",
    }
    assert (await service.get(below(alice, "extensions"))).json() == [record]
    assert (await service.get(f"{BASE}/assignments/{number}/extensions")).json() == [record]
    assert await target(service) == (
        "extension of Homework 1 for alice: until 2022-06-02T21:59:59Z"
    )
    excused = {"onAssignment": number, "until": None}
    assert (await service.post(below(alice, "extensions"), json=excused)).json() == first
    assert (await service.get(below(alice, "extensions"))).json() == [record | {"until": None}]
    assert (await target(service) or "").endswith("until 2022-06-02T21:59:59Z → excused")
    assert len(changes) == 3
    gone = await service.fetch("DELETE", below(alice, f"extensions/{first}"))
    assert gone.json() == "deleted extension"
    assert (await target(service) or "").endswith("for alice: excused → none")
    assert len(changes) == 4
    again = await service.fetch("DELETE", below(alice, f"extensions/{first}"))
    assert_error(again, 404, "extension_not_found")
    assert len(changes) == 4


async def test_an_older_spelling_of_the_assignment(
    service: RunningService, alice: dict[str, Any]
) -> None:
    number = await make_assignment(service)
    body = {"onAsssignment": number, "until": "2022-06-02"}
    made = await service.post(below(alice, "extensions"), json=body)
    [found] = (await service.get(below(alice, "extensions"))).json()
    assert (made.json(), number) == (found["id"], found["onAssignment"])


async def test_what_was_read_before_it_is_taken_back(
    service: RunningService, alice: dict[str, Any]
) -> None:
    number = await make_assignment(service)
    wanted = {"onAssignment": number, "until": "2022-06-02"}
    first = (await service.post(below(alice, "extensions"), json=wanted)).json()
    course = service.course("phys").id
    token, _ = await service.services.store.write(
        lambda db: table.open_assignment(db, course, number, alice["userId"], utc(2022, 6, 1))
    )
    for path in (f"extensions/{first}", f"assignmentTokens/{token.id}"):
        address = below(alice, path)
        found = await service.get(address)
        assert found.json() in (await service.get(address.rpartition("/")[0])).json()
        other = await service.fetch("DELETE", address, headers={"If-Match": '"other"'})
        assert_error(other, 412, "precondition_failed")
        assert (await service.get(address)).json() == found.json()
        known = {"If-Match": found.headers["ETag"]}
        assert (await service.fetch("DELETE", address, headers=known)).status_code == 200
        assert_error(await service.get(address), 404)


async def test_a_date_is_read_in_the_courses_zone(
    service: RunningService, alice: dict[str, Any]
) -> None:
    number = await make_assignment(service)
    answer = await service.post(
        below(alice, "extensions"), json={"onAssignment": number, "until": "2026-10-25 02:30"}
    )
    assert answer.headers["X-Note"].startswith("until: 2026-10-25 02:30 happens twice")
    (found,) = (await service.get(below(alice, "extensions"))).json()
    assert found["until"] == "2026-10-25T01:30:00Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"onAssignment": None}, "onAssignment"),
        ({"onAssignment": "1"}, "onAssignment"),
        ({"until": 5}, "until"),
        ({"until": "soon"}, "until"),
        ({"until": "9000-01-01"}, "until"),
        ({"forUser": "alice"}, "forUser"),
        ({"forUser": 4711}, "forUser"),
    ],
)
async def test_what_is_wrong_is_named(
    service: RunningService, alice: dict[str, Any], body: dict[str, Any], field: str
) -> None:
    number = await make_assignment(service)
    whole = {"onAssignment": number, "until": "2022-06-02"}
    error = assert_error(await service.post(below(alice, "extensions"), json=whole | body), 400)
    assert error["message"].startswith(f"{field}: ")
    assert error["details"] == {"field": field}
    for missing in whole:
        rest = {name: value for name, value in whole.items() if name != missing}
        error = assert_error(await service.post(below(alice, "extensions"), json=rest), 400)
        assert error["message"].startswith(f"{missing}: ")
    assert (await service.get(below(alice, "extensions"))).json() == []


async def test_for_the_student_of_the_address_alone(service: RunningService) -> None:
    number = await make_assignment(service)
    both = await members(service)
    wanted = {"onAssignment": number, "until": "2022-06-02", "forUser": both["bob"]["userId"]}
    error = assert_error(await service.post(below(both["alice"], "extensions"), json=wanted), 400)
    assert str(both["alice"]["userId"]) in error["message"]
    made = await service.post(below(both["bob"], "extensions"), json=wanted)
    assert made.status_code == 200
    gone = await service.fetch("DELETE", below(both["alice"], f"extensions/{made.json()}"))
    assert_error(gone, 404, "extension_not_found")
    assert len((await service.get(below(both["bob"], "extensions"))).json()) == 1


async def test_assignments_of_this_course_alone(
    service: RunningService, alice: dict[str, Any], hub: StandInHub
) -> None:
    document = await make_document(service, "x", headers=CARL)
    chem = BASE.replace("phys", "chem")
    other = await service.post(
        f"{chem}/assignments", json={"document": document, "title": "x"}, headers=CARL
    )
    wanted = {"onAssignment": other.json(), "until": "2022-06-02"}
    answer = await service.post(below(alice, "extensions"), json=wanted)
    assert_error(answer, 404, "assignment_not_found")
    answer = await service.get(f"{BASE}/assignments/{other.json()}/extensions")
    assert_error(answer, 404, "assignment_not_found")
    hub.groups["nbgrader-chem"].append("alice")
    service.services.roster.refresh_seconds = 0.0
    answer = await service.post(f"{chem}/students/alice/extensions", json=wanted, headers=CARL)
    assert answer.status_code == 200
    assert (await service.get(below(alice, "extensions"))).json() == []
    gone = await service.fetch("DELETE", below(alice, f"extensions/{answer.json()}"))
    assert_error(gone, 404, "extension_not_found")


# Accommodations


@pytest.mark.parametrize("name", ["accommodations", "accomodations"])
async def test_accommodations_under_both_spellings(
    service: RunningService, alice: dict[str, Any], changes: list[int], name: str
) -> None:
    where = below(alice, name)
    start = {
        "id": None,
        "forCourse": service.course("phys").id,
        "forUser": alice["userId"],
        "timeFactor": 1,
        "timeExtraMinutes": 0,
        "dateExtraHours": 0,
    }
    assert (await service.get(where)).json() == start
    made = (await service.fetch("PATCH", where, json={"dateExtraHours": 24})).json()
    assert made == start | {"id": made["id"], "dateExtraHours": 24}
    assert isinstance(made["id"], int)
    assert await target(service) == "accommodations of alice: dateExtraHours 0 → 24"
    changed = await service.fetch("PATCH", where, json={"timeFactor": "2"})
    assert changed.json() == made | {"timeFactor": 2}
    quoted = {"timeFactor": "1.25", "timeExtraMinutes": "10", "dateExtraHours": None}
    changed = await service.fetch("PATCH", where, json=quoted)
    assert changed.json() == made | {"timeFactor": 1.25, "timeExtraMinutes": 10}
    assert (await service.get(where)).json() == changed.json()
    assert len(changes) == 3
    match = {"If-Match": (await service.get(where)).headers["ETag"]}
    assert (await service.fetch("DELETE", where, headers=match)).json() == "deleted accommodations"
    assert (await service.get(where)).json() == start
    stale = await service.fetch("PATCH", where, json={"timeFactor": 3}, headers=match)
    assert_error(stale, 412, "precondition_failed")
    assert len(changes) == 4


@pytest.mark.parametrize(
    ("sent", "factor"),
    [
        (1.1, Fraction(11, 10)),
        ("4/3", Fraction(4, 3)),
        (" 2 ", Fraction(2)),
        ("1.333333333", Fraction(1333333333, 10**9)),
        (100, Fraction(100)),
        (0.001, Fraction(1, 1000)),
    ],
)
async def test_a_factor_is_kept_exactly(
    service: RunningService, alice: dict[str, Any], sent: object, factor: Fraction
) -> None:
    await service.fetch("PATCH", below(alice, "accommodations"), json={"timeFactor": sent})
    course = service.course("phys").id
    found = await service.services.store.read(
        lambda db: table.get_accommodation(db, course, alice["userId"])
    )
    assert found.time_factor == factor


@pytest.mark.parametrize(
    "body",
    [
        *({"timeFactor": value} for value in (
            0, -1, "0", "-2", 100.1, "x", "", "1e5", "1e999999999", "1/0", "1//2", True, [], {},
            "٢", "1.", 1e300, "9" * 5000,
        )),
        *({"timeExtraMinutes": value} for value in (-1, 1.5, "1.5", "x", 10**9, False)),
        *({"dateExtraHours": value} for value in (-1, "-1", 0.5, 10**9, "one")),
    ],
    ids=lambda body: str(body)[:40],
)  # fmt: skip
async def test_numbers_that_can_not_be(
    service: RunningService, alice: dict[str, Any], body: dict[str, Any]
) -> None:
    where = below(alice, "accommodations")
    (field,) = body
    error = assert_error(await service.fetch("PATCH", where, json=body), 400, "invalid_request")
    assert error["message"].startswith(f"{field}: it must be ")
    assert (await service.get(where)).json()["id"] is None


# Access tokens


@pytest.mark.parametrize("instructors", ["instructors", "instructor"])
async def test_another_start(
    service: RunningService, alice: dict[str, Any], changes: list[int], instructors: str
) -> None:
    number = await make_assignment(service)
    course, when = service.course("phys").id, utc(2026, 6, 10, 19, 10)
    token, _ = await service.services.store.write(
        lambda db: table.open_assignment(db, course, number, alice["userId"], when)
    )
    (found,) = (await service.get(below(alice, "assignmentTokens"))).json()
    assert found == {
        "id": token.id,
        "createdAt": "2026-06-10T19:10:00Z",
        "user": alice["userId"],
        "assignment": number,
    }
    bob = (await members(service))["bob"]
    where = f"assignmentTokens/{token.id}"
    assert_error(await service.fetch("DELETE", below(bob, where)), 404, "access_token_not_found")
    path = below(alice, where).replace("/instructors/", f"/{instructors}/")
    assert (await service.fetch("DELETE", path)).json() == "deleted token"
    assert await target(service) == ("opening of Homework 1 by alice: 2026-06-10T19:10:00Z → none")
    assert_error(await service.fetch("DELETE", path), 404, "access_token_not_found")
    assert (await service.get(below(alice, "assignmentTokens"))).json() == []
    assert len(changes) == 2  # the assignment, and this
    _, fresh = await service.services.store.write(
        lambda db: table.open_assignment(db, course, number, alice["userId"], when)
    )
    assert fresh


@pytest.mark.threat("A13")
async def test_ids_that_are_none(service: RunningService, alice: dict[str, Any]) -> None:
    for number in ("x", "-1", "0", "1.0", "1e1", "9" * 30, "%D9%A1", "%ff", " 1"):
        for method, path in (
            ("GET", f"{BASE}/assignments/{number}"),
            ("GET", f"{BASE}/assignments/{number}/extensions"),
            ("GET", f"{BASE}/assignments/{number}/submissions"),
            ("GET", f"{BASE}/assignments/{number}/submissions/{alice['id']}"),
            ("DELETE", below(alice, f"extensions/{number}")),
            ("DELETE", below(alice, f"assignmentTokens/{number}")),
        ):
            assert_error(await service.fetch(method, path), 404)
    for path in ("extensions", "accommodations", "assignmentTokens", "submissions"):
        answer = await service.get(f"{BASE}/students/4711/{path}")
        assert_error(answer, 404, "student_not_found")


@pytest.mark.threat("A7")
async def test_students_see_their_own_and_change_nothing(
    service: RunningService, alice: dict[str, Any]
) -> None:
    for path in ("extensions", "accommodations", "assignmentTokens"):
        assert (await service.get(below(alice, path), headers=ALICE)).status_code == 200
        bob = f"{BASE}/students/bob/{path}"
        assert_error(await service.get(bob, headers=ALICE), 403)
    wanted = {"onAssignment": await make_assignment(service), "until": "2030-01-01"}
    answer = await service.post(below(alice, "extensions"), json=wanted, headers=ALICE)
    assert_error(answer, 403)
    answer = await service.fetch(
        "PATCH", below(alice, "accommodations"), json={"timeFactor": 5}, headers=ALICE
    )
    assert_error(answer, 403)
    assert (await service.get(below(alice, "extensions"))).json() == []


async def test_by_a_key_too(
    service: RunningService, alice: dict[str, Any], user_key: Callable[..., Awaitable[str]]
) -> None:
    key = {"X-Api-Key": await user_key("ina", course="phys"), "Authorization": ""}
    number = await make_assignment(service)
    wanted = {"onAssignment": number, "until": "2030-01-01"}
    answer = await service.post(below(alice, "extensions"), json=wanted, headers=key)
    assert answer.status_code == 200
