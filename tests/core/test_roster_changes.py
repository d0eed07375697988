"""What comes of the rows of a file, and whose membership nobody changes by hand."""

from __future__ import annotations

import pytest

from jupyterhub_snapshots.core.access import Principal
from jupyterhub_snapshots.core.records import Member, Role
from jupyterhub_snapshots.core.roster_changes import ImportReport, fixed, judge_rows, to_write
from jupyterhub_snapshots.core.roster_csv import RosterRow
from jupyterhub_snapshots.core.sources import (
    API,
    CONFIG,
    CSV,
    HOMES,
    HUB,
    above,
    level,
    same_level,
)

HERE = 1
INA = Principal("ina", "ina", roles=((HERE, Role.INSTRUCTOR),))
ROOT = Principal("root", "root", admin=True)
EMAIL = (("email", "new@example.edu"),)


def member(name: str, role: Role = Role.STUDENT, source: str = HUB, active: bool = True) -> Member:
    return Member(1, 1, HERE, name, role, active, source=source)


MEMBERS = {
    each.username: each
    for each in (
        member("ada"),
        member("gone", Role.INSTRUCTOR, active=False),
        member("fixed", source=CONFIG),
        member("ina", Role.INSTRUCTOR),
    )
}
KNOWN = {"ada": {"email": "old@example.edu"}, "new": {"email": ""}}


@pytest.mark.parametrize(
    ("row", "result", "message", "role", "personal"),
    [
        (RosterRow(2, "zoë"), "added", None, Role.STUDENT, None),
        (RosterRow(2, "zoë", Role.ASSISTANT, EMAIL), "added", None, Role.ASSISTANT, dict(EMAIL)),
        (RosterRow(2, "gone"), "added", "had left and is back", Role.STUDENT, None),
        (RosterRow(2, "ada"), "unchanged", None, None, None),
        (RosterRow(2, "ada", Role.STUDENT), "unchanged", None, None, None),
        (
            RosterRow(2, "ada", Role.STUDENT, (("email", "old@example.edu"),)),
            "unchanged",
            None,
            None,
            None,
        ),
        (RosterRow(2, "ada", None, EMAIL), "updated", "email changed", None, dict(EMAIL)),
        (
            RosterRow(2, "ada", Role.ASSISTANT, EMAIL),
            "updated",
            "student becomes assistant; email changed",
            Role.ASSISTANT,
            dict(EMAIL),
        ),
        (RosterRow(2, "fixed", Role.STUDENT, EMAIL), "updated", "email changed", None, dict(EMAIL)),
        (RosterRow(2, "fixed", Role.ASSISTANT, EMAIL), "error", "configuration", None, None),
        (RosterRow(2, "ina", Role.STUDENT), "error", "your own", None, None),
        (RosterRow(2, "ina", Role.INSTRUCTOR), "unchanged", None, None, None),
        (RosterRow(2, "ada", problem="No."), "error", "No.", None, None),
    ],
)
def test_rows(
    row: RosterRow,
    result: str,
    message: str | None,
    role: Role | None,
    personal: dict[str, str] | None,
) -> None:
    (judged,), changes = judge_rows([row], MEMBERS, KNOWN, (), INA)
    assert (judged.row, judged.username, judged.result) == (2, row.username, result)
    if message is None:
        assert judged.message is None
    else:
        assert judged.message is not None
        assert message in judged.message
    assert changes.roles == ({row.username: role} if role else {})
    assert changes.personal == ({row.username: personal} if personal else {})


def test_what_another_course_has_told_is_only_completed() -> None:
    row = RosterRow(2, "ada", None, (*EMAIL, ("last_name", "King")))
    (judged,), changes = judge_rows([row], MEMBERS, KNOWN, {"ada"}, INA)
    assert changes.personal == {"ada": {"last_name": "King"}}
    assert judged.message == (
        "last name changed; email stays as it is, because another course has the person too"
    )
    assert to_write(dict(EMAIL), {"email": ""}, True) == (dict(EMAIL), [])
    assert to_write({"email": ""}, KNOWN["ada"], True) == ({}, ["email"])
    assert to_write({"email": ""}, KNOWN["ada"], False) == ({"email": ""}, [])


def test_counts() -> None:
    rows, _ = judge_rows([RosterRow(2, "ada"), RosterRow(3, "zoë")], MEMBERS, KNOWN, (), INA)
    counts = ImportReport(dry_run=True, written=False, rows=rows).counts
    assert counts == {"added": 1, "updated": 0, "unchanged": 1, "error": 0}


def test_who_is_fixed() -> None:
    for source in (CSV, API, HUB, HOMES):
        assert fixed(member("ada", source=source), INA) is None
        assert fixed(member("ina", Role.INSTRUCTOR, source), INA) is not None
        assert fixed(member("root", Role.INSTRUCTOR, source), ROOT) is None
    for caller in (INA, ROOT):
        assert fixed(member("ada", source=CONFIG), caller) is not None


def test_sources() -> None:
    assert level(CONFIG) > level(CSV) == level(API) > level(HUB) == level(HOMES)
    assert same_level(API) == {API, CSV}
    assert above(HOMES) == {API, CSV, CONFIG}
    assert above(CONFIG) == frozenset()
    with pytest.raises(KeyError):
        level("rumour")
