"""What changed between two snapshots."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, ClassVar

from pydantic import Field

from ..comparison import compare_snapshots
from ..core.access import Action
from ..core.changes import Change, Comparison, Kind
from ..errors import Busy
from .api import ApiHandler
from .base import Operation
from .models import ApiModel

#: Comparisons under way at once, of all and of one caller; more are asked to come back.
MAX_COMPARISONS, MAX_COMPARISONS_EACH = 16, 4
# A comparison goes on when its client has left, so it takes no thread that others need.
_readers = ThreadPoolExecutor(4, thread_name_prefix="comparisons")
_running: Counter[str] = Counter()


class ChangeModel(ApiModel):
    """A file or link that both do not have alike; sizes are null where there is none."""

    path: str
    change: Kind
    type: str
    size: int | None
    base_size: int | None


class ComparisonModel(ApiModel):
    """What changed from the snapshot `base` to `other`: all is counted, the first are listed."""

    base: str
    other: str
    counts: dict[Kind, int]
    truncated: bool
    entries: list[ChangeModel]


class CompareQuery(ApiModel):
    """The full name of the earlier snapshot, and how many changes are to be listed."""

    base: Annotated[str, Field(alias="with")]
    limit: Annotated[int, Field(ge=1, le=5000)] = 1000


class ComparisonHandler(ApiHandler):
    """GET …/snapshots/{name}/compare"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_FILES,
            "What changed since another snapshot of the student",
            ComparisonModel,
            query=CompareQuery,
        )
    }

    async def get(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        query = self.query(CompareQuery)
        self.target = f"{name} compared with {query.base}"
        found = await self._compare(query.base, name, query.limit)
        await self.reply_made(lambda: _json(query.base, name, found))

    async def _compare(self, base: str, other: str, limit: int) -> Comparison:
        """See `compare_snapshots`. Raises Busy, too, when too many are under way."""
        caller = self.caller.name
        if sum(_running.values()) >= MAX_COMPARISONS or _running[caller] >= MAX_COMPARISONS_EACH:
            raise Busy("Too many snapshots are being compared. Try again in a moment.", 10)
        _running[caller] += 1
        try:
            catalog, loop = self.services.snapshots, asyncio.get_running_loop()
            return await loop.run_in_executor(
                _readers, compare_snapshots, catalog, self.here, self.whose, base, other, limit
            )
        finally:
            _running[caller] -= 1
            if not _running[caller]:
                del _running[caller]


def _json(base: str, other: str, found: Comparison) -> dict[str, object]:
    return {
        "base": base,
        "other": other,
        "counts": found.counts,
        "truncated": found.truncated,
        "entries": [_entry(change) for change in found.changes],
    }


def _entry(change: Change) -> dict[str, object]:
    # Not by way of the model, which refuses paths that are not UTF-8.
    return {
        "path": change.path,
        "change": change.change,
        "type": change.type,
        "size": change.size,
        "baseSize": change.base_size,
    }
