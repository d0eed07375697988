"""What is the caller's own: the courses, and as a student the snapshots in them; nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from jupyterhub_snapshots.store import people
from service import RunningService, StandInHub, assert_error

ME = "/api/v1/users/me"
OWN = f"{ME}/courses/phys/snapshots"
NAME = "hw_2026-01-31"


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"token token-{name}"}


def course(code: str, role: str) -> dict[str, str]:
    title, zone = {"phys": ("Physics 101", "Europe/Berlin"), "chem": ("Chemistry", "UTC")}[code]
    return {"code": code, "title": title, "timeZone": zone, "role": role}


async def test_who_i_am(service: RunningService, hub: StandInHub) -> None:
    hub.groups["nbgrader-chem"].append("ina")
    for name, admin, courses in (
        ("ina", False, [course("chem", "student"), course("phys", "instructor")]),
        ("alice", False, [course("phys", "student")]),
        ("carl", False, [course("chem", "instructor")]),
        ("otto", False, []),
        ("root", True, [course("chem", "instructor"), course("phys", "instructor")]),
    ):
        answer = (await service.get(ME, headers=as_(name))).json()
        zones = {each.pop("timeZone") for each in answer["courses"]}
        assert "" not in zones
        for each in courses:
            each.pop("timeZone")
        assert answer == {"username": name, "admin": admin, "courses": courses}
    [mine] = (await service.get(ME, headers=as_("alice"))).json()["courses"]
    assert mine["timeZone"] == "Europe/Berlin"


async def test_whose_a_key_is(
    service: RunningService, hub: StandInHub, user_key: Callable[..., Awaitable[str]]
) -> None:
    hub.groups["formgrade-chem"].append("ina")
    key = {"X-Api-Key": await user_key("ina", "chem"), "Authorization": ""}
    answer = (await service.get(ME, headers=key)).json()
    assert (answer["username"], [each["code"] for each in answer["courses"]]) == ("ina", ["chem"])


async def test_a_key_that_is_nobodys(single: RunningService) -> None:
    answer = (await single.get(ME)).json()
    assert (answer["username"], answer["admin"]) == (None, True)
    assert [each["role"] for each in answer["courses"]] == ["instructor"]
    code = answer["courses"][0]["code"]
    single.put_snapshot("alice")
    assert_error(await single.get(f"{ME}/courses/{code}/snapshots"), 403, "access_denied")


async def test_a_students_own_snapshots(service: RunningService) -> None:
    for student in ("alice", "bob"):
        files = [("a.txt", student.encode()), ("d/b.txt", b"b")]
        service.put_snapshot(student, NAME, files, course="phys")
    service.put_snapshot("bob", "only-bob_2026-02-01", course="phys")
    service.put_snapshot("alice", "elsewhere_2026-02-01", course="chem")
    alice = as_("alice")
    below = "/api/v1/instructors/me/courses/phys/students/alice/snapshots"
    for path in ("", f"/{NAME}", f"/{NAME}/tree", f"/{NAME}/tree?path=d"):
        own = await service.get(OWN + path, headers=alice)
        assert own.status_code == 200
        assert own.json() == (await service.get(below + path)).json()
    titled = await service.get(f"{ME}/courses/Physics%20101/snapshots", headers=alice)
    assert [each["name"] for each in titled.json()] == [NAME]
    file = await service.get(f"{OWN}/{NAME}/files/a.txt", headers=alice)
    assert file.content == b"alice"
    part = await service.get(f"{OWN}/{NAME}/files/a.txt", headers={**alice, "Range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, b"al")
    head = await service.fetch("HEAD", f"{OWN}/{NAME}/files/a.txt", headers=alice)
    assert head.headers["Content-Length"] == "5"
    zipped = await service.get(f"{OWN}/{NAME}/archive.zip", headers=alice)
    assert f'filename="alice_{NAME}.zip"' in zipped.headers["Content-Disposition"]
    for path in ("only-bob_2026-02-01", "elsewhere_2026-02-01", "nothing", f"..%2Fbob%2F{NAME}"):
        answer = await service.get(f"{OWN}/{path}", headers=alice)
        assert_error(answer, 404, "snapshot_not_found")
    for method in ("DELETE", "PATCH", "POST", "PUT"):
        answer = await service.fetch(method, f"{OWN}/{NAME}", headers=alice, json={"pinned": True})
        assert_error(answer, 405)
    lines = await service.audit()
    assert {line["student"] for line in lines if line["principal"] == "alice"} == {"alice"}
    assert (lines[0]["action"], lines[0]["course_id"]) == (
        *("list snapshots", service.course("phys").id),
    )


@pytest.mark.threat("A12", "A13")
async def test_another_course_is_like_none(service: RunningService) -> None:
    service.put_snapshot("alice", NAME, course="chem")
    for path in ("", f"/{NAME}", f"/{NAME}/tree", f"/{NAME}/files/a.txt", f"/{NAME}/archive.zip"):
        answers = [
            await service.get(f"{ME}/courses/{code}/snapshots{path}", headers=as_("alice"))
            for code in ("chem", "Chemistry", "nothing")
        ]
        for answer in answers:
            assert_error(answer, 403, "access_denied")
        assert len({answer.text for answer in answers}) == 1
    assert_error(await service.get(OWN, headers=as_("otto")), 403)


@pytest.mark.threat("A13", "P4")
async def test_an_instructor_has_only_own_ones(service: RunningService) -> None:
    service.put_snapshot("alice", NAME, course="phys")
    for who in ("ina", "root"):
        assert (await service.get(OWN, headers=as_(who))).json() == []
        for path in ("", "/tree", "/files/a.txt", "/archive.zip", "/compare?with=x"):
            answer = await service.get(f"{OWN}/{NAME}{path}", headers=as_(who))
            assert_error(answer, 404, "snapshot_not_found")
    service.put_snapshot("ina", "trial_2026-01-01", course="phys")
    [own] = (await service.get(OWN)).json()
    assert (own["student"], own["name"]) == ("ina", "trial_2026-01-01")


@pytest.mark.threat("A13", "P10")
async def test_a_username_that_is_anothers_number(service: RunningService, hub: StandInHub) -> None:
    """Neither an id nor a Canvas id makes one person another."""
    students = (await service.get("/api/v1/instructors/me/courses/phys/students")).json()
    number = str(students[0]["id"])
    assert students[0]["username"] == "alice"
    service.put_snapshot("alice", NAME, course="phys")
    service.put_snapshot(number, "numbers_2026-01-01", course="phys")
    await service.services.store.write(lambda db: people.set_canvas_ids(db, {"ina": "alice"}))
    hub.groups["nbgrader-phys"].append(number)
    hub.add_token("token-number", number)
    service.services.roster.refresh_seconds = 0.0
    [own] = (await service.get(OWN, headers=as_("number"))).json()
    assert (own["student"], own["name"]) == (number, "numbers_2026-01-01")
    assert_error(await service.get(f"{OWN}/{NAME}", headers=as_("number")), 404)
    assert (await service.get(OWN)).json() == []  # ina's, whose name is alice's Canvas id
