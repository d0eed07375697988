"""What can go wrong on the way to the service or among the person's files.

Beside `jupyterhub_snapshots.errors`, whose errors mean here what they mean in the service.
"""

from __future__ import annotations


class Failure(Exception):
    """A failure that the panel is told about.

    Attributes:
        status: HTTP status of the answer.
        code: stable name of the failure, for programs.
        details: more for programs, as JSON values; empty for most.
    """

    status: int
    code: str

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class ServiceDown(Failure):
    """The service can't be reached, or broke off."""

    status, code = 502, "service_down"


class TargetExists(Failure):
    """Something of that name is among the person's files."""

    status, code = 409, "exists"


class ServiceRefused(Failure):
    """The service answered with an error, which is passed on as it is."""

    def __init__(self, status: int, body: object) -> None:
        known = body if isinstance(body, dict) else {}
        super().__init__(str(known.get("message") or f"The snapshots service answered {status}."))
        self.status = status
        self.code = str(known.get("code") or "service_error")
        details = known.get("details")
        self.details = details if isinstance(details, dict) else {}
