"""A batch while it is being run: where each capture stands, and who is following."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

from .core.records import Batch, BatchItem


class _Watch:
    """Which items changed since it was last looked at."""

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.event = asyncio.Event()


class LiveBatch:
    """A batch that is being run.

    Attributes:
        checked: ends when it is known that its captures have a place to go to.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self.items = {item.student: item for item in batch.items}
        self.tasks: set[asyncio.Task[BatchItem]] = set()
        self.checked: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        self._watches: set[_Watch] = set()

    @property
    def batch(self) -> Batch:
        """The batch as it stands now."""
        return replace(self._batch, items=tuple(self.items.values()))

    def set(self, item: BatchItem) -> None:
        """Notes where the capture of one student stands, and tells those who follow."""
        self.items[item.student] = item
        for watch in self._watches:
            watch.changed.add(item.student)
            watch.event.set()

    def end(self) -> None:
        """Nothing more will happen."""
        self.ended.set()
        for watch in self._watches:
            watch.event.set()

    async def cancel(self) -> None:
        """Stops the captures that are not done, and waits until all have ended."""
        for task in self.tasks:
            task.cancel()
        await self.ended.wait()

    async def events(self) -> AsyncIterator[list[BatchItem]]:
        """First every item, then those that changed, until all have ended."""
        with self._watch() as watch:
            yield list(self.items.values())
            while not self.ended.is_set() or watch.changed:
                await watch.event.wait()
                watch.event.clear()
                changed, watch.changed = watch.changed, set()
                if changed:
                    yield [self.items[student] for student in sorted(changed)]

    @contextlib.contextmanager
    def _watch(self) -> Iterator[_Watch]:
        watch = _Watch()
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)
