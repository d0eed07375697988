"""The command ``jupyterhub-snapshots``: without a subcommand it serves."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import ssl
import sys
from functools import partial
from typing import Any
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from traitlets import Bool, Dict, Float, Integer, List, Type, Unicode, default

from .aftercare import Aftercare
from .audit import AuditLog
from .base_app import SnapshotsApp
from .batches import BatchManager
from .collection import CollectionReader
from .commands import SUBCOMMANDS
from .core.records import Course
from .credentials import Credentials
from .deadlines import DeadlineReader
from .deliveries import DeliveryManager
from .engine import confine, staging
from .engine.limits import allow_open_files
from .engine.rsync import HARDENED, find_rsync
from .errors import RsyncMissing, SnapshotsError
from .executors import Executor, LocalExecutor
from .handlers import Services, make_application
from .handlers.streaming import downloads_end
from .hub import HubClient
from .members import MemberManager
from .opening import OpeningManager
from .receipts import ReceiptManager
from .reports import ReportManager
from .roster import Roster
from .scheduler import DeadlineScheduler
from .snapshots import SnapshotCatalog, finish_deletions
from .volumes import LocalVolumes

_SHORTEST_KEY = 16
_WELL_KNOWN_KEYS = frozenset({"12345"})
_HEADER_BYTES = 64 * 1024
_OPEN_FILES = 65_536


class ServeApp(SnapshotsApp):
    """Takes, lists and hands out snapshots of students' homes.

    Under a hub it is a managed service and listens where the hub says; without one it takes the
    older server's environment variables (JUPYTER_API_PORT, JUPYTER_API_HOST, JUPYTER_API_KEY,
    JNOTE_HOME, JNOTE_SNAP, JNOTE_INTSNAP, JNOTE_COURSE_CODE) and listens at ``/``.
    """

    description = __doc__
    subcommands: Any = Dict(SUBCOMMANDS)
    classes: Any = List(
        [
            LocalVolumes,
            LocalExecutor,
            Roster,
            BatchManager,
            Credentials,
            DeadlineScheduler,
            Aftercare,
        ]
    )

    ip = Unicode(help="Address to listen on, without a hub; JUPYTER_API_HOST, else 0.0.0.0").tag(
        config=True
    )
    port = Integer(
        min=0, max=65_535, help="Port to listen on, without a hub; JUPYTER_API_PORT, else 5000"
    ).tag(config=True)
    executor_class = Type(LocalExecutor, klass=Executor, help="The class that runs captures.").tag(
        config=True
    )
    token_cache_seconds = Integer(
        60,
        min=0,
        help="""How long an answer of the hub about a token may be used again, in seconds.

        A revoked token, or a person taken out of a group, can still read for this long. Requests
        that change something ask the hub each time.
        """,
    ).tag(config=True)
    snapshot_all_interval_seconds = Float(
        0,
        min=0,
        help="Shortest time between two /snapshot_all of one course, in seconds; 0 for none.",
    ).tag(config=True)
    stop_grace_seconds = Float(
        20.0, min=0, help="How long downloads may go on when the service is stopped, in seconds."
    ).tag(config=True)
    generate_config = Bool(False, help="Print a configuration file with all settings.").tag(
        config=True
    )
    flags: Any = Dict(
        {
            **SnapshotsApp.flags,
            "generate-config": (
                {"ServeApp": {"generate_config": True}},
                "Print a configuration file with all settings, and end.",
            ),
        }
    )

    @default("ip")
    def _default_ip(self) -> str:
        return os.environ.get("JUPYTER_API_HOST") or "0.0.0.0"  # noqa: S104

    @default("port")
    def _default_port(self) -> int:
        text = os.environ.get("JUPYTER_API_PORT") or "5000"
        if not (text.isascii() and text.isdigit() and int(text) < 65_536):
            self.exit_with(f"JUPYTER_API_PORT is {text!r}; it must be the number of a port.")
        return int(text)

    def start(self) -> None:
        """Serves until it is told to stop."""
        if self.subapp is not None:
            self.subapp.start()
            return
        if self.generate_config:
            sys.stdout.write(self.generate_config_file())
            return
        if self.extra_args:
            self.exit_with(
                f"{self.extra_args[0]!r} is no command. A command comes before the options; "
                "--help shows which there are."
            )
        self.run_safely(lambda: asyncio.run(self.serve()))

    async def serve(self) -> None:
        """Builds the parts, listens, and takes all down again at the end."""
        allow_open_files(_OPEN_FILES)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with contextlib.AsyncExitStack() as stack:
            server = await self._build(stack)
            self._listen(server)
            await stop.wait()
            self.log.info("Stopping")

    async def _build(self, stack: contextlib.AsyncExitStack) -> HTTPServer:
        site_key = self._site_key()
        self._tell_engine()
        store = self.open_store()
        stack.callback(store.close)
        courses = self.open_courses(store)
        if not courses:
            self.log.warning("There are no courses yet: set c.SnapshotsApp.courses")
        for course in courses:
            self._clean(course)
        hub_auth, hub = self._hub()
        if hub is not None:
            stack.push_async_callback(hub.close)
        volumes = self.volumes_class(parent=self)
        roster = Roster(store=store, volumes=volumes, courses=courses, hub=hub, parent=self)
        executor: Executor = self.executor_class(parent=self)  # type: ignore[abstract]
        await executor.start()
        stack.push_async_callback(executor.stop)
        snapshots = SnapshotCatalog(store)
        batches = BatchManager(
            store=store,
            executor=executor,
            volumes=volumes,
            snapshots=snapshots,
            find_course=roster.course,
            left=roster.left,
            parent=self,
        )
        audit = AuditLog(store, self.log)
        stack.push_async_callback(audit.write)
        credentials = Credentials(
            store=store,
            roster=roster,
            hub_auth=hub_auth,
            site_key=site_key,
            site_courses=courses,
            parent=self,
        )
        receipts = ReceiptManager(
            store=store,
            snapshots=snapshots,
            # A store in which nothing was captured yet stays as it is.
            signer=self.open_signer(courses) if self.has_signing_key(courses) else None,
            make_signer=partial(self.open_signer, courses),
            service=self.issuer,
        )
        reports = ReportManager(volumes)
        deadlines = DeadlineReader(store=store, roster=roster)
        deliveries = DeliveryManager(
            store=store,
            roster=roster,
            volumes=volumes,
            reports=reports,
            audit=audit,
            log=self.log,
        )
        stack.push_async_callback(deliveries.stop)
        scheduler = DeadlineScheduler(
            store=store,
            roster=roster,
            batches=batches,
            audit=audit,
            aftercare=Aftercare(
                store=store,
                batches=batches,
                snapshots=snapshots,
                volumes=volumes,
                find_course=roster.course,
                parent=self,
            ),
            chores=(deliveries,),
            parent=self,
        )
        services = Services(
            store=store,
            credentials=credentials,
            roster=roster,
            members=MemberManager(store, roster),
            volumes=volumes,
            snapshots=snapshots,
            batches=batches,
            reports=reports,
            receipts=receipts,
            deadlines=deadlines,
            collection=CollectionReader(store=store, roster=roster),
            deliveries=deliveries,
            opening=OpeningManager(
                store=store, roster=roster, deadlines=deadlines, deliveries=deliveries
            ),
            audit=audit,
            prefix=self._prefix(),
            deadlines_changed=scheduler.wake,
        )
        application = make_application(
            services,
            cookie_secret=os.urandom(32),
            snapshot_all_interval_seconds=self.snapshot_all_interval_seconds,
        )
        server = HTTPServer(
            application,
            ssl_options=_internal_ssl(ssl.Purpose.CLIENT_AUTH),
            max_header_size=_HEADER_BYTES,
            max_body_size=1 << 50,  # the handlers count; see handlers.body
            idle_connection_timeout=75,
            body_timeout=300,
        )
        stack.push_async_callback(server.close_all_connections)
        stack.push_async_callback(self._drain, server, batches)
        stack.push_async_callback(scheduler.stop)
        await batches.resume()
        scheduler.start()
        # Whoever asks first need not wait until all snapshots were looked at.
        reading = asyncio.create_task(self._read_catalogue(snapshots, courses))
        stack.push_async_callback(_end, reading)
        return server

    async def _read_catalogue(self, snapshots: SnapshotCatalog, courses: list[Course]) -> None:
        for course in courses:
            try:
                await snapshots.list_snapshots(course)
            except SnapshotsError as error:
                self.log.warning("The snapshots of %s: %s", course.code, error.message)

    async def _drain(self, server: HTTPServer, batches: BatchManager) -> None:
        """Takes nothing new, lets downloads end, and leaves captures to the next start."""
        server.stop()
        # At once: whoever stops the service may have stopped its workers as well.
        await asyncio.gather(batches.stop(), downloads_end(self.stop_grace_seconds))

    def _tell_engine(self) -> None:
        try:
            rsync = find_rsync()
        except RsyncMissing as error:
            self.log.error("%s Snapshots can be read, not taken.", error.message)
            return
        self.log.info("rsync %s at %s; %s", rsync.version_text, rsync.path, confine.describe())
        if rsync.version < HARDENED:
            self.log.warning(
                "rsync %s may be raced by a student during a copy; 3.5.0 or a patched package of "
                "your distribution is safe",
                rsync.version_text,
            )

    def _clean(self, course: Course) -> None:
        finish_deletions(course)
        cleaned = staging.clean(course.root, course.staging)
        if cleaned:
            self.log.warning("Removed %d unfinished captures of %s", cleaned, course.code)

    def _hub(self) -> tuple[HubOAuth | None, HubClient | None]:
        if self.standalone:
            return None, None
        hub_auth = HubOAuth(parent=self, cache_max_age=self.token_cache_seconds)
        client = HubClient(
            hub_auth.api_url,
            hub_auth.api_token,
            self.token_cache_seconds,
            self.log,
            _internal_ssl(ssl.Purpose.SERVER_AUTH),
        )
        return hub_auth, client

    def _prefix(self) -> str:
        if self.standalone:
            return "/"
        return os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/").rstrip("/") + "/"

    def _site_key(self) -> str | None:
        """The older server's one key; refused when anybody could guess it."""
        if not self.standalone:
            return None
        key = os.environ.pop("JUPYTER_API_KEY", "")
        weak = not key or key in _WELL_KNOWN_KEYS or len(key) < _SHORTEST_KEY
        if weak:
            what = "is missing" if not key else "is well known or shorter than 16 characters"
            advice = "Set one made by: python3 -c 'import secrets; print(secrets.token_hex(16))'"
            if not _is_loopback(self.ip):
                self.exit_with(f"JUPYTER_API_KEY {what}. {advice}")
            self.log.warning("JUPYTER_API_KEY %s; accepted on %s only. %s", what, self.ip, advice)
        return key or None

    def _listen(self, server: HTTPServer) -> None:
        address, port = self.ip, self.port
        if not self.standalone:
            address, port = self._hub_address()
        try:
            server.listen(port, address)
        except OSError as error:
            self.exit_with(f"Can't listen on {address}:{port}: {error.strerror}.")
        self.log.info("Listening on %s:%s%s", address, port, self._prefix())

    def _hub_address(self) -> tuple[str, int]:
        """Where the hub's proxy looks for the service."""
        text = os.environ.get("JUPYTERHUB_SERVICE_URL", "")
        url = urlparse(text)
        with contextlib.suppress(ValueError):
            port = url.port or {"http": 80, "https": 443}.get(url.scheme)
            if url.hostname and port:
                return url.hostname, port
        self.exit_with(
            f"JUPYTERHUB_SERVICE_URL is {text!r}. Give the service an address in the hub's "
            "configuration, for example: 'url': 'http://127.0.0.1:10101'"
        )
        raise AssertionError("not reached")


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _internal_ssl(purpose: ssl.Purpose) -> ssl.SSLContext | None:
    """The certificates of the hub's internal SSL, when it is on."""
    key, certificate, authority = (
        os.environ.get(f"JUPYTERHUB_SSL_{name}", "")
        for name in ("KEYFILE", "CERTFILE", "CLIENT_CA")
    )
    if not (key and certificate):
        return None
    context = ssl.create_default_context(purpose, cafile=authority or None)
    context.load_cert_chain(certificate, key)
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _is_loopback(address: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return address == "localhost"


def main(argv: list[str] | None = None) -> Any:
    """The console script."""
    return ServeApp.launch_instance(argv)
