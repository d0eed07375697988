"""Who is in which course: from hub groups, from the folders of homes, and from the database.

What instructors change by hand is in `jupyterhub_snapshots.members`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable

from traitlets import Bool, Float, TraitError, Unicode, validate
from traitlets.config import Configurable, LoggingConfigurable

from .core.access import student_unknown
from .core.names import is_username
from .core.records import Course, Member, Role
from .core.sources import HOMES, HUB, same_level
from .errors import CourseNotFound, HubUnavailable, InvalidName, StudentAmbiguous
from .hub import SILENT_SECONDS, HubClient
from .store import Store, people
from .volumes import LocalVolumes, fields_of

#: Roles from the one that counts least to the one that counts most.
_RANKS = (Role.STUDENT, Role.ASSISTANT, Role.INSTRUCTOR)
#: So many students do not leave a course at once.
_CLASS = 3
_EMPTY_SECONDS = 3600.0


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

    assistant_group = Unicode(
        "assistant-{course}",
        help="""Name of the hub group of a course's assistants; {course} is the course's code.

        Assistants read all of the class and change nothing.
        """,
    ).tag(config=True)

    instructors_change_members = Bool(
        True,
        help="""Whether instructors may change the members of their courses themselves.

        They can capture the home of whomever they make a student. With False only administrators
        of the hub may change members.
        """,
    ).tag(config=True)

    refresh_seconds = Float(
        30.0,
        min=0,
        help="""How long the list of a course's members may be used again, in seconds.

        Captures of a whole class always read it anew.
        """,
    ).tag(config=True)

    @validate("instructor_group", "student_group", "assistant_group")
    def _check_group(self, proposal: dict[str, str]) -> str:
        if fields_of(proposal["value"]) != ["course"]:
            raise TraitError("the name of a group must have {course} once in it")
        return proposal["value"]

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
        self._failed: dict[int, float] = {}
        self._emptied: dict[int, float] = {}
        self._locks: dict[int, asyncio.Lock] = {
            course.id: asyncio.Lock() for course in self.courses
        }
        self._groups = {
            template.format(course=course.code): (course.id, role)
            for course in self.courses
            for role, template in self._templates.items()
        }

    @property
    def _templates(self) -> dict[Role, str]:
        return {
            Role.STUDENT: self.student_group,
            Role.ASSISTANT: self.assistant_group,
            Role.INSTRUCTOR: self.instructor_group,
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
        raise CourseNotFound("The course is not configured any more.")

    async def roles(
        self, username: str, groups: Iterable[str] | None = None, *, fresh: bool = False
    ) -> dict[int, Role]:
        """The person's role in each course.

        Parameters:
            groups: of the person on the hub, when the caller has just learned them; otherwise
                the hub is asked, and the last known answer used while it is down.
            fresh: the hub is asked now; otherwise its answer of a moment ago will do.
        """
        if groups is None and self._hub is not None:
            try:
                groups = await self._hub.groups_of(username, fresh=fresh)
            except HubUnavailable:
                self.log.debug("Going on with the last known roles of %r", username)
        if groups is None:
            return await self._store.read(lambda db: people.roles_of(db, username))
        known, by_hand = await self._store.read(
            lambda db: (
                people.roles_of(db, username, HUB),
                people.roles_of(db, username, *same_level(HUB)),
            )
        )
        # A home makes a student of nobody whom a group makes an instructor.
        return known | self._roles_by_groups(groups) | by_hand

    def _roles_by_groups(self, groups: Iterable[str]) -> dict[int, Role]:
        """Course id to role; of several groups of a course the one with most rights counts."""
        found = [self._groups[name] for name in groups if name in self._groups]
        return dict(sorted(found, key=lambda each: _RANKS.index(each[1])))

    async def held_by(self, course: Course, username: str) -> str | None:
        """The source that makes the person a member again, whatever instructors say.

        `HUB`, `HOMES`, or None when there is none. Raises HubUnavailable, StorageUnavailable.
        """
        if self._hub is not None:
            groups = await self._hub.groups_of(username, fresh=True)
            role = self._roles_by_groups(groups).get(course.id)
            if role is not None and (course.homes is None or role is not Role.STUDENT):
                return HUB
        if course.homes is not None:
            names = await asyncio.to_thread(self._volumes.usernames, course)
            return HOMES if username in names else None
        return None

    async def students(self, course: Course, *, fresh: bool = False) -> list[Member]:
        """The course's students, in the order of their usernames.

        While the hub is down these are the last known ones.

        Parameters:
            fresh: read the roster anew even if it was read a moment ago.
        """
        await self.refresh(course, fresh=fresh)
        return await self._known_students(course)

    async def everybody(self, course: Course) -> list[Member]:
        """All members, also those who left, in the order of their usernames.

        While the hub is down these are the last known ones.
        """
        await self.refresh(course)
        return await self._store.read(lambda db: people.members(db, course.id))

    async def left(self, course: Course) -> frozenset[str]:
        """Usernames of those whom the course knows and who are not, or no more, its students.

        While the hub is down, as far as it is known. Raises StorageUnavailable.
        """
        await self.refresh(course, fresh=True)
        known = await self._store.read(lambda db: people.members(db, course.id))
        return frozenset(
            member.username
            for member in known
            if not (member.active and member.role is Role.STUDENT)
        )

    async def refresh(self, course: Course, *, fresh: bool = False) -> None:
        """Brings the database's list of members up to date with where it comes from.

        While the hub does not answer, one request at a time waits for it; the others go on with
        what is known.
        """
        asked = time.monotonic()
        lock = self._locks[course.id]
        if not fresh and course.id in self._failed and lock.locked():
            return
        async with lock:
            # Who asks for a fresh list may have one that was read while it waited its turn.
            for times, seconds in (
                (self._refreshed, self.refresh_seconds),
                (self._failed, SILENT_SECONDS),
            ):
                last = times.get(course.id)
                if last is not None and asked - last < (0 if fresh else seconds):
                    return
            began = time.monotonic()
            heard = self._hub is None or await self._read_groups(course, self._hub)
            if course.homes is not None and not await self._read_homes(course):
                return
            if heard:
                self._refreshed[course.id] = began
                self._failed.pop(course.id, None)
            else:
                self._failed[course.id] = time.monotonic()

    async def _read_groups(self, course: Course, hub: HubClient) -> bool:
        """Takes the members over from the hub, but students whom a folder of homes tells.

        False when the hub does not answer.
        """
        left_out = {Role.STUDENT} if course.homes is not None else set()
        groups = {
            role: self._templates[role].format(course=course.code)
            for role in reversed(_RANKS)
            if role not in left_out
        }
        try:
            found = await asyncio.gather(*map(hub.members_of, groups.values()))
        except HubUnavailable:
            self.log.warning(
                "The hub does not answer; going on with the last known roster of %s", course.code
            )
            return False
        higher: set[str] = set()
        for role, names in zip(groups, found, strict=True):
            if role is Role.STUDENT and await self._is_emptied(course, names):
                continue
            # As in `roles`: who is in several groups has the role with most rights.
            await self._set(course, role, sorted(set(names) - higher), HUB)
            higher.update(names)
        return True

    async def _is_emptied(self, course: Course, names: Collection[str]) -> bool:
        """Whether a whole class is gone at once: most likely somebody is at the hub's groups.

        It would cost a class its deadline, so the last known students stay for an hour.
        """
        since = self._emptied.pop(course.id, time.monotonic())
        known = [each for each in await self._known_students(course) if each.source == HUB]
        if names or len(known) < _CLASS or time.monotonic() - since > _EMPTY_SECONDS:
            return False
        self._emptied[course.id] = since
        self.log.error(
            "The hub's group of the students of %s is empty; going on with the %d last known ones "
            "for an hour",
            course.code,
            len(known),
        )
        return True

    async def _read_homes(self, course: Course) -> bool:
        """Takes the students over from the folder of homes; False when it has lost its disk."""
        names = await asyncio.to_thread(self._volumes.usernames, course)
        first = course.id not in self._refreshed
        if first and not names and await self._known_students(course):
            self.log.error(
                "%s is empty; going on with the last known students of %s. Is its disk mounted?",
                course.homes,
                course.code,
            )
            return False
        found = await self._store.read(lambda db: people.members(db, course.id))
        staff = {each.username for each in found if each.active and each.role is not Role.STUDENT}
        await self._set(course, Role.STUDENT, sorted(set(names) - staff), HOMES)
        return True

    async def _known_students(self, course: Course) -> list[Member]:
        found = await self._store.read(lambda db: people.members(db, course.id, Role.STUDENT))
        return [member for member in found if member.active]

    async def _set(self, course: Course, role: Role, names: list[str], source: str) -> None:
        usable = []
        for name in names:
            if is_username(name):
                usable.append(name)
            else:
                self.log.warning("Left out %r of %s: no student can have it", name, course.code)
        if not await self._store.read(
            lambda db: people.has_members(db, course.id, usable, role, source)
        ):
            await self._store.write(
                lambda db: people.set_members(db, course.id, usable, role, source)
            )

    async def resolve(self, course: Course, text: str) -> str:
        """Username of the student whom a caller means by a Canvas id or a hub username.

        Raises InvalidName for a text that can be neither.
        """
        if not is_username(text):
            raise InvalidName("This can't be the name of a student.")
        username = await self._store.read(lambda db: people.username_of_canvas_id(db, text))
        return username if username is not None else text

    async def find_student(self, course: Course, student_id: str) -> Member:
        """The student of that id, or of that hub username or Canvas id.

        Raises StudentNotFound, and StudentAmbiguous rather than taking one person for another.
        """
        await self.refresh(course)
        member = None
        if student_id.isascii() and student_id.isdigit() and len(student_id) < 19:
            number = int(student_id)
            member = await self._store.read(lambda db: people.find_member(db, course.id, number))
        named = await self._find_named(course, student_id) if is_username(student_id) else None
        if member is not None and named is not None and member.id != named.id:
            raise StudentAmbiguous(
                f"{student_id} is the id of one student and the username or Canvas id of another. "
                f"Use {member.username} for the first, the id {named.id} for the second."
            )
        member = member or named
        if member is None:
            raise student_unknown()
        return member

    async def find_named_student(self, course: Course, name: str) -> Member:
        """The student of that hub username or Canvas id, also when it looks like another's id.

        Raises StudentNotFound.
        """
        await self.refresh(course)
        member = await self._find_named(course, name) if is_username(name) else None
        if member is None:
            raise student_unknown()
        return member

    async def _find_named(self, course: Course, name: str) -> Member | None:
        username = await self.resolve(course, name)
        return await self._store.read(lambda db: people.find_by_username(db, course.id, username))
