"""Where things are: a file or folder of a snapshot, and the person's own files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from ..beneath import Folder, NotBelow
from ..core.names import is_component, path_parts
from ..errors import FileNotFound, InvalidName, InvalidRequest, TooLarge

_SNAPSHOT = re.compile(
    r"(?:instructors/(?P<ident>[^/?#]+)/courses/(?P<c1>[^/?#]+)/students/(?P<student>[^/?#]+)"
    r"|users/(?P<me>me)/courses/(?P<c2>[^/?#]+))/snapshots/(?P<name>[^/?#]+)"
)


@dataclass(frozen=True)
class SnapshotPlace:
    """A file or folder of a snapshot.

    Attributes:
        api: address of the snapshot below ``api/v1/``, percent-encoded.
        path: in the snapshot, bytes that are no UTF-8 as surrogates; "" for the whole.
    """

    api: str
    path: str

    @property
    def file_address(self) -> str:
        """Address of the file's content."""
        return f"{self.api}/files/{quote(self.path, errors='surrogateescape')}"

    @property
    def archive_address(self) -> str:
        """Address of the folder as a zip."""
        path = quote(self.path, safe="", errors="surrogateescape")
        return f"{self.api}/archive.zip" + (f"?path={path}" if path else "")


class OwnFiles:
    """The person's files, as far as JupyterLab shows them.

    Parameters:
        root: the folder they are in.
        hidden: whether hidden files count, too.
    """

    def __init__(self, root: str, hidden: bool) -> None:
        self._root = root
        self._hidden = hidden

    @classmethod
    def of(cls, contents_manager: Any) -> OwnFiles:
        """The files of this server. Raises InvalidRequest when they are on no disk."""
        root = getattr(contents_manager, "root_dir", "")
        if not root or not os.path.isdir(root):
            raise InvalidRequest("The files of this server are not on its disk.")
        return cls(os.path.realpath(root), bool(contents_manager.allow_hidden))

    @classmethod
    def home(cls) -> OwnFiles:
        """The person's whole home, of which JupyterLab may show only a folder."""
        return cls(os.path.realpath(os.path.expanduser("~")), hidden=True)

    def shown(self, below: OwnFiles, path: str) -> str | None:
        """What a path below another folder is called here; None when it is not shown."""
        here = os.path.relpath(os.path.join(below._root, path), self._root)
        outside = here == ".." or here.startswith("../")
        hidden = not self._hidden and any(part.startswith(".") for part in here.split("/"))
        return None if outside or hidden else here

    def parts(self, path: object) -> tuple[str, ...]:
        """The components of a path that JupyterLab gave. Raises InvalidName."""
        if not isinstance(path, str):
            raise InvalidName("A path among your files is missing.")
        parts = path_parts(path.strip("/"))
        if not self._hidden and any(part.startswith(".") for part in parts):
            raise InvalidName("Hidden files are switched off on this server. Choose another name.")
        return parts

    def open(self) -> Folder:
        """The folder of all files; close it."""
        return Folder.at(self._root)

    def read(self, parts: tuple[str, ...], most_bytes: int) -> bytes:
        """The content of a file; for threads. Raises FileNotFound, TooLarge."""
        try:
            with self.open() as top:
                descriptor, _ = top.open_file(parts)
        except NotBelow as error:
            raise FileNotFound("There is no such file among yours.") from error
        with open(descriptor, "rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise TooLarge(
                f"The file is larger than {most_bytes // 2**20} MB and can't be shown here."
            )
        return content


@dataclass(frozen=True)
class OwnPlace:
    """One of the person's own files."""

    files: OwnFiles
    parts: tuple[str, ...]


Side = SnapshotPlace | OwnPlace | None


def snapshot_of(value: object) -> SnapshotPlace:
    """The place that the panel named as ``{"api", "path"}``. Raises InvalidRequest."""
    api, path = (value.get("api"), value.get("path")) if isinstance(value, dict) else (None, None)
    if not isinstance(api, str) or not isinstance(path, str):
        raise InvalidRequest("Name a snapshot by 'api' and what is in it by 'path'.")
    found = _SNAPSHOT.fullmatch(api)
    parts = [part for part in found.groupdict().values() if part is not None] if found else []
    if not parts or not api.isascii() or not all(is_component(unquote(part)) for part in parts):
        raise InvalidName("This is not the address of a snapshot.")
    path = path.strip("/")
    if path:
        path_parts(path)
    return SnapshotPlace(api, path)


def side_of(value: object, files: OwnFiles) -> Side:
    """A side of a comparison: in a snapshot, ``{"file": path}``, or None. Raises InvalidRequest."""
    if value is None:
        return None
    if isinstance(value, dict) and "file" in value:
        return OwnPlace(files, files.parts(value["file"]))
    place = snapshot_of(value)
    if not place.path:
        raise InvalidRequest("Name a file of the snapshot by 'path'.")
    return place
