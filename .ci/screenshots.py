#!/usr/bin/env python3
"""Makes the pictures of the documentation from a running demo hub: `make screenshots`."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from demo import COURSE, STUDENTS, ZONE
from demo_browser import THEMES, chromium, furnish, lab, open_panel
from demo_history import make_history
from demo_hub import Failed, Hub, adopt_orphans, end_orphans, free_port
from playwright.sync_api import Error, Page

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
_WIDTH, _HEIGHT, _WIDER = 1280, 800, 60


def take_all(state: Path) -> None:
    """Starts the hub and takes every picture. Raises Failed."""
    for folder in ("homes", "snapshots"):
        (state / folder).mkdir(mode=0o700)
    make_history(state / "homes", state / "snapshots" / COURSE, STUDENTS, ZONE)
    hub = Hub(state, free_port(8000))
    try:
        hub.start()
        with chromium() as browser:
            for name, theme in THEMES.items():
                furnish(state / "homes/ina", theme=theme)
                with lab(browser, hub, "ina", width=_WIDTH, height=_HEIGHT) as page:
                    _arrange(page)
                    page.screenshot(path=PICTURES / f"panel-{name}.png")
                    print(f"docs/pictures/panel-{name}.png", flush=True)
    finally:
        hub.stop()
        end_orphans()


def _arrange(page: Page) -> None:
    """The panel with the class, and a student's notebook beside it."""
    open_panel(page)
    _widen(page)
    students = page.get_by_role("tree", name="Students")
    students.get_by_role("treeitem", name=re.compile("^ada, ")).click()
    students.get_by_role("treeitem", name=re.compile("^week-3_")).click()
    files = page.get_by_role("grid", name="Files of ada")
    for name in ("lab", "pendulum", "report.ipynb"):
        files.get_by_role("row", name=name).dblclick()
    page.get_by_text("notebook is read-only").wait_for()
    page.get_by_text("m/s²").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)  # pictures fade in


def _widen(page: Page) -> None:
    """Drags the side bar's edge, as people with long lists do."""
    box = page.locator("#jp-left-stack").bounding_box()
    assert box is not None
    edge, middle = box["x"] + box["width"] + 3, box["y"] + box["height"] / 2
    page.mouse.move(edge, middle)
    page.mouse.down()
    page.mouse.move(edge + _WIDER, middle, steps=4)
    page.mouse.up()


def main() -> int:
    """The command; returns its exit status."""
    adopt_orphans()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        try:
            take_all(Path(name))
        except (Failed, Error) as error:
            print(f"The pictures could not be taken. {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
