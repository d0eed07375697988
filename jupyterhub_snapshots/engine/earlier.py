"""The snapshot before: what is proven unchanged since then is linked from there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Generator, Iterable, Iterator

from ..beneath import Folder, NotBelow
from ..core.manifest import Entry, Header, compare, instant
from . import sidecar
from .survey import type_of

#: A file changed this shortly before a capture may have changed again unseen: file systems and
#: network storage stamp times in steps.
RACY_NS = 2_000_000_000


def unchanged(now: Entry, before: Entry | None, began_ns: int) -> bool:
    """Whether the source is proven to hold what the earlier snapshot holds.

    Parameters:
        now: the source as it is.
        before: the same path in the earlier manifest, if any.
        began_ns: when the earlier capture began, ns since the epoch.
    """
    return (
        before is not None
        and before.type == now.type
        and not before.changed
        and now.ctime is not None
        and now.ctime == before.ctime
        and now.ctime < began_ns - RACY_NS
        and now.mtime == before.mtime
        and now.size == before.size
    )


def holds(student: Folder, snapshot: str, entries: Iterable[Entry]) -> bool:
    """Whether an earlier snapshot holds just this content, as far as its manifest can tell.

    Parameters:
        entries: in the order of the manifest.

    False when the snapshot is gone, or its manifest is gone or damaged.
    """
    try:
        student.lstat(snapshot)
        if sidecar.read_header(student, snapshot) is None:
            return False
        return next(compare(sidecar.read_entries(student, snapshot), entries), None) is None
    except (NotBelow, ValueError):
        return False


class Earlier:
    """An earlier snapshot whose manifest is read in step with a walk; empty without a header."""

    def __init__(self, student: Folder, header: Header | None) -> None:
        self._began_ns = 0
        self._tree: Folder | None = None
        self._entries: Iterator[Entry] = iter(())
        if header is not None:
            # A damaged manifest, or one that was taken away meanwhile, only costs copies.
            with contextlib.suppress(OSError, ValueError):
                began = instant(header.began_at)
                self._began_ns = int(began.timestamp() * 1_000_000) * 1_000
                self._tree = student.enter([header.snapshot])
                self._entries = sidecar.read_entries(student, header.snapshot)
        self._next = self._read()

    def __enter__(self) -> Earlier:
        return self

    def __exit__(self, *error: object) -> None:
        if self._tree is not None:
            self._tree.close()
        if isinstance(self._entries, Generator):
            self._entries.close()

    def _read(self) -> Entry | None:
        try:
            return next(self._entries, None)
        except (OSError, ValueError):
            return None

    def at(self, entry: Entry) -> Entry | None:
        """The earlier entry of the same path; called in the order of the manifest."""
        order = entry.order
        while self._next is not None and self._next.order < order:
            self._next = self._read()
        if self._next is not None and self._next.path == entry.path:
            return self._next
        return None

    def link(self, now: Entry, before: Entry | None, tree: Folder) -> bool:
        """Links what is unchanged into the new tree; False when a copy is needed."""
        if self._tree is None or before is None or not unchanged(now, before, self._began_ns):
            return False
        try:
            kept = os.stat(now.path, dir_fd=self._tree.descriptor, follow_symlinks=False)
        except OSError:
            return False
        if (type_of(kept), kept.st_size) != (before.type, before.size):
            return False  # the store was touched by hand
        return _link(self._tree, now.path, tree, now.path)

    def adopt(self, entry: Entry, copied: os.stat_result, spare: Folder, tree: Folder) -> bool:
        """Puts a link to the earlier file in the place of a copy with the same content.

        Parameters:
            copied: status of the copy.
            spare: folder of ours on the same file system.

        False, and nothing is altered, when it would not be the same in all that is stored.
        """
        if self._tree is None:
            return False
        try:
            kept = self._tree.find(entry.order)
        except OSError:
            return False
        alike = stat.S_ISREG(kept.st_mode) and (
            kept.st_mode,
            kept.st_uid,
            kept.st_size,
            kept.st_mtime_ns,
        ) == (copied.st_mode, copied.st_uid, copied.st_size, copied.st_mtime_ns)
        if not alike or not _link(self._tree, entry.path, spare, "same"):
            return False
        os.rename("same", entry.path, src_dir_fd=spare.descriptor, dst_dir_fd=tree.descriptor)
        return True


def _link(tree: Folder, path: str, to: Folder, name: str) -> bool:
    try:
        os.link(
            path,
            name,
            src_dir_fd=tree.descriptor,
            dst_dir_fd=to.descriptor,
            follow_symlinks=False,
        )
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            raise
        return False  # too many links to it, or it was taken away by hand
    return True
