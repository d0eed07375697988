"""Receipts of snapshots: made from manifests, signed, and checked against what is stored."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .beneath import Folder, NotBelow
from .core.manifest import FILE, Entry, Header, compare, load_entry
from .core.names import student_folder
from .core.receipt_reader import HandedReceipt
from .core.receipts import (
    ReceiptEntry,
    RootDigest,
    canonical,
    dump_entry,
    receipt_entries,
    receipt_head,
)
from .core.records import Course
from .engine import sidecar, verify
from .engine.staging import open_root
from .engine.storage_errors import storage_errors
from .errors import ManifestMissing, SigningKeyUnusable, SnapshotNotFound
from .signing import PublicKeys, Signer
from .snapshot_trees import SnapshotTrees
from .store import Store, people

#: Paths of a comparison with what is stored; more are only known to be there.
MAX_DIFFERENCES = 1000
_PIECE_CHARACTERS = 64 * 1024

_SIGNATURE = {
    "valid": "The signature is good: the service issued this receipt, and nothing that it says "
    "of the whole snapshot was changed.",
    "invalid": "The signature is wrong: something was changed, or the service never issued this.",
    "unknown_key": "The signature was made with a key that is not known here, so it proves "
    "nothing. Ask where the receipt comes from for the public key.",
}
_FILES = {
    "match": "The list of files fits its root digest.",
    "differ": "The list of files was changed: it does not fit its root digest.",
}
_STORED = {
    "matches": "The stored snapshot holds exactly these files.",
    "differs": "The stored snapshot is not what the receipt says.",
    "gone": "The snapshot is not stored here any more, so it was not compared.",
    "not_yours": "You may not read that snapshot, so it was not compared.",
    None: "It was not compared with the stored snapshot.",
}


@dataclass(frozen=True)
class StoredFinding:
    """How a stored snapshot compares with a receipt.

    Attributes:
        state: "matches", "differs", "gone" or "not_yours"; None when there was nothing to look at.
        paths: what differs, at most `MAX_DIFFERENCES`; bytes that are not UTF-8 as surrogate
            escapes.
        truncated: whether more differs.
        manifest_damaged: the snapshot's manifest is missing, or is not the one of the capture.
    """

    state: str | None = None
    paths: tuple[str, ...] = ()
    truncated: bool = False
    manifest_damaged: bool = False


@dataclass(frozen=True)
class ReceiptCheck:
    """What holds of a receipt, and what does not.

    Attributes:
        signature: "valid", "invalid" or "unknown_key".
        files: "match" or "differ": whether the entries are those that were signed for.
    """

    signature: str
    files: str
    stored: StoredFinding = field(default_factory=StoredFinding)

    @property
    def holds(self) -> bool:
        """Whether there is nothing against the receipt."""
        stored = self.stored.state in (None, "matches", "gone", "not_yours")
        return self.signature == "valid" and self.files == "match" and stored

    @property
    def sentences(self) -> list[str]:
        """The same for people: one for the signature, one for the files, one for the store."""
        stored = _STORED[self.stored.state]
        if self.stored.manifest_damaged:
            stored += " Its manifest is missing or was altered."
        return [_SIGNATURE[self.signature], _FILES[self.files], stored]


@dataclass(frozen=True)
class Receipt:
    """A receipt that is being issued.

    Attributes:
        head: all but the entries, signed.
    """

    head: dict[str, Any]
    _again: Callable[[], Iterable[ReceiptEntry]]

    def entries(self) -> Iterator[ReceiptEntry]:
        """The entries, read again; for threads.

        Raises ManifestMissing at the end when they are not those that were signed for.
        """
        digest = RootDigest()
        for entry in self._again():
            digest.add(entry)
            yield entry
        if digest.text != self.head["rootDigest"]:
            raise _damaged(self.head["snapshot"]["name"])

    def pieces(self) -> Iterator[bytes]:
        """The JSON text, the head first, an entry on a line; for threads."""
        text = json.dumps(self.head, ensure_ascii=False).removesuffix("}") + ', "entries": ['
        separator = "\n"
        for entry in self.entries():
            text += separator + dump_entry(entry)
            separator = ",\n"
            if len(text) > _PIECE_CHARACTERS:
                yield text.encode()
                text = ""
        yield f"{text}\n]}}\n".encode()


class ReceiptManager:
    """Issues receipts, and tells whether one that is handed in is true."""

    def __init__(
        self,
        *,
        store: Store,
        snapshots: SnapshotTrees,
        signer: Signer | None,
        service: str,
        make_signer: Callable[[], Signer | None] = lambda: None,
    ) -> None:
        """`service` is what the installation calls itself in receipts.

        Without a signer, `make_signer` makes one when the first receipt is asked for.
        """
        self._store = store
        self._snapshots = snapshots
        self._service = service
        self._signer = signer
        self._make_signer = make_signer

    @property
    def signer(self) -> Signer:
        """The service's key. Raises SigningKeyUnusable when there is none."""
        if self._signer is None:
            self._signer = self._make_signer()
        if self._signer is None:
            raise SigningKeyUnusable(
                "There is no place for the key that signs receipts. The administrator can set "
                "c.SnapshotsApp.snapshots_dir or c.SnapshotsApp.signing_key_file."
            )
        return self._signer

    async def make(self, course: Course, student: str, name: str) -> Receipt:
        """The receipt of a snapshot.

        Raises SnapshotNotFound; ManifestMissing when nothing certain is known of its files.
        """
        member = await self._store.read(lambda db: people.find_by_username(db, course.id, student))
        full_name = f"{member.first_name} {member.last_name}".strip() if member is not None else ""
        header, digest = await asyncio.to_thread(self._survey, course, student, name)
        with _manifest_errors(name):
            head = receipt_head(
                header,
                course,
                digest,
                name=full_name,
                issued_at=datetime.now(timezone.utc),
                service=self._service,
                key_id=self.signer.key_id,
            )
        signature = self.signer.sign(canonical(head))
        head["signature"] = base64.b64encode(signature).decode("ascii")
        return Receipt(head, lambda: self._entries(course, student, name))

    def _survey(self, course: Course, student: str, name: str) -> tuple[Header, RootDigest]:
        """What the manifest says, if it is the one that the capture wrote."""
        recorded, digest = hashlib.sha256(), RootDigest()
        with _folder(self._snapshots, course, student, name) as folder:
            header = _header(folder, name)

            def entries() -> Iterator[Entry]:
                for line in sidecar.read_lines(folder, name):
                    recorded.update(line)
                    yield load_entry(line)

            with _manifest_errors(name):
                for entry in receipt_entries(header, entries()):
                    digest.add(entry)
        # A manifest that came from elsewhere proves nothing about this student.
        own = (header.student, header.snapshot) == (student, name)
        if recorded.hexdigest() != header.digest or not own:
            raise _damaged(name)
        return header, digest

    def _entries(self, course: Course, student: str, name: str) -> Iterator[ReceiptEntry]:
        with _folder(self._snapshots, course, student, name) as folder, _manifest_errors(name):
            yield from receipt_entries(_header(folder, name), sidecar.read_entries(folder, name))

    def check(
        self,
        receipt: HandedReceipt,
        course: Course | None,
        *,
        contents: bool = True,
        progress: Callable[[int], None] = lambda size: None,
    ) -> ReceiptCheck:
        """What holds of a receipt; for threads.

        Parameters:
            course: the receipt's, if the caller may read the student's snapshots in it.
            contents: read every file again; without, only the manifest is looked at.
            progress: told the bytes read so far of each file; may raise to end it all.

        Raises NotAReceipt, StorageUnavailable.
        """
        keys: Signer | PublicKeys = PublicKeys([])
        with contextlib.suppress(SigningKeyUnusable):
            keys = self.signer
        signature, files = check_alone(receipt, keys)
        stored = StoredFinding("not_yours")
        if course is not None:
            stored = compare_with_stored(
                receipt, self._snapshots, course, contents=contents, progress=progress
            )
        return ReceiptCheck(signature, files, stored)


