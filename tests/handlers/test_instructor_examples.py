"""The lines that scripts of the older instructor API were written after, run as they stand.

Only host, key, ident, title and ids are put in place: in Python with its helper `rq`, and by curl;
of a service without a hub and of one below a hub, with a personal key and with a hub token.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from assignments import make_assignment, record_capture, utc
from jupyterhub_snapshots.core.captures import Kind
from jupyterhub_snapshots.handlers import ROUTES
from jupyterhub_snapshots.store import assignments as table
from jupyterhub_snapshots.store import keys
from service import ACCESS, PREFIX, SERVICE_TOKEN, RunningService, StandInHub, running

IDENT, TITLE = "ina@example.edu", "test course"
TOKEN = "token-of-ina"

SCRIPT = """
import requests

apikey = 'REDACTED'

base = 'http://localhost:3000/api/v1'

def rq(meth, p, *args, key=apikey, **kwargs):
    h = {
        'X-API-KEY': key,
    }
    return requests.request(meth, base + p, *args, **kwargs, headers=h)
"""

DOCUMENTS = "/instructors/:instructorIdent/documents"
COURSES = "/instructors/:instructorIdent/courses"
COURSE = f"{COURSES}/:courseTitle"
STUDENT = f"{COURSE}/students/:studentId"
ASSIGNMENTS = f"{COURSE}/assignments"
ASSIGNMENT = f"{ASSIGNMENTS}/:assignmentId"

#: Every route of that page, and the test that covers it.
COVERED_BY = {
    f"GET {DOCUMENTS}": "test_documents",
    f"POST {DOCUMENTS}": "test_documents",
    f"GET {DOCUMENTS}/:documentId": "test_documents",
    f"PATCH {DOCUMENTS}/:documentId": "test_documents",
    f"GET {DOCUMENTS}/:documentId/data": "test_documents",
    f"PUT {DOCUMENTS}/:documentId/data": "test_documents",
    f"GET {COURSES}": "test_courses_and_students",
    f"GET {COURSE}/students": "test_courses_and_students",
    f"GET {STUDENT}": "test_courses_and_students",
    f"GET {STUDENT}/submissions": "test_submissions",
    f"GET {STUDENT}/extensions": "test_extensions",
    f"POST {STUDENT}/extensions": "test_extensions",
    f"GET {STUDENT}/accomodations": "test_accommodations",
    f"PATCH {STUDENT}/accomodations": "test_accommodations",
    f"GET {STUDENT}/assignmentTokens": "test_access_tokens",
    f"DELETE {STUDENT}/assignmentTokens/:tokenId".replace(
        "/instructors/", "/instructor/"
    ): "test_access_tokens",
    f"GET {ASSIGNMENTS}": "test_assignments",
    f"POST {ASSIGNMENTS}": "test_assignments",
    f"GET {ASSIGNMENT}": "test_assignments",
    f"PATCH {ASSIGNMENT}": "test_assignments",
    f"GET {ASSIGNMENT}/submissions": "test_submissions",
    f"GET {ASSIGNMENT}/submissions/:studentId": "test_submissions",
}

PYTHON = {
    f"GET {DOCUMENTS}": "rq('GET', '/instructors/yourname@gmail.com/documents').json()",
    f"POST {DOCUMENTS}": """rq('POST', '/instructors/yourname@gmail.com/documents',
    json={
        "filename": "myfile.md",
        "scope": "Private",
        "description": "My file",
    }
).json()""",
    f"GET {DOCUMENTS}/:documentId": (
        "rq('GET', '/instructors/yourname@gmail.com/documents/1').json()"
    ),
    f"PATCH {DOCUMENTS}/:documentId": """rq('PATCH', '/instructors/yourname@gmail.com/documents/1',
    json={"scope": "Private"}).json()""",
    f"GET {DOCUMENTS}/:documentId/data": (
        "rq('GET', 'instructors/yourname@youremail.com/documents/1/data').text"
    ),
    f"PUT {DOCUMENTS}/:documentId/data": (
        "rq('PUT', '/instructors/yourname@gmail.com/documents/1/data', data='aaaaaa')"
    ),
    f"GET {COURSE}/students": (
        "rq('GET', '/instructors/yourname@gmail.com/courses/test course/students').json()"
    ),
    f"GET {STUDENT}": (
        "rq('GET', '/instructors/yourname@gmail.com/courses/test course/students/1231').json()"
    ),
    f"GET {STUDENT}/submissions": (
        "rq('GET', '/instructors/yourname@gmail.com/courses/test course/students/1231/submissions')"
        ".json()"
    ),
    f"POST {STUDENT}/extensions": (
        """rq('POST', '/instructors/yourname@gmail.com/courses/test course/students/12313/extensions',
    json={
        "onAssignment": 2756,
        "until": "2022-06-02",
        "forUser": 12313,
    }
).json()"""  # noqa: E501
    ),
    f"PATCH {STUDENT}/accomodations": (
        """rq('PATCH', '/instructors/yourname@gmail.com/courses/test course/students/11231/accomodations',
    json={"timeFactor": "2"}).json()"""  # noqa: E501
    ),
    f"POST {ASSIGNMENTS}": (
        """rq('POST', '/instructors/yourname@gmail.com/courses/test course/assignments',
    json={
        "document": 2756,
        "title": "A new assignment",
        "due-date": "2022-01-01 10:10",
    }
).json()"""
    ),
    f"PATCH {ASSIGNMENT}": (
        """rq('PATCH', '/instructors/yourname@gmail.com/courses/test course/assignments/1313',
    json={"gradeRelease": "2022-02-02"}).json()"""
    ),
}

CURL = {
    f"GET {DOCUMENTS}": (
        'curl -H "X-API-KEY:YOURAPIKEYHERE" '
        "localhost:3000/api/v1/instructors/yourname@youremail.com/documents"
    ),
    f"POST {DOCUMENTS}": r"""curl -H "X-API-KEY:YOURAPIKEY" \
     -H "Content-Type: application/json" \
     -d '{"filename":"myfile.md","scope":"Private", "description":"My file"}' \
     localhost:3000/api/v1/instructors/yourname@gmail.com/documents""",
    f"GET {DOCUMENTS}/:documentId": (
        'curl -H "X-API-KEY:YOURAPIKEYHERE" '
        "localhost:3000/api/v1/instructors/yourname@youremail.com/documents/1"
    ),
    f"PATCH {DOCUMENTS}/:documentId": r"""curl -H "X-API-KEY:YOURAPIKEY" -X "PATCH" \
     -d '{"scope":"Public"}' \
     localhost:3000/api/v1/instructors/yourname@youremail.com/documents/1""",
    f"GET {DOCUMENTS}/:documentId/data": r"""curl -H "X-API-KEY:YOURAPIKEYHERE" \
     localhost:3000/api/v1/instructors/yourname@youremail.com/documents/1/data""",
    f"PUT {DOCUMENTS}/:documentId/data": (
        r"""echo aaaaaa | curl -H "X-API-KEY:YOURAPIKEYHERE"  -T "-" \
    localhost:3000/api/v1/instructors/yourname@gmail.com/documents/1940/data"""
    ),
    f"GET {COURSES}": r"""curl -H "X-API-KEY:YOURAPIKEYHERE" \
    'localhost:3000/api/v1/instructors/yourname@gmail.com/courses'""",
    f"GET {COURSE}/students": r"""curl -H "X-API-KEY:YOURAPIKEYHERE" \
    'localhost:3000/api/v1/instructors/yourname@gmail.com/courses/test%20course/students'""",
    f"GET {STUDENT}": r"""curl -H "X-API-KEY:YOURAPIKEYHERE" \
    'localhost:3000/api/v1/instructors/yourname@gmail.com/courses/test%20course/students/1231'""",
    f"GET {STUDENT}/submissions": (
        r"""curl -H "X-API-KEY:YOURAPIKEYHERE" \
    'localhost:3000/api/v1/instructors/yourname@gmail.com/courses/test%20course/students/1231/submissions'"""
    ),
    f"POST {STUDENT}/extensions": (
        r"""curl -H "X-API-KEY:YOURAPIKEY" \
     -H "Content-Type: application/json" \
     -d '{ "onAssignment": 2756, "until": "2022-06-02", "forUser": 12313 }' \
     localhost:3000/api/v1//instructors/yourname@gmail.com/courses/test%20course/students/12313/extensions"""
    ),
    f"PATCH {STUDENT}/accomodations": (
        r"""curl -H "X-API-KEY:YOURAPIKEY" -X "PATCH" \
     -H "Content-Type: application/json" \
     -d '{"timeFactor":"2"}' \
     /instructors/yourname@gmail.com/courses/test%20course/students/11231/accomodations"""
    ),
    f"POST {ASSIGNMENTS}": (
        r"""curl -H "X-API-KEY:YOURAPIKEY" \
     -H "Content-Type: application/json" \
     -d '{"document": 2756, "title": "A new assignment", "due-date": "2022-01-01 10:10"}' \
     localhost:3000/api/v1/instructors/yourname@gmail.com/courses/test%20course/assignments"""
    ),
    f"PATCH {ASSIGNMENT}": r"""curl -H "X-API-KEY:YOURAPIKEY" -X "PATCH" \
     -H "Content-Type: application/json" \
     -d '{"gradeRelease": "2022-02-02"}' \
     /instructors/yourname@gmail.com/courses/test%20course/assignments/1313""",
}

