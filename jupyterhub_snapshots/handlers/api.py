"""Base of the routes of ``/api/v1``, and those that are about no course."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar
from urllib.parse import urlencode

from .. import errors
from .._version import __version__
from ..core.access import Action
from .base import BaseHandler, Operation
from .models import PageQuery, VersionModel

Record = TypeVar("Record")

#: Digits of the first number that no column of ids can hold.
_LONGEST_ID = 10


class ApiHandler(BaseHandler):
    """A route of the API."""

    async def reply_list(
        self, values: list[Record], page: PageQuery, model: Callable[[Record], object]
    ) -> None:
        """Answers the models of a list, or of one page of it with Link headers (RFC 8288)."""
        size = page.size
        if size is not None:
            pages = max(1, -(-len(values) // size))
            before = min(page.page - 1, pages)
            links = {"first": 1, "prev": before, "next": page.page + 1, "last": pages}
            self.set_header(
                "Link",
                ", ".join(
                    f'<{self._page_url(number)}>; rel="{name}"'
                    for name, number in links.items()
                    if 1 <= number <= pages
                ),
            )
            begin = (page.page - 1) * size
            values = values[begin : begin + size]
        await self.reply_each(values, model)

    async def reply_each(self, values: list[Record], model: Callable[[Record], object]) -> None:
        """Answers the models of what may be very many: made in a thread, others are served."""
        await self.reply_made(lambda: [model(value) for value in values])

    async def reply_made(self, make: Callable[[], object]) -> None:
        """Answers what is made in a thread."""
        self.reply_text(await asyncio.to_thread(lambda: json.dumps(make())))

    def reply_item(self, value: object) -> None:
        """Answers one thing as it is now, with the ETag by which `check_if_match` knows it."""
        self.set_header("ETag", tag(value))
        if self.request.method == "GET" and self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        self.reply(value)

    def check_if_match(self, value: object) -> None:
        """Makes sure that the caller knows the thing as it is now, where the caller says so.

        Raises PreconditionFailed when the request's If-Match names another state of it.
        """
        wanted = ",".join(self.request.headers.get_list("If-Match"))
        if wanted and wanted.strip() != "*" and tag(value) not in re.findall(r'"[^"]*"', wanted):
            raise errors.PreconditionFailed(
                "This was changed since you read it. Read it again, and then change it."
            )

    def reply_created(self, number: int) -> None:
        """Answers the id of what was made below the address of the request."""
        self.reply(number, status=201, location=f"{self.request.path}/{number}")

    async def find_username(self, text: str) -> str:
        """Username of the student of that id, username or Canvas id.

        Also of one of whom the course knows nothing but snapshots. Raises StudentNotFound,
        StudentAmbiguous.
        """
        try:
            return (await self.services.roster.find_student(self.here, text)).username
        except errors.StudentNotFound:
            return await self.find_by_snapshots(self.here, text)

    def add_notes(self, notes: Iterable[str | None]) -> None:
        """Tells in headers what a person should know of how the request was read."""
        for note in notes:
            if note is not None:
                self.add_header("X-Note", note)

    def compute_etag(self) -> str | None:
        """The one that was set, or else one of what is sent; called by Tornado."""
        return self._headers.get("ETag") or super().compute_etag()

    def _page_url(self, number: int) -> str:
        query = {name: found[0] for name, found in self.request.query_arguments.items()}
        return f"{self.request.path}?{urlencode(query | {'page': number})}"


class VersionHandler(ApiHandler):
    """GET /api/v1"""

    operations: ClassVar = {
        "GET": Operation(Action.READ_API, "The API's version and who calls it", VersionModel)
    }

    async def get(self) -> None:
        """See the class."""
        self.reply({"version": "v1", "serviceVersion": __version__, "ident": self.caller.username})


def number_in(text: str) -> int:
    """The id that a part of the path is; 0, which nothing has, for what can be none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST_ID else 0


def tag(value: object) -> str:
    """The ETag of a thing as it is now: of JSON values, or of contents."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
