"""Receipts of real snapshots: issued, checked, and what an altered snapshot does to them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from courses import CourseOnDisk
from documents import ROOT, python_after
from homes import student_home
from jupyterhub_snapshots import receipts
from jupyterhub_snapshots.core.manifest import Entry, Header, dump_entry, dump_header
from jupyterhub_snapshots.core.receipt_reader import HandedReceipt, read_receipt
from jupyterhub_snapshots.engine import CaptureJob, capture
from jupyterhub_snapshots.engine.adopt import adopt
from jupyterhub_snapshots.engine.sidecar import manifest_name
from jupyterhub_snapshots.errors import (
    ManifestMissing,
    NotAReceipt,
    SigningKeyUnusable,
    SnapshotNotFound,
)
from jupyterhub_snapshots.receipts import ReceiptCheck, ReceiptManager, StoredFinding
from jupyterhub_snapshots.signing import Signer
from jupyterhub_snapshots.store import people

NAME = "hw_2026-03-01"


class Issuing:
    """A course with a snapshot of ada, and what issues receipts of it."""

    def __init__(self, place: Path) -> None:
        self.on_disk = CourseOnDisk(place)
        self.course = self.on_disk.course
        self.home = student_home(place / "homes" / "ada")
        self.tree = self.on_disk.root / "ada" / NAME
        self.manifest = self.tree.with_name(manifest_name(NAME))
        self.key = place / "key.pem"
        self.receipts = self.manager()

    def manager(self) -> ReceiptManager:
        return ReceiptManager(
            store=self.on_disk.store,
            snapshots=self.on_disk.snapshots,
            signer=Signer.open(str(self.key)),
            service="https://hub.example.edu/",
        )

    def capture(self, name: str = NAME, **fields: Any) -> None:
        values = {
            "home": str(self.home.path),
            "root": self.course.root,
            "student": "ada",
            "snapshot": name,
            "capture_id": name,
        }
        capture(CaptureJob(**(values | fields)))

    async def text(self) -> bytes:
        receipt = await self.receipts.make(self.course, "ada", NAME)
        return b"".join(receipt.pieces())

    async def handed(self) -> HandedReceipt:
        return read_receipt(await self.text())

    def check(self, receipt: HandedReceipt, **options: Any) -> ReceiptCheck:
        return self.receipts.check(receipt, self.course, **options)


@pytest.fixture
def issuing(place: Path) -> Issuing:
    made = Issuing(place)
    made.capture(include_hidden=True)
    return made


async def test_a_receipt_of_what_students_have(issuing: Issuing) -> None:
    receipt = json.loads(await issuing.text())
    assert receipt["student"] == {"username": "ada", "name": ""}
    assert receipt["service"] == "https://hub.example.edu/"
    listed = {each["path"]: each for each in receipt["entries"]}
    assert listed["bytes-\ufffd\ufffd"]["pathBase64"] == "Ynl0ZXMt//4="
    assert listed["a b/c\td\n e"]["size"] == 6
    assert "latest" not in listed
    assert receipt["files"] == len(listed) == len(receipt["entries"])
    found = issuing.check(await issuing.handed())
    assert found == ReceiptCheck("valid", "match", StoredFinding("matches"))
    assert found.holds
    assert len(found.sentences) == 3


async def test_the_text_is_utf_8_for_every_parser(issuing: Issuing) -> None:
    text = (await issuing.text()).decode("utf-8")
    assert not any("\ud800" <= letter <= "\udfff" for letter in text)
    assert "\\ud" not in text
    assert len(text.splitlines()) == json.loads(text)["files"] + 2


async def test_the_person_and_the_deadline_are_in_it(place: Path) -> None:
    issuing = Issuing(place)
    if (second := datetime.now(timezone.utc).second) > 57:
        await asyncio.sleep(60 - second)  # the last second of a minute is covered as a whole
    deadline = datetime.now(timezone.utc)
    for path, late in (("early.txt", False), ("late.txt", True)):
        issuing.home.file(path)
        if not late:
            # A change time can't be set: the deadline is put behind it.
            changed = (issuing.home / path).stat().st_ctime_ns / 1e9
            deadline = datetime.fromtimestamp(changed, timezone.utc) + timedelta(milliseconds=20)
            await asyncio.sleep(0.1)
    issuing.capture(
        deadline=deadline.isoformat(),
        extra={"kind": "deadline", "assignment": {"id": 3, "title": "Homework"}},
    )
    with issuing.on_disk.store.writing() as db:
        users = people.ensure_users(db, ["ada"])
        users["ada"].first_name, users["ada"].last_name = "Ada", "Lovelace"
        people.set_members(db, issuing.course.id, ["ada"], people.Role.STUDENT, "homes")
    receipt = json.loads(await issuing.text())
    assert receipt["student"] == {"username": "ada", "name": "Ada Lovelace"}
    assert receipt["assignment"] == {"id": 3, "title": "Homework"}
    assert receipt["snapshot"]["kind"] == "deadline"
    assert receipt["snapshot"]["lateSeconds"] == 0
    late = [each["path"] for each in receipt["entries"] if each["changedAfterDeadline"]]
    assert late == ["late.txt"]
    assert receipt["lateFiles"] == 1
    assert issuing.check(read_receipt(json.dumps(receipt).encode())).holds


def overwrite(path: Path) -> None:
    """Other bytes of the same length, with the times of before."""
    status = path.stat()
    path.write_bytes(b"X" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


ALTERED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "other bytes": ("assignments/ps1/problem1.ipynb", overwrite),
    "gone": ("assignments/ps1/problem2.ipynb", os.unlink),
    "more": ("assignments/new.txt", Path.touch),
    "no UTF-8": ("bytes-\udcff\udcfe", overwrite),
    "a link": ("-rf", lambda path: (path.unlink(), path.symlink_to("empty"))),
    "a link elsewhere": ("latest", lambda path: (path.unlink(), path.symlink_to("/etc"))),
}


@pytest.mark.threat("F8")
@pytest.mark.parametrize("what", ALTERED)
async def test_an_altered_snapshot_is_told_with_its_path(issuing: Issuing, what: str) -> None:
    path, alter = ALTERED[what]
    receipt = await issuing.handed()
    alter(issuing.tree / path)
    found = issuing.check(receipt)
    assert (found.signature, found.files) == ("valid", "match")
    assert found.stored == StoredFinding("differs", (path,))
    assert not found.holds


@pytest.mark.threat("F8")
async def test_a_snapshot_altered_with_its_manifest_is_told(issuing: Issuing) -> None:
    """The manifest is made to fit, as by somebody who knows how; the receipt still tells."""
    receipt = await issuing.handed()
    overwrite(issuing.tree / "run.sh")
    issuing.manifest.unlink()
    adopt(issuing.course.root, "ada", NAME)
    issuing.on_disk.assert_sound()
    found = issuing.check(receipt)
    assert found.stored == StoredFinding("differs", ("run.sh",))
    assert not found.holds
    assert issuing.check(receipt, contents=False).stored == found.stored


async def test_the_manifest_alone_is_quicker_and_sees_less(issuing: Issuing) -> None:
    receipt = await issuing.handed()
    overwrite(issuing.tree / "-rf")
    read: list[int] = []
    found = issuing.check(receipt, contents=False, progress=read.append)
    assert (found.stored.state, read) == ("matches", [])
    assert issuing.check(receipt, progress=read.append).stored.paths == ("-rf",)
    assert sum(read) == receipt.head["bytes"]


async def test_no_receipt_of_an_altered_manifest(issuing: Issuing) -> None:
    receipt = await issuing.handed()
    content = issuing.manifest.read_bytes()
    head, entries = content.split(b"\n", 1)
    for damaged in (
        head + b"\n" + entries.replace(b'"empty"', b'"Empty"'),
        head + b"\n" + entries[: len(entries) // 2],
        head + b"\n" + entries.split(b"\n", 1)[1],
        head + b"\njunk\n" + entries,
        head.replace(b'"ada"', b'"bob"') + b"\n" + entries,
        head.replace(NAME.encode(), b"hw_2026-02-28") + b"\n" + entries,
        b"junk",
        b"",
    ):
        issuing.manifest.write_bytes(damaged)
        with pytest.raises(ManifestMissing):
            await issuing.text()
        if damaged.startswith(head):
            found = issuing.check(receipt)
            assert found.stored.state == "differs"
            assert found.stored.manifest_damaged
            assert "manifest" in found.sentences[2]
    issuing.manifest.write_bytes(content)
    assert issuing.check(receipt).holds


async def test_a_manifest_that_is_exchanged_meanwhile_breaks_the_transfer(issuing: Issuing) -> None:
    receipt = await issuing.receipts.make(issuing.course, "ada", NAME)
    issuing.home.file("new.txt")
    issuing.capture("other_2026-03-02")
    os.rename(issuing.tree.with_name(manifest_name("other_2026-03-02")), issuing.manifest)
    with pytest.raises(ManifestMissing):
        list(receipt.pieces())


async def test_what_there_is_no_receipt_of(issuing: Issuing) -> None:
    for student, name in (
        ("ada", "gone_2026-03-01"),
        ("bob", NAME),
        ("..", NAME),
        (".jupyterhub-snapshots", "staging"),
        ("ada", manifest_name(NAME)),
        ("ada", f"{NAME}/assignments"),
    ):
        with pytest.raises(SnapshotNotFound):
            await issuing.receipts.make(issuing.course, student, name)
    issuing.on_disk.tree("ada", "old_2026-03-01", "a.txt")
    with pytest.raises(ManifestMissing, match="no manifest"):
        await issuing.receipts.make(issuing.course, "ada", "old_2026-03-01")
    adopt(issuing.course.root, "ada", "old_2026-03-01")
    receipt = await issuing.receipts.make(issuing.course, "ada", "old_2026-03-01")
    assert receipt.head["snapshot"]["state"] == "imported"


# Receipts that were changed


def forged(receipt: bytes, change: Callable[[dict[str, Any]], object]) -> HandedReceipt:
    made = json.loads(receipt)
    change(made)
    return read_receipt(json.dumps(made).encode())


FORGED: dict[str, tuple[Callable[[dict[str, Any]], object], str, str, str]] = {
    "nothing": (lambda r: None, "valid", "match", "matches"),
    "an instant": (
        lambda r: r["snapshot"].update(beganAt="2026-01-01T00:00:00Z"),
        *("invalid", "match", "matches"),
    ),
    "the course": (lambda r: r["course"].update(title="Art"), "invalid", "match", "matches"),
    "one more field": (lambda r: r.update(grade="A"), "invalid", "match", "matches"),
    "another student": (lambda r: r["student"].update(username="bob"), "invalid", "match", "gone"),
    "a path of hidden ways": (
        lambda r: r["student"].update(username="../ada"),
        *("invalid", "match", "gone"),
    ),
    "a digest": (
        lambda r: r["entries"][0].update(sha256="0" * 64),
        *("valid", "differ", "differs"),
    ),
    "a size": (lambda r: r["entries"][0].update(size=7), "valid", "differ", "differs"),
    "a file less": (lambda r: r["entries"].pop(), "valid", "differ", "differs"),
    "no file": (lambda r: r["entries"].clear(), "valid", "differ", "differs"),
    "a file twice": (
        lambda r: r["entries"].append(r["entries"][0]),
        *("valid", "differ", "differs"),
    ),
    "late or not": (
        lambda r: r["entries"][0].update(changedAfterDeadline=True),
        *("valid", "differ", "matches"),
    ),
    "another key": (lambda r: r.update(keyId="0" * 16), "unknown_key", "match", "matches"),
    "the signature": (
        lambda r: r.update(signature="A" * 86 + "=="),
        *("invalid", "match", "matches"),
    ),
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_changed_receipt_is_told(issuing: Issuing, what: str) -> None:
    change, signature, files, stored = FORGED[what]
    found = issuing.check(forged(await issuing.text(), change))
    assert (found.signature, found.files, found.stored.state) == (signature, files, stored)
    assert found.holds == (what == "nothing")
    if what in ("a digest", "a size"):
        assert found.stored.paths == (json.loads(await issuing.text())["entries"][0]["path"],)


async def test_many_differences_are_cut(issuing: Issuing) -> None:
    entry = json.loads(await issuing.text())["entries"][0]

    def many(receipt: dict[str, Any]) -> None:
        receipt["entries"] = [entry | {"path": f"{number:05}"} for number in range(3000)]

    found = issuing.check(forged(await issuing.text(), many))
    assert len(found.stored.paths) == receipts.MAX_DIFFERENCES
    assert found.stored.truncated


async def test_an_entry_that_is_none_is_no_receipt(issuing: Issuing) -> None:
    with pytest.raises(NotAReceipt):
        issuing.check(forged(await issuing.text(), lambda r: r["entries"][2].update(size=-1)))


async def test_who_may_not_read_learns_nothing_of_the_snapshot(issuing: Issuing) -> None:
    receipt = await issuing.handed()
    overwrite(issuing.tree / "-rf")
    found = issuing.receipts.check(receipt, None)
    assert found == ReceiptCheck("valid", "match", StoredFinding("not_yours"))


async def test_a_deleted_snapshot_leaves_a_good_receipt(issuing: Issuing) -> None:
    receipt = await issuing.handed()
    await issuing.on_disk.snapshots.delete(issuing.course, "ada", NAME, str(issuing.home.path))
    found = issuing.check(receipt)
    assert found == ReceiptCheck("valid", "match", StoredFinding("gone"))
    assert found.holds


async def test_receipts_outlive_the_key(issuing: Issuing) -> None:
    receipt = await issuing.handed()
    issuing.key.unlink()
    issuing.receipts = issuing.manager()
    assert issuing.check(receipt).holds
    assert (await issuing.handed()).key_id != receipt.key_id


async def test_without_a_key_there_are_no_receipts(issuing: Issuing) -> None:
    receipt = await issuing.handed()
    without = ReceiptManager(
        store=issuing.on_disk.store, snapshots=issuing.on_disk.snapshots, signer=None, service=""
    )
    with pytest.raises(SigningKeyUnusable):
        await without.make(issuing.course, "ada", NAME)
    assert without.check(receipt, issuing.course).signature == "unknown_key"


# The document


async def test_the_documents_program_checks_a_receipt(issuing: Issuing, tmp_path: Path) -> None:
    program, receipt, key = (tmp_path / name for name in ("check.py", "receipt.json", "key.pem"))
    program.write_text(python_after("docs/receipts.md", "check"))
    key.write_text(issuing.receipts.signer.public_pem)
    good = await issuing.text()

    def run(content: bytes) -> subprocess.CompletedProcess[str]:
        receipt.write_bytes(content)
        command = [sys.executable, str(program), str(receipt), str(key)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    ended = await asyncio.to_thread(run, good)
    assert (ended.returncode, ended.stdout) == (0, f"genuine: {NAME} of ada\n"), ended.stderr
    for old, new, said in (
        (b'"size":6,', b'"size":7,', "the list of files was changed"),
        (b'"changedAfterDeadline":null', b'"changedAfterDeadline":true', "was changed"),
        (b'"code": "phys"', b'"code": "chem"', "InvalidSignature"),
    ):
        assert old in good
        ended = await asyncio.to_thread(run, good.replace(old, new, 1))
        assert ended.returncode == 1
        assert said in ended.stderr


async def test_the_document_names_every_field(issuing: Issuing) -> None:
    text = (ROOT / "docs/receipts.md").read_text()
    receipt = json.loads(await issuing.text())

    def named(marker: str) -> list[str]:
        table = text.partition(f"<!-- {marker} -->\n")[2].partition("\n\n")[0]
        return re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)

    fields = [
        name
        for field in receipt
        for name in (
            [f"snapshot.{each}" for each in receipt["snapshot"]] if field == "snapshot" else [field]
        )
    ]
    assert named("fields") == fields
    assert set(named("entry fields")) == {name for each in receipt["entries"] for name in each}


async def test_a_hundred_thousand_files_take_no_memory(place: Path) -> None:
    issuing = Issuing(place)
    issuing.tree.mkdir(parents=True)
    count = 100_000
    body = b"".join(
        dump_entry(Entry(f"d{n:06}.txt", "file", 1, 0, n, 0o644, 0, 0, "0" * 64))
        for n in range(count)
    )
    digest = receipts.hashlib.sha256(body).hexdigest()
    now = "2026-03-01T12:00:00Z"
    header = Header("ada", NAME, "1", "complete", now, now, digest=digest)
    issuing.manifest.write_bytes(dump_header(header) + body)
    del body
    receipt = await issuing.receipts.make(issuing.course, "ada", NAME)
    tracemalloc.start()
    try:
        length = sum(map(len, receipt.pieces()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert receipt.head["files"] == count
    assert length > 10_000_000
    assert peak < 2_000_000
