"""``jupyterhub-snapshots import``: give trees that lie in the store a manifest."""

from __future__ import annotations

import asyncio
from typing import Any

from tqdm import tqdm
from traitlets import Dict, Unicode

from ..base_app import ALIASES
from ..engine.adopt import adopt
from ..errors import SnapshotsError
from ..snapshots import SnapshotCatalog
from .base import Command


class ImportApp(Command):
    """Adopt an existing tree of snapshots: import [--course=CODE].

    Snapshots that another program left below the course's root are listed and served as they
    are. This gives each a manifest, so that they can be verified. Nothing of them is changed.
    """

    course = Unicode(help="Code of the course; may be left out when there is one.").tag(config=True)
    aliases: Any = Dict({**ALIASES, "course": "ImportApp.course"})

    def run(self) -> int:
        """See the class."""
        store = self.open_store()
        course = self.pick_course(self.open_courses(store), self.course)
        catalog = SnapshotCatalog(store)
        bare = [
            snapshot
            for snapshot in asyncio.run(catalog.list_snapshots(course))
            if snapshot.state == "unknown"
        ]
        left = 0
        for snapshot in tqdm(bare, unit="snapshot", disable=None):
            try:
                adopt(course.root, snapshot.student, snapshot.name)
            except SnapshotsError as error:
                self.log.error("%s/%s: %s", snapshot.student, snapshot.name, error.message)
                left += 1
                continue
            asyncio.run(catalog.describe_again(course, [(snapshot.student, snapshot.name)]))
        self.say(f"Snapshots that got a manifest: {len(bare) - left}.")
        return 1 if left else 0
