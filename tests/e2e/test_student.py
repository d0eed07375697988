"""A student sees what is the student's own, gets it back, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from example_hub import Hub
from panel import Panel


@pytest.fixture
def own(ada: Panel) -> Panel:
    return ada


def _show(own: Panel, week: str) -> None:
    own.page.get_by_role("button", name=f"Show the files of {week}").click()
    expect(own.files).to_have_accessible_name(re.compile(f"^Files of ada in {week}"))


def test_only_own_snapshots_are_shown(own: Panel) -> None:
    listed = own.page.get_by_role("list", name="My snapshots, newest first").get_by_role("listitem")
    expect(listed.first).to_be_visible()
    assert {text.split("_")[0] for text in listed.all_inner_texts()} >= {"week-1", "week-2"}
    expect(own.students).to_have_count(0)
    expect(own.page.get_by_role("button", name="Take Snapshot")).to_have_count(0)


def test_a_lost_file_is_restored(own: Panel, class_hub: Hub) -> None:
    lost = class_hub.state / "homes/ada/lab/pendulum/report.ipynb"
    content = lost.read_bytes()
    lost.unlink()
    _show(own, "week-3")
    own.open_file("lab", "pendulum")
    own.choose_in_menu(own.file("report.ipynb"), "Restore…")
    own.dialog.get_by_role("button", name="Restore").click()
    expect(own.page.get_by_text("lab/pendulum/report.ipynb was restored.").first).to_be_visible()
    assert lost.read_bytes() == content


def test_what_is_there_is_kept_beside(own: Panel, class_hub: Hub) -> None:
    home: Path = class_hub.state / "homes/ada"
    (home / "README.md").write_text("my newer words\n")
    _show(own, "week-2")
    own.choose_in_menu(own.file("README.md"), "Restore…")
    own.dialog.get_by_role("button", name="Restore").click()
    expect(own.dialog.get_by_text("README.md is already in your files.")).to_be_visible()
    own.dialog.get_by_role("button", name="Keep Old and Copy").click()
    expect(own.page.get_by_text("What was there is now").first).to_be_visible()
    assert (home / "README.md").read_text() == "# Physics 101\n\nNotebooks of ada.\n"
    (kept,) = home.glob("README.before-restore-*.md")
    assert kept.read_text() == "my newer words\n"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "instructors/me/courses/phys101/students"),
        ("GET", "instructors/me/courses/phys101/snapshots"),
        ("GET", "instructors/me/courses/phys101/overview/students"),
        ("GET", "instructors/me/courses/phys101/overview/snapshots"),
        ("GET", "instructors/me/courses/phys101/students/zoë/snapshots"),
        ("GET", "instructors/me/courses/phys101/archive.zip?name=week-1_2026-01-01"),
        ("GET", "instructors/me/courses/phys101/audit"),
        ("GET", "instructors/me/courses/phys101/assignments"),
        ("GET", "instructors/me/courses/phys101/deadlines"),
        ("GET", "instructors/me/courses/phys101/overview/grid"),
        ("GET", "instructors/me/courses/phys101/batches"),
        ("POST", "instructors/me/courses/phys101/snapshots"),
        ("POST", "instructors/me/courses/phys101/reports/check"),
        ("POST", "instructors/me/courses/phys101/students/zoë/reports"),
    ],
)
def test_everything_else_is_refused(ada_signed_in: Page, method: str, path: str) -> None:
    body = {"name": "x", "files": ["a"]} if method == "POST" else None
    status, answer = Panel(ada_signed_in).fetch(method, f"jupyterhub-snapshots/api/v1/{path}", body)
    assert (status, answer["code"]) == (403, "access_denied")


def test_the_files_of_others_are_not_there(ada_signed_in: Page) -> None:
    own_snapshots = "jupyterhub-snapshots/api/v1/users/me/courses/phys101/snapshots"
    status, found = Panel(ada_signed_in).fetch("GET", own_snapshots)
    assert status == 200
    assert {each["student"] for each in found} == {"ada"}
