"""The seven routes of the older server, for scripts that use them.

Form fields in, JSON out, ``X-Api-Key`` for who calls. The order of checks, the status codes and
the success texts are the older server's; the work is done by what the newer routes use.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from .. import errors
from ..archive import Archive, Part
from ..batches import today
from ..core.access import AT_HOME, Action, require, require_student
from ..core.names import snapshot_name
from ..core.overview import shown
from ..core.records import Batch, Course, ItemState, Role
from .base import BaseHandler, Form, Operation
from .body import upload_name
from .error_body import error_body, error_of
from .streaming import StreamingHandler

#: Where the older server answered another status than `error_status.STATUS` says.
LEGACY_STATUS: dict[type[errors.SnapshotsError], int] = {
    errors.MissingField: 406,
    errors.InvalidSnapshotName: 406,
    errors.RefusedFileType: 417,
    errors.ReportExists: 417,
    errors.InvalidName: 404,
    errors.Conflict: 404,
}

_STUDENT_EXAMPLE = 'curl -d "STUDENT_ID=31387714" …/get_snapshot_list'
_LIST_EXAMPLE = (
    'curl -d "STUDENT_ID=31387714" -d "SNAPSHOT_NAME=assignment-1_2021-09-09" '
    "…/get_snapshot_file_list"
)
_FILE_EXAMPLE = (
    'curl -OJ -d "STUDENT_ID=31387714" -d "SNAPSHOT_NAME=assignment-1_2021-09-09" '
    '-d "SNAPSHOT_FILENAME=practice/practice-1.ipynb" …/get_snapshot_file'
)
_ZIP_EXAMPLE = 'curl -OJ -d "SNAPSHOT_NAME=assignment-1_2021-09-09" …/get_snapshot_zip'
_UPLOAD_EXAMPLE = (
    'curl -F "STUDENT_ID=31387714" -F "UPLOAD_FILE=@assignment-1-grades.html" …/put_student_report'
)
_SNAPSHOT_EXAMPLE = 'curl -d "STUDENT_ID=31387714" -d "SNAPSHOT_NAME=Assignment-1" …/snapshot'
_ALL_EXAMPLE = 'curl -d "SNAPSHOT_NAME=assignment-1-all" …/snapshot_all'
_STUDENT, _NAME, _HIDDEN = "STUDENT_ID", "SNAPSHOT_NAME", "INCLUDE_HIDDEN"


def _form(*required: str, optional: tuple[str, ...] = (), file: str | None = None) -> Form:
    return Form(required, (*optional, "COURSE"), file)


class LegacyHandler(BaseHandler):
    """A route of the older server; works in the one course the caller is instructor of.

    With several courses the header or field ``COURSE`` names one.
    """

    async def authorize(self, action: Action) -> None:
        """The course is not in the path, so it is looked up with the fields."""
        self.action = action

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """The older server's status for some errors."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        for kind in type(error).__mro__:
            if kind in LEGACY_STATUS and not self._headers_written:
                self.clear()
                self.reply(error_body(LEGACY_STATUS[kind], error), LEGACY_STATUS[kind])
                return
        super().send_error(status_code, **kwargs)

    def answers_pages(self, status_code: int) -> bool:
        """A wrong method got a page."""
        return status_code == 405

    def read_form(self) -> None:
        """Reads the body, once for all fields."""
        self.fields, self.files = self.form()
        self.student_name = self.optional("STUDENT_ID") or None

    def field(self, name: str, example: str) -> str:
        """The first value of a field. Raises MissingField when it is absent or empty."""
        value = self.optional(name)
        if not value:
            raise errors.MissingField(
                f"The form field {name} is missing. Send it as in: {example}", field=name
            )
        return value

    def optional(self, name: str) -> str:
        """The first value of a field; "" when it is absent."""
        return self.fields.get(name, [b""])[0].decode("utf-8", "surrogateescape")

    def require_course(self) -> Course:
        """The course the request is about, once it is known that the caller may do this there.

        Raises AccessDenied, CourseNotFound, InvalidRequest (several to choose from).
        """
        name = self.request.headers.get("Course") or self.optional("COURSE")
        course = self.enter_course(name) if name else self._only_course()
        require(self.caller, self.action, course.id)
        return course

    def _only_course(self) -> Course:
        mine = [
            course
            for course in self.services.roster.courses
            if self.caller.admin or self.caller.role_in(course.id) is Role.INSTRUCTOR
        ]
        if not mine:
            raise errors.AccessDenied("You are not an instructor of any course.")
        if len(mine) > 1:
            raise errors.InvalidRequest(
                "You have several courses. Add the header 'Course: CODE' with one of "
                + ", ".join(course.code for course in mine)
            )
        self.course = mine[0]
        return mine[0]

    async def find_student(self, course: Course, text: str) -> str:
        """Username of the student the field STUDENT_ID means.

        Whoever has a folder in the course's own folder of homes is its student; elsewhere homes
        are reached through the roster only.

        Raises InvalidName, StudentNotFound.
        """
        roster = self.services.roster
        username = self.student_name = await roster.resolve(course, text)
        if course.homes is None and self.action in AT_HOME:
            students = {member.username: member for member in await roster.students(course)}
            require_student(students.get(username), self.action)
        return username

    async def start_batch(self, course: Course, name: str, students: list[str]) -> Batch:
        """Starts what the form asks for."""
        return await self.services.batches.start(
            course,
            name,
            students,
            include_hidden=self.optional(_HIDDEN).lower() == "true",
            requested_by=self.caller.name,
        )


