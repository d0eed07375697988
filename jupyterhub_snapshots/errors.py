"""Every error that a caller may be told about, each with its stable code.

The families say what kind of failure it is, the leaves what exactly happened::

    SnapshotsError
    ├── InvalidRequest      the caller can mend the request
    ├── NotAuthenticated    nobody, or nobody we know
    ├── AccessDenied        known, but may not
    ├── NotFound            no such thing, or none the caller may know of
    ├── Conflict            contradicts what is there
    ├── PreconditionFailed  changed since the caller looked
    ├── TooLarge            over a limit
    ├── Busy                try again later
    └── EngineFailed        the store or rsync failed; nothing half-made stays

No HTTP here: `jupyterhub_snapshots.handlers.base` maps families to status codes. The text of an
error is for the person who asked and says what to do; details for the operator go to the log.
"""

from __future__ import annotations


class SnapshotsError(Exception):
    """A failure that the caller may be told about.

    Attributes:
        code: stable name of the failure, for programs.
        details: more for programs, as JSON values; empty for most.
    """

    code = "internal_error"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), self.message, self.details))


def _restore(kind: type[SnapshotsError], message: str, details: dict[str, object]) -> Exception:
    return kind(message, **details)


class InvalidRequest(SnapshotsError):
    """The request can't be understood as it is."""

    code = "invalid_request"


class MissingField(InvalidRequest):
    """A required field is absent or empty."""

    code = "missing_field"


class InvalidName(InvalidRequest):
    """A student, snapshot or file name that can't be one."""

    code = "invalid_name"


class InvalidSnapshotName(InvalidRequest):
    """A typed name from which no snapshot's name can be made."""

    code = "invalid_snapshot_name"


class RefusedFileType(InvalidRequest):
    """A report whose type is not accepted."""

    code = "refused_file_type"


class NotAFolder(InvalidRequest):
    """What was asked for as a folder is a file."""

    code = "not_a_folder"


class NotAReceipt(InvalidRequest):
    """What was handed in can't be read as a receipt."""

    code = "not_a_receipt"


class InvalidDate(InvalidRequest):
    """A text that can't be read as a date."""

    code = "invalid_date"


class InvalidRoster(InvalidRequest):
    """A list of members that can't be read as a whole."""

    code = "invalid_roster"


class NotAuthenticated(SnapshotsError):
    """No credential, or one that nobody holds."""

    code = "not_authenticated"


class AccessDenied(SnapshotsError):
    """The caller is known and may not do this."""

    code = "access_denied"


class WrongPassword(AccessDenied):
    """Not the password of the assignment."""

    code = "wrong_password"


class NotOpenYet(AccessDenied):
    """The assignment can't be opened before it is visible."""

    code = "not_open_yet"


class AssignmentClosed(AccessDenied):
    """The assignment can't be opened any more."""

    code = "closed"


class NotFound(SnapshotsError):
    """No such thing, or none that the caller may know of."""

    code = "not_found"


class CourseNotFound(NotFound):
    """No such course."""

    code = "course_not_found"


class StudentNotFound(NotFound):
    """No such student in the course."""

    code = "student_not_found"


class MemberNotFound(NotFound):
    """The course has no member of that id."""

    code = "member_not_found"


class HomeNotFound(NotFound):
    """The student has no home that could be captured or written to."""

    code = "home_not_found"


class SnapshotNotFound(NotFound):
    """The student has no snapshot of that name."""

    code = "snapshot_not_found"


class FileNotFound(NotFound):
    """The snapshot has no such file or folder."""

    code = "file_not_found"


class BatchNotFound(NotFound):
    """No such batch in the course."""

    code = "batch_not_found"


class DocumentNotFound(NotFound):
    """The instructor has no such document."""

    code = "document_not_found"


class AssignmentNotFound(NotFound):
    """No such assignment in the course, or none that the caller may know of."""

    code = "assignment_not_found"


class ExtensionNotFound(NotFound):
    """The student has no such extension."""

    code = "extension_not_found"


