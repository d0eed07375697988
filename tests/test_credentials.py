"""From a credential to a principal, with a hub that answers, refuses, or is in trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jupyterhub_snapshots import credentials as credentials_module
from jupyterhub_snapshots.core.records import Role
from jupyterhub_snapshots.errors import AccessDenied, HubUnavailable, NotAuthenticated
from jupyterhub_snapshots.hub import HubClient
from service import ACCESS, RunningService, StandInHub, assert_error

COURSES = "/api/v1/instructors/me/courses"


async def test_a_token_becomes_a_principal_with_roles(service: RunningService) -> None:
    credentials = service.services.credentials
    ina = await credentials.of_token("token-ina", "::1", fresh=True)
    assert (ina.name, ina.username, ina.admin, ina.credential) == ("ina", "ina", False, "token")
    assert dict(ina.roles) == {service.course("phys").id: Role.INSTRUCTOR}
    alice = await credentials.of_token("token-alice", "::1", fresh=True)
    assert dict(alice.roles) == {service.course("phys").id: Role.STUDENT}
    root = await credentials.of_token("token-root", "::1", fresh=True)
    assert root.admin
    assert root.roles == ()


@pytest.mark.threat("A9", "A14", "A15")
async def test_tokens_that_are_not_enough(service: RunningService, hub: StandInHub) -> None:
    credentials = service.services.credentials
    hub.add_token("no-access", "ina", scopes=["self", "access:services!service=other"])
    hub.add_token("no-scopes", "ina", scopes=[])
    for token in ("no-access", "no-scopes"):
        with pytest.raises(AccessDenied):
            await credentials.of_token(token, "::1", fresh=True)
    hub.add_token("of-a-service", "cull")
    hub.tokens["of-a-service"]["kind"] = "service"
    service_principal = await credentials.of_token("of-a-service", "::1", fresh=True)
    assert service_principal.username is None
    assert service_principal.roles == ()
    for token in ("", "junk", "token-in", "TOKEN-INA", "x" * 60_000, "tökên"):
        with pytest.raises(NotAuthenticated):
            await credentials.of_token(token, "::1", fresh=True)
    for group in (
        "formgrade-*",
        "formgrade-{course}",
        "formgrade-phys/",
        "formgrade-",
        "FORMGRADE-PHYS",
    ):
        hub.groups[group] = ["otto"]
    otto = await credentials.of_token("token-otto", "::1", fresh=True)
    assert otto.roles == ()


@pytest.mark.threat("A10")
async def test_reads_use_an_answer_again_and_writes_do_not(
    service: RunningService, hub: StandInHub
) -> None:
    await service.get(COURSES)
    asked = hub.asked
    await service.get(COURSES)
    assert hub.asked == asked
    del hub.tokens["token-ina"]
    assert (await service.get(COURSES)).status_code == 200
    route = f"{COURSES}/phys/snapshots"
    assert_error(await service.post(route, json={"name": "x"}), 401, "not_authenticated")
    assert_error(await service.post("/get_snapshot_list", {"STUDENT_ID": "alice"}), 401)
    assert service.app.token_cache_seconds <= 60


@pytest.mark.threat("J1", "J2")
@pytest.mark.parametrize("trouble", ["error", "junk", "list", "slow", "loop"])
async def test_a_hub_in_trouble_lets_nobody_in(
    service: RunningService, hub: StandInHub, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(credentials_module, "HUB_SECONDS", 0.3)
    hub.trouble = trouble
    answer = await service.get(COURSES)
    assert_error(answer, 503, "hub_unavailable")
    assert answer.headers["Retry-After"]
    hub.trouble = ""
    answer = await service.post("/get_snapshot_list", {"STUDENT_ID": "alice"})
    assert_error(answer, 404, "snapshot_not_found")


@pytest.mark.threat("J1")
async def test_keys_go_on_while_the_hub_is_down(
    service: RunningService, hub: StandInHub, user_key: Callable[..., Awaitable[str]]
) -> None:
    headers = {"X-Api-Key": await user_key("ina")}
    route = f"{COURSES}/phys/students"
    client = service.client
    assert (await client.get(service.url + route, headers=headers)).status_code == 200
    await hub.close()
    known: HubClient = service.services.roster._hub  # type: ignore[assignment]
    known._groups.clear()  # what it said before is too old
    assert (await client.get(service.url + route, headers=headers)).status_code == 200
    with pytest.raises(HubUnavailable):
        await service.services.credentials.of_token("token-ina", "::1", fresh=True)
    assert_error(await service.post("/snapshot_all", {"SNAPSHOT_NAME": "x"}), 503)


@pytest.mark.threat("A10")
async def test_a_key_changes_nothing_once_its_owner_has_left(
    service: RunningService, hub: StandInHub, user_key: Callable[..., Awaitable[str]]
) -> None:
    route = f"{service.url}{COURSES}/phys"
    headers = {"X-Api-Key": await user_key("ina")}

    async def read() -> int:
        return (await service.client.get(f"{route}/students", headers=headers)).status_code

    assert await read() == 200
    hub.groups["formgrade-phys"] = []
    assert await read() == 200  # what the hub said a moment ago
    answer = await service.client.post(f"{route}/snapshots", json={"name": "Exam"}, headers=headers)
    assert_error(answer, 403, "access_denied")


async def test_signing_in_asks_the_hub_without_blocking(
    service: RunningService, hub: StandInHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_auth = service.services.credentials.hub_auth
    assert hub_auth is not None
    get_user, asked = hub_auth.get_user, []

    def watched(handler: object, *, sync: bool = True) -> Any:
        asked.append(sync)
        return get_user(handler, sync=sync)

    monkeypatch.setattr(hub_auth, "get_user", watched)
    answer = await service.client.get(f"{service.url}/oauth_callback?code=x&state=stale")
    assert answer.status_code == 403
    assert asked
    assert not any(asked)


async def test_the_site_key_is_good_for_everything_but_keys(single: RunningService) -> None:
    assert (await single.get("/api/v1")).json()["ident"] is None
    assert (await single.get("/metrics")).status_code == 200
    assert_error(await single.get("/api/v1/instructors/me/keys"), 403)
    answer = await single.client.get(
        f"{single.url}/api/v1", headers={"Authorization": "token anything"}
    )
    assert_error(answer, 401, "not_authenticated")


async def test_an_access_scope_is_asked_for(service: RunningService) -> None:
    hub_auth = service.services.credentials.hub_auth
    assert hub_auth is not None
    assert ACCESS in hub_auth.access_scopes
