"""axe-core finds no serious violation in what is ours; all of it works by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from assignments_panel import ClassAssignments, OwnAssignments
from coursework import Coursework, coming
from example_hub import SERVICE, Hub, demo_browser
from panel import Panel

#: Our parts of the page; the rest is JupyterLab's own.
_OURS = [
    ".jp-SnapshotsSidebar",
    ".jp-SnapshotsBar",
    ".jp-SnapshotsComparison",
    ".jp-SnapshotsContents",
    ".jp-SnapshotsGrid",
    ".jp-SnapshotsTimeLeft",
    ".jp-Dialog",
]
#: JupyterLab's own button repeats on its host element what the button in it says of itself.
_NOT_OURS = ("aria-allowed-attr", "<jp-button ")


def _violations(page: Page) -> list[str]:
    """What axe-core calls serious or critical, one line each."""
    present = [[selector] for selector in _OURS if page.locator(selector).count()]
    found = Axe().run(page, context={"include": present}).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
        if not (each["id"] == _NOT_OURS[0] and node["html"].startswith(_NOT_OURS[1]))
    ]


def _class(panel: Panel) -> None:
    expect(panel.students.get_by_role("treeitem").first).to_be_visible()
    expect(panel.names.get_by_role("treeitem").first).to_be_visible()


def _files(panel: Panel) -> None:
    panel.open_snapshot("ada", panel.name_of("week-2"))
    panel.open_file("week 1 - kinematics.ipynb")
    expect(panel.page.get_by_text("notebook is read-only")).to_be_visible()


def _take(panel: Panel) -> None:
    panel.page.get_by_role("button", name="Take Snapshot").first.click()
    panel.dialog.get_by_label("Chosen students…").check()
    expect(panel.dialog.get_by_role("checkbox")).to_have_count(7)


def _reports(panel: Panel) -> None:
    panel.page.get_by_role("button", name="More", exact=True).first.click()
    panel.page.get_by_role("menuitem", name="Return Reports…").click()
    files = [
        {"name": "ada_a.html", "mimeType": "text/html", "buffer": b"<p>"},
        {"name": "x.html", "mimeType": "text/html", "buffer": b"<p>"},
    ]
    panel.dialog.locator("input[type=file]").first.set_input_files(files)
    expect(panel.dialog.get_by_role("row")).to_have_count(3)


def _compare(panel: Panel) -> None:
    panel.open_snapshot("ada", panel.name_of("week-3"))
    panel.open_file("lab", "pendulum")
    panel.compare_with(panel.file("fit.py"), "ada", panel.name_of("week-2"))
    expect(panel.page.get_by_text("6 unchanged lines").first).to_be_visible()


def _changes(panel: Panel) -> None:
    panel.open_snapshot("ada", panel.name_of("week-3"))
    row = panel.students.get_by_role("treeitem", name=re.compile("^week-3"))
    panel.compare_with(row, "ada", panel.name_of("week-2"))
    expect(panel.page.get_by_role("tabpanel", name="Compare ada")).to_be_visible()


def _new_assignment(panel: Panel) -> None:
    panel.page.get_by_role("button", name="New Assignment…").first.click()
    panel.dialog.get_by_label("With a password, and for a limited time").check()
    panel.dialog.get_by_role("button", name="Create").click()
    expect(panel.dialog.locator('[aria-invalid="true"]').first).to_be_focused()


def _extension(panel: Panel) -> None:
    assignments = ClassAssignments(panel.page)
    assignments.choose_in_menu(assignments.assignment("Spectrum lab"), "Grant Extension…")
    panel.dialog.get_by_role("checkbox", name="ada").check()
    assignments.set_date("New due date", coming(days=12))
    expect(assignments.moves.get_by_role("row")).to_have_count(2)


def _grid(panel: Panel) -> None:
    assignments = ClassAssignments(panel.page)
    assignments.assignment("Spectrum lab").click()
    assignments.open_grid()
    assignments.cell("bo.chen", "Spectrum lab").focus()
    panel.page.keyboard.press("ArrowDown")


def _why(panel: Panel) -> None:
    assignments = ClassAssignments(panel.page)
    assignments.open_grid()
    assignments.choose_of_cell("bo.chen", "Spectrum lab", "Why This Deadline?")
    expect(panel.dialog.get_by_role("list", name="Steps that led to it")).to_be_visible()


def _own_list(own: OwnAssignments) -> None:
    expect(own.assignment("Quiz 5").get_by_role("timer")).to_be_visible()
    expect(own.time_left).to_be_visible()


def _own_opening(own: OwnAssignments) -> None:
    own.ask_to_open("Quiz 6")
    own.start_with("wrong")
    expect(own.dialog.get_by_role("alert")).to_be_visible()


def _own_why(own: OwnAssignments) -> None:
    own.list.get_by_role("button", name="Why this deadline? Quiz 5").click()
    expect(own.dialog.get_by_role("list", name="Steps that led to it")).to_be_visible()


@pytest.fixture(scope="module", autouse=True)
def work(coursework: Coursework, class_hub: Hub) -> Iterator[None]:
    """Assignments, of which one was extended and one opened by zoë."""
    timed = {"tag": "ViaPasswordExpiring", "contents": ["x", 60]}
    lab = coursework.set("Spectrum lab", coming(days=6), visibleFrom="2026-01-01")
    opened, other = (
        coursework.set(title, coming(days=6), availability=timed) for title in ("Quiz 5", "Quiz 6")
    )
    coursework.extend(lab, "bo.chen", coming(days=8))
    own = f"{class_hub.url}/{SERVICE}/api/v1/users/me/courses/phys101/assignments"
    with class_hub.api(class_hub.make_token("zoë")) as api:
        api.post(f"{own}/{opened}/open", json={"password": "x"}).raise_for_status()
    yield
    for each in (lab, opened, other):
        coursework.remove(each)


@pytest.fixture(scope="module", params=demo_browser.THEMES.values())
def themed(request: pytest.FixtureRequest, browser: Browser, class_hub: Hub) -> Page:
    demo_browser.furnish(class_hub.state / "homes/ina", theme=request.param)
    with demo_browser.lab(browser, class_hub, "ina") as page:
        yield page
    demo_browser.furnish(class_hub.state / "homes/ina")


@pytest.fixture(scope="module", params=demo_browser.THEMES.values())
def student(
    request: pytest.FixtureRequest, browser: Browser, class_hub: Hub
) -> Iterator[OwnAssignments]:
    demo_browser.furnish(class_hub.state / "homes/zoë", theme=request.param)
    with demo_browser.lab(browser, class_hub, "zoë") as page:
        demo_browser.open_panel(page)
        yield OwnAssignments(page)
    demo_browser.furnish(class_hub.state / "homes/zoë")


_SCREENS = (_class, _files, _take, _reports, _compare, _changes)
_OF_ASSIGNMENTS = (_new_assignment, _extension, _grid, _why)


@pytest.mark.parametrize("screen", _SCREENS + _OF_ASSIGNMENTS)
def test_no_serious_violation(
    themed: Page, class_hub: Hub, screen: Callable[[Panel], None]
) -> None:
    demo_browser.open_lab(themed, class_hub, "ina")
    demo_browser.open_panel(themed)
    screen(Panel(themed))
    assert _violations(themed) == []


@pytest.mark.parametrize("screen", [_own_list, _own_opening, _own_why])
def test_student_has_no_serious_violation(
    student: OwnAssignments, screen: Callable[[OwnAssignments], None]
) -> None:
    expect(student.page.get_by_role("list", name="My snapshots, newest first")).to_be_visible()
    screen(student)
    assert _violations(student.page) == []
    student.page.keyboard.press("Escape")


def test_the_grid_is_walked_by_keyboard(ina: Panel) -> None:
    panel, keyboard = ClassAssignments(ina.page), ina.page.keyboard
    panel.open_grid()
    expect(panel.grid.get_by_role("gridcell").first).to_be_visible()
    panel.cell("ada", "Spectrum lab").focus()
    keyboard.press("ArrowDown")
    expect(panel.cell("bo.chen", "Spectrum lab")).to_be_focused()
    keyboard.press("Enter")
    ina.page.get_by_role("menuitem", name="Why This Deadline?").wait_for()
    keyboard.press("ArrowUp")  # from the top to the last entry
    keyboard.press("Enter")
    expect(ina.dialog.get_by_role("list", name="Steps that led to it")).to_contain_text("Extension")
    expect(ina.dialog.locator(":focus")).to_have_count(1)
    keyboard.press("Escape")
    expect(panel.cell("bo.chen", "Spectrum lab")).to_be_focused()


def test_a_file_is_reached_by_keyboard_alone(ina: Panel) -> None:
    keyboard = ina.page.keyboard
    first = ina.students.get_by_role("treeitem").first
    first.focus()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowRight")
    expect(ina.students.get_by_role("treeitem", name="week-3_")).to_be_visible()
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(ina.files).to_be_visible()
    ina.files.get_by_role("row", selected=True).focus()
    keyboard.press("Home")
    keyboard.press("Enter")
    expect(ina.file("pendulum")).to_be_visible()
    keyboard.press("Backspace")
    expect(ina.file("lab")).to_be_focused()
    keyboard.press("End")
    keyboard.press("Enter")
    expect(ina.page.get_by_text("notebook is read-only")).to_be_visible()
