"""The API against its own description: whatever is sent, the answer is one that is described.

Requests are made up from the OpenAPI document, right ones and wrong ones, the same in every run;
with SNAPSHOTS_TEST_SCHEMA_EXAMPLES set, more of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assignments import BASE, make_assignment, make_document, members, utc
from jupyterhub_snapshots.store import assignments as table
from service import RunningService

CHECKS = (
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES = int(os.environ.get("SNAPSHOTS_TEST_SCHEMA_EXAMPLES", "8"))
PATIENT = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: Nothing is refused for who asks (401), how often (429), or a fault.
FOLLOWS_FROM_THE_REQUEST = {200, 201, 202, 207, 302, 400, 403, 404, 406, 409, 412, 413, 417}
#: Streams, which end when a batch does.
LEFT_OUT = ("/events",)


def operations(schema: Any) -> Iterator[Any]:
    """All of the description; what deletes comes last."""
    found = [each.ok() for each in schema.get_all_operations()]
    for each in sorted(found, key=lambda each: (each.method == "delete", each.path)):
        if not each.path.endswith(LEFT_OUT):
            yield each


def prepared(document: dict[str, Any], there: dict[str, str]) -> dict[str, Any]:
    """The description for what is tried here: who may is told by other tests.

    Wrong keys would only be slowed down; what a path names is there every other time.
    """
    for methods in document["paths"].values():
        for described in methods.values():
            described["security"] = []
            for parameter in described["parameters"]:
                if parameter["in"] == "path":
                    known = there.get(parameter["name"], "4711")
                    parameter["schema"] = {"type": "string", "enum": [known, "4712"]}
    return document


async def furnish(service: RunningService) -> dict[str, str]:
    """One of everything; returns the names and ids by which paths name them."""
    for name in ("alice", "bob"):
        service.home(name).file("a.txt")
        service.put_snapshot(name, course="phys")
    number = await make_assignment(service, duedate="2026-06-01")
    alice = (await members(service))["alice"]
    extension = await service.post(
        f"{BASE}/students/{alice['id']}/extensions", json={"onAssignment": number, "until": None}
    )
    course = service.course("phys").id
    token, _ = await service.services.store.write(
        lambda db: table.open_assignment(db, course, number, alice["userId"], utc(2026, 1, 1))
    )
    document = await make_document(service, "x.md")
    return {
        "ident": "me",
        "course": "phys",
        "student": str(alice["id"]),
        "document": str(document),
        "assignment": str(number),
        "extension": str(extension.json()),
        "token": str(token.id),
        "name": "hw_2026-01-31",
        "path": "a.txt",
    }


async def test_answers_are_as_described(service: RunningService) -> None:
    there = await furnish(service)
    document = (await service.get("/api/v1/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(prepared(document, there))
    schema.config.update(base_url=f"http://127.0.0.1:{service.port}{service.prefix}")
    seen: dict[str, set[int]] = {}

    def check(operation: Any, mode: GenerationMode) -> None:
        @PATIENT
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            for name in {"ident", "course"} & {*(case.path_parameters or ())}:
                case.path_parameters[name] = there[name]
            own = operation.path.startswith("/api/v1/users/me/")
            who = {"Authorization": "token token-alice"} if own else service.headers
            response = case.call(headers=who)
            seen.setdefault(operation.label, set()).add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        run()

    def check_all() -> list[str]:
        wrong = []
        for operation in operations(schema):
            modes = [GenerationMode.POSITIVE]
            if operation.body or operation.query:
                modes.append(GenerationMode.NEGATIVE)
            for mode in modes:
                try:
                    check(operation, mode)
                except (AssertionError, FailureGroup) as error:
                    wrong.append(f"{operation.label}, {mode.value}: {error}"[:3000])
        return wrong

    wrong = await asyncio.to_thread(check_all)
    assert not wrong, "\n\n".join(wrong)
    assert set(seen) == {operation.label for operation in operations(schema)}
    for label, statuses in seen.items():
        guessed = {429} if label.endswith("/open") else set()  # passwords
        assert statuses <= FOLLOWS_FROM_THE_REQUEST | guessed, (label, statuses)
    reached = [label for label, statuses in seen.items() if statuses & {200, 201, 202, 207}]
    assert len(reached) > len(seen) / 2
