"""A list of members as a CSV file: what its rows say, and which of them can't be."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import InvalidRoster
from .names import is_username
from .records import Role

MAX_ROWS = 10_000
#: Longest name, email or university id, in characters.
MAX_TEXT_LENGTH = 255

_USERNAME, _ROLE = "username", "role"
#: Fields beside username and role, by how a column may be headed: in any case, and with spaces,
#: dashes or underscores or without.
_PERSONAL = {
    "firstname": "first_name",
    "lastname": "last_name",
    "email": "email",
    "universityid": "university_id",
}
_NAMES_LISTED = 10
_CELL_SHOWN = 60
_TOO_MANY_CELLS = (
    "The row has more cells than the first row. Put quotes around a cell with the delimiter in it."
)


@dataclass(frozen=True)
class RosterRow:
    """What one row says of a person.

    Attributes:
        row: its number as a spreadsheet shows it: the first row of the file is 1.
        role: None when the row names none.
        personal: field to value, for the cells that are not empty.
        problem: why the row can't be taken, for a person; None when it can.
    """

    row: int
    username: str
    role: Role | None = None
    personal: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class RosterFile:
    """The rows of a file, and the headings of the columns that were not looked at."""

    rows: tuple[RosterRow, ...]
    unknown_columns: tuple[str, ...] = ()


def read_roster(content: bytes) -> RosterFile:
    """Reads a CSV file in UTF-8 whose first row names the columns.

    Columns are divided by commas or semicolons, whichever the first row has more of. Cells are
    text, whatever a spreadsheet would make of them. Rows without any text are left out. A row
    that can't be taken has a `problem`.

    Raises InvalidRoster for what can't be read as a whole.
    """
    records = _records(_decoded(content))
    _, header = next(records, (0, []))
    columns, unknown = _columns(header)
    rows: list[RosterRow] = []
    seen: dict[str, int] = {}
    for number, cells in records:
        if len(rows) == MAX_ROWS:
            raise InvalidRoster(f"The file has more than {MAX_ROWS} rows. Send it in parts.")
        row = _row(number, cells, columns, len(header))
        if row.problem is None and row.username in seen:
            first = seen[row.username]
            row = RosterRow(number, row.username, problem=f"The same username is in row {first}.")
        seen.setdefault(row.username, number)
        rows.append(row)
    return RosterFile(tuple(rows), unknown)


def text_problem(text: str) -> str | None:
    """Why the text can't be a name, an email or an id of a person; None when it can."""
    if len(text) > MAX_TEXT_LENGTH:
        return f"is longer than {MAX_TEXT_LENGTH} characters"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        return "has a line break or another control character in it"
    return None


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRoster(
            "The file is not in UTF-8. Save it again as 'CSV UTF-8' and send that."
        ) from error


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that have any text, with their numbers; blanks around a cell are cut off."""
    first_line = next(filter(str.strip, text.splitlines()), "")
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    number = 0
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            number += 1
            cells = [cell.strip() for cell in record]
            if any(cells):
                yield number, cells
    except csv.Error as error:
        raise InvalidRoster(
            f"The file can't be read after row {number} ({error}). Look for a quote that is not "
            "closed."
        ) from error


def _columns(header: Sequence[str]) -> tuple[dict[int, str], tuple[str, ...]]:
    """Position to field, and the headings that name none."""
    columns: dict[int, str] = {}
    unknown: list[str] = []
    for position, heading in enumerate(header):
        plain = re.sub(r"[\s_-]", "", heading).lower()
        field = plain if plain in (_USERNAME, _ROLE) else _PERSONAL.get(plain)
        if field is None:
            if heading:
                unknown.append(heading)
        elif field in columns.values():
            raise InvalidRoster(f"There are two columns '{field}'. Leave one of them.")
        else:
            columns[position] = field
    if _USERNAME not in columns.values():
        found = ", ".join(_shown(each) for each in header[:_NAMES_LISTED]) or "nothing"
        raise InvalidRoster(
            "The first row must name the columns, and 'username' must be one of them; it has "
            f"{found}."
        )
    return columns, tuple(unknown)


def _row(number: int, cells: list[str], columns: dict[int, str], width: int) -> RosterRow:
    values = {field: cells[at] for at, field in columns.items() if at < len(cells) and cells[at]}
    username = values.pop(_USERNAME, "")
    role = values.pop(_ROLE, "")
    problem = _problem(username, role, values) if not any(cells[width:]) else _TOO_MANY_CELLS
    if problem is not None:
        return RosterRow(number, username, problem=problem)
    return RosterRow(number, username, Role(role.lower()) if role else None, tuple(values.items()))


def _problem(username: str, role: str, personal: dict[str, str]) -> str | None:
    if not username:
        return "The username is missing."
    if not is_username(username):
        return f"{_shown(username)} can't be a username."
    roles = [each.value for each in Role]
    if role and role.lower() not in roles:
        return f"{_shown(role)} is no role. Use one of {', '.join(roles)}."
    for field, text in personal.items():
        problem = text_problem(text)
        if problem is not None:
            return f"The cell '{field}' {problem}."
    return None


def _shown(text: str) -> str:
    """The cell for a message: short, and with what is no letter or sign of it written out."""
    return ascii(text[:_CELL_SHOWN]) if not text.isprintable() else f"'{text[:_CELL_SHOWN]}'"
