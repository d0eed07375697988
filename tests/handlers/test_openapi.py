"""The description of the API."""

from __future__ import annotations

import re

from openapi_spec_validator import OpenAPIV31SpecValidator

from jupyterhub_snapshots.handlers import ROUTES
from service import RunningService


async def test_the_document_is_valid_and_complete(service: RunningService) -> None:
    document = (await service.get("/api/v1/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["servers"] == [{"url": service.prefix}]
    described = {
        (path, method.upper()) for path, methods in document["paths"].items() for method in methods
    }
    assert described == {
        (template.replace("*}", "}"), method)
        for template, handler in ROUTES
        for method in handler.operations
    }
    identifiers = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert len(identifiers) == len(set(identifiers))


async def test_every_model_has_camel_case_fields(service: RunningService) -> None:
    document = (await service.get("/api/v1/openapi.json")).json()
    for name, schema in document["components"]["schemas"].items():
        for field in schema["properties"]:
            assert re.fullmatch(r"[a-z][A-Za-z]*", field), (name, field)


async def test_the_page_loads_nothing_from_anywhere(service: RunningService) -> None:
    page = await service.get("/api/v1/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.findall(r"""(?:src|href|action)=['"](?!#|openapi\.json)""", page.text)
    assert not re.findall(r"https?://|@import|url\(|<script|<link|<img|<iframe", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for template, _ in ROUTES:
        assert template.replace("*}", "}") in page.text
