"""Members of a course over the API: by hand, from a file, and what groups and settings forbid."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.core.sources import CONFIG
from jupyterhub_snapshots.store import people
from service import RunningService, StandInHub, assert_error

COURSES = "/api/v1/instructors/me/courses"
MEMBERS = f"{COURSES}/phys/members"
IMPORT = f"{MEMBERS}/import"


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"token token-{name}"}


async def members(
    service: RunningService, course: str = "phys", who: str = "ina"
) -> dict[str, dict[str, Any]]:
    answer = await service.get(f"{COURSES}/{course}/members", headers=as_(who))
    assert answer.status_code == 200, answer.text
    return {each["username"]: each for each in answer.json()}


async def short(service: RunningService, course: str = "phys", who: str = "ina") -> dict[str, str]:
    """Username to role, source and whether the member has left."""
    found = await members(service, course, who)
    return {
        name: f"{each['role']} {each['source']}{'' if each['active'] else ' left'}"
        for name, each in found.items()
    }


async def load(service: RunningService, text: str, query: str = "", **options: Any) -> Any:
    answer = await service.post(f"{IMPORT}{query}", content=text.encode(), **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


NEW = {"username": "otis", "role": "assistant"}
GROUPS = {
    "alice": "student hub",
    "bob": "student hub",
    "ina": "instructor hub",
    "tara": "assistant hub",
}


# Reading


async def test_one_member_and_what_was_read_before_a_change(service: RunningService) -> None:
    made = await service.post(MEMBERS.replace("/phys", "//phys"), json=NEW)
    address = made.headers["Location"].removeprefix(service.prefix)
    assert address == f"{MEMBERS}/{made.json()['id']}"
    found = await service.get(address)
    assert found.json() == made.json()
    old = {"If-Match": found.headers["ETag"]}
    changed = await service.fetch("PATCH", address, json={"lastName": "B"}, headers=old)
    assert changed.headers["ETag"] == (await service.get(address)).headers["ETag"]
    for method, body in (("PATCH", {"role": "student"}), ("DELETE", None)):
        late = await service.fetch(method, address, json=body, headers=old)
        assert_error(late, 412, "precondition_failed")
    assert (await service.get(address)).json() == made.json() | {"lastName": "B"}
    now = {"If-Match": changed.headers["ETag"]}
    assert not (await service.fetch("DELETE", address, headers=now)).json()["active"]
    assert_error(await service.get(f"{MEMBERS}/4711"), 404, "member_not_found")


async def test_a_misspelt_parameter_of_an_import_writes_nothing(service: RunningService) -> None:
    before = await short(service)
    for query in ("dryrun=true", "dry-run=1", "dryRun=true&partail=true"):
        answer = await service.post(f"{IMPORT}?{query}", content=b"username\notis\n")
        assert_error(answer, 400, "invalid_request")
    assert await short(service) == before


async def test_good_rows_of_a_refused_file_say_so(service: RunningService) -> None:
    report = await load(service, "username,role\notis,\nalice,teacher\nbob,\n")
    assert next(iter(report)) == "written"
    assert report["written"] is False
    good, bad, same = report["rows"]
    assert (good["result"], good["message"]) == ("added", "not written: another row has an error")
    assert bad["result"] == "error"
    assert "not written" not in bad["message"]
    assert (same["result"], same["message"]) == ("unchanged", None)


async def test_everybody_and_who_has_left(service: RunningService, hub: StandInHub) -> None:
    assert await short(service) == await short(service, who="tara") == GROUPS
    alice = (await members(service))["alice"]
    assert alice == {
        "id": alice["id"],
        "username": "alice",
        "role": "student",
        "source": "hub",
        "active": True,
        "firstName": "",
        "lastName": "",
        "email": "",
        "universityId": None,
    }
    student = (await service.get(f"{COURSES}/phys/students/{alice['id']}")).json()
    assert (student["id"], student["username"]) == (alice["id"], "alice")
    hub.groups["nbgrader-phys"] = ["bob"]
    service.services.roster.refresh_seconds = 0.0
    assert await short(service) == GROUPS | {"alice": "student hub left"}
    page = await service.get(f"{MEMBERS}?per_page=1&page=2")
    assert [each["username"] for each in page.json()] == ["bob"]
    assert 'rel="next"' in page.headers["Link"]


# One by one


async def test_a_member_added_changed_and_removed(service: RunningService) -> None:
    new = {"username": "zoë", "role": "student", "firstName": " Zoë ", "universityId": "07"}
    added = await service.post(MEMBERS, json=new)
    assert added.status_code == 201
    zoe = added.json()
    assert (zoe["firstName"], zoe["universityId"], zoe["source"]) == ("Zoë", "07", "api")
    assert added.headers["Location"].endswith(f"/members/{zoe['id']}")
    service.home("zoë").file("a.txt")
    batch = await service.post(f"{COURSES}/phys/snapshots", json={"name": "x", "students": ["zoë"]})
    assert batch.status_code == 202
    one = f"{MEMBERS}/{zoe['id']}"
    change = {"role": "assistant", "lastName": "Ø", "universityId": None, "firstName": ""}
    changed = (await service.fetch("PATCH", one, json=change)).json()
    assert changed == zoe | {
        "role": "assistant",
        "lastName": "Ø",
        "universityId": None,
        "firstName": "",
    }
    assert (await service.fetch("PATCH", one, json={})).json() == changed
    for _ in range(2):
        left = await service.fetch("DELETE", one)
        assert (left.status_code, left.json()) == (200, changed | {"active": False})
    assert (await service.get(f"{COURSES}/phys/students/zoë/snapshots")).status_code == 200
    refused = await service.fetch("PATCH", one, json={"role": "student"})
    assert "has left" in assert_error(refused, 409, "member_fixed")["message"]
    again = await service.post(MEMBERS, json={"username": "zoë", "role": "student"})
    assert again.json() == changed | {"role": "student"}
    lines = [
        (line["student"], line["target"], line["status"])
        for line in await service.audit()
        if line["action"] == "manage the roster"
    ]
    assert lines == [
        ("zoë", "added as student", 201),
        ("zoë", "changed to assistant: first_name, last_name, role, university_id", 200),
        ("zoë", "changed: nothing", 200),
        ("zoë", "left", 200),
        ("zoë", "left", 200),
        (None, f"member {zoe['id']} changed", 409),
        ("zoë", "added as student", 201),
    ]


async def test_a_change_counts_at_once(service: RunningService) -> None:
    added = await service.post(MEMBERS, json={"username": "otto", "role": "assistant"})
    one = f"{MEMBERS}/{added.json()['id']}"
    students = f"{COURSES}/phys/students"
    assert (await service.get(students, headers=as_("otto"))).status_code == 200
    assert_error(await service.post(MEMBERS, json={}, headers=as_("otto")), 403)
    await service.fetch("PATCH", one, json={"role": "instructor"})
    made = {"username": "zoe", "role": "student"}
    assert (await service.post(MEMBERS, json=made, headers=as_("otto"))).status_code == 201
    await service.fetch("DELETE", one)
    assert_error(await service.get(students, headers=as_("otto")), 403)


async def test_the_groups_role_is_overruled(service: RunningService, hub: StandInHub) -> None:
    bob = (await members(service))["bob"]["id"]
    changed = await service.fetch("PATCH", f"{MEMBERS}/{bob}", json={"role": "assistant"})
    assert changed.json()["source"] == "api"
    service.services.roster.refresh_seconds = 0.0
    assert (await short(service))["bob"] == "assistant api"
    assert (await service.get(f"{COURSES}/phys/students", headers=as_("bob"))).status_code == 200
    # Named only, a member stays the group's.
    alice = (await members(service))["alice"]["id"]
    changed = await service.fetch("PATCH", f"{MEMBERS}/{alice}", json={"email": "a@example.edu"})
    assert (changed.json()["source"], changed.json()["email"]) == ("hub", "a@example.edu")
    hub.groups["nbgrader-phys"] = []
    assert (await short(service))["alice"] == "student hub left"
    assert (await short(service))["bob"] == "assistant api"


@pytest.mark.threat("A13")
async def test_who_is_in_a_group_is_not_removed(service: RunningService, hub: StandInHub) -> None:
    found = await members(service)
    refused = await service.fetch("DELETE", f"{MEMBERS}/{found['alice']['id']}")
    message = assert_error(refused, 409, "member_of_hub_group")["message"]
    assert "out of the group" in message
    added = (await service.post(MEMBERS, json={"username": "zoe", "role": "student"})).json()
    hub.groups["nbgrader-phys"].append("zoe")
    one = f"{MEMBERS}/{added['id']}"
    assert_error(await service.fetch("DELETE", one), 409, "member_of_hub_group")
    hub.groups["nbgrader-phys"].remove("zoe")
    assert (await service.fetch("DELETE", one)).json()["active"] is False
    # The group is the truth for its members, also of one who had been marked as left.
    hub.groups["nbgrader-phys"].append("zoe")
    service.services.roster.refresh_seconds = 0.0
    assert (await short(service))["zoe"] == "student hub"


async def test_members_that_nobody_changes(service: RunningService) -> None:
    course = service.course("phys").id
    await service.services.store.write(
        lambda db: people.set_members(db, course, ["cora"], Role.STUDENT, CONFIG)
    )
    found = await members(service)
    for name, words in (("cora", "configuration"), ("ina", "your own")):
        one = f"{MEMBERS}/{found[name]['id']}"
        for method, options in (("PATCH", {"json": {"role": "assistant"}}), ("DELETE", {})):
            refused = await service.fetch(method, one, **options)
            assert words in assert_error(refused, 409, "member_fixed")["message"]
        same = await service.fetch("PATCH", one, json={"role": found[name]["role"], "email": "x@y"})
        assert same.json() == found[name] | {"email": "x@y"}
    report = await load(service, "username,role\ncora,assistant\nina,student\n")
    assert [row["result"] for row in report["rows"]] == ["error", "error"]


async def test_a_folder_of_homes_holds_its_students(single: RunningService) -> None:
    single.home("alice")
    base = f"{COURSES}/STAT100a/members"
    await single.post(f"{base}/import", content=b"username,role\nbea,student\nalice,assistant\n")
    found = {each["username"]: each for each in (await single.get(base)).json()}
    assert {each["source"] for each in found.values()} == {"csv"}
    refused = await single.fetch("DELETE", f"{base}/{found['alice']['id']}")
    assert "folder" in assert_error(refused, 409, "member_fixed")["message"]
    gone = await single.fetch("DELETE", f"{base}/{found['bea']['id']}")
    assert gone.json()["active"] is False


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"username": "alice", "role": "student"}, 409, "member_exists"),
        ({"username": "ina", "role": "student"}, 409, "member_exists"),
        ({"username": "..", "role": "student"}, 400, "invalid_name"),
        ({"username": "a/b", "role": "student"}, 400, "invalid_name"),
        ({"username": "nul\0", "role": "student"}, 400, "invalid_name"),
        ({"username": "", "role": "student"}, 400, "invalid_request"),
        ({"username": "x" * 256, "role": "student"}, 400, "invalid_request"),
        ({"username": "zoe"}, 400, "invalid_request"),
        ({"username": "zoe", "role": "teacher"}, 400, "invalid_request"),
        ({"username": 7, "role": "student"}, 400, "invalid_request"),
        ({"username": "zoe", "role": "student", "email": ["x"]}, 400, "invalid_request"),
        ({"username": "zoe", "role": "student", "lastName": "a\nb"}, 400, "invalid_request"),
        ({"username": "zoe", "role": "student", "lastName": "nul\0"}, 400, "invalid_request"),
        ({"username": "zoe", "role": "student", "email": "x" * 256}, 400, "invalid_request"),
        ([], 400, "invalid_request"),
    ],
)
async def test_bodies_that_are_refused(
    service: RunningService, body: Any, status: int, code: str
) -> None:
    before = await short(service)
    assert_error(await service.post(MEMBERS, json=body), status, code)
    assert await short(service) == before


async def test_members_that_are_not_there(service: RunningService) -> None:
    dora = (await members(service, "chem", "carl"))["dora"]["id"]
    for number in (str(dora), "0", "4711", "9" * 9, "9" * 40, "alice", "-1", "1.0", "²"):
        for method, options in (("PATCH", {"json": {"role": "student"}}), ("DELETE", {})):
            answer = await service.fetch(method, f"{MEMBERS}/{number}", **options)
            assert_error(answer, 404, "member_not_found")


# From a file


async def test_a_file(service: RunningService) -> None:
    text = (
        "\ufeffusername;role;First Name;last_name;email;Group\r\n"
        'zoë;;Zoë;"Ø; the second";zoe@example.edu;3\r\n'
        "bob;;Bob;;bob@example.edu;\r\n"
        "tara;instructor;;;;\r\n"
        "alice;student;;;;\r\n"
        "=1+1;;=1+1;;;\r\n"
    )
    wanted = {
        "dryRun": True,
        "written": False,
        "counts": {"added": 2, "updated": 2, "unchanged": 1, "error": 0},
        "rows": [
            {"row": 2, "username": "zoë", "result": "added", "message": None},
            {
                "row": 3,
                "username": "bob",
                "result": "updated",
                "message": "first name, email changed",
            },
            {
                "row": 4,
                "username": "tara",
                "result": "updated",
                "message": "assistant becomes instructor",
            },
            {"row": 5, "username": "alice", "result": "unchanged", "message": None},
            {"row": 6, "username": "=1+1", "result": "added", "message": None},
        ],
        "unknownColumns": ["Group"],
    }
    before = await members(service)
    assert await load(service, text, "?dryRun=true") == wanted
    assert await members(service) == before
    written = await load(service, text, headers={"Content-Type": "text/csv"})
    assert written == wanted | {"dryRun": False, "written": True}
    assert await short(service) == GROUPS | {
        "zoë": "student csv",
        "tara": "instructor csv",
        "=1+1": "student csv",
    }
    found = await members(service)
    assert (found["zoë"]["lastName"], found["=1+1"]["firstName"]) == ("Ø; the second", "=1+1")
    assert (found["bob"]["firstName"], found["bob"]["email"]) == ("Bob", "bob@example.edu")
    again = await load(service, text)
    assert again["counts"] == {"added": 0, "updated": 0, "unchanged": 5, "error": 0}
    assert await members(service) == found
    targets = [line["target"] for line in await service.audit() if "import" in str(line["target"])]
    assert targets == [
        "import, dry run: 2 added, 2 updated, 1 unchanged, 0 error",
        "import: 2 added, 2 updated, 1 unchanged, 0 error",
        "import: 0 added, 0 updated, 5 unchanged, 0 error",
    ]


async def test_all_rows_or_none_unless_asked(service: RunningService) -> None:
    text = "username,role\nzoe,\nbo/b,\nyan,teacher\nzoe,\n"
    for query in ("?dryRun=true", "", "?dryRun=true&partial=true"):
        report = await load(service, text, query)
        assert report["counts"] == {"added": 1, "updated": 0, "unchanged": 0, "error": 3}
        assert report["written"] is False
        assert await short(service) == GROUPS
    report = await load(service, text, "?partial=true")
    assert report["written"] is True
    assert await short(service) == GROUPS | {"zoe": "student csv"}
    targets = [line["target"] for line in await service.audit() if "import" in str(line["target"])]
    assert targets[1] == "import: 1 added, 0 updated, 0 unchanged, 3 error; not written"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "invalid_roster"),
        (b"name\nzoe\n", 400, "invalid_roster"),
        (b"username\nzo\xeb\n", 400, "invalid_roster"),
        (b"username\n" + b"s\n" * 10_001, 400, "invalid_roster"),
        (b"username\n" + b"x" * (2 * 1024 * 1024), 413, "too_large"),
    ],
)
async def test_files_that_are_refused(
    service: RunningService, content: bytes, status: int, code: str
) -> None:
    assert_error(await service.post(IMPORT, content=content), status, code)
    assert await short(service) == GROUPS
    assert_error(await service.post(f"{IMPORT}?dryRun=maybe", content=b"username"), 400)


async def test_ten_thousand_rows(service: RunningService) -> None:
    rows = "".join(f"student{number:05},First {number},s{number}@x\n" for number in range(10_000))
    report = await load(service, f"username,first_name,email\n{rows}")
    assert report["counts"]["added"] == len(report["rows"]) == 10_000
    again = await load(service, f"username,first_name,email\n{rows}")
    assert again["counts"]["unchanged"] == 10_000


# Whose it is


@pytest.mark.threat("A13")
async def test_what_another_course_says_of_a_person_stays(service: RunningService) -> None:
    """alice is known in phys; an instructor of chem can't rename her there."""
    alice = (await members(service))["alice"]
    await service.fetch("PATCH", f"{MEMBERS}/{alice['id']}", json={"firstName": "Alice"})
    text = "username,first_name,last_name\nalice,Mallory,Liddell\n"
    answer = await service.post(
        f"{COURSES}/chem/members/import", content=text.encode(), headers=as_("carl")
    )
    (row,) = answer.json()["rows"]
    assert row["result"] == "added"
    assert row["message"].startswith("first name stays as it is")
    found = (await members(service))["alice"]
    assert (found["firstName"], found["lastName"]) == ("Alice", "Liddell")
    in_chem = (await members(service, "chem", "carl"))["alice"]
    assert in_chem["id"] != alice["id"]
    one = f"{COURSES}/chem/members/{in_chem['id']}"
    refused = await service.fetch("PATCH", one, json={"email": "m@x"}, headers=as_("carl"))
    assert refused.json()["email"] == "m@x"  # was empty
    refused = await service.fetch("PATCH", one, json={"email": "n@x"}, headers=as_("carl"))
    assert "another course" in assert_error(refused, 409, "member_fixed")["message"]
    by_root = await service.fetch("PATCH", one, json={"email": "n@x"}, headers=as_("root"))
    assert by_root.json()["email"] == "n@x"


