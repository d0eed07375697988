#!/usr/bin/env python3
"""Makes the pictures of the documentation from a running demo hub: `make screenshots`."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
from demo import COURSE, STUDENTS, ZONE
from demo_assignments import PASSWORD, QUIZ, Task, make, set_assignments
from demo_browser import THEMES, chromium, furnish, lab, open_panel
from demo_history import make_history
from demo_hub import Failed, Hub, adopt_orphans, end_orphans, free_port
from playwright.sync_api import Browser, Error, Page

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
_WIDTH, _HEIGHT, _WIDER = 1280, 800, 60
_COLLECT_SECONDS = 60


def take_all(state: Path) -> None:
    """Starts the hub and takes every picture. Raises Failed."""
    for folder in ("homes", "snapshots"):
        (state / folder).mkdir(mode=0o700)
    make_history(state / "homes", state / "snapshots" / COURSE, STUDENTS, ZONE)
    hub = Hub(state, free_port(8000))
    try:
        hub.start()
        with hub.api(hub.make_token("ina")) as api:
            _set_work(api, state / "homes")
        with chromium() as browser:
            for name, theme in THEMES.items():
                furnish(state / "homes/ina", theme=theme)
                with lab(browser, hub, "ina", width=_WIDTH, height=_HEIGHT) as page:
                    _arrange(page)
                    _take(page, f"panel-{name}")
            furnish(state / "homes/ina")
            _take_assignments(browser, hub)
    finally:
        hub.stop()
        end_orphans()


def _set_work(api: httpx.Client, homes: Path) -> None:
    """Assignments of which two are collected: one is excused, one extended, one late."""
    base = f"courses/{COURSE}"
    due = datetime.now(timezone.utc) + timedelta(seconds=4)
    dates = {"duedate": _text(due), "visibleFrom": "2026-01-01"}
    first = make(api, COURSE, _task("Kinematics"), **dates)
    second = make(
        api, COURSE, _task("Problem set 1"), **dates, visibleTill=_text(due + timedelta(seconds=8))
    )
    for assignment, student, until in (
        (first, "jose-maria", None),
        (second, "zoë", _text(due + timedelta(days=2))),
    ):
        wanted = {"onAssignment": assignment, "until": until}
        api.post(f"{base}/students/{student}/extensions", json=wanted).raise_for_status()
    _until(api, "captured", 2 * (len(STUDENTS) - 1))
    (homes / "mia@example.edu/problem-set-1.ipynb").write_text(_task("Problem set 1").document)
    _until(api, "late", 1)
    list(set_assignments(api, COURSE, ZONE))


def _task(title: str) -> Task:
    return Task(title, f"{title.lower().replace(' ', '-')}.ipynb", (f"# {title}",), {})


def _text(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def _until(api: httpx.Client, state: str, count: int) -> None:
    """Waits until so many students are so far. Raises Failed."""
    deadline = time.monotonic() + _COLLECT_SECONDS
    while True:
        found = api.get(f"courses/{COURSE}/overview/assignments").json()["assignments"]
        if sum(each["counts"][state] for each in found) >= count:
            return
        if time.monotonic() > deadline:
            raise Failed(f"The assignments were not collected: {state} is not {count}.")
        time.sleep(0.5)


def _take_assignments(browser: Browser, hub: Hub) -> None:
    """The grid, as an instructor has it; the own assignments of a student whose clock runs."""
    with lab(browser, hub, "ina", width=_WIDTH, height=_HEIGHT) as page:
        open_panel(page)
        _widen(page)
        page.get_by_role("button", name="Open the grid").first.click()
        page.get_by_role("grid", name="Students and assignments").wait_for()
        _take(page, "assignments")
    furnish(hub.state / "homes/ada")
    with lab(browser, hub, "ada", width=_WIDTH, height=_HEIGHT) as page:
        open_panel(page)
        _widen(page)
        page.get_by_role("button", name=f"Open… {QUIZ.title}").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Password").fill(PASSWORD)
        dialog.get_by_role("button", name="Open and Start the Clock").click()
        dialog.get_by_role("button", name="Open Document").click()
        page.get_by_role("heading", name="Quiz 1: free fall").wait_for()
        _take(page, "own-assignments")


def _take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)  # pictures fade in
    page.screenshot(path=PICTURES / f"{name}.png")
    print(f"docs/pictures/{name}.png", flush=True)


def _arrange(page: Page) -> None:
    """The panel with the class, and a student's notebook beside it."""
    open_panel(page)
    _widen(page)
    page.get_by_role("heading", name="Snapshots Section").click()  # closed: it has less to show
    students = page.get_by_role("tree", name="Students")
    students.get_by_role("treeitem", name=re.compile("^ada, ")).click()
    students.get_by_role("treeitem", name=re.compile("^week-3_")).click()
    files = page.get_by_role("grid", name="Files of ada")
    for name in ("lab", "pendulum", "report.ipynb"):
        files.get_by_role("row", name=name).dblclick()
    page.get_by_text("notebook is read-only").wait_for()
    page.get_by_text("m/s²").wait_for()


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
