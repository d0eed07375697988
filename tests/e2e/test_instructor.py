"""An instructor's afternoon: takes the class, reads, compares, downloads, returns reports."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from example_hub import STUDENTS, Hub, demo_browser
from panel import Panel


@pytest.fixture
def panel(ina: Panel) -> Panel:
    return ina


@pytest.fixture(scope="module")
def taken(ina_signed_in: Page, class_hub: Hub) -> str:
    """The name of a snapshot of the class, taken as an instructor takes one."""
    demo_browser.open_lab(ina_signed_in, class_hub, "ina")
    demo_browser.open_panel(ina_signed_in)
    panel = Panel(ina_signed_in)
    panel.take("Problem set 1!")
    batch = panel.batches.get_by_role("region", name="problem-set-1_")
    expect(batch.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    expect(batch.get_by_role("status")).to_have_text("6 of 6 students")
    batch.get_by_role("button", name="Show students").click()
    expect(batch.get_by_role("treeitem")).to_have_count(len(STUDENTS))
    batch.get_by_role("button", name="Close").click()
    expect(batch).to_have_count(0)
    expect(panel.names.get_by_role("treeitem", name=re.compile("^problem-set-1_"))).to_be_visible()
    return panel.name_of("problem-set-1_")


def test_the_class_is_there_with_the_weeks_before(panel: Panel) -> None:
    expect(panel.students.get_by_role("treeitem")).to_have_count(len(STUDENTS))
    for week, count in (("week-1_", 5), ("week-2_", 6), ("week-3_", 6)):
        row = panel.names.get_by_role("treeitem", name=week)
        expect(row).to_have_accessible_name(re.compile(f"{count} of 6 students, complete"))


def test_dialog_shows_the_final_name_and_refuses_an_empty_one(panel: Panel) -> None:
    panel.page.get_by_role("button", name="Take Snapshot").first.click()
    accept = panel.dialog.get_by_role("button", name="Take Snapshot")
    expect(accept).to_be_disabled()
    panel.dialog.get_by_label("Name", exact=True).fill("Übung 3: Pendel")
    expect(panel.dialog.get_by_role("status")).to_contain_text("ubung-3-pendel_")
    expect(accept).to_be_enabled()
    panel.page.keyboard.press("Escape")
    expect(panel.dialog).to_have_count(0)


def test_a_class_snapshot_is_newest_for_each(panel: Panel, taken: str) -> None:
    for row in panel.students.get_by_role("treeitem").all():
        expect(row).to_have_accessible_name(re.compile("(just now|minutes? ago), complete"))
    row = panel.names.get_by_role("treeitem", name=taken)
    expect(row).to_have_accessible_name(re.compile("6 of 6 students, complete"))


def test_a_notebook_opens_read_only_without_a_kernel(panel: Panel, taken: str) -> None:
    page = panel.page
    panel.open_snapshot("ada", taken)
    panel.open_file("week 1 - kinematics.ipynb")
    notebook = page.get_by_role("tabpanel", name="week 1 - kinematics.ipynb")
    expect(notebook.get_by_text("notebook is read-only")).to_be_visible()
    expect(
        notebook.get_by_role("heading", name=re.compile("Week 1: a thrown ball"))
    ).to_be_visible()
    place = notebook.get_by_role("region", name="Snapshot")
    for text in ("ada", taken, "week 1 - kinematics.ipynb"):
        expect(place.get_by_text(text, exact=True)).to_be_visible()
    assert panel.fetch("GET", "api/sessions") == (200, [])
    # Never dirty: it closes without a question.
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="week 1 - kinematics.ipynb").locator(
        ".lm-TabBar-tabCloseIcon"
    ).click()
    expect(notebook).to_have_count(0)
    expect(panel.dialog).to_have_count(0)


def test_a_notebook_is_compared_cell_by_cell(panel: Panel, taken: str) -> None:
    name = panel.name_of("week-1")
    panel.open_snapshot("ada", taken)
    panel.compare_with(panel.file("week 1 - kinematics.ipynb"), "ada", name)
    compared = panel.page.get_by_role("tabpanel", name=re.compile("^Compare week 1"))
    expect(compared.get_by_text(f"{name} of ada")).to_be_visible()
    expect(compared.get_by_text("plot(times, heights)")).to_be_visible()
    expect(compared.get_by_text("Show the 2 unchanged cells")).to_be_visible()


def test_two_snapshots_are_compared(panel: Panel, taken: str) -> None:
    page = panel.page
    panel.open_snapshot("ada", taken)
    row = panel.students.get_by_role("treeitem", name=re.compile(r"^week-3_"))
    row.hover()
    row.get_by_role("button", name="More for").click()
    page.get_by_role("menuitem", name="Compare with…").click()
    picker = panel.dialog.get_by_label("Another snapshot of ada", exact=True)
    older = picker.locator("option", has_text="week-1").get_attribute("value")
    picker.select_option(value=older)
    panel.dialog.get_by_role("button", name="Compare").click()
    compared = page.get_by_role("tabpanel", name="Compare ada")
    expect(compared.get_by_role("row", name="lab/pendulum/report.ipynb")).to_contain_text("added")
    changed = compared.get_by_role("row", name=re.compile("kinematics"))
    expect(changed).to_contain_text("changed")
    changed.get_by_role("button").click()
    expect(page.get_by_role("tabpanel", name=re.compile("^Compare week 1")).last).to_be_visible()


def test_the_zip_of_the_class_holds_every_home(panel: Panel, taken: str, tmp_path: Path) -> None:
    page = panel.page
    page.get_by_role("button", name="More", exact=True).first.click()
    page.get_by_role("menuitem", name="Download Snapshot of Class…").click()
    panel.dialog.get_by_role("combobox").first.select_option(value=taken)
    panel.dialog.get_by_label(re.compile("For nbgrader")).check()
    with page.expect_download() as download:
        panel.dialog.get_by_role("button", name="Download").click()
    saved = tmp_path / "class.zip"
    download.value.save_as(saved)
    assert download.value.suggested_filename == f"{taken}.zip"
    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None
        members = set(archive.namelist())
        for student in STUDENTS:
            folder = f"submitted/{student}/problem-set-1"
            assert f"{folder}/lab/pendulum/report.ipynb" in members
            assert f"{folder}/timestamp.txt" in members


def test_a_file_is_downloaded_as_it_was(panel: Panel, taken: str, class_hub: Hub) -> None:
    panel.open_snapshot("bo.chen", taken)
    with panel.page.expect_download() as download:
        panel.choose_in_menu(panel.file("README.md"), "Download")
    home = class_hub.state / "homes/bo.chen"
    assert Path(download.value.path()).read_bytes() == (home / "README.md").read_bytes()


def test_copy_to_my_files(panel: Panel, taken: str, class_hub: Hub) -> None:
    panel.open_snapshot("ada", taken)
    panel.choose_in_menu(panel.file("lab"), "Copy to My Files…")
    panel.dialog.get_by_role("button", name=re.compile("^(Open|Select|Copy|Ok)$")).click()
    expect(panel.page.get_by_text("Copied to lab.").first).to_be_visible()
    copied = class_hub.state / "homes/ina/lab/pendulum/report.ipynb"
    original = class_hub.state / "homes/ada/lab/pendulum/report.ipynb"
    assert copied.read_bytes() == original.read_bytes()


def test_reports_are_returned(panel: Panel, class_hub: Hub, tmp_path: Path) -> None:
    page = panel.page
    reports = {
        "ada_feedback.html": "<p>9 of 10</p>",
        "zoë_feedback.html": "<p>8 of 10</p>",
        "nobody_feedback.html": "<p>?</p>",
        "ada_tool.exe": "MZ",
    }
    for name, content in reports.items():
        (tmp_path / name).write_text(content)
    page.get_by_role("button", name="More", exact=True).first.click()
    page.get_by_role("menuitem", name="Return Reports…").click()
    panel.dialog.locator("input[type=file]").first.set_input_files(
        [tmp_path / name for name in reports]
    )
    expect(panel.dialog.get_by_text("2 files can be returned.")).to_be_visible()
    refused = panel.dialog.get_by_role("row", name=re.compile("nobody_feedback.html"))
    expect(refused).to_contain_text("No student of this course")
    panel.dialog.get_by_role("button", name="Return 2 Files").click()
    expect(panel.dialog.get_by_text("2 files were returned.").first).to_be_visible()
    panel.dialog.get_by_role("button", name="Close").first.click()
    homes = class_hub.state / "homes"
    for student, points in (("ada", "9"), ("zoë", "8")):
        assert (homes / student / "feedback.html").read_text() == f"<p>{points} of 10</p>"
    arrived = [
        path.relative_to(homes).as_posix()
        for kind in ("*feedback*", "*.exe", "nobody*")
        for path in homes.rglob(kind)
    ]
    assert sorted(arrived) == ["ada/feedback.html", "zoë/feedback.html"]
