"""Documents of an instructor: what assignments hand out."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from sqlalchemy.orm import Session

from .. import errors
from ..core.access import Action
from ..core.assignments import Document, Scope
from ..core.names import is_component
from ..store import documents
from ..store.database import utc_now
from .api import ApiHandler, number_in, tag
from .base import Operation, RawBody
from .fields import Description
from .models import LARGEST_ID, ApiModel, Instant, Name, PageQuery
from .streaming import disposition


class DocumentModel(ApiModel):
    """A file of an instructor. `creator` is the owner's `userId`, `date` the last change of the
    contents, `version` their number (0 while it is empty)."""

    id: int
    creator: int
    date: Instant
    scope: Scope
    description: str | None
    filename: str
    version: int


class NewDocumentModel(ApiModel):
    """A document to be made: a bare file name, who may see it, and a word on it."""

    filename: Name
    scope: Scope = Scope.PRIVATE
    description: Description | None = None


class DocumentPatchModel(ApiModel):
    """What of a document is to change. No description, by `null`, clears it."""

    scope: Scope | None = None
    description: Description | None = None


class DocumentVersionModel(ApiModel):
    """Contents that a document has or had; `size` in bytes."""

    number: int
    size: int
    sha256: str
    written_at: Instant
    written_by: str


class VersionQuery(ApiModel):
    """Which version of the contents; the newest without it."""

    version: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class DocumentBaseHandler(ApiHandler):
    """A route about the documents of one person."""

    async def owner(self, ident: str) -> str:
        """Username of the person whose documents they are.

        Raises AccessDenied for a caller who is no person and names none; NotFound when an
        administrator names somebody whom nobody knows.
        """
        owner = self.caller.username if ident == "me" else ident
        if owner is None:
            raise errors.AccessDenied(
                "Documents belong to a person. Use a personal key or your own hub token, or name "
                "a person in the path instead of 'me'."
            )
        if owner != self.caller.username and not await self.services.store.read(
            lambda db: documents.is_known(db, owner)
        ):
            raise errors.NotFound("The service knows nobody of that name.")
        return owner

    async def own(self, ident: str, document: str) -> Document:
        """The person's document of that id. Raises DocumentNotFound, AccessDenied."""
        owner, number = await self.owner(ident), number_in(document)
        found = await self.services.store.read(lambda db: documents.get_document(db, number))
        if found.owner != owner:
            raise errors.AccessDenied("This document belongs to another person.")
        self.target = found.filename
        return found


class DocumentListHandler(DocumentBaseHandler):
    """GET, POST …/documents"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DOCUMENTS, "Your documents", list[DocumentModel], query=PageQuery
        ),
        "POST": Operation(
            Action.WRITE_DOCUMENTS,
            "Make an empty document; the answer is its id",
            int,
            status=201,
            body=NewDocumentModel,
        ),
    }

    async def get(self, ident: str) -> None:
        """See the class."""
        owner = await self.owner(ident)
        found = await self.services.store.read(lambda db: documents.list_documents(db, owner))
        await self.reply_list(found, self.query(PageQuery), document_model)

    async def post(self, ident: str) -> None:
        """See the class."""
        owner = await self.owner(ident)
        wanted = self.json_body(NewDocumentModel)
        if not _is_bare(wanted.filename):
            raise errors.InvalidName(
                "filename: give the bare name of a file, as worksheet.ipynb: no path, and no dot "
                "at its beginning.",
                field="filename",
            )
        self.target = wanted.filename
        made = await self.services.store.write(
            lambda db: documents.create_document(
                db,
                owner=owner,
                filename=wanted.filename,
                scope=wanted.scope,
                description=wanted.description,
                now=utc_now(),
            )
        )
        self.reply_created(made.id)


class DocumentHandler(DocumentBaseHandler):
    """GET, PATCH, DELETE …/documents/{document}"""

    operations: ClassVar = {
        "GET": Operation(Action.READ_DOCUMENTS, "One document", DocumentModel),
        "PATCH": Operation(
            Action.WRITE_DOCUMENTS,
            "Change a document's scope or description",
            DocumentModel,
            body=DocumentPatchModel,
        ),
        "DELETE": Operation(
            Action.WRITE_DOCUMENTS, "Delete a document that no assignment hands out", str
        ),
    }

    async def get(self, ident: str, document: str) -> None:
        """See the class."""
        self.reply_item(document_model(await self.own(ident, document)))

    async def patch(self, ident: str, document: str) -> None:
        """See the class."""
        found = await self.own(ident, document)
        wanted = self.json_body(DocumentPatchModel)
        fields = {name: getattr(wanted, name) for name in wanted.model_fields_set}
        if fields.get("scope", "") is None:
            del fields["scope"]

        def work(db: Session) -> Document:
            self.check_if_match(document_model(documents.get_document(db, found.id)))
            return documents.update_document(db, found.id, fields)

        self.reply_item(document_model(await self.services.store.write(work)))

    async def delete(self, ident: str, document: str) -> None:
        """See the class."""
        found = await self.own(ident, document)

        def work(db: Session) -> None:
            self.check_if_match(document_model(documents.get_document(db, found.id)))
            documents.delete_document(db, found.id)

        await self.services.store.write(work)
        self.reply("deleted document")


class DocumentContentsHandler(DocumentBaseHandler):
    """GET, PUT …/documents/{document}/data"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DOCUMENTS,
            "The contents of a document",
            query=VersionQuery,
            media="application/octet-stream",
        ),
        "PUT": Operation(
            Action.WRITE_DOCUMENTS,
            "Write the contents of a document; those before are kept",
            str,
            body=RawBody(summary="The contents, up to 2 MiB"),
        ),
    }

    async def get(self, ident: str, document: str) -> None:
        """See the class."""
        number = self.query(VersionQuery).version
        found = await self.own(ident, document)
        content = await self.services.store.read(
            lambda db: documents.contents(db, found.id, number)
        )
        self.set_header("ETag", tag(content))
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", disposition(found.filename))
        self.finish(content)

    async def put(self, ident: str, document: str) -> None:
        """See the class."""
        found = await self.own(ident, document)
        content = self.body
        by = self.caller.name

        def work(db: Session) -> Document:
            self.check_if_match(documents.contents(db, found.id))
            return documents.write_contents(db, found.id, content, written_by=by, now=utc_now())

        written = await self.services.store.write(work)
        self.set_header("ETag", tag(content))
        self.target = f"{written.filename}, version {written.version}"
        self.reply("contents updated")


class DocumentVersionListHandler(DocumentBaseHandler):
    """GET …/documents/{document}/versions"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DOCUMENTS,
            "The contents that a document has and had, newest first",
            list[DocumentVersionModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str, document: str) -> None:
        """See the class."""
        found = await self.own(ident, document)
        versions = await self.services.store.read(lambda db: documents.list_versions(db, found.id))
        await self.reply_list(versions, self.query(PageQuery), _version_model)


def _is_bare(name: str) -> bool:
    """Whether it is a name that a file can have in any home, where it is seen."""
    usable = is_component(name) and name.isprintable() and name.strip() == name
    return usable and not name.startswith(".") and "\\" not in name


def document_model(document: Document) -> dict[str, object]:
    """JSON of a document."""
    fields = {field: getattr(document, field) for field in DocumentModel.model_fields}
    return DocumentModel.model_validate(fields).json_value()


def _version_model(version: documents.DocumentVersion) -> dict[str, object]:
    fields = {field: getattr(version, field) for field in DocumentVersionModel.model_fields}
    return DocumentVersionModel.model_validate(fields).json_value()
