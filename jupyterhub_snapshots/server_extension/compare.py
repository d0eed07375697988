"""Two versions of a file: what differs in a notebook, or both texts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .link import ServiceLink
from .places import OwnPlace, Side, SnapshotPlace

#: Largest file that is compared, in bytes.
MAX_BYTES = 10 * 2**20


async def compare(link: ServiceLink, base: Side, other: Side) -> dict[str, Any]:
    """What the panel needs to show the difference; a side that is None counts as empty.

    ``{kind: "notebook", base, diff}`` with nbdime's diff, ``{kind: "text", base, other}`` or
    ``{kind: "binary", same, baseSize, otherSize}``.

    Raises FileNotFound, TooLarge, ServiceDown, ServiceRefused.
    """
    before, after = await asyncio.gather(_content(link, base), _content(link, other))
    names = [_name(side) for side in (base, other) if side is not None]
    as_notebook = bool(names) and all(name.lower().endswith(".ipynb") for name in names)
    return await asyncio.to_thread(_difference, before, after, as_notebook)


async def _content(link: ServiceLink, side: Side) -> bytes | None:
    if isinstance(side, SnapshotPlace):
        return await link.read(side.file_address, MAX_BYTES)
    if isinstance(side, OwnPlace):
        return await asyncio.to_thread(side.files.read, side.parts, MAX_BYTES)
    return None


def _name(side: SnapshotPlace | OwnPlace) -> str:
    return side.path if isinstance(side, SnapshotPlace) else side.parts[-1]


def _difference(before: bytes | None, after: bytes | None, as_notebook: bool) -> dict[str, Any]:
    try:
        texts = [_text(content) for content in (before, after)]
    except UnicodeDecodeError:
        return {
            "kind": "binary",
            "same": before == after,
            "baseSize": None if before is None else len(before),
            "otherSize": None if after is None else len(after),
        }
    if as_notebook and (found := _notebooks(before and texts[0], after and texts[1])) is not None:
        return found
    return {"kind": "text", "base": texts[0], "other": texts[1]}


def _text(content: bytes | None) -> str:
    """The content as text. Raises UnicodeDecodeError for what is none."""
    text = (content or b"").decode("utf-8-sig")
    if "\0" in text:
        raise UnicodeDecodeError("utf-8", content or b"", 0, 1, "a NUL is in no text")
    return text


def _notebooks(before: str | bytes | None, after: str | bytes | None) -> dict[str, Any] | None:
    """The difference of two notebooks, or None when one of them is none after all."""
    # Only who compares waits for these: they take half a second to import.
    import nbdime
    import nbformat

    try:
        read = [nbformat.reads(text, as_version=4) if text else None for text in (before, after)]
    except Exception:  # whatever a broken notebook makes its reader raise
        return None
    known = next((each for each in read if each is not None), None)
    if known is None:
        return None
    # Of a side that is not there, only the cells are new or gone.
    empty = nbformat.from_dict({**known, "cells": []})
    base, other = (each if each is not None else empty for each in read)
    diff = nbdime.diff_notebooks(base, other)
    return {"kind": "notebook", "base": base, "diff": json.loads(json.dumps(diff))}
