"""Where members of a course come from, and which source stands above which."""

from __future__ import annotations

#: The configuration names them.
CONFIG = "config"
#: An instructor imported them from a file, or added them one by one.
CSV, API = "csv", "api"
#: They are in the hub's groups, or have a folder among the homes of the course.
HUB, HOMES = "hub", "homes"

_LEVELS = {CONFIG: 2, CSV: 1, API: 1, HUB: 0, HOMES: 0}


def level(source: str) -> int:
    """How high a source stands: what one of a higher level says of a person counts."""
    return _LEVELS[source]


def same_level(source: str) -> frozenset[str]:
    """The sources that stand as high as this one, itself among them."""
    return frozenset(each for each, height in _LEVELS.items() if height == level(source))


def above(source: str) -> frozenset[str]:
    """The sources that stand above this one."""
    return frozenset(each for each, height in _LEVELS.items() if height > level(source))
