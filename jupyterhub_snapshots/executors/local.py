"""Captures on this machine, in worker processes of their own.

A worker is a small Python process that runs one capture at a time. It shares nothing with the
event loop, so that a class that is captured leaves the service free to answer, and it can be
ended at any time.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import sys
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from traitlets import Float, Integer, default

from .. import errors
from ..core.manifest import Problem
from ..engine import CaptureJob, CaptureResult
from ..engine.staging import clean
from .base import Executor

_LINE_LIMIT = 16 * 1024 * 1024
#: How long a worker is kept that has nothing to do.
_IDLE_SECONDS = 60.0


class LocalExecutor(Executor):
    """Runs captures on this machine, a bounded number at once."""

    max_concurrent_captures = Integer(
        min=1,
        help="""How many homes are captured at the same time on this machine.

        Each capture is one worker process with one rsync. Four for each core is close to the
        best on a local disk; use less when the storage is slow.
        """,
    ).tag(config=True)

    niceness = Integer(
        5,
        min=0,
        max=19,
        help="""How far captures stand back behind everything else on the machine (nice).""",
    ).tag(config=True)

    stop_grace_seconds = Float(
        10.0,
        min=0,
        help="""How long a capture that is stopped may take to clean up, in seconds.""",
    ).tag(config=True)

    @default("max_concurrent_captures")
    def _default_max_concurrent_captures(self) -> int:
        return 4 * (os.cpu_count() or 1)

    async def start(self) -> None:
        """Nothing runs until there is something to do."""
        self._queues: dict[str, collections.deque[asyncio.Future[None]]] = {}
        self._turns: collections.deque[str] = collections.deque()
        self._running = 0
        self._homes: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._idle: list[_Worker] = []
        self._retiring: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopped = False

    async def submit(
        self, job: CaptureJob, queue: str, started: Callable[[], None] = lambda: None
    ) -> CaptureResult:
        """See `Executor.submit`."""
        task = asyncio.current_task()
        if self._stopped or task is None:
            raise errors.CaptureCancelled("The service is stopping.")
        self._tasks.add(task)
        try:
            lock = self._homes.setdefault(job.home, asyncio.Lock())
            async with lock:
                await self._turn(queue)
                try:
                    return await self._capture(job, started)
                finally:
                    self._running -= 1
                    self._next()
        finally:
            self._tasks.discard(task)

    async def _turn(self, queue: str) -> None:
        """Waits for a free place; the queues take turns."""
        waiting = self._queues.setdefault(queue, collections.deque())
        if not waiting and queue not in self._turns:
            self._turns.append(queue)
        place = asyncio.get_running_loop().create_future()
        waiting.append(place)
        self._next()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._running -= 1
                self._next()
            raise

    def _next(self) -> None:
        while self._running < self.max_concurrent_captures and self._turns:
            queue = self._turns.popleft()
            waiting = self._queues[queue]
            while waiting and waiting[0].done():
                waiting.popleft()
            if not waiting:
                del self._queues[queue]
                continue
            self._running += 1
            waiting.popleft().set_result(None)
            self._turns.append(queue)

    async def _capture(self, job: CaptureJob, started: Callable[[], None]) -> CaptureResult:
        worker = await self._worker()
        started()
        try:
            answer = await worker.ask(asdict(job))
        except asyncio.CancelledError:
            await _uncancelled(self._end(worker, job))
            raise
        except (EOFError, ConnectionError, ValueError) as error:
            await _uncancelled(self._end(worker, job))
            raise errors.WorkerLost(
                "The process that took the snapshot ended unexpectedly. Nothing half-made is "
                "left; try again."
            ) from error
        self._rest(worker)
        if "error" in answer:
            raise _error(answer["error"])
        result = answer["result"]
        problems = tuple(Problem(**problem) for problem in result.pop("problems"))
        return CaptureResult(problems=problems, **result)

    async def _worker(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            worker.retire.cancel()
            if worker.is_alive:
                return worker
        return await _Worker.start(self.niceness)

    def _rest(self, worker: _Worker) -> None:
        """Keeps the worker for the next capture, if there is one soon."""
        self._idle.append(worker)
        loop = asyncio.get_running_loop()
        worker.retire = loop.call_later(_IDLE_SECONDS, self._retire, worker)

    def _retire(self, worker: _Worker) -> None:
        self._idle.remove(worker)
        task = asyncio.create_task(worker.stop(self.stop_grace_seconds))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _end(self, worker: _Worker, job: CaptureJob) -> None:
        await worker.stop(self.stop_grace_seconds)
        with contextlib.suppress(errors.SnapshotsError, OSError):
            await asyncio.to_thread(clean, job.root, job.staging)

    async def stop(self) -> None:
        """See `Executor.stop`."""
        self._stopped = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._idle:
            worker = self._idle[-1]
            worker.retire.cancel()
            self._retire(worker)
        await asyncio.gather(*self._retiring)


class _Worker:
    """A process that runs `jupyterhub_snapshots.engine.worker`.

    Attributes:
        retire: ends it some time after its last capture.
    """

    retire: asyncio.TimerHandle

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, niceness: int) -> _Worker:
        """Starts one; it is given nothing of the service's environment but what Python needs."""
        environment = {
            name: os.environ[name]
            for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TZ")
            if name in os.environ
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "jupyterhub_snapshots.engine.worker",
            str(niceness),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=_LINE_LIMIT,
            start_new_session=True,
        )
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def ask(self, job: dict[str, object]) -> dict[str, dict[str, Any]]:
        """Sends one job and waits for its answer. Raises EOFError when the process ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer: dict[str, dict[str, Any]] = json.loads(line)
        return answer

    async def stop(self, grace_seconds: float) -> None:
        """Ends the process: first kindly, so that it cleans up, then by force."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), grace_seconds)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def _uncancelled(work: Coroutine[Any, Any, None]) -> None:
    """Runs the work to its end, also when the waiting task is cancelled once more."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)


def _error(answer: dict[str, Any]) -> Exception:
    kind: type[errors.SnapshotsError] = getattr(errors, answer["kind"], errors.EngineFailed)
    return kind(answer["message"])
