"""Who may do what: one row for each action."""

from __future__ import annotations

import pytest

from jupyterhub_snapshots.core.access import (
    ABOUT_SNAPSHOTS,
    ADMIN,
    ASSISTANT,
    AT_HOME,
    INSTRUCTOR,
    PERSONAL,
    PUBLIC,
    STUDENT_OWN,
    TEACHING,
    Action,
    Principal,
    allows,
    course_unknown,
    require,
    require_student,
)
from jupyterhub_snapshots.core.records import Member, Role
from jupyterhub_snapshots.errors import AccessDenied, CourseNotFound, StudentNotFound

HERE, ELSEWHERE = 1, 2
STRANGER = Principal("otto", "otto")
ALICE = Principal("alice", "alice", roles=((HERE, Role.STUDENT),))
TARA = Principal("tara", "tara", roles=((HERE, Role.ASSISTANT),))
INA = Principal("ina", "ina", roles=((HERE, Role.INSTRUCTOR),))
ROOT = Principal("root", "root", admin=True)
SERVICE = Principal("service:cull", None, credential="token")
EVERYBODY = (None, STRANGER, SERVICE, ALICE, TARA, INA, ROOT)

#: Action to: who may about bob, about alice, about the class; as letters of nobody, Otto,
#: the Service, Alice, Tara (an assistant), Ina (an instructor), Root.
TABLE = {
    Action.CHECK_HEALTH: ("nosatir", "nosatir", "nosatir"),
    Action.SIGN_IN: ("nosatir", "nosatir", "nosatir"),
    Action.READ_API: ("osatir", "osatir", "osatir"),
    Action.CHECK_RECEIPT: ("osatir", "osatir", "osatir"),
    Action.MANAGE_KEYS: ("osatir", "osatir", "osatir"),
    Action.LIST_STUDENTS: ("tir", "tir", "tir"),
    Action.LIST_SNAPSHOTS: ("tir", "atir", "tir"),
    Action.READ_FILES: ("tir", "atir", "tir"),
    Action.DOWNLOAD: ("tir", "atir", "tir"),
    Action.CAPTURE: ("ir", "ir", "ir"),
    Action.FOLLOW_BATCH: ("tir", "tir", "tir"),
    Action.DELETE_SNAPSHOT: ("ir", "ir", "ir"),
    Action.PIN_SNAPSHOT: ("ir", "ir", "ir"),
    Action.RETURN_REPORT: ("ir", "ir", "ir"),
    Action.READ_AUDIT: ("ir", "ir", "ir"),
    Action.MANAGE_ROSTER: ("ir", "ir", "ir"),
    Action.READ_ASSIGNMENTS: ("tir", "atir", "tir"),
    Action.EDIT_ASSIGNMENTS: ("ir", "ir", "ir"),
    Action.READ_DEADLINES: ("tir", "atir", "tir"),
    Action.GRANT_TIME: ("ir", "ir", "ir"),
    Action.READ_SUBMISSIONS: ("tir", "tir", "tir"),
    Action.DELIVER_DOCUMENT: ("ir", "ir", "ir"),
    Action.READ_DOCUMENTS: ("ir", "ir", "ir"),
    Action.WRITE_DOCUMENTS: ("ir", "ir", "ir"),
    Action.OPEN_ASSIGNMENT: ("", "a", ""),
    Action.READ_METRICS: ("r", "r", "r"),
}


def test_the_table_has_every_action() -> None:
    assert set(TABLE) == set(Action)
    assert not PUBLIC & PERSONAL
    assert INSTRUCTOR | {Action.OPEN_ASSIGNMENT} >= STUDENT_OWN | AT_HOME | ABOUT_SNAPSHOTS
    assert not AT_HOME & ABOUT_SNAPSHOTS
    assert not INSTRUCTOR & (PUBLIC | PERSONAL | TEACHING | ADMIN)
    assert ASSISTANT < INSTRUCTOR
    assert not ASSISTANT & AT_HOME


@pytest.mark.threat("A7", "A12", "A13", "A15")
@pytest.mark.parametrize("action", Action)
def test_who_may(action: Action) -> None:
    for student, letters in zip(("bob", "alice", None), TABLE[action], strict=True):
        for principal, letter in zip(EVERYBODY, "nosatir", strict=True):
            assert allows(principal, action, HERE, student) == (letter in letters), (
                student,
                letter,
            )


@pytest.mark.parametrize("action", sorted(INSTRUCTOR))
def test_nobody_but_an_administrator_in_another_course(action: Action) -> None:
    for principal in EVERYBODY:
        for student in ("alice", None):
            assert allows(principal, action, ELSEWHERE, student) == (principal is ROOT)
            assert not allows(principal, action, None, student)


def test_a_person_without_a_name_owns_nothing() -> None:
    nameless = Principal("service:x", None, roles=((HERE, Role.STUDENT),))
    assert not allows(nameless, Action.READ_FILES, HERE, None)
    assert not allows(nameless, Action.READ_FILES, HERE, "alice")


def test_the_errors_tell_nothing_of_the_course() -> None:
    with pytest.raises(AccessDenied) as refused:
        require(ALICE, Action.READ_FILES, HERE, "bob")
    assert "bob" not in refused.value.message
    assert isinstance(course_unknown(ALICE), AccessDenied)
    assert isinstance(course_unknown(ROOT), CourseNotFound)


def member(role: Role = Role.STUDENT, active: bool = True) -> Member:
    return Member(1, 1, HERE, "alice", role, active)


def test_homes_are_reached_of_present_students_only() -> None:
    student, left, tutor = member(), member(active=False), member(Role.INSTRUCTOR)
    for action in INSTRUCTOR:
        assert require_student(student, action) is student
        for other in (left, tutor):
            if action not in AT_HOME:
                assert require_student(other, action) is other
                continue
            with pytest.raises(StudentNotFound):
                require_student(other, action)
        with pytest.raises(StudentNotFound):
            require_student(None, action)
