"""Copying from snapshots into the person's own files."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import zipfile
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyterhub_snapshots import archive
from jupyterhub_snapshots.beneath import Folder
from jupyterhub_snapshots.errors import EngineFailed
from jupyterhub_snapshots.server_extension import copy, unpack
from service import RunningService, assert_error

from .conftest import Lab, resident_bytes

API = "instructors/me/courses/phys/students/alice/snapshots/hw_2026-01-31"
KEPT = re.compile(r"(.*)\.before-restore-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(-2)?(\.\w+)?")

Copy = Callable[..., Any]


@pytest.fixture
def snapshot(service: RunningService) -> Path:
    """A snapshot of alice's with a folder, a program and links."""
    files = [
        ("a.ipynb", b"{}"),
        ("week 1/zo\u00eb.py", b"print()"),
        ("week 1/deep/data.csv", b"1,2\n"),
        ("week 1/.hidden/x", b"h"),
        ("run.sh", b"#!/bin/sh\n"),
    ]
    path = service.put_snapshot("alice", files=files, course="phys")
    (path / "week 1/empty").mkdir()
    (path / "week 1/deep/up").symlink_to("../zo\u00eb.py")
    (path / "week 1/out").symlink_to("../../.ssh")
    (path / "week 1/passwd").symlink_to("/etc/passwd")
    (path / "run.sh").chmod(0o755)
    return path


@pytest.fixture
def copied(lab: Lab, snapshot: Path) -> Copy:
    async def ask(path: str, target: object, **more: object) -> httpx.Response:
        body = {"source": {"api": API, "path": path}, "target": target, **more}
        answer = await lab.post("copy", body)
        left = [name for name in os.listdir(lab.files) if name.endswith(".part")]
        assert left == [], "nothing half-made stays"
        return answer

    return ask


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """What is below: contents, targets of links, None for folders."""
    found: dict[str, bytes | str | None] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.readlink(path)
        else:
            found[name] = None if path.is_dir() else path.read_bytes()
    return found


async def test_a_file(lab: Lab, copied: Copy) -> None:
    answer = await copied("a.ipynb", "new/folder/b.ipynb")
    assert answer.status_code == 201
    assert answer.json() == {
        "path": "new/folder/b.ipynb",
        "shownAs": "new/folder/b.ipynb",
        "keptAs": None,
        "leftOut": 0,
    }
    made = lab.files / "new/folder/b.ipynb"
    assert made.read_bytes() == b"{}"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(made.stat().st_mode) == 0o666 & ~umask


async def test_a_folder(lab: Lab, copied: Copy) -> None:
    answer = await copied("week 1", "week 1")
    assert answer.json() == {"path": "week 1", "shownAs": "week 1", "keptAs": None, "leftOut": 2}
    assert tree(lab.files / "week 1") == {
        "zo\u00eb.py": b"print()",
        "deep": None,
        "deep/data.csv": b"1,2\n",
        "deep/up": "../zo\u00eb.py",
        "empty": None,
        ".hidden": None,
        ".hidden/x": b"h",
    }


async def test_a_whole_snapshot(lab: Lab, copied: Copy) -> None:
    answer = await copied("", "alice hw")
    assert answer.status_code == 201
    found = tree(lab.files / "alice hw")
    assert {"a.ipynb", "run.sh", "week 1/deep/data.csv"} < set(found)
    assert os.access(lab.files / "alice hw/run.sh", os.X_OK)
    assert not os.access(lab.files / "alice hw/a.ipynb", os.X_OK)


async def test_a_home_of_which_a_folder_is_shown(
    lab: Lab, copied: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(lab.files.parent))
    inside = f"{lab.files.name}/back.ipynb"
    answer = (await copied("a.ipynb", inside, below="home")).json()
    assert (answer["path"], answer["shownAs"]) == (inside, "back.ipynb")
    assert (lab.files / "back.ipynb").is_file()
    answer = (await copied("a.ipynb", "beside.ipynb", below="home")).json()
    assert (answer["path"], answer["shownAs"]) == ("beside.ipynb", None)
    assert (lab.files.parent / "beside.ipynb").is_file()
    assert_error(await copied("a.ipynb", "x", below="root"), 400)


async def test_names_come_back_as_they_were(lab: Lab, copied: Copy, snapshot: Path) -> None:
    assert unpack.REAL_NAME == archive.REAL_NAME
    odd = {"a\\b.txt", "two\nlines", "caf\udce9", "\udce9" * 90, "con.", "CON", "x:y"}
    folder = snapshot / "week 1/odd\\ones"
    folder.mkdir()
    for name in odd:
        (folder / name).write_bytes(os.fsencode(name))
    assert (await copied("week 1", "back")).status_code == 201
    assert set(os.listdir(lab.files / "back/odd\\ones")) == odd
    assert tree(lab.files / "back/odd\\ones") == tree(folder)


