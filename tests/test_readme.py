"""The README tells the truth: its commands run, its tables are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.spawner import Spawner
from traitlets.config import Config

from documents import (
    CONFIGURABLE,
    KEY,
    ROOT,
    Shell,
    check,
    error_table,
    free_port,
    python_after,
    standalone,
    with_tables,
)
from jupyterhub_snapshots.core import names
from jupyterhub_snapshots.handlers import body, comparisons, streaming


def test_commands_write_what_is_said(place: Path) -> None:
    homes, snapshots, work = (place / name for name in ("homes", "snapshots", "work"))
    for folder in (homes, snapshots, work):
        folder.mkdir(mode=0o700)
    for student in ("31387714", "ada"):
        (homes / student / "lab").mkdir(parents=True)
        (homes / student / "lab/data.csv").write_text("length_m,period_s\n1\n")
    (work / "problem-set-1-report.html").write_text("<p>8 of 10</p>")
    # One that the older server left.
    (snapshots / "31387714/assignment-1_2021-09-09").mkdir(parents=True)
    (snapshots / "31387714/assignment-1_2021-09-09/a.ipynb").write_text("{}")
    with standalone(work, homes, snapshots) as url:
        shell = Shell(
            work,
            {
                "SNAPSHOTS": url,
                "AUTH": f"X-Api-Key: {KEY}",
                "COURSE": f"{url}/api/v1/instructors/me/courses/phys101",
                "HOMES": str(homes),
                "SNAPS": str(snapshots),
                "STAGING": str(place / "staging"),
                "PORT": str(free_port()),
                "KEY": "another key of the demonstration",
            },
        )
        try:
            check(shell, "README.md")
        finally:
            shell.close()


def test_configuration_for_a_hub_is_understood() -> None:
    c = Config()
    exec(python_after("README.md", "configuration"), {"c": c})
    known = {kind.__name__: kind for kind in (JupyterHub, Spawner, *CONFIGURABLE)}
    for name, settings in c.items():
        for setting in settings:
            if setting == "extra_user_scopes" and not hasattr(JupyterHub, setting):
                continue  # the README says what JupyterHub 5 has instead
            assert known[name].class_traits(config=True)[setting]
    command = c.JupyterHub.services[0]["command"]
    assert command[0] in (ROOT / "pyproject.toml").read_text()


def test_tables_are_those_of_the_program() -> None:
    text = (ROOT / "README.md").read_text()
    assert "<!-- errors -->" in text
    assert "<!-- settings -->" in text
    assert text == with_tables(text), "Run: python tests/documents.py"


def test_every_error_has_its_own_code() -> None:
    rows = error_table().splitlines()[2:]
    codes = [row.split("|")[3] for row in rows]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("2 MiB", body.BoundedBody.max_body_bytes == 2 * 1024**2),
        (
            "txt, html, htm, ipynb",
            names.REPORT_SUFFIXES == (".txt", ".html", ".htm", ".ipynb"),
        ),
        ("230 characters", names.MAX_SNAPSHOT_NAME_BYTES == 230),
        ("4000 bytes", names.MAX_PATH_BYTES == 4000),
        ("64; more are answered 503", streaming.MAX_ZIPS == 64),
        (
            "16, of one caller 4; more",
            (comparisons.MAX_COMPARISONS, comparisons.MAX_COMPARISONS_EACH) == (16, 4),
        ),
    ],
)
def test_limits(text: str, true: bool) -> None:
    assert text in (ROOT / "README.md").read_text()
    assert true


def test_no_link_leads_nowhere() -> None:
    for document in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        text = document.read_text()
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", text):
            file = document.parent / target if target else document
            assert file.is_file(), f"{document.name}: {target}"
            if anchor:
                heads = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
                made = {
                    "#" + re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads
                }
                assert anchor in made, f"{document.name}: {target}{anchor}"
