"""Mapped classes of documents, assignments, and what follows from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .tables import Base, UserRow


class DocumentRow(Base):
    """A file of an instructor; its contents are its versions."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("owner_id", "filename"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    filename: Mapped[str] = mapped_column(String(255))
    scope: Mapped[str] = mapped_column(String(32))
    description: Mapped[str | None]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)
    owner: Mapped[UserRow] = relationship(lazy="joined", innerjoin=True)


class DocumentVersionRow(Base):
    """Contents that a document has, or had."""

    __tablename__ = "document_versions"
    __table_args__ = (UniqueConstraint("document_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    number: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64))
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(255))


class AssignmentRow(Base):
    """An assignment of a course. Without `hidden` it needs no password."""

    __tablename__ = "assignments"
    # Snapshots keep the id for ever, so none is given twice.
    __table_args__ = (
        UniqueConstraint("course_id", "title"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    document_id: Mapped[int | None] = mapped_column(
        ForeignKey("documents.id", ondelete="SET NULL"), index=True
    )
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    due: Mapped[datetime | None]
    visible_from: Mapped[datetime | None]
    visible_till: Mapped[datetime | None]
    grade_release: Mapped[datetime | None]
    hidden: Mapped[bool | None]
    minutes: Mapped[int | None]
    password_hash: Mapped[str | None] = mapped_column(String(255))
    point_value: Mapped[int | None]
    total_problems: Mapped[int | None]
    assigner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]


class ExtensionRow(Base):
    """A student's own due date; None excuses the student."""

    __tablename__ = "extensions"
    __table_args__ = (UniqueConstraint("assignment_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    until: Mapped[datetime | None]
    granted_at: Mapped[datetime]
    granted_by: Mapped[str] = mapped_column(String(255))


class AccommodationRow(Base):
    """What a student is given in a course; the factor as a fraction, written "3/2"."""

    __tablename__ = "accommodations"
    __table_args__ = (UniqueConstraint("course_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    time_factor: Mapped[str] = mapped_column(String(64))
    time_extra_minutes: Mapped[int]
    date_extra_hours: Mapped[int]


class AccessTokenRow(Base):
    """A student opened an assignment."""

    __tablename__ = "access_tokens"
    __table_args__ = (UniqueConstraint("assignment_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class CaptureRow(Base):
    """A capture for an assignment that was decided on: its batch says what became of it."""

    __tablename__ = "captures"
    __table_args__ = (
        UniqueConstraint("assignment_id", "user_id", "kind", "instant"),
        Index("ix_captures_course_id_user_id", "course_id", "user_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    student: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(16))
    instant: Mapped[datetime]
    decided_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(
        ForeignKey("batches.id", ondelete="SET NULL"), index=True
    )
    snapshot: Mapped[str] = mapped_column(String(255))


class DeliveryRow(Base):
    """A file that goes, or went, into a student's home: a document, or a report that waits.

    The contents of a document are those of its version; those of a report are here until they
    are delivered. Whoever delivers it holds it until `claimed_until`.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_state_due_at", "state", "due_at"),
        Index("ix_deliveries_assignment_id_user_id", "assignment_id", "user_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    student: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(16))
    filename: Mapped[str] = mapped_column(String(255))
    version_id: Mapped[int | None] = mapped_column(
        ForeignKey("document_versions.id", ondelete="SET NULL")
    )
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    path: Mapped[str | None] = mapped_column(String(4096))
    renamed: Mapped[bool] = mapped_column(default=False)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))
    done_at: Mapped[datetime | None]
