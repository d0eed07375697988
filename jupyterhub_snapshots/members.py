"""The instructors' own roster: members added, changed and removed by hand, or from a CSV file.

What the configuration says of a person counts more, what the hub's groups say counts less; see
`jupyterhub_snapshots.core.sources`. How the hub's groups are read is in
`jupyterhub_snapshots.roster`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

from .core.access import Principal
from .core.names import is_username
from .core.records import Course, Member, Role
from .core.roster_changes import (
    Changes,
    ImportReport,
    Personal,
    RowResult,
    fixed,
    judge_rows,
    listed,
    to_write,
    unwritten,
)
from .core.roster_csv import read_roster, text_problem
from .core.sources import API, CSV, HOMES, HUB
from .errors import (
    AccessDenied,
    InvalidName,
    InvalidRequest,
    MemberExists,
    MemberFixed,
    MemberNotFound,
    MemberOfHubGroup,
)
from .roster import Roster
from .store import Store, people


class _Undo(Exception):
    """Ends a unit of work that is to be rolled back."""


class MemberManager:
    """Changes who is in a course. All of it counts at once."""

    def __init__(self, store: Store, roster: Roster) -> None:
        self._store = store
        self._roster = roster

    async def add(
        self, course: Course, username: str, role: Role, personal: Personal, caller: Principal
    ) -> Member:
        """Makes the person a member, or one again who left.

        What another course has told of the person stays.

        Raises AccessDenied, InvalidName, InvalidRequest, MemberExists.
        """
        self._check_allowed(caller)
        if not is_username(username):
            raise InvalidName("This can't be a username. Send it as the hub has it.")
        _check_personal(personal)
        await self._roster.refresh(course, fresh=True)

        def work(db: Session) -> Member:
            known = people.find_by_username(db, course.id, username)
            if known is not None and known.active:
                raise MemberExists(
                    f"{username} is a member of the course already, as {known.role.value}. "
                    f"PATCH the member {known.id} to change that."
                )
            written, _ = self._to_write(db, course, username, personal, caller)
            changes = Changes({username: role}, {username: written})
            return _write(db, course, changes, API)[username]

        return await self._store.write(work)

    async def get(self, course: Course, member_id: int) -> Member:
        """One member, also who left. Raises MemberNotFound."""
        await self._roster.refresh(course)
        return _known(
            await self._store.read(lambda db: people.find_member(db, course.id, member_id))
        )

    async def change(
        self,
        course: Course,
        member_id: int,
        role: Role | None,
        personal: Personal,
        caller: Principal,
        check: Callable[[Member], None] = lambda member: None,
    ) -> Member:
        """Changes the role, unless None, and what is known of the person.

        Parameters:
            check: called with the member as it is before; may raise to let nothing happen.

        Raises AccessDenied, InvalidRequest, MemberFixed, MemberNotFound.
        """
        self._check_allowed(caller)
        _check_personal(personal)
        await self._roster.refresh(course)

        def work(db: Session) -> Member:
            member = _known(people.find_member(db, course.id, member_id))
            check(member)
            name = member.username
            roles = {name: role} if role is not None and role is not member.role else {}
            if roles and not member.active:
                raise MemberFixed(f"{name} has left. POST the person anew, with the role.")
            if roles:
                _check_free(member, caller)
            written, kept = self._to_write(db, course, name, personal, caller)
            if kept:
                raise MemberFixed(
                    f"{name} is in another course too, where {listed(kept)} would change. Ask an "
                    "administrator of the hub to change it."
                )
            _write(db, course, Changes(roles, {name: written}), API)
            return _known(people.find_member(db, course.id, member_id))

        return await self._store.write(work)

    async def remove(
        self,
        course: Course,
        member_id: int,
        caller: Principal,
        check: Callable[[Member], None] = lambda member: None,
    ) -> Member:
        """Marks the member as one who left; nothing of theirs is deleted.

        A second call is harmless.

        Parameters:
            check: as in `change`.

        Raises AccessDenied, HubUnavailable, MemberFixed, MemberNotFound, MemberOfHubGroup.
        """
        self._check_allowed(caller)
        member = await self.get(course, member_id)
        check(member)
        if not member.active:
            return member
        _check_free(member, caller)
        # Also of one whom an instructor has added: the person would be back at once.
        held_by = await self._roster.held_by(course, member.username)
        if HUB in (held_by, member.source):
            raise MemberOfHubGroup(
                f"A group of the hub makes {member.username} a member of the course. Take the "
                "person out of the group; the administrator of the hub can."
            )
        if HOMES in (held_by, member.source):
            raise MemberFixed(
                f"{member.username} has a folder among the homes of the course, and so is its "
                "student. Move the folder elsewhere; the administrator of the hub can."
            )

        def work(db: Session) -> Member:
            check(_known(people.find_member(db, course.id, member_id)))
            people.leave(db, course.id, member_id)
            return _known(people.find_member(db, course.id, member_id))

        return await self._store.write(work)

    async def import_csv(
        self,
        course: Course,
        content: bytes,
        caller: Principal,
        *,
        dry_run: bool = False,
        partial: bool = False,
    ) -> ImportReport:
        """Adds and updates the members that a CSV file names; nobody is removed.

        Who is a member by the hub's groups stays one by these, unless the role differs.

        Parameters:
            dry_run: only tell what would come of it.
            partial: write the good rows although there are others; otherwise it is all or nothing.

        Raises AccessDenied, InvalidRoster.
        """
        self._check_allowed(caller)
        file = await asyncio.to_thread(read_roster, content)
        names = [row.username for row in file.rows if row.problem is None]
        await self._roster.refresh(course, fresh=True)
        results: tuple[RowResult, ...] = ()

        def work(db: Session) -> None:
            nonlocal results
            members = {member.username: member for member in people.members(db, course.id)}
            known = people.personal_of(db, names)
            foreign = self._foreign(db, course, names, caller)
            results, changes = judge_rows(file.rows, members, known, foreign, caller)
            _write(db, course, changes, CSV)
            failed = any(each.result == "error" for each in results)
            if dry_run or (failed and not partial):
                raise _Undo

        try:
            await self._store.write(work)
        except _Undo:
            told = results if dry_run else unwritten(results)
            return ImportReport(dry_run, False, told, file.unknown_columns)
        return ImportReport(dry_run, True, results, file.unknown_columns)

    def _to_write(
        self, db: Session, course: Course, username: str, personal: Personal, caller: Principal
    ) -> tuple[Personal, list[str]]:
        known = people.personal_of(db, [username]).get(username, {})
        foreign = self._foreign(db, course, [username], caller)
        return to_write(personal, known, username in foreign)

    def _foreign(
        self, db: Session, course: Course, usernames: Collection[str], caller: Principal
    ) -> set[str]:
        """Those who are also in a course of which the caller is no instructor.

        Names belong to the person and not to the membership, so all courses show them.
        """
        if caller.admin:
            return set()
        others = {
            each.id
            for each in self._roster.courses
            if each.id != course.id and caller.role_in(each.id) is not Role.INSTRUCTOR
        }
        found = people.courses_of(db, usernames)
        return {username for username, courses in found.items() if courses & others}

    def _check_allowed(self, caller: Principal) -> None:
        if not (self._roster.instructors_change_members or caller.admin):
            raise AccessDenied(
                "On this hub only administrators change the members of a course. Ask one of them."
            )


def _write(db: Session, course: Course, changes: Changes, source: str) -> dict[str, Member]:
    people.set_personal(db, changes.personal)
    return people.put_members(db, course.id, changes.roles, source)


def _check_free(member: Member, caller: Principal) -> None:
    """Raises MemberFixed for a member whom the caller can't change."""
    why_not = fixed(member, caller)
    if why_not is not None:
        raise MemberFixed(why_not)


def _check_personal(personal: Personal) -> None:
    """Raises InvalidRequest for a text that can't be of a person."""
    for name, value in personal.items():
        problem = text_problem(value) if value is not None else None
        if problem is not None:
            raise InvalidRequest(f"The {listed([name])} {problem}.", field=name)


def _known(member: Member | None) -> Member:
    if member is None:
        raise MemberNotFound(
            "The course has no member of that id. The list of its members shows the ids."
        )
    return member