async def test_one_person_in_several_courses_and_several_instructors(
    service: RunningService, hub: StandInHub
) -> None:
    for course, who, body in (
        ("phys", "ina", {"username": "carl", "role": "instructor"}),
        ("chem", "carl", {"username": "ina", "role": "student"}),
        ("chem", "carl", {"username": "alice", "role": "assistant"}),
    ):
        made = await service.post(f"{COURSES}/{course}/members", json=body, headers=as_(who))
        assert made.status_code == 201
    me = {}
    for name in ("carl", "ina", "alice"):
        answer = (await service.get("/api/v1/users/me", headers=as_(name))).json()
        me[name] = {each["code"]: each["role"] for each in answer["courses"]}
    assert me == {
        "carl": {"phys": "instructor", "chem": "instructor"},
        "ina": {"phys": "instructor", "chem": "student"},
        "alice": {"phys": "student", "chem": "assistant"},
    }
    teachers = [
        name for name, told in (await short(service)).items() if told.startswith("instructor")
    ]
    assert teachers == ["carl", "ina"]
    for name in teachers:
        service.services.roster.refresh_seconds = 0.0
        listed = await service.get(f"{COURSES}/phys/students", headers=as_(name))
        assert [each["username"] for each in listed.json()] == ["alice", "bob"]
    assert_error(await service.get(f"{COURSES}/chem/students"), 403)
    listed = await service.get(f"{COURSES}/chem/students", headers=as_("alice"))
    assert [each["username"] for each in listed.json()] == ["dora", "ina"]
    assert_error(await service.get(f"{COURSES}/phys/students", headers=as_("alice")), 403)


