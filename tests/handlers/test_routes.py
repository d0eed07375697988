"""Who may do what: every route and every method, as everybody, with every kind of credential."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest
from tornado.web import create_signed_value

from jupyterhub_snapshots.core.access import PERSONAL, PUBLIC, Action
from jupyterhub_snapshots.handlers import ROUTES
from jupyterhub_snapshots.handlers.base import BaseHandler, Operation
from jupyterhub_snapshots.handlers.legacy import LegacyHandler
from service import PREFIX, RunningService, StandInHub, assert_error

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
NAMES = {
    "ident": "me",
    "course": "phys",
    "student": "alice",
    "name": "hw_2026-01-31",
    "path": "a.txt",
    "batch": "4711",
    "key": "4711",
    "member": "4711",
    "document": "4711",
    "assignment": "4711",
    "extension": "4711",
    "token": "4711",
}
#: Parts of a path that name nothing that exists.
MISSING = tuple(f"{{{name}}}" for name, value in NAMES.items() if value == "4711")
QUERY = {"{course}/archive.zip": "?name=hw_2026-01-31", "/compare": "?with=hw_2026-01-31"}
#: The shape of a receipt; what holds of it is another question.
RECEIPT = {
    "receipt": 1,
    "issuedAt": "2026-01-31T12:00:00Z",
    "service": "",
    "course": {"code": "phys", "title": "", "timeZone": "UTC"},
    "assignment": None,
    "student": {"username": "alice", "name": ""},
    "snapshot": {
        "name": "hw_2026-01-31",
        "kind": None,
        "state": "complete",
        "deadline": None,
        "requestedAt": None,
        "beganAt": "2026-01-31T12:00:00Z",
        "endedAt": "2026-01-31T12:00:00Z",
        "lateSeconds": None,
        "problems": [],
        "problemCount": 0,
    },
    "files": 0,
    "bytes": 0,
    "lateFiles": None,
    "rootDigest": "sha256:",
    "keyId": "0123456789abcdef",
    "signature": "A" * 86 + "==",
    "entries": [],
}
#: What follows is the caller's own as a student.
OWN = "/api/v1/users/me/courses/"
FORM = {"STUDENT_ID": "alice", "SNAPSHOT_NAME": "hw_2026-01-31", "SNAPSHOT_FILENAME": "a.txt"}

#: What a POST sends, by the end of its template; of assignments that are not there.
BODIES: dict[str, dict[str, object]] = {
    "/reports/check": {"files": ["alice.html", "bob/r.html"]},
    "/snapshots": {"name": "Walk", "students": ["alice"]},
    "/keys": {"name": "walk"},
    "/extensions": {"onAssignment": 4711, "until": "2026-12-01"},
    "/assignments": {"document": 4711, "title": "Walk"},
    "/deliveries": {},
    "/preview": {"accommodation": {"student": "alice", "timeFactor": 2}},
    "/assignments/open": {"title": "Walk", "password": ""},
    "{assignment}/open": {"password": ""},
}
#: What those who may get, because there is no such assignment or document, or no such password.
LACKING = {"{student}/extensions": 404, "{course}/assignments": 400, "/assignments/open": 403}

OK, NO, NOBODY, NOTHING, CONFLICT = range(200, 300), 403, 401, 404, 409
#: Who may, for every action: student alice herself, instructor of the other course, assistant,
#: instructor, administrator. 404 is what does not exist, and is told to those who may know.
MAY: dict[Action, tuple[object, object, object, object, object]] = {
    Action.READ_API: (OK, OK, OK, OK, OK),
    Action.CHECK_RECEIPT: (OK, OK, OK, OK, OK),
    Action.MANAGE_KEYS: (OK, OK, OK, OK, OK),
    Action.LIST_STUDENTS: (NO, NO, OK, OK, OK),
    Action.LIST_SNAPSHOTS: (OK, NO, OK, OK, OK),
    Action.READ_FILES: (OK, NO, OK, OK, OK),
    Action.DOWNLOAD: (OK, NO, OK, OK, OK),
    Action.CAPTURE: (NO, NO, NO, OK, OK),
    Action.FOLLOW_BATCH: (NO, NO, OK, OK, OK),
    Action.DELETE_SNAPSHOT: (NO, NO, NO, OK, OK),
    Action.PIN_SNAPSHOT: (NO, NO, NO, OK, OK),
    Action.RETURN_REPORT: (NO, NO, NO, OK, OK),
    Action.READ_AUDIT: (NO, NO, NO, OK, OK),
    Action.MANAGE_ROSTER: (NO, NO, NO, OK, OK),
    Action.READ_ASSIGNMENTS: (OK, NO, OK, OK, OK),
    Action.EDIT_ASSIGNMENTS: (NO, NO, NO, OK, OK),
    Action.READ_DEADLINES: (OK, NO, OK, OK, OK),
    Action.GRANT_TIME: (NO, NO, NO, OK, OK),
    Action.READ_SUBMISSIONS: (NO, NO, OK, OK, OK),
    Action.DELIVER_DOCUMENT: (NO, NO, NO, OK, OK),
    Action.OPEN_ASSIGNMENT: (OK, NO, NO, NO, NO),
    Action.READ_DOCUMENTS: (NO, OK, NO, OK, OK),
    Action.WRITE_DOCUMENTS: (NO, OK, NO, OK, OK),
    Action.READ_METRICS: (NO, NO, NO, NO, OK),
}
WHO = ("alice", "carl", "tara", "ina", "root")

declared = [
    (template, handler, method, operation)
    for template, handler in ROUTES
    for method, operation in handler.operations.items()
]
undeclared = [
    (template, method)
    for template, handler in ROUTES
    for method in METHODS
    if method not in handler.operations
]


def address(template: str, **names: str) -> str:
    path = template.replace("*}", "}").format(**(NAMES | names))
    return path + next((query for end, query in QUERY.items() if template.endswith(end)), "")


@pytest.fixture
def send(service: RunningService) -> Callable[..., Awaitable[httpx.Response]]:
    """Sends what a good request of the route would send."""
    numbers = itertools.count()

    async def send(
        template: str, method: str, headers: dict[str, str], **names: str
    ) -> httpx.Response:
        options: dict[str, object] = {}
        if method == "POST" and not template.startswith("/api"):
            headers = {"Course": names.get("course", "phys"), **headers}
            options["data"] = FORM | {
                field: names[name] for field, name in (("STUDENT_ID", "student"),) if name in names
            }
            if template == "/put_student_report":
                options["files"] = {"UPLOAD_FILE": ("r.html", b"r")}
        elif template.endswith("/reports"):
            options["files"] = {"file": ("r.html", b"r")}
        elif template.endswith("/receipts/check"):
            options["json"] = RECEIPT
        elif template.endswith("/members") and method == "POST":
            options["json"] = {"username": f"new-{next(numbers)}", "role": "student"}
        elif template.endswith("/documents") and method == "POST":
            options["json"] = {"filename": f"walk-{next(numbers)}.ipynb"}
        elif template.endswith("/members/import"):
            options["content"] = b"username,role\nimported,student\n"
        elif method == "PATCH":
            options["json"] = {"pinned": False}
        elif method == "POST":
            found = (body for end, body in BODIES.items() if template.endswith(end))
            options["json"] = next(found, None)
        service.client.cookies.clear()
        return await service.client.request(
            method,
            f"http://127.0.0.1:{service.port}{PREFIX}{address(template, **names)}",
            headers=headers,
            **options,
        )

    return send


def session_of(service: RunningService, name: str) -> dict[str, str]:
    """The cookie that a browser has after a login."""
    hub_auth = service.services.credentials.hub_auth
    assert hub_auth is not None
    value = create_signed_value(
        service.application.settings["cookie_secret"], hub_auth.cookie_name, f"token-{name}"
    )
    return {"Cookie": f"{hub_auth.cookie_name}={value.decode()}"}


def expected(
    who: int, kind: str, handler: type[BaseHandler], method: str, operation: Operation
) -> object:
    action = operation.action
    if kind == "session" and method not in ("GET", "HEAD"):
        return NO  # no XSRF token
    if kind == "key" and action in (Action.MANAGE_KEYS, Action.READ_METRICS):
        return NO  # a key has no more rights than it needs
    if kind == "key" and WHO[who] == "root":
        return (
            OK if action in (Action.READ_API, Action.CHECK_RECEIPT) else NO
        )  # administrator of the hub, member of nothing
    want = MAY[action][who]
    if WHO[who] == "alice" and want is OK and action not in PERSONAL:
        template = template_of(handler)
        own = issubclass(handler, LegacyHandler) is False and (
            "{student}" in template or template.startswith(OWN)
        )
        return OK if own else NO  # own things only, and not those of the class
    return want


def template_of(handler: type[BaseHandler]) -> str:
    return next(template for template, each in ROUTES if each is handler)


@pytest.mark.threat("A7", "A9", "A12", "A13", "A15", "H8")
async def test_the_walk(
    service: RunningService,
    user_key: Callable[..., Awaitable[str]],
    send: Callable[..., Awaitable[httpx.Response]],
) -> None:
    service.home("alice").file("a.txt")
    credentials: dict[tuple[str, str], dict[str, str]] = {}
    for who in WHO:
        credentials[who, "token"] = {"Authorization": f"token token-{who}"}
        credentials[who, "session"] = session_of(service, who)
        credentials[who, "key"] = {"X-Api-Key": await user_key(who)}
    wrong = []
    for template, handler, method, operation in declared:
        if operation.action in PUBLIC:
            answer = await send(template, method, {})
            if answer.status_code not in OK:
                wrong.append((template, method, "nobody", answer.status_code))
            continue
        answer = await send(template, method, {})
        assert_error_of(answer, method, 401)
        for (number, who), kind in itertools.product(enumerate(WHO), ("token", "session", "key")):
            folder = service.place / "snapshots/phys/alice/hw_2026-01-31"
            if not folder.exists():
                service.put_snapshot("alice", course="phys")
            (service.place / "homes/alice/r.html").unlink(missing_ok=True)
            answer = await send(template, method, credentials[who, kind])
            want = expected(number, kind, handler, method, operation)
            allowed = {want} if isinstance(want, int) else {*OK}
            if want is OK and any(name in template for name in MISSING):
                allowed = {NOTHING}
            elif want is OK and method == "POST":
                lacking = [status for end, status in LACKING.items() if template.endswith(end)]
                allowed = {*lacking} or allowed
            if want is OK and template.startswith(OWN) and "{name}" in template and who != "alice":
                allowed = {NOTHING}  # there are snapshots of alice only
            elif want is OK and template.endswith(("/compare", "/receipt", "/receipt.html")):
                allowed = {CONFLICT}  # which has no manifest
            if want is OK and template in ("/snapshot", "/snapshot_all"):
                allowed |= {NOTHING, 207, 502}  # taken once already on this day; bob has no home
            if answer.status_code not in allowed:
                wrong.append((template, method, who, kind, answer.status_code, answer.text[:90]))
            elif answer.status_code >= 400 and not (allowed - {403}):
                assert_error_of(answer, method, 403)
    assert not wrong, "\n".join(map(str, wrong))


def assert_error_of(answer: httpx.Response, method: str, status: int) -> None:
    if method == "HEAD":
        assert answer.status_code == status
    else:
        assert_error(answer, status)


def test_every_route_names_what_it_does() -> None:
    for template, handler in ROUTES:
        assert handler.operations, template
        for method, operation in handler.operations.items():
            assert method in METHODS
            assert operation.action in PUBLIC or operation.action in MAY
            assert operation.summary
            assert method.lower() in dir(handler)
            assert "{" not in template or template.startswith("/api/v1/")


def test_every_action_is_somebodys() -> None:
    used = {operation.action for *_, operation in declared}
    assert used - PUBLIC == set(MAY)


@pytest.mark.threat("H9")
async def test_undeclared_methods_are_refused(
    service: RunningService, send: Callable[..., Awaitable[httpx.Response]]
) -> None:
    token = service.headers
    for template, method in undeclared:
        for headers in ({}, token, token | {"X-HTTP-Method-Override": "POST"}):
            answer = await send(template, method, headers)
            assert answer.status_code == 405, (template, method)
            if method != "HEAD" and template.startswith("/api"):
                assert_error(answer, 405, "method_not_allowed")
            assert set(answer.headers["Allow"].split(", ")) == {
                *dict(ROUTES)[template].operations,
                "OPTIONS",
            }


@pytest.mark.threat("H9")
def test_no_get_changes_anything() -> None:
    reading = PUBLIC | {
        Action.READ_API,
        Action.CHECK_RECEIPT,
        Action.MANAGE_KEYS,
        Action.LIST_STUDENTS,
        Action.LIST_SNAPSHOTS,
        Action.READ_FILES,
        Action.DOWNLOAD,
        Action.FOLLOW_BATCH,
        Action.READ_AUDIT,
        Action.READ_ASSIGNMENTS,
        Action.READ_DEADLINES,
        Action.READ_SUBMISSIONS,
        Action.READ_DOCUMENTS,
        Action.READ_METRICS,
    }
    assert {each.action for _, _, method, each in declared if method in ("GET", "HEAD")} <= reading


def below(part: str) -> Iterator[tuple[str, str]]:
    for template, _, method, _ in declared:
        if f"{{{part}}}" in template:
            yield template, method


@pytest.mark.threat("A12", "A13")
async def test_nobody_can_probe_for_courses_or_students(
    service: RunningService, send: Callable[..., Awaitable[httpx.Response]]
) -> None:
    service.put_snapshot("bob", course="phys")
    alice, carl = {"Authorization": "token token-alice"}, {"Authorization": "token token-carl"}
    for template, method in below("student"):
        answers = [
            await send(template, method, alice, student=student)
            for student in ("bob", "nobody", "4711", "ina", "dora")
        ]
        assert {(each.status_code, each.text) for each in answers} == {(403, answers[0].text)}
    for template, method in below("course"):
        answers = [
            await send(template, method, carl, course=course)
            for course in ("phys", "Physics 101", "no such course")
        ]
        assert {(each.status_code, each.text) for each in answers} == {(403, answers[0].text)}
    for template in [
        template for template, handler in ROUTES if issubclass(handler, LegacyHandler)
    ]:
        answers = [
            await send(template, "POST", carl, course=course) for course in ("phys", "nothing")
        ]
        assert {(each.status_code, each.text) for each in answers} == {(403, answers[0].text)}


@pytest.mark.threat("A12")
async def test_somebody_elses_ident_is_refused_known_or_not(service: RunningService) -> None:
    for ident in ("carl", "nobody", "ina ", "INA", "%2e%2e"):
        assert_error(await service.get(f"/api/v1/instructors/{ident}/courses"), 403)
    assert (await service.get("/api/v1/instructors/ina/courses")).status_code == 200
    assert (await service.get("/api/v1/instructors/%69na/courses")).status_code == 200
    root = {"Authorization": "token token-root"}
    assert (await service.get("/api/v1/instructors/carl/courses", headers=root)).status_code == 200


@pytest.mark.threat("A7", "A13")
async def test_an_instructor_reaches_only_homes_of_the_own_course(
    service: RunningService, hub: StandInHub
) -> None:
    """Neither the home of another course's student, nor of a colleague, nor of one who left."""
    hub.groups["formgrade-phys"].append("tom")
    for name in ("alice", "dora", "carl", "tom", "otto"):
        service.home(name).file("private.txt")
    base = "/api/v1/instructors/me/courses/phys"
    for name in ("dora", "carl", "tom", "otto", "ina"):
        answer = await service.post(
            f"{base}/snapshots", json={"name": "x", "students": ["alice", name]}
        )
        assert_error(answer, 404, "student_not_found")
        answer = await service.post(
            f"{base}/students/{name}/reports", files={"file": ("r.html", b"r")}
        )
        assert_error(answer, 404, "student_not_found")
        form = {"STUDENT_ID": name, "SNAPSHOT_NAME": "x"}
        assert_error(await service.post("/snapshot", form), 404, "student_not_found")
        answer = await service.post(
            "/put_student_report", form, files={"UPLOAD_FILE": ("r.html", b"r")}
        )
        assert_error(answer, 404, "student_not_found")
        assert [path.name for path in (service.place / "homes" / name).glob("*")] in (
            ["private.txt"],
            [],
        )
    assert not list((service.place / "snapshots/phys").glob("[!.]*"))
    hub.groups["nbgrader-phys"].remove("alice")
    service.services.roster.refresh_seconds = 0.0
    assert_error(
        await service.post(f"{base}/snapshots", json={"name": "x", "students": ["alice"]}),
        404,
        "student_not_found",
    )


async def test_an_instructors_hub_token_works_on_the_older_routes(service: RunningService) -> None:
    service.home("alice").file("a.txt")
    done = await service.post("/snapshot", {"STUDENT_ID": "alice", "SNAPSHOT_NAME": "Hub token"})
    assert done.json().startswith("Success - Snapshot Created - hub-token_")
    names = await service.post("/get_snapshot_list", {"STUDENT_ID": "alice"})
    assert len(names.json()) == 1
    assert (await service.post("/get_snapshot_list", {"STUDENT_ID": "bob"})).status_code == 404


async def test_an_administrator_of_two_courses_says_which(service: RunningService) -> None:
    service.put_snapshot("alice", course="phys")
    root = {"Authorization": "token token-root"}
    form = {"STUDENT_ID": "alice"}
    answer = await service.post("/get_snapshot_list", form, headers=root)
    assert "phys, chem" in assert_error(answer, 400, "invalid_request")["message"]
    named = await service.post("/get_snapshot_list", form, headers={**root, "Course": "phys"})
    assert named.json() == ["hw_2026-01-31"]
    named = await service.post(
        "/get_snapshot_list", {**form, "COURSE": "Physics 101"}, headers=root
    )
    assert named.json() == ["hw_2026-01-31"]
