"""Fixtures of all tests.

place: a folder that every user can reach, removed afterwards.
empty_database: an SQLite file with the schema and nothing in it, to be copied.
single: a running service without a hub, as a drop-in for the older server: one course whose roster
    is the folder of homes, and one key, which its client sends.
hub: a stand-in for a hub. ina is instructor of phys, carl of chem; alice and bob are students of
    phys, dora of chem; tara is an assistant in phys; root is administrator, otto is nobody.
    "token-NAME" is the token of each.
service: a running service below that hub with the two courses; its client sends ina's token.
user_key: makes a personal key: ``await user_key("ina", course="phys")``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from traitlets.config import Config

from homes import reachable_folder
from jupyterhub_snapshots.store import Store, keys
from service import (
    ACCESS,
    PREFIX,
    SERVICE_TOKEN,
    SITE_KEY,
    RunningService,
    StandInHub,
    running,
)


@pytest.fixture
def place() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "empty.sqlite"
    store = Store(f"sqlite:///{path}")
    store.open()
    store.close()
    return path


def _folders(place: Path) -> None:
    (place / "homes").mkdir()
    (place / "snapshots").mkdir(mode=0o700)


@pytest.fixture
async def single(
    place: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningService]:
    _folders(place)
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    monkeypatch.setenv("JUPYTER_API_KEY", SITE_KEY)
    monkeypatch.setenv("JUPYTER_API_HOST", "127.0.0.1")
    monkeypatch.setenv("JNOTE_HOME", str(place / "homes"))
    monkeypatch.setenv("JNOTE_SNAP", str(place / "snapshots"))
    monkeypatch.setenv("JNOTE_COURSE_CODE", "STAT100a")
    monkeypatch.delenv("JNOTE_INTSNAP", raising=False)
    async with running(place, empty_database, Config()) as service:
        service.headers = {"X-Api-Key": SITE_KEY}
        yield service


@pytest.fixture
async def hub() -> AsyncIterator[StandInHub]:
    made = StandInHub()
    made.groups = {
        "formgrade-phys": ["ina"],
        "nbgrader-phys": ["alice", "bob"],
        "assistant-phys": ["tara"],
        "formgrade-chem": ["carl"],
        "nbgrader-chem": ["dora"],
    }
    made.admins = {"root"}
    for name in ("ina", "carl", "alice", "bob", "dora", "tara", "root", "otto"):
        made.add_token(f"token-{name}", name)
    yield made
    await made.close()


@pytest.fixture
async def service(
    place: Path, empty_database: Path, hub: StandInHub, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningService]:
    _folders(place)
    for name, value in {
        "API_TOKEN": SERVICE_TOKEN,
        "API_URL": hub.url,
        "SERVICE_NAME": "snapshots",
        "SERVICE_PREFIX": f"{PREFIX}/",
        "CLIENT_ID": "service-snapshots",
        "OAUTH_ACCESS_SCOPES": f'["access:services", "{ACCESS}"]',
        "BASE_URL": "/",
        "HOST": "",
    }.items():
        monkeypatch.setenv(f"JUPYTERHUB_{name}", value)
    config = Config()
    config.SnapshotsApp.snapshots_dir = str(place / "snapshots")
    config.SnapshotsApp.courses = [
        {"code": "phys", "title": "Physics 101", "time_zone": "Europe/Berlin"},
        {"code": "chem", "title": "Chemistry"},
    ]
    config.LocalVolumes.home_template = f"{place}/homes/{{username}}"
    async with running(place, empty_database, config) as made:
        made.headers = {"Authorization": "token token-ina"}
        yield made


@pytest.fixture
def user_key(service: RunningService) -> Callable[..., Awaitable[str]]:
    async def make(owner: str, course: str | None = None) -> str:
        course_id = service.course(course).id if course else None
        _, secret = await service.services.store.write(
            lambda db: keys.create_key(
                db, name="script", owner=owner, course_id=course_id, created_by=owner
            )
        )
        return secret

    return make
