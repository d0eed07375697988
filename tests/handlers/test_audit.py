"""The audit log: everything a known caller did or was refused, in lines nobody can forge."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from jupyterhub_snapshots.audit import AuditLog
from jupyterhub_snapshots.core.records import AuditEvent
from jupyterhub_snapshots.errors import Busy
from jupyterhub_snapshots.store.database import utc_now
from service import RunningService, assert_error

COURSE = "/api/v1/instructors/me/courses/phys"
NAME = "hw_2026-01-31"


@pytest.mark.threat("O1", "A16")
async def test_who_did_what_to_whom_from_where(service: RunningService) -> None:
    service.put_snapshot("alice", NAME, course="phys")
    carl = {
        "Authorization": "token token-carl",
        "X-Forwarded-For": "6.6.6.6",
        "X-Real-Ip": "6.6.6.6",
    }
    route = f"{COURSE}/students/alice/snapshots/{NAME}"
    await service.get(f"{route}/files/a.txt", headers={"X-Forwarded-For": "6.6.6.6"})
    await service.post("/get_snapshot_zip", {"STUDENT_ID": "alice", "SNAPSHOT_NAME": NAME})
    await service.fetch("DELETE", route, headers=carl)
    await service.post(
        "/get_snapshot_list", {"STUDENT_ID": "alice", "COURSE": "phys"}, headers=carl
    )
    await service.client.get(service.url + route)  # nobody
    lines = await service.audit()
    assert [
        (each["principal"], each["action"], each["student"], each["target"], each["status"])
        for each in lines
    ] == [
        ("ina", "read files", "alice", f"{NAME}/a.txt", 200),
        ("ina", "download", "alice", NAME, 200),
        ("carl", "delete a snapshot", "alice", NAME, 403),
        ("carl", "list snapshots", "alice", None, 403),
    ]
    assert {each["address"] for each in lines} == {"127.0.0.1"}
    assert {each["course_id"] for each in lines} == {service.course("phys").id}


async def test_the_log_of_a_course_newest_first(service: RunningService) -> None:
    for _ in range(3):
        await service.get(f"{COURSE}/students")
    answer = await service.get(f"{COURSE}/audit?limit=2")
    newest, older = answer.json()
    assert newest["id"] > older["id"]
    assert newest["at"].endswith("Z")
    before = (await service.get(f"{COURSE}/audit?before={older['id']}")).json()
    assert [each["id"] for each in before] == [older["id"] - 1]
    carl = {"Authorization": "token token-carl"}
    other = await service.get("/api/v1/instructors/me/courses/chem/audit", headers=carl)
    assert other.json() == []
    for query in ("limit=0", "limit=1001", "before=x"):
        assert_error(await service.get(f"{COURSE}/audit?{query}"), 400)


@pytest.mark.threat("O1", "D10")
async def test_names_forge_no_lines_and_break_no_lines(service: RunningService) -> None:
    names = ["a\nina delete\n", "\x1b[31m", "é学", "a" * 9000, "\u202ereversed"]
    for name in names:
        await service.get(f"{COURSE}/students/alice/snapshots/x/files/{quote(name)}")
    await service.get(f"{COURSE}/students/alice/snapshots/x/files/%ff%fe")
    await service.get(f"{COURSE}/students/%ff%0a/snapshots")
    lines = await service.audit()
    assert len(lines) == len(names) + 2
    for line in lines:
        assert (line["target"] or "").isprintable()
        assert (line["student"] or "").isprintable()
        assert len(line["target"] or "") <= 4096
    assert lines[2]["target"] == "x/é学"
    assert lines[-2]["target"] == "x/\\udcff\\udcfe"


@pytest.mark.parametrize("trouble", [Busy("locked"), RuntimeError("unexpected")], ids=repr)
async def test_lines_wait_while_the_database_is_in_trouble(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    store, audit = service.services.store, service.services.audit
    with monkeypatch.context() as broken:

        async def locked(work: object) -> None:
            raise trouble

        broken.setattr(store, "write", locked)
        await service.get(f"{COURSE}/audit")
        await audit.write()
        assert audit._writer is not None
        await asyncio.wait({audit._writer}, timeout=0.7)
        assert not audit._writer.done()  # it goes on trying
    assert len(await service.audit()) == 1


async def test_lines_are_written_together_soon(service: RunningService) -> None:
    audit = AuditLog(service.services.store, service.services.audit.log)
    for number in range(50):
        audit.add(AuditEvent(utc_now(), "ina", "list", target=str(number)))
    assert audit._writer is not None
    await asyncio.wait_for(audit._writer, 5)
    assert [line["target"] for line in await service.audit()] == [str(n) for n in range(50)]