async def test_it_asks_before_anything_is_replaced(lab: Lab, copied: Copy) -> None:
    (lab.files / "a.ipynb").write_text("mine")
    (lab.files / "week 1").mkdir()
    (lab.files / "dangling").symlink_to("nowhere")
    for path, target in [("a.ipynb", "a.ipynb"), ("week 1", "week 1"), ("a.ipynb", "dangling")]:
        body = assert_error(await copied(path, target), 409, "exists")
        assert body["details"] == {"existing": [target]}
    assert (lab.files / "a.ipynb").read_text() == "mine"
    assert_error(await copied("a.ipynb", "a.ipynb", existing="replace"), 400, "invalid_request")


async def test_what_was_there_is_kept(lab: Lab, copied: Copy) -> None:
    kept = {}
    for _ in range(2):
        for path, before in [("a.ipynb", "a"), ("week 1", "week 1")]:
            answer = (await copied(path, path, existing="keep_old")).json()
            if answer["keptAs"] is not None:
                found = KEPT.fullmatch(answer["keptAs"])
                assert found is not None
                assert found[1] == before
                kept[path] = answer["keptAs"]
        (lab.files / "a.ipynb").write_text("mine")
        (lab.files / "week 1/zo\u00eb.py").write_text("mine")
    again = (await copied("a.ipynb", "a.ipynb", existing="keep_old")).json()["keptAs"]
    assert again != kept["a.ipynb"]
    assert (lab.files / again).read_text() == "mine"
    assert (lab.files / kept["a.ipynb"]).suffix == ".ipynb"
    assert (lab.files / kept["week 1"] / "zo\u00eb.py").read_text() == "mine"
    assert (lab.files / "a.ipynb").read_bytes() == b"{}"


async def test_a_long_name_is_kept_shortened(lab: Lab, copied: Copy) -> None:
    name = "\u00eb" * 124 + ".ipynb"
    (lab.files / name).write_text("mine")
    kept = (await copied("a.ipynb", name, existing="keep_old")).json()["keptAs"]
    assert (lab.files / kept).read_text() == "mine"


async def test_a_long_suffix_is_none(lab: Lab, copied: Copy) -> None:
    name = "a." + "b" * 240
    (lab.files / name).write_text("mine")
    kept = (await copied("a.ipynb", name, existing="keep_old")).json()["keptAs"]
    assert KEPT.fullmatch(kept)
    assert (lab.files / kept).read_text() == "mine"


async def test_names_that_are_no_utf8(lab: Lab, service: RunningService) -> None:
    files = [(b"caf\xe9.txt", b"coffee"), (b"th\xe9/green", b"tea")]
    service.put_snapshot("alice", files=files, course="phys")
    for path in (b"caf\xe9.txt", b"th\xe9"):
        name = os.fsdecode(path)
        for existing in ("ask", "ask", "keep_old"):
            source = {"api": API, "path": name}
            body = {"source": source, "target": name, "existing": existing}
            answer = await lab.client.post("copy", content=json.dumps(body))
        assert answer.status_code == 201, answer.text
        assert answer.json()["path"] == name
        # Nothing of the name is lost.
        assert os.fsencode(answer.json()["keptAs"]).startswith(path.removesuffix(b".txt"))
    assert (lab.files / os.fsdecode(b"caf\xe9.txt")).read_bytes() == b"coffee"
    assert (lab.files / os.fsdecode(b"th\xe9") / "green").read_bytes() == b"tea"
    side = {"api": API, "path": os.fsdecode(b"caf\xe9.txt")}
    own = {"file": side["path"]}
    compared = await lab.client.post("compare", content=json.dumps({"base": side, "other": own}))
    assert compared.json() == {"kind": "text", "base": "coffee", "other": "coffee"}


async def test_no_folder_stays_of_a_copy_that_failed(lab: Lab, copied: Copy) -> None:
    (lab.files / "mine").mkdir()
    assert_error(await copied("nothing", "mine/a/b/c"), 404, "file_not_found")
    assert tree(lab.files) == {"mine": None}
    assert (await copied("a.ipynb", "mine/a/b/c")).status_code == 201
    assert_error(await copied("nothing", "mine/a/b/d"), 404, "file_not_found")
    assert tree(lab.files / "mine") == {"a": None, "a/b": None, "a/b/c": b"{}"}


async def test_a_folder_that_is_used_by_now_stays(
    lab: Lab, copied: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*arguments: object) -> int:
        (lab.files / "a/b/other").mkdir()
        raise OSError(errno.EDQUOT, "full")

    monkeypatch.setattr(copy, "_fetch", fails)
    assert_error(await copied("a.ipynb", "a/b/c/d"), 507)
    assert tree(lab.files) == {"a": None, "a/b": None, "a/b/other": None}


