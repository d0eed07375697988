"""Reading and writing below a folder without ever following a link.

Every path that comes from a caller or is found in a home goes through here. A `Folder` holds a
directory descriptor; what is below it is opened one component at a time, relative to a held
descriptor and with ``O_NOFOLLOW``, so that a name that turns into a link between two calls is
refused instead of followed. Nothing here asks "is this safe?" by name and then uses the name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

from .renaming import move

_DIR_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: Levels of a walk whose folders stay open; those further up are opened again when needed.
_HELD_LEVELS = 64

Parts = Sequence[str]


class NotBelow(OSError):
    """Nothing of the wanted kind is at that place, or a link is in the way."""


class Found(NamedTuple):
    """One thing met on a walk."""

    path: str
    status: os.stat_result
    folder: Folder
    name: str


@dataclass
class _Level:
    """One folder on the way of a walk: what it is called above, and what is left to visit."""

    name: str
    base: str
    folder: Folder
    names: Iterator[str]


class Folder:
    """A held directory; close it, or use it in a ``with`` statement."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> Folder:
        """Opens a folder that the operator named; its last component must not be a link.

        Raises NotBelow when it is missing, a link, or no folder.
        """
        plain = re.sub(r"(?<=.)(/\.?)+$", "", os.fspath(path))  # the kernel follows "link/"
        return cls(_open(plain, _DIR_FLAGS, None))

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the descriptor; harmless when done twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def status(self) -> os.stat_result:
        """fstat of the folder."""
        return os.fstat(self.descriptor)

    def enter(self, parts: Parts) -> Folder:
        """The folder at the relative path. Raises NotBelow."""
        current = Folder(os.dup(self.descriptor))
        try:
            for name in parts:
                following = Folder(_open(_one(name), _DIR_FLAGS, current.descriptor))
                current.close()
                current = following
        except BaseException:
            current.close()
            raise
        return current

    def make(self, name: str, mode: int = 0o700) -> Folder:
        """The folder of that name directly below, made when it is missing. Raises NotBelow."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(_one(name), mode, dir_fd=self.descriptor)
        return self.enter([name])

    def make_for(self, name: str, mode: int, owner: tuple[int, int]) -> Folder:
        """The folder of that name directly below, made for that owner when it is missing.

        It is made under a name that nobody knows, and only one that is new and still empty is
        given away; so nothing that somebody put there meanwhile is. Raises NotBelow.
        """
        try:
            return self.enter([name])
        except NotBelow as error:
            if error.errno != errno.ENOENT:
                raise
        temporary = f".{secrets.token_hex(12)}.part"
        os.mkdir(temporary, 0o700, dir_fd=self.descriptor)
        try:
            with self.enter([temporary]) as made:
                if made.status().st_uid != os.geteuid() or made.scan():
                    raise NotBelow(errno.ENOENT, "Not the folder that was made", name)
                with contextlib.suppress(PermissionError):  # one uid for all homes
                    os.fchown(made.descriptor, *owner)
                os.fchmod(made.descriptor, mode)
            with contextlib.suppress(FileExistsError):
                self.move(temporary, self, name)
                self.sync()
        finally:
            with contextlib.suppress(OSError):
                os.rmdir(temporary, dir_fd=self.descriptor)
        return self.enter([name])

    def lstat(self, name: str) -> os.stat_result:
        """Status of what is directly below, a link itself and not its target. Raises NotBelow."""
        try:
            return os.stat(_one(name), dir_fd=self.descriptor, follow_symlinks=False)
        except (OSError, ValueError) as error:
            raise _not_below(error, name) from error

    def find(self, parts: Parts) -> os.stat_result:
        """Status of what is at the relative path. Raises NotBelow."""
        with self.enter(parts[:-1]) as parent:
            return parent.lstat(parts[-1])

    def open_file(self, parts: Parts) -> tuple[int, os.stat_result]:
        """Descriptor and status of the regular file at the path; never waits on a FIFO.

        Raises NotBelow when there is none.
        """
        with self.enter(parts[:-1]) as parent:
            return parent.open_child(parts[-1])

    def open_child(self, name: str) -> tuple[int, os.stat_result]:
        """Like `open_file` for what is directly below."""
        if not stat.S_ISREG(self.lstat(name).st_mode):
            raise NotBelow(errno.ENOENT, "Not a regular file", name)
        descriptor = _open(name, _FILE_FLAGS, self.descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise NotBelow(errno.ENOENT, "Not a regular file", name)
        return descriptor, status

    def readlink(self, name: str) -> str:
        """Where the link directly below points. Raises NotBelow."""
        try:
            return os.readlink(_one(name), dir_fd=self.descriptor)
        except (OSError, ValueError) as error:
            raise _not_below(error, name) from error

    def scan(self) -> list[os.DirEntry[str]]:
        """What is directly below, in the order of names."""
        with os.scandir(self.descriptor) as entries:
            return sorted(entries, key=lambda entry: entry.name)

    def walk(
        self,
        prefix: str = "",
        enter: Callable[[str, os.stat_result], bool] = lambda path, status: True,
        failed: Callable[[str, OSError], None] = lambda path, error: None,
        keep: Callable[[str], bool] = lambda name: True,
    ) -> Iterator[Found]:
        """Everything below, a folder before what is in it, names in the order of code points.

        Parameters:
            prefix: put before each path; ends in "/" unless empty.
            enter: asked for each folder whether to go into it.
            failed: told of each folder that could not be read.
            keep: asked for each name whether it counts at all.

        The `Found.folder` is only open until the next step. However deep the folders are, only a
        few are held open.
        """
        levels: list[_Level] = []

        def push(name: str, base: str, folder: Folder) -> None:
            try:
                levels.append(
                    _Level(name, base, folder, iter(sorted(os.listdir(folder.descriptor))))
                )
            except OSError as error:
                folder.close()
                failed(base, error)
                return
            if len(levels) > _HELD_LEVELS + 1:
                levels[-1 - _HELD_LEVELS].folder.close()

        push("", prefix, Folder(os.dup(self.descriptor)))
        try:
            while levels:
                level = levels[-1]
                name = next(level.names, None)
                if name is None:
                    levels.pop().folder.close()
                    continue
                if not keep(name):
                    continue
                path = level.base + name
                try:
                    if level.folder.descriptor < 0:
                        _reopen(levels)
                except OSError as error:
                    failed(level.base, error)
                    levels.pop().folder.close()
                    continue
                try:
                    status = level.folder.lstat(name)
                except OSError as error:
                    failed(path, error)
                    continue
                yield Found(path, status, level.folder, name)
                if stat.S_ISDIR(status.st_mode) and enter(path, status):
                    try:
                        below = level.folder.enter([name])
                    except OSError as error:
                        failed(path, error)
                        continue
                    push(name, path + "/", below)
        finally:
            for level in levels:
                level.folder.close()

    def remove(self, name: str) -> None:
        """Removes what is directly below, a folder with all that is in it; harmless when absent.

        Folders in it are moved to its top before they are emptied, so that no depth is too deep.
        Interrupted, it can be called again.
        """
        try:
            os.unlink(_one(name), dir_fd=self.descriptor)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.EPERM):
                raise
            try:
                top = self._enter_to_empty(name)
            except NotBelow:
                raise error from None
        with top:
            while entries := top.scan():
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.name, dir_fd=top.descriptor)
                        continue
                    with top._enter_to_empty(entry.name) as folder:
                        folder._empty_into(top)
                    os.rmdir(entry.name, dir_fd=top.descriptor)
        os.rmdir(name, dir_fd=self.descriptor)

    def _enter_to_empty(self, name: str) -> Folder:
        """The folder directly below, with the rights that emptying or moving it needs."""
        place = _open(name, _PLACE_FLAGS, self.descriptor)
        try:
            with contextlib.suppress(PermissionError):  # not ours: removing tells
                os.chmod(f"/proc/self/fd/{place}", 0o700)
            return Folder(_open(".", _DIR_FLAGS, place))
        finally:
            os.close(place)

    def _empty_into(self, top: Folder) -> None:
        """Removes the files of this folder and moves its folders up, under names of no meaning."""
        for entry in self.scan():
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=self.descriptor)
                continue
            self._enter_to_empty(entry.name).close()
            os.rename(
                entry.name,
                f".{secrets.token_hex(12)}.gone",
                src_dir_fd=self.descriptor,
                dst_dir_fd=top.descriptor,
            )

    def sync(self) -> None:
        """Makes the folder's own entries durable."""
        os.fsync(self.descriptor)

    def write_new(
        self,
        name: str,
        content: bytes,
        *,
        mode: int = 0o600,
        owner: tuple[int, int] | None = None,
    ) -> None:
        """Makes a file with that content, whole or not at all, never over something that exists.

        The content is written under a name that nobody knows. What is then given the final name is
        the open file itself, whatever the owner of the folder did to that name meanwhile; it fails
        when the final name is taken by anything, a dangling link included.

        Raises FileExistsError when the name is taken; other OSErrors (no space, read-only) leave
        nothing behind.
        """
        _one(name)
        temporary = f".{secrets.token_hex(12)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=self.descriptor)
        try:
            with open(descriptor, "wb", closefd=True) as file:
                file.write(content)
                file.flush()
                if owner is not None:
                    with contextlib.suppress(PermissionError):  # one uid for all homes
                        os.fchown(descriptor, *owner)
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
                os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=self.descriptor)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=self.descriptor)
        self.sync()

    def replace(self, name: str, content: bytes, *, mode: int = 0o600) -> None:
        """Writes a file of our own atomically, durable before this returns."""
        _one(name)
        temporary = f".{secrets.token_hex(12)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, mode, dir_fd=self.descriptor)
        try:
            with open(descriptor, "wb", closefd=True) as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            os.rename(temporary, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=self.descriptor)
            raise
        self.sync()

    def move(self, name: str, to: Folder, new_name: str) -> None:
        """Renames atomically and never over something that exists.

        Where the kernel can't promise that, as on NFS, see `renaming`.

        Raises FileExistsError when the new name is taken, OSError(EXDEV) across file systems.
        """
        move(self.descriptor, _one(name), to.descriptor, _one(new_name))


