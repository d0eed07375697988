"""What single students are given: extensions, accommodations, another start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from .. import errors
from ..core.access import Action
from ..core.assignments import Accommodation, Extension
from ..store import assignments
from ..store.database import utc_now
from .api import ApiHandler, number_in
from .base import Operation
from .extension_models import (
    AccessTokenModel,
    AccommodationModel,
    AccommodationPatchModel,
    ExtensionModel,
    NewExtensionModel,
    accommodation_model,
    extension_model,
    token_model,
)
from .fields import read_field
from .models import PageQuery, iso

Result = TypeVar("Result")


class GrantHandler(ApiHandler):
    """A route about what is given to the student of the path."""

    async def save(self, work: Callable[[Session], Result]) -> Result:
        """Does the writing work, and wakes up what waits for deadlines."""
        result = await self.services.store.write(work)
        self.services.deadlines_changed()
        return result

    def about(self, db: Session, extension: Extension) -> str:
        """What the audit log calls an extension."""
        found = assignments.get_assignment(db, self.here.id, extension.assignment_id)
        return f"extension of {found.title} for {self.who.username}"


class ExtensionListHandler(GrantHandler):
    """GET, POST …/students/{student}/extensions"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DEADLINES,
            "The student's extensions in the course",
            list[ExtensionModel],
            query=PageQuery,
        ),
        "POST": Operation(
            Action.GRANT_TIME,
            "Give the student an own due date, in place of the one there was; the answer is its id",
            int,
            body=NewExtensionModel,
        ),
    }

    async def get(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        found = await self.services.store.read(
            lambda db: assignments.list_extensions(db, self.here.id, user_id=self.who.user_id)
        )
        await self.reply_list(found, self.query(PageQuery), extension_model)

    async def post(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        wanted = self.json_body(NewExtensionModel)
        if wanted.for_user not in (None, self.who.user_id):
            raise errors.InvalidRequest(
                f"forUser: the student of this address has the userId {self.who.user_id}, which "
                "is not the id in the address.",
                field="forUser",
            )
        until = note = None
        if wanted.until is not None:
            reading = read_field(wanted.until, ZoneInfo(self.here.time_zone), "until")
            until, note = reading.at, reading.note

        def work(db: Session) -> Extension:
            where = {"assignment_id": wanted.on_assignment, "user_id": self.who.user_id}
            before = assignments.list_extensions(db, self.here.id, **where)
            after = assignments.grant_extension(
                db,
                self.here.id,
                **where,
                until=until,
                granted_by=self.caller.name,
                now=utc_now(),
            )
            self.target = f"{self.about(db, after)}: {_change(before, after)}"
            return after

        granted = await self.save(work)
        self.add_notes([note])
        self.reply(granted.id)


class ExtensionHandler(GrantHandler):
    """GET, DELETE …/students/{student}/extensions/{extension}"""

    operations: ClassVar = {
        "GET": Operation(Action.READ_DEADLINES, "One extension", ExtensionModel),
        "DELETE": Operation(Action.GRANT_TIME, "Take an extension back", str),
    }

    async def get(self, ident: str, course: str, student: str, extension: str) -> None:
        """See the class."""
        number = number_in(extension)
        found = await self.services.store.read(
            lambda db: assignments.get_extension(db, self.here.id, self.who.user_id, number)
        )
        self.reply_item(extension_model(found))

    async def delete(self, ident: str, course: str, student: str, extension: str) -> None:
        """See the class."""
        number = number_in(extension)

        def work(db: Session) -> None:
            gone = assignments.delete_extension(db, self.here.id, self.who.user_id, number)
            self.check_if_match(extension_model(gone))
            self.target = f"{self.about(db, gone)}: {_text(gone)} → none"

        await self.save(work)
        self.reply("deleted extension")


class AssignmentExtensionListHandler(ApiHandler):
    """GET …/assignments/{assignment}/extensions"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DEADLINES,
            "Extensions of one assignment",
            list[ExtensionModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str, course: str, assignment: str) -> None:
        """See the class."""
        number = number_in(assignment)

        def work(db: Session) -> list[Extension]:
            self.target = assignments.get_assignment(db, self.here.id, number).title
            return assignments.list_extensions(db, self.here.id, assignment_id=number)

        found = await self.services.store.read(work)
        await self.reply_list(found, self.query(PageQuery), extension_model)


class AccommodationHandler(GrantHandler):
    """GET, PATCH, DELETE …/students/{student}/accommodations"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DEADLINES, "What the student is given in the course", AccommodationModel
        ),
        "PATCH": Operation(
            Action.GRANT_TIME,
            "Change what the student is given in the course",
            AccommodationModel,
            body=AccommodationPatchModel,
        ),
        "DELETE": Operation(Action.GRANT_TIME, "Go back to what everybody is given", str),
    }

    async def get(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        given = await self.services.store.read(self._given)
        self.reply_item(accommodation_model(given))

    async def patch(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        fields = self.json_body(AccommodationPatchModel).changes()

        def work(db: Session) -> Accommodation:
            before = self._given(db)
            self.check_if_match(accommodation_model(before))
            after = assignments.set_accommodation(db, replace(before, **fields))
            self.target = f"accommodations of {self.who.username}: {_differences(before, after)}"
            return after

        self.reply_item(accommodation_model(await self.save(work)))

    async def delete(self, ident: str, course: str, student: str) -> None:
        """See the class."""

        def work(db: Session) -> None:
            before = self._given(db)
            self.check_if_match(accommodation_model(before))
            assignments.delete_accommodation(db, self.here.id, self.who.user_id)
            self.target = (
                f"accommodations of {self.who.username}: {_differences(before, self._given(db))}"
            )

        await self.save(work)
        self.reply("deleted accommodations")

    def _given(self, db: Session) -> Accommodation:
        return assignments.get_accommodation(db, self.here.id, self.who.user_id)


class OtherAccommodationHandler(AccommodationHandler):
    """The same under the spelling of older scripts, …/accomodations"""


class AccessTokenListHandler(ApiHandler):
    """GET …/students/{student}/assignmentTokens"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DEADLINES,
            "When the student opened assignments",
            list[AccessTokenModel],
            query=PageQuery,
        )
    }

    async def get(self, ident: str, course: str, student: str) -> None:
        """See the class."""
        found = await self.services.store.read(
            lambda db: assignments.list_tokens(db, self.here.id, self.who.user_id)
        )
        await self.reply_list(found, self.query(PageQuery), token_model)


class AccessTokenHandler(GrantHandler):
    """GET, DELETE …/students/{student}/assignmentTokens/{token}"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_DEADLINES, "When the student opened one assignment", AccessTokenModel
        ),
        "DELETE": Operation(
            Action.GRANT_TIME, "Let the student open an assignment anew, with a new time", str
        ),
    }

    async def get(self, ident: str, course: str, student: str, token: str) -> None:
        """See the class."""
        number = number_in(token)
        found = await self.services.store.read(
            lambda db: assignments.get_token(db, self.here.id, self.who.user_id, number)
        )
        self.reply_item(token_model(found))

    async def delete(self, ident: str, course: str, student: str, token: str) -> None:
        """See the class."""
        number = number_in(token)

        def work(db: Session) -> None:
            gone = assignments.delete_token(db, self.here.id, self.who.user_id, number)
            self.check_if_match(token_model(gone))
            title = assignments.get_assignment(db, self.here.id, gone.assignment_id).title
            self.target = (
                f"opening of {title} by {self.who.username}: {iso(gone.created_at)} → none"
            )

        await self.save(work)
        self.reply("deleted token")


class OtherAccessTokenHandler(AccessTokenHandler):
    """The same under the address of older scripts, below /instructor"""


def _change(before: list[Extension], after: Extension) -> str:
    """From what to what an extension is changed."""
    return f"{_text(before[0])} → {_text(after)}" if before else _text(after)


def _text(extension: Extension) -> str:
    return f"until {iso(extension.until)}" if extension.until is not None else "excused"


def _differences(before: Accommodation, after: Accommodation) -> str:
    """What of an accommodation is different, each as field, old and new value."""
    old, new = accommodation_model(before), accommodation_model(after)
    told = [
        f"{name} {old[name]} → {new[name]}"
        for name in ("timeFactor", "timeExtraMinutes", "dateExtraHours")
        if old[name] != new[name]
    ]
    return "; ".join(told) or "nothing changed"
