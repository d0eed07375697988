"""What all handlers share: who calls, may they, errors, and the audit line."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from jupyterhub.services.auth import HubOAuthenticated
from pydantic import BaseModel
from tornado import web
from tornado.log import app_log as log

from .. import errors
from ..core.access import (
    ABOUT_SNAPSHOTS,
    PUBLIC,
    Action,
    Principal,
    course_unknown,
    require,
    require_student,
    student_unknown,
)
from ..core.records import AuditEvent, Course, Member
from ..error_status import status_of
from ..metrics import REQUEST_SECONDS
from ..store.database import utc_now
from .body import DRAINED_BYTES, BoundedBody
from .error_body import error_body, error_page
from .services import Services

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Form:
    """Fields of a form body, and the name of its file part, if it has one."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    file: str | None = None


@dataclass(frozen=True)
class RawBody:
    """A body that is neither JSON nor a form; read it with `BoundedBody.body`.

    Attributes:
        media: content type it is described with; what a request says of it is not looked at.
        text: whether it is text in UTF-8, and not any bytes.
        summary: one line for people.
    """

    media: str = "application/octet-stream"
    text: bool = False
    summary: str | None = None


@dataclass(frozen=True)
class Operation:
    """What one method of a route does, for access, audit and the API's description.

    Attributes:
        action: what access is asked for.
        summary: one line for people.
        answer: type of the JSON answer, or None when it is none.
        status: of the answer when all goes well.
        also: other statuses of good answers, and the types of these.
        body: model of the JSON body, or the fields of the form, or what else it is, if it takes
            one.
        query: model of the query's parameters, if it takes any.
        media: content type of the answer.
    """

    action: Action
    summary: str
    answer: Any = None
    status: int = 200
    also: Mapping[int, Any] = field(default_factory=dict)
    body: type[BaseModel] | Form | RawBody | None = None
    query: type[BaseModel] | None = None
    media: str = "application/json"


def set_safe_headers(handler: web.RequestHandler) -> None:
    """Nothing of ours is framed, sniffed, cached or run."""
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    handler.set_header("Cache-Control", "no-store")
    handler.set_header("Referrer-Policy", "no-referrer")
    handler.clear_header("Server")


