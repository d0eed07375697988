"""Giving a tree that lies in the store a manifest, without changing the tree."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timezone

from ..beneath import NotBelow
from ..core.manifest import FILE, Header, dump_entry, dump_header
from ..errors import SnapshotNotFound
from . import sidecar
from .staging import open_root
from .verify import stored_entry


def adopt(root: str, student: str, snapshot: str) -> Header:
    """Hashes the snapshot and writes its manifest beside it; a second call makes it anew.

    Times of the source are unknown, so later captures compare with it by content.

    Raises SnapshotNotFound, StorageUnavailable.
    """
    began = datetime.now(timezone.utc)
    with open_root(root) as top:
        try:
            with top.enter([student]) as folder, folder.enter([snapshot]) as tree:
                lines = []
                files = size = 0
                for found in tree.walk():
                    entry = stored_entry(found)
                    lines.append(dump_entry(entry))
                    files += entry.type == FILE
                    size += entry.size if entry.type == FILE else 0
                body = b"".join(lines)
                header = Header(
                    student=student,
                    snapshot=snapshot,
                    capture_id=f"import-{uuid.uuid4().hex}",
                    state=sidecar.IMPORTED,
                    began_at=began.isoformat(),
                    ended_at=datetime.fromtimestamp(
                        tree.status().st_mtime, timezone.utc
                    ).isoformat(),
                    files=files,
                    bytes=size,
                    digest=hashlib.sha256(body).hexdigest(),
                )
                folder.replace(sidecar.manifest_name(snapshot), dump_header(header) + body)
        except NotBelow as error:
            raise SnapshotNotFound(f"{student} has no snapshot {snapshot}.") from error
    return header
