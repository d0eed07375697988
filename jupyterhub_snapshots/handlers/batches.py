"""Batches: where they stand, as JSON or as server-sent events; retry and cancel."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import ClassVar

from tornado.iostream import StreamClosedError

from .. import errors
from ..core.access import Action
from ..core.captures import Kind
from ..core.records import Batch, BatchItem
from .api import ApiHandler
from .base import Operation
from .batch_models import (
    BatchesQuery,
    BatchModel,
    BatchSummaryModel,
    batch_model,
    batch_summary_model,
    item_model,
)

#: Time without news after which a line is sent, so that nobody on the way hangs up.
HEARTBEAT_SECONDS = 15


class BatchBaseHandler(ApiHandler):
    """A route below one batch."""

    async def batch(self, text: str) -> Batch:
        """The batch of the path. Raises BatchNotFound."""
        self.target = f"batch {text[:20]}"
        if not (text.isascii() and text.isdigit() and len(text) < 18):
            raise errors.BatchNotFound("There is no such batch in this course.")
        return await self.services.batches.get(int(text), self.here.id)


class BatchListHandler(ApiHandler):
    """GET …/courses/{course}/batches"""

    operations: ClassVar = {
        "GET": Operation(
            Action.FOLLOW_BATCH,
            "The newest batches, newest first, without their items",
            list[BatchSummaryModel],
            query=BatchesQuery,
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        query = self.query(BatchesQuery)
        kind = Kind(query.kind) if query.kind is not None else None
        found = await self.services.batches.recent(self.here.id, kind)
        await self.reply_list(found, query, batch_summary_model)


class BatchHandler(BatchBaseHandler):
    """GET, DELETE …/batches/{batch}"""

    operations: ClassVar = {
        "GET": Operation(Action.FOLLOW_BATCH, "Where a batch stands", BatchModel),
        "DELETE": Operation(Action.CAPTURE, "Cancel what is not done yet", BatchModel),
    }

    async def get(self, ident: str, course: str, batch: str) -> None:
        """See the class."""
        self.reply(batch_model(await self.batch(batch)))

    async def delete(self, ident: str, course: str, batch: str) -> None:
        """See the class."""
        found = await self.batch(batch)
        self.reply(batch_model(await self.services.batches.cancel(found)))


class BatchRetryHandler(BatchBaseHandler):
    """POST …/batches/{batch}/retry"""

    operations: ClassVar = {
        "POST": Operation(
            Action.CAPTURE, "Run again what failed or was cancelled", BatchModel, status=202
        )
    }

    async def post(self, ident: str, course: str, batch: str) -> None:
        """See the class."""
        again = await self.services.batches.retry(await self.batch(batch))
        location = self.request.path.removesuffix("/retry")
        self.reply(batch_model(again), status=202, location=location)


class BatchEventsHandler(BatchBaseHandler):
    """GET …/batches/{batch}/events"""

    operations: ClassVar = {
        "GET": Operation(
            Action.FOLLOW_BATCH,
            "The same as server-sent events: 'items' with those that changed, 'end' at the end",
            media="text/event-stream",
        )
    }

    async def get(self, ident: str, course: str, batch: str) -> None:
        """See the class."""
        found = await self.batch(batch)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        try:
            async with contextlib.aclosing(self.services.batches.events(found.id)) as events:
                await self._follow(events)
            final = await self.services.batches.get(found.id)
            await self._event("end", batch_model(final))
            self.finish()
        except StreamClosedError:
            return  # the client went away

    async def _follow(self, events: AsyncIterator[list[BatchItem]]) -> None:
        following = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                done, _ = await asyncio.wait({following}, timeout=HEARTBEAT_SECONDS)
                if not done:
                    await self._send(": still running\n\n")
                    continue
                items = following.result()
                if items is None:
                    return
                await self._event("items", [item_model(item).json_value() for item in items])
                following = asyncio.ensure_future(anext(events, None))
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _event(self, name: str, data: object) -> None:
        await self._send(f"event: {name}\ndata: {json.dumps(data)}\n\n")

    async def _send(self, text: str) -> None:
        self.write(text)
        await self.flush()
