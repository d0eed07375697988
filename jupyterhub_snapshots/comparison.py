"""What changed between two snapshots of a student, told from their manifests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from .beneath import Folder, NotBelow
from .core.changes import Comparison, changes, summarize
from .core.manifest import Entry, compare
from .core.names import student_folder
from .core.records import Course
from .engine import sidecar
from .engine.staging import open_root
from .engine.storage_errors import storage_errors
from .errors import ManifestMissing
from .snapshots import SnapshotCatalog


def compare_snapshots(
    catalog: SnapshotCatalog, course: Course, student: str, base: str, other: str, limit: int
) -> Comparison:
    """What was added, removed or altered from one snapshot to the other; for threads.

    Both manifests are read as streams, so memory stays flat whatever their length.

    Parameters:
        limit: so many changes are listed; all are counted.

    Raises SnapshotNotFound, ManifestMissing.
    """
    with ExitStack() as stack:
        stack.enter_context(storage_errors("The snapshots can't be compared"))
        for name in (base, other):
            stack.enter_context(catalog.open_tree(course, student, name))
        root = stack.enter_context(open_root(course.root))
        folder = stack.enter_context(root.enter([student_folder(student)]))
        found = compare(_entries(folder, base), _entries(folder, other))
        try:
            return summarize(changes(found), limit)
        except ManifestMissing:
            # A snapshot that was deleted meanwhile has no manifest either.
            for name in (base, other):
                with catalog.open_tree(course, student, name):
                    pass
            raise


def _entries(folder: Folder, name: str) -> Iterator[Entry]:
    if sidecar.read_header(folder, name) is None:
        raise ManifestMissing(
            f"The snapshot {name[:100]} has no manifest, so it can't be compared. The "
            "administrator can give it one with 'jupyterhub-snapshots import'.",
            snapshot=name,
        )
    try:
        yield from sidecar.read_entries(folder, name)
    except (NotBelow, ValueError) as error:
        raise ManifestMissing(
            f"The manifest of the snapshot {name[:100]} is damaged, so it can't be compared. The "
            "administrator can look at it with 'jupyterhub-snapshots verify'.",
            snapshot=name,
        ) from error
