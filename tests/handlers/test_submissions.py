"""What was captured for assignments, in the API."""

from __future__ import annotations

import pytest

from assignments import BASE, make_assignment, make_document, members, record_capture
from jupyterhub_snapshots.core.captures import Kind
from jupyterhub_snapshots.core.records import ItemState
from service import RunningService, assert_error


async def test_fields(service: RunningService) -> None:
    number = await make_assignment(service, "Homework 1", duedate="2026-03-01T12:00:00Z")
    alice = (await members(service))["alice"]
    await record_capture(
        service,
        number,
        alice,
        Kind.DEADLINE,
        "homework-1_2026-03-01",
        late_files=["a.ipynb", "lab/é.txt"],
    )
    (found,) = (await service.get(f"{BASE}/submissions")).json()
    assert found == {
        "problemSubmissionIdent": "homework-1_2026-03-01",
        "problemSubmissionType": "Snapshot",
        "problemSubmissionTime": "2026-03-01T12:00:30Z",
        "problemSubmissionUserId": alice["userId"],
        "problemSubmissionAssignmentId": number,
        "problemSubmissionSource": {"tag": "Assignment", "contents": "Homework 1"},
        "problemSubmissionData": {
            "snapshot": "homework-1_2026-03-01",
            "kind": "deadline",
            "complete": True,
            "files": 3,
            "bytes": 5_000_000_000,
            "digest": "sha256:00",
            "changedAfterDeadline": ["a.ipynb", "lab/é.txt"],
        },
        "problemSubmissionCorrect": None,
        "problemSubmissionCredit": None,
        "problemSubmissionLateCredit": None,
        "problemSubmissionExtra": None,
    }


async def test_of_whom_and_for_what(service: RunningService) -> None:
    one, two = [await make_assignment(service, title) for title in ("One", "Two")]
    both = await members(service)
    for assignment, student, kind, name in (
        (one, "alice", Kind.DEADLINE, "one"),
        (one, "alice", Kind.LATE, "one-late"),
        (one, "bob", Kind.DEADLINE, "one"),
        (two, "alice", Kind.EXAM, "two"),
        (two, "bob", Kind.MANUAL, "two"),
    ):
        await record_capture(service, assignment, both[student], kind, name)

    async def names(path: str) -> list[tuple[int, str, str]]:
        return [
            (
                each["problemSubmissionUserId"],
                each["problemSubmissionIdent"],
                each["problemSubmissionData"]["kind"],
            )
            for each in (await service.get(f"{BASE}/{path}")).json()
        ]

    alice, bob = both["alice"]["userId"], both["bob"]["userId"]
    whole = [
        (alice, "one", "deadline"),
        (alice, "one-late", "late"),
        (bob, "one", "deadline"),
        (alice, "two", "exam"),
        (bob, "two", "manual"),
    ]
    assert await names("submissions") == whole
    assert await names(f"assignments/{one}/submissions") == whole[:3]
    assert await names(f"assignments/{two}/submissions/{both['bob']['id']}") == whole[4:]
    assert await names(f"assignments/{two}/submissions/alice") == [whole[3]]
    assert await names(f"students/{both['bob']['id']}/submissions") == [whole[2], whole[4]]
    page = await service.get(f"{BASE}/submissions?per_page=2&page=2")
    assert len(page.json()) == 2
    assert 'rel="next"' in page.headers["Link"]


async def test_only_what_was_taken_and_is_there(service: RunningService) -> None:
    number = await make_assignment(service)
    both = await members(service)
    alice, bob = both["alice"], both["bob"]
    await record_capture(service, number, alice, Kind.WARM_UP, "warm")
    await record_capture(service, number, alice, Kind.DEADLINE, "x", state=ItemState.FAILED)
    await record_capture(service, number, alice, Kind.LATE, "y", state=ItemState.RUNNING)
    assert (await service.get(f"{BASE}/submissions")).json() == []
    await record_capture(service, number, bob, Kind.DEADLINE, "z", snapshot_state="incomplete")
    (found,) = (await service.get(f"{BASE}/submissions")).json()
    assert found["problemSubmissionData"]["complete"] is False
    # Nothing of it is on the disk, as is noticed when the snapshots are listed.
    assert (await service.get(f"{BASE}/snapshots")).json() == []
    assert (await service.get(f"{BASE}/submissions")).json() == []


@pytest.mark.threat("A13")
async def test_of_this_course_alone(service: RunningService) -> None:
    carl = {"Authorization": "token token-carl"}
    chem = BASE.replace("phys", "chem")
    document = await make_document(service, "x", headers=carl)
    body = {"document": document, "title": "x"}
    other = (await service.post(f"{chem}/assignments", json=body, headers=carl)).json()
    answer = await service.get(f"{BASE}/assignments/{other}/submissions")
    assert_error(answer, 404, "assignment_not_found")
    for path in ("submissions", "students/alice/submissions"):
        for who in ("alice", "carl"):
            headers = {"Authorization": f"token token-{who}"}
            assert_error(await service.get(f"{BASE}/{path}", headers=headers), 403)


async def test_an_assignment_with_captures_stays(service: RunningService) -> None:
    number = await make_assignment(service)
    alice = (await members(service))["alice"]
    await record_capture(service, number, alice, Kind.DEADLINE, "x", state=ItemState.FAILED)
    gone = await service.fetch("DELETE", f"{BASE}/assignments/{number}")
    assert_error(gone, 409, "assignment_in_use")
    assert (await service.get(f"{BASE}/assignments/{number}")).status_code == 200
