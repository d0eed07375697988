"""Assignments of a course."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from .. import errors
from ..core.access import Action
from ..core.assignments import Assignment, Availability
from ..store import assignments, courses, documents
from ..store.database import utc_now
from .api import ApiHandler, number_in
from .assignment_models import (
    AssignmentModel,
    AssignmentPatchModel,
    NewAssignmentModel,
    NewAvailabilityModel,
    assignment_model,
)
from .base import Operation
from .models import PageQuery


class AssignmentBaseHandler(ApiHandler):
    """A route about assignments of a course."""

    async def availability(self, wanted: NewAvailabilityModel | None) -> Availability | None:
        """The record of what was sent, with no hash where the password is to stay."""
        if wanted is None:
            return None
        if wanted.password is None:
            return wanted.record("")
        return wanted.record(await asyncio.to_thread(assignments.hash_password, wanted.password))

    def saved(self, title: str, changes: str) -> None:
        """Notes for the audit log what was saved, and wakes up what waits for deadlines."""
        self.target = f"{title}: {changes}"
        self.services.deadlines_changed()


class AssignmentListHandler(AssignmentBaseHandler):
    """GET, POST …/assignments"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_ASSIGNMENTS,
            "Assignments of the course",
            list[AssignmentModel],
            query=PageQuery,
        ),
        "POST": Operation(
            Action.EDIT_ASSIGNMENTS,
            "Make an assignment; the answer is its id",
            int,
            status=201,
            body=NewAssignmentModel,
        ),
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        found = await self.services.store.read(
            lambda db: assignments.list_assignments(db, self.here.id)
        )
        await self.reply_list(found, self.query(PageQuery), assignment_model)

    async def post(self, ident: str, course: str) -> None:
        """See the class."""
        wanted = self.json_body(NewAssignmentModel)
        fields, notes = wanted.changes(ZoneInfo(self.here.time_zone))
        self.target = wanted.title
        available = await self.availability(wanted.availability)
        if available is not None and not available.password_hash:
            raise errors.MissingField(
                "availability: send the password in its contents.", field="availability"
            )

        def work(db: Session) -> Assignment:
            self._check_document(db, wanted.document)
            assigner = courses.assigner_of(db, self.here.id, self.caller.username)
            made = fields | {"availability": available, "assigner": assigner}
            return assignments.create_assignment(db, self.here.id, made, utc_now())

        made = await self.services.store.write(work)
        self.saved(made.title, "; ".join(["made", *_changes(None, made)]))
        self.add_notes(notes)
        self.reply_created(made.id)

    def _check_document(self, db: Session, number: int) -> None:
        """Raises InvalidRequest for a document that the caller can't hand out."""
        try:
            document = documents.get_document(db, number)
            usable = self.caller.admin or document.is_readable_by(self.caller.username)
        except errors.DocumentNotFound:
            usable = False
        if not usable:
            raise errors.InvalidRequest(
                "document: there is none of that id, or it is another's own. GET …/documents "
                "lists yours.",
                field="document",
            )


class AssignmentHandler(AssignmentBaseHandler):
    """GET, PATCH, DELETE …/assignments/{assignment}"""

    operations: ClassVar = {
        "GET": Operation(Action.READ_ASSIGNMENTS, "One assignment", AssignmentModel),
        "PATCH": Operation(
            Action.EDIT_ASSIGNMENTS,
            "Change an assignment",
            AssignmentModel,
            body=AssignmentPatchModel,
        ),
        "DELETE": Operation(
            Action.EDIT_ASSIGNMENTS,
            "Delete an assignment for which nothing was captured",
            str,
        ),
    }

    async def get(self, ident: str, course: str, assignment: str) -> None:
        """See the class."""
        number = number_in(assignment)
        found = await self.services.store.read(
            lambda db: assignments.get_assignment(db, self.here.id, number)
        )
        self.target = found.title
        self.reply_item(assignment_model(found))

    async def patch(self, ident: str, course: str, assignment: str) -> None:
        """See the class."""
        number = number_in(assignment)
        wanted = self.json_body(AssignmentPatchModel)
        fields, notes = wanted.changes(ZoneInfo(self.here.time_zone))
        available = await self.availability(wanted.availability)

        def work(db: Session) -> tuple[Assignment, Assignment]:
            before = assignments.get_assignment(db, self.here.id, number)
            self.target = before.title
            self.check_if_match(assignment_model(before))
            if "availability" in wanted.model_fields_set:
                fields["availability"] = kept_availability(available, before.availability)
            return before, assignments.update_assignment(db, self.here.id, number, fields)

        before, after = await self.services.store.write(work)
        self.saved(before.title, "; ".join(_changes(before, after)) or "nothing changed")
        self.add_notes(notes)
        self.reply_item(assignment_model(after))

    async def delete(self, ident: str, course: str, assignment: str) -> None:
        """See the class."""
        number = number_in(assignment)

        def work(db: Session) -> Assignment:
            found = assignments.get_assignment(db, self.here.id, number)
            self.target = found.title
            self.check_if_match(assignment_model(found))
            assignments.delete_assignment(db, self.here.id, number)
            return found

        gone = await self.services.store.write(work)
        self.saved(gone.title, "deleted")
        self.reply("deleted assignment")


def kept_availability(
    wanted: Availability | None, before: Availability | None
) -> Availability | None:
    """What was sent, with the password of before where none was sent. Raises MissingField."""
    if wanted is None or wanted.password_hash:
        return wanted
    if before is None:
        raise errors.MissingField(
            "availability: there is no password yet; send one in its contents.",
            field="availability",
        )
    return replace(wanted, password_hash=before.password_hash)


_TOLD = (
    "title",
    "duedate",
    "visibleFrom",
    "visibleTill",
    "gradeRelease",
    "availability",
    "document",
    "pointValue",
    "totalProblems",
)


def _changes(before: Assignment | None, after: Assignment) -> list[str]:
    """What is different, each as field, old and new value; of a new one what it has."""
    old = assignment_model(before) if before is not None else {}
    new = assignment_model(after)
    told = [
        f"{name} {_text(old[name])} → {_text(new[name])}" if old else f"{name} {_text(new[name])}"
        for name in _TOLD
        if old.get(name) != new[name] and (old or name != "title")
    ]
    if before is not None and before.description != after.description:
        told.append("description changed")
    passwords = {
        each.availability.password_hash
        for each in (before, after)
        if each is not None and each.availability is not None
    }
    if len(passwords) == 2:
        told.append("password changed")
    return told


def _text(value: Any) -> str:
    if isinstance(value, dict):
        minutes = value["contents"]
        return value["tag"] if minutes is None else f"{value['tag']} {minutes} min"
    return str(value) if value is not None else "none"
