"""The audit log: lines are collected for a moment and written together."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TypeVar

from .core.records import AuditEvent
from .store import Store
from .store import audit as table

_WRITE_SECONDS = 0.5
_KEPT_MOST = 100_000
_NAME_LENGTH, _TARGET_LENGTH = 255, 4096

Text = TypeVar("Text", str, "str | None")


class AuditLog:
    """Remembers who did what. A line is in the database half a second later at the latest."""

    def __init__(self, store: Store, log: logging.Logger) -> None:
        self._store = store
        self.log = log
        self._pending: list[AuditEvent] = []
        self._writer: asyncio.Task[None] | None = None

    def add(self, event: AuditEvent) -> None:
        """Notes an event; returns at once."""
        if len(self._pending) >= _KEPT_MOST:
            self.log.error("The audit log can't be written; lines are lost")
            self._pending.clear()
        self._pending.append(
            replace(
                event,
                principal=_plain(event.principal, _NAME_LENGTH),
                student=_plain(event.student, _NAME_LENGTH),
                target=_plain(event.target, _TARGET_LENGTH),
            )
        )
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        while self._pending:
            await asyncio.sleep(_WRITE_SECONDS)
            await self.write()

    async def write(self) -> None:
        """Writes what is noted so far; what can't be written is kept for the next time."""
        events, self._pending = self._pending, []
        try:
            await self._store.write(lambda db: table.add(db, events))
        except Exception as error:
            self.log.warning("The audit log can't be written yet: %s", error)
            self._pending = events + self._pending


def _plain(text: Text, length: int) -> Text:
    """The text cut to the length, with what is no letter or sign of it written out.

    A name can so neither forge a line nor be refused by the database.
    """
    if text is None:
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text[:length]
    )[:length]
