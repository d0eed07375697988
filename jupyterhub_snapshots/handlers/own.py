"""What is the caller's own: the courses, and the snapshots in one of them."""

from __future__ import annotations

from typing import ClassVar, Literal

from .. import errors
from ..core.access import Action, require
from ..core.records import Snapshot
from .api import ApiHandler
from .archives import SnapshotArchiveHandler
from .base import BaseHandler, Operation
from .comparisons import ComparisonHandler
from .models import ApiModel
from .snapshots import (
    FileHandler,
    SnapshotHandler,
    StudentSnapshotListHandler,
    TreeHandler,
)


class OwnCourseModel(ApiModel):
    """A course, and what the caller is in it; an administrator counts as instructor."""

    code: str
    title: str
    time_zone: str
    role: Literal["instructor", "student", "assistant"]


class MeModel(ApiModel):
    """The caller and the caller's courses, by title; no username for a service."""

    username: str | None
    admin: bool
    courses: list[OwnCourseModel]


class MeHandler(ApiHandler):
    """GET /api/v1/users/me"""

    operations: ClassVar = {
        "GET": Operation(Action.READ_API, "Who you are, and your courses", MeModel)
    }

    async def get(self) -> None:
        """See the class."""
        caller = self.caller
        courses = []
        for course in sorted(self.services.roster.courses, key=lambda each: each.title):
            role = caller.role_in(course.id)
            if caller.admin or role is not None:
                courses.append(
                    OwnCourseModel(
                        code=course.code,
                        title=course.title,
                        time_zone=course.time_zone,
                        role="instructor" if caller.admin or role is None else role.value,
                    )
                )
        model = MeModel(username=caller.username, admin=caller.admin, courses=courses)
        self.reply(model.json_value())


class OwnHandler(BaseHandler):
    """A route below ``users/me/courses/{course}``: of the caller as a student, and nobody else.

    It goes before a handler below a student, which it hands the names that its own path lacks.
    """

    async def authorize(self, action: Action) -> None:
        """Asks about the caller by username; no id or Canvas id can lead to another person."""
        self.target = self.path_kwargs.get("name")
        course = self.enter_course(self.path_kwargs["course"])
        self.student_name = self.caller.username
        if self.student_name is None:
            raise errors.AccessDenied(
                "A service has no snapshots of its own. Name the student, below "
                "/api/v1/instructors/me/courses."
            )
        require(self.caller, action, course.id, self.student_name)
        self.path_kwargs |= {"ident": "me", "student": self.student_name}


class OwnSnapshotListHandler(OwnHandler, StudentSnapshotListHandler):
    """GET …/users/me/courses/{course}/snapshots"""

    async def to_be_seen(self, found: list[Snapshot]) -> list[Snapshot]:
        """Without those of hidden assignments that were not opened: their names tell of them."""
        if all(snapshot.assignment_id is None for snapshot in found):
            return found
        assert self.student_name is not None
        hidden = await self.services.opening.unseen(self.here, self.student_name)
        return [snapshot for snapshot in found if snapshot.assignment_id not in hidden]


class OwnSnapshotHandler(OwnHandler, SnapshotHandler):
    """GET …/users/me/courses/{course}/snapshots/{name}"""

    operations: ClassVar = {"GET": SnapshotHandler.operations["GET"]}


class OwnTreeHandler(OwnHandler, TreeHandler):
    """GET …/users/me/courses/{course}/snapshots/{name}/tree"""


class OwnFileHandler(OwnHandler, FileHandler):
    """GET, HEAD …/users/me/courses/{course}/snapshots/{name}/files/{path}"""


class OwnArchiveHandler(OwnHandler, SnapshotArchiveHandler):
    """GET …/users/me/courses/{course}/snapshots/{name}/archive.zip"""


class OwnComparisonHandler(OwnHandler, ComparisonHandler):
    """GET …/users/me/courses/{course}/snapshots/{name}/compare"""