NUMBERS = {
    r"documents/\d+": "documents/{document}",
    r"students/\d+": "students/{student}",
    r"assignments/\d+": "assignments/{assignment}",
    r'"onAssignment": \d+': '"onAssignment": {assignment}',
    r'"forUser": \d+': '"forUser": {user}',
    r'"document": \d+': '"document": {document}',
}


class Site:
    """A service, a way to show who one is, and one of the two languages."""

    def __init__(self, service: RunningService, header: str, secret: str, language: str) -> None:
        self.service = service
        self.header, self.secret, self.language = header, secret, language
        self.ids: dict[str, int] = {}
        self.seen: set[str] = set()
        service.headers = {header: secret}

    async def run(self, route: str) -> Any:
        """Runs the line of a route; what it printed, read as JSON where it is that."""
        self.seen.add(route)
        examples = PYTHON if self.language == "python" else CURL
        line = examples.get(route) or self._plain(*route.split(" "))
        for pattern, ours in NUMBERS.items():
            line = re.sub(pattern, lambda found, ours=ours: self._filled(ours), line)
        line = re.sub(r"yourname@(gmail|youremail)\.com", IDENT, line)
        return await (self._python(line) if self.language == "python" else self._curl(line))

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: str(self.ids[found[1]]), text)

    def _plain(self, method: str, path: str) -> str:
        """A line for a route of which that page shows the answer only."""
        title = TITLE if self.language == "python" else TITLE.replace(" ", "%20")
        path = path.replace(":instructorIdent", IDENT).replace(":courseTitle", title)
        path = self._filled(re.sub(r":(\w+)Id\b", r"{\1}", path))
        if self.language == "python":
            return f"rq({method!r}, {path!r}).json()"
        return f'curl -X {method} -H "X-API-KEY:YOURAPIKEY" localhost:3000/api/v1{path}'

    async def _python(self, line: str) -> Any:
        script = SCRIPT.replace("http://localhost:3000", self.service.url)
        script = script.replace("REDACTED", self.secret).replace("X-API-KEY", self.header)
        names: dict[str, Any] = {}
        exec(script, names)
        answer = await asyncio.to_thread(eval, line, names)
        return answer.json() if hasattr(answer, "status_code") else answer

    async def _curl(self, line: str) -> Any:
        host = self.service.url.removeprefix("http://")
        line = re.sub(r"(?m)^ +/instructors", f" {host}/api/v1/instructors", line)
        line = line.replace("localhost:3000", host).replace("X-API-KEY", self.header)
        line = line.replace("YOURAPIKEYHERE", self.secret).replace("YOURAPIKEY", self.secret)
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            line.replace("curl ", "curl -sS ", 1),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert (process.returncode, errors) == (0, b""), line
        try:
            return json.loads(output)
        except ValueError:
            return output.decode()

    def assert_covered(self, test: str) -> None:
        """Exactly the routes were used that the table says."""
        assert self.seen == {route for route, name in COVERED_BY.items() if name == test}


