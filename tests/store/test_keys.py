"""API keys in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyterhub_snapshots.core.records import ApiKey
from jupyterhub_snapshots.errors import KeyNotFound
from jupyterhub_snapshots.store import Store, keys


def create(store: Store, owner: str = "ina", course: int | None = None) -> tuple[ApiKey, str]:
    with store.writing() as db:
        return keys.create_key(db, name="script", owner=owner, course_id=course, created_by="root")


def check(store: Store, secret: str) -> ApiKey | None:
    with store.reading() as db:
        return keys.check_key(db, secret)


def test_a_key_is_known_by_its_secret(store: Store, course: int) -> None:
    key, secret = create(store, course=course)
    assert check(store, secret) == key
    assert secret.startswith(key.prefix)
    assert len(secret) > len(key.prefix) + 20
    assert (key.owner, key.course_id, key.last_used_at, key.revoked_at) == (
        "ina",
        course,
        None,
        None,
    )
    assert create(store)[1] != secret


@pytest.mark.threat("A1", "B8")
def test_nothing_else_is_a_key(store: Store) -> None:
    key, secret = create(store)
    for wrong in (
        "",
        key.prefix,
        secret[:-1],
        secret + "x",
        secret.upper(),
        f'"{secret}"',
        f"{secret},{secret}",
        key.prefix + "é" * 10,
        key.prefix + "\udcff",
        "é" * 50,
        "' OR prefix LIKE 'jhs_%",
        "x" * 60_000,
    ):
        assert check(store, wrong) is None


@pytest.mark.threat("A8")
def test_the_secret_is_nowhere_in_the_file(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/keys.sqlite")
    store.open()
    (first, one), (_, two) = create(store), create(store)
    assert check(store, one) == first
    store.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (one, two):
        assert secret.encode() not in written
        assert secret.removeprefix(first.prefix).strip("_").encode() not in written
    assert first.prefix.encode() in written


def test_equal_secrets_would_be_stored_differently(store: Store) -> None:
    from sqlalchemy import select

    from jupyterhub_snapshots.store.tables import ApiKeyRow

    create(store)
    create(store)
    with store.reading() as db:
        salts = db.scalars(select(ApiKeyRow.salt)).all()
    assert len(set(salts)) == 2


@pytest.mark.threat("A6")
def test_revoked_at_once_while_another_stays_valid(store: Store) -> None:
    old, old_secret = create(store)
    new, new_secret = create(store)
    assert check(store, old_secret) == old
    with store.writing() as db:
        revoked = keys.revoke_key(db, old.id)
        assert keys.revoke_key(db, old.id) == revoked
    assert check(store, old_secret) is None
    assert check(store, new_secret) == new
    with store.reading() as db:
        assert [key.revoked_at is None for key in keys.list_keys(db)] == [False, True]


def test_only_the_owner_may_revoke(store: Store) -> None:
    key, secret = create(store)
    for number, owner in ((key.id, "carl"), (key.id + 1, None)):
        with pytest.raises(KeyNotFound), store.writing() as db:
            keys.revoke_key(db, number, owner)
    assert check(store, secret) == key


def test_use_is_noted_once_a_minute(store: Store) -> None:
    key, secret = create(store)
    assert keys.use_is_stale(key)
    with store.writing() as db:
        keys.note_use(db, key.id)
        keys.note_use(db, key.id + 1)  # revoked and gone meanwhile
    used = check(store, secret)
    assert used is not None
    assert used.last_used_at is not None
    assert not keys.use_is_stale(used)


def test_lists_are_by_owner(store: Store) -> None:
    mine, _ = create(store, "ina")
    create(store, "carl")
    with store.reading() as db:
        assert keys.list_keys(db, "ina") == [mine]
        assert len(keys.list_keys(db)) == 2
        assert keys.list_keys(db, "i%") == []
