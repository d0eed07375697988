"""Every route of the service, on one page."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Any, ClassVar

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado import web

from ..core.access import Action
from .api import VersionHandler
from .archives import ClassArchiveHandler, SnapshotArchiveHandler
from .assignments import AssignmentHandler, AssignmentListHandler
from .base import BaseHandler, Operation
from .batches import BatchEventsHandler, BatchHandler, BatchListHandler, BatchRetryHandler
from .collected import AssignmentOverviewHandler, GridHandler
from .comparisons import ComparisonHandler
from .courses import CourseListHandler
from .deadlines import DeadlineListHandler, DeadlinePreviewHandler
from .deliveries import DeliveryListHandler
from .documents import (
    DocumentContentsHandler,
    DocumentHandler,
    DocumentListHandler,
    DocumentVersionListHandler,
)
from .extensions import (
    AccessTokenHandler,
    AccessTokenListHandler,
    AccommodationHandler,
    AssignmentExtensionListHandler,
    ExtensionHandler,
    ExtensionListHandler,
    OtherAccessTokenHandler,
    OtherAccommodationHandler,
)
from .health import HealthHandler, MetricsHandler, NotFoundHandler, ReadyHandler, probes
from .keys import AuditHandler, KeyHandler, KeyListHandler
from .legacy import (
    LegacyFileHandler,
    LegacyFileListHandler,
    LegacyReportHandler,
    LegacySnapshotAllHandler,
    LegacySnapshotHandler,
    LegacySnapshotListHandler,
    LegacyZipHandler,
)
from .members import MemberHandler, MemberImportHandler, MemberListHandler
from .openapi import DocsHandler, OpenApiHandler, describe
from .overviews import NameOverviewHandler, StudentOverviewHandler
from .own import (
    MeHandler,
    OwnArchiveHandler,
    OwnComparisonHandler,
    OwnFileHandler,
    OwnSnapshotHandler,
    OwnSnapshotListHandler,
    OwnTreeHandler,
)
from .own_assignments import (
    OwnAssignmentListHandler,
    OwnDeadlineListHandler,
    OwnHiddenOpeningHandler,
    OwnOpeningHandler,
)
from .receipts import (
    OwnReceiptHandler,
    OwnReceiptPageHandler,
    ReceiptCheckHandler,
    ReceiptCheckPageHandler,
    ReceiptHandler,
    ReceiptKeyHandler,
    ReceiptPageHandler,
)
from .reports import ReportCheckHandler, ReportListHandler
from .services import Services
from .snapshots import (
    FileHandler,
    SnapshotHandler,
    SnapshotListHandler,
    StudentSnapshotListHandler,
    TreeHandler,
)
from .students import StudentHandler, StudentListHandler
from .submissions import (
    AssignmentSubmissionListHandler,
    StudentAssignmentSubmissionListHandler,
    StudentSubmissionListHandler,
    SubmissionListHandler,
)

_ME = "/api/v1/instructors/{ident}"
_COURSE = f"{_ME}/courses/{{course}}"
_STUDENT = f"{_COURSE}/students/{{student}}"
_SNAPSHOT = f"{_STUDENT}/snapshots/{{name}}"
_ASSIGNMENT = f"{_COURSE}/assignments/{{assignment}}"
_DOCUMENT = f"{_ME}/documents/{{document}}"
_OWN = "/api/v1/users/me/courses/{course}/snapshots"
_OWN_ASSIGNMENTS = "/api/v1/users/me/courses/{course}/assignments"
_OWN_SNAPSHOT = f"{_OWN}/{{name}}"

#: Path template to handler, under what the page of the API calls them. ``{name*}`` may hold
#: slashes.
GROUPS: dict[str, list[tuple[str, type[BaseHandler]]]] = {
    "The API": [
        # About no course
        ("/api/v1", VersionHandler),
        ("/api/v1/openapi.json", OpenApiHandler),
        ("/api/v1/docs", DocsHandler),
        ("/api/v1/users/me", MeHandler),
        ("/api/v1/receipts", ReceiptCheckPageHandler),
        ("/api/v1/receipts/key", ReceiptKeyHandler),
        ("/api/v1/receipts/check", ReceiptCheckHandler),
        (f"{_ME}/courses", CourseListHandler),
        (f"{_ME}/documents", DocumentListHandler),
        (_DOCUMENT, DocumentHandler),
        (f"{_DOCUMENT}/data", DocumentContentsHandler),
        (f"{_DOCUMENT}/versions", DocumentVersionListHandler),
        (f"{_ME}/keys", KeyListHandler),
        (f"{_ME}/keys/{{key}}", KeyHandler),
        # Of a course
        (f"{_COURSE}/students", StudentListHandler),
        (_STUDENT, StudentHandler),
        (f"{_STUDENT}/submissions", StudentSubmissionListHandler),
        (f"{_STUDENT}/extensions", ExtensionListHandler),
        (f"{_STUDENT}/extensions/{{extension}}", ExtensionHandler),
        (f"{_STUDENT}/accommodations", AccommodationHandler),
        (f"{_STUDENT}/accomodations", OtherAccommodationHandler),
        (f"{_STUDENT}/assignmentTokens", AccessTokenListHandler),
        (f"{_STUDENT}/assignmentTokens/{{token}}", AccessTokenHandler),
        (
            f"{_STUDENT}/assignmentTokens/{{token}}".replace("/instructors/", "/instructor/"),
            OtherAccessTokenHandler,
        ),
        (f"{_STUDENT}/reports", ReportListHandler),
        (f"{_COURSE}/reports/check", ReportCheckHandler),
        (f"{_COURSE}/assignments", AssignmentListHandler),
        (_ASSIGNMENT, AssignmentHandler),
        (f"{_ASSIGNMENT}/submissions", AssignmentSubmissionListHandler),
        (f"{_ASSIGNMENT}/submissions/{{student}}", StudentAssignmentSubmissionListHandler),
        (f"{_ASSIGNMENT}/extensions", AssignmentExtensionListHandler),
        (f"{_ASSIGNMENT}/deliveries", DeliveryListHandler),
        (f"{_COURSE}/submissions", SubmissionListHandler),
        (f"{_COURSE}/members", MemberListHandler),
        (f"{_COURSE}/members/import", MemberImportHandler),
        (f"{_COURSE}/members/{{member}}", MemberHandler),
        (f"{_COURSE}/overview/students", StudentOverviewHandler),
        (f"{_COURSE}/overview/snapshots", NameOverviewHandler),
        (f"{_COURSE}/overview/assignments", AssignmentOverviewHandler),
        (f"{_COURSE}/overview/grid", GridHandler),
        (f"{_COURSE}/deadlines", DeadlineListHandler),
        (f"{_COURSE}/deadlines/preview", DeadlinePreviewHandler),
        (f"{_COURSE}/snapshots", SnapshotListHandler),
        (f"{_COURSE}/archive.zip", ClassArchiveHandler),
        (f"{_COURSE}/batches", BatchListHandler),
        (f"{_COURSE}/batches/{{batch}}", BatchHandler),
        (f"{_COURSE}/batches/{{batch}}/events", BatchEventsHandler),
        (f"{_COURSE}/batches/{{batch}}/retry", BatchRetryHandler),
        (f"{_COURSE}/audit", AuditHandler),
        (f"{_STUDENT}/snapshots", StudentSnapshotListHandler),
        (_SNAPSHOT, SnapshotHandler),
        (f"{_SNAPSHOT}/tree", TreeHandler),
        (f"{_SNAPSHOT}/files/{{path*}}", FileHandler),
        (f"{_SNAPSHOT}/archive.zip", SnapshotArchiveHandler),
        (f"{_SNAPSHOT}/compare", ComparisonHandler),
        (f"{_SNAPSHOT}/receipt", ReceiptHandler),
        (f"{_SNAPSHOT}/receipt.html", ReceiptPageHandler),
        # The caller's own, as a student
        (_OWN_ASSIGNMENTS, OwnAssignmentListHandler),
        (f"{_OWN_ASSIGNMENTS}/open", OwnHiddenOpeningHandler),
        (f"{_OWN_ASSIGNMENTS}/{{assignment}}/open", OwnOpeningHandler),
        ("/api/v1/users/me/courses/{course}/deadlines", OwnDeadlineListHandler),
        (_OWN, OwnSnapshotListHandler),
        (_OWN_SNAPSHOT, OwnSnapshotHandler),
        (f"{_OWN_SNAPSHOT}/tree", OwnTreeHandler),
        (f"{_OWN_SNAPSHOT}/files/{{path*}}", OwnFileHandler),
        (f"{_OWN_SNAPSHOT}/archive.zip", OwnArchiveHandler),
        (f"{_OWN_SNAPSHOT}/compare", OwnComparisonHandler),
        (f"{_OWN_SNAPSHOT}/receipt", OwnReceiptHandler),
        (f"{_OWN_SNAPSHOT}/receipt.html", OwnReceiptPageHandler),
    ],
    "For those who run the service": [
        ("/health", HealthHandler),
        ("/ready", ReadyHandler),
        ("/metrics", MetricsHandler),
    ],
    "The older server's routes": [
        ("/get_snapshot_list", LegacySnapshotListHandler),
        ("/get_snapshot_file_list", LegacyFileListHandler),
        ("/get_snapshot_file", LegacyFileHandler),
        ("/get_snapshot_zip", LegacyZipHandler),
        ("/put_student_report", LegacyReportHandler),
        ("/snapshot", LegacySnapshotHandler),
        ("/snapshot_all", LegacySnapshotAllHandler),
    ],
}
ROUTES = [route for group in GROUPS.values() for route in group]


class SignInHandler(BaseHandler, HubOAuthCallbackHandler):
    """The end of signing in; must ask the same `HubOAuth` that began it, which keeps the states."""

    operations: ClassVar = {"GET": Operation(Action.SIGN_IN, "The end of signing in")}

    async def get(self) -> None:
        """See the class."""
        # JupyterHub's handler asks for the user, in a way that blocks unless it is known.
        self.current_user = await self.services.credentials.session(self)
        await HubOAuthCallbackHandler.get(self)

    def answers_pages(self, status_code: int) -> bool:
        """Only browsers come here."""
        return True


class HomeHandler(BaseHandler):
    """Leads a person who follows the hub's link to the service to its description."""

    operations: ClassVar = {"GET": Operation(Action.SIGN_IN, "To the description")}

    async def get(self) -> None:
        """See the class."""
        self.redirect(f"{self.services.prefix}api/v1/docs", permanent=True)

    def answers_pages(self, status_code: int) -> bool:
        """Only browsers come here."""
        return True


