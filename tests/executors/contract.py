"""What every executor promises, as tests: a class of them inherits from `ExecutorContract`.

A capture that must not end is one whose home somebody else holds the lock of.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from homes import Home, Store
from jupyterhub_snapshots.engine import CaptureJob, CaptureResult
from jupyterhub_snapshots.engine.staging import home_lock
from jupyterhub_snapshots.errors import (
    CaptureCancelled,
    HomeNotFound,
    HomeTooLarge,
    InvalidName,
    SnapshotExists,
    StorageUnavailable,
)
from jupyterhub_snapshots.executors import Executor
from processes import copies_below

GiB = 1024**3


async def until(true: Callable[[], Any], what: str, seconds: float = 15) -> None:
    """Waits until the function returns something true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        await asyncio.sleep(0.01)


class Captures:
    """Homes to be captured, a store, and the executor that captures."""

    def __init__(self, place: Path, executor: Executor) -> None:
        self.place = place
        self.store = Store(place / "store")
        self.executor = executor
        self.began: list[str] = []

    def home(self, student: str) -> Home:
        home = Home(self.place / "homes" / student)
        home.file("work.txt", student.encode())
        return home

    def job(self, student: str, **fields: Any) -> CaptureJob:
        return self.store.job(str(self.place / "homes" / student), student=student, **fields)

    def submit(
        self, student: str, queue: str = "phys", **fields: Any
    ) -> asyncio.Task[CaptureResult]:
        """Starts a capture; notes when it begins."""
        job = self.job(student, **fields)
        return asyncio.create_task(
            self.executor.submit(job, queue, lambda: self.began.append(student))
        )

    @contextlib.contextmanager
    def held(self, student: str) -> Iterator[None]:
        """While the block runs, no capture of this home gets any further."""
        home = str(self.place / "homes" / student)
        with home_lock(str(self.store.root), None, home, time.monotonic() + 5):
            yield

    async def copying(self) -> list[int]:
        """The processes that copy, as soon as there are some."""
        await until(lambda: copies_below(self.place), "rsync runs")
        return copies_below(self.place)

    def assert_nothing_left(self, *snapshots: str) -> None:
        """Alice has these, intact; there is no unfinished work and no process of a copy."""
        names = [name for snapshot in snapshots for name in (snapshot, f".{snapshot}.manifest")]
        if snapshots:
            assert self.store.snapshots() == sorted(names)
        for snapshot in snapshots:
            assert self.store.damage(snapshot) == []
        assert not self.store.staging.exists() or list(self.store.staging.iterdir()) == []
        assert copies_below(self.place) == []


