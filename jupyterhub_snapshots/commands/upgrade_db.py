"""``jupyterhub-snapshots upgrade-db``: bring the database to the program's schema."""

from __future__ import annotations

from ..store import Store
from .base import Command


class UpgradeDbApp(Command):
    """Bring the database to this version's schema; an SQLite file is copied before."""

    def run(self) -> int:
        """See the class."""
        store = Store(self.db_url)
        copy = store.upgrade()
        if copy is not None:
            self.say(f"The database as it was is kept in {copy}.")
        self.say("The database is up to date.")
        return 0
