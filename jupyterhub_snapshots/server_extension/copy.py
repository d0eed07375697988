"""From a snapshot into the person's own files: whole or not at all, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from http import HTTPStatus

import httpx

from ..beneath import Folder, NotBelow
from ..core.names import MAX_COMPONENT_BYTES
from ..errors import AccessDenied, NotAFolder, StorageFull
from .failures import ServiceRefused, TargetExists
from .link import ServiceLink, raise_refusal
from .places import OwnFiles, SnapshotPlace
from .unpack import unpack

_CHUNK_BYTES = 1 << 20
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: What follows a dot and is longer is no kind of file.
_LONGEST_SUFFIX_BYTES = 32
#: Rights of what is made, less what the server's umask takes away.
_FOLDER_MODE, _FILE_MODE = 0o777, 0o666


@dataclass(frozen=True)
class Copied:
    """What came of a copy.

    Attributes:
        path: where it is now.
        kept_as: where what was there before is now, or None when nothing was.
        left_out: how many were left out: links that lead out of the folder, and what has a name
            that is too long for this disk.
    """

    path: str
    kept_as: str | None
    left_out: int = 0


async def copy(
    link: ServiceLink,
    source: SnapshotPlace,
    files: OwnFiles,
    target: tuple[str, ...],
    *,
    keep_old: bool,
) -> Copied:
    """Copies a file or folder of a snapshot to the path among the person's files.

    It is made beside the target under a name of no meaning and then renamed. Missing folders above
    it are made.

    Parameters:
        keep_old: whether what is there is renamed first; otherwise it is an error.

    Raises TargetExists, NotAFolder when a link or file is in the way, StorageFull, AccessDenied,
    TooLarge, ServiceDown, ServiceRefused. Whatever is raised, nothing half-made stays and what was
    there is as it was.
    """
    with _file_errors():
        async with _parent(files, target[:-1]) as parent:
            if not keep_old and _is_there(parent, target[-1]):
                raise _exists(target)
            made = f".{secrets.token_hex(12)}.part"
            try:
                left_out = await _fetch(link, source, parent, made)
                kept = await asyncio.to_thread(_put, parent, made, target, keep_old)
            finally:
                await asyncio.to_thread(parent.remove, made)
    return Copied("/".join(target), kept and "/".join([*target[:-1], kept]), left_out)


@contextlib.asynccontextmanager
async def _parent(files: OwnFiles, parts: tuple[str, ...]) -> AsyncIterator[Folder]:
    """The folder there. Folders that are made for it go again when the body fails."""
    made: list[tuple[str, ...]] = []
    try:
        with await asyncio.to_thread(_make, files, parts, made) as parent:
            yield parent
    except BaseException:
        await asyncio.to_thread(_unmake, files, made)
        raise


def _make(files: OwnFiles, parts: tuple[str, ...], made: list[tuple[str, ...]]) -> Folder:
    """The folder there; those that were missing are added to `made`."""
    current = files.open()
    for depth, name in enumerate(parts, 1):
        with current:
            was_there = _is_there(current, name)
            try:
                current = current.make(name, _FOLDER_MODE)
            except NotBelow as error:
                raise NotAFolder(
                    f"{'/'.join(parts[:depth])} is a link or a file. Choose a folder that is "
                    "neither a link nor below one."
                ) from error
        if not was_there:
            made.append(parts[:depth])
    return current


def _unmake(files: OwnFiles, made: list[tuple[str, ...]]) -> None:
    """Removes these folders, the innermost first, up to one that somebody uses by now."""
    with contextlib.suppress(OSError), files.open() as top:
        for parts in reversed(made):
            with top.enter(parts[:-1]) as above:
                os.rmdir(parts[-1], dir_fd=above.descriptor)


def _is_there(parent: Folder, name: str) -> bool:
    with contextlib.suppress(NotBelow):
        parent.lstat(name)
        return True
    return False


def _exists(target: tuple[str, ...]) -> TargetExists:
    path = "/".join(target)
    return TargetExists(f"There is already something called {path}.", existing=[path])


async def _fetch(link: ServiceLink, source: SnapshotPlace, parent: Folder, made: str) -> int:
    """Fetches a file, or else a folder, under the name in the parent."""
    if source.path:
        try:
            async with _opened(link, source.file_address) as response:
                descriptor = os.open(made, _NEW_FILE, _FILE_MODE, dir_fd=parent.descriptor)
                with os.fdopen(descriptor, "wb", buffering=0) as file:
                    await _write(response, file.fileno())
                return 0
        except ServiceRefused as error:
            if error.status != HTTPStatus.NOT_FOUND or error.code != "file_not_found":
                raise
    async with _opened(link, source.archive_address) as response:
        zipped = f".{secrets.token_hex(12)}.part"
        descriptor = os.open(zipped, _NEW_FILE, 0o600, dir_fd=parent.descriptor)
        with os.fdopen(descriptor, "w+b", buffering=0) as file:
            # Open but without a name, it goes when it is closed, even if the server is killed.
            os.unlink(zipped, dir_fd=parent.descriptor)
            await _write(response, file.fileno())
            os.mkdir(made, _FOLDER_MODE, dir_fd=parent.descriptor)
            with parent.enter([made]) as folder:
                return await asyncio.to_thread(unpack, file, folder)


@contextlib.asynccontextmanager
async def _opened(link: ServiceLink, address: str) -> AsyncIterator[httpx.Response]:
    async with link.stream("GET", address) as response:
        await raise_refusal(response)
        yield response


async def _write(response: httpx.Response, descriptor: int) -> None:
    async for piece in response.aiter_raw(_CHUNK_BYTES):
        await asyncio.to_thread(_write_all, descriptor, piece)
    await asyncio.to_thread(os.fsync, descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _put(parent: Folder, made: str, target: tuple[str, ...], keep_old: bool) -> str | None:
    """Gives what was made its name; the new name of what was there, if anything."""
    name = target[-1]
    kept = None
    if keep_old and _is_there(parent, name):
        kept = _keep(parent, name)
    try:
        parent.move(made, parent, name)
    except OSError as error:
        if kept is not None:
            parent.move(kept, parent, name)
        if isinstance(error, FileExistsError):
            raise _exists(target) from error
        raise
    parent.sync()
    return kept


def _keep(parent: Folder, name: str) -> str:
    """Renames what is there to a name that says why; that name."""
    folder = stat.S_ISDIR(parent.lstat(name).st_mode)
    stem, suffix = (name, "") if folder else os.path.splitext(name)
    if len(os.fsencode(suffix)) > _LONGEST_SUFFIX_BYTES:
        stem, suffix = name, ""
    now = datetime.now(timezone.utc).astimezone()
    mark = f".before-restore-{now:%Y-%m-%dT%H-%M-%S}"
    number = 1
    while True:
        end = mark + (f"-{number}" if number > 1 else "") + suffix
        room = MAX_COMPONENT_BYTES - len(os.fsencode(end))
        raw = os.fsencode(stem)
        kept = (stem if len(raw) <= room else raw[:room].decode("utf-8", "ignore")) + end
        try:
            parent.move(name, parent, kept)
        except FileExistsError:
            number += 1
            continue
        return kept


@contextlib.contextmanager
def _file_errors() -> Iterator[None]:
    """What the disk says, as an error for a person."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                "There is no space left for your files. Delete something and try again."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise AccessDenied("Your files can't be written there.") from error
        raise
