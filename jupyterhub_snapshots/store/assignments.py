"""Assignments of a course, and what changes their dates for single students."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ..core.assignments import (
    AccessToken,
    Accommodation,
    Assignment,
    Availability,
    DateInputs,
    Extension,
)
from ..errors import (
    AccessTokenNotFound,
    AssignmentInUse,
    AssignmentNotFound,
    ExtensionNotFound,
    TitleTaken,
)
from . import captures
from .assignment_tables import (
    AccessTokenRow,
    AccommodationRow,
    AssignmentRow,
    CaptureRow,
    ExtensionRow,
)

_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}


def date_inputs(
    db: Session, course_id: int, assignment_id: int | None = None, user_id: int | None = None
) -> DateInputs:
    """What the deadlines of a course, of one of its assignments or students, follow from.

    Extensions and access tokens are under (assignment id, user id).
    """
    chosen = [AssignmentRow.course_id == course_id]
    if assignment_id is not None:
        chosen.append(AssignmentRow.id == assignment_id)
    assignments = {
        row.id: _assignment(row) for row in db.scalars(select(AssignmentRow).where(*chosen))
    }
    extensions = select(ExtensionRow).join(AssignmentRow).where(*chosen)
    tokens = select(AccessTokenRow).join(AssignmentRow).where(*chosen)
    needs = select(AccommodationRow).where(AccommodationRow.course_id == course_id)
    if user_id is not None:
        extensions = extensions.where(ExtensionRow.user_id == user_id)
        tokens = tokens.where(AccessTokenRow.user_id == user_id)
        needs = needs.where(AccommodationRow.user_id == user_id)
    return DateInputs(
        assignments=assignments,
        extensions={
            (row.assignment_id, row.user_id): _extension(row) for row in db.scalars(extensions)
        },
        tokens={(row.assignment_id, row.user_id): _token(row) for row in db.scalars(tokens)},
        accommodations={row.user_id: _accommodation(row) for row in db.scalars(needs)},
    )


# Assignments


def list_assignments(db: Session, course_id: int) -> list[Assignment]:
    """All of a course, in the order in which they were made."""
    rows = db.scalars(
        select(AssignmentRow).where(AssignmentRow.course_id == course_id).order_by(AssignmentRow.id)
    )
    return [_assignment(row) for row in rows]


def get_assignment(db: Session, course_id: int, assignment_id: int) -> Assignment:
    """One assignment. Raises AssignmentNotFound, also when it is another course's."""
    return _assignment(_row(db, course_id, assignment_id))


def create_assignment(
    db: Session, course_id: int, fields: dict[str, Any], now: datetime
) -> Assignment:
    """A new assignment, made now.

    Parameters:
        fields: those of `Assignment`, but for its id, course and time of making.

    Raises TitleTaken.
    """
    row = AssignmentRow(course_id=course_id, created_at=now)
    _set(db, row, fields)
    db.add(row)
    db.flush()
    captures.touch(db, course_id)
    return _assignment(row)


def update_assignment(
    db: Session, course_id: int, assignment_id: int, fields: dict[str, Any]
) -> Assignment:
    """Changes these fields. Raises AssignmentNotFound, TitleTaken."""
    row = _row(db, course_id, assignment_id)
    _set(db, row, fields)
    db.flush()
    captures.touch(db, course_id)
    return _assignment(row)


def delete_assignment(db: Session, course_id: int, assignment_id: int) -> None:
    """Removes an assignment with its extensions and access tokens.

    Raises AssignmentNotFound; AssignmentInUse when something was captured for it.
    """
    row = _row(db, course_id, assignment_id)
    if db.scalar(select(exists().where(CaptureRow.assignment_id == assignment_id))):
        raise AssignmentInUse(
            "Snapshots were taken for this assignment. Clear its dates instead of deleting it."
        )
    db.delete(row)
    db.flush()
    captures.touch(db, course_id)


def _row(db: Session, course_id: int, assignment_id: int) -> AssignmentRow:
    row = db.get(AssignmentRow, assignment_id)
    if row is None or row.course_id != course_id:
        raise AssignmentNotFound("There is no such assignment in this course.")
    return row


