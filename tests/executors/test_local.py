"""Captures in worker processes on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import ClassVar

import pytest

from executors.contract import Captures, ExecutorContract, GiB, until
from jupyterhub_snapshots.errors import WorkerLost
from jupyterhub_snapshots.executors import Executor, LocalExecutor, local
from processes import children_of, command_line, is_running, names_in


def workers() -> list[int]:
    """The worker processes of these tests."""
    return [each for each in children_of(os.getpid()) if "engine.worker" in command_line(each)]


class TestLocalExecutor(ExecutorContract):
    """The contract, and what holds for processes."""

    secrets: ClassVar = {
        "JUPYTER_API_KEY": "key-of-the-site",
        "JUPYTERHUB_API_TOKEN": "token-of-the-service",
        "PGPASSWORD": "password",
        "RSYNC_RSH": "sh -c id",
    }

    @pytest.fixture
    def make_executor(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Executor]:
        for name, value in self.secrets.items():
            monkeypatch.setenv(name, value)
        return lambda places: LocalExecutor(max_concurrent_captures=places)

    @pytest.mark.threat("A8", "R6")
    async def test_workers_and_rsync_are_given_no_secrets(self, captures: Captures) -> None:
        captures.home("alice").sparse("endless", 9 * GiB)
        task = captures.submit("alice")
        for process in (*workers(), *await captures.copying()):
            environment = names_in(process)
            assert not set(environment) & set(self.secrets)
            for secret in self.secrets.values():
                assert secret not in str(environment) + command_line(process)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    @pytest.mark.threat("K2", "R4", "D8")
    async def test_a_killed_worker_is_lost_and_replaced(self, captures: Captures) -> None:
        endless = captures.home("alice").sparse("endless", 9 * GiB)
        captures.home("bob")
        task = captures.submit("alice")
        await captures.copying()
        (worker,) = workers()
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(WorkerLost):
            await task
        captures.assert_nothing_left()
        endless.unlink()
        assert (await captures.submit("alice")).state == "complete"
        assert workers() != [worker]

    @pytest.mark.threat("K2")
    async def test_a_worker_killed_while_idle_costs_no_capture(self, captures: Captures) -> None:
        captures.home("alice")
        await captures.submit("alice", snapshot="ps1_2026-03-01")
        (worker,) = workers()
        os.kill(worker, signal.SIGKILL)
        await until(lambda: not is_running(worker), "it is gone")
        await asyncio.sleep(0.05)
        await captures.submit("alice", snapshot="ps2_2026-03-01")

    async def test_a_worker_takes_many_captures(self, captures: Captures) -> None:
        for number in range(6):
            captures.home(f"s{number}")
        for number in range(6):
            await captures.submit(f"s{number}")
        assert len(workers()) == 1

    async def test_a_worker_without_work_is_ended(
        self, captures: Captures, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local, "_IDLE_SECONDS", 0.3)
        captures.home("alice")
        await captures.submit("alice")
        (worker,) = workers()
        with captures.held("alice"):
            busy = captures.submit("alice", snapshot="ps2_2026-03-01")
            await asyncio.sleep(0.6)
            assert workers() == [worker]
        await busy
        await until(lambda: not is_running(worker), "it is ended")
        await captures.submit("alice", snapshot="ps3_2026-03-01")
        assert len(workers()) == 1
        captures.assert_nothing_left(*(f"ps{number}_2026-03-01" for number in (1, 2, 3)))

    async def test_workers_stand_back(self, captures: Captures) -> None:
        captures.home("alice")
        await captures.submit("alice")
        (worker,) = workers()
        assert os.getpriority(os.PRIO_PROCESS, worker) == 5
        assert os.getsid(worker) == worker

    @pytest.mark.threat("R4", "K4")
    async def test_one_that_ignores_the_kind_way_is_killed(self, captures: Captures) -> None:
        captures.executor.stop_grace_seconds = 0.2
        captures.home("alice").sparse("endless", 9 * GiB)
        task = captures.submit("alice")
        await captures.copying()
        (worker,) = workers()
        os.kill(worker, signal.SIGSTOP)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not is_running(worker)
        captures.assert_nothing_left()

    async def test_stop_ends_idle_workers(self, captures: Captures) -> None:
        captures.home("alice")
        await captures.submit("alice")
        (worker,) = workers()
        await captures.executor.stop()
        assert not is_running(worker)
