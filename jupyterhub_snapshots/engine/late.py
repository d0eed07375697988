"""Which files of a home changed after a deadline, told by their inode change times."""

from __future__ import annotations

from ..core.captures import cutoff_ns
from ..core.manifest import FOLDER, MAX_LATE_FILES, Entry, instant

_MAX_CHARACTERS = 1 << 18


class LateFiles:
    """Counts the files and links that changed after the deadline, and keeps the first paths.

    A student can set the modification time of a file, not its change time.

    Parameters:
        deadline: ISO 8601 in UTC; None when nothing is late.

    Attributes:
        count: how many there are in all.
    """

    def __init__(self, deadline: str | None) -> None:
        self.count = 0
        self._kept: list[str] = []
        self._from_ns: int | None = None
        if deadline is not None:
            self._from_ns = cutoff_ns(instant(deadline))

    def look(self, entry: Entry) -> None:
        """Takes one entry of the snapshot into account; in any order."""
        if self._from_ns is None or not is_late(entry, self._from_ns):
            return
        self.count += 1
        self._kept.append(entry.path)
        if len(self._kept) >= 2 * MAX_LATE_FILES:
            self._kept = self._first()

    def _first(self) -> list[str]:
        return sorted(self._kept, key=lambda path: path.split("/"))[:MAX_LATE_FILES]

    @property
    def paths(self) -> tuple[str, ...]:
        """The first of them in the order of the manifest, as many as its header may hold."""
        characters, paths = 0, []
        for path in self._first():
            characters += len(path)
            if characters > _MAX_CHARACTERS:
                break
            paths.append(path)
        return tuple(paths)


def is_late(entry: Entry, from_ns: int) -> bool:
    """Whether it is a file or link that changed then or later, as far as that is known."""
    return entry.type != FOLDER and entry.ctime is not None and entry.ctime >= from_ns
