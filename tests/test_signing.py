"""The key that signs receipts: made once, kept to the service, and known after it was changed."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from homes import IS_ROOT, run_as
from jupyterhub_snapshots.errors import SigningKeyUnusable
from jupyterhub_snapshots.signing import TRUSTED, PublicKeys, Signer, _make

MESSAGE = b'{"receipt":1}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signing-key.pem"


def public(path: Path) -> PublicKeys:
    return PublicKeys.read(str(path))


def test_a_key_is_made_once(path: Path) -> None:
    first = Signer.open(str(path))
    content, status = path.read_bytes(), path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert content.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    second = Signer.open(str(path))
    assert (first.key_id, first.public_pem) == (second.key_id, second.public_pem)
    assert path.read_bytes() == content
    assert path.stat().st_ino == status.st_ino
    assert sorted(os.listdir(path.parent)) == ["signing-key.pem", TRUSTED]
    assert path.with_name(TRUSTED).read_text() == first.public_pem


def test_a_key_is_never_overwritten(path: Path) -> None:
    Signer.open(str(path))
    content = path.read_bytes()
    _make(str(path))
    assert path.read_bytes() == content
    path.unlink()
    path.symlink_to("gone.pem")
    with pytest.raises(SigningKeyUnusable, match="can't be read"):
        Signer.open(str(path))
    assert not path.with_name("gone.pem").exists()


def test_signatures(path: Path) -> None:
    signer = Signer.open(str(path))
    signature = signer.sign(MESSAGE)
    assert len(signature) == 64
    key = load_pem_public_key(signer.public_pem.encode())
    assert isinstance(key, ed25519.Ed25519PublicKey)
    key.verify(signature, MESSAGE)
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert signer.key_id == hashlib.sha256(raw).hexdigest()[:16]
    assert signer.check(signer.key_id, MESSAGE, signature) == "valid"
    assert signer.check(signer.key_id, MESSAGE + b" ", signature) == "invalid"
    assert signer.check(signer.key_id, MESSAGE, bytes(64)) == "invalid"
    assert signer.check(signer.key_id, MESSAGE, signature[:-1]) == "invalid"
    assert signer.check("0" * 16, MESSAGE, signature) == "unknown_key"


def test_processes_that_start_at_once_have_one_key(path: Path) -> None:
    program = (
        "import sys; from jupyterhub_snapshots.signing import Signer;"
        "sys.stdin.readline(); print(Signer.open(sys.argv[1]).key_id)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    found = {each.communicate(timeout=60)[0] for each in started}
    assert found == {f"{Signer.open(str(path)).key_id}\n"}


def test_threads_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            path = str(tmp_path / f"{number}.pem")
            assert len({each.key_id for each in pool.map(Signer.open, [path] * 8)}) == 1


def test_older_keys_are_known(path: Path) -> None:
    first = Signer.open(str(path))
    signature = first.sign(MESSAGE)
    path.unlink()
    second = Signer.open(str(path))
    assert second.key_id != first.key_id
    assert second.check(first.key_id, MESSAGE, signature) == "valid"
    assert second.check(second.key_id, MESSAGE, signature) == "invalid"
    trusted = path.with_name(TRUSTED)
    assert trusted.read_text() == first.public_pem + second.public_pem
    assert public(trusted).check(first.key_id, MESSAGE, signature) == "valid"
    trusted.unlink()
    assert Signer.open(str(path)).check(first.key_id, MESSAGE, signature) == "unknown_key"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    Signer.open(str(path))
    path.chmod(mode)
    with pytest.raises(SigningKeyUnusable, match="Others may read") as caught:
        Signer.open(str(path))
    assert f"chmod 600 {path}" in caught.value.message


def test_public_keys_that_others_may_change_are_refused(path: Path) -> None:
    Signer.open(str(path))
    path.with_name(TRUSTED).chmod(0o666)
    with pytest.raises(SigningKeyUnusable, match="Others may change"):
        Signer.open(str(path))
    path.with_name(TRUSTED).chmod(0o644)
    assert Signer.open(str(path))


@pytest.mark.skipif(not IS_ROOT, reason="only root gives files away")
def test_a_key_of_somebody_else_is_refused(path: Path) -> None:
    Signer.open(str(path))
    os.chown(path, 20_001, 20_001)
    with pytest.raises(SigningKeyUnusable, match="belongs to another user"):
        Signer.open(str(path))


def _numbers(value: object) -> str:
    """Of keys that are made anew, no text can be part of a test's name."""
    return "key" if isinstance(value, bytes) else str(value)


def pem(key: object, password: bytes | None = None) -> bytes:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no private key"),
        (b"junk" * 1000, "holds no private key"),
        (pem(ed25519.Ed25519PrivateKey.generate())[:-40], "holds no private key"),
        (pem(ed25519.Ed25519PrivateKey.generate(), b"secret"), "holds no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "of another kind than Ed25519"),
    ],
    ids=_numbers,
)
def test_what_is_no_such_key_is_refused(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SigningKeyUnusable, match=said):
        Signer.open(str(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(SigningKeyUnusable):
        Signer.open(str(path))


def test_a_key_without_a_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyUnusable, match="signing_key_file"):
        Signer.open(str(tmp_path / "gone" / "key.pem"))


def test_a_mounted_key_is_a_link(path: Path, tmp_path: Path) -> None:
    made = Signer.open(str(tmp_path / "real.pem"))
    path.symlink_to("real.pem")
    assert Signer.open(str(path)).key_id == made.key_id


@pytest.mark.skipif(not IS_ROOT, reason="becomes another user")
def test_a_key_in_a_folder_where_nothing_can_be_written(place: Path) -> None:
    folder = place / "secret"
    folder.mkdir(mode=0o755)
    path = folder / "key.pem"
    made = Signer.open(str(path))
    (folder / TRUSTED).unlink()
    os.chown(path, 20_001, 20_001)
    assert run_as(20_001, lambda: Signer.open(str(path)).key_id) == made.key_id
    assert os.listdir(folder) == ["key.pem"]


def test_public_key_files(path: Path, tmp_path: Path) -> None:
    signer = Signer.open(str(path))
    signature = signer.sign(MESSAGE)
    other = tmp_path / "public.pem"
    other.write_text(f"The key of last year:\n{signer.public_pem}\n")
    for each in (other, path):  # either half will do
        assert public(each).check(signer.key_id, MESSAGE, signature) == "valid"
    for content, said in (
        (b"", "holds no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "damaged"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "of another kind",
        ),
    ):
        other.write_bytes(content)
        with pytest.raises(SigningKeyUnusable, match=said):
            public(other)
    with pytest.raises(SigningKeyUnusable, match="can't be read"):
        public(tmp_path / "gone")
