"""The seven older routes: order of checks, statuses, names, layouts of zips, reports."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from datetime import date

import pytest

from homes import IS_ROOT, STUDENT
from service import SITE_KEY, RunningService, StandInHub, assert_error

ROUTES = (
    "/get_snapshot_list", "/get_snapshot_file_list", "/get_snapshot_file", "/get_snapshot_zip",
    "/put_student_report", "/snapshot", "/snapshot_all",
)  # fmt: skip
NAME = "assignment-1_2021-09-09"
READING = {"STUDENT_ID": "31387714", "SNAPSHOT_NAME": NAME, "SNAPSHOT_FILENAME": "a.txt"}


def today(slug: str) -> str:
    return f"{slug}_{date.today().isoformat()}"  # noqa: DTZ011 the service's zone is this one


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


async def test_method_then_key_then_fields_in_their_order(single: RunningService) -> None:
    for route in ROUTES:
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
            assert (await single.client.request(method, single.url + route)).status_code == 405
        assert_error(await single.client.post(single.url + route), 401)
        assert_error(await single.client.post(single.url + route, data=READING), 401)
    first = {
        "/get_snapshot_list": ["STUDENT_ID"],
        "/get_snapshot_file_list": ["STUDENT_ID", "SNAPSHOT_NAME"],
        "/get_snapshot_file": ["STUDENT_ID", "SNAPSHOT_NAME", "SNAPSHOT_FILENAME"],
        "/get_snapshot_zip": ["SNAPSHOT_NAME"],
        "/snapshot": ["STUDENT_ID", "SNAPSHOT_NAME"],
        "/snapshot_all": ["SNAPSHOT_NAME"],
    }
    for route, fields in first.items():
        for number, missing in enumerate(fields):
            sent = dict.fromkeys(fields[:number], "nothing")
            for form in (sent, {**sent, missing: ""}, {**sent, missing.lower(): "x"}):
                body = assert_error(await single.post(route, form), 406, "missing_field")
                assert missing in body["message"]
                assert "curl" in body["message"]
            in_query = await single.fetch("POST", route, params=READING)
            assert_error(in_query, 406)


async def test_then_student_snapshot_and_file(single: RunningService) -> None:
    single.put_snapshot("31387714", NAME, [("a.txt", b"a")])
    for route in ("/get_snapshot_file_list", "/get_snapshot_file", "/get_snapshot_zip"):
        for field in READING:
            if field == "SNAPSHOT_FILENAME" and route != "/get_snapshot_file":
                continue
            assert_error(await single.post(route, {**READING, field: "nothing"}), 404)
        assert (await single.post(route, READING)).status_code == 200
    assert_error(await single.post("/snapshot", READING), 404, "home_not_found")
    assert_error(await single.post("/get_snapshot_list", {"STUDENT_ID": "x"}), 404)


@pytest.mark.threat("P16", "P9")
async def test_the_first_of_a_repeated_field_counts_and_nothing_is_trimmed(
    single: RunningService,
) -> None:
    single.put_snapshot("31387714", NAME)
    single.put_snapshot("20000001", "other_2021-09-09")
    route = "/get_snapshot_list"
    both = {"STUDENT_ID": ["31387714", "20000001"]}
    assert (await single.post(route, both)).json() == [NAME]
    in_query = await single.post(
        route, {"STUDENT_ID": "31387714"}, params={"STUDENT_ID": "20000001"}
    )
    assert in_query.json() == [NAME]
    parts = [("STUDENT_ID", (None, "31387714")), ("STUDENT_ID", (None, "20000001"))]
    assert (await single.post(route, files=parts)).json() == [NAME]
    for text in (" 31387714", "31387714 ", "31387714/", "\t", " "):
        assert_error(await single.post(route, {"STUDENT_ID": text}), 404)


TEXTS = [
    "..", "../x", "a/../b", "../" * 8, "../" * 2000, "/etc", "/", "//", ".", "./",
    "31387714/../20000001", "../homes", "%2e%2e%2f", "%252e", "\uff0e\uff0e\uff0f",
    "\u2024\u2024", "\u2215", "\0", "\x0031387714", "31387714\0", "313\x0087714", "x" * 256,
    "x" * 5000, "a/" * 6000, "3138771\uff14", "31387714.", "31387714\u200d", "\ufeff31387714",
    "\u202e31387714", "*", "?", "[3]1387714", "{31387714,x}", "$(id)", "`id`", ";", "|", "~",
    "~root", "$HOME",
    "-rf", "--help", "-e sh", "--rsync-path=/bin/sh", "localhost:/etc", "rsync://localhost/x",
    ".jupyterhub-snapshots", ".staging", ".lock", "lost+found", "31387714\n",
]  # fmt: skip


@pytest.mark.threat(
    "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P10", "P12", "P13", "P15", "N2", "B8"
)
async def test_odd_texts_in_every_field(single: RunningService) -> None:
    single.home("31387714").file("a.txt")
    single.put_snapshot("31387714", NAME)
    single.put_snapshot("20000001", NAME)
    whole_before = tree(single)
    for text in [
        *(text.encode() for text in TEXTS),
        b"\xff",
        b"\xed\xa0\x80",
        b"\x80",
        b"\xc0\xaf",
    ]:
        for route, fields in (
            ("/get_snapshot_list", ["STUDENT_ID"]),
            ("/get_snapshot_file", ["STUDENT_ID", "SNAPSHOT_NAME", "SNAPSHOT_FILENAME"]),
            ("/get_snapshot_zip", ["STUDENT_ID", "SNAPSHOT_NAME"]),
            ("/snapshot", ["STUDENT_ID"]),
        ):
            for field in fields:
                form = {name: (None, value.encode()) for name, value in READING.items()}
                answer = await single.post(route, files={**form, field: (None, text)})
                assert_error(answer, 404)
        answer = await single.post(
            "/put_student_report",
            files=[("STUDENT_ID", (None, text)), ("UPLOAD_FILE", ("planted.html", b"x"))],
        )
        assert_error(answer, 404)
    assert tree(single) == whole_before


def tree(single: RunningService) -> set[str]:
    """Every file of the homes and snapshots, but for the service's own."""
    return {
        os.path.join(folder, name)
        for folder, _, names in os.walk(single.place)
        if ".jupyterhub-snapshots" not in folder
        for name in names
        if not name.startswith("service.sqlite")
    }


