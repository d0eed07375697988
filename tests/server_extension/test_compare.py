"""Comparing files of snapshots and the person's own."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest

from service import RunningService, assert_error

from .conftest import Lab

API = "users/me/courses/phys/snapshots/hw_2026-01-31"
MiB = 2**20


def notebook(*sources: str) -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
    for number, source in enumerate(sources):
        made.cells.append(nbformat.v4.new_code_cell(source, id=f"cell-{number}"))
    return made


OLD, NEW = notebook("a = 1", "b = 2"), notebook("a = 1", "b = 3", "c = 4")
FILES: dict[str, bytes] = {
    "ps.ipynb": nbformat.writes(OLD).encode(),
    "broken.ipynb": b'{"cells": 3}',
    "a.py": "print('zo\u00eb')\n".encode(),
    "empty.txt": b"",
    "photo.png": b"\x89PNG\r\n\0\xff",
    "nul.txt": b"a\0b",
    "large.csv": bytes(10 * MiB + 1),
    "ten.csv": b"x" * 10 * MiB,
}


@pytest.fixture
def snapshot(service: RunningService) -> Path:
    return service.put_snapshot("alice", files=list(FILES.items()), course="phys")


@pytest.fixture
async def alice(service: RunningService, snapshot: Path, start_lab: Any) -> Lab:
    lab: Lab = await start_lab(service.url, "token-alice")
    return lab


async def compare(lab: Lab, base: object, other: object) -> Any:
    answer = await lab.post("compare", {"base": base, "other": other})
    assert answer.status_code == 200, answer.text
    return answer.json()


def taken(path: str) -> dict[str, str]:
    return {"api": API, "path": path}


async def test_a_notebook_against_the_own_one(alice: Lab) -> None:
    (alice.files / "my.ipynb").write_text(nbformat.writes(NEW))
    found = await compare(alice, taken("ps.ipynb"), {"file": "my.ipynb"})
    assert found["kind"] == "notebook"
    assert found["base"] == OLD
    (of_cells,) = found["diff"]
    assert (of_cells["op"], of_cells["key"]) == ("patch", "cells")
    assert [(each["op"], each["key"]) for each in of_cells["diff"]] == [
        ("patch", 1),
        ("addrange", 2),
    ]
    same = await compare(alice, taken("ps.ipynb"), taken("ps.ipynb"))
    assert same["diff"] == []


@pytest.mark.parametrize("new", [True, False], ids=["new", "gone"])
async def test_a_notebook_that_is_not_there(alice: Lab, new: bool) -> None:
    sides = (None, taken("ps.ipynb")) if new else (taken("ps.ipynb"), None)
    found = await compare(alice, *sides)
    empty = copy.deepcopy(OLD)
    empty.cells = []
    assert found["base"] == (empty if new else OLD)
    (of_cells,) = found["diff"]
    assert [each["op"] for each in of_cells["diff"]] == ["addrange" if new else "removerange"]


async def test_text(alice: Lab) -> None:
    (alice.files / "a.py").write_text("print()\n")
    assert await compare(alice, {"file": "a.py"}, taken("a.py")) == {
        "kind": "text",
        "base": "print()\n",
        "other": "print('zo\u00eb')\n",
    }
    assert (await compare(alice, None, taken("a.py")))["base"] == ""
    assert (await compare(alice, None, None))["kind"] == "text"
    assert (await compare(alice, taken("empty.txt"), None))["kind"] == "text"


async def test_a_notebook_that_is_none_is_text(alice: Lab) -> None:
    found = await compare(alice, taken("broken.ipynb"), taken("ps.ipynb"))
    assert (found["kind"], found["base"]) == ("text", '{"cells": 3}')


@pytest.mark.parametrize("path", ["photo.png", "nul.txt"])
async def test_bytes(alice: Lab, path: str) -> None:
    size = len(FILES[path])
    same = {"kind": "binary", "same": True, "baseSize": size, "otherSize": size}
    assert await compare(alice, taken(path), taken(path)) == same
    gone = {"kind": "binary", "same": False, "baseSize": size, "otherSize": None}
    assert await compare(alice, taken(path), None) == gone


async def test_too_large(alice: Lab) -> None:
    (alice.files / "large.csv").write_bytes(FILES["large.csv"])
    for side in (taken("large.csv"), {"file": "large.csv"}):
        answer = await alice.post("compare", {"base": side, "other": None})
        assert_error(answer, 413, "too_large")
    assert (await compare(alice, taken("ten.csv"), None))["kind"] == "text"


async def test_what_is_not_there_or_not_to_be_seen(alice: Lab, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (alice.files / "link.txt").symlink_to(secret)
    (alice.files / "folder").symlink_to(tmp_path)
    (alice.files / ".hidden").write_text("hidden")
    for side, status in [
        ({"file": "nothing.txt"}, 404),
        ({"file": "link.txt"}, 404),
        ({"file": "folder/secret.txt"}, 404),
        ({"file": "../secret.txt"}, 400),
        ({"file": ".hidden"}, 400),
        ({"file": None}, 400),
        (taken("nothing.txt"), 404),
        (taken(""), 400),
        ("a.py", 400),
    ]:
        answer = await alice.post("compare", {"base": side, "other": None})
        assert_error(answer, status)
