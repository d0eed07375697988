"""Documents of instructors, and every version of their contents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from ..core.assignments import Document, Scope
from ..errors import DocumentExists, DocumentInUse, DocumentNotFound
from .assignment_tables import AssignmentRow, DocumentRow, DocumentVersionRow
from .people import ensure_users
from .tables import UserRow


@dataclass(frozen=True)
class DocumentVersion:
    """Contents that a document has, or had.

    Attributes:
        number: from 1; a document without a version is empty.
        size: bytes.
        written_by: who wrote it, as the audit log names callers.
    """

    number: int
    size: int
    sha256: str
    written_at: datetime
    written_by: str


def is_known(db: Session, username: str) -> bool:
    """Whether the service knows a person of that hub username."""
    return bool(db.scalar(select(exists().where(UserRow.username == username))))


def list_documents(db: Session, owner: str) -> list[Document]:
    """The documents of a person, in the order in which they were made."""
    rows = db.scalars(
        select(DocumentRow).join(UserRow).where(UserRow.username == owner).order_by(DocumentRow.id)
    )
    return [_document(row) for row in rows]


def get_document(db: Session, document_id: int) -> Document:
    """One document, whosever it is. Raises DocumentNotFound."""
    return _document(_row(db, document_id))


def create_document(
    db: Session,
    *,
    owner: str,
    filename: str,
    scope: Scope,
    description: str | None,
    now: datetime,
) -> Document:
    """A new document, which is empty. Raises DocumentExists."""
    person = ensure_users(db, [owner])[owner]
    taken = exists().where(DocumentRow.owner_id == person.id, DocumentRow.filename == filename)
    if db.scalar(select(taken)):
        raise DocumentExists(f"You have a document {filename!r} already. Choose another name.")
    row = DocumentRow(
        owner=person,
        filename=filename,
        scope=scope.value,
        description=description,
        changed_at=now,
        version=0,
    )
    db.add(row)
    db.flush()
    return _document(row)


def update_document(db: Session, document_id: int, fields: Mapping[str, object]) -> Document:
    """Changes scope or description. Raises DocumentNotFound."""
    row = _row(db, document_id)
    if "scope" in fields:
        row.scope = Scope(fields["scope"]).value
    if "description" in fields:
        row.description = fields["description"]  # type: ignore[assignment]
    db.flush()
    return _document(row)


def delete_document(db: Session, document_id: int) -> None:
    """Removes a document with all its versions.

    Raises DocumentNotFound; DocumentInUse while an assignment hands it out.
    """
    row = _row(db, document_id)
    titles = db.scalars(
        select(AssignmentRow.title).where(AssignmentRow.document_id == document_id).limit(3)
    ).all()
    if titles:
        raise DocumentInUse(
            f"Assignments hand this document out: {', '.join(titles)}. Delete these first."
        )
    db.delete(row)
    db.flush()


# Contents


def write_contents(
    db: Session, document_id: int, content: bytes, *, written_by: str, now: datetime
) -> Document:
    """Gives a document these contents and keeps those it had. Raises DocumentNotFound.

    Nothing changes when these are its contents already.
    """
    row = _row(db, document_id)
    digest = hashlib.sha256(content).hexdigest()
    newest = _version(db, row, row.version)
    if newest is not None and newest.sha256 == digest:
        return _document(row)
    row.version += 1
    row.changed_at = now
    db.add(
        DocumentVersionRow(
            document_id=row.id,
            number=row.version,
            content=content,
            sha256=digest,
            written_at=now,
            written_by=written_by,
        )
    )
    db.flush()
    return _document(row)


def contents(db: Session, document_id: int, number: int | None = None) -> bytes:
    """The newest contents of a document, or those of one version.

    Raises DocumentNotFound, also for a version that there is not.
    """
    row = _row(db, document_id)
    found = _version(db, row, row.version if number is None else number)
    if found is None and (number is not None or row.version):
        raise DocumentNotFound(
            "The document has no such version. GET …/documents/{document}/versions lists them."
        )
    return found.content if found is not None else b""


def list_versions(db: Session, document_id: int) -> list[DocumentVersion]:
    """The versions of a document, newest first. Raises DocumentNotFound."""
    _row(db, document_id)
    columns = DocumentVersionRow
    rows = db.execute(
        select(
            columns.number,
            func.length(columns.content),
            columns.sha256,
            columns.written_at,
            columns.written_by,
        )
        .where(columns.document_id == document_id)
        .order_by(columns.number.desc())
    )
    return [DocumentVersion(*row) for row in rows]


def _row(db: Session, document_id: int) -> DocumentRow:
    row = db.get(DocumentRow, document_id)
    if row is None:
        raise DocumentNotFound("There is no such document. GET …/documents lists yours.")
    return row


def _version(db: Session, row: DocumentRow, number: int) -> DocumentVersionRow | None:
    return db.scalar(
        select(DocumentVersionRow).where(
            DocumentVersionRow.document_id == row.id, DocumentVersionRow.number == number
        )
    )


def _document(row: DocumentRow) -> Document:
    return Document(
        id=row.id,
        creator=row.owner_id,
        owner=row.owner.username,
        filename=row.filename,
        scope=Scope(row.scope),
        description=row.description,
        date=row.changed_at,
        version=row.version,
    )
