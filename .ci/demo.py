#!/usr/bin/env python3
"""A hub to look at: a course, students with notebooks in their homes, snapshots, assignments.

    make demo                  until Ctrl-C
    make demo DEMO=--check     tries everything that it prints, and ends

Everything is below .demo; a second start goes on with the homes and snapshots of the first.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import io
import json
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from demo_assignments import LAB, PROBLEM_SET, QUIZ, document_path, set_assignments
from demo_history import make_history
from demo_homes import go_on
from demo_hub import SERVICE, Failed, Hub, adopt_orphans, end_orphans, free_port

ROOT = Path(__file__).resolve().parent.parent
STUDENTS = ("31387714", "ada", "bo.chen", "jose-maria", "mia@example.edu", "zoë")
#: A student whose name is a number, as Canvas has them.
NUMBERED = STUDENTS[0]
COURSE = "phys101"
#: The course's, as the example configuration has it.
ZONE = "Europe/Berlin"
_PORT = 8000
_DELIVERED_SECONDS = 20


class Stopped(Exception):
    """The demo was told to end."""


@dataclass(frozen=True)
class Example:
    """A command that is printed, and how to see that it worked.

    Attributes:
        works: told what it wrote and the folder it ran in.
    """

    title: str
    command: str
    works: Callable[[str, Path], bool]


def capture(api: httpx.Client, name: str) -> dict[str, Any]:
    """Takes a snapshot of the class, tells how it goes, and returns the batch."""
    answer = api.post(f"courses/{COURSE}/snapshots", json={"name": name})
    if answer.is_error:
        raise Failed(f"The snapshot was refused: {answer.json()['message']}")
    batch: dict[str, Any] = answer.json()
    ended: set[str] = set()
    with api.stream("GET", f"courses/{COURSE}/batches/{batch['id']}/events") as events:
        event = ""
        for line in events.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                event = value
            elif field == "data" and event == "items":
                for item in json.loads(value):
                    if item["state"] in ("done", "failed") and item["student"] not in ended:
                        ended.add(item["student"])
                        say(f"  {item['student']:<16} {_result(item)}")
            elif field == "data" and event == "end":
                batch = json.loads(value)
    return batch


def _result(item: dict[str, Any]) -> str:
    if item["state"] != "done":
        return str(item["error"])
    copied, size = item["copiedBytes"] / 1000, item["bytes"] / 1000
    return f"{item['files']:>3} files  {size:7.1f} kB, {copied:7.1f} kB of it new"


def examples(hub: Hub, token: str, key: str, snapshot: str) -> list[Example]:
    """The commands that are printed."""
    base = f"{hub.url}/{SERVICE}"
    course = f"{base}/api/v1/instructors/me/courses/{COURSE}"
    token_header = shlex.quote(f"Authorization: token {token}")
    key_header = shlex.quote(f"X-Api-Key: {key}")

    def lists(output: str, folder: Path) -> bool:
        found = json.loads(output)
        return {each["student"] for each in found if each["name"] == snapshot} == set(STUDENTS)

    def downloads(output: str, folder: Path) -> bool:
        with zipfile.ZipFile(folder / "class.zip") as archive:
            names = archive.namelist()
            return archive.testzip() is None and all(
                f"{student}/lab/pendulum/report.ipynb" in names for student in STUDENTS
            )

    def older(output: str, folder: Path) -> bool:
        return snapshot in json.loads(output)

    return [
        Example(
            "which snapshots there are",
            f"curl -fsS -H {token_header} {course}/snapshots",
            lists,
        ),
        Example(
            "the class as one zip",
            f"curl -fsS -o class.zip -H {token_header} '{course}/archive.zip?name={snapshot}'",
            downloads,
        ),
        Example(
            "a student's snapshots, as scripts for the older API ask",
            f"curl -fsS -H {key_header} -d STUDENT_ID={NUMBERED} {base}/get_snapshot_list",
            older,
        ),
    ]


def check(hub: Hub, tried: list[Example], token: str) -> None:
    """Runs what is printed, and looks at what was made. Raises Failed."""
    with tempfile.TemporaryDirectory() as name:
        for example in tried:
            done = subprocess.run(
                ["bash", "-c", example.command],
                cwd=name,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
            )
            with contextlib.suppress(ValueError, OSError, zipfile.BadZipFile):
                if done.returncode == 0 and example.works(done.stdout, Path(name)):
                    say(f"checked: {example.title}")
                    continue
            raise Failed(f"This did not work: {example.command}\n{done.stdout}{done.stderr}")
    _check_assignments(hub, token)
    say(f"checked: JupyterLab {hub.start_lab('ina')} runs for ina")


def _check_assignments(hub: Hub, token: str) -> None:
    with hub.api(token) as api:
        found = [each["title"] for each in api.get(f"courses/{COURSE}/assignments").json()]
    wanted = [task.title for task in (PROBLEM_SET, LAB, QUIZ)]
    if sorted(found) != sorted(wanted):
        raise Failed(f"There should be the assignments {wanted}, and there are {found}.")
    say(f"checked: the assignments are {', '.join(found)}")
    path = document_path(PROBLEM_SET)
    document = hub.state / "homes" / STUDENTS[1] / path
    deadline = time.monotonic() + _DELIVERED_SECONDS
    while not document.is_file():
        if time.monotonic() > deadline:
            raise Failed(f"The document {document} was not handed out.")
        time.sleep(0.2)
    say(f"checked: {STUDENTS[1]} was handed {path}")


def run(state: Path, port: int, checking: bool) -> None:
    """Everything from the first home to the last line. Raises Failed or Stopped."""
    _prepare(state)
    hub = Hub(state, port)
    try:
        began = time.monotonic()
        hub.start()
        say(f"The hub runs after {time.monotonic() - began:.1f} s; its log is {_short(hub.log)}")
        token = hub.make_token("ina")
        with hub.api(token) as api:
            snapshot = _take(api)
            key = _make_key(api)
            assigned = list(set_assignments(api, COURSE, ZONE))
        tried = examples(hub, token, key, snapshot)
        _tell(hub, assigned, tried)
        if checking:
            check(hub, tried, token)
        else:
            say("Ctrl-C stops the demo.")
            hub.wait()
            raise Failed(f"The hub ended by itself; see {hub.log}")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        say("\nStopping the hub …")
        hub.stop()
        end_orphans()
        say(f"Stopped. Homes and snapshots stay in {_short(state)}; 'make clean' removes them.")


def _prepare(state: Path) -> None:
    homes = state / "homes"
    if homes.is_dir():
        for student in STUDENTS:
            go_on(homes / student, student)
        say(f"The students of {_short(homes)} have worked on")
        return
    homes.mkdir(mode=0o700)
    (state / "snapshots").mkdir(mode=0o700, exist_ok=True)
    taken = make_history(homes, state / "snapshots" / COURSE, STUDENTS, ZONE)
    say(f"{len(STUDENTS)} homes with notebooks are in {_short(homes)}")
    say(f"{taken} snapshots of the weeks before are in {_short(state / 'snapshots')}")


def _take(api: httpx.Client) -> str:
    known = {each["name"] for each in api.get(f"courses/{COURSE}/snapshots").json()}
    runs = len({name for name in known if name.startswith("problem-set-1")}) + 1
    name = "Problem set 1" if runs == 1 else f"Problem set 1 run {runs}"
    say(f"\nina takes the snapshot {name!r} of the class:")
    began = time.monotonic()
    batch = capture(api, name)
    if batch["state"] != "done":
        raise Failed("Not every home was captured.")
    say(f"{batch['name']} was taken in {time.monotonic() - began:.1f} s")
    return str(batch["name"])


def _make_key(api: httpx.Client) -> str:
    for key in api.get("keys").json():
        if key["name"] == "demo" and key["revokedAt"] is None:
            api.delete(f"keys/{key['id']}").raise_for_status()
    answer = api.post("keys", json={"name": "demo", "course": COURSE})
    answer.raise_for_status()
    return str(answer.json()["key"])


def _tell(hub: Hub, assigned: list[str], tried: list[Example]) -> None:
    people, admin = hub.password("people"), hub.password("admin")
    say(f"\nOpen {hub.url} on this machine and sign in as")
    say(f"  ina    the instructor, password {people}")
    say("  theo   an assistant, who looks and changes nothing, the same password")
    say(f"  {', '.join(STUDENTS)}    students, the same password")
    say(f"  admin  the administrator, password {admin}")
    say(f"The API is described at {hub.url}/{SERVICE}/")
    say("\nina has set these assignments:")
    for line in assigned:
        say(f"  {line}")
    say("\nOr try in another terminal:")
    for example in tried:
        say(f"\n# {example.title}\n{example.command}")
    say("")


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Only one demo at a time works in a folder. Raises Failed."""
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"Another demo is running in {state}. Stop it first.") from None
        yield


def say(text: str) -> None:
    """One line for the person."""
    print(text, flush=True)


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(description="A hub with a course and snapshots to look at.")
    parser.add_argument("--check", action="store_true", help="try all that is printed, and end")
    parser.add_argument("--state", type=Path, default=ROOT / ".demo", help="where all of it goes")
    parser.add_argument("--port", type=int, default=_PORT, help="the first of four, if free")
    options = parser.parse_args()

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    adopt_orphans()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode
    state = options.state.resolve()
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(state):
            port = free_port(options.port)
            if port != options.port:
                say(f"Port {options.port} or a neighbour is taken; using {port}")
            run(state, port, options.check)
    except Stopped:
        return 0
    except (Failed, httpx.HTTPError) as error:
        print(f"\nThe demo failed. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
