"""Dates of requests."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_snapshots.core.times import read_date
from jupyterhub_snapshots.errors import InvalidDate

BERLIN, CHICAGO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Chicago")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.threat("T1", "T10")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-06-30T21:40:00Z", "2021-06-30T21:40:00"),
        ("2021-06-30t21:40:00z", "2021-06-30T21:40:00"),
        ("2021-06-30T21:40:00+02:00", "2021-06-30T19:40:00"),
        ("2021-06-30T21:40:00-0530", "2021-07-01T03:10:00"),
        ("2021-06-30 21:40:00Z", "2021-06-30T21:40:00"),
        ("2021-02-16T09:41:39.445672522Z", "2021-02-16T09:41:39.445672"),
        ("2021-06-30T21:40Z", "2021-06-30T21:40:00"),
        ("2022-01-01 10:10", "2022-01-01T16:10:00"),
        ("2022-01-01T10:10", "2022-01-01T16:10:00"),
        ("2022-01-01 10:10:30", "2022-01-01T16:10:30"),
        ("2022-01-01", "2022-01-02T05:59:59"),
        (" 2022-07-01\n", "2022-07-02T04:59:59"),
        ("2024-02-29", "2024-03-01T05:59:59"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("2038-01-19T03:14:08Z", "2038-01-19T03:14:08"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59"),
    ],
)
def test_what_is_read(text: str, expected: str) -> None:
    reading = read_date(text, CHICAGO, "duedate")
    assert reading.at == utc(expected)
    assert reading.at.tzinfo is timezone.utc
    assert reading.note is None


def test_a_day_begins_at_midnight() -> None:
    assert read_date("2022-01-01", BERLIN, "visibleFrom", begins=True).at == utc("2021-12-31 23:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2022-13-01",
        "2022-02-30",
        "2023-02-29",
        "2022-01-01 24:00",
        "2022-01-01 10:60",
        "2022-01-01 1:10",
        "2022-01-01T10:10:10+25:00",
        "2022-1-1",
        "20220101",
        "0001-01-01",
        "0000-01-01",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31",
        "2022-01-01 10:10 CET",
        "1641031800",
        "\uff12\uff10\uff12\uff12-01-01",
    ],
)
@pytest.mark.threat("T1")
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InvalidDate, match=r"duedate.*2026-06-30") as caught:
        read_date(text, CHICAGO, "duedate")
    assert caught.value.details == {"field": "duedate"}


@pytest.mark.threat("T2")
@pytest.mark.parametrize(
    ("zone", "text", "expected", "note"),
    [
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00", "does not happen"),
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T01:30:00", "happens twice"),
        ("Europe/Berlin", "2026-10-25 01:59:59", "2026-10-24T23:59:59", None),
        ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00", None),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:30:00", "does not happen"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01T06:30:00", "happens twice"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:45:00", "does not happen"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T15:15:00", "happens twice"),
        ("America/St_Johns", "2026-03-08 02:30", "2026-03-08T06:00:00", "does not happen"),
        ("Africa/Cairo", "2026-04-24", "2026-04-24T20:59:59", None),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00", "does not happen"),
    ],
)
def test_changes_of_the_clocks(zone: str, text: str, expected: str, note: str | None) -> None:
    reading = read_date(text, ZoneInfo(zone), "until")
    assert reading.at == utc(expected)
    assert (note is None) == (reading.note is None)
    if note is not None:
        assert reading.note is not None
        assert note in reading.note
        assert zone in reading.note


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]


@settings(deadline=None)
@given(
    # 1980 to 2090
    st.integers(315_532_800, 3_786_912_000).map(
        lambda at: datetime.fromtimestamp(at, timezone.utc)
    ),
    st.sampled_from(ZONES),
)
def test_what_is_shown_in_the_zone_is_read_back(instant: datetime, zone: str) -> None:
    """An instant that is written in the course's zone means itself, or the same wall time later."""
    there = ZoneInfo(zone)
    shown = instant.astimezone(there)
    reading = read_date(shown.strftime("%Y-%m-%d %H:%M:%S"), there, "due")
    assert reading.at >= instant
    assert (reading.at == instant) or reading.note is not None
    assert reading.at.astimezone(there).replace(tzinfo=None, fold=0) == shown.replace(
        tzinfo=None, fold=0
    )
