"""Returning a report: one file into the top of a student's home."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterable, Iterator

from .beneath import Folder, NotBelow
from .core.deliveries import Addressees, Delivery, Problem, without_duplicates
from .core.names import check_report_suffix, usable_report_name
from .core.records import Course, Member
from .errors import (
    HomeNotFound,
    InvalidName,
    RefusedFileType,
    ReportExists,
    SnapshotsError,
    StorageFull,
    StorageUnavailable,
)
from .volumes import LocalVolumes

_MODE = 0o644
_PROBLEMS: dict[type[SnapshotsError], Problem] = {
    HomeNotFound: "no_home",
    InvalidName: "no_home",
    StorageUnavailable: "no_home",
    ReportExists: "exists",
    RefusedFileType: "wrong_type",
}


class ReportManager:
    """Puts reports into homes: never over something, never through a link, never half."""

    def __init__(self, volumes: LocalVolumes) -> None:
        self._volumes = volumes

    async def put(self, course: Course, username: str, filename: str, content: bytes) -> str:
        """Writes the file into the home, owned by the student; returns the name it got.

        Raises HomeNotFound, InvalidName, MissingField (no usable name), ReportExists,
        RefusedFileType, StorageFull, StorageUnavailable.
        """
        name = usable_report_name(filename)
        home = self._volumes.home(course, username)
        await asyncio.to_thread(self._write, home, name, content)
        return name

    def check(
        self, course: Course, members: Iterable[Member], files: Iterable[str]
    ) -> list[Delivery]:
        """Where files of these names would go, and what `put` would refuse; for threads.

        Parameters:
            members: everybody the course knows.
        """
        addressees = Addressees(members)
        wanted = [addressees.deliver(file) for file in files]
        refused: dict[int, Delivery] = {}
        numbers: dict[str, list[int]] = {}
        for number, each in enumerate(wanted):
            if each.problem is None and each.student is not None:
                numbers.setdefault(each.student, []).append(number)
        for student, theirs in numbers.items():
            found = self._look(course, student, [wanted[number] for number in theirs])
            refused.update(zip(theirs, found, strict=True))
        return without_duplicates(refused.get(number, each) for number, each in enumerate(wanted))

    def _look(self, course: Course, student: str, wanted: list[Delivery]) -> Iterator[Delivery]:
        """The same deliveries to one student, with what the home says to them."""
        try:
            folder = open_home(self._volumes.home(course, student))
        except (HomeNotFound, InvalidName, StorageUnavailable) as error:
            yield from (each.refused(_PROBLEMS[type(error)], error.message) for each in wanted)
            return
        with folder:
            for each in wanted:
                try:
                    _check(folder, each.name or "")
                except (ReportExists, RefusedFileType, StorageUnavailable) as error:
                    each = each.refused(_PROBLEMS[type(error)], error.message)
                yield each

    def _write(self, home: str, name: str, content: bytes) -> None:
        with open_home(home) as folder:
            _check(folder, name)
            try:
                write_file(folder, name, content, folder.status())
            except FileExistsError as error:
                raise _exists(name) from error


def open_home(home: str) -> Folder:
    """The folder of a home. Raises HomeNotFound, StorageUnavailable."""
    try:
        return Folder.at(home)
    except NotBelow as error:
        raise HomeNotFound("There is no home of this student.") from error
    except OSError as error:
        raise StorageUnavailable("The home can't be read.") from error


def write_file(folder: Folder, name: str, content: bytes, home: os.stat_result) -> None:
    """Makes a file of the student's own, whole or not at all, never over something.

    Parameters:
        folder: the home, or one in it.
        home: status of the home, whose owner gets the file.

    Raises FileExistsError, StorageFull, StorageUnavailable.
    """
    try:
        folder.write_new(name, content, mode=_MODE, owner=(home.st_uid, home.st_gid))
    except FileExistsError:
        raise
    except OSError as error:
        raise not_written(error) from error


def not_written(error: OSError) -> SnapshotsError:
    """What a person is told when the disk does not take something."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The student's home is full; nothing was written.")
    return StorageUnavailable(
        "The file can't be written into the student's home; nothing was written."
    )


def _check(folder: Folder, name: str) -> None:
    """Raises ReportExists, RefusedFileType, StorageUnavailable when no report may be called so."""
    try:
        folder.lstat(name)
    except NotBelow as error:
        if error.errno != errno.ENOENT:
            raise StorageUnavailable("The home can't be read.") from error
    else:
        raise _exists(name)
    check_report_suffix(name)


def _exists(name: str) -> ReportExists:
    return ReportExists(
        f"The student's home already has {name}. Return the report under another name."
    )
