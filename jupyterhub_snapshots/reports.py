"""Returning a report: one file into the top of a student's home."""

from __future__ import annotations

import asyncio
import errno

from .beneath import Folder, NotBelow
from .core.names import check_report_suffix, is_component, report_filename
from .core.records import Course
from .errors import (
    HomeNotFound,
    InvalidName,
    MissingField,
    ReportExists,
    StorageFull,
    StorageUnavailable,
)
from .volumes import LocalVolumes

_MODE = 0o644


class ReportManager:
    """Puts reports into homes: never over something, never through a link, never half."""

    def __init__(self, volumes: LocalVolumes) -> None:
        self._volumes = volumes

    async def put(self, course: Course, username: str, filename: str, content: bytes) -> str:
        """Writes the file into the home, owned by the student; returns the name it got.

        Raises HomeNotFound, InvalidName, MissingField (no usable name), ReportExists,
        RefusedFileType, StorageFull, StorageUnavailable.
        """
        name = report_filename(filename)
        if not name:
            raise MissingField("The file has no usable name. Send it with one, as report.html.")
        if not is_component(name):
            raise InvalidName("The file's name is too long. Send it with a shorter one.")
        home = self._volumes.home(course, username)
        await asyncio.to_thread(self._write, home, name, content)
        return name

    def _write(self, home: str, name: str, content: bytes) -> None:
        try:
            folder = Folder.at(home)
        except NotBelow as error:
            raise HomeNotFound("There is no home of this student.") from error
        with folder:
            try:
                folder.lstat(name)
            except NotBelow as error:
                if error.errno != errno.ENOENT:
                    raise StorageUnavailable("The home can't be read.") from error
            else:
                raise _exists(name)
            check_report_suffix(name)
            owner = folder.status()
            try:
                folder.write_new(name, content, mode=_MODE, owner=(owner.st_uid, owner.st_gid))
            except FileExistsError as error:
                raise _exists(name) from error
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise StorageFull("The student's home is full; nothing was written.") from error
                raise StorageUnavailable(
                    "The file can't be written into the student's home; nothing was written."
                ) from error


def _exists(name: str) -> ReportExists:
    return ReportExists(
        f"The student's home already has {name}. Return the report under another name."
    )
