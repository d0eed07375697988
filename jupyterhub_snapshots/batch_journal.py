"""Where captures stand, written to the database: a moment later, and many at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy.orm import Session

from .core.records import Batch, BatchItem, Course, Snapshot
from .snapshots import SnapshotCatalog
from .store import Store, batches, catalog

_SAVE_SECONDS = 0.1
_RETRY_SECONDS = 2.0


class Taken(NamedTuple):
    """A snapshot that a batch took."""

    course: Course
    batch: Batch
    student: str


class BatchJournal:
    """Keeps what can't be written yet and tries again, for as long as it takes.

    Parameters:
        saved: called after each write.
    """

    def __init__(
        self,
        store: Store,
        snapshots: SnapshotCatalog,
        log: logging.Logger,
        saved: Callable[[], None],
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._log = log
        self._saved = saved
        self._items: dict[tuple[int, str], BatchItem] = {}
        self._taken: list[Taken] = []
        self._closing = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    def note(self, batch_id: int, item: BatchItem, taken: Taken | None = None) -> None:
        """Remembers where one capture stands, and the snapshot it made, for the next write."""
        self._items[batch_id, item.student] = item
        if taken is not None:
            self._taken.append(taken)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon())

    def holds(self, batch_id: int) -> bool:
        """Whether something of the batch is not in the database yet."""
        return any(noted == batch_id for noted, _ in self._items)

    async def _write_soon(self) -> None:
        pause = _SAVE_SECONDS
        while self._items and not self._closing.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)
            pause = _SAVE_SECONDS if await self._write() else _RETRY_SECONDS

    async def _write(self) -> bool:
        items, taken = dict(self._items), list(self._taken)

        def save(db: Session) -> None:
            batches.save_items(db, ((batch_id, item) for (batch_id, _), item in items.items()))
            catalog.put(db, described)

        try:
            described = await asyncio.to_thread(self._describe, taken)
            await self._store.write(save)
        except Exception as error:
            self._log.warning("The state of batches could not be saved yet: %s", error)
            return False
        self._items = {key: item for key, item in self._items.items() if items.get(key) is not item}
        del self._taken[: len(taken)]
        self._saved()
        return True

    def _describe(self, taken: list[Taken]) -> list[tuple[int, Snapshot]]:
        return [
            (inode, replace(snapshot, batch_id=batch.id))
            for course, batch, student in taken
            for inode, snapshot in self._snapshots.describe(course, student, batch.name)
        ]

    async def close(self) -> None:
        """Writes what is left; what can't be written is found on the disk at the next start."""
        self._closing.set()
        if self._writer is not None:
            await self._writer
        if self._items and not await self._write():
            self._log.error(
                "The state of %d captures is not saved; the next start looks again at what they "
                "made",
                len(self._items),
            )
