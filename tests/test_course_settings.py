"""The days of a course in the configuration."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from jupyterhub_snapshots.course_settings import course_settings
from jupyterhub_snapshots.errors import InvalidRequest


def test_days_are_whole_and_in_the_courses_zone() -> None:
    settings = course_settings(
        {"code": "phys", "time_zone": "Asia/Kolkata", "start": "2026-10-12", "end": "2026-12-18"}
    )
    assert settings["start"] == datetime(2026, 10, 11, 18, 30, tzinfo=timezone.utc)
    assert settings["end"] == datetime(2026, 12, 18, 18, 29, 59, tzinfo=timezone.utc)
    assert course_settings({"code": "phys"})["start"] is None


@pytest.mark.parametrize("value", ["soon", "2026-02-30", "", 2026])
def test_days_that_are_none(value: object) -> None:
    with pytest.raises(InvalidRequest, match=r"Course phys: .*end"):
        course_settings({"code": "phys", "end": value})
