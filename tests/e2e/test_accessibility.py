"""axe-core finds no serious violation in what is ours; all of it works by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from example_hub import Hub, demo_browser
from panel import Panel

#: Our parts of the page; the rest is JupyterLab's own.
_OURS = [
    ".jp-SnapshotsSidebar",
    ".jp-SnapshotsBar",
    ".jp-SnapshotsComparison",
    ".jp-SnapshotsContents",
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


@pytest.fixture(scope="module", params=demo_browser.THEMES.values())
def themed(request: pytest.FixtureRequest, browser: Browser, class_hub: Hub) -> Page:
    demo_browser.furnish(class_hub.state / "homes/ina", theme=request.param)
    with demo_browser.lab(browser, class_hub, "ina") as page:
        yield page
    demo_browser.furnish(class_hub.state / "homes/ina")


@pytest.mark.parametrize("screen", [_class, _files, _take, _reports, _compare, _changes])
def test_no_serious_violation(
    themed: Page, class_hub: Hub, screen: Callable[[Panel], None]
) -> None:
    demo_browser.open_lab(themed, class_hub, "ina")
    demo_browser.open_panel(themed)
    screen(Panel(themed))
    assert _violations(themed) == []


def test_student_has_no_serious_violation(ada: Panel) -> None:
    expect(ada.page.get_by_role("list", name="My snapshots, newest first")).to_be_visible()
    assert _violations(ada.page) == []


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
    expect(ina.file("README.md")).to_be_visible()
    keyboard.press("End")
    keyboard.press("Enter")
    expect(ina.page.get_by_text("notebook is read-only")).to_be_visible()