class AccessTokenNotFound(NotFound):
    """The student has not opened that assignment."""

    code = "access_token_not_found"


class KeyNotFound(NotFound):
    """No such API key."""

    code = "key_not_found"


class Conflict(SnapshotsError):
    """The request contradicts what is there."""

    code = "conflict"


class StudentAmbiguous(Conflict):
    """A number that is the id of one student and the name of another."""

    code = "student_ambiguous"


class MemberExists(Conflict):
    """The person is a member of the course already."""

    code = "member_exists"


class MemberOfHubGroup(Conflict):
    """A group of the hub makes the person a member of the course."""

    code = "member_of_hub_group"


class MemberFixed(Conflict):
    """A member whom the instructors' own roster can't change in this way."""

    code = "member_fixed"


class SnapshotExists(Conflict):
    """The student already has a snapshot of that name."""

    code = "snapshot_exists"


class SnapshotPinned(Conflict):
    """A pinned snapshot is not deleted."""

    code = "snapshot_pinned"


class ManifestMissing(Conflict):
    """A snapshot has no manifest that can be read, so nothing can be compared with it."""

    code = "manifest_missing"


class ReportExists(Conflict):
    """The home already holds something of the report's name."""

    code = "report_exists"


class PlaceTaken(Conflict):
    """Something in the home stands where a folder or file of ours should be."""

    code = "place_taken"


class NothingToOpen(Conflict):
    """The assignment is open to everybody without being opened."""

    code = "nothing_to_open"


class DocumentExists(Conflict):
    """The instructor has a document of that name."""

    code = "document_exists"


class DocumentInUse(Conflict):
    """An assignment hands the document out."""

    code = "document_in_use"


class TitleTaken(Conflict):
    """The course has an assignment of that title."""

    code = "title_taken"


class AssignmentInUse(Conflict):
    """Something was captured for the assignment, which belongs to it."""

    code = "assignment_in_use"


class AlreadyTaken(Conflict):
    """Another process has decided on the same capture."""

    code = "already_taken"


class BatchRunning(Conflict):
    """The batch is still running."""

    code = "batch_running"


class PreconditionFailed(SnapshotsError):
    """What was to be changed is not as the caller knows it (If-Match)."""

    code = "precondition_failed"


class TooLarge(SnapshotsError):
    """Over a limit of size."""

    code = "too_large"


class HomeTooLarge(TooLarge):
    """The home is over the limit for one snapshot."""

    code = "home_too_large"


class Busy(SnapshotsError):
    """Not now; the same request may work later.

    Attributes:
        retry_after_seconds: when to try again.
    """

    code = "busy"

    def __init__(self, message: str, retry_after_seconds: float = 5, **details: object) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds, **details)
        self.retry_after_seconds = retry_after_seconds


class TooManyAttempts(Busy):
    """Too many wrong credentials, or a request repeated too soon."""

    code = "too_many_attempts"


class HubUnavailable(Busy):
    """The hub did not answer; who the caller is can't be told."""

    code = "hub_unavailable"


class EngineFailed(SnapshotsError):
    """A capture, or the store under it, failed; nothing half-made stays."""

    code = "engine_failed"


class StorageFull(EngineFailed):
    """No space, no quota or no inodes left."""

    code = "storage_full"


class StorageUnavailable(EngineFailed):
    """The snapshots' folder is missing, not mounted or not usable."""

    code = "storage_unavailable"


class SigningKeyUnusable(EngineFailed):
    """The file of the key that signs receipts can't be used."""

    code = "signing_key_unusable"


class RsyncFailed(EngineFailed):
    """rsync ended with an error."""

    code = "rsync_failed"


class RsyncMissing(EngineFailed):
    """There is no usable rsync on this machine."""

    code = "rsync_missing"


class CaptureTimedOut(EngineFailed):
    """The capture did not end within its limit."""

    code = "capture_timed_out"


class CaptureCancelled(EngineFailed):
    """The capture was stopped on request."""

    code = "capture_cancelled"


class WorkerLost(EngineFailed):
    """The process that ran the capture ended unexpectedly."""

    code = "worker_lost"