def _reopen(levels: list[_Level]) -> None:
    """Opens the innermost folders of a walk again, one component at a time from the top."""
    first = len(levels) - _HELD_LEVELS
    for depth in range(1, len(levels)):
        above, level = levels[depth - 1], levels[depth]
        level.folder.close()
        level.folder = above.folder.enter([level.name])
        if 1 < depth < first:
            above.folder.close()


class Finder:
    """Finds many paths below one folder; quick when they come in the order of a walk."""

    def __init__(self, top: Folder) -> None:
        self._top = top
        self._parts: Parts | None = None
        self._folder: Folder | None = None

    def __enter__(self) -> Finder:
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            self._folder.close()

    def lstat(self, parts: Parts) -> os.stat_result:
        """Status of what is at the relative path, a link itself. Raises NotBelow."""
        above = list(parts[:-1])
        if self._folder is None or above != self._parts:
            found = self._top.enter(above)
            if self._folder is not None:
                self._folder.close()
            self._folder, self._parts = found, above
        return self._folder.lstat(parts[-1])


def identity(path: str) -> tuple[int, int]:
    """Device and inode of a folder that the operator named; zeros when there is none."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def _one(name: str) -> str:
    """The name, if it is that of one thing directly below. Raises NotBelow."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise NotBelow(errno.EINVAL, "Not the name of one thing", name)
    return name


def _open(path: str, flags: int, below: int | None) -> int:
    try:
        return os.open(path, flags, dir_fd=below)
    except (OSError, ValueError) as error:
        raise _not_below(error, path) from error


def _not_below(error: Exception, name: str) -> OSError:
    if isinstance(error, OSError) and error.errno in (
        errno.EMFILE,
        errno.ENFILE,
        errno.EIO,
        errno.ESTALE,
        errno.ENOMEM,
    ):
        return error  # trouble of ours, not an answer about the name
    number = error.errno if isinstance(error, OSError) else errno.EINVAL
    return NotBelow(number, "Nothing of that kind there", name)
