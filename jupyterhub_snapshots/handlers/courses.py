"""The courses of an instructor."""

from __future__ import annotations

import contextlib
from typing import ClassVar

from .. import errors
from ..core.access import Action
from ..core.records import Course, Role
from ..store import courses
from .api import ApiHandler
from .base import Operation
from .models import ApiModel, Instant, PageQuery


class CourseModel(ApiModel):
    """A course in which the caller is an instructor.

    `instructor` is the id of the main instructor's membership, which is not the `userId`.
    """

    id: int
    code: str
    title: str
    description: str | None
    instructor: int | None
    start_date: Instant | None
    end_date: Instant | None
    time_zone: str
    enrollment_open: bool = False
    total_points: int
    text_book: int | None = None
    textbook_problems: dict[str, object] | None = None


class CourseListHandler(ApiHandler):
    """GET …/courses"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_API,
            "Courses in which you are an instructor or an assistant",
            list[CourseModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str) -> None:
        """See the class."""
        roster = self.services.roster
        mine = [
            course
            for course in roster.courses
            if self.caller.admin
            or self.caller.role_in(course.id) in (Role.INSTRUCTOR, Role.ASSISTANT)
        ]
        known = await self.services.store.read(courses.facts)
        for course in mine:
            # The members of a course are unknown until somebody asks for them.
            if known.get(course.id, courses.CourseFacts()).instructor is None:
                with contextlib.suppress(errors.StorageUnavailable):
                    await roster.refresh(course)
        known = await self.services.store.read(courses.facts)
        await self.reply_list(
            mine,
            self.query(PageQuery),
            lambda course: _model(course, known.get(course.id, courses.CourseFacts())),
        )


def _model(course: Course, facts: courses.CourseFacts) -> dict[str, object]:
    return CourseModel(
        id=course.id,
        code=course.code,
        title=course.title,
        description=course.description,
        instructor=facts.instructor,
        start_date=course.starts_at,
        end_date=course.ends_at,
        time_zone=course.time_zone,
        total_points=facts.total_points,
    ).json_value()
