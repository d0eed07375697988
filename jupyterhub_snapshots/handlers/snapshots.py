"""Snapshots of a course: the catalogue, one snapshot, and its files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from sqlalchemy.orm import Session

from .. import errors
from ..batches import today
from ..core.access import Action, require_student
from ..core.captures import Enrolled, Kind, Occasion
from ..core.names import snapshot_name
from ..core.overview import shown
from ..core.records import Batch, Member, Snapshot
from ..store import assignments, captures
from ..store.database import utc_now
from .api import ApiHandler, tag
from .base import Operation
from .batch_models import BatchModel, NewBatchModel, batch_model
from .models import ProblemModel
from .snapshot_models import (
    FileModel,
    PinModel,
    SnapshotDetailModel,
    SnapshotModel,
    SnapshotsQuery,
    StudentSnapshotsQuery,
    TreeQuery,
    file_model,
    snapshot_fields,
    snapshot_model,
)
from .streaming import StreamingHandler


class SnapshotListHandler(ApiHandler):
    """GET, POST …/courses/{course}/snapshots"""

    operations: ClassVar = {
        "GET": Operation(
            Action.LIST_SNAPSHOTS,
            "Snapshots of the class",
            list[SnapshotModel],
            query=SnapshotsQuery,
        ),
        "POST": Operation(
            Action.CAPTURE,
            "Take a snapshot of the class, or of some students",
            BatchModel,
            status=202,
            body=NewBatchModel,
        ),
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        query = self.query(SnapshotsQuery)
        student = query.student
        if student is not None:
            student = await self.find_username(student)
        course_id, wanted = self.here.id, query.assignment
        if wanted is not None:
            await self.services.store.read(
                lambda db: assignments.get_assignment(db, course_id, wanted)
            )
        found = await self.services.snapshots.list_snapshots(self.here, student, query.name, wanted)
        await self.reply_list(shown(found, query.kind), query, snapshot_model)

    async def post(self, ident: str, course: str) -> None:
        """See the class."""
        wanted = self.json_body(NewBatchModel)
        self.target = wanted.name
        if wanted.students == []:
            raise errors.InvalidRequest(
                "students: the list is empty. Name students, or leave it out to take a snapshot "
                "of the whole class.",
                field="students",
            )
        roster = self.services.roster
        if wanted.students is None:
            members = await roster.students(self.here, fresh=True)
        else:
            members = [
                require_student(
                    await roster.find_student(self.here, str(each))
                    if isinstance(each, int)
                    else await roster.find_named_student(self.here, each),
                    Action.CAPTURE,
                )
                for each in dict.fromkeys(wanted.students)
            ]
        if not members:
            raise errors.InvalidRequest(
                "There is nobody to take a snapshot of. Add students to the course first."
            )
        batch = await self._begin(wanted, {member.username: member for member in members})
        base = self.request.path.rstrip("/").removesuffix("/snapshots")
        self.reply(batch_model(batch), status=202, location=f"{base}/batches/{batch.id}")

    async def _begin(self, wanted: NewBatchModel, members: Mapping[str, Member]) -> Batch:
        """Starts the captures; for an assignment it is written down that they were decided on."""
        occasion = None
        if wanted.assignment is not None:
            course_id, number = self.here.id, wanted.assignment
            found = await self.services.store.read(
                lambda db: assignments.get_assignment(db, course_id, number)
            )
            occasion = Occasion(found.id, found.title, Kind.MANUAL, utc_now())

        def record(db: Session, batch: Batch) -> None:
            if occasion is not None:
                captures.record(
                    db,
                    batch.course_id,
                    occasion,
                    [
                        Enrolled(member.user_id, member.username, occasion.at)
                        for member in members.values()
                    ],
                    batch_id=batch.id,
                    snapshot=batch.name,
                    now=occasion.at,
                )

        return await self.services.batches.begin(
            self.here,
            snapshot_name(wanted.name, today(self.here)),
            sorted(members),
            include_hidden=wanted.include_hidden,
            requested_by=self.caller.name,
            occasion=occasion,
            record=record,
        )


class StudentSnapshotListHandler(ApiHandler):
    """GET …/students/{student}/snapshots"""

    operations: ClassVar = {
        "GET": Operation(
            Action.LIST_SNAPSHOTS,
            "Snapshots of a student",
            list[SnapshotModel],
            query=StudentSnapshotsQuery,
        )
    }

    async def get(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        query = self.query(StudentSnapshotsQuery)
        found = await self.services.snapshots.list_snapshots(
            self.here, self.whose, assignment=query.assignment
        )
        found = await self.to_be_seen(shown(found, query.kind))
        await self.reply_list(found, query, snapshot_model)

    async def to_be_seen(self, found: list[Snapshot]) -> list[Snapshot]:
        """Those of the snapshots that the caller may know of."""
        return found


class SnapshotHandler(ApiHandler):
    """GET, PATCH, DELETE …/students/{student}/snapshots/{name}"""

    operations: ClassVar = {
        "GET": Operation(Action.LIST_SNAPSHOTS, "One snapshot", SnapshotDetailModel),
        "PATCH": Operation(
            Action.PIN_SNAPSHOT, "Pin or unpin a snapshot", SnapshotModel, body=PinModel
        ),
        "DELETE": Operation(Action.DELETE_SNAPSHOT, "Delete a snapshot", str),
    }

    async def get(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        self.target = name
        self.reply_item(await self._detail(name))

    async def _detail(self, name: str) -> dict[str, object]:
        """JSON of the snapshot. Raises SnapshotNotFound."""
        snapshot = await self.services.snapshots.get(self.here, self.whose, name)
        header = await asyncio.to_thread(
            self.services.snapshots.header, self.here, self.whose, name
        )
        problems = header.problems if header is not None else ()
        detail = SnapshotDetailModel.model_validate(
            snapshot_fields(snapshot)
            | {
                "parent": header.parent if header is not None else None,
                "include_hidden": header.include_hidden if header is not None else None,
                "late_file_paths": header.late_files if header is not None else (),
                "problems": [ProblemModel(path=p.path, reason=p.reason) for p in problems],
            }
        )
        return detail.json_value()

    async def patch(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        self.target = name
        pinned = self.json_body(PinModel).pinned
        before = await self._detail(name)
        self.check_if_match(before)
        snapshot = await self.services.snapshots.set_pinned(self.here, self.whose, name, pinned)
        self.set_header("ETag", tag(before | {"pinned": snapshot.pinned}))
        self.reply(snapshot_model(snapshot))

    async def delete(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        self.target = name
        if "If-Match" in self.request.headers:
            self.check_if_match(await self._detail(name))
        home = self.services.volumes.home(self.here, self.whose)
        await self.services.snapshots.delete(self.here, self.whose, name, home)
        self.reply("deleted snapshot")


class FileHandler(ApiHandler, StreamingHandler):
    """GET, HEAD …/snapshots/{name}/files/{path}"""

    operations: ClassVar = {
        method: Operation(
            Action.READ_FILES,
            "One file of a snapshot (Range, ETag)",
            media="application/octet-stream",
        )
        for method in ("GET", "HEAD")
    }

    async def get(self, ident: str, course: str, student: str, name: str, path: str) -> None:
        """See the class."""
        self.target = f"{name}/{path}"
        opened = await asyncio.to_thread(
            self.services.snapshots.open_file, self.here, self.whose, name, path
        )
        await self.send_file(*opened)

    async def head(self, ident: str, course: str, student: str, name: str, path: str) -> None:
        """See the class."""
        await self.get(ident, course, student, name, path)


class TreeHandler(ApiHandler):
    """GET …/snapshots/{name}/tree"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_FILES, "What is in a folder of a snapshot", list[FileModel], query=TreeQuery
        )
    }

    async def get(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        path = self.query(TreeQuery).path.rstrip("/")
        self.target = f"{name}/{path}"
        found = await asyncio.to_thread(
            self.services.snapshots.folder, self.here, self.whose, name, path
        )
        await self.reply_each(found, file_model)
