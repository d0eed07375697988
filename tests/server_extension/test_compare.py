"""Comparing files of snapshots and the person's own."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyterhub_snapshots.server_extension import compare as comparing
from jupyterhub_snapshots.server_extension import notebooks
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


# Notebooks, in a process of their own


def write(path: Path, made: object) -> None:
    path.write_text(json.dumps(made))


def unrelated(name: str) -> nbformat.NotebookNode:
    """Two of these take nbdime half a minute."""

    def source(cell: int) -> str:
        words = [hashlib.sha256(f"{name}{cell}{line}".encode()).hexdigest() for line in range(5)]
        return "\n".join(f"{word[:8]} = {word[8:16]}({word[16:32]})" for word in words)

    return without_ids(notebook(*map(source, range(200))))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[asyncio.subprocess.Process]:
    """Those that were started."""
    started: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def note(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*arguments, **options)
        started.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", note)
    return started


@pytest.fixture
def both_unrelated(alice: Lab) -> tuple[dict[str, str], dict[str, str]]:
    write(alice.files / "a.ipynb", unrelated("x"))
    write(alice.files / "b.ipynb", unrelated("other"))
    return {"file": "a.ipynb"}, {"file": "b.ipynb"}


async def test_what_takes_too_long_is_text(
    alice: Lab,
    both_unrelated: Any,
    processes: asyncio.Queue[asyncio.subprocess.Process],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparing, "_MOST_SECONDS", 1.5)
    asked = asyncio.create_task(compare(alice, *both_unrelated))
    longest, last = 0.0, asyncio.get_running_loop().time()
    while not asked.done():
        await asyncio.sleep(0.01)
        now = asyncio.get_running_loop().time()
        longest, last = max(longest, now - last), now
    assert (await asked)["kind"] == "text"
    assert longest < 1, "the server was not itself meanwhile"
    assert processes.get_nowait().returncode == -9


async def test_nobody_waits_for_the_difference(
    alice: Lab, both_unrelated: Any, processes: asyncio.Queue[asyncio.subprocess.Process]
) -> None:
    base, other = both_unrelated
    asked = asyncio.create_task(alice.post("compare", {"base": base, "other": other}))
    process = await asyncio.wait_for(processes.get(), 10)
    asked.cancel()
    assert await asyncio.wait_for(process.wait(), 5) == -9
    assert (await alice.get("status")).status_code == 200


async def test_people_s_modules_are_not_imported(
    alice: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(alice.files)
    (alice.files / "random.py").write_text("raise SystemExit('mine')")
    assert (await compare(alice, None, taken("ps.ipynb")))["kind"] == "notebook"


async def test_a_process_that_fails_or_does_not_start(
    alice: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for program in ("/bin/false", "/nowhere/python"):
        monkeypatch.setattr(sys, "executable", program)
        assert (await compare(alice, None, taken("ps.ipynb")))["kind"] == "text"
    assert caplog.text.count("Notebooks are compared as texts") == 2


def test_the_process_is_small() -> None:
    look = (
        "import sys, jupyterhub_snapshots.server_extension.notebooks as n\n"
        "print([each for each in ('jupyter_server', 'tornado', 'httpx') if each in sys.modules])\n"
        "n._limit()\n"
        "bytes(2**31)"
    )
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert ran.stdout == "[]\n"
    assert "MemoryError" in ran.stderr


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_that_json_has_not(alice: Lab, number: str) -> None:
    made = notebook("a = 1")
    made.metadata["x"] = 12345
    text = json.dumps(made).replace("12345", number)
    (alice.files / "my.ipynb").write_text(text)
    for other in (taken("ps.ipynb"), {"file": "my.ipynb"}):
        answer = await alice.post("compare", {"base": {"file": "my.ipynb"}, "other": other})
        found = json.loads(answer.text, parse_constant=pytest.fail)
        assert (found["kind"], found["base"]) == ("text", text)


def without_ids(made: nbformat.NotebookNode) -> nbformat.NotebookNode:
    made = copy.deepcopy(made)
    for cell in made.cells:
        del cell["id"]
    return made


def with_doubled_ids(made: nbformat.NotebookNode) -> nbformat.NotebookNode:
    made = copy.deepcopy(made)
    for cell in made.cells:
        cell["id"] = "same"
    return made


def of_version_3(made: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return nbformat.convert(copy.deepcopy(made), 3)


@pytest.mark.filterwarnings("ignore:Cell is missing an id")
@pytest.mark.filterwarnings("ignore:Non-unique cell id")
@pytest.mark.parametrize("change", [copy.deepcopy, without_ids, with_doubled_ids, of_version_3])
def test_ids_that_nobody_wrote_are_no_difference(change: Callable[[Any], Any]) -> None:
    before, after = json.dumps(change(OLD)), json.dumps(change(NEW), indent=1)
    same = json.loads(notebooks.difference(before, json.dumps(change(OLD), indent=1)) or "")
    assert same["diff"] == []
    for base, other in [(before, after), (json.dumps(OLD), after), (None, after), (before, None)]:
        found = json.loads(notebooks.difference(base, other) or "")
        (of_cells,) = [each for each in found["diff"] if each["key"] == "cells"]
        patched = [each for each in of_cells["diff"] if each["op"] == "patch"]
        keys = {inner["key"] for each in patched for inner in each["diff"]}
        assert "id" not in keys
