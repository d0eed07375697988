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


async def test_every_body_is_described(service: RunningService) -> None:
    document = (await service.get("/api/v1/openapi.json")).json()
    forms = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {"content": {}})["content"]
            takes_one = method in ("post", "put", "patch") and not path.endswith("/retry")
            assert bool(content) == takes_one, (method, path)
            for media, described in content.items():
                if media in ("application/x-www-form-urlencoded", "multipart/form-data"):
                    forms.setdefault(path, {})[media] = described["schema"]
    urlencoded, multipart = "application/x-www-form-urlencoded", "multipart/form-data"
    assert len(forms) == 8
    assert set(forms["/snapshot"]) == {urlencoded, multipart}
    zipped = forms["/get_snapshot_zip"][urlencoded]
    assert zipped["required"] == ["SNAPSHOT_NAME"]
    assert set(zipped["properties"]) == {"SNAPSHOT_NAME", "STUDENT_ID", "COURSE"}
    for path, file in (
        ("/put_student_report", "UPLOAD_FILE"),
        (next(path for path in forms if path.endswith("/reports")), "file"),
    ):
        assert set(forms[path]) == {multipart}
        assert file in forms[path][multipart]["required"]


async def test_the_page_has_the_api_first(service: RunningService) -> None:
    page = (await service.get("/api/v1/docs")).text
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "The API",
        "For those who run the service",
        "The older server&#x27;s routes",
        "Models",
    ]
    paths = re.findall(r"<h3><code>(.*?)</code></h3>", page)
    assert paths == [template.replace("*}", "}") for template, _ in ROUTES]
    assert paths[-1] == "/snapshot_all"
    assert "UPLOAD_FILE" in page


async def test_every_model_has_camel_case_fields(service: RunningService) -> None:
    document = (await service.get("/api/v1/openapi.json")).json()
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert re.fullmatch(r"[a-z][A-Za-z0-9]*", field), (name, field)


async def test_the_page_loads_nothing_from_anywhere(service: RunningService) -> None:
    page = await service.get("/api/v1/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.findall(r"""(?:src|href|action)=['"](?!#|openapi\.json)""", page.text)
    assert not re.findall(r"https?://|@import|url\(|<script|<link|<img|<iframe", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for template, _ in ROUTES:
        assert template.replace("*}", "}") in page.text


async def test_without_a_hub_it_is_open_to_everyone(single: RunningService) -> None:
    for path, status in (("/openapi.json", 200), ("/docs", 200), ("", 401)):
        answer = await single.client.get(f"{single.url}/api/v1{path}")
        assert answer.status_code == status, path
