"""Receipts of snapshots, the key that signs them, and checking one that is handed in."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from .. import errors
from ..core.access import Action, allows
from ..core.receipt_reader import HandedReceipt, read_receipt
from ..core.receipts import readable
from ..core.records import Course
from ..receipts import ReceiptCheck
from ..signing import ALGORITHM
from .api import ApiHandler
from .base import Operation
from .body import DRAINED_BYTES
from .models import ApiModel, ProblemModel
from .own import OwnHandler
from .receipt_check_page import CHECK_STYLE, SCRIPT, check_page
from .receipt_pages import STYLE, policy, receipt_page
from .services import Services
from .streaming import StreamingHandler

#: Checks under way at once, of all and of one caller; more are asked to come back.
MAX_CHECKS, MAX_CHECKS_EACH = 8, 2
_checkers = ThreadPoolExecutor(2, thread_name_prefix="receipts")
_checks: Counter[str] = Counter()


class ReceiptCourseModel(ApiModel):
    """The course of a receipt."""

    code: str
    title: str
    time_zone: str


class ReceiptAssignmentModel(ApiModel):
    """The assignment that a snapshot was taken for."""

    id: int
    title: str


class ReceiptStudentModel(ApiModel):
    """Whose snapshot it is."""

    username: str
    name: str


class ReceiptProblemModel(ProblemModel):
    """Something missing or flagged; `pathBase64` has the bytes of a path that is not UTF-8."""

    path_base64: str | None = Field(default=None, alias="pathBase64")


class ReceiptSnapshotModel(ApiModel):
    """The capture. `lateSeconds` is how long after the deadline it began."""

    name: str
    kind: str | None
    state: str
    deadline: datetime | None
    requested_at: datetime | None
    began_at: datetime
    ended_at: datetime
    late_seconds: int | None
    problems: list[ReceiptProblemModel]
    problem_count: int


class ReceiptEntryModel(ApiModel):
    """One file; `pathBase64` has the bytes of a path that is not UTF-8."""

    path: str
    path_base64: str | None = Field(default=None, alias="pathBase64")
    size: int
    sha256: str
    changed_after_deadline: bool | None


class ReceiptModel(ApiModel):
    """A receipt: which files a snapshot held, and when it was taken, signed by the service."""

    receipt: Literal[1]
    issued_at: datetime
    service: str
    course: ReceiptCourseModel
    assignment: ReceiptAssignmentModel | None
    student: ReceiptStudentModel
    snapshot: ReceiptSnapshotModel
    files: int
    bytes: int
    late_files: int | None
    root_digest: str
    key_id: str
    signature: str
    entries: list[ReceiptEntryModel]


class ReceiptKeyModel(ApiModel):
    """The public key that receipts are checked with, as PEM."""

    key_id: str
    algorithm: Literal["Ed25519"]
    public_key: str


class ReceiptCheckModel(ApiModel):
    """What holds of a receipt; `findings` are sentences about signature, files, stored."""

    signature: Literal["valid", "invalid", "unknown_key"]
    files: Literal["match", "differ"]
    stored: Literal["matches", "differs", "gone", "not_yours"]
    message: str
    findings: list[str]
    differences: list[str]
    truncated: bool


class CheckQuery(ApiModel):
    """`contents=false` compares with the manifest alone and reads no file again."""

    contents: bool = True


class ReceiptHandler(ApiHandler, StreamingHandler):
    """GET …/snapshots/{name}/receipt"""

    operations: ClassVar = {
        "GET": Operation(Action.DOWNLOAD, "The receipt of a snapshot", ReceiptModel)
    }

    async def get(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        self.target = name
        receipt = await self.services.receipts.make(self.here, self.whose, name)
        self._attach(f"{self.whose}-{name}-receipt.json", "application/json")
        await self._send(receipt.pieces())


class ReceiptPageHandler(ApiHandler, StreamingHandler):
    """GET …/snapshots/{name}/receipt.html"""

    operations: ClassVar = {
        "GET": Operation(
            Action.DOWNLOAD, "The receipt of a snapshot as a page to print", media="text/html"
        )
    }

    async def get(self, ident: str, course: str, student: str, name: str) -> None:
        """See the class."""
        self.target = name
        receipt = await self.services.receipts.make(self.here, self.whose, name)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", policy(STYLE))
        check_address = f"{self.services.prefix}api/v1/receipts"
        await self._send(receipt_page(receipt.head, receipt.entries(), check_address))

    def answers_pages(self, status_code: int) -> bool:
        """Browsers get a page of an error, too."""
        return "text/html" in self.request.headers.get("Accept", "")


class OwnReceiptHandler(OwnHandler, ReceiptHandler):
    """GET …/users/me/courses/{course}/snapshots/{name}/receipt"""


class OwnReceiptPageHandler(OwnHandler, ReceiptPageHandler):
    """GET …/users/me/courses/{course}/snapshots/{name}/receipt.html"""


class ReceiptKeyHandler(ApiHandler):
    """GET /api/v1/receipts/key"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_API, "The public key that receipts are checked with", ReceiptKeyModel
        )
    }

    async def get(self) -> None:
        """See the class."""
        signer = self.services.receipts.signer
        self.reply({"keyId": signer.key_id, "algorithm": ALGORITHM, "publicKey": signer.public_pem})


