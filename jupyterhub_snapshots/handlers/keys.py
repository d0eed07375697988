"""Personal API keys, and the audit log."""

from __future__ import annotations

from typing import ClassVar

from .. import errors
from ..core.access import Action
from ..core.records import ApiKey, Course, Role
from ..store import audit as audit_table
from ..store import keys
from .api import ApiHandler
from .base import Operation
from .models import (
    AuditModel,
    AuditQuery,
    CreatedKeyModel,
    KeyModel,
    NewKeyModel,
    audit_model,
    key_fields,
)


class KeyBaseHandler(ApiHandler):
    """A route about keys of one person; not open to a key, which could outlive itself."""

    def owner(self, ident: str) -> str:
        """Username of the person whose keys they are. Raises AccessDenied."""
        if self.caller.credential == "key":
            raise errors.AccessDenied(
                "A key can't manage keys. Use a hub token, or the command 'jupyterhub-snapshots "
                "keys'."
            )
        owner = self.caller.username if ident == "me" else ident
        if owner is None:
            raise errors.AccessDenied("A service has no personal keys.")
        return owner

    def course_of(self, key: ApiKey) -> Course | None:
        """The one course the key is good for."""
        return self.services.roster.course(key.course_id) if key.course_id is not None else None


class KeyListHandler(KeyBaseHandler):
    """GET, POST …/keys"""

    operations: ClassVar = {
        "GET": Operation(Action.MANAGE_KEYS, "Your keys, without their secrets", list[KeyModel]),
        "POST": Operation(
            Action.MANAGE_KEYS,
            "Make a key; its secret is shown this once",
            CreatedKeyModel,
            status=201,
            body=NewKeyModel,
        ),
    }

    async def get(self, ident: str) -> None:
        """See the class."""
        owner = self.owner(ident)
        found = await self.services.store.read(lambda db: keys.list_keys(db, owner))
        self.reply(
            [
                KeyModel.model_validate(key_fields(key, self.course_of(key))).json_value()
                for key in found
            ]
        )

    async def post(self, ident: str) -> None:
        """See the class."""
        owner = self.owner(ident)
        wanted = self.json_body(NewKeyModel)
        course = None
        if wanted.course is not None:
            course = self.services.roster.find_course(wanted.course)
            role = self.caller.role_in(course.id) if course is not None else None
            if course is None or not (self.caller.admin or role is Role.INSTRUCTOR):
                raise errors.AccessDenied("You are not an instructor of this course.")
        course_id = course.id if course is not None else None
        key, secret = await self.services.store.write(
            lambda db: keys.create_key(
                db,
                name=wanted.name,
                owner=owner,
                course_id=course_id,
                created_by=self.caller.name,
            )
        )
        self.target = key.prefix
        model = CreatedKeyModel.model_validate(key_fields(key, course) | {"key": secret})
        self.reply(model.json_value(), status=201, location=f"{self.request.path}/{key.id}")


class KeyHandler(KeyBaseHandler):
    """DELETE …/keys/{key}"""

    operations: ClassVar = {
        "DELETE": Operation(Action.MANAGE_KEYS, "Revoke a key at once", KeyModel)
    }

    async def delete(self, ident: str, key: str) -> None:
        """See the class."""
        owner = self.owner(ident)
        if not (key.isascii() and key.isdigit() and len(key) < 18):
            raise errors.KeyNotFound("There is no such key. The list of keys shows their numbers.")
        number = int(key)
        revoked = await self.services.store.write(lambda db: keys.revoke_key(db, number, owner))
        self.target = revoked.prefix
        model = KeyModel.model_validate(key_fields(revoked, self.course_of(revoked)))
        self.reply(model.json_value())


class AuditHandler(ApiHandler):
    """GET …/courses/{course}/audit"""

    operations: ClassVar = {
        "GET": Operation(
            Action.READ_AUDIT,
            "Who captured, listed, opened, downloaded, returned, deleted",
            list[AuditModel],
            query=AuditQuery,
        )
    }

    async def get(self, ident: str, course: str) -> None:
        """See the class."""
        query = self.query(AuditQuery)
        await self.services.audit.write()
        found = await self.services.store.read(
            lambda db: audit_table.of_course(
                db, self.here.id, before=query.before, limit=query.limit
            )
        )
        self.reply([audit_model(number, event) for number, event in found])