def make_application(services: Services, **settings: Any) -> web.Application:
    """The web application below the services' prefix."""
    prefix = services.prefix
    handed = {"services": services}
    routes: list[Any] = [
        (_pattern(prefix, template), handler, handed) for template, handler in ROUTES
    ]
    if services.credentials.hub_auth is not None:
        routes.append((re.escape(prefix) + "oauth_callback", SignInHandler, handed))
        routes.append((re.escape(prefix), HomeHandler, handed))
    return web.Application(
        routes,
        default_handler_class=NotFoundHandler,
        default_handler_args=handed,
        log_function=_no_access_log,
        openapi=partial(_description, prefix.rstrip("/")),
        last_snapshot_all={},
        probes=probes(services.roster.courses),
        **settings,
    )


@cache
def _description(server: str) -> dict[str, Any]:
    """The API's description, made when somebody asks for it first: that takes a moment."""
    return describe(GROUPS, server)


def _pattern(prefix: str, template: str) -> str:
    """The regular expression of a template.

    Below the API doubled slashes are tolerated, and a missing one before ``instructors``: older
    scripts have both.
    """
    slash = "/+" if template.startswith("/api/") else "/"
    parts = re.split(r"(\{\w+\*?\}|/)", template.removeprefix("/"))
    made = ""
    for part, after in zip(parts, [*parts[1:], ""], strict=True):
        if part == "/":
            made += "/*" if after == "instructors" else slash
        elif part.startswith("{"):
            name = part.strip("{}*")
            made += f"(?P<{name}>{'.+' if part.endswith('*}') else '[^/]+'})"
        else:
            made += re.escape(part)
    return re.escape(prefix) + made + "$"


def _no_access_log(handler: web.RequestHandler) -> None:
    """Requests are in the audit log and in the metrics; addresses may hold names."""


__all__ = ["ROUTES", "Services", "make_application"]
