"""The example configuration as it is: a real hub, its service, real homes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from documents import ROOT
from example_hub import SERVICE, STUDENTS, Hub, example_hub, processes_in

pytestmark = pytest.mark.hub

_COURSE = "courses/phys101"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    state = tmp_path_factory.mktemp("example") / "state"
    with example_hub(state) as hub:
        yield hub
    assert _emptied(state) == []


def _emptied(state: Path) -> list[str]:
    """What still runs in the folder after some time for the ending."""
    deadline = time.monotonic() + 10
    while (left := processes_in(state)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_instructor_takes_the_class_and_downloads_it(example: Hub) -> None:
    with example.api(example.make_token("ina")) as api:
        batch = api.post(f"{_COURSE}/snapshots", json={"name": "Exam"}).json()
        with api.stream("GET", f"{_COURSE}/batches/{batch['id']}/events") as events:
            last = [line for line in events.iter_lines() if line.startswith("data: ")][-1]
        ended = json.loads(last.removeprefix("data: "))
        assert ended["state"] == "done"
        assert ended["counts"] == {"done": len(STUDENTS)}
        answer = api.get(f"{_COURSE}/archive.zip", params={"name": ended["name"]})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        members = archive.namelist()
        for student in STUDENTS:
            kept = f"{student}/lab/pendulum/measurements.csv"
            home = example.state / "homes" / student
            assert archive.read(kept) == (home / "lab/pendulum/measurements.csv").read_bytes()
    assert not any("/." in member for member in members)


def test_student_gets_own_snapshots_only(example: Hub) -> None:
    with example.api(example.make_token("ada")) as api:
        assert api.get(f"{_COURSE}/students/ada/snapshots").status_code == 200
        for path in ("students/bo.chen/snapshots", "snapshots", "archive.zip?name=x", "students"):
            answer = api.get(f"{_COURSE}/{path}")
            assert answer.status_code == 403, f"{path}: {answer.text}"
        assert api.post(f"{_COURSE}/snapshots", json={"name": "x"}).status_code == 403


def test_key_has_the_rights_of_its_owner(example: Hub) -> None:
    with example.api(example.make_token("ina")) as api:
        key = api.post("keys", json={"name": "script"}).json()["key"]
        courses = api.get("courses", headers={"Authorization": "", "X-Api-Key": key})
    assert [course["code"] for course in courses.json()] == ["phys101"]


def test_nobody_without_the_scope(example: Hub) -> None:
    with example.sign_in("ina") as browser:
        wanted = {"scopes": ["read:users:name!user"]}
        token = browser.post("/hub/api/users/ina/tokens", json=wanted).json()["token"]
    with example.api(token) as api:
        answer = api.get("courses")
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")
    assert httpx.get(f"{example.url}/{SERVICE}/api/v1").status_code == 401


def test_browser_signs_in_by_itself(example: Hub) -> None:
    with example.sign_in("ina") as browser:
        page = browser.get(f"/{SERVICE}/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.url.path == f"/{SERVICE}/api/v1/docs"


def test_only_the_owner_reaches_the_state(example: Hub) -> None:
    for name in (
        "",
        "homes",
        "snapshots",
        "snapshots/phys101",
        "people.password",
        "admin.password",
    ):
        assert (example.state / name).stat().st_mode & 0o077 == 0, name


def test_demo_does_what_it_prints(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/demo.py", "--check", "--state", state, "--port", "28000"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("checked: ") == 6
    assert done.stderr == ""
    assert _emptied(state) == []