class LegacySnapshotListHandler(LegacyHandler):
    """POST /get_snapshot_list: names of a student's snapshots."""

    operations: ClassVar = {
        "POST": Operation(
            Action.LIST_SNAPSHOTS, "Names of a student's snapshots", list[str], body=_form(_STUDENT)
        )
    }

    async def post(self) -> None:
        """See the class."""
        self.read_form()
        student = self.field("STUDENT_ID", _STUDENT_EXAMPLE)
        course = self.require_course()
        username = await self.find_student(course, student)
        found = shown(await self.services.snapshots.list_snapshots(course, username))
        if not found:
            raise errors.SnapshotNotFound(f"There are no snapshots of student {student[:100]}.")
        self.reply([snapshot.name for snapshot in found])


class LegacyFileListHandler(LegacyHandler):
    """POST /get_snapshot_file_list: paths of the files of one snapshot, hidden ones left out."""

    operations: ClassVar = {
        "POST": Operation(
            Action.READ_FILES,
            "Paths of the files of a snapshot",
            list[str],
            body=_form(_STUDENT, _NAME),
        )
    }

    async def post(self) -> None:
        """See the class."""
        self.read_form()
        student = self.field("STUDENT_ID", _LIST_EXAMPLE)
        name = self.target = self.field("SNAPSHOT_NAME", _LIST_EXAMPLE)
        course = self.require_course()
        username = await self.find_student(course, student)
        files = await asyncio.to_thread(self.services.snapshots.files, course, username, name)
        if not files:
            raise errors.FileNotFound("The snapshot has no files.")
        self.reply([file.path for file in files])


class LegacyFileHandler(LegacyHandler, StreamingHandler):
    """POST /get_snapshot_file: one file of one snapshot."""

    operations: ClassVar = {
        "POST": Operation(
            Action.READ_FILES,
            "One file of a snapshot",
            body=_form(_STUDENT, _NAME, "SNAPSHOT_FILENAME"),
            media="application/octet-stream",
        )
    }

    async def post(self) -> None:
        """See the class."""
        self.read_form()
        student = self.field("STUDENT_ID", _FILE_EXAMPLE)
        name = self.field("SNAPSHOT_NAME", _FILE_EXAMPLE)
        path = self.field("SNAPSHOT_FILENAME", _FILE_EXAMPLE)
        self.target = f"{name}/{path}"
        course = self.require_course()
        username = await self.find_student(course, student)
        opened = await asyncio.to_thread(
            self.services.snapshots.open_file, course, username, name, path
        )
        await self.send_file(*opened)


class LegacyZipHandler(LegacyHandler, StreamingHandler):
    """POST /get_snapshot_zip: one student's snapshot, or without STUDENT_ID the whole class's."""

    operations: ClassVar = {
        "POST": Operation(
            Action.DOWNLOAD,
            "A snapshot, or the whole class's, as a zip",
            body=_form(_NAME, optional=(_STUDENT,)),
            media="application/zip",
        )
    }

    async def post(self) -> None:
        """See the class."""
        self.read_form()
        name = self.target = self.field("SNAPSHOT_NAME", _ZIP_EXAMPLE)
        student = self.optional("STUDENT_ID")
        course = self.require_course()
        if student:
            username = await self.find_student(course, student)
            top = f"{username}/{name}/"
            part = Part(course, username, name, top, with_top=True, skip_hidden_folders=True)
            parts, filename = [part], f"{username}_{name}.zip"
        else:
            found = await self.services.snapshots.list_snapshots(course, name=name)
            if not found:
                raise errors.SnapshotNotFound(f"No student has a snapshot {name[:100]}.")
            parts = [Part(course, each.student, name, f"{each.student}/") for each in found]
            filename = f"{name}.zip"
        await self.send_zip(Archive(self.services.snapshots, parts), filename)


