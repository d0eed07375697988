"""A batch while it is being run: where each capture stands, and who is following."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from typing import NamedTuple

from .core.records import Batch, BatchItem
from .engine.claims import Claim
from .store.batches import AtDeadline

#: How often it is looked how a batch of another process stands.
_POLL_SECONDS = 1.0


class Checked(NamedTuple):
    """What is found out once, before the captures of a batch begin.

    Attributes:
        left: who is no student of the course any more.
        earlier: student to the snapshot of the deadline, from which a late capture must differ to
            be worth keeping.
    """

    left: Set[str] = frozenset()
    earlier: Mapping[str, AtDeadline] = {}


class _Watch:
    """Which items changed since it was last looked at."""

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.event = asyncio.Event()


class LiveBatch:
    """A batch that is being run.

    Attributes:
        claim: that it is run here and nowhere else.
        again: whether it was begun before, and its students may have left since.
        checked: ends when it is known that its captures have a place to go to, with what else
            was found out before them.
    """

    def __init__(self, batch: Batch, claim: Claim, *, again: bool) -> None:
        self._batch = batch
        self.claim = claim
        self.again = again
        self.items = {item.student: item for item in batch.items}
        self.tasks: set[asyncio.Task[BatchItem]] = set()
        self.checked: asyncio.Task[Checked] | None = None
        self.ended = asyncio.Event()
        self._watches: set[_Watch] = set()

    @property
    def begun(self) -> Batch:
        """The batch as it was when it was begun."""
        return self._batch

    @property
    def batch(self) -> Batch:
        """The batch as it stands now; takes as long as it has items."""
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


async def follow(
    look: Callable[[], Awaitable[Batch]], is_run: Callable[[Batch], bool]
) -> AsyncIterator[list[BatchItem]]:
    """The same events of a batch that is not run here.

    Parameters:
        look: how it stands.
        is_run: whether another process is at it; for threads.
    """
    batch = await look()
    yield list(batch.items)
    running = True
    while running and batch.state == "running":
        # In this order: what is noted just before the end must not be missed.
        running = await asyncio.to_thread(is_run, batch)
        if running:
            await asyncio.sleep(_POLL_SECONDS)
        known, batch = set(batch.items), await look()
        if changed := [item for item in batch.items if item not in known]:
            yield changed


def queued(batch: Batch, items: Iterable[BatchItem]) -> Batch:
    """The batch with these of its items waiting for their turn."""
    again = {item.student for item in items}
    return replace(
        batch,
        items=tuple(requeued(item) if item.student in again else item for item in batch.items),
    )


def requeued(item: BatchItem) -> BatchItem:
    """As it was before it was tried, but for the number of attempts."""
    return BatchItem(student=item.student, attempts=item.attempts)
