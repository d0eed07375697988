"""Names: what a person's words become, and what is refused before any disk is asked."""

from __future__ import annotations

import os
import string
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_snapshots.core.names import (
    MAX_PATH_BYTES,
    MAX_SNAPSHOT_NAME_BYTES,
    SERVICE_DIR,
    check_report_suffix,
    is_component,
    is_hidden,
    is_snapshot_name,
    path_parts,
    report_filename,
    slugify,
    snapshot_name,
    student_folder,
)
from jupyterhub_snapshots.errors import InvalidName, InvalidSnapshotName, RefusedFileType

DAY = date(2026, 3, 1)
#: Names as they come from a disk: any bytes but NUL and the slash.
disk_names = (
    st.binary(min_size=1, max_size=255)
    .filter(lambda raw: b"\0" not in raw and b"/" not in raw and raw not in (b".", b".."))
    .map(os.fsdecode)
)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Exam 1", "exam-1"),
        ("exam-1", "exam-1"),
        ("EXAM.1", "exam1"),
        ("  PS 1 -- final  ", "ps-1-final"),
        ("Übung ﬁne ①", "ubung-fine-1"),
        ("snake_case", "snake_case"),
        ("-_x_-", "x"),
        ("a\t\n b", "a-b"),
        ("../../etc/passwd", "etcpasswd"),
        ("a/b", "ab"),
        ("作业", ""),
        ("🙂", ""),
        ("", ""),
        ("---", ""),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    assert slugify(text) == slug


@given(st.text())
def test_a_slug_is_plain_and_its_own_slug(text: str) -> None:
    slug = slugify(text)
    assert set(slug) <= set(string.ascii_lowercase + string.digits + "_-")
    assert slugify(slug) == slug
    assert slug == slug.strip("-_")
    if slug and len(slug) < 200:
        name = snapshot_name(text, DAY)
        assert name == f"{slug}_2026-03-01"
        assert is_snapshot_name(name)
        assert path_parts(name) == (name,)


@pytest.mark.threat("P9", "P18", "P19")
@pytest.mark.parametrize("text", ["", " ", "\t", "作业", "🙂", "...", "x" * 220, "x" * 5000, "\0"])
def test_no_name_is_left(text: str) -> None:
    with pytest.raises(InvalidSnapshotName):
        snapshot_name(text, DAY)


@pytest.mark.threat("P19")
def test_the_longest_name_leaves_room_for_its_manifest() -> None:
    name = snapshot_name("x" * (MAX_SNAPSHOT_NAME_BYTES - 11), DAY)
    assert len(name) == MAX_SNAPSHOT_NAME_BYTES
    assert is_component(f".{name}.manifest")
    with pytest.raises(InvalidSnapshotName):
        snapshot_name("x" * (MAX_SNAPSHOT_NAME_BYTES - 10), DAY)


@pytest.mark.threat("P10", "P5")
@pytest.mark.parametrize(
    "text", ["\uff0e\uff0e\uff0f", "\u2024\u2024\u2215", "%2e%2e%2f", "..\\..\\x"]
)
def test_look_alikes_of_dots_and_slashes_vanish(text: str) -> None:
    assert not set(slugify(text)) & set("./\\%")


@pytest.mark.threat("P1", "P2", "P3", "P4", "P6", "P7", "P8", "P9", "N2")
@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/", "//", "a/b", "/etc", "../bob", "alice/../bob", "a/", "./a"),
        *("\0", "a\0", "\0a", "a\0.txt", "x" * 256, "x" * 5000, "é" * 128, "\ud800", "a\udbff"),
    ],
    ids=ascii,
)
def test_what_can_not_be_one_name(name: str) -> None:
    assert not is_component(name)
    assert not is_snapshot_name(name)
    with pytest.raises(InvalidName):
        student_folder(name)


@pytest.mark.threat("P8", "P1", "D11")
@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "a//b", "a/", "/a", "a/./b", "a/../b", "..", "../" * 2000, "a/" * 3000),
        *("a/b\0", "x" * 256, "a/" + "x" * 5000, "a" * 1_000_000, "a/\ud800"),
    ],
    ids=lambda path: ascii(path[:20]),
)
def test_what_can_not_be_a_path(path: str) -> None:
    begun = time.monotonic()
    with pytest.raises(InvalidName):
        path_parts(path)
    assert time.monotonic() - begun < 1


