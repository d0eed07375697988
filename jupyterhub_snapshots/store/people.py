"""Courses, people, and who is what in which course."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.records import Member, Role
from .database import utc_now
from .tables import CourseRow, MemberRow, UserRow

#: Source of the members that the configuration names.
BY_HAND = "config"


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
        for start in range(0, len(wanted), 500)
        for row in db.scalars(
            select(UserRow).where(UserRow.username.in_(wanted[start : start + 500]))
        )
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

    A person has one role in a course. What is given by hand stands above every other source, and
    the others above each other in turn: a course has one of them at a time.
    """
    people = ensure_users(db, usernames)
    rows = {
        row.user_id: row
        for row in db.scalars(select(MemberRow).where(MemberRow.course_id == course_id))
    }
    wanted = {person.id for person in people.values()}
    for user_id, row in rows.items():
        ours = (row.source == BY_HAND) == (source == BY_HAND)
        if ours and row.role == role.value and user_id not in wanted:
            row.active = False
    for user_id in wanted:
        known = rows.get(user_id)
        if known is None:
            db.add(
                MemberRow(
                    course_id=course_id,
                    user_id=user_id,
                    role=role.value,
                    source=source,
                    created_at=utc_now(),
                )
            )
        elif source == BY_HAND or known.source != BY_HAND or not known.active:
            known.role, known.source, known.active = role.value, source, True
    db.flush()


def has_members(
    db: Session, course_id: int, usernames: Iterable[str], role: Role, source: str
) -> bool:
    """Whether `set_members` would change nothing."""
    rows = db.execute(
        select(UserRow.username, MemberRow.role, MemberRow.source)
        .join(MemberRow)
        .where(MemberRow.course_id == course_id, MemberRow.active)
    ).all()
    by_hand = {row.username for row in rows if row.source == BY_HAND}
    there = {
        (row.username, row.source)
        for row in rows
        if row.role == role.value and row.source != BY_HAND
    }
    return there == {(username, source) for username in set(usernames) - by_hand}


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
    )
