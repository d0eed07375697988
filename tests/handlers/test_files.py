"""One file over HTTP: ranges, conditions, odd names, and headers that keep it harmless."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from service import RunningService, assert_error

NAME = "hw_2026-01-31"
BASE = f"/api/v1/instructors/me/courses/STAT100a/students/alice/snapshots/{NAME}"
CONTENT = bytes(range(256)) * 4


@pytest.fixture
def snapshot(single: RunningService) -> Path:
    single.home("alice")
    return single.put_snapshot("alice", NAME, [("data.bin", CONTENT), ("empty.txt", b"")])


async def fetch(
    single: RunningService, path: str = "data.bin", method: str = "GET", **headers: str
) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await single.fetch(method, f"{BASE}/files/{path}", headers=names)


RANGES = [
    ("bytes=0-0", 0, 1),
    ("bytes=0-99", 0, 100),
    ("bytes=1000-", 1000, 1024),
    ("bytes=0-", 0, 1024),
    ("bytes=-24", 1000, 1024),
    ("bytes=-5000", 0, 1024),
    ("bytes=1000-999999", 1000, 1024),
    ("Bytes=5-6", 5, 7),
    ("bytes= 5-6", 5, 7),
]
WHOLE = [
    "bytes=0-1,5-6",
    "bytes=" + ",".join(f"{n}-{n}" for n in range(1500)),
    "bytes=" + ",".join("0-" for _ in range(1500)),
    "bytes=5-1",
    "bytes=a-b",
    "bytes=--5",
    "bytes=",
    "bytes",
    "lines=1-2",
    "bytes=0x1-2",
    "bytes=²-³",
    "-",
]


@pytest.mark.threat("Z16")
async def test_one_range_is_served(single: RunningService, snapshot: Path) -> None:
    for asked, begin, end in RANGES:
        answer = await fetch(single, Range=asked)
        assert answer.status_code == 206, asked
        assert answer.content == CONTENT[begin:end]
        assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/1024"
        assert answer.headers["Content-Length"] == str(end - begin)


@pytest.mark.threat("Z16")
async def test_ranges_that_nothing_can_satisfy(single: RunningService, snapshot: Path) -> None:
    for asked in ("bytes=1024-", "bytes=5000-6000", "bytes=-0", "bytes=" + "9" * 40 + "-"):
        answer = await fetch(single, Range=asked)
        assert_error(answer, 416)
        assert answer.headers["Content-Range"] == "bytes */1024"
    assert_error(await fetch(single, "empty.txt", Range="bytes=0-"), 416)


@pytest.mark.threat("Z16")
async def test_other_ranges_get_the_whole_file_once(single: RunningService, snapshot: Path) -> None:
    for asked in WHOLE:
        answer = await single.client.get(
            f"{single.url}{BASE}/files/data.bin",
            headers=[("X-Api-Key", single.headers["X-Api-Key"]), ("Range", asked.encode())],
        )
        assert answer.status_code == 200, asked
        assert answer.content == CONTENT


@pytest.mark.threat("Z16")
async def test_conditions(single: RunningService, snapshot: Path) -> None:
    whole = await fetch(single)
    etag = whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await fetch(single, If_None_Match=sent)
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["ETag"] == etag
        for name in ("Content-Security-Policy", "Cache-Control", "Content-Disposition"):
            assert answer.headers[name] == whole.headers[name]
    assert (await fetch(single, If_None_Match='"other"')).status_code == 200
    for sent, status in ((etag, 206), ('"other"', 200), (whole.headers["Last-Modified"], 200)):
        assert (await fetch(single, Range="bytes=1-2", If_Range=sent)).status_code == status
    (snapshot / "data.bin").write_bytes(b"changed")
    assert (await fetch(single, If_None_Match=etag)).status_code == 200


async def test_head_is_get_without_the_body(single: RunningService, snapshot: Path) -> None:
    for path in ("data.bin", "empty.txt"):
        got, head = await fetch(single, path), await fetch(single, path, "HEAD")
        assert head.status_code == got.status_code == 200
        assert head.content == b""
        for name in ("ETag", "Content-Length", "Content-Disposition", "Last-Modified"):
            assert head.headers[name] == got.headers[name], name
    assert (await fetch(single, "nothing", "HEAD")).status_code == 404
    assert (await fetch(single, method="HEAD", Range="bytes=0-4")).headers["Content-Length"] == "5"


@pytest.mark.threat("H4", "H14", "Z12")
async def test_no_students_file_is_shown_on_the_hubs_origin(
    single: RunningService, snapshot: Path
) -> None:
    answers = []
    for name in ("x.html", "x.svg", "x.ipynb", "x.pdf", "x.js", "x", "x.xml"):
        (snapshot / name).write_bytes(b"<script>alert(1)</script>")
        answers.append(await fetch(single, name))
        form = {"STUDENT_ID": "alice", "SNAPSHOT_NAME": NAME, "SNAPSHOT_FILENAME": name}
        answers.append(await single.post("/get_snapshot_file", form))
    for answer in answers:
        assert answer.content == b"<script>alert(1)</script>"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"].startswith("private")


ODD = [
    b"two\nlines.txt",
    b"a\r\nSet-Cookie: x=1\r\n.txt",
    b'q"; filename="evil.exe',
    b"tab\tand\x1b[31mred",
    b"back\\slash",
    "été 学.ipynb".encode(),
    b"not utf-8 \xff\xfe.txt",
    b"50%.txt",
    b"%2e%2e",
    b"a?b#c;d&e=f.txt",
    b"*[a]$(id)`x`",
    b"-rf",
    b"<b>bold<b>.html",
    b".hidden",
    b"trailing. ",
    b"x" * 255,
]


def put(folder: Path, name: bytes) -> None:
    """A file of that name with the name as its content."""
    (folder / os.fsdecode(name)).write_bytes(name)


@pytest.mark.threat("H1", "H2", "H3", "H5", "S31")
async def test_odd_names_are_listed_and_served_byte_for_byte(
    single: RunningService, snapshot: Path
) -> None:
    for raw in ODD:
        put(snapshot, raw)
        answer = await fetch(single, quote(raw, safe=""))
        assert answer.status_code == 200, raw
        assert answer.content == raw
        assert "Set-Cookie" not in answer.headers
        [disposition] = answer.headers.get_list("Content-Disposition")
        shown = disposition.removeprefix('attachment; filename="')
        plain, encoded = shown.split("\"; filename*=UTF-8''")
        assert '"' not in plain
        assert plain.isascii()
        assert plain.isprintable()
        assert encoded == quote(raw, safe="")
    tree = await single.get(f"{BASE}/tree")
    assert {entry["name"] for entry in tree.json()} >= {os.fsdecode(raw) for raw in ODD}
    lines = await single.audit()
    assert len(lines) == len(ODD) + 1
    assert all(line["target"].isprintable() for line in lines)


PATHS = [
    "..", "../x", "data.bin/../data.bin", "../" * 8 + "etc/passwd", "../" * 2000, "/etc/passwd",
    ".", "/", "//", "./data.bin", "data.bin/", "../../bob/hw_2026-01-31/a.txt",
    "..%2f..%2fbob", "%2e%2e/%2e%2e/bob", "%252e%252e%252f", "%u002e%u002e/x",
    "%c0%ae%c0%ae%c0%afx", "\uff0e\uff0e\uff0fx", "\u2024\u2024/x", "..\u2215x",
    "%00", "data.bin%00", "%00data.bin",
    "data%00.bin", "%ff", "%ed%a0%80", "%80", "a" * 256, "a" * 5000, "a/" * 3000, "%20", "%09",
    "DATA.BIN", "data.bin.", "data.bin%20", "*", "~", "~root", "$HOME", "{data,x}.bin", "-rf",
]  # fmt: skip


@pytest.mark.threat("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P10", "P12", "P13", "H16")
async def test_paths_that_are_no_files_of_the_snapshot(
    single: RunningService, snapshot: Path
) -> None:
    single.put_snapshot("bob", NAME)
    key = single.headers["X-Api-Key"]
    for path in PATHS:
        target = f"{single.prefix}{BASE}/files/" + "".join(
            letter if letter.isascii() else quote(letter) for letter in path
        )
        request = (
            f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: {key}\r\n\r\n"
        )
        answer = await single.raw(request.encode())
        assert answer.split(b" ", 2)[1] in (b"400", b"404", b"414"), (path, answer[:100])
        assert b"root:" not in answer
        if path not in ("/", "//") and len(path) < 4000:
            tree = f"{BASE}/tree?path={quote(path.replace('%', '%25'))}"
            # With a slash at its end a path may name a file, which is told.
            a_file = path.rstrip("/") != path and "data.bin" in path
            assert_error(await single.get(tree), 400 if a_file else 404)


@pytest.mark.threat("Z12", "Z14", "Z15", "S6", "P14")
async def test_what_is_no_regular_file_is_not_served(
    single: RunningService, snapshot: Path
) -> None:
    secret = single.place / "secret.txt"
    secret.write_text("the key to the exam")
    folder = single.place / "folder"
    folder.mkdir()
    (folder / "secret.txt").write_text("the key to the exam")
    (snapshot / "link").symlink_to(secret)
    (snapshot / "inside").symlink_to("data.bin")
    (snapshot / "out").symlink_to(folder)
    (snapshot / "zero").symlink_to("/dev/zero")
    (snapshot / "loop").symlink_to("loop")
    (snapshot / "sub").mkdir()
    os.mkfifo(snapshot / "fifo")
    if os.geteuid() == 0:
        os.mknod(snapshot / "device", 0o020666, os.makedev(1, 5))
    (snapshot.parent / "linked_2026-01-31").symlink_to(snapshot)
    (snapshot.parent.parent / "eve").symlink_to(snapshot.parent)
    for path in (
        "link",
        "inside",
        "out",
        "out/secret.txt",
        "zero",
        "loop",
        "sub",
        "fifo",
        "device",
    ):
        assert_error(await fetch(single, path), 404, "file_not_found")
    assert_error(await single.get(f"{BASE}/tree?path=out"), 404, "file_not_found")
    kinds = {entry["name"]: entry["type"] for entry in (await single.get(f"{BASE}/tree")).json()}
    assert kinds["link"] == kinds["out"] == "link"
    assert "fifo" not in kinds
    form = {"STUDENT_ID": "alice", "SNAPSHOT_NAME": "linked_2026-01-31"}
    for route in ("/get_snapshot_file_list", "/get_snapshot_zip"):
        assert_error(await single.post(route, form), 404, "snapshot_not_found")
        assert_error(await single.post(route, {"STUDENT_ID": "eve", "SNAPSHOT_NAME": NAME}), 404)
    listed = await single.post("/get_snapshot_list", {"STUDENT_ID": "alice"})
    assert listed.json() == [NAME]
    assert_error(await single.post("/get_snapshot_list", {"STUDENT_ID": "eve"}), 404)
    files = await single.post("/get_snapshot_file_list", {**form, "SNAPSHOT_NAME": NAME})
    assert files.json() == ["data.bin", "empty.txt"]
