"""Whose a file is that is to be returned: by its folder, or by the beginning of its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_snapshots.core.deliveries import Addressees, Delivery, without_duplicates
from jupyterhub_snapshots.core.names import report_filename
from jupyterhub_snapshots.core.records import Member, Role


def member(
    username: str,
    canvas_id: str | None = None,
    *,
    role: Role = Role.STUDENT,
    active: bool = True,
) -> Member:
    return Member(1, 1, 1, username, role, active, canvas_id)


CLASS = [
    member("ada", "31387714"),
    member("ada_b", active=False),
    member("ada_lovelace"),
    member("bo"),
    member("bo.chen"),
    member("eve", "777"),
    member("fay", "777"),
    member("gus", "hal"),
    member("hal"),
    member("ina", role=Role.INSTRUCTOR),
    member("jose-maria"),
    member("mia@example.edu", "4"),
    member("12345"),
    member("zo\u00eb"),
]


@pytest.mark.parametrize(
    ("file", "student", "name"),
    [
        ("ada.html", "ada", "ada.html"),
        ("ada/feedback.html", "ada", "feedback.html"),
        ("ada/ps 1/feedback.html", "ada", "ps_1_feedback.html"),
        ("ada_week1.html", "ada", "week1.html"),
        ("ada-week1.html", "ada", "week1.html"),
        ("ada.week1.html", "ada", "week1.html"),
        ("ada week 1.html", "ada", "week_1.html"),
        ("ada__-_week1.html", "ada", "week1.html"),
        ("ada_.html", "ada", "ada_.html"),
        ("ada_readme", "ada", "ada_readme"),
        ("ada", "ada", "ada"),
        ("ada_lovelace.html", "ada_lovelace", "ada_lovelace.html"),
        ("ada_lovelace_ps1.html", "ada_lovelace", "ps1.html"),
        ("ada_l.html", "ada", "l.html"),
        ("31387714_week1.pdf", "ada", "week1.pdf"),
        ("31387714/week1.html", "ada", "week1.html"),
        ("31387714.html", "ada", "31387714.html"),
        ("12345.html", "12345", "12345.html"),
        ("bo.html", "bo", "bo.html"),
        ("bo.chen.html", "bo.chen", "bo.chen.html"),
        ("bo.cheng.html", "bo", "cheng.html"),
        ("bo.chen/x.html", "bo.chen", "x.html"),
        ("jose-maria-1.html", "jose-maria", "1.html"),
        ("mia@example.edu.html", "mia@example.edu", "miaexample.edu.html"),
        ("mia@example.edu_ps1.html", "mia@example.edu", "ps1.html"),
        ("mia@example.edu/ps1.html", "mia@example.edu", "ps1.html"),
        ("4-ps1.html", "mia@example.edu", "ps1.html"),
        ("zo\u00eb.html", "zo\u00eb", "zoe.html"),
        ("zoe\u0308_ps1.html", "zo\u00eb", "ps1.html"),
        ("zoe\u0308/Übung 1.html", "zo\u00eb", "Ubung_1.html"),
    ],
)
def test_whose_it_is_and_what_it_is_called(file: str, student: str, name: str) -> None:
    assert Addressees(CLASS).deliver(file) == Delivery(file, student, name)


@pytest.mark.threat("P1", "P2", "P6", "P8", "P9", "P10")
@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("grace.html", "unknown_student"),
        ("adam.html", "unknown_student"),
        ("Ada.html", "unknown_student"),
        (" ada.html", "unknown_student"),
        ("ada\\week1.html", "unknown_student"),
        ("returned/ada/week1.html", "unknown_student"),
        ("ada_week1/week1.html", "unknown_student"),
        ("__MACOSX/ada.html", "unknown_student"),
        (".DS_Store", "unknown_student"),
        ("3138771.html", "unknown_student"),
        ("313877140.html", "unknown_student"),
        ("zoe.html", "unknown_student"),
        ("ada_b.html", "unknown_student"),
        ("ada_b/week1.html", "unknown_student"),
        ("ina.html", "unknown_student"),
        ("777_week1.html", "ambiguous"),
        ("hal.html", "ambiguous"),
        ("hal/week1.html", "ambiguous"),
        ("ada/\u5b66", "bad_name"),
        ("ada/???", "bad_name"),
        ("ada/" + "x/" * 200 + "x.html", "bad_name"),
        ("", "bad_name"),
        ("/ada/week1.html", "bad_name"),
        ("ada/", "bad_name"),
        ("ada//week1.html", "bad_name"),
        ("../ada/week1.html", "bad_name"),
        ("ada/../bo/week1.html", "bad_name"),
        ("ada/week1\0.html", "bad_name"),
        ("ada/" + "x" * 300 + ".html", "bad_name"),
        ("ada_" + "x" * 5000, "bad_name"),
    ],
)
def test_what_can_be_nobodys(file: str, problem: str) -> None:
    found = Addressees(CLASS).deliver(file)
    assert (found.problem, found.name) == (problem, None)
    assert found.message
    assert found.student in (None, "ada")


def test_who_is_named_when_there_are_several() -> None:
    message = Addressees(CLASS).deliver("hal.html").message
    assert message is not None
    assert "gus or hal" in message


def test_of_two_that_would_become_one_neither_is_returned() -> None:
    addressees = Addressees(CLASS)
    files = ["ada/a b.html", "ada_a_b.html", "31387714 a b.html", "bo/a_b.html", "ada.html", "x.y"]
    found = without_duplicates(map(addressees.deliver, files))
    assert [each.problem for each in found] == [
        "duplicate", "duplicate", "duplicate", None, None, "unknown_student",
    ]  # fmt: skip
    assert [each.name for each in found[:3]] == ["a_b.html"] * 3
    assert "ada_a_b.html" in (found[0].message or "")
    assert "ada/a b.html" in (found[1].message or "")
    [one, _] = without_duplicates(map(addressees.deliver, ["bo.html", "bo.html"]))
    assert one.problem == "duplicate"


@given(st.text(max_size=40), st.sampled_from(CLASS))
def test_a_report_is_named_once_and_for_all(text: str, student: Member) -> None:
    """The name that the check tells is the one that returning the file under it gives."""
    found = Addressees(CLASS).deliver(f"{student.username}/{text}")
    if found.problem is None:
        assert found.name is not None
        assert report_filename(found.name) == found.name
