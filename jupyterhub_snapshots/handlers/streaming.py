"""Sending files and zips: read in threads, a piece at a time, as fast as the client takes it."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from email.utils import format_datetime
from urllib.parse import quote

from tornado import iostream

from ..archive import CHUNK_BYTES, Archive
from ..errors import Busy
from ..metrics import DOWNLOADED_BYTES, RUNNING_DOWNLOADS
from ..snapshot_trees import FileEntry
from .base import BaseHandler
from .error_body import error_body

#: Zips under way at once, of all and of one caller; more are asked to come back.
MAX_ZIPS, MAX_ZIPS_EACH = 64, 16
#: A client that takes nothing for so long is given up.
STALL_SECONDS = 120.0
_LONGEST_NUMBER = 18
_SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
_readers = ThreadPoolExecutor(8, thread_name_prefix="downloads")
_zips: Counter[str] = Counter()
_sending: set[asyncio.Future[None]] = set()


async def downloads_end(grace_seconds: float) -> None:
    """Waits until no download is under way, but not longer than the grace time."""
    if _sending:
        await asyncio.wait(_sending, timeout=grace_seconds)


def disposition(filename: str) -> str:
    """Content-Disposition of an attachment (RFC 6266): ASCII fallback, then the true name."""
    raw = filename.encode("utf-8", "surrogateescape")
    plain = "".join(
        letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in filename
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(raw, safe='')}"


class StreamingHandler(BaseHandler):
    """Answers with the bytes of a file or of a zip. Student's bytes are never shown inline."""

    async def send_file(self, descriptor: int, entry: FileEntry, inode: int) -> None:
        """Sends an open file, or the range of it that was asked for; closes the descriptor."""
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            modified = datetime.fromtimestamp(
                min(max(entry.modified_at_ns // 1_000_000_000, 0), 253_402_300_799), timezone.utc
            )
            self.set_header("ETag", f'"{inode:x}-{entry.size:x}-{entry.modified_at_ns:x}"')
            self.set_header("Last-Modified", format_datetime(modified, usegmt=True))
            self.set_header("Accept-Ranges", "bytes")
            if self.check_etag_header():
                # A cache gives the file these headers, too.
                self._attach(entry.name, "application/octet-stream")
                self.set_status(304)
                self.finish()
                return
            part = self._range(entry.size)
            if part is None:
                part = range(entry.size)
            elif part:
                self.set_status(206)
                self.set_header("Content-Range", f"bytes {part[0]}-{part[-1]}/{entry.size}")
            else:
                self.set_header("Content-Range", f"bytes */{entry.size}")
                self.reply(error_body(416, None), 416)
                return
            self._attach(entry.name, "application/octet-stream")
            self.set_header("Content-Length", str(len(part)))
            if self.request.method == "HEAD":
                self.finish()
                return
            os.lseek(file.fileno(), part.start, os.SEEK_SET)
            await self._send(_pieces(file.fileno(), len(part)))

    def _range(self, size: int) -> range | None:
        """The bytes that were asked for: an empty range when there are none such.

        None for the whole file: one range is served; several, or what can't be read, get it all
        (RFC 9110, 14.2).
        """
        headers = self.request.headers
        unit, _, text = headers.get("Range", "").partition("=")
        first, dash, last = text.strip().partition("-")
        digits = first + last
        usable = unit.strip().lower() == "bytes" and dash and digits.isascii() and digits.isdigit()
        if not usable or headers.get("If-Range") not in (None, self._headers["ETag"]):
            return None
        if max(len(first), len(last)) > _LONGEST_NUMBER:
            return range(0)
        if not first:
            return range(max(0, size - int(last)), size)
        if last and int(last) < int(first):
            return None
        return range(int(first), min(int(last) + 1, size) if last else size)

    async def send_zip(self, archive: Archive, filename: str) -> None:
        """Sends a zip while it is made.

        Raises SnapshotNotFound before anything is sent, Busy when too many are under way.
        """
        caller = self.caller.name
        if sum(_zips.values()) >= MAX_ZIPS or _zips[caller] >= MAX_ZIPS_EACH:
            raise Busy("Too many downloads are under way. Try again in a moment.", 10)
        _zips[caller] += 1
        try:
            loop = asyncio.get_running_loop()
            length = await loop.run_in_executor(_readers, archive.length)
            self._attach(filename, "application/zip")
            if length is not None:
                self.set_header("Content-Length", str(length))
            await self._send(archive.chunks())
        finally:
            _zips[caller] -= 1
            if not _zips[caller]:
                del _zips[caller]

    def _attach(self, filename: str, kind: str) -> None:
        self.set_header("Content-Type", kind)
        self.set_header("Content-Disposition", disposition(filename))
        self.set_header("Content-Security-Policy", _SANDBOX)
        self.set_header("Cache-Control", "private, no-cache")

    async def _send(self, pieces: Iterator[bytes]) -> None:
        loop = asyncio.get_running_loop()
        RUNNING_DOWNLOADS.inc()
        ended: asyncio.Future[None] = loop.create_future()
        _sending.add(ended)
        try:
            while (piece := await loop.run_in_executor(_readers, next, pieces, None)) is not None:
                self.write(piece)
                DOWNLOADED_BYTES.inc(len(piece))
                await asyncio.wait_for(self.flush(), STALL_SECONDS)
            self.finish()
        except iostream.StreamClosedError:
            return  # the client went away
        except asyncio.TimeoutError:
            self.request.connection.stream.close()  # type: ignore[union-attr]
        finally:
            RUNNING_DOWNLOADS.dec()
            _sending.discard(ended)
            ended.set_result(None)
            await loop.run_in_executor(_readers, _close, pieces)


def _pieces(descriptor: int, length: int) -> Iterator[bytes]:
    while length > 0:
        piece = os.read(descriptor, min(CHUNK_BYTES, length))
        if not piece:
            raise OSError("The file became shorter while it was sent")
        length -= len(piece)
        yield piece


def _close(pieces: Iterator[bytes]) -> None:
    """Ends a generator that was not read to its end, and so closes what it holds open."""
    if hasattr(pieces, "close"):
        pieces.close()
