"""Two versions of a file: what differs in a notebook, or both texts."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

from .link import ServiceLink
from .places import OwnPlace, Side, SnapshotPlace

#: Largest file that is compared, in bytes.
MAX_BYTES = 10 * 2**20
#: Notebooks that take longer are shown as texts.
_MOST_SECONDS = 10.0
_log = logging.getLogger(__name__)


async def compare(link: ServiceLink, base: Side, other: Side) -> str | bytes:
    """What the panel needs to show the difference, as JSON; a side that is None counts as empty.

    ``{kind: "notebook", base, diff}`` with nbdime's diff, ``{kind: "text", base, other}`` or
    ``{kind: "binary", same, baseSize, otherSize}``. Cancelled, it leaves nothing running.

    Raises FileNotFound, TooLarge, ServiceDown, ServiceRefused.
    """
    before, after = await asyncio.gather(_content(link, base), _content(link, other))
    names = [_name(side) for side in (base, other) if side is not None]
    try:
        texts = [_text(content) for content in (before, after)]
    except UnicodeDecodeError:
        return json.dumps(_sizes(before, after))
    if names and all(name.lower().endswith(".ipynb") for name in names):
        found = await _notebooks(*(text or None for text in texts))
        if found is not None:
            return found
    return await asyncio.to_thread(
        json.dumps, {"kind": "text", "base": texts[0], "other": texts[1]}
    )


async def _content(link: ServiceLink, side: Side) -> bytes | None:
    if isinstance(side, SnapshotPlace):
        return await link.read(side.file_address, MAX_BYTES)
    if isinstance(side, OwnPlace):
        return await asyncio.to_thread(side.files.read, side.parts, MAX_BYTES)
    return None


def _name(side: SnapshotPlace | OwnPlace) -> str:
    return side.path if isinstance(side, SnapshotPlace) else side.parts[-1]


def _text(content: bytes | None) -> str:
    """The content as text. Raises UnicodeDecodeError for what is none."""
    text = (content or b"").decode("utf-8-sig")
    if "\0" in text:
        raise UnicodeDecodeError("utf-8", content or b"", 0, 1, "a NUL is in no text")
    return text


def _sizes(before: bytes | None, after: bytes | None) -> dict[str, Any]:
    return {
        "kind": "binary",
        "same": before == after,
        "baseSize": None if before is None else len(before),
        "otherSize": None if after is None else len(after),
    }


async def _notebooks(before: str | None, after: str | None) -> bytes | None:
    """The difference of two notebooks as JSON, or None when there is none or it takes too long."""
    texts = await asyncio.to_thread(json.dumps, [before, after])
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", f"{__package__}.notebooks"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Modules are looked for there first, and among people's files is a random.py.
            cwd="/",
        )
    except OSError as error:
        _log.warning("Notebooks are compared as texts: no process can be started: %s", error)
        return None
    try:
        answer, _ = await asyncio.wait_for(process.communicate(texts.encode()), _MOST_SECONDS)
    except asyncio.TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        _log.warning("Notebooks are compared as texts: the process ended %d", process.returncode)
        return None
    return answer or None
