"""Giving a tree that lies in the store a manifest, without changing the tree."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from datetime import datetime, timezone

from ..beneath import NotBelow
from ..core.manifest import FILE, Header, dump_entry, dump_header
from ..errors import SnapshotNotFound
from . import sidecar
from .staging import open_root
from .storage_errors import storage_errors
from .verify import stored_entry


def adopt(root: str, student: str, snapshot: str) -> Header:
    """Hashes the snapshot and writes its manifest beside it; a second call makes it anew.

    Times of the source are unknown, so later captures compare with it by content.

    Raises SnapshotNotFound, StorageUnavailable, and EngineFailed when a part of it can't be read;
    then no manifest is written.
    """

    def failed(path: str, error: OSError) -> None:
        raise error

    began = datetime.now(timezone.utc)
    with contextlib.ExitStack() as stack:
        stack.enter_context(storage_errors("The snapshot can't be read"))
        top = stack.enter_context(open_root(root))
        try:
            folder = stack.enter_context(top.enter([student]))
            tree = stack.enter_context(folder.enter([snapshot]))
        except NotBelow as error:
            raise SnapshotNotFound(f"{student} has no snapshot {snapshot}.") from error
        entries = [stored_entry(found) for found in tree.walk(failed=failed)]
        body = b"".join(map(dump_entry, entries))
        sizes = [entry.size for entry in entries if entry.type == FILE]
        header = Header(
            student=student,
            snapshot=snapshot,
            capture_id=f"import-{uuid.uuid4().hex}",
            state=sidecar.IMPORTED,
            began_at=began.isoformat(),
            ended_at=datetime.fromtimestamp(tree.status().st_mtime, timezone.utc).isoformat(),
            files=len(sizes),
            bytes=sum(sizes),
            digest=hashlib.sha256(body).hexdigest(),
        )
        folder.replace(sidecar.manifest_name(snapshot), dump_header(header) + body)
    return header
