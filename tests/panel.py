"""What a person does in the panel, in the words that stand on the screen."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

#: As a script in the page would ask the person's own server.
_FETCH = """async ([method, path, value]) => {
  const headers = {'X-XSRFToken': document.cookie.match(/_xsrf=([^;]*)/)[1]};
  const body = value === null ? undefined : JSON.stringify(value);
  const answer = await fetch(document.baseURI.replace(/lab.*/, path), {method, headers, body});
  return [answer.status, await answer.json()];
}"""


class Panel:
    """The panel in a page of JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.get_by_role("region", name="Snapshots", exact=True).first
        self.students = page.get_by_role("tree", name="Students")
        self.names = page.get_by_role("tree", name="Snapshots of the class")
        self.files = page.get_by_role("grid", name="Files of")
        self.batches = page.get_by_role("region", name="Running snapshots")

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def refresh(self) -> None:
        """Looks again at once, as the panel does each minute."""
        self.root.get_by_role("button", name="Load students and snapshots again").click()

    def name_of(self, prefix: str) -> str:
        """The name of the class's snapshot that begins so."""
        row = self.names.get_by_role("treeitem", name=re.compile(f"^{prefix}"))
        return (row.get_attribute("aria-label") or "").partition(",")[0]

    def take(self, name: str) -> None:
        """Takes a snapshot of the class and waits until it is done."""
        self.page.get_by_role("button", name="Take Snapshot").first.click()
        self.dialog.get_by_label("Name", exact=True).fill(name)
        self.dialog.get_by_role("button", name="Take Snapshot").click()
        expect(self.batches.get_by_text("done", exact=True)).to_be_visible(timeout=30_000)

    def open_snapshot(self, student: str, name: str) -> None:
        """Shows the files of a student's snapshot."""
        row = self.students.get_by_role("treeitem", name=re.compile(rf"^{re.escape(student)}, "))
        if row.get_attribute("aria-expanded") != "true":
            row.click()
        self.students.get_by_role("treeitem", name=name).click()
        expect(self.files).to_have_accessible_name(f"Files of {student} in {name}")

    def file(self, name: str) -> Locator:
        """The row of a file or folder."""
        whole = re.compile(rf"^{re.escape(name)}(?![^\s,])")
        return self.files.get_by_role("row", name=whole)

    def open_file(self, *path: str) -> None:
        """Opens a file, folder by folder."""
        for name in path:
            self.file(name).dblclick()

    def choose_in_menu(self, row: Locator, entry: str) -> None:
        """Chooses from the menu of a row."""
        row.click(button="right")
        self.page.get_by_role("menuitem", name=entry).click()

    def compare_with(self, row: Locator, student: str, other: str) -> None:
        """Compares what the row shows with another snapshot of the student."""
        self.choose_in_menu(row, "Compare with…")
        picker = self.dialog.get_by_label(f"Another snapshot of {student}", exact=True)
        picker.select_option(value=other)
        self.dialog.get_by_role("button", name="Compare").click()

    def fetch(self, method: str, path: str, value: object = None) -> tuple[int, Any]:
        """What the person's own server answers: status and JSON."""
        status, found = self.page.evaluate(_FETCH, [method, path, value])
        return status, found
