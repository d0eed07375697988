"""What README and docs promise, taken from their Markdown and made to be compared and run.

A console block after ``<!-- tested -->`` is run: lines with ``$`` are commands of one shell, the
others what it wrote, in which ``…`` stands for anything. The day of the examples is replaced by
today's. ``python tests/documents.py`` makes the README's tables anew.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from traitlets import Type
from traitlets.config import Configurable

from jupyterhub_snapshots import errors
from jupyterhub_snapshots.app import ServeApp
from jupyterhub_snapshots.base_app import SnapshotsApp
from jupyterhub_snapshots.error_status import STATUS
from jupyterhub_snapshots.handlers.legacy import LEGACY_STATUS

ROOT = Path(__file__).resolve().parent.parent
#: Whatever can be set in the configuration file, but what belongs to a single command.
CONFIGURABLE: tuple[type[Configurable], ...] = (SnapshotsApp, *ServeApp().classes)
#: The day on which all examples take place.
EXAMPLE_DAY = "2026-10-05"
KEY = "a key of the demonstration"
_START_SECONDS = 30


@dataclass(frozen=True)
class Command:
    """A command of a block and what it is said to write.

    Attributes:
        line: where it stands in the document.
    """

    line: int
    text: str
    output: str

    def wrote(self, output: str) -> bool:
        """Whether this is what it is said to write."""
        pattern = ".*".join(map(re.escape, self.output.strip().split("…")))
        return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None


def commands(document: str) -> list[Command]:
    """The commands of all tested blocks of the document."""
    text = (ROOT / document).read_text()
    found: list[Command] = []
    for block in re.finditer(r"<!-- tested -->\n```console\n(.*?)```", text, re.DOTALL):
        first = text.count("\n", 0, block.start(1)) + 1
        for number, line in enumerate(_today(block[1], document).splitlines(), first):
            if line.startswith("$ "):
                found.append(Command(number, line[2:], ""))
            else:
                last = found.pop()
                found.append(Command(last.line, last.text, f"{last.output}{line}\n"))
    return found


def _today(text: str, document: str) -> str:
    """The text with today's date: the README's service runs in UTC, the example hub in Berlin."""
    zone = ZoneInfo("Europe/Berlin" if document.startswith("docs/") else "UTC")
    return text.replace(EXAMPLE_DAY, datetime.now(zone).date().isoformat())


def python_after(document: str, marker: str) -> str:
    """The Python block that follows the marker."""
    text = (ROOT / document).read_text()
    found = re.search(rf"<!-- {marker} -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def with_tables(text: str) -> str:
    """The document's text with its generated tables made anew."""
    for marker, table in (("errors", error_table()), ("settings", settings_table())):
        begin, end = f"<!-- {marker} -->\n", "<!-- end -->"
        before, found, after = text.partition(begin)
        if found:
            text = before + begin + table + end + after.partition(end)[2]
    return text


def error_table() -> str:
    """Every error with its status and its code."""
    rows = sorted(
        (_status(kind, STATUS) or 500, kind.code, _first_line(kind), _status(kind, LEGACY_STATUS))
        for kind in _errors(errors.SnapshotsError)
    )
    lines = ["| status | older | code | meaning |", "|---|---|---|---|"]
    lines += [
        f"| {status} | {older if older not in (0, status) else ''} | `{code}` | {meaning} |"
        for status, code, meaning, older in rows
    ]
    return "\n".join(lines) + "\n"


def _errors(kind: type[errors.SnapshotsError]) -> list[type[errors.SnapshotsError]]:
    return [kind, *(leaf for each in kind.__subclasses__() for leaf in _errors(each))]


def _status(kind: type[Exception], table: dict[type[errors.SnapshotsError], int]) -> int:
    return next((table[base] for base in kind.__mro__ if base in table), 0)


def _first_line(kind: type[Exception]) -> str:
    if kind is errors.SnapshotsError:
        return "Something that nobody expected; the log of the service says more."
    return inspect.getdoc(kind).partition("\n")[0]


def settings_table() -> str:
    """Every setting with its default and the first sentence of its help."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for kind in CONFIGURABLE:
        for name, trait in sorted(kind.class_own_traits(config=True).items()):
            default = _default(kind, name, trait)
            about = " ".join((trait.help or "").partition("\n\n")[0].split())
            lines.append(f"| `c.{kind.__name__}.{name}` | {default} | {about} |")
    return "\n".join(lines) + "\n"


def _default(kind: type[Configurable], name: str, trait: object) -> str:
    if f"_default_{name}" in vars(kind):
        return ""
    if isinstance(trait, Type):
        return f"`{trait.default_value.__name__}`"
    text = trait.default_value_repr()
    return "" if text in ("''", "[]") else f"`{text.strip(chr(39))}`"


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Shell:
    """A shell in which the commands of a document are run one after the other."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        programs = Path(sys.executable).parent
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=kept | environment | {"PATH": f"{programs}:{os.environ['PATH']}", "TZ": "UTC"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str) -> str:
        """What the command writes, with its exit status on a further line unless that is 0."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        mark = "--- end of the command ---"
        self._shell.stdin.write(f"{command}\nprintf '\\n{mark} %s\\n' $?\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(mark):
                status = int(line.removeprefix(mark))
                break
            lines.append(line)
        else:
            raise AssertionError(f"The shell ended: {''.join(lines)}")
        text = "".join(lines).strip()
        return text if status == 0 else f"{text}\n(exit status {status})"

    def close(self) -> None:
        """Ends the shell."""
        self._shell.communicate("kill %1 2>/dev/null; wait; exit\n", timeout=30)


def check(shell: Shell, document: str) -> None:
    """Runs the document's commands and compares what they write with what it says."""
    found = commands(document)
    assert found, f"{document} has no tested block"
    for command in found:
        output = shell.run(command.text)
        assert command.wrote(output), (
            f"{document}:{command.line}: {command.text}\nwrote: {output}\n"
            f"but it is said to write: {command.output}"
        )


@contextlib.contextmanager
def standalone(folder: Path, homes: Path, snapshots: Path) -> Iterator[str]:
    """The address of a service without a hub; its key is `KEY`."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "TZ": "UTC",
        "JNOTE_HOME": str(homes),
        "JNOTE_SNAP": str(snapshots),
        "JNOTE_COURSE_CODE": "phys101",
        "JUPYTER_API_HOST": "127.0.0.1",
        "JUPYTER_API_PORT": str(port),
        "JUPYTER_API_KEY": KEY,
    }
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub_snapshots"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(f"{url}/ready"):
            assert process.poll() is None, (folder / "service.log").read_text()
            assert time.monotonic() < deadline, "The service does not get ready"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
        return True
    return False


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_tables(readme.read_text()))
