"""``jupyterhub-snapshots verify``: read snapshots again and compare them with their manifests."""

from __future__ import annotations

import asyncio
from typing import Any

from tqdm import tqdm
from traitlets import Dict, Unicode

from ..base_app import ALIASES
from ..engine import verify
from ..snapshots import SnapshotCatalog
from .base import Command


class VerifyApp(Command):
    """Read snapshots again and compare them with their manifests: verify [STUDENT [SNAPSHOT]]."""

    course = Unicode(help="Code of the course; all courses without.").tag(config=True)
    aliases: Any = Dict({**ALIASES, "course": "VerifyApp.course"})

    def run(self) -> int:
        """See the class."""
        if len(self.extra_args) > 2:
            self.usage("verify [STUDENT [SNAPSHOT]] [--course=CODE]")
        student, name = (*self.extra_args, None, None)[:2]
        store = self.open_store()
        courses = self.open_courses(store)
        if self.course:
            courses = [self.pick_course(courses, self.course)]
        catalog = SnapshotCatalog(store)
        found = [
            (course, snapshot)
            for course in courses
            for snapshot in asyncio.run(catalog.list_snapshots(course, student, name))
        ]
        if not found:
            self.exit_with("There is no such snapshot.")
        damaged = 0
        size = sum(snapshot.bytes or 0 for _, snapshot in found)
        with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
            for course, snapshot in found:
                where = f"{course.code}/{snapshot.student}/{snapshot.name}"
                damage = list(verify(course.root, snapshot.student, snapshot.name, bar.update))
                damaged += bool(damage)
                for each in damage:
                    self.say(f"{where}: {each.what} {each.path}".rstrip())
        self.say(f"Snapshots read: {len(found)}; intact: {len(found) - damaged}; not: {damaged}.")
        return 1 if damaged else 0
