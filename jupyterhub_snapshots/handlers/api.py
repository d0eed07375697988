"""Base of the routes of ``/api/v1``, and those that are about no course."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import ClassVar, TypeVar
from urllib.parse import urlencode

from .._version import __version__
from ..core.access import Action
from ..core.records import Role
from .base import BaseHandler, Operation
from .models import CourseModel, PageQuery, VersionModel, course_model

Record = TypeVar("Record")


class ApiHandler(BaseHandler):
    """A route of the API."""

    async def reply_list(
        self, values: list[Record], page: PageQuery, model: Callable[[Record], object]
    ) -> None:
        """Answers the models of a list, or of one page of it with Link headers (RFC 8288)."""
        if page.per_page is not None:
            pages = max(1, -(-len(values) // page.per_page))
            links = {"first": 1, "prev": page.page - 1, "next": page.page + 1, "last": pages}
            self.set_header(
                "Link",
                ", ".join(
                    f'<{self._page_url(number)}>; rel="{name}"'
                    for name, number in links.items()
                    if 1 <= number <= pages
                ),
            )
            begin = (page.page - 1) * page.per_page
            values = values[begin : begin + page.per_page]
        await self.reply_each(values, model)

    async def reply_each(self, values: list[Record], model: Callable[[Record], object]) -> None:
        """Answers the models of what may be very many: made in a thread, others are served."""
        await self.reply_made(lambda: [model(value) for value in values])

    async def reply_made(self, make: Callable[[], object]) -> None:
        """Answers what is made in a thread."""
        self.reply_text(await asyncio.to_thread(lambda: json.dumps(make())))

    def _page_url(self, number: int) -> str:
        query = {name: found[0] for name, found in self.request.query_arguments.items()}
        return f"{self.request.path}?{urlencode(query | {'page': number})}"


class VersionHandler(ApiHandler):
    """GET /api/v1"""

    operations: ClassVar = {
        "GET": Operation(Action.READ_API, "The API's version and who calls it", VersionModel)
    }

    async def get(self) -> None:
        """See the class."""
        self.reply({"version": "v1", "serviceVersion": __version__, "ident": self.caller.username})


class CourseListHandler(ApiHandler):
    """GET …/courses"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_API,
            "Courses in which you are an instructor",
            list[CourseModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str) -> None:
        """See the class."""
        mine = [
            course
            for course in self.services.roster.courses
            if self.caller.admin or self.caller.role_in(course.id) is Role.INSTRUCTOR
        ]
        await self.reply_list(mine, self.query(PageQuery), course_model)