class LegacyReportHandler(LegacyHandler):
    """POST /put_student_report: a graded file into a student's home."""

    operations: ClassVar = {
        "POST": Operation(
            Action.RETURN_REPORT,
            "Put a report into a student's home",
            str,
            body=_form(_STUDENT, file="UPLOAD_FILE"),
        )
    }

    async def post(self) -> None:
        """See the class."""
        self.read_form()
        if "UPLOAD_FILE" not in self.files:
            # A text in its place: curl -d sends the file's name only, or the file has no name.
            kind = errors.MissingField if "UPLOAD_FILE" in self.fields else errors.InvalidRequest
            raise kind(
                "The file part UPLOAD_FILE is missing. Options -d and --data send the file's "
                f"name only; send the file itself with -F, as in: {_UPLOAD_EXAMPLE}",
                field="UPLOAD_FILE",
            )
        upload = self.files["UPLOAD_FILE"][0]
        student = self.field("STUDENT_ID", _UPLOAD_EXAMPLE)
        filename = upload_name(upload)
        course = self.require_course()
        username = await self.find_student(course, student)
        self.target = filename
        name = await self.services.reports.put(course, username, filename, upload.body)
        self.reply(f"Success - File Uploaded - {name}")


class LegacySnapshotHandler(LegacyHandler):
    """POST /snapshot: takes a snapshot of one student; answers when it is done."""

    operations: ClassVar = {
        "POST": Operation(
            Action.CAPTURE,
            "Take a snapshot of one student",
            str,
            body=_form(_STUDENT, _NAME, optional=(_HIDDEN,)),
        )
    }

    async def post(self) -> None:
        """See the class."""
        self.read_form()
        student = self.field("STUDENT_ID", _SNAPSHOT_EXAMPLE)
        name = self.target = self.field("SNAPSHOT_NAME", _SNAPSHOT_EXAMPLE)
        course = self.require_course()
        username = await self.find_student(course, student)
        batch = await self.start_batch(course, name, [username])
        batch = await self.services.batches.wait(batch.id)
        item = batch.items[0]
        if item.state is not ItemState.DONE:
            raise error_of(item.error_code, item.error)
        self.reply(f"Success - Snapshot Created - {batch.name} for Student: {student}")


class LegacySnapshotAllHandler(LegacyHandler):
    """POST /snapshot_all: takes a snapshot of every student; answers when all are done."""

    operations: ClassVar = {
        "POST": Operation(
            Action.CAPTURE,
            "Take a snapshot of every student",
            str,
            body=_form(_NAME, optional=(_HIDDEN,)),
        )
    }

    async def post(self) -> None:
        """See the class."""
        self.read_form()
        # The older server's README writes STUDENT_NAME here; its program wanted SNAPSHOT_NAME.
        name = self.optional("SNAPSHOT_NAME") or self.optional("STUDENT_NAME")
        name = self.target = name or self.field("SNAPSHOT_NAME", _ALL_EXAMPLE)
        course = self.require_course()
        full_name = snapshot_name(name, today(course))
        if await self.services.snapshots.list_snapshots(course, name=full_name):
            raise errors.SnapshotExists(
                f"A student already has a snapshot {full_name}, so none was taken. Choose "
                "another name."
            )
        with self._interval(course):
            students = await self.services.roster.students(course, fresh=True)
            if not students and course.homes is None:
                raise errors.Busy(
                    "Nobody is known to be a student of this course, so no snapshot was taken. "
                    "Add students to the course; if it has some, try again when the hub answers.",
                    retry_after_seconds=30,
                )
            batch = await self.start_batch(course, name, [each.username for each in students])
        batch = await self.services.batches.wait(batch.id)
        failed = {
            item.student: item.error or item.state.value
            for item in batch.items
            if item.state is not ItemState.DONE
        }
        if failed:
            self._report_failures(batch, failed)
        else:
            self.reply(f"Success - Snapshot Created - {batch.name} for All Students")

    @contextlib.contextmanager
    def _interval(self, course: Course) -> Iterator[None]:
        """Refuses what comes too soon after the last; what fails inside does not count as one."""
        interval = self.settings.get("snapshot_all_interval_seconds", 0)
        last: dict[int, float] = self.settings["last_snapshot_all"]
        now = time.monotonic()
        wait = last.get(course.id, now - interval) + interval - now
        if wait > 0:
            raise errors.TooManyAttempts(
                f"The whole class was captured a moment ago. Try again in {wait:.0f} s.",
                retry_after_seconds=wait,
            )
        last[course.id] = now
        try:
            yield
        except BaseException:
            last.pop(course.id, None)
            raise

    def _report_failures(self, batch: Batch, failed: dict[str, str]) -> None:
        done = len(batch.items) - len(failed)
        self.reply(
            {
                "status": 207,
                "error": "Multi-Status",
                "code": "some_failed",
                "message": f"Snapshot {batch.name} was taken of {done} students, not of "
                f"{len(failed)}: {', '.join(sorted(failed)[:20])}. Details under 'failed'.",
                "failed": failed,
            },
            status=207,
        )
