"""The hub of the example configuration for tests, with the demo's homes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from documents import ROOT


def _from_demo(name: str) -> ModuleType:
    """A module of the demo, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


demo_hub = _from_demo("demo_hub")
demo_homes = _from_demo("demo_homes")
demo_history = _from_demo("demo_history")
demo_assignments = _from_demo("demo_assignments")
demo_browser = _from_demo("demo_browser")
Hub = demo_hub.Hub
SERVICE = demo_hub.SERVICE
STUDENTS = ("31387714", "ada", "bo.chen", "jose-maria", "mia@example.edu", "zoë")


@contextlib.contextmanager
def example_hub(state: Path, *, weeks: bool = False) -> Iterator[Hub]:
    """A running hub whose students have homes; everything of it is in the folder.

    Parameters:
        weeks: whether there are snapshots of the weeks before.
    """
    for folder in (state, state / "homes", state / "snapshots"):
        folder.mkdir(mode=0o700)
    if weeks:
        root = state / "snapshots/phys101"
        demo_history.make_history(state / "homes", root, STUDENTS, "Europe/Berlin")
    else:
        for student in STUDENTS:
            demo_homes.make_home(state / "homes" / student, student)
    # Not the demo's port: somebody may look at that one.
    hub = Hub(state, demo_hub.free_port(random.randrange(30_000, 40_000, 4)))
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


def processes_in(folder: Path) -> list[str]:
    """What runs in the folder or below it: command lines."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                where = Path(os.readlink(process / "cwd"))
                if where == folder or folder in where.parents:
                    command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    found.append(command.decode("utf-8", "replace"))
    return found
