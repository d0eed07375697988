"""Deadlines that have passed, and the captures that the scheduler then takes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import update

from jupyterhub_snapshots.aftercare import Aftercare
from jupyterhub_snapshots.scheduler import DeadlineScheduler
from jupyterhub_snapshots.store import assignments, captures
from jupyterhub_snapshots.store.database import utc_now
from jupyterhub_snapshots.store.tables import MemberRow
from service import RunningService

COURSE = "/api/v1/instructors/me/courses/phys"
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


def ago(**span: float) -> datetime:
    """An instant so long ago, in whole seconds."""
    return utc_now().replace(microsecond=0) - timedelta(**span)


def text(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


async def make(service: RunningService, title: str = "Homework 3", **fields: Any) -> int:
    """An assignment that has been there for long, as have the students; its id."""
    await service.get(f"{COURSE}/students")
    course = service.course("phys")

    def work(db: Any) -> int:
        made = assignments.create_assignment(db, course.id, {"title": title, **fields}, LONG_AGO)
        db.execute(update(MemberRow).values(created_at=LONG_AGO))
        return made.id

    return int(await service.services.store.write(work))


async def change(service: RunningService, assignment: int, **fields: Any) -> None:
    answer = await service.fetch("PATCH", f"{COURSE}/assignments/{assignment}", json=fields)
    assert answer.status_code == 200, answer.text


async def extend(service: RunningService, assignment: int, student: str, until: str | None) -> None:
    answer = await service.post(
        f"{COURSE}/students/{student}/extensions",
        json={"onAssignment": assignment, "until": until},
    )
    assert answer.status_code == 200, answer.text


async def collect(service: RunningService) -> None:
    """Takes all that is due and waits until it is taken and noted."""
    parts = service.services
    aftercare = Aftercare(
        store=parts.store,
        batches=parts.batches,
        snapshots=parts.snapshots,
        volumes=parts.volumes,
        find_course=parts.roster.course,
    )
    scheduler = DeadlineScheduler(
        store=parts.store,
        roster=parts.roster,
        batches=parts.batches,
        audit=parts.audit,
        aftercare=aftercare,
    )
    course = service.course("phys")
    for _ in range(2):  # late captures wait for those of the deadline
        await scheduler.step()
        for _ in range(200):
            busy = await parts.store.read(lambda db: captures.unfinished(db, course.id))
            if not (busy or parts.batches.busy):
                break
            await asyncio.sleep(0.02)
    await scheduler.stop()
