"""A person's browser in the demo's hub; the pictures and the browser tests use it."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from demo_hub import Failed, Hub
from playwright.sync_api import Browser, Page, sync_playwright

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
#: Names under which distributions install it.
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_START_MS, _LOOK_MS = 90_000, 15_000
_SETTINGS = ".jupyter/lab/user-settings/@jupyterlab/apputils-extension"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium without a window. Raises Failed."""
    found = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if found is None:
        raise Failed("There is no Chromium on this machine. Install the package 'chromium'.")
    # The sandbox does not work for root; all pages are our own.
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=options)
        try:
            yield browser
        finally:
            browser.close()


def furnish(home: Path, *, theme: str = THEMES["light"]) -> None:
    """Settings of the person's JupyterLab: the theme, and no question about news at its start."""
    folder = home / _SETTINGS
    folder.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (folder / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))


@contextlib.contextmanager
def lab(
    browser: Browser, hub: Hub, username: str, *, width: int = 1280, height: int = 800
) -> Iterator[Page]:
    """JupyterLab of the person, who signs in and starts the server as everybody does."""
    with browser.new_context(
        viewport={"width": width, "height": height}, accept_downloads=True
    ) as context:
        page = context.new_page()
        page.set_default_timeout(_LOOK_MS)
        page.goto(f"{hub.url}/hub/login")
        page.fill("#username_input", username)
        page.fill("#password_input", hub.password("people"))
        page.click("#login_submit")
        page.wait_for_url(f"{hub.url}/user/{quote(username)}/lab**", timeout=_START_MS)
        open_lab(page, hub, username)
        yield page


def open_lab(page: Page, hub: Hub, username: str) -> None:
    """Opens JupyterLab as it is for someone who has not used it yet."""
    page.goto(f"{hub.url}/user/{quote(username)}/lab?reset")
    page.locator("#jupyterlab-splash").wait_for(state="detached", timeout=_START_MS)
    page.get_by_role("tab", name="File Browser").first.wait_for()


def open_panel(page: Page) -> None:
    """Opens the panel by its tab in the side bar."""
    page.get_by_role("tab", name="Snapshots", exact=True).first.click()
    page.locator(".jp-SnapshotsSidebar").wait_for()
