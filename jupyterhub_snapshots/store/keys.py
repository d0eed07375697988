"""API keys: a public prefix, and a salted hash of the whole. The key itself is shown once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..core.records import ApiKey
from ..errors import KeyNotFound
from .database import utc_now
from .tables import ApiKeyRow

_MARK = "jhs_"
_PREFIX_LENGTH = len(_MARK) + 8
_SECRET_BYTES = 24
_USED_STEP = timedelta(minutes=1)


def create_key(
    db: Session, *, name: str, owner: str, course_id: int | None, created_by: str
) -> tuple[ApiKey, str]:
    """A new key and its secret text, which is kept nowhere."""
    secret = f"{_MARK}{secrets.token_hex(4)}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    salt = secrets.token_hex(16)
    row = ApiKeyRow(
        prefix=secret[:_PREFIX_LENGTH],
        salt=salt,
        hashed=_hash(salt, secret),
        name=name,
        owner=owner,
        course_id=course_id,
        created_at=utc_now(),
        created_by=created_by,
    )
    db.add(row)
    db.flush()
    return _key(row), secret


def check_key(db: Session, secret: str) -> ApiKey | None:
    """The key that the text is, or None for a wrong or revoked one. Takes constant time."""
    raw = secret.encode("utf-8", "surrogateescape")
    prefix = secret[:_PREFIX_LENGTH] if secret.isascii() else ""
    found = None
    for row in db.scalars(select(ApiKeyRow).where(ApiKeyRow.prefix == prefix)):
        if hmac.compare_digest(_hash_bytes(row.salt, raw), row.hashed) and row.revoked_at is None:
            found = row
    return _key(found) if found is not None else None


def note_use(db: Session, key_id: int) -> None:
    """Notes that the key was used now."""
    row = db.get(ApiKeyRow, key_id)
    if row is not None:
        row.last_used_at = utc_now()


def use_is_stale(key: ApiKey) -> bool:
    """Whether the last use is worth noting again; once a minute is enough."""
    return key.last_used_at is None or utc_now() - key.last_used_at > _USED_STEP


def list_keys(db: Session, owner: str | None = None) -> list[ApiKey]:
    """Keys of one person, or of all, the revoked ones included; newest last."""
    query = select(ApiKeyRow).order_by(ApiKeyRow.id)
    if owner is not None:
        query = query.where(ApiKeyRow.owner == owner)
    return [_key(row) for row in db.scalars(query)]


def revoke_key(db: Session, key_id: int, owner: str | None = None) -> ApiKey:
    """Ends the key at once; harmless when done twice. Raises KeyNotFound."""
    row = db.get(ApiKeyRow, key_id)
    if row is None or (owner is not None and row.owner != owner):
        raise KeyNotFound("There is no such key. The list of keys shows their numbers.")
    if row.revoked_at is None:
        row.revoked_at = utc_now()
    return _key(row)


def _hash(salt: str, secret: str) -> str:
    return _hash_bytes(salt, secret.encode())


def _hash_bytes(salt: str, secret: bytes) -> str:
    # The secret has 192 random bits, so a slow hash would protect nothing more.
    return hashlib.sha256(salt.encode() + secret).hexdigest()


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        prefix=row.prefix,
        name=row.name,
        owner=row.owner,
        course_id=row.course_id,
        created_at=row.created_at,
        created_by=row.created_by,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
