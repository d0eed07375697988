"""Fixtures of the tests with a real hub.

real_hub: a hub with its proxy, started by pytest-jupyterhub, that runs the service. ina is
    instructor of phys, alice its student, carl instructor of chem, nora may not use the service.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyterhub import orm
from jupyterhub.utils import random_port

from service import ACCESS, close_hub_client

SETTINGS = """
c.SnapshotsApp.db_url = "sqlite:///{place}/service.sqlite"
c.SnapshotsApp.snapshots_dir = "{place}/snapshots"
c.SnapshotsApp.courses = [{{"code": "phys"}}, {{"code": "chem"}}]
c.LocalVolumes.home_template = "{place}/homes/{{username}}"
c.ServeApp.token_cache_seconds = 1
c.Roster.refresh_seconds = 0
"""


class RealHub:
    """A hub, and clients of the service behind its proxy."""

    def __init__(self, app: Any, place: Path, port: int, service_port: int) -> None:
        self.app = app
        self.place = place
        self.url = f"http://127.0.0.1:{port}/services/snapshots"
        self.hub_url = f"http://127.0.0.1:{port}/hub"
        self.direct_url = f"http://127.0.0.1:{service_port}/services/snapshots"

    def token(self, name: str, **options: Any) -> str:
        user = self.app.users[name]
        token: str = user.new_api_token(**options)
        return token

    def revoke(self, token: str) -> None:
        self.app.db.delete(orm.APIToken.find(self.app.db, token))
        self.app.db.commit()

    def set_group(self, group: str, names: list[str]) -> None:
        found = orm.Group.find(self.app.db, group)
        found.users = [self.app.users[name].orm_user for name in names]
        self.app.db.commit()

    async def call(self, method: str, path: str, token: str, **options: Any) -> httpx.Response:
        sent = {"Authorization": f"token {token}"} if token else {}
        headers = {**sent, **options.pop("headers", {})}
        async with httpx.AsyncClient(timeout=20) as client:
            return await client.request(method, self.url + path, headers=headers, **options)

    async def browser(self, name: str) -> httpx.AsyncClient:
        """A client that has logged in to the hub."""
        client = httpx.AsyncClient(follow_redirects=True, timeout=20)
        page = await client.get(f"{self.hub_url}/login")
        form = {"username": name, "password": name, "_xsrf": page.cookies["_xsrf"]}
        answer = await client.post(f"{self.hub_url}/login?next=/hub/token", data=form)
        assert answer.status_code == 200
        return client


@pytest.fixture
async def real_hub(
    hub_app: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RealHub]:
    (place / "homes").mkdir()
    (place / "snapshots").mkdir(mode=0o700)
    settings = place / "settings.py"
    settings.write_text(SETTINGS.format(place=place))
    monkeypatch.chdir(place)
    project = str(Path(__file__).parents[2])
    port, service_port = random_port(), random_port()
    service = {
        "name": "snapshots",
        "url": f"http://127.0.0.1:{service_port}",
        "command": [sys.executable, "-m", "jupyterhub_snapshots", f"--config={settings}"],
        "environment": {"PYTHONPATH": project},
        "oauth_no_confirm": True,
    }
    people = ["ina", "alice", "carl", "root", "nora"]
    app = await hub_app(
        config={
            "JupyterHub": {
                "bind_url": f"http://127.0.0.1:{port}/",
                "services": [service],
                "load_groups": {
                    "formgrade-phys": {"users": ["ina"]},
                    "nbgrader-phys": {"users": ["alice"]},
                    "formgrade-chem": {"users": ["carl"]},
                    "others": {"users": people},
                },
                "load_roles": [
                    {"name": "people", "scopes": [ACCESS], "users": people[:-1]},
                    {
                        "name": "snapshots-service",
                        "services": ["snapshots"],
                        "scopes": ["read:groups", "read:users:groups"],
                    },
                    {"name": "admin", "users": ["root"]},
                ],
            }
        }
    )
    await app._service_map["snapshots"].server.wait_up(http=True, timeout=30)
    hub = RealHub(app, place, port, service_port)
    try:
        yield hub
    finally:
        await app._service_map["snapshots"].stop()
        await close_hub_client()
        os.chdir(project)
