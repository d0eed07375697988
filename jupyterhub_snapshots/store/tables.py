"""Mapped classes. Times are stored as UTC and come back aware on every database."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant; SQLite forgets time zones, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: in UTC. Raises ValueError for a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive time")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database: aware."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=timezone.utc)  # type: ignore[no-any-return]
        return value.astimezone(timezone.utc)  # type: ignore[no-any-return]


class Base(DeclarativeBase):
    """Root of the mapped classes."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime}


class CourseRow(Base):
    """A course that the configuration names; the revision counts what moves its deadlines."""

    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(255), unique=True)
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=0, server_default="0")


class UserRow(Base):
    """A person, known by hub username."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(255), unique=True)
    canvas_id: Mapped[str | None] = mapped_column(String(255), index=True)
    first_name: Mapped[str] = mapped_column(String(255), default="")
    last_name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    university_id: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]


class MemberRow(Base):
    """A person in a course."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("course_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(String(32))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    user: Mapped[UserRow] = relationship(lazy="joined", innerjoin=True)


class ApiKeyRow(Base):
    """A personal key: public prefix, salt and hash of the whole."""

    __tablename__ = "api_keys"
    id: Mapped[int] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(32), index=True)
    salt: Mapped[str] = mapped_column(String(64))
    hashed: Mapped[str] = mapped_column(String(128))
    name: Mapped[str] = mapped_column(String(255))
    owner: Mapped[str] = mapped_column(String(255), index=True)
    course_id: Mapped[int | None] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SnapshotRow(Base):
    """What is known of a snapshot beyond its being on the disk."""

    __tablename__ = "snapshots"
    __table_args__ = (UniqueConstraint("course_id", "student", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    student: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    inode: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(32))
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    files: Mapped[int | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    copied_bytes: Mapped[int | None] = mapped_column(BigInteger)
    changed_files: Mapped[int] = mapped_column(default=0)
    problem_count: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str | None] = mapped_column(String(128))
    pinned: Mapped[bool] = mapped_column(default=False)
    assignment_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[str | None] = mapped_column(String(16))
    deadline: Mapped[datetime | None]
    late_count: Mapped[int] = mapped_column(default=0, server_default="0")
    late_files: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id", ondelete="SET NULL"))
    created_by: Mapped[str | None] = mapped_column(String(255))


class BatchRow(Base):
    """Captures that were started together."""

    __tablename__ = "batches"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    requested_by: Mapped[str] = mapped_column(String(255))
    requested_at: Mapped[datetime]
    include_hidden: Mapped[bool]
    assignment_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[str | None] = mapped_column(String(16))
    instant: Mapped[datetime | None]
    items: Mapped[list[BatchItemRow]] = relationship(
        lazy="selectin", order_by="BatchItemRow.id", cascade="all, delete-orphan"
    )


class BatchItemRow(Base):
    """The capture of one student in a batch."""

    __tablename__ = "batch_items"
    __table_args__ = (UniqueConstraint("batch_id", "student"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    student: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(32), index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None]
    outcome: Mapped[str | None] = mapped_column(String(32))
    problem_count: Mapped[int] = mapped_column(default=0)
    files: Mapped[int | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    copied_bytes: Mapped[int | None] = mapped_column(BigInteger)


class AuditRow(Base):
    """One line of the audit log."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_course_id_id", "course_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    principal: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(64))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("courses.id", ondelete="SET NULL"))
    student: Mapped[str | None] = mapped_column(String(255))
    target: Mapped[str | None]
    status: Mapped[int]
    address: Mapped[str | None] = mapped_column(String(64))