class ReceiptCheckPageHandler(ApiHandler):
    """GET /api/v1/receipts"""

    operations: ClassVar = {
        "GET": Operation(Action.READ_API, "A page on which a receipt is checked", media="text/html")
    }

    async def get(self) -> None:
        """See the class."""
        token = b""
        if self.caller.credential == "session":
            # JupyterHub sets the cookie that the token needs, and asks for the user meanwhile, in
            # a way that blocks unless it is known.
            self.current_user = self.caller.name
            token = self.xsrf_token
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", policy(CHECK_STYLE, SCRIPT))
        self.finish(check_page(token.decode("ascii"), DRAINED_BYTES))


class _ClientGone(Exception):
    """Nobody waits for the answer any more."""


class ReceiptCheckHandler(ApiHandler):
    """POST /api/v1/receipts/check"""

    max_body_bytes = DRAINED_BYTES
    operations: ClassVar = {
        "POST": Operation(
            Action.CHECK_RECEIPT,
            "What holds of a receipt, and of the stored snapshot if you may read it",
            ReceiptCheckModel,
            body=ReceiptModel,
            query=CheckQuery,
        )
    }

    def initialize(self, services: Services) -> None:
        """Called by Tornado."""
        super().initialize(services)
        self._gone = threading.Event()

    def on_connection_close(self) -> None:
        """No more is read for nobody."""
        self._gone.set()
        super().on_connection_close()

    async def post(self) -> None:
        """See the class."""
        contents = self.query(CheckQuery).contents
        with self._turn():
            loop = asyncio.get_running_loop()
            try:
                receipt = await loop.run_in_executor(_checkers, read_receipt, self.body)
                course = self._readable_course(receipt)
                found = await loop.run_in_executor(
                    _checkers, self._check, receipt, course, contents
                )
            except _ClientGone:
                return
        self.reply_check(found)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """While a check is under way. Raises Busy."""
        caller = self.caller.name
        if sum(_checks.values()) >= MAX_CHECKS or _checks[caller] >= MAX_CHECKS_EACH:
            raise errors.Busy("Too many receipts are being checked. Try again in a moment.", 10)
        _checks[caller] += 1
        try:
            yield
        finally:
            _checks[caller] -= 1
            if not _checks[caller]:
                del _checks[caller]

    def _readable_course(self, receipt: HandedReceipt) -> Course | None:
        """The receipt's course, if the caller may read the student's snapshots in it.

        Whether there is such a course at all is not told.
        """
        for course in self.services.roster.courses:
            if course.code == receipt.course and allows(
                self.caller, Action.DOWNLOAD, course.id, receipt.student
            ):
                self.course = course
                self.student_name, self.target = receipt.student, receipt.snapshot
                return course
        return None

    def _check(self, receipt: HandedReceipt, course: Course | None, contents: bool) -> ReceiptCheck:
        def progress(size: int) -> None:
            if self._gone.is_set():
                raise _ClientGone

        return self.services.receipts.check(receipt, course, contents=contents, progress=progress)

    def reply_check(self, found: ReceiptCheck) -> None:
        """Answers the findings."""
        sentences = found.sentences
        self.reply(
            {
                "signature": found.signature,
                "files": found.files,
                "stored": found.stored.state,
                "message": " ".join(sentences),
                "findings": sentences,
                "differences": [readable(path) for path in found.stored.paths],
                "truncated": found.stored.truncated,
            }
        )
