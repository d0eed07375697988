"""What a capture has looked at, and what of it is to be copied; on disk, for it may be long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ..core.manifest import Entry, dump_entry, load_entry
from . import rsync

#: So many entries that are to be copied are held in memory instead of being read from the draft
#: again for each step.
_MAX_HELD_ENTRIES = 10_000

_COPY, _DONE = b"+", b"="


class Draft:
    """The entries of a snapshot to be, in the order of the manifest.

    Parameters:
        file: empty; holds the entries.
        paths: empty; becomes the list of what rsync is to copy.
    """

    def __init__(self, file: BinaryIO, paths: BinaryIO) -> None:
        self._file = file
        self.paths = paths
        self._held: list[Entry] | None = []

    def add_done(self, entry: Entry) -> None:
        """One that needs no copy."""
        self._file.write(_DONE + dump_entry(entry))

    def add_wanted(self, entry: Entry) -> None:
        """One that is to be copied."""
        self.paths.write(rsync.listed(entry.path))
        self._file.write(_COPY + dump_entry(entry))
        if self._held is not None:
            self._held.append(entry)
            if len(self._held) > _MAX_HELD_ENTRIES:
                self._held = None

    @property
    def wants_any(self) -> bool:
        """Whether there is anything to be copied; not asked any more once rsync has run."""
        return self.paths.tell() > 0

    def wanted(self) -> Iterable[Entry]:
        """The entries that are to be copied."""
        return self._held if self._held is not None else self._read_wanted()

    def _read_wanted(self) -> Iterator[Entry]:
        self._file.flush()
        self._file.seek(0)
        for line in self._file:
            if line.startswith(_COPY):
                yield load_entry(line[1:])

    def lines(self) -> Iterator[tuple[bytes, Entry | None]]:
        """Every entry: its line of the manifest, and itself too if it was to be copied."""
        held = iter(self._held) if self._held is not None else None
        self._file.flush()
        self._file.seek(0)
        for line in self._file:
            if line.startswith(_DONE):
                yield line[1:], None
            else:
                yield line[1:], next(held) if held is not None else load_entry(line[1:])
