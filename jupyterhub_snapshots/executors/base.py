"""What every executor promises."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from traitlets.config import LoggingConfigurable

from ..engine import CaptureJob, CaptureResult


class Executor(LoggingConfigurable):
    """Runs captures somewhere.

    Running a job twice is harmless: the second run returns what the first one made.
    """

    @abstractmethod
    async def start(self) -> None:
        """Makes the executor ready; called once, before anything else."""

    @abstractmethod
    async def submit(
        self, job: CaptureJob, queue: str, started: Callable[[], None] = lambda: None
    ) -> CaptureResult:
        """Runs the job and returns its result.

        Parameters:
            queue: jobs of different queues take turns, so that a large course does not hold up
                a small one.
            started: called when the capture begins.

        Raises what `jupyterhub_snapshots.engine.capture` raises, CaptureCancelled, WorkerLost.
        Cancelling the awaiting task stops the capture and leaves nothing half-made.
        """

    @abstractmethod
    async def stop(self) -> None:
        """Ends running captures, cleaned up, and drops queued ones; harmless when done twice."""