async def test_an_assistant_reads_and_changes_nothing(service: RunningService) -> None:
    service.put_snapshot("alice", course="phys")
    tara = as_("tara")
    courses = (await service.get(COURSES, headers=tara)).json()
    assert [each["code"] for each in courses] == ["phys"]
    (mine,) = (await service.get("/api/v1/users/me", headers=tara)).json()["courses"]
    assert mine["role"] == "assistant"
    file = f"{COURSES}/phys/students/alice/snapshots/hw_2026-01-31/files/a.txt"
    assert (await service.get(file, headers=tara)).content == b"a"
    listed = await service.get(f"{COURSES}/phys/overview/students", headers=tara)
    assert [each["username"] for each in listed.json()] == ["alice", "bob"]
    before = await short(service)
    found = await members(service)
    for method, path in (
        ("POST", MEMBERS),
        ("POST", IMPORT),
        ("PATCH", f"{MEMBERS}/{found['tara']['id']}"),
        ("DELETE", f"{MEMBERS}/{found['tara']['id']}"),
        ("DELETE", f"{MEMBERS}/4711"),
        ("GET", f"{COURSES}/phys/audit"),
        ("POST", f"{COURSES}/phys/snapshots"),
    ):
        answer = await service.fetch(method, path, headers=tara)
        assert_error(answer, 403, "access_denied")
    assert await short(service) == before


