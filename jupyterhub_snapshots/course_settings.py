"""One course of the configuration: checked, and completed with what was left out."""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .core.names import SERVICE_DIR, is_component
from .core.times import read_date
from .errors import InvalidDate, InvalidRequest

_DEFAULTS: dict[str, Any] = {
    "code": None,
    "title": None,
    "description": None,
    "time_zone": "UTC",
    "start": None,
    "end": None,
    "root": None,
    "homes": None,
    "folders": (),
    "instructors": (),
    "students": (),
    "canvas_ids": {},
}
_LISTS = ("folders", "instructors", "students")
_PATHS = ("root", "homes")


def course_settings(given: dict[str, Any]) -> dict[str, Any]:
    """The settings of one course, all of them; start and end are instants then.

    Raises InvalidRequest.
    """
    unknown = sorted(set(map(str, given)) - set(_DEFAULTS))
    if unknown:
        raise InvalidRequest(
            f"A course has no setting {', '.join(unknown)}; there are {', '.join(_DEFAULTS)}."
        )
    settings = _DEFAULTS | given
    code = settings["code"]
    if not isinstance(code, str) or not is_component(code) or code == SERVICE_DIR:
        raise InvalidRequest(f"{code!r} can't be a course's code: it must name a folder.")
    for name, value in settings.items():
        if name in _LISTS:
            if not _is_texts(value):
                raise InvalidRequest(f"Course {code}: {name} must be a list of texts.")
        elif name == "canvas_ids":
            if not isinstance(value, dict) or not _is_texts([*value, *value.values()]):
                raise InvalidRequest(f"Course {code}: {name} must map texts to usernames.")
        elif value is not None and not isinstance(value, str):
            raise InvalidRequest(f"Course {code}: {name} must be a text.")
    name = settings["time_zone"]
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidRequest(f"Course {code}: unknown time zone {name!r}.") from error
    dates = {name: _instant(code, name, settings[name], zone) for name in ("start", "end")}
    paths = {name: os.path.abspath(settings[name]) for name in _PATHS if settings[name]}
    return settings | paths | dates | {"title": settings["title"] or code}


def _instant(code: str, name: str, text: str | None, zone: tzinfo) -> datetime | None:
    if text is None:
        return None
    try:
        return read_date(text, zone, name, begins=name == "start").at
    except InvalidDate as error:
        raise InvalidRequest(f"Course {code}: {error.message}") from error


def check_apart(courses: list[dict[str, Any]]) -> None:
    """Makes sure that no course can be taken for another. Raises InvalidRequest."""
    named: dict[str, str] = {}
    roots: dict[str, str] = {}
    for course in courses:
        code, root = course["code"], os.path.realpath(course["root"])
        for name in {code, course["title"]}:
            if name in named:
                raise InvalidRequest(f"Courses {named[name]} and {code} are both named {name!r}.")
            named[name] = code
        for each in courses:
            homes = each["homes"]
            if homes is not None and _overlap(root, os.path.realpath(homes)):
                raise InvalidRequest(
                    f"The snapshots of {code} in {root} and the homes of {each['code']} in {homes} "
                    "must be apart."
                )
        for other, owner in roots.items():
            if _overlap(root, other):
                raise InvalidRequest(
                    f"The snapshots of {owner} and {code} would be in one folder, {other}. Each "
                    "course needs its own."
                )
        roots[root] = code


def _overlap(one: str, other: str) -> bool:
    """Whether the folders are the same, or one is inside the other."""
    return os.path.commonpath([one, other]) in (one, other)


def _is_texts(value: object) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) and all(
        isinstance(each, str) for each in value
    )
