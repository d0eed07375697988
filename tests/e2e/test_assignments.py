"""An instructor sets an assignment, gives a student more time, and watches it being collected."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from assignments_panel import ClassAssignments, shown
from coursework import Coursework, coming
from example_hub import STUDENTS, Hub, demo_homes
from panel import Panel

#: Time to open the grid before the deadline.
_UNTIL_DUE_SECONDS = 8
_TITLE = "Optics lab"


@pytest.fixture
def panel(ina: Panel) -> ClassAssignments:
    return ClassAssignments(ina.page)


@pytest.fixture(scope="module")
def made(coursework: Coursework) -> int:
    """An assignment that is far from due."""
    return coursework.set("Thermometer lab", coming(days=9), visibleFrom="2026-01-01")


def test_an_assignment_is_made_extended_and_collected(
    panel: ClassAssignments, coursework: Coursework, class_hub: Hub, tmp_path: Path
) -> None:
    page, homes = panel.page, class_hub.state / "homes"
    worksheet = tmp_path / "worksheet.ipynb"
    worksheet.write_text(demo_homes.notebook_text([]))
    due, until = coming(days=3), coming(days=5)

    page.get_by_role("button", name="New Assignment…").first.click()
    panel.dialog.get_by_role("button", name="Create").click()
    expect(panel.dialog.locator('[aria-invalid="true"]').first).to_be_focused()
    panel.dialog.get_by_label("Title", exact=True).fill(_TITLE)
    panel.dialog.locator("input[type=file]").set_input_files(worksheet)
    panel.set_date("Due", due)
    panel.accept("Create")
    row = panel.assignment(_TITLE)
    expect(row).to_have_accessible_name(re.compile(f"{_TITLE}, open, due {shown(due)}"))

    panel.choose_in_menu(row, "Put Document into Homes…")
    panel.dialog.get_by_role("button", name="Put into Homes").click()
    expect(panel.dialog).to_contain_text(f"The document is in {len(STUDENTS)} homes.")
    panel.accept("Close")
    for student in STUDENTS:
        handed_out = homes / student / "optics-lab/worksheet.ipynb"
        assert handed_out.read_bytes() == worksheet.read_bytes()

    panel.choose_in_menu(row, "Grant Extension…")
    panel.dialog.get_by_role("checkbox", name="ada").check()
    panel.set_date("New due date", until)
    expect(panel.moves).to_contain_text("1 student gets another date.")
    expect(panel.moves.get_by_role("row", name=re.compile("^ada "))).to_have_accessible_name(
        re.compile(f"{shown(due)}.*{shown(until)}")
    )
    panel.accept("Save")
    expect(row).to_have_accessible_name(re.compile(r"\+1 extended$"))

    # The dialog has minutes; a script has seconds.
    number = next(
        each["id"]
        for each in coursework.api.get("courses/phys101/assignments").json()
        if each["title"] == _TITLE
    )
    coursework.change(number, duedate=coming(seconds=_UNTIL_DUE_SECONDS))
    panel.open_grid()
    panel.refresh()
    expect(panel.cell("bo.chen", _TITLE)).to_have_accessible_name(re.compile("^open, "))
    for student in set(STUDENTS) - {"ada"}:
        captured = panel.cell(student, _TITLE)
        expect(captured).to_have_accessible_name(re.compile("^captured, "), timeout=30_000)
    ada = panel.cell("ada", _TITLE)
    expect(ada).to_have_accessible_name(re.compile(f"^open, extended, {shown(until)}"))
    header = panel.grid.get_by_role("columnheader", name=re.compile(f"^{_TITLE}, "))
    expect(header).to_have_accessible_name(re.compile("5 of 6 captured$"))

    panel.choose_of_cell("ada", _TITLE, "Why This Deadline?")
    steps = panel.dialog.get_by_role("list", name="Steps that led to it").get_by_role("listitem")
    expect(steps).to_have_count(2)
    expect(steps.nth(1)).to_contain_text(re.compile(f"Extension.*{shown(until)}"))
    expect(panel.dialog.get_by_role("row", name=re.compile("^the deadline"))).to_contain_text(
        "planned"
    )
    panel.dialog.get_by_role("button", name="Close").first.click()

    panel.choose_of_cell("ada", _TITLE, "Grant Extension…")
    panel.dialog.get_by_label("No extension any more").check()
    panel.accept("Save")
    expect(row).to_have_accessible_name(re.compile("6 of 6 collected"), timeout=30_000)
    expect(ada).to_have_accessible_name(re.compile("^captured, "))

    row.click()
    below = panel.assignments.get_by_role("treeitem", name=re.compile("^ada, complete"))
    below.click()
    expect(panel.files).to_have_accessible_name(re.compile("^Files of ada in optics-lab_"))
    panel.open_file("optics-lab")
    expect(panel.file("worksheet.ipynb")).to_be_visible()

    panel.choose_in_menu(row, "Download All…")
    panel.dialog.get_by_label(re.compile("For nbgrader")).check()
    with page.expect_download() as download:
        panel.dialog.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        members = set(archive.namelist())
    for student in STUDENTS:
        assert f"submitted/{student}/optics-lab/optics-lab/worksheet.ipynb" in members


def test_another_due_date_shows_who_moves(
    panel: ClassAssignments, coursework: Coursework, made: int
) -> None:
    until = coming(days=20)
    coursework.extend(made, "zoë", until)
    panel.refresh()
    row = panel.assignment("Thermometer lab")
    panel.choose_in_menu(row, "Edit…")
    due = coming(days=11)
    panel.set_date("Due", due)
    expect(panel.moves).to_contain_text("5 students get another date.")
    expect(panel.moves.get_by_role("row", name=re.compile("^zoë"))).to_have_count(0)
    panel.accept("Save")
    expect(row).to_have_accessible_name(re.compile(f"due {shown(due)}.*extended$"))


def test_a_student_is_excused(panel: ClassAssignments, made: int) -> None:
    panel.open_grid()
    panel.choose_of_cell("jose-maria", "Thermometer lab", "Grant Extension…")
    panel.dialog.get_by_label("Excused").check()
    expect(panel.moves.get_by_role("row", name=re.compile("^jose-maria"))).to_be_visible()
    panel.accept("Save")
    cell = panel.cell("jose-maria", "Thermometer lab")
    expect(cell).to_have_accessible_name(re.compile("^excused"))


def test_an_accommodation_is_given(panel: ClassAssignments, coursework: Coursework) -> None:
    panel.choose_in_menu(
        panel.students.get_by_role("treeitem", name=re.compile("^mia@example.edu, ")),
        "Accommodation…",
    )
    panel.dialog.get_by_label("Time is multiplied by").fill("1.5")
    expect(panel.dialog).to_contain_text("60 minutes become 90.")
    panel.accept("Save")
    given = coursework.api.get("courses/phys101/students/mia@example.edu/accommodations").json()
    assert (given["timeFactor"], given["timeExtraMinutes"]) == (1.5, 0)
