"""Documents of instructors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service import RunningService, assert_error

DOCUMENTS = "/api/v1/instructors/me/documents"
CARL = {"Authorization": "token token-carl"}
ROOT = {"Authorization": "token token-root"}


async def make(service: RunningService, filename: str = "sheet.ipynb", **fields: object) -> str:
    """A new document of the client's; returns its address."""
    answer = await service.post(DOCUMENTS, json={"filename": filename, **fields})
    assert answer.status_code == 201, answer.text
    location = answer.headers["Location"].removeprefix(service.prefix)
    assert location == f"{DOCUMENTS}/{answer.json()}"
    return location


async def test_made_listed_changed_and_deleted(service: RunningService) -> None:
    assert (await service.get(DOCUMENTS)).json() == []
    one = await make(service, description="A sheet")
    two = await make(service, "b.md", scope="Public")
    listed = (await service.get(DOCUMENTS)).json()
    assert [each["filename"] for each in listed] == ["sheet.ipynb", "b.md"]
    record = listed[0]
    assert record == (await service.get(one)).json()
    assert record["date"].endswith("Z")
    assert {name: record[name] for name in ("scope", "description", "version")} == {
        "scope": "Private",
        "description": "A sheet",
        "version": 0,
    }
    changed = await service.fetch("PATCH", one, json={"scope": "LinkOnly"})
    assert changed.json() == record | {"scope": "LinkOnly"}
    changed = await service.fetch("PATCH", one, json={"scope": None, "description": None})
    assert changed.json() == record | {"scope": "LinkOnly", "description": None}
    assert (await service.fetch("PATCH", one, json={"filename": "x"})).json() == changed.json()
    assert (await service.fetch("DELETE", two)).json() == "deleted document"
    assert_error(await service.get(two), 404, "document_not_found")
    assert len((await service.get(DOCUMENTS)).json()) == 1
    page = await service.get(f"{DOCUMENTS}?per_page=1")
    assert 'rel="last"' in page.headers["Link"]


async def test_contents_that_somebody_else_has_written(service: RunningService) -> None:
    data = f"{await make(service)}/data"
    empty = (await service.get(data)).headers["ETag"]
    one = await service.fetch("PUT", data, content=b"one", headers={"If-Match": empty})
    assert one.headers["ETag"] == (await service.get(data)).headers["ETag"] != empty
    late = await service.fetch("PUT", data, content=b"two", headers={"If-Match": empty})
    assert_error(late, 412, "precondition_failed")
    assert (await service.get(data)).content == b"one"
    same = await service.get(data, headers={"If-None-Match": one.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


async def test_contents_and_their_versions(service: RunningService) -> None:
    document = await make(service, "zoë's sheet.bin")
    empty = await service.get(f"{document}/data")
    assert (empty.status_code, empty.content) == (200, b"")
    assert (await service.get(f"{document}/versions")).json() == []
    for content in (b"one", bytes(range(256)), bytes(range(256)), b"three"):
        answer = await service.fetch("PUT", f"{document}/data", content=content)
        assert answer.json() == "contents updated"
    newest = await service.get(f"{document}/data")
    assert newest.content == b"three"
    assert newest.headers["Content-Type"] == "application/octet-stream"
    assert newest.headers["Content-Disposition"].startswith('attachment; filename="zo_')
    assert "filename*=UTF-8''zo%C3%AB%27s%20sheet.bin" in newest.headers["Content-Disposition"]
    versions = (await service.get(f"{document}/versions")).json()
    # Writing what is there already makes no version.
    assert [(each["number"], each["size"]) for each in versions] == [(3, 5), (2, 256), (1, 3)]
    assert {each["writtenBy"] for each in versions} == {"ina"}
    assert (await service.get(f"{document}/data?version=2")).content == bytes(range(256))
    assert_error(await service.get(f"{document}/data?version=4"), 404, "document_not_found")
    assert_error(await service.get(f"{document}/data?version=0"), 400)
    record = (await service.get(document)).json()
    assert record["version"] == 3
    assert record["date"] == versions[0]["writtenAt"]


async def test_many_writers_at_once_lose_nothing(service: RunningService) -> None:
    document = await make(service)
    texts = [f"text {number}" * 1000 for number in range(12)]
    answers = await asyncio.gather(
        *(service.fetch("PUT", f"{document}/data", content=text) for text in texts)
    )
    assert {answer.status_code for answer in answers} == {200}
    versions = (await service.get(f"{document}/versions")).json()
    assert [each["number"] for each in versions] == list(range(12, 0, -1))
    found = {
        (await service.get(f"{document}/data?version={number}")).text for number in range(1, 13)
    }
    assert found == set(texts)


async def test_contents_have_a_limit(service: RunningService) -> None:
    document = await make(service)
    most = 2 * 1024 * 1024
    assert (await service.fetch("PUT", f"{document}/data", content=b"x" * most)).status_code == 200
    answer = await service.fetch("PUT", f"{document}/data", content=b"y" * (most + 1))
    assert_error(answer, 413, "too_large")

    async def pieces():
        for _ in range(3):
            yield b"z" * 1024 * 1024

    answer = await service.fetch("PUT", f"{document}/data", content=pieces())
    assert_error(answer, 413, "too_large")
    assert (await service.get(f"{document}/data")).content == b"x" * most


@pytest.mark.parametrize(
    "filename",
    ["..", ".", "a/b.md", "/etc/passwd", "a\0b", "a\nb", ".bashrc", "a\\b.md", " a.md", "x" * 256],
)
async def test_only_bare_names(service: RunningService, filename: str) -> None:
    answer = await service.post(DOCUMENTS, json={"filename": filename})
    body = assert_error(answer, 400)
    assert body["message"].startswith("filename: ")
    assert (await service.get(DOCUMENTS)).json() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "filename"),
        ({"filename": ""}, "filename"),
        ({"filename": 3}, "filename"),
        ({"filename": None}, "filename"),
        ({"filename": "a.md", "scope": "Everybody"}, "scope"),
        ({"filename": "a.md", "description": ["x"]}, "description"),
        ({"filename": "a.md", "description": "a\0b"}, "description"),
    ],
)
async def test_what_is_wrong_is_named(
    service: RunningService, body: dict[str, object], field: str
) -> None:
    error = assert_error(await service.post(DOCUMENTS, json=body), 400)
    assert error["message"].startswith(f"{field}: ")
    assert error["details"] == {"field": field}


