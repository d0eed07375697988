"""Whose a returned file is, by its name: ``ada.html``, ``ada_week-1.html``, ``ada/week-1.html``."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import InvalidName, MissingField
from .names import path_parts, usable_report_name
from .overview import is_student
from .records import Member

Problem = Literal[
    "unknown_student",
    "ambiguous",
    "bad_name",
    "duplicate",
    "no_home",
    "exists",
    "wrong_type",
]
#: What may follow a student's name in the name of a file.
_SEPARATORS = "._- "


@dataclass(frozen=True)
class Delivery:
    """Where a file that is to be returned would go.

    Attributes:
        file: its path, as it was given.
        student: hub username; None when it is not clear whose it is.
        name: what the report would be called in the home; None when it can have no name.
        problem: why it can't be returned; None when it can.
        message: the same for a person.
    """

    file: str
    student: str | None = None
    name: str | None = None
    problem: Problem | None = None
    message: str | None = None

    def refused(self, problem: Problem, message: str) -> Delivery:
        """The same with a problem."""
        return replace(self, problem=problem, message=message)


class Addressees:
    """Finds the student whom a file is for, among the members of a course.

    A student is known by hub username and by Canvas id. Who is no student of the course is known
    too, so that a file for ``ada_b``, who left, does not go to ``ada``.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        self._named: dict[str, dict[str, bool]] = {}
        for member in members:
            for name in filter(None, (member.username, member.canvas_id)):
                self._named.setdefault(_composed(name), {})[member.username] = is_student(member)

    def deliver(self, file: str) -> Delivery:
        """Where the file would go, as far as its path tells.

        The first folder is the student, and the report's name what follows. Without a folder the
        longest beginning of the file's name that is somebody counts, and the rest is the report's
        name; or the whole, when nothing but the ending is left.
        """
        wanted = Delivery(file)
        try:
            first, *rest = path_parts(_composed(file))
        except InvalidName:
            return wanted.refused(
                "bad_name", "This can't be the path of a file. Send it as ada/report.html."
            )
        if rest:
            return self._to(wanted, first, "/".join(rest))
        for name in _beginnings(first):
            if name in self._named:
                left = first[len(name) :].lstrip(_SEPARATORS)
                return self._to(wanted, name, left if "." in left else first)
        return self._to(wanted, first, first)

    def _to(self, wanted: Delivery, who: str, filename: str) -> Delivery:
        found = self._named.get(who, {})
        if len(found) > 1:
            several = " or ".join(sorted(found))
            return wanted.refused(
                "ambiguous", f"{who} may be {several}. Use a name that only one of them has."
            )
        for username, student in found.items():
            if not student:
                return wanted.refused(
                    "unknown_student", f"{username} is not a student of this course."
                )
            wanted = replace(wanted, student=username)
            try:
                return replace(wanted, name=usable_report_name(filename))
            except (InvalidName, MissingField) as error:
                return wanted.refused("bad_name", error.message)
        return wanted.refused(
            "unknown_student",
            "No student of this course is called so. Begin the name of the file, or of its "
            "folder, with a username or Canvas id.",
        )


def without_duplicates(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """The same, in which none goes where another goes: who wants which is not ours to tell."""
    wanted = list(deliveries)
    places: dict[tuple[str | None, str | None], list[str]] = {}
    for each in wanted:
        if each.problem is None:
            places.setdefault((each.student, each.name), []).append(each.file)
    checked = []
    for each in wanted:
        files = places.get((each.student, each.name), [])
        if each.problem is None and len(files) > 1:
            other = next((file for file in files if file != each.file), each.file)
            each = each.refused(
                "duplicate",
                f"{other} would become {each.name} of {each.student}, too. Rename one of them.",
            )
        checked.append(each)
    return checked


def _beginnings(name: str) -> Iterator[str]:
    """Where a student's name may end in the name of a file, the longest first."""
    for end in range(len(name), 0, -1):
        if end == len(name) or name[end] in _SEPARATORS:
            yield name[:end]


def _composed(text: str) -> str:
    """The one form of letters that may be written as one sign or as two, as on a Mac."""
    return unicodedata.normalize("NFC", text)
