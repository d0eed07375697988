"""What changed between two snapshots, as people are told: files and links, no folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .manifest import FOLDER, Difference, Entry

Kind = Literal["added", "removed", "changed"]
KINDS: tuple[Kind, ...] = ("added", "removed", "changed")


class Change(NamedTuple):
    """One file or link that two snapshots do not have alike.

    Attributes:
        type: "file" or "link"; of what was removed as it was.
        size: bytes; None for what was removed.
        base_size: bytes before; None for what was added.
    """

    path: str
    change: Kind
    type: str
    size: int | None
    base_size: int | None


@dataclass(frozen=True)
class Comparison:
    """How many changes there are, and the first of them.

    Attributes:
        truncated: whether there are more changes than are listed.
    """

    counts: dict[Kind, int]
    changes: list[Change]
    truncated: bool


def changes(differences: Iterable[Difference]) -> Iterator[Change]:
    """The changes that these differences make; a file that became a folder was removed."""
    for before, after in differences:
        old, new = _no_folder(before), _no_folder(after)
        if new is None:
            if old is not None:
                yield Change(old.path, "removed", old.type, None, old.size)
        elif old is None:
            yield Change(new.path, "added", new.type, new.size, None)
        else:
            yield Change(new.path, "changed", new.type, new.size, old.size)


def summarize(found: Iterable[Change], limit: int) -> Comparison:
    """Counts all of them and keeps the first; holds no more than those in memory."""
    counts: dict[Kind, int] = dict.fromkeys(KINDS, 0)
    kept: list[Change] = []
    for change in found:
        counts[change.change] += 1
        if len(kept) < limit:
            kept.append(change)
    return Comparison(counts, kept, sum(counts.values()) > len(kept))


def _no_folder(entry: Entry | None) -> Entry | None:
    return None if entry is None or entry.type == FOLDER else entry
