"""Documents, assignments and captures for tests, made as an instructor makes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from jupyterhub_snapshots.core.captures import Enrolled, Kind, Occasion
from jupyterhub_snapshots.core.records import BatchItem, ItemState, Snapshot
from jupyterhub_snapshots.store import batches, captures, catalog
from service import RunningService

BASE = "/api/v1/instructors/me/courses/phys"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]


async def make_document(
    service: RunningService, filename: str = "sheet.ipynb", **fields: Any
) -> int:
    """A new document of the client's; returns its id."""
    headers = fields.pop("headers", None)
    answer = await service.post(
        "/api/v1/instructors/me/documents",
        json={"filename": filename, **fields},
        headers=headers,
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json())


async def make_assignment(service: RunningService, title: str = "Homework 1", **fields: Any) -> int:
    """A new assignment of the course phys; returns its id."""
    if "document" not in fields:
        fields["document"] = await make_document(service, f"{title}.ipynb")
    answer = await service.post(f"{BASE}/assignments", json={"title": title, **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json())


async def members(service: RunningService, course: str = "phys") -> dict[str, dict[str, Any]]:
    """The students as the API lists them, by username."""
    answer = await service.get(f"/api/v1/instructors/me/courses/{course}/students")
    return {each["username"]: each for each in answer.json()}


async def record_capture(
    service: RunningService,
    assignment: int,
    student: dict[str, Any],
    kind: Kind,
    name: str,
    *,
    state: ItemState = ItemState.DONE,
    late_files: Iterable[str] = (),
    snapshot_state: str = "complete",
) -> None:
    """What the service remembers of a capture that ended in that state."""
    course = service.course("phys").id
    enrolled = Enrolled(student["userId"], student["username"], utc(2020, 1, 1))
    at = utc(2026, 3, 1, 12)

    def work(db: Any) -> None:
        batch = batches.create(
            db,
            course_id=course,
            name=name,
            requested_by="scheduler",
            include_hidden=False,
            students=[enrolled.username],
        )
        captures.record(
            db,
            course,
            Occasion(assignment, "", kind, at),
            [enrolled],
            batch_id=batch.id,
            snapshot=name,
            now=at,
        )
        item = BatchItem(enrolled.username, state, ended_at=utc(2026, 3, 1, 12, 1))
        batches.save_items(db, [(batch.id, item)])
        if state is ItemState.DONE:
            found = Snapshot(
                course,
                enrolled.username,
                name,
                state=snapshot_state,
                ended_at=utc(2026, 3, 1, 12, 0, 30),
                files=3,
                bytes=5_000_000_000,
                digest="sha256:00",
                assignment_id=assignment,
                kind=kind.value,
                late_files=tuple(late_files),
            )
            catalog.put(db, [(1, found)])

    await service.services.store.write(work)