def _set(db: Session, row: AssignmentRow, fields: dict[str, Any]) -> None:
    title = fields.get("title", row.title)
    taken = select(
        exists().where(
            AssignmentRow.course_id == row.course_id,
            AssignmentRow.title == title,
            AssignmentRow.id != (row.id or 0),
        )
    )
    if title != row.title and db.scalar(taken):
        raise TitleTaken(f"The course has an assignment {title!r} already. Choose another title.")
    for name, value in fields.items():
        if name == "availability":
            row.hidden = value.hidden if value is not None else None
            row.minutes = value.minutes if value is not None else None
            row.password_hash = value.password_hash if value is not None else None
        else:
            setattr(row, _COLUMNS.get(name, name), value)


_COLUMNS = {"document": "document_id", "assigner": "assigner_id"}


# Passwords


def hash_password(password: str) -> str:
    """What is kept of a password: a salt, and the hash of both (scrypt)."""
    salt = secrets.token_hex(16)
    return f"{salt}${_scrypt(salt, password)}"


def is_password(hashed: str, password: str) -> bool:
    """Whether this is the password of which the hash was kept. Takes some 50 ms."""
    salt, _, known = hashed.partition("$")
    return hmac.compare_digest(_scrypt(salt, password), known)


def _scrypt(salt: str, password: str) -> str:
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=salt.encode(), **_SCRYPT).hex()


# Extensions


def list_extensions(
    db: Session, course_id: int, *, assignment_id: int | None = None, user_id: int | None = None
) -> list[Extension]:
    """Extensions of the course, of one assignment or of one student."""
    query = select(ExtensionRow).join(AssignmentRow).where(AssignmentRow.course_id == course_id)
    if assignment_id is not None:
        query = query.where(ExtensionRow.assignment_id == assignment_id)
    if user_id is not None:
        query = query.where(ExtensionRow.user_id == user_id)
    return [_extension(row) for row in db.scalars(query.order_by(ExtensionRow.id))]


def grant_extension(
    db: Session,
    course_id: int,
    *,
    assignment_id: int,
    user_id: int,
    until: datetime | None,
    granted_by: str,
    now: datetime,
) -> Extension:
    """Gives a student an own due date, in place of the one there was; None excuses.

    Raises AssignmentNotFound.
    """
    _row(db, course_id, assignment_id)
    row = db.scalar(
        select(ExtensionRow).where(
            ExtensionRow.assignment_id == assignment_id, ExtensionRow.user_id == user_id
        )
    )
    if row is None:
        row = ExtensionRow(assignment_id=assignment_id, user_id=user_id)
        db.add(row)
    row.until, row.granted_at, row.granted_by = until, now, granted_by
    db.flush()
    captures.touch(db, course_id)
    return _extension(row)


def delete_extension(db: Session, course_id: int, user_id: int, extension_id: int) -> Extension:
    """Takes an extension back and returns it. Raises ExtensionNotFound."""
    row = _extension_row(db, course_id, user_id, extension_id)
    db.delete(row)
    db.flush()
    captures.touch(db, course_id)
    return _extension(row)


def get_extension(db: Session, course_id: int, user_id: int, extension_id: int) -> Extension:
    """One extension of the student. Raises ExtensionNotFound."""
    return _extension(_extension_row(db, course_id, user_id, extension_id))


def _extension_row(db: Session, course_id: int, user_id: int, extension_id: int) -> ExtensionRow:
    row = db.get(ExtensionRow, extension_id)
    if row is None or row.user_id != user_id or not _in_course(db, row.assignment_id, course_id):
        raise ExtensionNotFound("The student has no such extension in this course.")
    return row


def _in_course(db: Session, assignment_id: int, course_id: int) -> bool:
    row = db.get(AssignmentRow, assignment_id)
    return row is not None and row.course_id == course_id


# Accommodations


def get_accommodation(db: Session, course_id: int, user_id: int) -> Accommodation:
    """What the student is given in the course; the defaults when nobody has set anything."""
    row = _accommodation_row(db, course_id, user_id)
    return _accommodation(row) if row is not None else Accommodation(course_id, user_id)


