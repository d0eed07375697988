"""Readiness: one look at a time, in a thread, and never an error."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest

from jupyterhub_snapshots.engine import rsync
from jupyterhub_snapshots.errors import RsyncMissing
from jupyterhub_snapshots.handlers import health
from jupyterhub_snapshots.handlers.health import Probe
from service import RunningService


class Look:
    """Counts how often it is asked; takes a moment."""

    def __init__(self) -> None:
        self.asked = 0
        self.trouble: Exception | None = None

    def __call__(self) -> str:
        assert threading.current_thread() is not threading.main_thread()
        self.asked += 1
        time.sleep(0.05)
        if self.trouble is not None:
            raise self.trouble
        return "ok"


@pytest.mark.threat("O2")
async def test_one_look_for_all_who_ask_meanwhile() -> None:
    look = Look()
    probe = Probe(look)
    assert await asyncio.gather(*(probe.state() for _ in range(20))) == ["ok"] * 20
    assert look.asked == 1
    given_up = asyncio.create_task(probe.state())
    await asyncio.sleep(0.01)
    given_up.cancel()  # one who goes away takes it from nobody else
    assert await probe.state() == "ok"
    assert look.asked == 2


@pytest.mark.threat("O2")
async def test_what_was_seen_is_said_again_for_a_while() -> None:
    for trouble, state in ((None, "ok"), (OSError(5, "I/O"), "unavailable")):
        look = Look()
        look.trouble = trouble
        probe = Probe(look, 0.2)
        assert [await probe.state() for _ in range(3)] == [state] * 3
        assert look.asked == 1
        await asyncio.sleep(0.25)
        assert await probe.state() == state
        assert look.asked == 2


@pytest.mark.threat("O2", "F5")
async def test_trouble_with_the_disk_is_no_error_of_ours(
    single: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> os.statvfs_result:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(health.os, "fstatvfs", fail)
    answer = await single.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["storage"] == "unavailable"


@pytest.mark.threat("R1", "O2")
async def test_rsync_may_go_away_later(
    single: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    rsync.find_rsync()
    assert (await single.get("/ready")).json()["checks"]["rsync"] == "ok"

    def gone() -> rsync.Rsync:
        raise RsyncMissing("gone")

    monkeypatch.setattr(rsync.find_rsync, "__wrapped__", gone)
    assert (await single.get("/ready")).json()["checks"]["rsync"] == "ok"
    single.application.settings["probes"]["rsync"]._until = 0
    answer = await single.get("/ready")
    assert (answer.status_code, answer.json()["checks"]["rsync"]) == (503, "missing")
