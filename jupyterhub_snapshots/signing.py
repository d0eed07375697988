"""The key that signs receipts (Ed25519), and the public keys that receipts are checked with.

The private key is a PEM file that only the service's user may read. Beside it lies
``signing-keys.pem``: the public key of every private key that was used there, so that receipts of
an older key can still be checked when there is a new one. More public keys may be put into it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from .beneath import Folder
from .errors import SigningKeyUnusable

ALGORITHM = "Ed25519"
#: File of the public keys, beside the private key.
TRUSTED = "signing-keys.pem"

_KEY_ID_CHARACTERS = 16
_FILE_LIMIT = 1 << 20
_PUBLIC_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


class PublicKeys:
    """Keys by which a signature is known."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = {key_id(key): key for key in keys}

    @classmethod
    def read(cls, path: str) -> PublicKeys:
        """The keys of a PEM file, public or private ones. Raises SigningKeyUnusable."""
        content = _read(path, private=False)
        keys = _public_keys(path, content)
        if b"PRIVATE KEY" in content:
            keys.append(_private_key(path, content).public_key())
        if not keys:
            raise SigningKeyUnusable(
                f"{path} holds no public key. It must be a PEM file, as of /api/v1/receipts/key."
            )
        return cls(keys)

    def check(self, identifier: str, message: bytes, signature: bytes) -> str:
        """ "valid", "invalid", or "unknown_key" when there is no key of that id."""
        key = self._keys.get(identifier)
        if key is None:
            return "unknown_key"
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return "invalid"
        return "valid"


class Signer(PublicKeys):
    """Signs with the service's key, and knows the older ones."""

    def __init__(self, key: Ed25519PrivateKey, older: Iterable[Ed25519PublicKey] = ()) -> None:
        public = key.public_key()
        super().__init__([*older, public])
        self._key = key
        self.key_id = key_id(public)
        self.public_pem = _public_pem(public).decode("ascii")

    @classmethod
    def open(cls, path: str) -> Signer:
        """The key of the file, which is made when it is missing; never is one overwritten.

        Two processes that start at once end up with one key. Raises SigningKeyUnusable.
        """
        if not os.path.lexists(path):
            _make(path)
        key = _private_key(path, _read(path, private=True))
        trusted = os.path.join(os.path.dirname(os.path.abspath(path)), TRUSTED)
        older = []
        if os.path.exists(trusted):
            older = _public_keys(trusted, _read(trusted, private=False, ours=True))
        signer = cls(key, older)
        if signer.key_id not in map(key_id, older):
            _remember(trusted, [*older, key.public_key()])
        return signer

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(message)


def key_id(key: Ed25519PublicKey) -> str:
    """The first half of the digest of the raw public key, in hex: 16 characters."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:_KEY_ID_CHARACTERS]


def _make(path: str) -> None:
    """Writes a new key, whole or not at all; leaves alone what another process wrote meanwhile."""
    content = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    folder, name = os.path.split(os.path.abspath(path))
    try:
        with Folder.at(folder) as place:
            place.write_new(name, content)
    except FileExistsError:
        return
    except OSError as error:
        raise SigningKeyUnusable(
            f"The key that signs receipts can't be written to {path}: {error.strerror}. Name "
            "another place with c.SnapshotsApp.signing_key_file."
        ) from error


def _remember(path: str, keys: list[Ed25519PublicKey]) -> None:
    """Notes the public keys, unless the private one was put where nothing can be written."""
    folder, name = os.path.split(path)
    try:
        with Folder.at(folder) as place:
            place.replace(name, b"".join(map(_public_pem, keys)))
    except OSError as error:
        if not os.access(folder, os.W_OK):
            return  # mounted by the operator, as on Kubernetes, who keeps the older ones, too
        raise SigningKeyUnusable(f"{path} can't be written: {error.strerror}.") from error


def _read(path: str, *, private: bool, ours: bool = False) -> bytes:
    """The content of a key file. `ours`: nobody else may be able to change it.

    A link that the operator made is followed: mounted secrets are links. Raises
    SigningKeyUnusable.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SigningKeyUnusable(f"{path} is no file.")
            content = file.read(_FILE_LIMIT)
    except OSError as error:
        raise SigningKeyUnusable(f"The key {path} can't be read: {error.strerror}.") from error
    closed = 0o077 if private else 0o022 if ours else 0
    if status.st_mode & closed:
        may = "read" if private else "change"
        raise SigningKeyUnusable(
            f"Others may {may} {path}, so nothing that it signs proves anything. Close it to them "
            f"with: chmod 600 {path}"
        )
    if (private or ours) and status.st_uid not in (0, os.geteuid()):
        raise SigningKeyUnusable(
            f"{path} belongs to another user. Give it to the service: chown {os.geteuid()} {path}"
        )
    return content


def _private_key(path: str, content: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyUnusable(
            f"{path} holds no private key in PEM without a password. Put the right file back; or, "
            "if it is lost, move this one away, and the next start makes a new key."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnusable(f"The key in {path} is of another kind than {ALGORITHM}.")
    return key


def _public_keys(path: str, content: bytes) -> list[Ed25519PublicKey]:
    keys = []
    for block in _PUBLIC_BLOCK.findall(content):
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise SigningKeyUnusable(f"{path} holds a damaged public key.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise SigningKeyUnusable(f"A key in {path} is of another kind than {ALGORITHM}.")
        keys.append(key)
    return keys


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


__all__ = ["ALGORITHM", "TRUSTED", "PublicKeys", "Signer", "key_id"]
