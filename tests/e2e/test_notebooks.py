"""What means harm is a thing to look at: nothing in it runs, and nothing runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from example_hub import Hub, demo_browser
from panel import Panel

NAME = "hostile.ipynb"


def _hostile() -> dict[str, object]:
    """Scripts wherever a notebook can have them, which trusts itself, and a command to click on."""
    harm = "<img src='x' onerror=\"window.harm = '{0}'\"><script>window.harm = '{0}'</script>"
    arguments = {"course": "phys101", "student": "ada", "snapshot": "hostile"}
    button = (
        "<button data-commandlinker-command='snapshots:delete-snapshot' "
        f"data-commandlinker-args='{json.dumps(arguments)}'>Next page</button>"
    )
    shown = {
        "output_type": "display_data",
        "data": {"text/html": f"<b>Result</b>{button}{harm.format('output')}"},
        "metadata": {},
    }
    script = {
        "output_type": "display_data",
        "data": {"application/javascript": "window.harm = 'javascript'"},
        "metadata": {},
    }
    trusted = {"trusted": True}
    code = {"cell_type": "code", "execution_count": 7, "metadata": trusted, "source": "6 * 7"}
    return {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "trusted": True,
        },
        "cells": [
            {
                "cell_type": "markdown",
                "metadata": trusted,
                "source": f"# Look here\n\n{button}\n\n{harm.format('markdown')}",
            },
            {**code, "outputs": [shown]},
            {**code, "outputs": [shown, script]},
        ],
    }


@pytest.fixture(scope="module")
def taken(ina_signed_in: Page, class_hub: Hub) -> Iterator[str]:
    """The name of a snapshot of the class in which one home has the notebook."""
    file = class_hub.state / "homes/ada" / NAME
    file.write_text(json.dumps(_hostile()))
    page = class_hub.state / "homes/ada/hostile.html"
    page.write_text("<h1>Look here</h1><script>window.parent.harm = 'page'</script>")
    demo_browser.open_lab(ina_signed_in, class_hub, "ina")
    demo_browser.open_panel(ina_signed_in)
    panel = Panel(ina_signed_in)
    panel.take("Hostile")
    yield panel.name_of("hostile")
    file.unlink()
    page.unlink()


@pytest.fixture
def panel(ina: Panel, taken: str) -> Panel:
    ina.open_snapshot("ada", taken)
    ina.open_file(NAME)
    expect(_notebook(ina).get_by_role("heading", name="Look here")).to_be_visible()
    return ina


def _notebook(panel: Panel) -> Locator:
    return panel.page.get_by_role("tabpanel", name=NAME)


def _choose(panel: Panel, menu: str, entry: str | re.Pattern[str]) -> None:
    """Chooses from the menu bar."""
    page = panel.page
    page.get_by_role("menubar").get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menu").get_by_role("menuitem", name=entry, exact=True).click()


def _is_unharmed(panel: Panel) -> None:
    """Shows what it showed, ran nothing, and asks nothing."""
    notebook = _notebook(panel)
    expect(notebook.locator(".jp-OutputArea-output b", has_text="Result")).to_have_count(2)
    expect(notebook.locator(".jp-Cell")).to_have_count(3)
    expect(panel.dialog).to_have_count(0)
    assert panel.page.evaluate("window.harm ?? null") is None
    assert panel.fetch("GET", "api/sessions") == (200, [])
    assert panel.fetch("GET", "api/kernels") == (200, [])


def test_running_runs_nothing(panel: Panel) -> None:
    page = panel.page
    _is_unharmed(panel)
    explanation = page.get_by_text("Snapshots can't be run or changed.").first
    _notebook(panel).locator(".jp-CodeCell").last.locator(".jp-InputPrompt").click()
    page.keyboard.press("Shift+Enter")
    expect(explanation).to_be_visible()
    _is_unharmed(panel)
    _choose(panel, "Run", "Run All Cells")
    _is_unharmed(panel)
    # This adds a cell below, too.
    _notebook(panel).locator(".jp-CodeCell").last.locator(".jp-InputPrompt").click()
    _choose(panel, "Run", re.compile("^Run Selected Cells? and Insert"))
    _is_unharmed(panel)
    _choose(panel, "Edit", "Clear Outputs of All Cells")
    _is_unharmed(panel)


def test_no_kernel_can_be_chosen(panel: Panel) -> None:
    _choose(panel, "Kernel", "Change Kernel…")
    expect(panel.dialog.get_by_role("combobox")).to_be_disabled()
    panel.dialog.get_by_role("button", name="Select Kernel").click()
    _is_unharmed(panel)


def test_trusting_trusts_nothing(panel: Panel) -> None:
    page = panel.page
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input:visible").fill("Trust Notebook")
    page.keyboard.press("Enter")
    panel.dialog.get_by_role("button", name="Trust").click()
    expect(page.get_by_text("Snapshots can't be run or changed.").first).to_be_visible()
    _is_unharmed(panel)


def test_its_buttons_do_nothing_but_explain(panel: Panel) -> None:
    page = panel.page
    buttons = _notebook(panel).get_by_role("button", name="Next page")
    expect(buttons).to_have_count(3)
    for button in buttons.all():
        button.click()
        expect(page.get_by_text("it does nothing here").first).to_be_visible()
        expect(panel.dialog).to_have_count(0)
    _is_unharmed(panel)
    page.get_by_role("tab", name=NAME).locator(".lm-TabBar-tabCloseIcon").click()
    expect(_notebook(panel)).to_have_count(0)
    expect(panel.dialog).to_have_count(0)


def test_a_page_runs_no_script(ina: Panel, taken: str) -> None:
    ina.open_snapshot("ada", taken)
    ina.open_file("hostile.html")
    shown = ina.page.get_by_role("tabpanel", name="hostile.html")
    heading = shown.locator("iframe").content_frame.get_by_role("heading", name="Look here")
    expect(heading).to_be_visible()
    shown.get_by_role("button", name="Trust HTML").click()
    expect(ina.page.get_by_text("Snapshots can't be run or changed.").first).to_be_visible()
    expect(heading).to_be_visible()
    assert ina.page.evaluate("window.harm ?? null") is None
