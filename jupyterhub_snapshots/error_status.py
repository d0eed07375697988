"""Which HTTP status an error has, at the service and in people's own servers alike."""

from __future__ import annotations

from . import errors

#: Family of errors to HTTP status; the nearest base class counts.
STATUS: dict[type[errors.SnapshotsError], int] = {
    errors.InvalidRequest: 400,
    errors.NotAuthenticated: 401,
    errors.AccessDenied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.TooManyAttempts: 429,
    errors.EngineFailed: 502,
    errors.Busy: 503,
    errors.StorageFull: 507,
}


def status_of(error: BaseException | None) -> int:
    """HTTP status of an error of ours; 500 for anything else."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500
