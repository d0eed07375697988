"""Fixtures of the engine's tests.

place: a folder that every user can reach.
home: an empty home of a student.
store: an empty store.
outside: a file beside the home that only the tests' own user can read.
no_racy_window: files count as unchanged at once, so that no test has to wait for two seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import SECRET, Home, Store, reachable_folder
from jupyterhub_snapshots.engine import earlier


@pytest.fixture
def place() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture
def home(place: Path) -> Home:
    return Home(place / "homes" / "alice")


@pytest.fixture
def store(place: Path) -> Store:
    return Store(place / "store")


@pytest.fixture
def outside(place: Path) -> Path:
    folder = place / "outside"
    folder.mkdir(mode=0o700)
    path = folder / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


@pytest.fixture
def no_racy_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "RACY_NS", 0)