@pytest.mark.threat("A7")
async def test_a_hub_may_keep_rosters_to_its_administrators(
    service: RunningService, user_key: Callable[..., Awaitable[str]]
) -> None:
    service.services.roster.instructors_change_members = False
    bob = f"{MEMBERS}/{(await members(service))['bob']['id']}"
    new = {"username": "otto", "role": "student"}
    for headers in (as_("ina"), {"Authorization": "", "X-Api-Key": await user_key("ina")}):
        for method, path, options in (
            ("POST", MEMBERS, {"json": new}),
            ("POST", IMPORT, {"content": b"username\notto\n"}),
            ("PATCH", bob, {"json": {"email": "b@x"}}),
            ("DELETE", bob, {}),
        ):
            refused = await service.fetch(method, path, headers=headers, **options)
            assert "administrators" in assert_error(refused, 403)["message"]
    assert await short(service) == GROUPS
    assert (await service.post(MEMBERS, json=new, headers=as_("root"))).status_code == 201


async def test_members_outlive_a_restart(service: RunningService) -> None:
    """What a start does with the configuration leaves the instructors' roster alone."""
    await load(service, "username,role\nzoe,student\nbob,assistant\n")
    service.app.open_courses(service.services.store)
    service.services.roster.refresh_seconds = 0.0
    assert await short(service) == GROUPS | {"zoe": "student csv", "bob": "assistant csv"}
