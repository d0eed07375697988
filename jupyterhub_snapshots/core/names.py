"""Names: slugs, snapshot names, folder names of students, names of returned reports.

Everything here is pure; what a name means on a disk is decided in `jupyterhub_snapshots.beneath`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from ..errors import InvalidName, InvalidSnapshotName, MissingField, RefusedFileType

#: Folder at the top of a snapshot root that belongs to the service; never a student.
SERVICE_DIR = ".jupyterhub-snapshots"
#: Longest snapshot name in bytes, so that the manifest beside it still has a legal name.
MAX_SNAPSHOT_NAME_BYTES = 230
#: Longest name of one file or folder in bytes, as Linux file systems have it.
MAX_COMPONENT_BYTES = 255
#: Longest path that is accepted, in bytes; the kernel's PATH_MAX less room for the root.
MAX_PATH_BYTES = 4000
#: Endings that a returned report may have.
REPORT_SUFFIXES = (".txt", ".html", ".htm", ".ipynb")

_NAME_LENGTH_LIMIT = 4096


def slugify(text: str) -> str:
    """The part of a snapshot's name that comes from a person's words; "" when nothing is left.

    Decomposed (NFKD) to ASCII, lower case, only ``[a-z0-9_-]``; runs of space and dash become one
    dash; no dash or underscore at either end.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    kept = re.sub(r"[^a-z0-9_\s-]", "", ascii_text.lower())
    return re.sub(r"[-\s]+", "-", kept).strip("-_")


def snapshot_name(text: str, day: date) -> str:
    """``<slug>_<YYYY-MM-DD>`` for a name typed by a person.

    Raises InvalidSnapshotName when nothing is left of the name or the result is too long.
    """
    if len(text) > _NAME_LENGTH_LIMIT:
        raise InvalidSnapshotName("The snapshot name is too long. Use at most 200 characters.")
    slug = slugify(text)
    if not slug:
        raise InvalidSnapshotName(
            "Nothing is left of the snapshot name without its special characters. "
            "Use letters and digits, for example 'assignment-1'."
        )
    name = f"{slug}_{day.isoformat()}"
    if len(name) > MAX_SNAPSHOT_NAME_BYTES:
        raise InvalidSnapshotName("The snapshot name is too long. Use at most 200 characters.")
    return name


def is_component(name: str) -> bool:
    """Whether the text can be the name of one file or folder below another."""
    if not name or len(name) > MAX_COMPONENT_BYTES or name in (".", "..") or "/" in name:
        return False
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return False
    return b"\0" not in raw and len(raw) <= MAX_COMPONENT_BYTES


def student_folder(username: str) -> str:
    """The folder of a student's snapshots: the username itself, one to one.

    Raises InvalidName for a name that can't be a folder or is the service's own.
    """
    if not is_component(username) or username == SERVICE_DIR:
        raise InvalidName("This can't be the name of a student.")
    return username


def is_username(text: str) -> bool:
    """Whether it can name a folder, and be written into a database and into a log."""
    try:
        student_folder(text)
    except InvalidName:
        return False
    return text.isprintable()


def is_snapshot_name(name: str) -> bool:
    """Whether a folder of that name counts as a snapshot: no dot in it, as sites have it."""
    return is_component(name) and "." not in name and len(name) <= MAX_SNAPSHOT_NAME_BYTES


def path_parts(path: str) -> tuple[str, ...]:
    """The components of a relative path that a caller gave.

    Raises InvalidName for anything that is not plainly below: absolute, empty, ``.``, ``..``,
    an empty component, NUL, or too long.
    """
    if len(path) > MAX_PATH_BYTES:
        raise InvalidName("The path is too long.")
    parts = tuple(path.split("/"))
    if not all(is_component(part) for part in parts):
        raise InvalidName(
            "This is not a path inside the snapshot. Give it as it stands in the list of files."
        )
    return parts


def is_hidden(path: str) -> bool:
    """Whether a component of the relative path begins with a dot."""
    return path.startswith(".") or "/." in path


def report_filename(filename: str) -> str:
    """A bare, harmless file name for a file that goes into a home; "" when nothing is left.

    Decomposed (NFKD) to ASCII; slashes count as spaces; runs of space become ``_``; only
    ``[A-Za-z0-9_.-]``; no dot or underscore at either end, so it is never hidden.
    """
    ascii_name = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode("ascii")
    words = "_".join(ascii_name.replace("/", " ").split())
    return re.sub(r"[^A-Za-z0-9_.-]", "", words).strip("._")


def usable_report_name(filename: str) -> str:
    """`report_filename` of a file that is to be returned.

    Raises MissingField when nothing is left of the name, InvalidName when it is too long.
    """
    name = report_filename(filename)
    if not name:
        raise MissingField("The file has no usable name. Send it with one, as report.html.")
    if not is_component(name):
        raise InvalidName("The file's name is too long. Send it with a shorter one.")
    return name


def check_report_suffix(name: str) -> None:
    """Raises RefusedFileType unless the name has the ending of a report."""
    stem, dot, suffix = name.rpartition(".")
    if not (stem and dot and f".{suffix.lower()}" in REPORT_SUFFIXES):
        raise RefusedFileType(
            f"A report must be one of {', '.join(REPORT_SUFFIXES)}; rename or convert the file."
        )
