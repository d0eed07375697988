"""Where a student's home is."""

from __future__ import annotations

import os
import string
from pathlib import PurePath

from traitlets import TraitError, Unicode, validate
from traitlets.config import LoggingConfigurable

from .beneath import Folder, NotBelow
from .core.names import student_folder
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
        if fields_of(template) != ["username"] or not os.path.isabs(template):
            raise TraitError("home_template must be an absolute path with {username} once in it")
        if ".." in PurePath(template).parts:
            raise TraitError("home_template must not contain '..'")
        if "{username}" not in PurePath(template).name:
            raise TraitError(
                "{username} must be in the last part of home_template: what is below a home "
                "belongs to the student, who could put a link there. Use a course's 'folders' to "
                "capture a part of a home."
            )
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
        """Names of all homes, for a course whose roster is a folder of homes.

        Raises StorageUnavailable when that folder is missing.
        """
        if course.homes is None:
            return []
        try:
            with Folder.at(course.homes) as homes:
                entries = homes.scan()
                status = homes.status()
        except NotBelow as error:
            raise StorageUnavailable(
                "The folder of the students' homes is missing or can't be read. Check that its "
                "disk is mounted."
            ) from error
        mounted = course.mounted or ((status.st_dev, status.st_ino),)
        if not entries and (status.st_dev, status.st_ino) not in mounted:
            raise StorageUnavailable(
                "The folder of the students' homes is empty and not the one it was when the "
                "service was started. Check that its disk is mounted."
            )
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def fields_of(template: str) -> list[str]:
    """What stands in braces, in its order. Raises TraitError when the braces don't match."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise TraitError(f"{template!r}: {error}") from error
