"""Courses, people, and who is what in which course."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.records import Member, Role
from ..core.sources import above, level, same_level
from . import captures
from .database import utc_now
from .tables import CourseRow, MemberRow, UserRow

#: What is known of a person beside the username, the same in every course.
PERSONAL_FIELDS = ("first_name", "last_name", "email", "university_id")
#: Rows are asked for in parts: a statement takes a limited number of values.
_AT_ONCE = 500

Value = TypeVar("Value")


def ensure_course(
    db: Session, code: str, title: str, description: str | None, time_zone: str
) -> int:
    """Makes or updates the course of that code and returns its id."""
    row = db.scalar(select(CourseRow).where(CourseRow.code == code))
    if row is None:
        row = CourseRow(code=code, created_at=utc_now())
        db.add(row)
    row.title, row.description, row.time_zone = title, description, time_zone
    db.flush()
    return row.id


def ensure_users(db: Session, usernames: Iterable[str]) -> dict[str, UserRow]:
    """Rows of these people, made where they are missing; a name of the store's own."""
    wanted = sorted(set(usernames))
    rows = {
        row.username: row
        for part in _parts(wanted)
        for row in db.scalars(select(UserRow).where(UserRow.username.in_(part)))
    }
    for username in wanted:
        if username not in rows:
            rows[username] = UserRow(username=username, created_at=utc_now())
            db.add(rows[username])
    db.flush()
    return rows


def set_members(
    db: Session, course_id: int, usernames: Iterable[str], role: Role, source: str
) -> None:
    """Makes exactly these people the members of that role; others of it become inactive.

    A person has one role in a course. Members of a higher source (see
    `jupyterhub_snapshots.core.sources`) stay what they are, and members of a lower one that are
    not named here, too. Of sources of one level, the last one counts.
    """
    people = ensure_users(db, usernames)
    rows = {
        row.user_id: row
        for row in db.scalars(select(MemberRow).where(MemberRow.course_id == course_id))
    }
    wanted = {person.id for person in people.values()}
    for user_id, row in rows.items():
        ours = level(row.source) == level(source)
        if ours and row.role == role.value and user_id not in wanted:
            row.active = False
    for user_id in wanted:
        known = rows.get(user_id)
        if known is None:
            db.add(_new_row(course_id, user_id, role, source))
        elif not known.active or level(known.source) <= level(source):
            _activate(known, role, source)
    db.flush()
    captures.touch(db, course_id)


def _activate(row: MemberRow, role: Role, source: str) -> None:
    becomes = role is Role.STUDENT and row.role != Role.STUDENT.value
    if (
        not row.active or becomes
    ):  # what was due before is not asked of one who comes, or comes back
        row.created_at = utc_now()
    row.role, row.source, row.active = role.value, source, True


def _new_row(course_id: int, user_id: int, role: Role, source: str) -> MemberRow:
    return MemberRow(
        course_id=course_id, user_id=user_id, role=role.value, source=source, created_at=utc_now()
    )


def has_members(
    db: Session, course_id: int, usernames: Iterable[str], role: Role, source: str
) -> bool:
    """Whether `set_members` would change nothing."""
    rows = db.execute(
        select(UserRow.username, MemberRow.role, MemberRow.source)
        .join(MemberRow)
        .where(MemberRow.course_id == course_id, MemberRow.active)
    ).all()
    higher = {row.username for row in rows if row.source in above(source)}
    there = {
        (row.username, row.source)
        for row in rows
        if row.role == role.value and row.source in same_level(source)
    }
    return there == {(username, source) for username in set(usernames) - higher}


def put_members(
    db: Session, course_id: int, roles: Mapping[str, Role], source: str
) -> dict[str, Member]:
    """Makes these people members with these roles, whatever they were; nobody else changes.

    Returns them by username.
    """
    people = ensure_users(db, roles)
    rows = {
        row.user_id: row
        for part in _parts([person.id for person in people.values()])
        for row in db.scalars(
            select(MemberRow).where(MemberRow.course_id == course_id, MemberRow.user_id.in_(part))
        )
    }
    for username, person in people.items():
        row = rows.get(person.id)
        if row is None:
            row = rows[person.id] = _new_row(course_id, person.id, roles[username], source)
            db.add(row)
        _activate(row, roles[username], source)
    db.flush()
    captures.touch(db, course_id)
    return {username: _member(rows[person.id]) for username, person in people.items()}


