"""The difference of two notebooks, in a process of its own: ``python -m`` and this module's name.

nbdime compares cells with each other one by one: notebooks that have nothing in common take it the
square of their length, and no other thread of its process gets to run meanwhile.

In: both texts as a JSON list, null for the side that is not there. Out: the answer as JSON, or
nothing when one of them is no notebook or the answer would be no JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from collections import Counter
from typing import Any

#: Should whoever started the process be gone, it ends all the same.
_MOST_CPU_SECONDS = 15
_MOST_MEMORY_BYTES = 2**30
_MOST_ANSWER_BYTES = 64 * 2**20


def main() -> None:
    """Answers what stands on the standard input."""
    _limit()
    # The module builds a grammar for a second, for a kind of address that no notebook's schema has.
    # jsonschema does without it where it is not installed.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    answer = difference(*json.load(sys.stdin.buffer))
    if answer is not None and len(answer) <= _MOST_ANSWER_BYTES:
        sys.stdout.write(answer)


def _limit() -> None:
    limits = {
        resource.RLIMIT_CPU: _MOST_CPU_SECONDS,
        resource.RLIMIT_AS: _MOST_MEMORY_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def difference(before: str | None, after: str | None) -> str | None:
    """The answer as JSON text, or None when there is none; None of a text: it is not there."""
    import nbformat
    from nbdime.diffing.notebooks import diff_notebooks

    texts = [text for text in (before, after) if text is not None]
    if not texts:
        return None
    try:
        ids = set.intersection(*map(_ids, texts))
        read = {text: _without_ids(nbformat.reads(text, as_version=4), ids) for text in texts}
    except Exception:  # whatever a broken notebook makes its reader raise
        return None
    # Of a side that is not there, only the cells are new or gone.
    empty = nbformat.from_dict({**read[texts[0]], "cells": []})
    base, other = (empty if text is None else read[text] for text in (before, after))
    # For nbdime a NaN differs from itself.
    diff = [] if base == other else diff_notebooks(base, other)
    try:
        return json.dumps({"kind": "notebook", "base": base, "diff": diff}, allow_nan=False)
    except ValueError:
        return None


def _ids(text: str) -> set[str]:
    """Ids of cells that stand in the notebook once."""
    cells = json.loads(text).get("cells", [])
    counts = Counter(cell["id"] for cell in cells if "id" in cell)
    return {each for each, count in counts.items() if count == 1}


def _without_ids(notebook: Any, kept: set[str]) -> Any:
    """The notebook without other ids: nbformat makes up those that are missing or doubled."""
    for cell in notebook.cells:
        if cell.get("id") not in kept:
            cell.pop("id", None)
    return notebook


if __name__ == "__main__":
    main()