class BaseHandler(HubOAuthenticated, BoundedBody):
    """Authenticates and authorizes before a body is read, and answers errors in one shape.

    A subclass says in `operations` what each of its methods does. A method that is not there is
    answered 405. Path groups named ``course``, ``ident`` and ``student`` are looked up here.
    """

    operations: ClassVar[dict[str, Operation]] = {}
    #: Whether it is open to everyone where there is no hub, and a browser has no session.
    public_without_hub: ClassVar[bool] = False

    services: Services
    principal: Principal | None = None
    course: Course | None = None
    student: Member | None = None
    student_name: str | None = None
    target: str | None = None
    _xsrf_refused = False

    def initialize(self, services: Services) -> None:
        """Called by Tornado."""
        self.services = services
        self.hub_auth = services.credentials.hub_auth

    def set_default_headers(self) -> None:
        """See `set_safe_headers`."""
        set_safe_headers(self)

    def check_xsrf_cookie(self) -> None:
        """HubOAuth asks for it when it looks at a session's cookie; a token or key needs none."""
        try:
            super().check_xsrf_cookie()
        except web.HTTPError:
            self._xsrf_refused = True
            raise

    @property
    def caller(self) -> Principal:
        """The authenticated principal of a route that is not public."""
        assert self.principal is not None
        return self.principal

    @property
    def here(self) -> Course:
        """The course of a route below a course."""
        assert self.course is not None
        return self.course

    @property
    def who(self) -> Member:
        """The student of a route below a student."""
        assert self.student is not None
        return self.student

    @property
    def whose(self) -> str:
        """Username of the student of a route below a student's snapshots."""
        assert self.student_name is not None
        return self.student_name

    # Before the body

    async def prepare(self) -> None:
        """Finds out who calls and whether they may; a refusal waits until the body is read."""
        try:
            self.check_length()
            if self.request.method == "OPTIONS":
                return
            operation = self.operations.get(self.request.method or "")
            if operation is None:
                raise web.HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)
            action = operation.action
            hub_auth = self.services.credentials.hub_auth
            if action not in PUBLIC and not (self.public_without_hub and hub_auth is None):
                self.principal = await self.authenticate()
                if self.principal is None:
                    self._ask_to_sign_in()
                else:
                    await self.authorize(action)
        except (errors.SnapshotsError, web.HTTPError) as error:
            self._refuse(error)

    def _ask_to_sign_in(self) -> None:
        if self._xsrf_refused:
            raise errors.AccessDenied(
                "A session must show that the request is its own: send the cookie _xsrf as the "
                "header X-XSRFToken too."
            )
        if not self._wants_page():
            raise errors.NotAuthenticated(
                "Sign in: send a hub token as 'Authorization: token …', or a personal key as "
                "'X-Api-Key: …'."
            )
        self.set_header("Connection", "close")  # see `_refuse`
        self.redirect(self.get_login_url())

    def _refuse(self, error: Exception) -> None:
        # An answer before the request's end is read, even of one without a body, makes Tornado
        # close the connection without a word; a proxy that goes on to use it answers 503.
        if self.announced_bytes() > DRAINED_BYTES:
            raise error

        async def answer(*args: str, **kwargs: str) -> None:
            raise error

        # The method that would have served the request is replaced for this request.
        setattr(self, (self.request.method or "").lower(), answer)

    async def authenticate(self) -> Principal | None:
        """The caller, or None without any credential; a key counts before a token.

        A request that changes something is checked with the hub anew.
        """
        headers = self.request.headers
        credentials = self.services.credentials
        address = self.request.remote_ip or "?"
        fresh = self.request.method in _UNSAFE
        if "X-Api-Key" in headers:
            if len(headers.get_list("X-Api-Key")) > 1:
                raise errors.NotAuthenticated("Send the header X-Api-Key only once.")
            return await credentials.of_key(headers["X-Api-Key"], address, fresh=fresh)
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind.lower() in ("token", "bearer"):
            principal = await credentials.of_token(token, address, fresh=fresh)
            self._token_authenticated = True
            return principal
        return await credentials.of_session(self, fresh=fresh)

    async def authorize(self, action: Action) -> None:
        """Looks up what the path names and asks whether the caller may do this there."""
        names = self.path_kwargs
        self.student_name, self.target = names.get("student"), names.get("name")
        ident = names.get("ident")
        if ident not in (None, "me", self.caller.username) and not self.caller.admin:
            raise errors.AccessDenied(
                "The path names another person. Use your own hub username, or 'me'."
            )
        if "course" not in names:
            require(self.caller, action)
            return
        course = self.enter_course(names["course"])
        if "student" not in names:
            require(self.caller, action, course.id)
            return
        member = None
        try:
            with contextlib.suppress(errors.StudentNotFound):
                member = await self.services.roster.find_student(course, names["student"])
                self.student_name = member.username
        finally:
            # Nobody but an instructor learns whether there is such a student.
            require(self.caller, action, course.id, member.username if member else None)
        if member is None and action in ABOUT_SNAPSHOTS:
            self.student_name = await self.find_by_snapshots(course, names["student"])
            return
        self.student = require_student(member, action)

    async def find_by_snapshots(self, course: Course, name: str) -> str:
        """Username of one of whom nothing is known but snapshots.

        Raises StudentNotFound.
        """
        try:
            username = await self.services.roster.resolve(course, name)
        except errors.InvalidName as error:
            raise student_unknown() from error
        if not await self.services.snapshots.list_snapshots(course, username):
            raise student_unknown()
        return username

    def enter_course(self, name: str) -> Course:
        """The course of that code or title, if the caller has anything to do with it.

        Raises AccessDenied, CourseNotFound.
        """
        course = self.course = self.services.roster.find_course(name)
        known = course is not None and self.caller.role_in(course.id) is not None
        if course is None or not (known or self.caller.admin):
            raise course_unknown(self.caller)
        return course

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Path and query as UTF-8; what is not is kept as it is and matches nothing."""
        return value.decode("utf-8", "surrogateescape")

    def _wants_page(self) -> bool:
        headers = self.request.headers
        return (
            self.services.credentials.hub_auth is not None
            and self.request.method == "GET"
            and "text/html" in headers.get("Accept", "")
            and headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        )

    # The answer

    def reply(self, value: Any, status: int = 200, location: str | None = None) -> None:
        """Answers JSON. Doubled slashes of the request's path are not taken over."""
        self.set_status(status)
        if location is not None:
            self.set_header("Location", re.sub("/{2,}", "/", location))
        self.reply_text(json.dumps(value))

    def reply_text(self, text: str) -> None:
        """Answers JSON that is made already."""
        self.set_header("Content-Type", "application/json")
        self.finish(text.encode())

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Gives an error of ours its status; breaks off what has begun to be sent."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if self._headers_written and not self._finished:
            # An end would look like success: the client must see that the transfer broke.
            self._finished = True
            self.on_finish()
            self.request.connection.stream.close()  # type: ignore[union-attr]
            return
        if isinstance(error, errors.SnapshotsError):
            status_code = status_of(error)
        super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The one error body, as JSON; as a small page where no API is."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        body = error_body(status_code, error)
        if isinstance(error, errors.Busy):
            self.set_header("Retry-After", str(math.ceil(error.retry_after_seconds)))
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(sorted({*self.operations, "OPTIONS"})))
        if self.answers_pages(status_code):
            self.set_header("Content-Type", "text/html; charset=utf-8")
            page = "" if self.request.method == "HEAD" else error_page(body)
            self.finish(page)
            return
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body).encode())

    def answers_pages(self, status_code: int) -> bool:
        """Whether this error is shown as a page."""
        return False

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Our own errors are answers; only what nobody expected is logged with its trace."""
        if isinstance(error, errors.EngineFailed):
            log.error("%s: %s", self.request.path, error, exc_info=error.__cause__)
        elif not isinstance(error, errors.SnapshotsError):
            super().log_exception(kind, error, trace)

    async def options(self, *args: str, **kwargs: str) -> None:
        """Which methods there are; no other origin is let in."""
        self.set_header("Allow", ", ".join(sorted({*self.operations, "OPTIONS"})))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish()

    def on_finish(self) -> None:
        """Writes the audit line and the metric."""
        operation = self.operations.get(self.request.method or "")
        if operation is None:
            return
        action = operation.action
        status = self.get_status()
        REQUEST_SECONDS.labels(action.value, str(status)).observe(self.request.request_time())
        if self.principal is None or action in PUBLIC:
            return
        self.services.audit.add(
            AuditEvent(
                at=utc_now(),
                principal=self.principal.name,
                action=action.value,
                course_id=self.course.id if self.course is not None else None,
                student=self.student_name,
                target=self.target,
                status=status,
                address=self.request.remote_ip,
            )
        )
