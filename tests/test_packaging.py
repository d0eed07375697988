"""What is in the wheel and in the source distribution, and that their parts fit together."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import pytest

import jupyterhub_snapshots
from jupyterhub_snapshots import (
    __version__,
    _jupyter_labextension_paths,
    _jupyter_server_extension_points,
)

PACKAGE = Path(jupyterhub_snapshots.__file__).parent
PROJECT = PACKAGE.parent
PANEL = PACKAGE / "labextension"
NPM_PACKAGE = json.loads((PROJECT / "labextension/package.json").read_text())
SHARED = "jupyterhub_snapshots-{}.data/data/"
PANEL_PLACE = "share/jupyter/labextensions/jupyterhub-snapshots/"
SERVER_CONFIG = "etc/jupyter/jupyter_server_config.d/jupyterhub_snapshots.json"

# `make` builds the panel first, so below it these tests must not be left out.
needs_panel = pytest.mark.skipif(
    "MAKELEVEL" not in os.environ
    and (not (PANEL / "static/style.js").exists() or (PANEL / "build_log.json").exists()),
    reason="the panel is not built, or for development: rm -r jupyterhub_snapshots/labextension, "
    "make install",
)


def build(kind: str, folder: Path) -> Path:
    """Builds with the panel that is there: what `make` has built is what is looked at."""
    environment = {**os.environ, "HATCH_JUPYTER_BUILDER_SKIP_NPM": "1"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


def load_backend() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "build_backend", PROJECT / "labextension/build_backend.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built_panel() -> set[str]:
    return {path.relative_to(PANEL).as_posix() for path in PANEL.rglob("*") if path.is_file()}


def test_one_name_and_one_version() -> None:
    assert NPM_PACKAGE["version"] == __version__
    (panel,) = _jupyter_labextension_paths()
    assert panel == {"src": "labextension", "dest": NPM_PACKAGE["name"]}
    assert PROJECT / "labextension" / NPM_PACKAGE["jupyterlab"]["outputDir"] == (
        PROJECT / "labextension/../jupyterhub_snapshots" / panel["src"]
    )
    (point,) = _jupyter_server_extension_points()
    assert point["module"] == "jupyterhub_snapshots.server_extension"


@needs_panel
def test_the_wheel(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", tmp_path)) as wheel:
        names = set(wheel.namelist())
        shared = SHARED.format(__version__)
        config = json.loads(wheel.read(shared + SERVER_CONFIG))
        panel: dict[str, Any] = json.loads(wheel.read(f"{shared}{PANEL_PLACE}package.json"))
    assert config == {"ServerApp": {"jpserver_extensions": {"jupyterhub_snapshots": True}}}
    assert panel["jupyterlab"]["_build"]["extension"] == "./extension"
    in_shared = {name.removeprefix(shared) for name in names if name.startswith(shared)}
    wanted = {PANEL_PLACE + path for path in built_panel() | {"install.json"}}
    assert in_shared == wanted | {SERVER_CONFIG}
    # Once, and built for use: no maps, no log of a development build.
    assert not any(name.startswith("jupyterhub_snapshots/labextension") for name in names)
    assert not any(name.endswith((".map", "build_log.json")) for name in names)
    code = {
        path.relative_to(PROJECT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and PANEL not in path.parents
    }
    assert {name for name in names if name.startswith("jupyterhub_snapshots/")} == code


@needs_panel
def test_the_source_distribution(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        paths = [PurePosixPath(*PurePosixPath(name).parts[1:]) for name in archive.getnames()]
    names = {path.as_posix() for path in paths}
    assert {f"jupyterhub_snapshots/labextension/{path}" for path in built_panel()} <= names
    needed = {"package.json", "yarn.lock", ".yarnrc.yml", "tsconfig.json", "install.json"}
    assert {
        f"labextension/{name}" for name in needed | {"build_backend.py", "src/index.ts"}
    } <= names
    assert {"PKG-INFO", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= names
    for path in paths:
        assert not {"node_modules", ".yarn", "lib", "__pycache__", ".demo"} & set(path.parts), path
        assert path.suffix not in {".tsbuildinfo", ".sqlite", ".pyc"}, path


@needs_panel
def test_a_wheel_from_the_source_distribution_needs_no_node(tmp_path: Path) -> None:
    nothing, place = tmp_path / "nothing", tmp_path / "unpacked"
    nothing.mkdir()
    place.mkdir()
    subprocess.run(["tar", "-xf", build("sdist", tmp_path / "sdist")], cwd=place, check=True)
    (unpacked,) = place.iterdir()
    environment = {
        name: value for name, value in os.environ.items() if "HATCH_JUPYTER_BUILDER" not in name
    }
    command = [
        *(sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"),
        *("--no-index", "--no-deps", "--no-build-isolation", "-w", str(tmp_path / "made"), "."),
    ]
    subprocess.run(
        command,
        cwd=unpacked,
        env={**environment, "PATH": str(nothing)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    (made,) = (tmp_path / "made").iterdir()
    with zipfile.ZipFile(made) as wheel, zipfile.ZipFile(build("wheel", tmp_path / "w")) as other:
        assert set(wheel.namelist()) == set(other.namelist())


@pytest.mark.parametrize(
    ("node", "needed"),
    [
        (None, True),
        ("echo v18.19.0", True),
        ("echo v20.0.0", False),
        ("echo v104.1.0", False),
        ("echo v20.0.0; exit 1", True),
        ("echo oh", True),
        ("printf '\\377'", True),
    ],
)
def test_node_is_fetched_where_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: str | None, needed: bool
) -> None:
    backend = load_backend()
    if node is not None:
        program = tmp_path / "node"
        program.write_text(f"#!/bin/sh\n{node}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert backend._node() == ([backend._NODE] if needed else [])
    (tmp_path / "PKG-INFO").touch()
    assert backend._node() == []


def test_node_is_the_one_of_make() -> None:
    backend = load_backend()
    script = (PROJECT / ".ci/install-node").read_text()
    assert backend._NODE in script
    assert f"(process.versions.node) < {backend._OLDEST_NODE} " in script
