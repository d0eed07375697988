"""A course at a glance: counts, what is newest, and failures that still matter."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from jupyterhub_snapshots.core.overview import (
    NameOverview,
    StudentOverview,
    by_name,
    by_student,
    taken_at,
)
from jupyterhub_snapshots.core.records import Failure, Member, Role, Snapshot

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def member(username: str, role: Role = Role.STUDENT, active: bool = True) -> Member:
    return Member(1, 1, 1, username, role, active)


def taken(student: str, name: str, ended_at: datetime | None = NOON, **fields: object) -> Snapshot:
    began = ended_at - HOUR if ended_at is not None else None
    made = {"state": "complete", "began_at": began, "ended_at": ended_at, **fields}
    return Snapshot(1, student, name, **made)  # type: ignore[arg-type]


def failed(at: datetime) -> Failure:
    return Failure(at, "rsync_failed", "rsync failed.", 7)


def test_one_row_for_each_student_and_for_whom_there_are_snapshots() -> None:
    members = [
        member("ada"),
        member("bo"),
        member("ina", Role.INSTRUCTOR),
        member("left", active=False),
        member("gone", active=False),
    ]
    first, second = taken("ada", "ps1_2026-03-01"), taken("ada", "ps2_2026-03-01", NOON + HOUR)
    other = taken("formerly", "ps1_2026-03-01")
    of_left = taken("left", "ps1_2026-03-01")
    assert by_student(members, [second, first, other, of_left], {}) == [
        StudentOverview("ada", members[0], 2, second, None),
        StudentOverview("bo", members[1], 0, None, None),
        StudentOverview("formerly", None, 1, other, None),
        StudentOverview("left", members[3], 1, of_left, None),
    ]
    rows = by_student(members, [other, of_left, taken("ina", "ps1_2026-03-01")], {})
    assert [(row.username, row.active, row.role) for row in rows] == [
        ("ada", True, Role.STUDENT),
        ("bo", True, Role.STUDENT),
        ("formerly", False, None),
        ("ina", False, Role.INSTRUCTOR),
        ("left", False, None),
    ]
    assert by_student([], [], {}) == []


def test_a_failure_matters_until_a_snapshot_is_taken() -> None:
    ada = member("ada")
    for found, failure, told in (
        ([], failed(NOON), True),
        ([taken("ada", "a")], failed(NOON + HOUR), True),
        ([taken("ada", "a")], failed(NOON - HOUR), False),
        ([taken("ada", "a"), taken("ada", "b", NOON + 2 * HOUR)], failed(NOON + HOUR), False),
        ([taken("ada", "a_2026-02-28", None, state="unknown")], failed(NOON), True),
    ):
        [row] = by_student([ada], found, {"ada": failure, "nobody": failure})
        assert (row.last_failure == failure) == told


def test_of_a_day_without_a_time_a_failure_does_not_matter() -> None:
    """2026-03-01 is from 05:00 UTC to 05:00 UTC in New York."""
    ada, new_york = member("ada"), ZoneInfo("America/New_York")
    adopted = taken("ada", "ps1_2026-03-01", state="imported")
    for hours, told_in_utc, told_there in (
        (-3, False, False),
        (11, False, False),
        (12, True, False),
        (16, True, False),
        (17, True, True),
    ):
        failure = failed(NOON + hours * HOUR)
        for zone, told in ((timezone.utc, told_in_utc), (new_york, told_there)):
            [row] = by_student([ada], [adopted], {"ada": failure}, zone)
            assert (row.last_failure == failure) == told


def test_what_was_not_captured_here_has_the_day_of_its_name() -> None:
    assert taken_at(taken("ada", "ps1_2020-01-01")) == NOON
    for state in ("unknown", "imported"):
        day = taken_at(taken("ada", "ps1_2020-01-01", state=state))
        assert day == datetime(2020, 1, 1, tzinfo=timezone.utc)
        assert taken_at(taken("ada", "ps1", state=state)) == NOON
    never = taken_at(taken("ada", "ps1_2020-13-01", None, state="unknown"))
    assert never < datetime(2000, 1, 1, tzinfo=timezone.utc)


def test_names_are_counted_over_the_class() -> None:
    found = [
        taken("ada", "ps1", files=1, bytes=10, copied_bytes=5, batch_id=3, pinned=True),
        taken("bo", "ps1", NOON + HOUR, state="incomplete", files=2, bytes=20, copied_bytes=6),
        taken("cy", "ps1", NOON - 9 * HOUR, state="imported", files=3, bytes=30, batch_id=4),
        taken("dot", "ps1", None, state="unknown"),
        taken("ada", "old_2020-01-01", None, state="unknown"),
        taken("ada", "new", NOON + 5 * HOUR),
    ]
    assert by_name(found) == [
        NameOverview(
            *("new", 1, 1, 0, 0, NOON + 4 * HOUR, NOON + 5 * HOUR),
            *(None, None, None, 0, None),
        ),
        NameOverview("ps1", 4, 1, 1, 2, NOON - HOUR, NOON + HOUR, 6, 60, 11, 1, 4),
        NameOverview("old_2020-01-01", 1, 0, 0, 1, None, None, None, None, None, 0, None),
    ]
    assert by_name([]) == []
