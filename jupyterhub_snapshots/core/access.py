"""Who may do what: principal, action, course, student. Denied unless a line here allows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..errors import AccessDenied, CourseNotFound, StudentNotFound
from .records import Member, Role


class Action(str, Enum):
    """What a route does, as the audit log names it."""

    # Open to everyone, signed in or not.
    CHECK_HEALTH = "check health"
    SIGN_IN = "sign in"
    # Any signed-in caller.
    READ_API = "read the API's description"
    CHECK_RECEIPT = "check a receipt"
    # Inside a course.
    LIST_STUDENTS = "list students"
    LIST_SNAPSHOTS = "list snapshots"
    READ_FILES = "read files"
    DOWNLOAD = "download"
    CAPTURE = "capture"
    FOLLOW_BATCH = "follow a batch"
    DELETE_SNAPSHOT = "delete a snapshot"
    PIN_SNAPSHOT = "pin a snapshot"
    RETURN_REPORT = "return a report"
    READ_AUDIT = "read the audit log"
    MANAGE_ROSTER = "manage the roster"
    READ_ASSIGNMENTS = "read assignments"
    EDIT_ASSIGNMENTS = "edit assignments"
    READ_DEADLINES = "read deadlines"
    GRANT_TIME = "grant extensions and accommodations"
    READ_SUBMISSIONS = "read submissions"
    DELIVER_DOCUMENT = "deliver a document"
    # Of instructors, about no course.
    READ_DOCUMENTS = "read documents"
    WRITE_DOCUMENTS = "write documents"
    # Of students alone.
    OPEN_ASSIGNMENT = "open an assignment"
    MANAGE_KEYS = "manage keys"
    # Hub administrators.
    READ_METRICS = "read metrics"


#: Open to everyone.
PUBLIC = frozenset({Action.CHECK_HEALTH, Action.SIGN_IN})
#: Open to every signed-in caller; what they get is filtered by who they are.
PERSONAL = frozenset({Action.READ_API, Action.CHECK_RECEIPT, Action.MANAGE_KEYS})
#: What an instructor of any course may do with what is the instructor's own.
TEACHING = frozenset({Action.READ_DOCUMENTS, Action.WRITE_DOCUMENTS})
#: What an instructor may do in an own course.
INSTRUCTOR = (
    frozenset(Action) - PUBLIC - PERSONAL - TEACHING - {Action.READ_METRICS, Action.OPEN_ASSIGNMENT}
)
#: What an assistant may do: read all of the class, and change nothing.
ASSISTANT = frozenset(
    {
        Action.LIST_STUDENTS,
        Action.LIST_SNAPSHOTS,
        Action.READ_FILES,
        Action.DOWNLOAD,
        Action.FOLLOW_BATCH,
        Action.READ_ASSIGNMENTS,
        Action.READ_DEADLINES,
        Action.READ_SUBMISSIONS,
    }
)
#: What a student may do with what is the student's own.
STUDENT_OWN = frozenset(
    {
        Action.LIST_SNAPSHOTS,
        Action.READ_FILES,
        Action.DOWNLOAD,
        Action.READ_ASSIGNMENTS,
        Action.READ_DEADLINES,
        Action.OPEN_ASSIGNMENT,
    }
)
#: What a hub administrator may do beside what an instructor may.
ADMIN = frozenset({Action.READ_METRICS})
#: What reaches into a home, and so only into that of one who is a student of the course now.
AT_HOME = frozenset(
    {
        Action.CAPTURE,
        Action.RETURN_REPORT,
        Action.DELIVER_DOCUMENT,
        Action.OPEN_ASSIGNMENT,
    }
)
#: What needs nothing of a student but snapshots, and so no member of the course.
ABOUT_SNAPSHOTS = frozenset(
    {
        Action.LIST_SNAPSHOTS,
        Action.READ_FILES,
        Action.DOWNLOAD,
        Action.DELETE_SNAPSHOT,
        Action.PIN_SNAPSHOT,
    }
)


@dataclass(frozen=True)
class Principal:
    """The authenticated caller.

    Attributes:
        name: for the audit log; a service's or key's name says that it is one.
        username: hub username, or None for a service of the hub.
        admin: a hub administrator.
        roles: course id to role.
        credential: "token", "session" or "key".
    """

    name: str
    username: str | None
    admin: bool = False
    roles: tuple[tuple[int, Role], ...] = ()
    credential: str = "token"

    def role_in(self, course_id: int) -> Role | None:
        """The caller's role in the course, if any."""
        return dict(self.roles).get(course_id)


def allows(
    principal: Principal | None,
    action: Action,
    course_id: int | None = None,
    student: str | None = None,
) -> bool:
    """Whether the caller may do this.

    Parameters:
        course_id: the course it is about; None when it is about none.
        student: username of the student it is about; None when it is about more than one.
    """
    if action in PUBLIC:
        return True
    if principal is None:
        return False
    if action in PERSONAL:
        return True
    if action in ADMIN:
        return principal.admin
    if action in TEACHING:
        return principal.admin or Role.INSTRUCTOR in dict(principal.roles).values()
    if course_id is None:
        return False
    if principal.admin:
        return action in INSTRUCTOR
    role = principal.role_in(course_id)
    if role is Role.INSTRUCTOR:
        return action in INSTRUCTOR
    if role is Role.ASSISTANT:
        return action in ASSISTANT
    if role is Role.STUDENT:
        own = student is not None and student == principal.username
        return own and action in STUDENT_OWN
    return False


def require(
    principal: Principal,
    action: Action,
    course_id: int | None = None,
    student: str | None = None,
) -> None:
    """Raises AccessDenied unless the caller may do this; its text tells nothing of the course."""
    if not allows(principal, action, course_id, student):
        raise AccessDenied(
            "You may not do this here. Ask an instructor of the course, or the administrator of "
            "the hub, for the right to it."
        )


def require_student(member: Member | None, action: Action) -> Member:
    """The member, if the action may be about this person. Raises StudentNotFound."""
    left = member is not None and not (member.active and member.role is Role.STUDENT)
    if member is None or (left and action in AT_HOME):
        raise student_unknown()
    return member


def student_unknown() -> StudentNotFound:
    """The error for a student whom the course does not know."""
    return StudentNotFound(
        "There is no such student in this course. The course's list of students shows the ids."
    )


def course_unknown(principal: Principal) -> Exception:
    """The error for a course that is not the caller's, or that does not exist.

    Only those who could see it learn which of the two.
    """
    if principal.admin:
        return CourseNotFound("There is no such course. GET /api/v1/…/courses lists them.")
    return AccessDenied(
        "You are not an instructor of this course, nor a student of it. Check its code or title, "
        "or ask the administrator of the hub."
    )