def described(config: Config, place: Path) -> Config:
    for folder in ("homes", "snapshots"):
        (place / folder).mkdir(mode=0o700, exist_ok=True)
    config.SnapshotsApp.snapshots_dir = str(place / "snapshots")
    config.SnapshotsApp.courses = [
        {
            "code": "phys",
            "title": TITLE,
            "time_zone": "America/Chicago",
            "instructors": [IDENT],
            "students": ["alice", "bob"],
        }
    ]
    return config


@pytest.fixture
def hub_environment(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hub tells the service that it starts."""
    for name, value in {
        "API_TOKEN": SERVICE_TOKEN,
        "API_URL": hub.url,
        "SERVICE_NAME": "snapshots",
        "SERVICE_PREFIX": f"{PREFIX}/",
        "CLIENT_ID": "service-snapshots",
        "OAUTH_ACCESS_SCOPES": f'["access:services", "{ACCESS}"]',
        "BASE_URL": "/",
        "HOST": "",
    }.items():
        monkeypatch.setenv(f"JUPYTERHUB_{name}", value)


@pytest.fixture(params=["python", "curl"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["alone-key", "hub-key", "hub-token"])
async def site(
    request: pytest.FixtureRequest,
    language: str,
    place: Path,
    empty_database: Path,
    hub: StandInHub,
    monkeypatch: pytest.MonkeyPatch,
    hub_environment: None,
) -> AsyncIterator[Site]:
    if request.param == "alone-key":
        monkeypatch.delenv("JUPYTERHUB_API_TOKEN")
        monkeypatch.setenv("JUPYTER_API_KEY", "0" * 32)
    hub.add_token(TOKEN, IDENT)
    async with running(place, empty_database, described(Config(), place)) as service:
        header, secret = "Authorization", f"token {TOKEN}"
        if request.param.endswith("-key"):
            header = "X-API-KEY"
            _, secret = await service.services.store.write(
                lambda db: keys.create_key(
                    db, name="script", owner=IDENT, course_id=None, created_by=IDENT
                )
            )
        made = Site(service, header, secret, language)
        base = f"/api/v1/instructors/me/courses/{TITLE}"
        alice = (await service.get(f"{base}/students/alice")).json()
        made.ids = {"student": alice["id"], "user": alice["userId"]}
        yield made


async def test_documents(site: Site) -> None:
    assert await site.run(f"GET {DOCUMENTS}") == []
    site.ids["document"] = await site.run(f"POST {DOCUMENTS}")
    (listed,) = await site.run(f"GET {DOCUMENTS}")
    assert set(listed) >= {"creator", "date", "scope", "id", "description", "filename"}
    assert (listed["filename"], listed["description"]) == ("myfile.md", "My file")
    assert await site.run(f"GET {DOCUMENTS}/:documentId") == listed
    changed = await site.run(f"PATCH {DOCUMENTS}/:documentId")
    assert changed["scope"] == ("Private" if site.language == "python" else "Public")
    assert await site.run(f"PUT {DOCUMENTS}/:documentId/data") == "contents updated"
    assert (await site.run(f"GET {DOCUMENTS}/:documentId/data")).strip() == "aaaaaa"
    site.assert_covered("test_documents")


async def test_courses_and_students(site: Site) -> None:
    (course,) = await site.run(f"GET {COURSES}")
    assert set(course) >= {
        "textBook", "instructor", "enrollmentOpen", "endDate", "startDate", "textbookProblems",
        "totalPoints", "title", "timeZone", "description",
    }  # fmt: skip
    assert (course["title"], course["timeZone"]) == (TITLE, "America/Chicago")
    assert isinstance(course["instructor"], int)
    students = await site.run(f"GET {COURSE}/students")
    assert [each["username"] for each in students] == ["alice", "bob"]
    student = await site.run(f"GET {STUDENT}")
    assert student == students[0]
    assert set(student) >= {
        "email", "lastName", "universityId", "userId", "firstName", "isAdmin", "id", "enrolledIn",
        "instructorId", "isLti",
    }  # fmt: skip
    assert student["enrolledIn"] == course["id"]
    site.assert_covered("test_courses_and_students")


async def test_assignments(site: Site) -> None:
    answer = await site.service.post(
        "/api/v1/instructors/me/documents", json={"filename": "worksheet.ipynb"}
    )
    site.ids["document"] = answer.json()
    site.ids["assignment"] = await site.run(f"POST {ASSIGNMENTS}")
    (listed,) = await site.run(f"GET {ASSIGNMENTS}")
    assert set(listed) >= {
        "gradeRelease", "totalProblems", "visibleFrom", "availability", "date", "document",
        "pointValue", "course", "id", "duedate", "title", "visibleTill", "assigner", "description",
    }  # fmt: skip
    assert listed["title"] == "A new assignment"
    assert listed["duedate"] == "2022-01-01T16:10:00Z"
    assert await site.run(f"GET {ASSIGNMENT}") == listed
    changed = await site.run(f"PATCH {ASSIGNMENT}")
    assert changed == listed | {"gradeRelease": "2022-02-03T05:59:59Z"}
    site.assert_covered("test_assignments")


async def test_extensions(site: Site) -> None:
    site.ids["assignment"] = await make_assignment(site.service)
    assert await site.run(f"GET {STUDENT}/extensions") == []
    number = await site.run(f"POST {STUDENT}/extensions")
    assert await site.run(f"GET {STUDENT}/extensions") == [
        {
            "onAssignment": site.ids["assignment"],
            "until": "2022-06-03T04:59:59Z",
            "forUser": site.ids["user"],
            "id": number,
        }
    ]
    site.assert_covered("test_extensions")


async def test_accommodations(site: Site) -> None:
    given = await site.run(f"PATCH {STUDENT}/accomodations")
    assert given == {
        "timeFactor": 2,
        "timeExtraMinutes": 0,
        "forUser": site.ids["user"],
        "id": given["id"],
        "dateExtraHours": 0,
        "forCourse": site.service.course("phys").id,
    }
    assert await site.run(f"GET {STUDENT}/accomodations") == given
    site.assert_covered("test_accommodations")


async def test_access_tokens(site: Site) -> None:
    site.ids["assignment"] = number = await make_assignment(site.service)
    course, user = site.service.course("phys").id, site.ids["user"]
    token, _ = await site.service.services.store.write(
        lambda db: table.open_assignment(db, course, number, user, utc(2021, 6, 10, 19, 10))
    )
    site.ids["token"] = token.id
    assert await site.run(f"GET {STUDENT}/assignmentTokens") == [
        {"createdAt": "2021-06-10T19:10:00Z", "user": user, "id": token.id, "assignment": number}
    ]
    (delete,) = [route for route in COVERED_BY if route.startswith("DELETE")]
    assert await site.run(delete) == "deleted token"
    assert await site.run(f"GET {STUDENT}/assignmentTokens") == []
    site.assert_covered("test_access_tokens")


async def test_submissions(site: Site) -> None:
    site.ids["assignment"] = number = await make_assignment(site.service)
    alice = {"username": "alice", "userId": site.ids["user"]}
    await record_capture(site.service, number, alice, Kind.DEADLINE, "homework-1_2026-03-01")
    (submission,) = await site.run(f"GET {STUDENT}/submissions")
    assert set(submission) == {
        f"problemSubmission{name}"
        for name in ("AssignmentId", "Correct", "Data", "Source", "Credit", "Ident", "UserId",
                     "LateCredit", "Type", "Time", "Extra")
    }  # fmt: skip
    assert submission["problemSubmissionIdent"] == "homework-1_2026-03-01"
    assert submission["problemSubmissionSource"]["tag"] == "Assignment"
    assert await site.run(f"GET {ASSIGNMENT}/submissions") == [submission]
    assert await site.run(f"GET {ASSIGNMENT}/submissions/:studentId") == [submission]
    site.assert_covered("test_submissions")


def test_the_table_is_complete() -> None:
    """Each route is one of ours, each test is here, and each line belongs to a route."""
    ours = {
        (method, re.sub(r"\{\w+\}", "{}", template))
        for template, handler in ROUTES
        for method in handler.operations
    }
    for route in COVERED_BY:
        method, path = route.split(" ")
        assert (method, "/api/v1" + re.sub(r":\w+", "{}", path)) in ours, route
    tests = {name for name in globals() if name.startswith("test_")}
    assert set(COVERED_BY.values()) == tests - {"test_the_table_is_complete"}
    assert len(COVERED_BY) == 22
    assert set(PYTHON) | set(CURL) <= set(COVERED_BY)
