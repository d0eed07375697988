"""A batch while it is being run: where each capture stands, and who is following."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace

from .core.records import Batch


class Watch:
    """Which items changed since it was last looked at."""

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.event = asyncio.Event()


class LiveBatch:
    """A batch that is being run."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self.items = {item.student: item for item in batch.items}
        self.tasks: set[asyncio.Task[None]] = set()
        self.ended = asyncio.Event()
        self.stopping = False
        self._watches: set[Watch] = set()

    @property
    def batch(self) -> Batch:
        """The batch as it stands now."""
        return replace(self._batch, items=tuple(self.items.values()))

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        """Something that learns which items change while the block runs."""
        watch = Watch()
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    def wake(self, student: str | None) -> None:
        """Tells the watches that this item changed, or that the batch ended."""
        for watch in self._watches:
            if student is not None:
                watch.changed.add(student)
            watch.event.set()