SLUGS = [
    ("Assignment-1", "assignment-1"), ("Exam  1", "exam-1"), ("EXAM.1", "exam1"), ("été", "ete"),
    ("--a__", "a"), ("a_b", "a_b"), ("ﬁnal", "final"), ("x²", "x2"), ("İstanbul", "istanbul"),
    ("a\tb\nc", "a-b-c"), ("../../x", "x"), ("a - b", "a-b"), ("数学 1", "1"), ("$(id)", "id"),
]  # fmt: skip


@pytest.mark.threat("P18", "P19")
async def test_names_become_slugs(single: RunningService) -> None:
    single.home("31387714").file("a.txt")
    taken = set()
    for text, slug in SLUGS:
        answer = await single.post("/snapshot", {"STUDENT_ID": "31387714", "SNAPSHOT_NAME": text})
        if slug in taken:
            assert_error(answer, 404, "snapshot_exists")
            continue
        taken.add(slug)
        wanted = f"Success - Snapshot Created - {today(slug)} for Student: 31387714"
        assert answer.json() == wanted
    again = {"STUDENT_ID": "31387714", "SNAPSHOT_NAME": "assignment  1"}
    assert_error(await single.post("/snapshot", again), 404, "snapshot_exists")
    for text in ("数学", "🎓", "!!!", "-_-", " "):
        form = {"STUDENT_ID": "31387714", "SNAPSHOT_NAME": text}
        assert_error(await single.post("/snapshot", form), 406, "invalid_snapshot_name")
    listed = (await single.post("/get_snapshot_list", {"STUDENT_ID": "31387714"})).json()
    assert listed == sorted(today(slug) for slug in taken)
    for length, status in ((200, 200), (219, 200), (220, 406), (243, 406), (255, 406)):
        form = {"STUDENT_ID": "31387714", "SNAPSHOT_NAME": "l" * length}
        assert (await single.post("/snapshot", form)).status_code == status


@pytest.mark.threat("S29", "S30", "Z2")
async def test_hidden_names_and_layouts_of_zips(single: RunningService) -> None:
    home = single.home("jane.doe")
    for path in ("a.txt", ".hidden", ".cfg/x", "d/.git/y", "d/b.txt"):
        home.file(path, path.encode())
    (home / "empty").mkdir()
    student = {"STUDENT_ID": "jane.doe"}
    for include, hidden in (("no", False), (" true", False), ("1", False), ("TrUe", True)):
        slug = f"n{len(include)}"
        form = {**student, "SNAPSHOT_NAME": slug, "INCLUDE_HIDDEN": include}
        assert (await single.post("/snapshot", form)).status_code == 200
        named = {**student, "SNAPSHOT_NAME": today(slug)}
        assert set((await single.post("/get_snapshot_file_list", named)).json()) == {
            "a.txt",
            "d/b.txt",
        }
        by_name = await single.post("/get_snapshot_file", {**named, "SNAPSHOT_FILENAME": ".cfg/x"})
        assert by_name.status_code == (200 if hidden else 404)
        top = f"jane.doe/{today(slug)}/"
        zipped = await single.post("/get_snapshot_zip", named)
        assert f'filename="jane.doe_{today(slug)}.zip"' in zipped.headers["Content-Disposition"]
        assert zipped.headers["Content-Length"] == str(len(zipped.content))
        assert set(members(zipped.content)) == {
            top + path for path in ("", "a.txt", "d/", "d/b.txt", "empty/")
        } | ({top + ".hidden"} if hidden else set())
        for whole in ({"SNAPSHOT_NAME": today(slug)}, {**named, "STUDENT_ID": ""}):
            zipped = await single.post("/get_snapshot_zip", whole)
            found = members(zipped.content)
            assert found["jane.doe/d/b.txt"] == b"d/b.txt"
            assert ("jane.doe/.cfg/x" in found) == ("jane.doe/d/.git/y" in found) == hidden