class ExecutorContract:
    """Subclasses have a fixture `make_executor`: number of places → executor, not started."""

    @pytest.fixture
    async def captures(
        self, place: Path, make_executor: Callable[[int], Executor]
    ) -> AsyncIterator[Captures]:
        executor = make_executor(2)
        await executor.start()
        yield Captures(place, executor)
        await executor.stop()

    async def test_result(self, captures: Captures) -> None:
        captures.home("alice").fifo("pipe")
        result = await captures.submit("alice")
        assert (result.student, result.state, result.files) == ("alice", "complete", 1)
        assert [(each.path, each.reason) for each in result.problems] == [("pipe", "special")]
        captures.assert_nothing_left("ps1_2026-03-01")

    async def test_the_same_job_again_is_harmless(self, captures: Captures) -> None:
        captures.home("alice")
        job = captures.job("alice")
        first = await captures.executor.submit(job, "phys")
        assert await captures.executor.submit(job, "phys") == first

    @pytest.mark.threat("S35", "S36", "S38", "R3", "F10", "N7")
    async def test_errors_keep_their_class(self, captures: Captures) -> None:
        home = captures.home("alice")
        (captures.place / "homes" / "linked").symlink_to(home.path)
        await captures.submit("alice")
        missing = captures.place / "not mounted"
        for error, job in [
            (SnapshotExists, captures.job("alice")),
            (HomeNotFound, captures.job("nobody")),
            (HomeNotFound, captures.job("linked")),
            (HomeTooLarge, captures.job("alice", snapshot="ps2_2026-03-01", max_bytes=1)),
            (InvalidName, captures.job("alice", snapshot="../ps1")),
            (StorageUnavailable, captures.job("alice", root=str(missing))),
        ]:
            with pytest.raises(error) as caught:
                await captures.executor.submit(job, "phys")
            assert type(caught.value) is error
            assert caught.value.message
        assert not missing.exists()
        captures.assert_nothing_left()

    @pytest.mark.threat("T7", "C2")
    async def test_never_more_at_once_than_there_are_places(self, captures: Captures) -> None:
        students = [f"s{number}" for number in range(8)]
        for student in students:
            captures.home(student)
        with captures.held("s0"), captures.held("s1"):
            tasks = [captures.submit(student) for student in students]
            await until(lambda: len(captures.began) == 2, "both places are taken")
            await asyncio.sleep(0.2)
            assert captures.began == ["s0", "s1"]
        results = await asyncio.gather(*tasks)
        assert [result.student for result in results] == students
        assert sorted(captures.began) == students
        captures.assert_nothing_left()

    @pytest.mark.threat("T7")
    async def test_a_large_course_holds_up_no_small_one(self, captures: Captures) -> None:
        students = [f"s{number}" for number in range(200)]
        for student in (*students, "zoe", "otto"):
            captures.home(student)
        with captures.held("s0"), captures.held("s1"):
            large = [captures.submit(student, "large") for student in students]
            await until(lambda: len(captures.began) == 2, "both places are taken")
            small = [captures.submit("zoe", "small"), captures.submit("otto", "tiny")]
        await asyncio.gather(*small)
        assert max(captures.began.index("zoe"), captures.began.index("otto")) <= 6
        for task in large:
            task.cancel()
        await asyncio.gather(*large, return_exceptions=True)
        captures.assert_nothing_left()

    @pytest.mark.threat("C1")
    async def test_one_home_takes_one_place(self, captures: Captures) -> None:
        """Captures of one home take turns, and those of others need not wait for them."""
        captures.home("alice")
        captures.home("bob")
        with captures.held("alice"):
            same = [captures.submit("alice", snapshot=f"ps{n}_2026-03-01") for n in range(5)]
            await until(lambda: captures.began == ["alice"], "the first of them runs")
            await captures.submit("bob")
            assert captures.began == ["alice", "bob"]
        await asyncio.gather(*same)
        names = [f"ps{n}_2026-03-01" for n in range(5)]
        captures.assert_nothing_left(*names)

    @pytest.mark.threat("D8")
    async def test_cancelled_while_queued(self, captures: Captures) -> None:
        for student in ("s0", "s1", "s2", "s3"):
            captures.home(student)
        with captures.held("s0"), captures.held("s1"):
            running = [captures.submit("s0"), captures.submit("s1")]
            await until(lambda: len(captures.began) == 2, "both places are taken")
            queued, after = captures.submit("s2"), captures.submit("s3")
            never_began = captures.submit("s2", snapshot="ps2_2026-03-01")
            never_began.cancel()
            await asyncio.sleep(0)
            queued.cancel()
            with pytest.raises(asyncio.CancelledError):
                await queued
        await asyncio.gather(*running, after)
        assert captures.began == ["s0", "s1", "s3"]
        assert captures.store.snapshots("s2") == []
        assert (await captures.submit("s2")).state == "complete"

    @pytest.mark.threat("D8", "R4", "K2")
    async def test_cancelled_while_running(self, captures: Captures) -> None:
        home = captures.home("alice")
        endless = home.sparse("endless", 9 * GiB)
        for impatient in (False, True):
            task = captures.submit("alice")
            await captures.copying()
            task.cancel()
            if impatient:
                await asyncio.sleep(0.01)
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            captures.assert_nothing_left()
            assert captures.store.snapshots() == []
        endless.unlink()
        assert (await captures.submit("alice")).state == "complete"
        captures.assert_nothing_left("ps1_2026-03-01")

    @pytest.mark.threat("D8")
    async def test_cancelling_at_random_loses_no_place(self, captures: Captures) -> None:
        students = [f"s{number}" for number in range(20)]
        for student in students:
            captures.home(student)
        for step in range(6):
            tasks = [captures.submit(s, s[-1], snapshot=f"ps{step}_2026-03-01") for s in students]
            for number, task in enumerate(tasks):
                if number % 3 == step % 3:
                    task.cancel()
                if number % 4 == 0:
                    await asyncio.sleep(0.003 * step)
            await asyncio.gather(*tasks, return_exceptions=True)
            captures.assert_nothing_left()
        captures.began.clear()
        with captures.held("s0"), captures.held("s1"):
            both = [captures.submit(s, snapshot="last_2026-03-01") for s in ("s0", "s1")]
            await until(lambda: len(captures.began) == 2, "both places are free again")
        await asyncio.gather(*both)

    async def test_stop_ends_all(self, captures: Captures) -> None:
        home = captures.home("s0")
        home.sparse("endless", 9 * GiB)
        for student in ("s1", "s2", "s3"):
            captures.home(student)
        with captures.held("s1"):
            tasks = [captures.submit(student) for student in ("s0", "s1", "s2", "s3")]
            await captures.copying()
            await captures.executor.stop()
            await captures.executor.stop()
        assert all(task.done() for task in tasks)
        assert captures.store.snapshots("s0") == captures.store.snapshots("s3") == []
        captures.assert_nothing_left()
        with pytest.raises(CaptureCancelled):
            await captures.submit("s2")
