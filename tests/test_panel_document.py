"""What `docs/panel.md` names is called so in the panel."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jupyterhub.spawner import Spawner
from traitlets.config import Config

from documents import ROOT, python_after

DOCUMENT = (ROOT / "docs/panel.md").read_text()
SCHEMA: dict[str, Any] = json.loads((ROOT / "labextension/schema/plugin.json").read_text())
SOURCES = "".join(path.read_text() for path in (ROOT / "labextension/src").rglob("*.ts*"))


@pytest.mark.parametrize("label", sorted(set(re.findall(r"\*\*([^*]+)\*\*", DOCUMENT))))
def test_labels_are_those_of_the_panel(label: str) -> None:
    titles = {each["title"] for each in SCHEMA["properties"].values()}
    assert label in titles or re.search(rf"'{re.escape(label)}( %1)?'", SOURCES)


def test_settings_have_the_defaults_of_the_table() -> None:
    shown = {"60": 60, "plain": "plain", "yes": True}
    for setting in SCHEMA["properties"].values():
        row = re.search(rf"^\| \*\*{setting['title']}\*\* .*\| (\w+) \|$", DOCUMENT, re.MULTILINE)
        assert row is not None, setting["title"]
        assert shown[row[1]] == setting["default"]


def test_shortcut_is_the_panels() -> None:
    (shortcut,) = SCHEMA["jupyter.lab.shortcuts"]
    assert shortcut["keys"] == ["Accel Alt S"]
    assert "Ctrl+Alt+S" in DOCUMENT


def test_configuration_is_understood() -> None:
    c = Config()
    exec(python_after("docs/panel.md", "configuration"), {"c": c})
    for setting in c.Spawner:
        assert setting in Spawner.class_traits(config=True)
    example = (ROOT / "jupyterhub_config_example.py").read_text()
    for word in (*c.Spawner.environment, *c.Spawner.server_token_scopes):
        assert word in example
