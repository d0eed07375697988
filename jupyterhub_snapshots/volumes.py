"""Where a student's home is."""

from __future__ import annotations

import os
import string
from pathlib import PurePath

from traitlets import TraitError, Unicode, validate
from traitlets.config import LoggingConfigurable

from .beneath import Folder, NotBelow
from .core.names import is_component, student_folder
from .core.records import Course
from .errors import StorageUnavailable


class LocalVolumes(LoggingConfigurable):
    """Homes that are folders on this machine."""

    home_template = Unicode(
        "/home/{username}",
        help="""Absolute path of a person's home, with {username} where the name stands.

        A username that can't be the name of one folder is refused, so that no name leads
        elsewhere. Example: ``/srv/homes/{username}``
        """,
    ).tag(config=True)

    @validate("home_template")
    def _check_home_template(self, proposal: dict[str, str]) -> str:
        template = proposal["value"]
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        if fields != ["username"] or not os.path.isabs(template):
            raise TraitError("home_template must be an absolute path with {username} once in it")
        if ".." in PurePath(template).parts:
            raise TraitError("home_template must not contain '..'")
        return template

    def home(self, course: Course, username: str) -> str:
        """Absolute path of the student's home; whether it exists is not looked at.

        Raises InvalidName for a username that can't be the name of a folder.
        """
        folder = student_folder(username)
        if course.homes is not None:
            return os.path.join(course.homes, folder)
        return self.home_template.format(username=folder)

    def usernames(self, course: Course) -> list[str]:
        """Everyone who has a home, for a course whose roster is a folder of homes.

        Raises StorageUnavailable when that folder is missing.
        """
        if course.homes is None:
            return []
        try:
            with Folder.at(course.homes) as homes:
                entries = homes.scan()
        except NotBelow as error:
            raise StorageUnavailable(
                "The folder of the students' homes is missing or can't be read. Check that its "
                "disk is mounted."
            ) from error
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        usable = [name for name in names if is_component(name) and _is_text(name)]
        for name in set(names) - set(usable):
            self.log.warning("Left out the home %r: its name is not UTF-8", name)
        return usable


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
