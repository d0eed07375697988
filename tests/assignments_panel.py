"""What a person does in the panel with assignments, in the words that stand on the screen."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from panel import Panel

#: The course's, as the example configuration has it.
ZONE = ZoneInfo("Europe/Berlin")


def shown_day(when: datetime) -> str:
    """A day as the panel writes it, in the course's zone."""
    local = when.astimezone(ZONE)
    return f"{local:%a} {local.day} {local:%b %Y}"


def shown(when: datetime) -> str:
    """A date as the panel writes it, but for the name of the zone."""
    return f"{shown_day(when)}, {when.astimezone(ZONE):%H:%M}"


class ClassAssignments(Panel):
    """The instructors' sections about assignments."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.assignments = page.get_by_role("tree", name="Assignments", exact=True)
        self.grid = page.get_by_role("grid", name="Students and assignments")
        self.moves = self.dialog.get_by_role("region", name="Who moves")

    def assignment(self, title: str) -> Locator:
        """The row of an assignment."""
        return self.assignments.get_by_role("treeitem", name=re.compile(f"^{title}, "))

    def set_date(self, label: str, when: datetime) -> None:
        """Fills in a date of the open dialog, to the minute."""
        local = when.astimezone(ZONE)
        self.dialog.get_by_label(f"{label}: day", exact=True).fill(f"{local:%Y-%m-%d}")
        self.dialog.get_by_label(f"{label}: time", exact=True).fill(f"{local:%H:%M}")

    def accept(self, label: str) -> None:
        """Presses a button of the dialog and waits until the dialog is gone."""
        self.dialog.get_by_role("button", name=label, exact=True).click()
        expect(self.dialog).to_have_count(0)

    def open_grid(self) -> None:
        """Opens the grid beside the panel."""
        self.page.get_by_role("button", name="Open the grid").first.click()
        expect(self.grid).to_be_visible()

    def cell(self, student: str, title: str) -> Locator:
        """Where a student and an assignment meet in the grid."""
        header = self.grid.get_by_role("columnheader", name=re.compile(f"^{title}, "))
        expect(header).to_have_count(1)
        column = header.get_attribute("aria-colindex")
        row = self.grid.get_by_role("row").filter(
            has=self.page.get_by_role("rowheader", name=student, exact=True)
        )
        return row.locator(f'[aria-colindex="{column}"]')

    def choose_of_cell(self, student: str, title: str, entry: str) -> None:
        """Chooses from the menu of a cell."""
        self.cell(student, title).click()
        self.page.get_by_role("menuitem", name=entry).click()


class OwnAssignments(Panel):
    """The students' section about assignments."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.list = page.get_by_role("list", name="My assignments")
        self.password = self.dialog.get_by_label("Password")
        #: In the status bar, wherever in JupyterLab one is.
        self.time_left = page.get_by_role("button", name=re.compile("Show it in the panel.$"))

    def assignment(self, title: str) -> Locator:
        """One in the list."""
        return self.list.get_by_role("listitem", name=title, exact=True)

    def ask_to_open(self, title: str) -> None:
        """Opens the dialog that opens an assignment."""
        self.assignment(title).get_by_role("button", name=f"Open… {title}").click()
        expect(self.dialog).to_contain_text(f"Open {title}?")

    def start_with(self, password: str) -> None:
        """Starts the clock, if the password is right."""
        self.password.fill(password)
        self.dialog.get_by_role("button", name="Open and Start the Clock").click()
