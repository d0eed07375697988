"""Who is in which course: from hub groups, from the folders of homes, and from the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from traitlets import Float, Unicode
from traitlets.config import Configurable, LoggingConfigurable

from .core.names import student_folder
from .core.records import Course, Member, Role
from .errors import CourseNotFound, HubUnavailable, InvalidName, StudentNotFound
from .hub import HubClient
from .store import Store, people
from .volumes import LocalVolumes

HUB, HOMES = "hub", "homes"


class Roster(LoggingConfigurable):
    """Courses, their members, and the one place that finds a student from what a caller sent."""

    instructor_group = Unicode(
        "formgrade-{course}",
        help="Name of the hub group of a course's instructors; {course} is the course's code.",
    ).tag(config=True)

    student_group = Unicode(
        "nbgrader-{course}",
        help="Name of the hub group of a course's students; {course} is the course's code.",
    ).tag(config=True)

    refresh_seconds = Float(
        30.0,
        min=0,
        help="""How long the list of a course's members may be used again, in seconds.

        Captures of a whole class always read it anew.
        """,
    ).tag(config=True)

    def __init__(
        self,
        *,
        store: Store,
        volumes: LocalVolumes,
        courses: Iterable[Course],
        hub: HubClient | None,
        parent: Configurable | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self._store = store
        self._volumes = volumes
        self._hub = hub
        self.courses = tuple(courses)
        self._refreshed: dict[int, float] = {}
        self._locks: dict[int, asyncio.Lock] = {course.id: asyncio.Lock() for course in courses}
        self._groups = {
            template.format(course=course.code): (course.id, role)
            for course in self.courses
            for template, role in (
                (self.student_group, Role.STUDENT),
                (self.instructor_group, Role.INSTRUCTOR),
            )
        }

    def find_course(self, name: str) -> Course | None:
        """The course of that code or title."""
        for course in self.courses:
            if name in (course.code, course.title):
                return course
        return None

    def course(self, course_id: int) -> Course:
        """The course of that id. Raises CourseNotFound."""
        for course in self.courses:
            if course.id == course_id:
                return course
        raise CourseNotFound("There is no such course.")

    async def roles(self, username: str, groups: Iterable[str] | None = None) -> dict[int, Role]:
        """The person's role in each course.

        Parameters:
            groups: of the person on the hub, when the caller has just learned them; otherwise
                the hub is asked, and the last known answer used while it is down.
        """
        if groups is None and self._hub is not None:
            try:
                groups = await self._hub.groups_of(username)
            except HubUnavailable:
                return await self._store.read(lambda db: people.roles_of(db, username))
        source = HUB if groups is not None else None
        roles = await self._store.read(lambda db: people.roles_of(db, username, source))
        # The instructor's group counts more than the student's for one who is in both.
        for name in sorted(groups or (), key=lambda name: self._is_instructor(name)):
            if name in self._groups:
                course_id, role = self._groups[name]
                roles[course_id] = role
        return roles

    def _is_instructor(self, group: str) -> bool:
        return group in self._groups and self._groups[group][1] is Role.INSTRUCTOR

    async def students(self, course: Course, *, fresh: bool = False) -> list[Member]:
        """The course's students, in the order of their usernames.

        While the hub is down these are the last known ones.

        Parameters:
            fresh: read the roster anew even if it was read a moment ago.
        """
        await self.refresh(course, fresh=fresh)
        found = await self._store.read(lambda db: people.members(db, course.id, Role.STUDENT))
        return [member for member in found if member.active]

    async def refresh(self, course: Course, *, fresh: bool = False) -> None:
        """Brings the database's list of members up to date with where it comes from."""
        async with self._locks[course.id]:
            last = self._refreshed.get(course.id)
            if not fresh and last is not None and time.monotonic() - last < self.refresh_seconds:
                return
            if course.homes is not None:
                names = await asyncio.to_thread(self._volumes.usernames, course)
                await self._set(course, Role.STUDENT, names, HOMES)
            elif self._hub is not None:
                try:
                    for template, role in (
                        (self.instructor_group, Role.INSTRUCTOR),
                        (self.student_group, Role.STUDENT),
                    ):
                        group = template.format(course=course.code)
                        names = await self._hub.members_of(group)
                        await self._set(course, role, names, HUB)
                except HubUnavailable:
                    self.log.warning(
                        "The hub does not answer; going on with the last known roster of %s",
                        course.code,
                    )
                    return
            self._refreshed[course.id] = time.monotonic()

    async def _set(self, course: Course, role: Role, names: list[str], source: str) -> None:
        usable = []
        for name in names:
            try:
                usable.append(student_folder(name))
            except InvalidName:
                self.log.warning("Left out %r of %s: it can't name a folder", name, course.code)

        def changed(known: list[Member]) -> bool:
            return {member.username for member in known if member.active} != set(usable)

        if changed(await self._store.read(lambda db: people.members(db, course.id, role))):
            await self._store.write(
                lambda db: people.set_members(db, course.id, usable, role, source)
            )

    async def resolve(self, course: Course, text: str) -> str:
        """Username of the student whom a caller means by a Canvas id or a hub username.

        Raises InvalidName for a text that can be neither.
        """
        student_folder(text)
        if not text.isprintable() or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise InvalidName("This can't be the name of a student.")
        username = await self._store.read(lambda db: people.username_of_canvas_id(db, text))
        return username if username is not None else text

    async def find_student(self, course: Course, student_id: str) -> Member:
        """The student of that id, or of that username or Canvas id when it is no number.

        Raises StudentNotFound.
        """
        await self.refresh(course)
        if student_id.isascii() and student_id.isdigit():
            number = int(student_id[:18])
            member = await self._store.read(lambda db: people.find_member(db, course.id, number))
        else:
            try:
                username = await self.resolve(course, student_id)
            except InvalidName:
                username = ""
            member = await self._store.read(
                lambda db: people.find_by_username(db, course.id, username)
            )
        if member is None:
            raise StudentNotFound(
                "There is no such student in this course. The course's list of students shows "
                "the ids."
            )
        return member