@pytest.mark.threat("N1", "P14", "S36")
async def test_every_home_counts_whatever_its_name(single: RunningService) -> None:
    names = [
        "first.last",
        "user@example.com",
        "o'brien",
        "Zoë",
        "a b",
        "UPPER",
        "x" * 120,
        "snap",
        "-rf",
    ]
    for name in names:
        single.home(name).file("a.txt", name.encode())
    (single.place / "homes/linked").symlink_to(single.place / "homes/snap")
    (single.place / "homes/file").write_text("x")
    done = await single.post("/snapshot_all", {"SNAPSHOT_NAME": "All"})
    assert done.json() == f"Success - Snapshot Created - {today('all')} for All Students"
    for name in names:
        form = {"STUDENT_ID": name, "SNAPSHOT_NAME": today("all"), "SNAPSHOT_FILENAME": "a.txt"}
        assert (await single.post("/get_snapshot_list", form)).json() == [today("all")]
        assert (await single.post("/get_snapshot_file", form)).content == name.encode()
    for name in ("linked", "file"):
        assert_error(await single.post("/get_snapshot_list", {"STUDENT_ID": name}), 404)
        form = {"STUDENT_ID": name, "SNAPSHOT_NAME": "x"}
        assert_error(await single.post("/snapshot", form), 404, "home_not_found")


async def test_the_class_is_taken_whole_or_not_at_all(single: RunningService) -> None:
    for name in ("alice", "bob"):
        single.home(name).file("a.txt")
    await single.post("/snapshot", {"STUDENT_ID": "bob", "SNAPSHOT_NAME": "Exam"})
    assert_error(await single.post("/snapshot_all", {"SNAPSHOT_NAME": "exam"}), 404)
    assert_error(await single.post("/get_snapshot_list", {"STUDENT_ID": "alice"}), 404)
    assert_error(await single.post("/snapshot_all", {"SNAPSHOT_NAME": "!!"}), 406)


@pytest.mark.threat("N7")
async def test_a_home_that_fails_is_named_and_the_others_are_done(single: RunningService) -> None:
    single.home("alice").file("a.txt")
    single.home("bob").file("b.txt")
    (single.place / "snapshots/bob").write_text("in the way")
    answer = await single.post("/snapshot_all", {"SNAPSHOT_NAME": "exam"})
    assert answer.status_code == 207
    assert set(answer.json()["failed"]) == {"bob"}
    assert (await single.post("/get_snapshot_list", {"STUDENT_ID": "alice"})).json() == [
        today("exam")
    ]


REPORTS = [
    ("grades.html", "grades.html"), ("GRADES.HTML", "GRADES.HTML"), ("a.b.c.txt", "a.b.c.txt"),
    ("my grade report.htm", "my_grade_report.htm"), ("résumé 学.html", "resume_.html"),
    ("../../bob/x.html", "bob_x.html"), ("/etc/y.txt", "etc_y.txt"), ("..hidden.txt", "hidden.txt"),
    (".bashrc.txt", "bashrc.txt"), (".ssh/authorized_keys.txt", "ssh_authorized_keys.txt"),
    ("z.html.", "z.html"), ("w.HTML~", "w.HTML"), ('it\'s "x".txt', "its_x.txt"),
    ("two\nlines.txt", "two_lines.txt"), ("C:\\x\\v.txt", "Cxv.txt"), ("n.ipynb", "n.ipynb"),
]  # fmt: skip


