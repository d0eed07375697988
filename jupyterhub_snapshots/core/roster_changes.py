"""What may be changed of a member and by whom, and what comes of the rows of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from .access import Principal
from .records import Member, Role
from .roster_csv import RosterRow
from .sources import CONFIG

#: Fields of a person, such as ``first_name``, and their values.
Personal = Mapping[str, "str | None"]
Result = Literal["added", "updated", "unchanged", "error"]


@dataclass(frozen=True)
class RowResult:
    """What came, or would come, of one row.

    Attributes:
        row: its number as a spreadsheet shows it.
        message: why it is an error, or what changes; None when there is nothing to tell.
    """

    row: int
    username: str
    result: Result
    message: str | None = None


@dataclass(frozen=True)
class ImportReport:
    """What came of a file.

    Attributes:
        written: whether the members were changed.
        unknown_columns: headings of the columns that were not looked at.
    """

    dry_run: bool
    written: bool
    rows: tuple[RowResult, ...]
    unknown_columns: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each result."""
        found = Counter(each.result for each in self.rows)
        return {result: found[result] for result in ("added", "updated", "unchanged", "error")}


@dataclass(frozen=True)
class Changes:
    """What is to be written: username to role, and username to what is known of the person."""

    roles: dict[str, Role] = field(default_factory=dict)
    personal: dict[str, Personal] = field(default_factory=dict)


def judge_rows(
    rows: Iterable[RosterRow],
    members: Mapping[str, Member],
    known: Mapping[str, Personal],
    foreign: Collection[str],
    caller: Principal,
) -> tuple[tuple[RowResult, ...], Changes]:
    """What comes of every row, and what is to be written for the good ones.

    An empty cell changes nothing. A person who is new, or had left, and whose row has no role
    becomes a student.

    Parameters:
        members: everybody the course knows, by username.
        known: what is known of people, by username.
        foreign: usernames of those of whom nothing known may be changed, only completed.
    """
    changes = Changes()
    results = []
    for row in rows:
        if row.problem is not None:
            results.append(RowResult(row.row, row.username, "error", row.problem))
            continue
        personal, kept = to_write(
            dict(row.personal), known.get(row.username, {}), row.username in foreign
        )
        results.append(_judge(row, members.get(row.username), personal, kept, changes, caller))
    return tuple(results), changes


def _judge(
    row: RosterRow,
    member: Member | None,
    personal: Personal,
    kept: list[str],
    changes: Changes,
    caller: Principal,
) -> RowResult:
    told = []
    result: Result = "unchanged"
    if member is None or not member.active:
        result = "added"
        changes.roles[row.username] = row.role or Role.STUDENT
        if member is not None:
            told.append("had left and is back")
    elif row.role is not None and row.role is not member.role:
        why_not = fixed(member, caller)
        if why_not is not None:
            return RowResult(row.row, row.username, "error", why_not)
        result = "updated"
        changes.roles[row.username] = row.role
        told.append(f"{member.role.value} becomes {row.role.value}")
    if personal:
        changes.personal[row.username] = personal
        if result != "added":
            result = "updated"
            told.append(f"{listed(personal)} changed")
    if kept:
        told.append(f"{listed(kept)} stays as it is, because another course has the person too")
    return RowResult(row.row, row.username, result, "; ".join(told) or None)


def unwritten(rows: Iterable[RowResult]) -> tuple[RowResult, ...]:
    """The same where an error in one row kept all from being written; the others say so."""
    note = "not written: another row has an error"
    return tuple(
        replace(row, message="; ".join(filter(None, (note, row.message))))
        if row.result in ("added", "updated")
        else row
        for row in rows
    )


def fixed(member: Member, caller: Principal) -> str | None:
    """Why the caller can't change the active member's role; None when the caller can."""
    if member.source == CONFIG:
        article = "a" if member.role is Role.STUDENT else "an"
        return (
            f"The service's configuration makes {member.username} {article} {member.role.value} "
            "of this course. Only the administrator of the hub can change that."
        )
    if member.username == caller.username and not caller.admin:
        return "This is your own membership. Let another instructor of the course change it."
    return None


def to_write(
    personal: Personal, known: Personal, foreign: bool
) -> tuple[dict[str, str | None], list[str]]:
    """The fields that differ from what is known, and those that stay as they are nevertheless.

    Parameters:
        foreign: what is known of the person may only be completed.
    """
    differing = {name: value for name, value in personal.items() if value != known.get(name)}
    kept = [name for name in differing if foreign and known.get(name)]
    return {name: value for name, value in differing.items() if name not in kept}, kept


def listed(fields: Iterable[str]) -> str:
    """The fields for a sentence."""
    return ", ".join(name.replace("_", " ") for name in fields)
