"""Reading a snapshot again and comparing it with its manifest."""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..beneath import Folder, Found, NotBelow
from ..core.manifest import FILE, LINK, Entry, compare, load_entry
from ..errors import SnapshotNotFound
from . import sidecar
from .staging import open_root
from .survey import type_of

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Damage:
    """One way in which a snapshot is not what its manifest says.

    Attributes:
        path: relative to the snapshot; "" for the manifest itself.
        what: "missing", "added", "altered", "unreadable", "no_manifest" or "manifest_altered".
    """

    path: str
    what: str


def verify(
    root: str, student: str, snapshot: str, progress: Callable[[int], None] = lambda size: None
) -> Iterator[Damage]:
    """Every difference between the stored snapshot and its manifest; none means it is intact.

    Parameters:
        progress: told the bytes read so far of each file, as they are read.

    Raises SnapshotNotFound, StorageUnavailable.
    """
    with contextlib.ExitStack() as stack:
        top = stack.enter_context(open_root(root))
        try:
            folder = stack.enter_context(top.enter([student]))
            tree = stack.enter_context(folder.enter([snapshot]))
        except NotBelow as error:
            raise SnapshotNotFound(f"{student} has no snapshot {snapshot}.") from error
        header = sidecar.read_header(folder, snapshot)
        if header is None:
            yield Damage("", "no_manifest")
            return
        if _digest(folder, snapshot) != header.digest:
            yield Damage("", "manifest_altered")
        unreadable: list[str] = []
        stored = _stored(tree, progress, unreadable)
        for expected, actual in compare(_recorded(folder, snapshot), stored):
            if actual is None:
                yield Damage(expected.path if expected else "", "missing")
            else:
                yield Damage(actual.path, "altered" if expected else "added")
        for path in unreadable:
            yield Damage(path, "unreadable")


def _digest(folder: Folder, snapshot: str) -> str:
    digest = hashlib.sha256()
    for line in sidecar.read_lines(folder, snapshot):
        digest.update(line)
    return digest.hexdigest()


def _recorded(folder: Folder, snapshot: str) -> Iterator[Entry]:
    for line in sidecar.read_lines(folder, snapshot):
        try:
            yield load_entry(line)
        except ValueError:
            continue  # the digest has told already


def stored_entry(found: Found, progress: Callable[[int], None] = lambda size: None) -> Entry:
    """The entry of something that lies in the store, its source's change time unknown."""
    digest = target = None
    if stat.S_ISREG(found.status.st_mode):
        hashing = hashlib.sha256()
        descriptor, _ = found.folder.open_child(found.name)
        with open(descriptor, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                hashing.update(chunk)
                progress(len(chunk))
        digest = hashing.hexdigest()
    elif stat.S_ISLNK(found.status.st_mode):
        target = found.folder.readlink(found.name)
    return _entry(found, digest, target)


def _entry(found: Found, digest: str | None, target: str | None) -> Entry:
    kind = type_of(found.status) or "special"
    return Entry(
        path=found.path,
        type=kind,
        size=found.status.st_size if kind in (FILE, LINK) else 0,
        mtime=found.status.st_mtime_ns,
        ctime=None,
        mode=stat.S_IMODE(found.status.st_mode),
        uid=found.status.st_uid,
        gid=found.status.st_gid,
        sha256=digest,
        target=target,
    )


def _stored(
    tree: Folder, progress: Callable[[int], None], unreadable: list[str]
) -> Iterator[Entry]:
    """The entries of the tree; one that can't be read has no digest, and is listed."""

    def failed(path: str, error: OSError) -> None:
        unreadable.append(path.rstrip("/"))

    for found in tree.walk(failed=failed):
        try:
            yield stored_entry(found, progress)
        except OSError:
            unreadable.append(found.path)
            yield _entry(found, None, None)


__all__ = ["Damage", "stored_entry", "verify"]
