"""Students of a course, and reports returned to them."""

from __future__ import annotations

from typing import ClassVar

from .. import errors
from ..core.access import Action
from .api import ApiHandler
from .base import Form, Operation
from .body import upload_name
from .models import PageQuery, StudentModel, student_model


class StudentListHandler(ApiHandler):
    """GET …/courses/{course}/students"""

    operations: ClassVar = {
        "GET": Operation(
            Action.LIST_STUDENTS, "Students of the course", list[StudentModel], query=PageQuery
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        found = await self.services.roster.students(self.here)
        await self.reply_list(found, self.query(PageQuery), student_model)


class StudentHandler(ApiHandler):
    """GET …/students/{student}"""

    operations: ClassVar = {"GET": Operation(Action.LIST_STUDENTS, "One student", StudentModel)}

    async def get(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        self.reply(student_model(self.who))


class ReportListHandler(ApiHandler):
    """POST …/students/{student}/reports"""

    operations: ClassVar = {
        "POST": Operation(
            Action.RETURN_REPORT,
            "Put a report into the student's home",
            str,
            status=201,
            body=Form(file="file"),
        )
    }

    async def post(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        _, files = self.form()
        if "file" not in files:
            raise errors.MissingField(
                "The file part 'file' is missing. Send it as in: curl -F file=@report.html …",
                field="file",
            )
        upload = files["file"][0]
        name = await self.services.reports.put(
            self.here, self.who.username, upload_name(upload), upload.body
        )
        self.target = name
        self.reply(name, status=201)