async def test_no_link_is_followed(lab: Lab, copied: Copy, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (lab.files / "link").symlink_to(outside)
    (lab.files / "file").write_text("mine")
    for target in ("link/a.ipynb", "link/new/a.ipynb", "file/a.ipynb"):
        body = assert_error(await copied("a.ipynb", target, existing="keep_old"), 400)
        assert body["code"] == "not_a_folder"
    assert_error(await copied("week 1", "link"), 409, "exists")
    answer = await copied("week 1", "link", existing="keep_old")
    assert answer.status_code == 201
    assert os.readlink(lab.files / answer.json()["keptAs"]) == str(outside)
    assert list(outside.iterdir()) == []


async def test_no_target_leads_out_or_is_hidden(lab: Lab, copied: Copy) -> None:
    out = ["", "/", "..", "../x", "a/../b", "a//b", "/../x", "a\0b", None, 3, "x" * 300]
    for target in [*out, ".hidden", "a/.b/c"]:
        assert_error(await copied("a.ipynb", target), 400, "invalid_name")
        assert list(lab.files.iterdir()) == [], target


async def test_hidden_targets_where_they_are_shown(lab: Lab, copied: Copy) -> None:
    lab.app.contents_manager.allow_hidden = True
    assert (await copied("a.ipynb", ".config/a.ipynb")).status_code == 201


async def test_sources_are_looked_at_closely(lab: Lab) -> None:
    apis = [
        f"{API}/../x",
        f"{API}?x=",
        f"{API}#",
        f"../../{API}",
        f"/{API}",
        API.replace("alice", ".."),
        API.replace("alice", "%2e%2e"),
        API.replace("alice", "a%2Fb"),
        API.replace("alice", "zo\u00eb"),
        "http://evil.example/",
        "users/alice/courses/phys/snapshots/x",
        "",
        3,
    ]
    sources = [{"api": api, "path": ""} for api in apis]
    sources += [{"api": API, "path": path} for path in ("../x", "a//b", None)]
    for source in [None, "week 1", {}, {"api": API}, *sources]:
        assert_error(await lab.post("copy", {"source": source, "target": "x"}), 400)
    assert list(lab.files.iterdir()) == []


async def test_bodies_that_are_no_object(lab: Lab) -> None:
    for body in (b"", b"[]", b"{", b'"x"', b"\xff"):
        assert_error(await lab.client.post("copy", content=body), 400, "invalid_request")
    deep = b"[" * 100_000
    assert_error(await lab.client.post("copy", content=deep), 400, "invalid_request")


@pytest.mark.parametrize("path", ["copy", "compare"])
async def test_large_bodies_are_not_kept(lab: Lab, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"target": "x", "source": {"api": "'
        for _ in range(64):
            yield b"x" * 2**20
        yield b'"}}'

    before = resident_bytes()
    assert_error(await lab.client.post(path, content=endless()), 413, "too_large")
    assert resident_bytes() - before < 16 * 2**20
    # And nothing at all of what somebody sends who may not.
    stranger = {"Authorization": "token wrong"}
    assert_error(await lab.client.post(path, content=b"[", headers=stranger), 403)


async def test_paths_of_the_greatest_length_are_not_too_large(lab: Lab, copied: Copy) -> None:
    path = "/".join(["\U0001f600" * 60] * 65)
    assert len(path) < 4000
    assert_error(await copied(path, path), 404, "file_not_found")
    assert list(lab.files.iterdir()) == []


async def test_errors_of_the_service_are_passed_on(
    lab: Lab, copied: Copy, service: RunningService
) -> None:
    assert_error(await copied("nothing", "x"), 404, "file_not_found")
    chem = {"api": API.replace("phys", "chem"), "path": ""}
    assert_error(await lab.post("copy", {"source": chem, "target": "x"}), 403)
    other = {"api": API.replace("hw_", "no_"), "path": "a.ipynb"}
    answer = await lab.post("copy", {"source": other, "target": "x"})
    assert_error(answer, 404, "snapshot_not_found")
    service.server.stop()
    await service.server.close_all_connections()
    assert_error(await copied("a.ipynb", "x"), 502, "service_down")
    assert list(lab.files.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.ENOSPC, 507, "storage_full"),
        (errno.EDQUOT, 507, "storage_full"),
        (errno.EROFS, 403, None),
    ],
)
@pytest.mark.parametrize("path", ["a.ipynb", "week 1"])
async def test_a_disk_that_is_full(
    lab: Lab,
    copied: Copy,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    number: int,
    status: int,
    code: str | None,
) -> None:
    (lab.files / path).write_text("mine")

    def full(descriptor: int, data: bytes) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(copy, "_write_all", full)
    assert_error(await copied(path, path, existing="keep_old"), status, code)
    assert tree(lab.files) == {path: b"mine"}


async def test_what_was_there_comes_back_when_its_place_is_taken(
    lab: Lab, copied: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lab.files / "a.ipynb").write_text("mine")
    move = Folder.move

    def fails(self: Folder, name: str, to: Folder, new_name: str) -> None:
        if name.endswith(".part"):
            raise OSError(errno.EDQUOT, "full")
        move(self, name, to, new_name)

    monkeypatch.setattr(Folder, "move", fails)
    assert_error(await copied("a.ipynb", "a.ipynb", existing="keep_old"), 507)
    assert tree(lab.files) == {"a.ipynb": b"mine"}


# Zips


def zipped(*members: tuple[str, bytes, int]) -> BytesIO:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, content)
    return file