def leave(db: Session, course_id: int, member_id: int) -> None:
    """Marks the member as one who left; nothing is deleted, and a second call is harmless."""
    row = db.get(MemberRow, member_id)
    if row is not None and row.course_id == course_id:
        row.active = False
        db.flush()
        captures.touch(db, course_id)


def set_personal(db: Session, fields: Mapping[str, Mapping[str, str | None]]) -> None:
    """Changes what is known of people: username to `PERSONAL_FIELDS` and their new values."""
    people = ensure_users(db, fields)
    for username, values in fields.items():
        for field in PERSONAL_FIELDS:
            if field in values:
                setattr(people[username], field, values[field])
    db.flush()


def courses_of(db: Session, usernames: Collection[str]) -> dict[str, set[int]]:
    """Ids of the courses in which each of these people is an active member."""
    found: dict[str, set[int]] = {username: set() for username in usernames}
    for part in _parts(sorted(found)):
        query = (
            select(UserRow.username, MemberRow.course_id)
            .join(MemberRow)
            .where(UserRow.username.in_(part), MemberRow.active)
        )
        for username, course_id in db.execute(query):
            found[username].add(course_id)
    return found


def personal_of(db: Session, usernames: Collection[str]) -> dict[str, dict[str, str | None]]:
    """The `PERSONAL_FIELDS` of those of these people who are known."""
    return {
        row.username: {field: getattr(row, field) for field in PERSONAL_FIELDS}
        for part in _parts(sorted(usernames))
        for row in db.scalars(select(UserRow).where(UserRow.username.in_(part)))
    }


def members(db: Session, course_id: int, role: Role | None = None) -> list[Member]:
    """Members of the course, those who left included, in the order of their usernames."""
    query = select(MemberRow).join(UserRow).where(MemberRow.course_id == course_id)
    if role is not None:
        query = query.where(MemberRow.role == role.value)
    return [_member(row) for row in db.scalars(query.order_by(UserRow.username))]


def find_member(db: Session, course_id: int, member_id: int) -> Member | None:
    """The member of that id in the course."""
    row = db.get(MemberRow, member_id)
    return _member(row) if row is not None and row.course_id == course_id else None


def find_by_username(db: Session, course_id: int, username: str) -> Member | None:
    """The member of that hub username in the course."""
    query = (
        select(MemberRow)
        .join(UserRow)
        .where(MemberRow.course_id == course_id, UserRow.username == username)
    )
    row = db.scalar(query)
    return _member(row) if row is not None else None


def roles_of(db: Session, username: str, *without: str) -> dict[int, Role]:
    """Role of the person in each course, as the database knows it.

    Parameters:
        without: leaves out what came from these sources, because it is known better.
    """
    query = (
        select(MemberRow.course_id, MemberRow.role)
        .join(UserRow)
        .where(UserRow.username == username, MemberRow.active, MemberRow.source.not_in(without))
    )
    return {course_id: Role(role) for course_id, role in db.execute(query)}


def set_canvas_ids(db: Session, usernames: Mapping[str, str]) -> None:
    """Makes these the Canvas ids of these people; everybody else has none.

    Parameters:
        usernames: Canvas id to username.
    """
    people = ensure_users(db, usernames.values())
    for row in db.scalars(select(UserRow).where(UserRow.canvas_id.is_not(None))):
        row.canvas_id = None
    for canvas_id, username in usernames.items():
        people[username].canvas_id = canvas_id
    db.flush()


def username_of_canvas_id(db: Session, canvas_id: str) -> str | None:
    """Hub username of the one person with that Canvas id; None for nobody or several."""
    found = db.scalars(select(UserRow.username).where(UserRow.canvas_id == canvas_id)).all()
    return found[0] if len(found) == 1 else None


def _member(row: MemberRow) -> Member:
    person = row.user
    return Member(
        id=row.id,
        user_id=row.user_id,
        course_id=row.course_id,
        username=person.username,
        role=Role(row.role),
        active=row.active,
        canvas_id=person.canvas_id,
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.email,
        university_id=person.university_id,
        source=row.source,
    )


def _parts(values: list[Value]) -> Iterator[list[Value]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