def set_accommodation(db: Session, wanted: Accommodation) -> Accommodation:
    """Gives a student this in a course, in place of what there was."""
    row = _accommodation_row(db, wanted.course_id, wanted.user_id)
    if row is None:
        row = AccommodationRow(course_id=wanted.course_id, user_id=wanted.user_id)
        db.add(row)
    row.time_factor = str(wanted.time_factor)
    row.time_extra_minutes = wanted.time_extra_minutes
    row.date_extra_hours = wanted.date_extra_hours
    db.flush()
    captures.touch(db, wanted.course_id)
    return _accommodation(row)


def delete_accommodation(db: Session, course_id: int, user_id: int) -> None:
    """Goes back to the defaults; harmless when these hold already."""
    row = _accommodation_row(db, course_id, user_id)
    if row is not None:
        db.delete(row)
        db.flush()
        captures.touch(db, course_id)


def _accommodation_row(db: Session, course_id: int, user_id: int) -> AccommodationRow | None:
    return db.scalar(
        select(AccommodationRow).where(
            AccommodationRow.course_id == course_id, AccommodationRow.user_id == user_id
        )
    )


# Access tokens


def list_tokens(db: Session, course_id: int, user_id: int) -> list[AccessToken]:
    """What the student has opened in the course."""
    rows = db.scalars(
        select(AccessTokenRow)
        .join(AssignmentRow)
        .where(AssignmentRow.course_id == course_id, AccessTokenRow.user_id == user_id)
        .order_by(AccessTokenRow.id)
    )
    return [_token(row) for row in rows]


def open_assignment(
    db: Session, course_id: int, assignment_id: int, user_id: int, now: datetime
) -> tuple[AccessToken, bool]:
    """The student's access token, made now unless there is one; and whether it was made.

    Raises AssignmentNotFound.
    """
    _row(db, course_id, assignment_id)
    row = db.scalar(
        select(AccessTokenRow).where(
            AccessTokenRow.assignment_id == assignment_id, AccessTokenRow.user_id == user_id
        )
    )
    if row is not None:
        return _token(row), False
    row = AccessTokenRow(assignment_id=assignment_id, user_id=user_id, created_at=now)
    db.add(row)
    db.flush()
    captures.touch(db, course_id)
    return _token(row), True


def delete_token(db: Session, course_id: int, user_id: int, token_id: int) -> AccessToken:
    """Takes an access token back and returns it. Raises AccessTokenNotFound."""
    row = _token_row(db, course_id, user_id, token_id)
    db.delete(row)
    db.flush()
    captures.touch(db, course_id)
    return _token(row)


def get_token(db: Session, course_id: int, user_id: int, token_id: int) -> AccessToken:
    """One access token of the student. Raises AccessTokenNotFound."""
    return _token(_token_row(db, course_id, user_id, token_id))


def _token_row(db: Session, course_id: int, user_id: int, token_id: int) -> AccessTokenRow:
    row = db.get(AccessTokenRow, token_id)
    if row is None or row.user_id != user_id or not _in_course(db, row.assignment_id, course_id):
        raise AccessTokenNotFound("The student has no such access token in this course.")
    return row


# Records


def _assignment(row: AssignmentRow) -> Assignment:
    availability = None
    if row.hidden is not None:
        availability = Availability(row.hidden, row.minutes, row.password_hash or "")
    return Assignment(
        id=row.id,
        course_id=row.course_id,
        title=row.title,
        created_at=row.created_at,
        document=row.document_id,
        description=row.description,
        due=row.due,
        visible_from=row.visible_from,
        visible_till=row.visible_till,
        grade_release=row.grade_release,
        availability=availability,
        point_value=row.point_value,
        total_problems=row.total_problems,
        assigner=row.assigner_id,
    )


def _extension(row: ExtensionRow) -> Extension:
    return Extension(row.id, row.assignment_id, row.user_id, row.until)


def _accommodation(row: AccommodationRow) -> Accommodation:
    return Accommodation(
        course_id=row.course_id,
        user_id=row.user_id,
        time_factor=Fraction(row.time_factor),
        time_extra_minutes=row.time_extra_minutes,
        date_extra_hours=row.date_extra_hours,
        id=row.id,
    )


def _token(row: AccessTokenRow) -> AccessToken:
    return AccessToken(row.id, row.assignment_id, row.user_id, row.created_at)
