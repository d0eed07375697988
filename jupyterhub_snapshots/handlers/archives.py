"""Zips: of one student's snapshot, and of snapshots of the class."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from .. import errors
from ..archive import Archive, Part
from ..core.access import Action
from ..core.captures import SUBMISSIONS, Kind
from ..core.names import is_component, path_parts, slugify
from ..core.overview import taken_at
from ..core.records import Snapshot
from ..store import assignments
from .api import ApiHandler, number_in
from .base import Operation
from .snapshot_models import ArchiveQuery, TreeQuery
from .streaming import StreamingHandler


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
        if query.name is not None:
            found, folder, filename = await self._named(query, query.name)
        elif query.assignment is not None:
            found, folder, filename = await self._of_assignment(query, query.assignment)
        else:
            raise errors.MissingField(
                "Name the snapshots with 'name', or give the id of an 'assignment'.", field="name"
            )
        parts = [self._part(snapshot, query.layout, folder) for snapshot in found]
        await self.send_zip(Archive(self.services.snapshots, parts), f"{filename}.zip")

    async def _named(self, query: ArchiveQuery, name: str) -> tuple[list[Snapshot], str, str]:
        """The snapshots of one name, with the names of nbgrader's folder and of the zip."""
        self.target = name
        if query.late or (query.assignment is not None and query.layout == "plain"):
            raise errors.InvalidRequest(
                "Name the snapshots with 'name', or give the id of an 'assignment': not both. "
                "Beside a name, 'assignment' names the folders of the layout nbgrader."
            )
        found = await self._wanted(query, name=name)
        if not found:
            raise errors.SnapshotNotFound(
                f"No student has a snapshot {name[:100]}. The list of snapshots shows the full "
                "names."
            )
        folder = query.assignment or name.rpartition("_")[0] or name
        if not is_component(folder):
            raise errors.InvalidName("The assignment can't be the name of a folder.")
        return found, folder, name

    async def _of_assignment(
        self, query: ArchiveQuery, text: str
    ) -> tuple[list[Snapshot], str, str]:
        """Each student's newest snapshot for one assignment, with the same names."""
        self.target = f"assignment {text[:20]}"
        course_id, number = self.here.id, number_in(text)
        assignment = await self.services.store.read(
            lambda db: assignments.get_assignment(db, course_id, number)
        )
        kinds = SUBMISSIONS if query.late else SUBMISSIONS - {Kind.LATE}
        newest: dict[str, Snapshot] = {}
        for each in await self._wanted(query, assignment=number):
            known = newest.get(each.student)
            if each.kind in kinds and (known is None or taken_at(known) < taken_at(each)):
                newest[each.student] = each
        if not newest:
            raise errors.SnapshotNotFound(
                f"No snapshot was taken for {assignment.title[:100]} yet. Wait for its deadline, "
                "or take one now."
            )
        slug = slugify(assignment.title) or f"assignment-{assignment.id}"
        return [newest[student] for student in sorted(newest)], slug, slug

    async def _wanted(
        self, query: ArchiveQuery, name: str | None = None, assignment: int | None = None
    ) -> list[Snapshot]:
        found = await self.services.snapshots.list_snapshots(
            self.here, name=name, assignment=assignment
        )
        named = dict.fromkeys(text for text in (query.students or "").split(",") if text)
        if not named:
            return found
        wanted = {await self.find_username(text) for text in named}
        return [snapshot for snapshot in found if snapshot.student in wanted]

    def _part(self, snapshot: Snapshot, layout: str, folder: str) -> Part:
        if layout == "plain":
            return Part(self.here, snapshot.student, snapshot.name, f"{snapshot.student}/")
        return Part(
            self.here,
            snapshot.student,
            snapshot.name,
            f"submitted/{snapshot.student}/{folder}/",
            timestamp=_handed_in(snapshot),
        )


def _handed_in(snapshot: Snapshot) -> datetime | None:
    """When the work was handed in: at the deadline, if nothing in it changed afterwards.

    The capture itself ends a little later, which is nobody's lateness.
    """
    if snapshot.deadline is not None and snapshot.late_count == 0:
        return snapshot.deadline
    return snapshot.ended_at
