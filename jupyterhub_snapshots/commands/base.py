"""What the subcommands share."""

from __future__ import annotations

import sys
from typing import Any

from ..base_app import SnapshotsApp
from ..core.records import Course


class Command(SnapshotsApp):
    """A command that does one thing and ends; errors end it with one line and status 1."""

    def start(self) -> None:
        """Runs the command."""
        status = self.run_safely(self.run)
        if status:
            self.exit(status)

    def run(self) -> int:
        """Does the work and returns the exit status."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """One line of the command's result."""
        sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")

    def usage(self, text: str) -> Any:
        """Ends the program with the right way to call it."""
        sys.stderr.write(f"usage: jupyterhub-snapshots {text}\n")
        self.exit(2)

    def pick_course(self, courses: list[Course], code: str) -> Course:
        """The course of that code, or the only one. Ends the program when it can't be told."""
        found = [course for course in courses if code in ("", course.code, course.title)]
        if len(found) != 1:
            codes = ", ".join(course.code for course in courses) or "none is configured"
            self.exit_with(f"Which course? Name one with --course: {codes}.")
        return found[0]


__all__ = ["Command"]