def check_alone(receipt: HandedReceipt, keys: PublicKeys) -> tuple[str, str]:
    """Signature and files of a receipt, as in `ReceiptCheck`; nothing else is needed for it.

    Raises NotAReceipt.
    """
    digest = RootDigest()
    for entry in receipt.entries():
        digest.add(entry)
    said = tuple(receipt.head[name] for name in ("rootDigest", "files", "bytes", "lateFiles"))
    same = said in {(digest.text, digest.files, digest.bytes, late) for late in (digest.late, None)}
    signature = keys.check(receipt.key_id, receipt.signed, receipt.signature)
    return signature, "match" if same else "differ"


def compare_with_stored(
    receipt: HandedReceipt,
    snapshots: SnapshotTrees,
    course: Course,
    *,
    contents: bool = True,
    progress: Callable[[int], None] = lambda size: None,
) -> StoredFinding:
    """How the stored snapshot compares with the receipt; for threads.

    The manifest is compared with the receipt, and the snapshot with its manifest.
    Parameters as for `ReceiptManager.check`. Raises NotAReceipt, StorageUnavailable.
    """
    found: dict[str, None] = {}
    damaged = truncated = False
    student, name = receipt.student, receipt.snapshot
    try:
        with _folder(snapshots, course, student, name) as folder:
            try:
                with _manifest_errors(name):
                    for path in _differences(receipt, sidecar.read_entries(folder, name)):
                        if len(found) == MAX_DIFFERENCES:
                            truncated = True
                            break
                        found[path] = None
            except ManifestMissing:
                damaged = True
        for damage in verify(course.root, student, name, progress) if contents else ():
            if not damage.path:
                damaged = True
            elif damage.path not in found:
                if len(found) == MAX_DIFFERENCES:
                    truncated = True
                    break
                found[damage.path] = None
    except SnapshotNotFound:
        return StoredFinding("gone")
    state = "differs" if found or damaged else "matches"
    return StoredFinding(state, tuple(found), truncated, damaged)