def unpacked(folder: Path, *members: tuple[str, bytes, int]) -> int:
    folder.mkdir()
    with Folder.at(folder) as into:
        return unpack.unpack(zipped(("top/", b"", 0o40755), *members), into)


@pytest.mark.parametrize(
    "name", ["top/../../x", "/x", "top//x", "x", "other/x", "top/./x", "top/a/../../../x"]
)
def test_no_member_lands_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(EngineFailed):
        unpacked(tmp_path / "in", (name, b"x", 0o100644))
    assert tree(tmp_path) == {"in": None}


@pytest.mark.parametrize(
    ("target", "stays"),
    [
        ("file", True),
        ("../file", True),
        ("./../b/c", True),
        ("..", True),
        ("../..", False),
        ("../../x", False),
        ("b/../../..", False),
        ("/etc", False),
        ("", False),
        ("x" * 5000, False),
    ],
)
def test_links_stay_inside(tmp_path: Path, target: str, stays: bool) -> None:
    left_out = unpacked(tmp_path / "in", ("top/a/link", target.encode(), 0o120777))
    assert left_out == (not stays)
    assert (tmp_path / "in/a/link").is_symlink() == stays


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="link"):
        unpacked(
            tmp_path / "in",
            ("top/link", b"folder", 0o120777),
            ("top/folder/", b"", 0o40755),
            ("top/link/x", b"x", 0o100644),
        )
    assert list((tmp_path / "in/folder").iterdir()) == []


def test_names_that_are_too_long_are_left_out(tmp_path: Path) -> None:
    long = "\u00eb" * 128
    left_out = unpacked(
        tmp_path / "in",
        ("top/a/", b"", 0o40755),
        (f"top/a/{long}", b"x", 0o100644),
        (f"top/a/{long}/", b"", 0o40755),
        (f"top/a/{long}/b", b"x", 0o100644),
        ("top/c", b"c", 0o100644),
        (f"top/a/b/{long}/d/e", b"x", 0o100644),
        ("top/d", b"target", 0o120777),
        ("top/a/b/f", b"f", 0o100644),
    )
    assert left_out == 4
    found = {"a": None, "c": b"c", "d": "target", "a/b": None, "a/b/f": b"f"}
    assert tree(tmp_path / "in") == found


def damaged(kind: str) -> bytes:
    """A zip that can't be read, in one of the ways that `zipfile` has names for."""
    made = zipped(("top/", b"", 0o40755), ("top/x", b"x" * 100, 0o100644)).getvalue()
    begin, central = made.rindex(b"PK\3\4"), made.rindex(b"PK\1\2")
    raw = bytearray(made)
    if kind == "encrypted":
        raw[begin + 6] |= 1
        raw[central + 8] |= 1
    elif kind == "no UTF-8":
        raw[central + 9] |= 8
        raw[central + 46 + 4] = 0xFF
    else:
        method = {"deflate": 8, "lzma": 14, "unknown": 99}[kind]
        raw[begin + 8] = raw[central + 10] = method
        raw[begin + 30 + 5 :][:4] = b"\0\0\5\0"
    return bytes(raw)


@pytest.mark.parametrize("kind", ["encrypted", "no UTF-8", "deflate", "lzma", "unknown"])
def test_zips_that_are_damaged(tmp_path: Path, kind: str) -> None:
    with Folder.at(tmp_path) as into, pytest.raises(EngineFailed):
        unpack.unpack(BytesIO(damaged(kind)), into)


def test_zips_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path = tmp_path / "in"
    tmp_path.mkdir()
    with Folder.at(tmp_path) as into:
        for broken in (b"", b"PK", zipped(("top/x", b"x" * 100, 0)).getvalue()[:-30]):
            with pytest.raises(EngineFailed):
                unpack.unpack(BytesIO(broken), into)
        monkeypatch.setattr(unpack, "MAX_MEMBERS", 1)
        with pytest.raises(Exception, match="Download it as a zip"):
            unpack.unpack(zipped(("top/", b"", 0), ("top/a", b"", 0)), into)
