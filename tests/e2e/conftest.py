"""Browser tests: a hub of the example configuration, JupyterLab, Debian's Chromium.

class_hub: the hub, with the demo's weeks of snapshots; one for all tests.
browser: a Chromium without a window.
ina, ada: the panel of the instructor or a student, who signed in once; JupyterLab is as new.
coursework: sets assignments, as a script of the instructor would.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from coursework import Coursework
from example_hub import Hub, demo_browser, example_hub
from panel import Panel


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def class_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    state = tmp_path_factory.mktemp("e2e") / "state"
    with example_hub(state, weeks=True) as hub:
        for name in ("ina", "ada", "zoë", "theo"):
            demo_browser.furnish(state / "homes" / name)
        yield hub


@pytest.fixture(scope="session")
def coursework(class_hub: Hub) -> Iterator[Coursework]:
    with class_hub.api(class_hub.make_token("ina")) as api:
        yield Coursework(api)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with demo_browser.chromium() as running:
        yield running


@pytest.fixture(scope="session")
def ina_signed_in(browser: Browser, class_hub: Hub) -> Iterator[Page]:
    with demo_browser.lab(browser, class_hub, "ina") as page:
        yield page


@pytest.fixture(scope="session")
def ada_signed_in(browser: Browser, class_hub: Hub) -> Iterator[Page]:
    with demo_browser.lab(browser, class_hub, "ada") as page:
        yield page


@pytest.fixture
def ina(ina_signed_in: Page, class_hub: Hub) -> Panel:
    return _opened(ina_signed_in, class_hub, "ina")


@pytest.fixture
def ada(ada_signed_in: Page, class_hub: Hub) -> Panel:
    return _opened(ada_signed_in, class_hub, "ada")


def _opened(page: Page, hub: Hub, username: str) -> Panel:
    """JupyterLab as it is at first, with nothing open but the panel."""
    demo_browser.open_lab(page, hub, username)
    demo_browser.open_panel(page)
    return Panel(page)
