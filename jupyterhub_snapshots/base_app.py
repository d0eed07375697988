"""Where everything of an installation is: configuration shared by all commands."""

from __future__ import annotations

import logging
import os
import socket
import stat
from collections import ChainMap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session
from traitlets import Bool, Dict, Enum, List, TraitError, Type, Unicode, default
from traitlets.config import Application, catch_config_error

from ._version import __version__
from .beneath import identity
from .core.names import SERVICE_DIR
from .core.records import Course, Role
from .core.sources import CONFIG
from .course_settings import check_apart, course_settings
from .errors import SigningKeyUnusable, SnapshotsError, StorageUnavailable
from .signing import Signer
from .store import Store, catalog, people
from .volumes import LocalVolumes

#: Short options of every command.
ALIASES: dict[Any, str] = {
    ("f", "config"): "SnapshotsApp.config_file",
    "db": "SnapshotsApp.db_url",
    "snapshots-dir": "SnapshotsApp.snapshots_dir",
    "log-level": "SnapshotsApp.log_level",
}


class SnapshotsApp(Application):
    """The configuration of an installation, and what every command needs of it."""

    name = "jupyterhub-snapshots"
    version = __version__
    description = ""  # the docstring
    raise_config_file_errors = True
    classes: Any = List([LocalVolumes])

    config_file = Unicode(
        help="The configuration file; the hub's own file will do, each reads its part."
    ).tag(config=True)

    db_url = Unicode(
        "sqlite:///jupyterhub-snapshots.sqlite",
        help="""URL of the database, as SQLAlchemy writes it.

        The default is a file in the working directory, where the hub has its own.
        Example: ``postgresql+psycopg://snapshots@localhost/snapshots``
        """,
    ).tag(config=True)

    snapshots_dir = Unicode(
        help="""Folder of the snapshots, one folder for each course in it; it must exist.

        It belongs to the service: no student may reach it.
        """
    ).tag(config=True)

    staging_dir = Unicode(
        help="""Folder for unfinished snapshots, on the file system of the snapshots.

        Empty for one inside the snapshots' folder.
        """
    ).tag(config=True)

    signing_key_file = Unicode(
        help="""File of the private key that signs receipts; made when it is missing.

        Empty for ``signing-key.pem`` in the service's own folder among the snapshots. Public keys
        of earlier ones are kept beside it, in ``signing-keys.pem``.
        """
    ).tag(config=True)

    issuer = Unicode(
        help="""What the installation calls itself in receipts.

        Without it, its public address where the hub knows that, else the name of the machine.
        """
    ).tag(config=True)

    courses = List(
        Dict(),
        help="""The courses, each a dictionary.

        ``code`` is required; ``title`` (the code), ``description``, ``time_zone`` ("UTC"),
        ``root`` (``<snapshots_dir>/<code>``), ``homes`` (a folder whose every subfolder is a
        student's home; then it is the roster), ``folders`` (only these folders of a home are
        captured), ``start`` and ``end`` (days, as "2026-10-12", that are told to scripts),
        ``instructors`` and ``students`` (usernames beside those of the hub's groups),
        ``canvas_ids`` (Canvas id to username, for scripts that know students by these).
        Example: ``[{"code": "phys101", "title": "Physics 101", "time_zone": "Europe/Berlin"}]``
        """,
    ).tag(config=True)

    volumes_class = Type(
        LocalVolumes, klass=LocalVolumes, help="The class that knows where homes are."
    ).tag(config=True)

    tighten_permissions = Bool(
        True,
        help="""Whether a snapshots' folder that others may enter is closed to them at start.

        When off, such a folder is refused.
        """,
    ).tag(config=True)

    aliases: Any = Dict(ALIASES)

    log_level: Any = Enum(
        (0, 10, 20, 30, 40, 50, "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"),
        default_value=logging.INFO,
        help="How much is logged, by name or number; DEBUG=true in the environment means DEBUG.",
    ).tag(config=True)

    @default("log_level")
    def _default_log_level(self) -> int:
        return logging.DEBUG if os.environ.get("DEBUG", "").upper() == "TRUE" else logging.INFO

    @default("log_format")
    def _default_log_format(self) -> str:
        return "[%(levelname)1.1s %(asctime)s.%(msecs).03d %(name)s] %(message)s"

    @default("issuer")
    def _default_issuer(self) -> str:
        names = ("JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_PUBLIC_HUB_URL")
        return next(filter(None, map(os.environ.get, names)), None) or socket.gethostname()

    @property
    def standalone(self) -> bool:
        """Whether there is no hub."""
        return not os.environ.get("JUPYTERHUB_API_TOKEN")

    @catch_config_error
    def initialize(self, argv: list[str] | None = None) -> None:
        """Reads the command line and the configuration file."""
        os.umask(0o077)
        super().initialize(argv)
        # What a part has to say for itself must look like our own lines.
        logging.getLogger("tornado").parent = self.log
        if self.config_file and self.subapp is None:
            path = Path(self.config_file)
            if not path.is_file():
                self.exit_with(f"There is no configuration file {path}.")
            try:
                self.load_config_file(path.name, path=str(path.resolve().parent))
            except TraitError:
                raise
            except Exception as error:
                self.log.debug("%s", path, exc_info=True)
                self.exit_with(f"{path} can't be read: {type(error).__name__}: {error}")

    def run_safely(self, work: Callable[[], Any]) -> Any:
        """Does the work; an error that a person can mend ends the program with one line."""
        try:
            return work()
        except SnapshotsError as error:
            self.exit_with(error.message)
        except TraitError as error:
            self.exit_with(f"The configuration is wrong: {error}")

    def exit_with(self, message: str) -> None:
        """Ends the program with one line that says why."""
        self.log.error(message)
        self.exit(1)

    def open_store(self) -> Store:
        """The opened database. Raises StorageUnavailable."""
        store = Store(self.db_url)
        store.open()
        return store

    def open_courses(self, store: Store) -> list[Course]:
        """The courses of the configuration, noted in the database, their folders checked.

        Raises InvalidRequest for settings that can't be, StorageUnavailable for a folder that is
        missing or open to others.
        """
        wanted = [course_settings(course) for course in self.courses]
        if not wanted and os.environ.get("JNOTE_SNAP"):
            wanted = [self._older_course()]
        for settings in wanted:
            settings["root"] = self._root(settings)
        check_apart(wanted)
        with store.writing() as db:
            people.set_canvas_ids(db, dict(ChainMap(*(each["canvas_ids"] for each in wanted))))
            return [self._open_course(db, settings) for settings in wanted]

    def signing_key_path(self, courses: list[Course]) -> str | None:
        """Where the key that signs receipts is to be; None when there is no place for it yet."""
        if self.signing_key_file:
            return os.path.abspath(self.signing_key_file)
        above = self.snapshots_dir or next((course.root for course in courses), None)
        return above and os.path.join(os.path.abspath(above), SERVICE_DIR, "signing-key.pem")

    def has_signing_key(self, courses: list[Course]) -> bool:
        """Whether there is a key that signs receipts, or one was asked for by name."""
        path = self.signing_key_path(courses)
        return bool(self.signing_key_file) or (path is not None and os.path.lexists(path))

    def open_signer(self, courses: list[Course], *, make: bool = True) -> Signer | None:
        """What signs receipts; None when there is no place for its key yet.

        Parameters:
            make: make a key when there is none.

        Raises SigningKeyUnusable.
        """
        path = self.signing_key_path(courses)
        if path is None:
            return None
        if not os.path.lexists(path):
            if not make:
                raise SigningKeyUnusable(f"There is no key {path}: no receipt was issued yet.")
            if not self.signing_key_file:
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return Signer.open(path)

    def _older_course(self) -> dict[str, Any]:
        """The one course that the older server's environment describes."""
        homes = os.environ.get("JNOTE_HOME", "")
        if not os.path.isdir(homes):
            raise StorageUnavailable(
                "JNOTE_HOME must name the folder of the students' homes; it is missing."
            )
        code = os.environ.get("JNOTE_COURSE_CODE") or "course"
        return course_settings(
            {
                "code": code,
                "root": os.environ["JNOTE_SNAP"],
                "homes": homes,
                "time_zone": _local_zone(),
            }
        )

    def _open_course(self, db: Session, settings: dict[str, Any]) -> Course:
        code, root = settings["code"], settings["root"]
        number = people.ensure_course(
            db, code, settings["title"], settings["description"], settings["time_zone"]
        )
        self._check_mounted(root, code, known=catalog.knows_any(db, number))
        for role, names in (
            (Role.INSTRUCTOR, settings["instructors"]),
            (Role.STUDENT, settings["students"]),
        ):
            people.set_members(db, number, names, role, CONFIG)
        return Course(
            id=number,
            code=code,
            title=settings["title"],
            description=settings["description"],
            time_zone=settings["time_zone"],
            root=root,
            homes=settings["homes"],
            folders=tuple(settings["folders"]),
            staging=self._staging(root),
            locks=self._locks(),
            mounted=tuple(identity(path) for path in (root, settings["homes"]) if path),
            starts_at=settings["start"],
            ends_at=settings["end"],
        )

    def _locks(self) -> str | None:
        """One folder for all courses, so that captures of one home take turns between them."""
        if not self.snapshots_dir:
            return None
        self._check_folder(self.snapshots_dir)
        locks = os.path.join(os.path.abspath(self.snapshots_dir), SERVICE_DIR, "locks")
        os.makedirs(locks, mode=0o700, exist_ok=True)
        return locks

    def _root(self, settings: dict[str, Any]) -> str:
        """Where the course's snapshots are: a folder that is there and is ours alone."""
        root = settings["root"] or self._course_folder(settings["code"])
        self._check_folder(root)
        return str(root)

    def _check_mounted(self, root: str, code: str, *, known: bool) -> None:
        """Where snapshots are known there must be some; an empty root has lost its disk."""
        if known and not os.listdir(root):
            own = os.path.join(root, SERVICE_DIR)
            raise StorageUnavailable(
                f"{root} is empty, but the catalogue knows snapshots of {code}. Mount their disk; "
                f"or, if they are gone for good, run: mkdir -m 700 {own}"
            )

    def _course_folder(self, code: str) -> str:
        if not self.snapshots_dir:
            raise StorageUnavailable(
                "Where are the snapshots to go? Set c.SnapshotsApp.snapshots_dir, or JNOTE_SNAP."
            )
        self._check_folder(self.snapshots_dir)
        folder = os.path.join(os.path.abspath(self.snapshots_dir), code)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return folder

    def _check_folder(self, root: str) -> None:
        try:
            status = os.stat(root, follow_symlinks=False)
        except OSError as error:
            raise StorageUnavailable(
                f"The folder {root} of the snapshots is missing. Mount its disk, or make it once "
                f"with: mkdir -m 700 {root}"
            ) from error
        if not stat.S_ISDIR(status.st_mode):
            raise StorageUnavailable(f"{root} is a link or no folder; name the folder itself.")
        if status.st_uid != os.geteuid():
            raise StorageUnavailable(
                f"{root} belongs to another user, who could read and exchange what is in it. Give "
                f"it to the service: chown {os.geteuid()} {root}"
            )
        if status.st_mode & 0o077:
            if not self.tighten_permissions:
                raise StorageUnavailable(
                    f"Others may enter {root}. Close it to them with: chmod 700 {root}"
                )
            self.log.warning("Closing %s to others (mode 0700)", root)
            os.chmod(root, 0o700)

    def _staging(self, root: str) -> str | None:
        staging = self.staging_dir or os.environ.get("JNOTE_INTSNAP", "")
        if not staging:
            return None
        folder = os.path.join(os.path.abspath(staging), SERVICE_DIR, "staging")
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            same = os.stat(folder).st_dev == os.stat(root).st_dev
        except OSError as error:
            raise StorageUnavailable(f"The staging folder {staging} can't be used.") from error
        if same:
            # Somebody may have made them before us in a folder that is open to others.
            self._check_folder(os.path.dirname(folder))
            self._check_folder(folder)
            return folder
        if self.staging_dir:
            raise StorageUnavailable(
                f"The staging folder {staging} is on another file system than {root}; a snapshot "
                "could not be put in its place in one step. Name a folder on the same."
            )
        self.log.warning("JNOTE_INTSNAP is on another file system than the snapshots; not used")
        return None


def _local_zone() -> str:
    """IANA name of the machine's time zone, as well as it can be told."""
    named = os.environ.get("TZ", "").lstrip(":")
    target = os.path.realpath("/etc/localtime")
    for name in (named, target.partition("zoneinfo/")[2], "UTC"):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
            continue
        return name
    return "UTC"
