"""Snapshots of a course: the catalogue, one snapshot, its files, and zips."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from .. import errors
from ..archive import Archive, Part
from ..core.access import Action, require_student
from ..core.names import is_component, path_parts
from ..core.records import Snapshot
from .api import ApiHandler
from .base import Operation
from .models import (
    ArchiveQuery,
    BatchModel,
    FileModel,
    NewBatchModel,
    PageQuery,
    PinModel,
    ProblemModel,
    SnapshotDetailModel,
    SnapshotModel,
    SnapshotsQuery,
    TreeQuery,
    batch_model,
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
            student = await self.services.roster.resolve(self.here, student)
        found = await self.services.snapshots.list_snapshots(self.here, student, query.name)
        await self.reply_list(found, query, snapshot_model)

    async def post(self, ident: str, course: str) -> None:
        """See the class."""
        wanted = self.json_body(NewBatchModel)
        self.target = wanted.name
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
        batch = await self.services.batches.start(
            self.here,
            wanted.name,
            sorted({member.username for member in members}),
            include_hidden=wanted.include_hidden,
            requested_by=self.caller.name,
        )
        base = self.request.path.rstrip("/").removesuffix("/snapshots")
        self.reply(batch_model(batch), status=202, location=f"{base}/batches/{batch.id}")


class StudentSnapshotListHandler(ApiHandler):
    """GET …/students/{student}/snapshots"""

    operations: ClassVar = {
        "GET": Operation(
            Action.LIST_SNAPSHOTS, "Snapshots of a student", list[SnapshotModel], query=PageQuery
        )
    }

    async def get(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        found = await self.services.snapshots.list_snapshots(self.here, self.whose)
        await self.reply_list(found, self.query(PageQuery), snapshot_model)


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
                "problems": [ProblemModel(path=p.path, reason=p.reason) for p in problems],
            }
        )
        self.reply(detail.json_value())

    async def patch(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        self.target = name
        pinned = self.json_body(PinModel).pinned
        snapshot = await self.services.snapshots.set_pinned(self.here, self.whose, name, pinned)
        self.reply(snapshot_model(snapshot))

    async def delete(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        self.target = name
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


class SnapshotArchiveHandler(ApiHandler, StreamingHandler):
    """GET …/snapshots/{name}/archive.zip"""

    operations: ClassVar = {
        "GET": Operation(
            Action.DOWNLOAD,
            "A student's snapshot, or one folder of it, as a zip",
            query=TreeQuery,
            media="application/zip",
        )
    }

    async def get(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        path = self.query(TreeQuery).path.rstrip("/")
        self.target = f"{name}/{path}" if path else name
        folder = path_parts(path) if path else ()
        username = self.whose
        top = "/".join((username, name, *folder, ""))
        part = Part(self.here, username, name, top, with_top=True, folder=folder)
        filename = "_".join((username, name, *folder[-1:])) + ".zip"
        await self.send_zip(Archive(self.services.snapshots, [part]), filename)


class ClassArchiveHandler(ApiHandler, StreamingHandler):
    """GET …/courses/{course}/archive.zip"""

    operations: ClassVar = {
        "GET": Operation(
            Action.DOWNLOAD,
            "Snapshots of the class as one zip",
            query=ArchiveQuery,
            media="application/zip",
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        query = self.query(ArchiveQuery)
        self.target = query.name
        found = await self.services.snapshots.list_snapshots(self.here, name=query.name)
        if query.students is not None:
            wanted = {
                await self.services.roster.resolve(self.here, text)
                for text in query.students.split(",")
                if text
            }
            found = [snapshot for snapshot in found if snapshot.student in wanted]
        if not found:
            raise errors.SnapshotNotFound(
                f"No student has a snapshot {query.name[:100]}. The list of snapshots shows the "
                "full names."
            )
        assignment = query.assignment or query.name.rpartition("_")[0] or query.name
        if not is_component(assignment):
            raise errors.InvalidName("The assignment can't be the name of a folder.")
        parts = [self._part(snapshot, query.layout, assignment) for snapshot in found]
        await self.send_zip(Archive(self.services.snapshots, parts), f"{query.name}.zip")

    def _part(self, snapshot: Snapshot, layout: str, assignment: str) -> Part:
        if layout == "plain":
            return Part(self.here, snapshot.student, snapshot.name, f"{snapshot.student}/")
        return Part(
            self.here,
            snapshot.student,
            snapshot.name,
            f"submitted/{snapshot.student}/{assignment}/",
            timestamp=snapshot.ended_at,
        )
