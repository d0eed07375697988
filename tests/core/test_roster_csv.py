"""Reading a list of members: what rows say, and what is told of those that can't be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.core.roster_csv import (
    MAX_ROWS,
    MAX_TEXT_LENGTH,
    RosterRow,
    read_roster,
    text_problem,
)
from jupyterhub_snapshots.errors import InvalidRoster

ADA = RosterRow(2, "ada", Role.STUDENT, (("first_name", "Ada"), ("last_name", "King, Countess")))


@pytest.mark.parametrize(
    "text",
    [
        'username,role,first_name,last_name\nada,student,Ada,"King, Countess"\n',
        'username,role,first_name,last_name\r\nada,student,Ada,"King, Countess"\r\n',
        'username,role,first_name,last_name\rada,student,Ada,"King, Countess"',
        "\ufeffusername;role;first_name;last_name\nada;student;Ada;King, Countess",
        '"username";"role";"first_name";"last_name"\n"ada";"student";"Ada";"King, Countess"',
        'User Name,ROLE,firstName,Last-Name\n ada , Student ,Ada,"King, Countess"',
        'username,role,first_name,last_name,,\nada,student,Ada,"King, Countess",,\n,,,,,\n\n',
    ],
    ids=["plain", "crlf", "cr", "bom and semicolons", "quoted", "headings", "empty cells"],
)
def test_ways_to_write_the_same(text: str) -> None:
    file = read_roster(text.encode())
    assert file.rows == (ADA,)
    assert file.unknown_columns == ()


def test_cells_that_are_left_out_say_nothing() -> None:
    rows = read_roster(b"username,role,email\nada,,\nbo\ncy,assistant,c@example.edu").rows
    assert rows == (
        RosterRow(2, "ada"),
        RosterRow(3, "bo"),
        RosterRow(4, "cy", Role.ASSISTANT, (("email", "c@example.edu"),)),
    )


def test_rows_have_the_numbers_of_a_spreadsheet() -> None:
    text = b'\nusername,last_name\n\nada,"two\nlines"\n,\nbo,Chen\n'
    rows = read_roster(text).rows
    assert [(row.row, row.username) for row in rows] == [(4, "ada"), (6, "bo")]
    assert (
        rows[0].problem
        == "The cell 'last_name' has a line break or another control character in it."
    )
    assert rows[1].problem is None


def test_columns_that_nobody_knows_are_told() -> None:
    file = read_roster(b"Group;username;\xc3\x9cbung\n3;ada;A\n")
    assert file.rows == (RosterRow(2, "ada"),)
    assert file.unknown_columns == ("Group", "Übung")


@pytest.mark.parametrize("cell", ["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+49 30", "-1", "\t=1"])
def test_formulas_are_text(cell: str) -> None:
    (row,) = read_roster(f'username,last_name\n=ada,"{cell}"'.encode()).rows
    assert (row.username, row.problem) == ("=ada", None)
    assert row.personal == (("last_name", cell.strip()),)


@pytest.mark.threat("P1", "P2", "B8")
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (",student", "The username is missing."),
        ("ada,teacher", "'teacher' is no role. Use one of instructor, student, assistant."),
        ("..,student", "'..' can't be a username."),
        ("a/b,", "'a/b' can't be a username."),
        ("a\0b,", r"'a\x00b' can't be a username."),
        ("rtl\u202eada,", r"'rtl\u202eada' can't be a username."),
        (f"{'x' * 256},", f"'{'x' * 60}' can't be a username."),
        (f"ada,,{'x' * 256}", "The cell 'email' is longer than 255 characters."),
        (
            "ada,,a,b",
            "The row has more cells than the first row. Put quotes around a cell with the "
            "delimiter in it.",
        ),
    ],
)
def test_rows_that_cannot_be(line: str, problem: str) -> None:
    text = f"username,role,email\n{line}\nbo,,\n"
    bad, good = read_roster(text.encode()).rows
    assert (bad.row, bad.problem) == (2, problem)
    assert (bad.role, bad.personal) == (None, ())
    assert good == RosterRow(3, "bo")


def test_a_username_that_comes_again() -> None:
    rows = read_roster(b"username\nada\nbo\nada\nADA\nada\n").rows
    assert [row.problem for row in rows] == [
        None,
        None,
        "The same username is in row 2.",
        None,
        "The same username is in row 2.",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it has nothing"),
        (b"\n\n,,\n", "it has nothing"),
        (b"name,role\nada,student\n", "it has 'name', 'role'"),
        (b"ada\nbo\n", "'username' must be one of them"),
        (b"username\tx", "'username' must be one of them"),
        (b"username,User_Name\nada,bo", "two columns 'username'"),
        ("username\nzoë".encode("latin-1"), "not in UTF-8"),
        ("username\nada".encode("utf-16"), "not in UTF-8"),
        (b'username,email\nada,"open\nbo,', "after row 1 .*quote"),
        (b'username,email\nada,"a"b\n', "after row 1"),
        (b"username\n" + b"x" * 140_000, "after row 1"),
    ],
)
def test_files_that_cannot_be_read(content: bytes, words: str) -> None:
    with pytest.raises(InvalidRoster, match=words) as refused:
        read_roster(content)
    assert refused.value.message.isprintable()


def test_how_many_rows_there_may_be() -> None:
    most = b"username\n" + b"".join(b"s%d\n\n" % number for number in range(MAX_ROWS))
    assert len(read_roster(most).rows) == MAX_ROWS
    with pytest.raises(InvalidRoster, match="more than 10000 rows"):
        read_roster(most + b"one-more\n")
    assert read_roster(b"username,role\n").rows == ()


def test_texts_of_a_person() -> None:
    for good in ("", "Zoë", "o'Brien", "a\u200cb", "=1+1", "x" * MAX_TEXT_LENGTH):
        assert text_problem(good) is None
    for bad in ("x" * (MAX_TEXT_LENGTH + 1), "a\nb", "nul\0", "\x1b[31m", "\ud800"):
        assert text_problem(bad) is not None


@given(st.binary(max_size=200))
def test_no_content_breaks_it(content: bytes) -> None:
    for tried in (content, b"username,email\n" + content):
        try:
            file = read_roster(tried)
        except InvalidRoster:
            continue
        assert all(row.username or row.problem for row in file.rows)
        assert all(row.row > 0 for row in file.rows)
