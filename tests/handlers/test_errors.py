"""One shape and one code for every error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyterhub_snapshots import errors
from jupyterhub_snapshots.error_status import STATUS, status_of
from jupyterhub_snapshots.handlers.error_body import error_body, error_of
from jupyterhub_snapshots.handlers.legacy import LEGACY_STATUS
from service import RunningService, assert_error


def kinds(kind: type[errors.SnapshotsError]) -> Iterator[type[errors.SnapshotsError]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds(below)


KINDS = list(kinds(errors.SnapshotsError))


def test_every_code_is_unique() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(codes) == len(set(codes))
    assert errors.SnapshotsError.code not in codes


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_kind_has_a_status_and_the_body(kind: type[errors.SnapshotsError]) -> None:
    error = kind("What happened and what to do.", in_field="x")
    status = status_of(error)
    assert 400 <= status < 600
    assert status != 500
    body = error_body(status, error)
    assert body["code"] == kind.code
    assert body["message"] == "What happened and what to do."
    assert isinstance(body["details"], dict)
    assert body["details"]["inField"] == "x"


def test_families_stand_in_the_table() -> None:
    families = set(errors.SnapshotsError.__subclasses__())
    assert families <= set(STATUS)
    assert set(LEGACY_STATUS) <= set(KINDS)


def test_what_a_batch_remembers_becomes_the_error_again() -> None:
    for kind in KINDS:
        assert type(error_of(kind.code, "text")) is kind
    assert isinstance(error_of(None, None), errors.EngineFailed)


async def test_what_nobody_expected_is_500_and_tells_nothing(
    single: RunningService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*args: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(type(single.services.roster), "students", fail)
    answer = await single.get("/api/v1/instructors/me/courses/STAT100a/students")
    assert_error(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "/secret/path" in caplog.text


async def test_unknown_addresses(single: RunningService) -> None:
    assert_error(await single.get("/api/v1/nothing"), 404, "not_found")
    page = await single.get("/nothing")
    assert page.status_code == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
