"""A hub of the example configuration, started and stopped as a process; demo and tests use it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx

CONFIG = Path(__file__).resolve().parent.parent / "jupyterhub_config_example.py"
SERVICE = "services/snapshots"
_START_SECONDS, _STOP_SECONDS = 90, 40
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


class Failed(Exception):
    """The demo can't go on; the text is for the person who started it."""


class Hub:
    """A hub of the example configuration.

    Parameters:
        state: folder of everything it makes.
        port: the first of four.
    """

    def __init__(self, state: Path, port: int) -> None:
        self.state = state
        self.log = state / "hub.log"
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it and the service answer. Raises Failed."""
        for left in self.state.glob("hub.sqlite*"):
            left.unlink()  # nothing in it is of use to a new start
        programs = Path(sys.executable).parent
        environment = os.environ | {
            "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
            "SNAPSHOTS_DEMO_STATE": str(self.state),
            "SNAPSHOTS_DEMO_PORT": str(self._port),
        }
        # A demo that is started in another Jupyter server must not take its settings.
        for name in [name for name in environment if name.startswith(("JUPYTER", "JNOTE"))]:
            del environment[name]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [programs / "jupyterhub", "-f", CONFIG],
                cwd=self.state,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we stop it in its own way
                preexec_fn=_end_with_parent,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"The hub did not start. {self.log} says:\n{self._log_end()}")
            time.sleep(0.2)

    def _ready(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            # The hub's proxy knows the service last of all.
            answer = httpx.get(f"{self.url}/{SERVICE}/ready")
            return answer.status_code == httpx.codes.OK and "checks" in answer.text
        return False

    def _log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        telling = [line for line in lines if line.startswith(("[E ", "[C "))]
        return "\n".join(f"    {line}" for line in (telling or lines)[-8:])

    def wait(self) -> None:
        """Waits until the hub ends by itself."""
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        """Stops the hub, which stops its proxy, its service and the users' servers."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def password(self, name: str) -> str:
        """The password of "people" or "admin"."""
        return (self.state / f"{name}.password").read_text()

    @contextlib.contextmanager
    def sign_in(self, username: str) -> Iterator[httpx.Client]:
        """A browser, as it were, in which the person has signed in. Raises Failed."""
        password = self.password("admin" if username == "admin" else "people")
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=60) as browser:
            browser.get("/hub/login")
            form = {"username": username, "password": password, "_xsrf": _xsrf(browser)}
            answer = browser.post("/hub/login", params={"next": "/hub/home"}, data=form)
            if not answer.url.path.startswith("/hub/home"):
                raise Failed(f"{username} could not sign in; see {self.log}")
            browser.headers["X-XSRFToken"] = _xsrf(browser)
            yield browser

    def make_token(self, username: str) -> str:
        """A token of the person that is good for the service and for nothing else."""
        with self.sign_in(username) as browser:
            wanted = {
                "note": "demo",
                "expires_in": 86_400,
                "scopes": ["access:services!service=snapshots"],
            }
            answer = browser.post(f"/hub/api/users/{quote(username)}/tokens", json=wanted)
            answer.raise_for_status()
            return str(answer.json()["token"])

    def api(self, token: str) -> httpx.Client:
        """A client of the service for the holder of the token."""
        return httpx.Client(
            base_url=f"{self.url}/{SERVICE}/api/v1/instructors/me/",
            headers={"Authorization": f"token {token}"},
            timeout=60,
        )

    def start_lab(self, username: str) -> str:
        """Starts the person's server and opens JupyterLab in it; returns its version."""
        with self.sign_in(username) as browser:
            browser.post(f"/hub/api/users/{quote(username)}/server").raise_for_status()
            deadline = time.monotonic() + _START_SECONDS
            while True:
                # Signing in to the server is a chain of redirects, which the client follows.
                page = browser.get(f"/user/{quote(username)}/lab")
                if page.status_code == httpx.codes.OK and 'id="jupyter-config-data"' in page.text:
                    config = page.text.partition('id="jupyter-config-data"')[2]
                    config = config.partition(">")[2].partition("</script>")[0]
                    return str(json.loads(config)["appVersion"])
                if time.monotonic() > deadline:
                    raise Failed(f"JupyterLab of {username} did not start; see {self.log}")
                time.sleep(0.5)


def _xsrf(browser: httpx.Client) -> str:
    return next(cookie.value or "" for cookie in browser.cookies.jar if cookie.name == "_xsrf")


def _end_with_parent() -> None:
    """In a child: end kindly when the demo is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port(first: int) -> int:
    """The first of four neighbouring ports that nobody uses; `first` if it can be."""
    for port in (first, *random.sample(range(20_000, 30_000, 4), 50)):
        with contextlib.ExitStack() as stack:
            try:
                for each in range(port, port + 4):
                    listener = stack.enter_context(socket.socket())
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    listener.bind(("127.0.0.1", each))
            except OSError:
                continue
        return port
    raise Failed("No free ports were found on this machine.")


def adopt_orphans() -> None:
    """From now on whatever a child leaves running becomes ours, so that it can be ended."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_orphans() -> None:
    """Ends all our children and what they left to us; see `adopt_orphans`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 5
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)
        while _children() and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
            time.sleep(0.05)


def _children() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(each) for each in Path("/proc/thread-self/children").read_text().split()]
    return []