@pytest.mark.threat("U5", "U7", "U8", "U9", "U10", "U11", "U15")
async def test_reports_by_their_names(single: RunningService) -> None:
    home = single.home("31387714")
    for number, (sent, made) in enumerate(REPORTS):
        content = f"report {number}".encode()
        answer = await upload(single, sent, content)
        assert answer.json() == f"Success - File Uploaded - {made}"
        assert (home / made).read_bytes() == content
        status = (home / made).lstat()
        assert stat.S_IMODE(status.st_mode) == 0o644
        assert status.st_uid == (STUDENT if IS_ROOT else os.getuid())
        assert_error(await upload(single, sent, b"second"), 417, "report_exists")
        assert (home / made).read_bytes() == content
    for sent in ("x.py", "x.html.exe", "x", "成绩.html", ".html", "x.json", "txt"):
        assert_error(await upload(single, sent, b"x"), 417, "refused_file_type")
    assert_error(await upload(single, "???", b"x"), 406, "missing_field")
    for length in (252, 300, 4000):
        assert_error(await upload(single, "x" * length + ".txt", b"x"), 404, "invalid_name")
    assert {path.name for path in home.path.iterdir()} == {made for _, made in REPORTS}
    digest = hashlib.sha256(b"report 0").hexdigest()
    assert hashlib.sha256((home / "grades.html").read_bytes()).hexdigest() == digest


async def upload(single: RunningService, filename: str, content: bytes, student: str = "31387714"):
    return await single.post(
        "/put_student_report",
        files=[("STUDENT_ID", (None, student)), ("UPLOAD_FILE", (filename, content))],
    )


@pytest.mark.threat("U1", "U2", "U4", "U5")
async def test_a_report_goes_through_no_link_and_over_nothing(single: RunningService) -> None:
    home = single.home("31387714")
    outside = single.place / "outside"
    outside.mkdir()
    (outside / "victim.txt").write_text("untouched")
    (home / "dangling.txt").symlink_to(outside / "new.txt")
    (home / "relative.txt").symlink_to("../../outside/new.txt")
    (home / "victim.txt").symlink_to(outside / "victim.txt")
    (home / "folder.txt").symlink_to(outside)
    (home / "dir.txt").mkdir()
    (home / "file.txt").write_text("mine")
    os.link(home / "file.txt", home / "hard.txt")
    os.mkfifo(home / "pipe.txt")
    for name in ("dangling", "relative", "victim", "folder", "dir", "file", "hard", "pipe"):
        assert_error(await upload(single, f"{name}.txt", b"planted"), 417, "report_exists")
    assert [path.name for path in outside.iterdir()] == ["victim.txt"]
    assert (outside / "victim.txt").read_text() == "untouched"
    assert (home / "file.txt").read_text() == "mine"
    (single.place / "homes/eve").symlink_to(outside)
    assert_error(await upload(single, "x.txt", b"x", "eve"), 404, "home_not_found")
    assert_error(await upload(single, "x.txt", b"x", "nobody"), 404, "home_not_found")
    assert_error(await upload(single, "x.py", b"x", "nobody"), 404, "home_not_found")


async def test_a_report_without_its_file(single: RunningService) -> None:
    single.home("31387714")
    for send, status in (
        (single.post("/put_student_report"), 400),
        (single.post("/put_student_report", {"STUDENT_ID": "31387714"}), 400),
        (single.post("/put_student_report", files={"FILE": ("x.txt", b"")}), 400),
        (upload(single, "", b"x"), 406),
        (single.post("/put_student_report", files={"UPLOAD_FILE": ("x.txt", b"")}), 406),
    ):
        body = assert_error(await send, status)
        assert '-F "UPLOAD_FILE=@' in body["message"]


async def test_an_older_key_header_in_any_case(single: RunningService) -> None:
    single.put_snapshot("31387714", NAME)
    for header in ("X-Api-Key", "x-api-key", "X-API-KEY"):
        answer = await single.client.post(
            f"{single.url}/get_snapshot_list",
            data={"STUDENT_ID": "31387714"},
            headers={header: SITE_KEY},
        )
        assert answer.json() == [NAME]


async def test_nobody_to_capture_is_no_success_where_a_hub_has_the_roster(
    service: RunningService, hub: StandInHub
) -> None:
    service.application.settings["snapshot_all_interval_seconds"] = 3600
    students, hub.groups["nbgrader-phys"] = hub.groups["nbgrader-phys"], []
    answer = await service.post("/snapshot_all", {"SNAPSHOT_NAME": "Exam"})
    assert_error(answer, 503, "busy")
    assert answer.headers["Retry-After"] == "30"
    hub.groups["nbgrader-phys"] = students
    for student in students:
        service.home(student).file("a.txt")
    for status in (200, 429):  # what was refused did not count, what was done does
        answer = await service.post("/snapshot_all", {"SNAPSHOT_NAME": f"Exam {status}"})
        assert answer.status_code == status, answer.text


async def test_an_empty_folder_of_homes_is_captured_with_success(single: RunningService) -> None:
    assert (await single.post("/snapshot_all", {"SNAPSHOT_NAME": "Exam"})).status_code == 200
