"""``jupyterhub-snapshots verify-receipt``: what holds of a receipt, and what does not."""

from __future__ import annotations

import os
from typing import Any

from tqdm import tqdm
from traitlets import Dict, Unicode

from ..base_app import ALIASES
from ..core.receipt_reader import HandedReceipt, read_receipt
from ..core.receipts import visible
from ..core.records import Course
from ..errors import NotAReceipt
from ..receipts import ReceiptCheck, StoredFinding, check_alone, compare_with_stored
from ..signing import PublicKeys
from ..snapshot_trees import SnapshotTrees
from .base import Command

_SIZE_LIMIT = 1 << 30


class VerifyReceiptApp(Command):
    """Check a receipt, also against the stored snapshot: verify-receipt FILE [--public-key=FILE].

    With a public key nothing else is needed. Where the courses are configured, the snapshot that
    the receipt is of is read again.
    """

    public_key = Unicode(
        help="PEM file with the public key; without it, the keys of the installation."
    ).tag(config=True)
    aliases: Any = Dict({**ALIASES, "public-key": "VerifyReceiptApp.public_key"})

    def run(self) -> int:
        """See the class."""
        if len(self.extra_args) != 1:
            self.usage("verify-receipt FILE [--public-key=PEMFILE]")
        receipt = read_receipt(self._content(self.extra_args[0]))
        courses = self._courses()
        keys = self._keys(courses)
        signature, files = check_alone(receipt, keys)
        stored = StoredFinding()
        course = next((each for each in courses if each.code == receipt.course), None)
        if course is not None:
            stored = self._look(receipt, course)
        elif courses:
            stored = StoredFinding("gone")
        return self._tell(receipt, ReceiptCheck(signature, files, stored))

    def _content(self, path: str) -> bytes:
        try:
            with open(path, "rb") as file:
                content = file.read(_SIZE_LIMIT + 1)
        except OSError as error:
            self.exit_with(f"{path} can't be read: {error.strerror}.")
        if len(content) > _SIZE_LIMIT:
            raise NotAReceipt(f"{path} is too large to be a receipt.")
        return content

    def _courses(self) -> list[Course]:
        """Those that are configured; without any there is nothing to open."""
        if not (self.courses or os.environ.get("JNOTE_SNAP")):
            return []
        store = self.open_store()
        try:
            return self.open_courses(store)
        finally:
            store.close()

    def _keys(self, courses: list[Course]) -> PublicKeys:
        if self.public_key:
            return PublicKeys.read(self.public_key)
        signer = self.open_signer(courses, make=False)
        if signer is None:
            self.exit_with(
                "By which key? Name a file with --public-key, or the configuration of the "
                "installation with --config."
            )
        assert signer is not None
        return signer

    def _look(self, receipt: HandedReceipt, course: Course) -> StoredFinding:
        total = receipt.head["bytes"]
        with tqdm(total=total, unit="B", unit_scale=True, disable=None) as bar:
            return compare_with_stored(receipt, SnapshotTrees(), course, progress=bar.update)

    def _tell(self, receipt: HandedReceipt, found: ReceiptCheck) -> int:
        """A line for each finding, then the paths that differ."""
        snapshot = receipt.head["snapshot"]
        what = f"{receipt.course}/{receipt.student}/{receipt.snapshot}"
        self.say(visible(f"Receipt of {what}, taken {snapshot['beganAt']}"))
        states = (found.signature, found.files, found.stored.state or "not compared")
        names = ("signature", "files", "stored")
        for name, state, sentence in zip(names, states, found.sentences, strict=True):
            self.say(f"{name}: {state.replace('_', ' ')}. {sentence}")
        for path in found.stored.paths:
            self.say(f"differs: {visible(path)}")
        if found.stored.truncated:
            self.say("differs: and more")
        return 0 if found.holds else 1
