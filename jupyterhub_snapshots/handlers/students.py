"""Students of a course."""

from __future__ import annotations

from typing import ClassVar

from ..core.access import Action
from .api import ApiHandler
from .base import Operation
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