@pytest.mark.threat("P5", "P7", "P10", "P12", "P13", "S31")
@pytest.mark.parametrize(
    "name",
    [
        *(
            "%2e%2e%2f",
            "%252e",
            "\uff0e\uff0e\uff0f",
            "‥",
            "\u2215",
            "~",
            "~root",
            "*",
            "$(id)",
            "-rf",
            "a b",
        ),
        *("\udcff", "\udcc0\udcaf", "a\nb", " ", "...", "e\u0301", "é", "\u0430", "\ufeffalice"),
    ],
    ids=ascii,
)
def test_names_are_taken_as_they_stand(name: str) -> None:
    assert path_parts(f"{name}/{name}") == (name, name)
    assert student_folder(name) == name


@pytest.mark.threat("P10", "N2", "N3")
@given(disk_names)
def test_a_student_folder_is_the_name_itself(name: str) -> None:
    if name != SERVICE_DIR:
        assert student_folder(name) == name


@pytest.mark.threat("P15")
def test_the_services_own_folder_is_no_student() -> None:
    with pytest.raises(InvalidName):
        student_folder(SERVICE_DIR)
    for name in (".staging", ".lock", f".{'x'}_2026-03-01.manifest", "a.b"):
        assert not is_snapshot_name(name)


@given(st.lists(disk_names, min_size=1, max_size=15))
def test_paths_of_a_disk_go_there_and_back(parts: list[str]) -> None:
    path = "/".join(parts)
    if len(path) <= MAX_PATH_BYTES:
        assert path_parts(path) == tuple(parts)


@given(st.text())
def test_parts_are_always_names(path: str) -> None:
    try:
        parts = path_parts(path)
    except InvalidName:
        return
    assert "/".join(parts) == path
    for part in parts:
        assert is_component(part)
        assert b"/" not in os.fsencode(part)
        assert os.fsencode(part) not in (b"", b".", b"..")


@pytest.mark.threat("S29")
@pytest.mark.parametrize(
    ("path", "hidden"),
    [(".x", True), ("a/.git/x", True), ("..x", True), ("a/...", True), ("a.b/c.", False)],
)
def test_hidden(path: str, hidden: bool) -> None:
    assert is_hidden(path) == hidden


@pytest.mark.threat("U7", "U8", "U10")
@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("report.html", "report.html"),
        ("../x.html", "x.html"),
        ("/etc/cron.d/x.txt", "etc_cron.d_x.txt"),
        ("..\\..\\x.txt", "x.txt"),
        ("C:\\x.txt", "Cx.txt"),
        (".bashrc.txt", "bashrc.txt"),
        (".ssh/authorized_keys.txt", "ssh_authorized_keys.txt"),
        ("my  report.ipynb", "my_report.ipynb"),
        ("Übung.txt", "Ubung.txt"),
        ("x\0.txt", "x.txt"),
        ('q";\n.txt', "q_.txt"),
        (".", ""),
        ("..", ""),
        ("作业", ""),
    ],
)
def test_names_of_reports(given_name: str, name: str) -> None:
    assert report_filename(given_name) == name


@pytest.mark.threat("U7", "U8")
@given(st.text())
def test_names_of_reports_are_bare_and_never_hidden(text: str) -> None:
    name = report_filename(text)
    assert "/" not in name
    assert not name.startswith(".")
    assert set(name) <= set(string.ascii_letters + string.digits + "_.-")
    assert report_filename(name) == name


@pytest.mark.threat("U9")
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.htm", "a.ipynb", "a.HTML", "a.b.Txt"])
def test_accepted_reports(name: str) -> None:
    check_report_suffix(name)


@pytest.mark.threat("U8", "U9")
@pytest.mark.parametrize(
    "name", ["a.html.exe", "a.exe", "a.html.", "a", ".html", "", "html", "a.js"]
)
def test_refused_reports(name: str) -> None:
    with pytest.raises(RefusedFileType):
        check_report_suffix(name)
