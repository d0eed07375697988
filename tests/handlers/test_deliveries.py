"""Documents put into homes on request, and reports that are returned before their release."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

from assignments import BASE, make_assignment, make_document, members
from jupyterhub_snapshots.store.database import utc_now
from service import RunningService, StandInHub, assert_error

DOCUMENTS = "/api/v1/instructors/me/documents"


def at(hours: float) -> str:
    when = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=hours)
    return when.isoformat().replace("+00:00", "Z")


async def handed_out(service: RunningService, title: str = "Homework 1", **fields: object) -> int:
    document = await make_document(service, "sheet.ipynb")
    await service.fetch("PUT", f"{DOCUMENTS}/{document}/data", content=b"{}")
    return await make_assignment(service, title, document=document, **fields)


async def test_to_all_or_some(service: RunningService) -> None:
    service.home("alice")
    number = await handed_out(service)
    path = f"{BASE}/assignments/{number}/deliveries"
    assert (await service.get(path)).json() == []
    answer = await service.post(path, json={"students": ["alice"]})
    assert answer.status_code == 200
    [one] = answer.json()
    assert {key: one[key] for key in ("student", "kind", "state", "path", "renamed", "error")} == {
        "student": "alice", "kind": "document", "state": "delivered",
        "path": "homework-1/sheet.ipynb", "renamed": False, "error": None,
    }  # fmt: skip
    assert (one["dueAt"], one["errorCode"]) == (None, None)
    assert one["at"].endswith("Z")
    found = (await service.post(path, json={})).json()
    assert [(each["student"], each["state"], each["errorCode"]) for each in found] == [
        ("alice", "delivered", None),
        ("bob", "waiting", "home_not_found"),
    ]
    assert found[0] == one
    assert found[1]["dueAt"] is not None
    bob = (await members(service))["bob"]["id"]
    service.home("bob").file("homework-1/sheet.ipynb", b"mine")
    [second] = (await service.post(path, json={"students": [bob, bob]})).json()
    assert (second["path"], second["renamed"]) == ("homework-1/sheet-2.ipynb", True)
    assert [each["student"] for each in (await service.get(path)).json()] == ["alice", "bob"]
    headers = {"Authorization": "token token-tara"}
    assert (await service.get(path, headers=headers)).json() == (await service.get(path)).json()
    lines = [line for line in await service.audit() if line["target"] is not None]
    assert f"assignment {number}: 2 students" in {line["target"] for line in lines}
    assert ("ina", "alice", "Homework 1: homework-1/sheet.ipynb") in {
        (line["principal"], line["student"], line["target"]) for line in lines
    }


async def test_refused(service: RunningService, hub: StandInHub) -> None:
    empty = await make_assignment(service)
    answer = await service.post(f"{BASE}/assignments/{empty}/deliveries", json={})
    assert_error(answer, 404, "document_not_found")
    for number in ("0", "4711", "x"):
        for method in ("GET", "POST"):
            path = f"{BASE}/assignments/{number}/deliveries"
            answer = await service.fetch(method, path, json={} if method == "POST" else None)
            assert_error(answer, 404, "assignment_not_found")
    number = await handed_out(service, "Work")
    path = f"{BASE}/assignments/{number}/deliveries"
    for who in ("nobody", "ina", 4711):
        answer = await service.post(path, json={"students": [who]})
        assert_error(answer, 404, "student_not_found")
    for body in ({"students": "alice"}, {"students": [1.5]}, [], {"students": ["x" * 256]}):
        assert_error(await service.post(path, json=body), 400, "invalid_request")
    hub.groups["nbgrader-phys"].remove("bob")
    service.services.roster.refresh_seconds = 0.0
    answer = await service.post(path, json={"students": ["bob"]})
    assert_error(answer, 404, "student_not_found")


async def test_a_report_before_its_release(service: RunningService) -> None:
    home = service.home("alice")
    release = at(2)
    number = await handed_out(service, gradeRelease=release)

    async def give(name: str, **fields: object) -> object:
        return await service.post(
            f"{BASE}/students/alice/reports", data=fields, files={"file": (name, b"8 of 10")}
        )

    answer = await give("week 1.html", assignment=str(number))
    assert answer.status_code == 202
    held = answer.json()
    assert (held["kind"], held["state"], held["dueAt"]) == ("report", "waiting", release)
    assert (held["path"], held["student"]) == (None, "alice")
    assert list(home.path.iterdir()) == []
    assert_error(await give("x.exe", assignment=str(number)), 400, "refused_file_type")
    assert_error(await give("x.html", assignment="4711"), 404, "assignment_not_found")
    assert_error(await give("x.html", assignment="Homework 1"), 404, "assignment_not_found")
    assert await service.services.deliveries.run_due() == 0
    later = datetime.fromisoformat(release.replace("Z", "+00:00"))
    assert await service.services.deliveries.run_due(later) == 1
    assert (home / "week_1.html").read_bytes() == b"8 of 10"
    [told] = (await service.get(f"{BASE}/assignments/{number}/deliveries")).json()
    assert (told["id"], told["state"], told["path"]) == (held["id"], "delivered", "week_1.html")
    answer = await service.fetch(
        "PATCH", f"{BASE}/assignments/{number}", json={"gradeRelease": at(-1)}
    )
    assert answer.status_code == 200
    answer = await give("now.html", assignment=str(number))
    assert (answer.status_code, answer.json()) == (201, "now.html")
    answer = await give("always.html")
    assert (answer.status_code, answer.json()) == (201, "always.html")
    assert later > utc_now()


async def test_by_itself_in_a_service_that_runs(service: RunningService) -> None:
    home = service.home("alice")
    number = await handed_out(service, visibleFrom=at(-1))
    path = f"{BASE}/assignments/{number}/deliveries"
    for _ in range(100):
        found = (await service.get(path)).json()
        if [each["state"] for each in found] == ["delivered", "waiting"]:
            break
        await asyncio.sleep(0.1)
    assert [(each["student"], each["path"], each["errorCode"]) for each in found] == [
        ("alice", "homework-1/sheet.ipynb", None),
        ("bob", None, "home_not_found"),
    ]
    assert (home / "homework-1/sheet.ipynb").read_bytes() == b"{}"
