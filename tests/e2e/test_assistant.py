"""An assistant sees the class, and finds nothing that changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from assignments_panel import ClassAssignments
from coursework import Coursework, coming
from example_hub import STUDENTS, Hub, demo_browser

#: Everything else in a menu would be for instructors.
_LOOKING = {
    "Why This Deadline?",
    "Open Grid",
    "Show Snapshots",
    "Download All…",
    "Open in Files",
    "Compare with…",
    "Download as Zip",
    "Details…",
    "Show How It Was Taken",
    "Download Snapshot of Class…",
}


@pytest.fixture(scope="module")
def signed_in(browser: Browser, class_hub: Hub, coursework: Coursework) -> Iterator[Page]:
    made = coursework.set("Calorimeter lab", coming(days=6), visibleFrom="2026-01-01")
    with demo_browser.lab(browser, class_hub, "theo") as page:
        yield page
    coursework.remove(made)


@pytest.fixture
def panel(signed_in: Page, class_hub: Hub) -> ClassAssignments:
    demo_browser.open_lab(signed_in, class_hub, "theo")
    demo_browser.open_panel(signed_in)
    return ClassAssignments(signed_in)


def _menu(panel: ClassAssignments, of: Locator, button: str = "right") -> set[str]:
    """What the menu of something offers."""
    of.click(button=button)  # type: ignore[arg-type]
    menu = panel.page.get_by_role("menu").filter(has=panel.page.get_by_role("menuitem")).last
    expect(menu.get_by_role("menuitem").first).to_be_visible()
    entries = {each.strip() for each in menu.get_by_role("menuitem").all_inner_texts()}
    panel.page.keyboard.press("Escape")
    return entries


def test_the_class_is_there_without_what_changes_it(panel: ClassAssignments) -> None:
    expect(panel.students.get_by_role("treeitem")).to_have_count(len(STUDENTS))
    expect(panel.assignment("Calorimeter lab")).to_be_visible()
    for name in ("Take Snapshot", "New Assignment"):
        expect(panel.root.get_by_role("button", name=name)).to_have_count(0)


def test_menus_offer_to_look(panel: ClassAssignments) -> None:
    page = panel.page
    offered = _menu(panel, panel.assignment("Calorimeter lab"))
    assert "Why This Deadline?" in offered
    offered |= _menu(panel, page.get_by_role("button", name="More", exact=True).first, "left")
    offered |= _menu(panel, panel.names.get_by_role("treeitem").first)
    panel.open_snapshot("ada", panel.name_of("week-2"))
    offered |= _menu(panel, panel.students.get_by_role("treeitem", name=re.compile("^week-2_")))
    panel.open_grid()
    offered |= _menu(panel, panel.cell("ada", "Calorimeter lab"), "left")
    offered |= _menu(panel, panel.students.get_by_role("treeitem", name=re.compile("^ada, ")))
    assert offered <= _LOOKING


def test_any_file_of_the_class_opens(panel: ClassAssignments) -> None:
    panel.open_snapshot("bo.chen", panel.name_of("week-2"))
    panel.open_file("week 1 - kinematics.ipynb")
    expect(panel.page.get_by_text("notebook is read-only")).to_be_visible()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "snapshots"),
        ("POST", "assignments"),
        ("PATCH", "assignments/1"),
        ("DELETE", "assignments/1"),
        ("POST", "assignments/1/deliveries"),
        ("POST", "students/ada/extensions"),
        ("PATCH", "students/ada/accommodations"),
        ("POST", "students/ada/reports"),
        ("DELETE", "students/ada/snapshots/week-1_2026-01-01"),
        ("POST", "members"),
    ],
)
def test_changes_are_refused(signed_in: Page, method: str, path: str) -> None:
    course = "jupyterhub-snapshots/api/v1/instructors/me/courses/phys101"
    status, answer = ClassAssignments(signed_in).fetch(method, f"{course}/{path}", {"name": "x"})
    assert (status, answer["code"]) == (403, "access_denied")
