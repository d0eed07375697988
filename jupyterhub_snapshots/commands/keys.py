"""``jupyterhub-snapshots keys``: make, list and revoke API keys."""

from __future__ import annotations

import os
from typing import Any

from traitlets import Dict, Unicode

from ..base_app import ALIASES
from ..errors import KeyNotFound
from ..store import keys
from .base import Command


class KeysCommand(Command):
    """Works on the keys in the database."""

    owner = Unicode(help="Hub username of the person whose rights the key has.").tag(config=True)
    course = Unicode(help="Code of the one course the key is good for; all without.").tag(
        config=True
    )
    key_name = Unicode("key", help="What the key is called in lists.").tag(config=True)
    aliases: Any = Dict(
        {
            **ALIASES,
            "owner": "KeysCommand.owner",
            "course": "KeysCommand.course",
            "name": "KeysCommand.key_name",
        }
    )


class CreateKeyApp(KeysCommand):
    """Make a key and print it, this once: keys create --owner=ina [--course=CODE] [--name=NAME]."""

    def run(self) -> int:
        """See the class."""
        if not self.owner:
            self.usage("keys create --owner=USERNAME [--course=CODE] [--name=NAME]")
        store = self.open_store()
        courses = self.open_courses(store)
        course_id = self.pick_course(courses, self.course).id if self.course else None
        with store.writing() as db:
            key, secret = keys.create_key(
                db,
                name=self.key_name,
                owner=self.owner,
                course_id=course_id,
                created_by=f"command (uid {os.getuid()})",
            )
        self.say(secret)
        self.log.info(
            "This is key %d of %s. Keep it now: it can't be shown again.", key.id, key.owner
        )
        return 0


class ListKeysApp(KeysCommand):
    """List keys, without their secrets: keys list [--owner=USERNAME]."""

    def run(self) -> int:
        """See the class."""
        store = self.open_store()
        with store.reading() as db:
            found = keys.list_keys(db, self.owner or None)
        self.say(f"{'id':>4}  {'prefix':<14} {'owner':<20} {'last used':<16} {'state':<8} name")
        for key in found:
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            state = "revoked" if key.revoked_at else "valid"
            self.say(
                f"{key.id:>4}  {key.prefix:<14} {key.owner:<20} {used:<16} {state:<8} {key.name}"
            )
        return 0


class RevokeKeyApp(KeysCommand):
    """Revoke keys at once: keys revoke ID…."""

    def run(self) -> int:
        """See the class."""
        if not self.extra_args or not all(text.isdigit() for text in self.extra_args):
            self.usage("keys revoke ID…   (the ids are in: jupyterhub-snapshots keys list)")
        store = self.open_store()
        status = 0
        for text in self.extra_args:
            try:
                with store.writing() as db:
                    key = keys.revoke_key(db, int(text))
                self.say(f"Revoked key {key.id} of {key.owner}.")
            except KeyNotFound as error:
                self.log.error("%s: %s", text, error.message)
                status = 1
        return status


class KeysApp(Command):
    """Make, list and revoke API keys."""

    subcommands: Any = Dict(
        {
            "create": (CreateKeyApp, "Make a key and print it, this once."),
            "list": (ListKeysApp, "List keys, without their secrets."),
            "revoke": (RevokeKeyApp, "Revoke keys at once."),
        }
    )

    def start(self) -> None:
        """Hands over to the subcommand."""
        if self.subapp is None:
            self.usage("keys create|list|revoke")
        else:
            self.subapp.start()
