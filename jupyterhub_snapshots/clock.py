"""The time, and whether it can be believed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import datetime, timedelta

from .store.database import utc_now

#: A clock that is set right by this much is no clock that jumped, in seconds.
_TOLERANCE_SECONDS = 2.0


class Clock:
    """The machine's clock. Tests have one that they set."""

    def now(self) -> datetime:
        """The present instant, aware, as the machine has it."""
        return utc_now()

    def monotonic(self) -> float:
        """Seconds since some moment; never set."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event is set, and no longer than this."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(event.wait(), max(seconds, 0))


class SteadyClock:
    """Tells the time, unless it has just jumped.

    A clock that is set wrong for a moment must not end an exam for everybody, so after a jump
    nothing is believed until no other was seen for a while.

    Parameters:
        settle_seconds: how long that is.
    """

    def __init__(self, clock: Clock, settle_seconds: float, log: logging.Logger) -> None:
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._log = log
        self._last: tuple[datetime, float] | None = None
        self._doubtful_until: float | None = None

    def now(self) -> datetime | None:
        """The present instant; None while it can't be believed."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        if self._last is not None:
            passed = timedelta(seconds=steady - self._last[1])
            jump = (wall - self._last[0] - passed).total_seconds()
            if abs(jump) > _TOLERANCE_SECONDS:
                self._doubtful_until = steady + self._settle_seconds
                self._log.warning(
                    "The clock jumped by %+.0f s. Captures wait %.0f s to see whether it stays so.",
                    jump,
                    self._settle_seconds,
                )
        self._last = wall, steady
        if self._doubtful_until is not None and steady < self._doubtful_until:
            return None
        self._doubtful_until = None
        return wall

    @property
    def doubtful_seconds(self) -> float:
        """How much longer it is not believed."""
        if self._doubtful_until is None:
            return 0.0
        return max(0.0, self._doubtful_until - self._clock.monotonic())
