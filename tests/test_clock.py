"""A clock that jumps is not believed for a while."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest

from jupyterhub_snapshots.clock import Clock, SteadyClock
from term import instant


class SetClock(Clock):
    def __init__(self) -> None:
        self.wall, self.steady = instant(0), 500.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def tick(self, seconds: float, wall: float | None = None) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds if wall is None else wall)


@pytest.mark.threat("T3")
@pytest.mark.parametrize("jump", [-40 * 86_400, -60, 60, 365 * 86_400])
def test_a_jump_has_to_last(jump: float, caplog: pytest.LogCaptureFixture) -> None:
    clock = SetClock()
    steady = SteadyClock(clock, 30, logging.getLogger("test"))
    assert steady.now() == instant(0)
    clock.tick(10, jump + 10)
    assert steady.now() is None
    assert "jumped by" in caplog.text
    assert steady.doubtful_seconds == 30
    clock.tick(29)
    assert steady.now() is None
    clock.tick(1)
    assert steady.now() == instant(jump + 40)


def test_a_jump_that_is_mended_is_waited_out() -> None:
    clock = SetClock()
    steady = SteadyClock(clock, 30, logging.getLogger("test"))
    steady.now()
    clock.tick(1, 3600)
    assert steady.now() is None
    clock.tick(20, 20 - 3599)
    assert steady.now() is None
    clock.tick(29)
    assert steady.now() is None
    clock.tick(1)
    assert steady.now() == instant(51)


def test_a_clock_that_is_set_right_by_a_little_is_believed() -> None:
    clock = SetClock()
    steady = SteadyClock(clock, 30, logging.getLogger("test"))
    for wall in (11, 9, 10.5, 8.5):
        assert steady.now() == clock.wall
        clock.tick(10, wall)
    assert steady.doubtful_seconds == 0