def _differences(receipt: HandedReceipt, stored: Iterable[Entry]) -> Iterator[str]:
    """Paths of the files in which the two differ."""
    said = (
        Entry(each.path, FILE, each.size, 0, None, 0, 0, 0, each.sha256)
        for each in receipt.entries()
    )
    for before, after in compare(said, (entry for entry in stored if entry.type == FILE)):
        either = before or after
        assert either is not None
        yield either.path


@contextlib.contextmanager
def _folder(snapshots: SnapshotTrees, course: Course, student: str, name: str) -> Iterator[Folder]:
    """The student's folder, in which there is such a snapshot. Raises SnapshotNotFound."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(storage_errors("The snapshot can't be read"))
        stack.enter_context(snapshots.open_tree(course, student, name))
        root = stack.enter_context(open_root(course.root))
        yield stack.enter_context(root.enter([student_folder(student)]))


def _header(folder: Folder, name: str) -> Header:
    header = sidecar.read_header(folder, name)
    if header is None:
        raise ManifestMissing(
            f"The snapshot {name[:100]} has no manifest, so there is no receipt of it. The "
            "administrator can give it one with 'jupyterhub-snapshots import'.",
            snapshot=name,
        )
    return header


@contextlib.contextmanager
def _manifest_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (NotBelow, ValueError) as error:
        raise _damaged(name) from error


def _damaged(name: str) -> ManifestMissing:
    return ManifestMissing(
        f"The manifest of the snapshot {name[:100]} is damaged, so nothing certain can be said of "
        "its files. The administrator can look at it with 'jupyterhub-snapshots verify'.",
        snapshot=name,
    )


__all__ = [
    "Receipt",
    "ReceiptCheck",
    "ReceiptManager",
    "StoredFinding",
    "check_alone",
    "compare_with_stored",
]
