"""Manifests on the disk: ``<student>/.<snapshot>.manifest``, beside the copied tree."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..beneath import Folder, NotBelow
from ..core.manifest import Entry, Header, load_entry, load_header

COMPLETE, INCOMPLETE, IMPORTED = "complete", "incomplete", "imported"
_SUFFIX = ".manifest"
_HEADER_LIMIT = 4 * 1024 * 1024


def manifest_name(snapshot: str) -> str:
    """File name of the snapshot's manifest in the student's folder."""
    return f".{snapshot}{_SUFFIX}"


def read_header(student: Folder, snapshot: str) -> Header | None:
    """What the manifest says of the whole capture; None when there is no readable manifest."""
    try:
        descriptor, _ = student.open_child(manifest_name(snapshot))
        with open(descriptor, "rb") as file:
            return load_header(file.readline(_HEADER_LIMIT))
    except (NotBelow, ValueError):
        return None


def read_entries(student: Folder, snapshot: str) -> Iterator[Entry]:
    """The files of the manifest, one after the other.

    Raises NotBelow when there is no manifest, ValueError when a line of it is damaged.
    """
    for line in read_lines(student, snapshot):
        yield load_entry(line)


def read_lines(student: Folder, snapshot: str) -> Iterator[bytes]:
    """The lines of the manifest after its header, as they stand."""
    descriptor, _ = student.open_child(manifest_name(snapshot))
    with open(descriptor, "rb") as file:
        file.readline(_HEADER_LIMIT)
        yield from file


def newest(student: Folder) -> Header | None:
    """The newest snapshot that is still there and whose manifest can be read.

    An incomplete one serves as well as a complete one, because each entry of its manifest is
    proven by itself; a home that is never complete would else be copied whole each time. What
    was imported counts only when nothing was captured: nothing is known of its source.
    """
    names = [entry.name for entry in student.scan()]
    present = set(names)
    dated = []
    for name in names:
        snapshot = name[1 : -len(_SUFFIX)]
        if name.startswith(".") and name.endswith(_SUFFIX) and snapshot in present:
            with contextlib.suppress(NotBelow):
                dated.append((student.lstat(name).st_mtime_ns, snapshot))
    imported = None
    for _, snapshot in sorted(dated, reverse=True):
        header = read_header(student, snapshot)
        if header is not None and header.state != IMPORTED:
            return header
        imported = imported or header
    return imported
