"""What changed between two snapshots."""

from __future__ import annotations

import asyncio
from typing import Annotated, ClassVar

from pydantic import Field

from ..comparison import compare_snapshots
from ..core.access import Action
from ..core.changes import Change, Comparison, Kind
from .api import ApiHandler
from .base import Operation
from .models import ApiModel


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
        catalog = self.services.snapshots
        found = await asyncio.to_thread(
            compare_snapshots, catalog, self.here, self.whose, query.base, name, query.limit
        )
        await self.reply_made(lambda: _json(query.base, name, found))


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