async def test_a_name_is_used_once(service: RunningService) -> None:
    await make(service)
    again = await service.post(DOCUMENTS, json={"filename": "sheet.ipynb"})
    assert_error(again, 409, "document_exists")
    other = await service.post(DOCUMENTS, json={"filename": "sheet.ipynb"}, headers=CARL)
    assert other.status_code == 201


@pytest.mark.threat("A12")
async def test_other_peoples_documents(service: RunningService) -> None:
    document = await make(service, scope="Public")
    for method, path, options in (
        ("GET", "", {}),
        ("PATCH", "", {"json": {"scope": "Private"}}),
        ("DELETE", "", {}),
        ("GET", "/data", {}),
        ("PUT", "/data", {"content": b"x"}),
        ("GET", "/versions", {}),
    ):
        answer = await service.fetch(method, document + path, headers=CARL, **options)
        assert_error(answer, 403, "access_denied")
        for number in ("4711", "x", "-1", "1.0", "9" * 40, "%00"):
            answer = await service.fetch(method, f"{DOCUMENTS}/{number}{path}", **options)
            assert_error(answer, 404, "document_not_found")
    assert_error(await service.get(f"{DOCUMENTS}/", headers=CARL), 404)
    assert (await service.get(document)).json()["scope"] == "Public"


async def test_administrators_name_a_person(service: RunningService) -> None:
    document = await make(service)
    by_name = document.replace("/me/", "/ina/")
    assert (await service.get(by_name, headers=ROOT)).json()["filename"] == "sheet.ipynb"
    assert_error(await service.get(document, headers=ROOT), 403)
    listed = await service.get("/api/v1/instructors/ina/documents", headers=ROOT)
    assert len(listed.json()) == 1
    assert (await service.get(DOCUMENTS, headers=ROOT)).json() == []
    nobody = await service.get("/api/v1/instructors/nobody/documents", headers=ROOT)
    assert_error(nobody, 404, "not_found")


async def test_the_sites_key_is_nobodys(single: RunningService) -> None:
    error = assert_error(await single.get(DOCUMENTS), 403, "access_denied")
    assert "personal key" in error["message"]
    assert_error(await single.post(DOCUMENTS, json={"filename": "a.md"}), 403)


async def test_a_document_in_use_stays(service: RunningService) -> None:
    document = await make(service)
    work = "/api/v1/instructors/me/courses/phys/assignments"
    number = int(document.rpartition("/")[2])
    made = await service.post(work, json={"document": number, "title": "Homework 1"})
    error = assert_error(await service.fetch("DELETE", document), 409, "document_in_use")
    assert "Homework 1" in error["message"]
    assert (await service.fetch("DELETE", f"{work}/{made.json()}")).status_code == 200
    assert (await service.fetch("DELETE", document)).status_code == 200


async def test_a_change_can_depend_on_what_was_read(service: RunningService) -> None:
    document = await make(service)
    first = (await service.get(document)).headers["ETag"]
    match = {"If-Match": first}
    changed = await service.fetch("PATCH", document, json={"scope": "Public"}, headers=match)
    second = changed.headers["ETag"]
    assert second == (await service.get(document)).headers["ETag"] != first
    for method in ("PATCH", "DELETE"):
        answer = await service.fetch(method, document, json={"scope": "Private"}, headers=match)
        assert_error(answer, 412, "precondition_failed")
    assert (await service.get(document)).json()["scope"] == "Public"
    unchanged = await service.get(document, headers={"If-None-Match": second})
    assert unchanged.status_code == 304
    several = {"If-Match": f'"x", {second}'}
    assert (await service.fetch("DELETE", document, headers=several)).status_code == 200


async def test_the_audit_log_names_the_document(
    service: RunningService, user_key: Callable[..., Awaitable[str]]
) -> None:
    document = await make(service)
    key = {"X-Api-Key": await user_key("ina"), "Authorization": ""}
    await service.fetch("PUT", f"{document}/data", content=b"x", headers=key)
    lines = [line for line in await service.audit() if line["action"] == "write documents"]
    assert [line["target"] for line in lines] == ["sheet.ipynb", "sheet.ipynb, version 1"]
    assert lines[1]["principal"].startswith("key:")
