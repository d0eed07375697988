"""The documents tell the truth: their commands run against the hub of the example configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents import ROOT, Shell, check, with_tables
from example_hub import SERVICE, Hub, example_hub
from jupyterhub_snapshots.handlers import ROUTES

pytestmark = pytest.mark.hub


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with example_hub(tmp_path_factory.mktemp("example") / "state") as hub:
        yield hub


@pytest.mark.parametrize("document", ["docs/api.md", "docs/administration.md", "docs/deadlines.md"])
def test_commands_write_what_is_said(example: Hub, tmp_path: Path, document: str) -> None:
    (tmp_path / "problem-set-1-report.html").write_text("<p>8 of 10</p>")
    snapshots = f"{example.url}/{SERVICE}"
    me = f"{snapshots}/api/v1/instructors/me"
    shell = Shell(
        tmp_path,
        {
            "SNAPSHOTS": snapshots,
            "ME": me,
            "COURSE": f"{me}/courses/phys101",
            "AUTH": f"Authorization: token {example.make_token('ina')}",
            "ADA": f"Authorization: token {example.make_token('ada')}",
            "ADMIN": f"Authorization: token {example.make_token('admin')}",
            "CONFIG": str(ROOT / "jupyterhub_config_example.py"),
            "SNAPSHOTS_DEMO_STATE": str(example.state),
        },
    )
    try:
        check(shell, document)
    finally:
        shell.close()


def test_every_route_has_its_place() -> None:
    text = (ROOT / "docs/api.md").read_text()
    described: set[tuple[str, str]] = set()
    for line in text.splitlines():
        if line.startswith(("### ", "| POST /")):
            methods: list[str] = []
            for word in re.findall(r"GET|HEAD|POST|PUT|PATCH|DELETE|[/…]\S*[\w}]", line):
                if word.isupper():
                    methods.append(word)
                else:
                    described |= {(method, word) for method in methods}
                    methods = []
    below = "/api/v1/instructors/{ident}/courses/{course}"
    known = {
        (method, path.replace(below + "/", "…/").replace("*}", "}"))
        for path, handler in ROUTES
        for method in handler.operations
    }
    assert described == known


def test_only_the_readme_has_tables_that_are_made() -> None:
    for document in ROOT.glob("docs/*.md"):
        text = document.read_text()
        assert with_tables(text) == text
