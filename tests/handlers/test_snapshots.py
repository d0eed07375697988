"""The catalogue over HTTP: lists, pages, one snapshot, pinning, deleting, zips."""

from __future__ import annotations

import io
import threading
import zipfile

import pytest

from jupyterhub_snapshots import __version__
from jupyterhub_snapshots.core.records import Snapshot
from jupyterhub_snapshots.handlers import snapshots as snapshot_handlers
from service import RunningService, assert_error

COURSE = "/api/v1/instructors/me/courses/phys"
FIRST, SECOND = "hw-1_2026-01-31", "hw-2_2026-02-28"


@pytest.fixture
def some(service: RunningService) -> RunningService:
    for student in ("alice", "bob"):
        for name in (FIRST, SECOND):
            service.put_snapshot(student, name, [("a.txt", b"a"), ("d/b.txt", b"bb")], "phys")
    service.put_snapshot("dora", FIRST, course="chem")
    return service


async def test_the_catalogue_of_the_class(some: RunningService) -> None:
    found = (await some.get(f"{COURSE}/snapshots")).json()
    assert [(each["student"], each["name"]) for each in found] == [
        ("alice", FIRST), ("alice", SECOND), ("bob", FIRST), ("bob", SECOND),
    ]  # fmt: skip
    assert {each["state"] for each in found} == {"unknown"}
    of_bob = (await some.get(f"{COURSE}/snapshots?student=bob")).json()
    assert {each["student"] for each in of_bob} == {"bob"}
    named = (await some.get(f"{COURSE}/snapshots?name={SECOND}&name={FIRST}")).json()
    assert {each["name"] for each in named} == {SECOND}
    listed = (await some.get(f"{COURSE}/students")).json()
    [number] = [each["id"] for each in listed if each["username"] == "bob"]
    assert (await some.get(f"{COURSE}/snapshots?student={number}")).json() == of_bob
    for query, code in (
        ("student=dora", "student_not_found"),
        ("assignment=4711", "assignment_not_found"),
    ):
        assert_error(await some.get(f"{COURSE}/snapshots?{query}"), 404, code)
    titled = await some.get("/api/v1//instructors/ina/courses/Physics%20101/snapshots")
    assert titled.json() == found


async def test_pages_have_links(some: RunningService) -> None:
    page = await some.get(f"{COURSE}/snapshots?per_page=3&page=2&name=")
    assert page.json() == []
    page = await some.get(f"{COURSE}/snapshots?per_page=3&page=2")
    assert [each["name"] for each in page.json()] == [SECOND]
    assert page.links["prev"]["url"].endswith("/courses/phys/snapshots?per_page=3&page=1")
    assert set(page.links) == {"first", "prev", "last"}
    assert (await some.get(f"{COURSE}/snapshots?per_page=3&page=9")).json() == []
    beyond = await some.get(f"{COURSE}/snapshots?per_page=3&page=9")
    assert beyond.links["prev"]["url"].endswith("per_page=3&page=2")
    hundred = await some.get(f"{COURSE}/snapshots?page=1")
    assert (len(hundred.json()), set(hundred.links)) == (4, {"first", "last"})
    assert (await some.get(f"{COURSE}/snapshots?page=2")).json() == []
    for query in ("per_page=0", "per_page=x", "page=0", "per_page=1001", "page=9999999999"):
        assert_error(await some.get(f"{COURSE}/snapshots?{query}"), 400, "invalid_request")


async def test_a_student_sees_only_what_is_own(some: RunningService) -> None:
    alice = {"Authorization": "token token-alice"}
    own = f"{COURSE}/students/alice/snapshots"
    listed = (await some.get(own, headers=alice)).json()
    assert [each["name"] for each in listed] == [FIRST, SECOND]
    content = await some.get(f"{own}/{FIRST}/files/d/b.txt", headers=alice)
    assert content.content == b"bb"
    zipped = await some.get(f"{own}/{FIRST}/archive.zip", headers=alice)
    assert zipped.status_code == 200
    assert_error(await some.fetch("DELETE", f"{own}/{FIRST}", headers=alice), 403)
    assert_error(await some.get(f"{COURSE}/snapshots", headers=alice), 403)


async def test_pin_then_delete(some: RunningService) -> None:
    one = f"{COURSE}/students/alice/snapshots/{FIRST}"
    assert (await some.get(one)).json()["problems"] == []
    pinned = await some.fetch("PATCH", one, content=b'{"pinned": true, "other": 1}')
    assert pinned.json()["pinned"] is True
    assert (await some.get(one)).json()["pinned"] is True
    assert_error(await some.fetch("DELETE", one), 409, "snapshot_pinned")
    for body in (
        b"",
        b"{}",
        b'{"pinned": "maybe"}',
        b"[]",
        b"\xff",
        b'{"pinned": NaN}',
        b"[" * 9999,
    ):
        error = assert_error(await some.fetch("PATCH", one, content=body), 400, "invalid_request")
        assert error["details"]["field"]
    await some.fetch("PATCH", one, json={"pinned": False})
    assert (await some.fetch("DELETE", one)).json() == "deleted snapshot"
    assert_error(await some.fetch("DELETE", one), 404, "snapshot_not_found")
    assert_error(await some.get(one), 404, "snapshot_not_found")
    assert not (some.place / "snapshots/phys/alice" / FIRST).exists()
    assert (some.place / "snapshots/phys/alice" / SECOND).exists()
    lines = [line for line in await some.audit() if line["action"] == "delete a snapshot"]
    assert [(line["target"], line["status"]) for line in lines] == [
        (FIRST, 409), (FIRST, 200), (FIRST, 404),
    ]  # fmt: skip


@pytest.mark.threat("P18", "P19")
async def test_names_of_a_new_batch(some: RunningService) -> None:
    for name in ("!!!", "学", "🎓", "x" * 255, "-_-"):
        answer = await some.post(f"{COURSE}/snapshots", json={"name": name})
        assert_error(answer, 400, "invalid_snapshot_name")
    for body in ({"name": ""}, {"name": "x" * 256}, {}, {"name": 5}, {"name": "x", "students": 1}):
        assert_error(await some.post(f"{COURSE}/snapshots", json=body), 400, "invalid_request")
    for students in ([True], ["nobody"], [4711], ["../alice"], [""], ["alice\0"]):
        answer = await some.post(f"{COURSE}/snapshots", json={"name": "x", "students": students})
        assert answer.status_code in (400, 404)
        assert_error(answer, answer.status_code)
    for body in (
        rb'{"name": "x", "students": ["\ud800"]}',
        rb'{"name": "\ud800x"}',
        b'{"name": "\xff"}',
    ):
        answer = await some.post(f"{COURSE}/snapshots", content=body)
        assert answer.status_code in (400, 404)
    assert_error(await some.post(f"{COURSE}/snapshots", json={"name": "x", "students": []}), 400)


@pytest.mark.threat("P1", "P3", "P7", "S2")
async def test_one_folder_as_a_zip(some: RunningService) -> None:
    tree = some.place / "snapshots/phys/alice" / FIRST
    (tree / "d/deep").mkdir()
    (tree / "d/deep/c.txt").write_text("c")
    (tree / "linked").symlink_to("d")
    (tree / "outside").symlink_to(some.place)
    for route in (f"{COURSE}/students/alice/snapshots", "/api/v1/users/me/courses/phys/snapshots"):
        zipped = f"{route}/{FIRST}/archive.zip"
        alice = {"Authorization": "token token-alice"}
        one = await some.get(f"{zipped}?path=d/", headers=alice)
        assert members(one.content) == [
            f"alice/{FIRST}/{path}" for path in ("d/", "d/b.txt", "d/deep/", "d/deep/c.txt")
        ]
        assert one.headers["Content-Length"] == str(len(one.content))
        assert f'filename="alice_{FIRST}_d.zip"' in one.headers["Content-Disposition"]
        deep = await some.get(f"{zipped}?path=d/deep", headers=alice)
        assert members(deep.content) == [f"alice/{FIRST}/d/deep/{path}" for path in ("", "c.txt")]
        for path, status, code in (
            ("nothing", 404, "file_not_found"), ("linked", 404, "file_not_found"),
            ("outside/homes", 404, "file_not_found"), ("a.txt/x", 404, "file_not_found"),
            ("%FF", 404, "file_not_found"), ("a.txt", 400, "not_a_folder"),
            ("d/b.txt", 400, "not_a_folder"), ("..", 400, "invalid_name"),
            ("../../bob", 400, "invalid_name"), ("%00", 400, "invalid_name"),
            ("/etc", 400, "invalid_name"), ("d//deep", 400, "invalid_name"),
        ):  # fmt: skip
            answer = await some.get(f"{zipped}?path={path}", headers=alice)
            assert_error(answer, status, code)
    targets = [line["target"] for line in await some.audit()]
    assert targets[:2] == [f"{FIRST}/d", f"{FIRST}/d/deep"]


async def test_snapshots_of_one_who_never_was_a_member(some: RunningService) -> None:
    some.put_snapshot("formerly", FIRST, course="phys")
    route = f"{COURSE}/students/formerly/snapshots"
    [only] = (await some.get(route)).json()
    assert (only["student"], only["name"]) == ("formerly", FIRST)
    assert (await some.get(f"{route}/{FIRST}/files/a.txt")).content == b"a"
    for other in (
        await some.get(f"{COURSE}/students/formerly"),
        await some.get(f"{COURSE}/students/dora/snapshots"),
        await some.get(f"{COURSE}/students/.jupyterhub-snapshots/snapshots"),
        await some.get(f"{COURSE}/students/%00/snapshots"),
        await some.get(f"{COURSE}/students/%ff/snapshots"),
        await some.post(f"{COURSE}/students/formerly/reports", files={"file": ("r.html", b"r")}),
    ):
        assert_error(other, 404, "student_not_found")
    assert_error(await some.get(route, headers={"Authorization": "token token-alice"}), 403)
    assert (await some.fetch("DELETE", f"{route}/{FIRST}")).status_code == 200
    assert_error(await some.get(route), 404, "student_not_found")


def members(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        return sorted(opened.namelist())


@pytest.mark.threat("Z11", "Z13")
async def test_zips(some: RunningService) -> None:
    one = await some.get(f"{COURSE}/students/alice/snapshots/{FIRST}/archive.zip")
    assert members(one.content) == [
        f"alice/{FIRST}/{path}" for path in ("", "a.txt", "d/", "d/b.txt")
    ]
    assert one.headers["Content-Length"] == str(len(one.content))
    assert f'filename="alice_{FIRST}.zip"' in one.headers["Content-Disposition"]
    assert one.headers["Content-Security-Policy"].startswith("sandbox")
    whole = await some.get(f"{COURSE}/archive.zip?name={FIRST}")
    assert members(whole.content) == [
        f"{student}/{path}" for student in ("alice", "bob") for path in ("a.txt", "d/", "d/b.txt")
    ]
    chosen = await some.get(f"{COURSE}/archive.zip?name={FIRST}&students=bob&layout=nbgrader")
    assert members(chosen.content) == [
        f"submitted/bob/hw-1/{path}" for path in ("a.txt", "d/", "d/b.txt")
    ]
    for query, status in (
        ("", 400), ("name=nothing", 404), (f"name={FIRST}&students=dora", 404),
        (f"name={FIRST}&layout=other", 400), (f"name={FIRST}&students=../x", 404),
        (f"name={FIRST}&students=bob,dora", 404), (f"name={FIRST}&students=4711", 404),
        (f"name={FIRST}&layout=nbgrader&assignment=../x", 400), ("name=..", 404),
    ):  # fmt: skip
        assert_error(await some.get(f"{COURSE}/archive.zip?{query}"), status)
    listed = (await some.get(f"{COURSE}/students")).json()
    [number] = [each["id"] for each in listed if each["username"] == "bob"]
    by_id = await some.get(f"{COURSE}/archive.zip?name={FIRST}&students={number}&layout=nbgrader")
    assert members(by_id.content) == members(chosen.content)
    of_all = await some.get(f"{COURSE}/archive.zip?name={FIRST}&students=")
    assert members(of_all.content) == members(whole.content)


async def test_a_file_is_no_folder(some: RunningService) -> None:
    tree = f"{COURSE}/students/alice/snapshots/{FIRST}/tree"
    assert_error(await some.get(f"{tree}?path=d/b.txt"), 400, "not_a_folder")
    assert_error(await some.get(f"{tree}?path=d/nothing"), 404, "file_not_found")


async def test_what_was_read_before_a_change(some: RunningService) -> None:
    one = f"{COURSE}/students/alice/snapshots/{FIRST}"
    first = (await some.get(one)).headers["ETag"]
    pinned = await some.fetch("PATCH", one, json={"pinned": True}, headers={"If-Match": first})
    assert pinned.json()["pinned"]
    second = (await some.get(one)).headers["ETag"]
    assert pinned.headers["ETag"] == second != first
    let_go = {"json": {"pinned": False}, "headers": {"If-Match": first}}
    assert_error(await some.fetch("PATCH", one, **let_go), 412, "precondition_failed")
    again = await some.fetch("PATCH", one, json={"pinned": False}, headers={"If-Match": second})
    assert not again.json()["pinned"]
    late = await some.fetch("DELETE", one, headers={"If-Match": second})
    assert_error(late, 412, "precondition_failed")
    assert (some.place / "snapshots/phys/alice" / FIRST).exists()
    gone = await some.fetch("DELETE", one, headers={"If-Match": first})
    assert gone.json() == "deleted snapshot"


async def test_bodies_that_mean_something_else(some: RunningService) -> None:
    one = f"{COURSE}/students/alice/snapshots/{FIRST}"
    for pinned in ("false", 0, "no"):
        error = assert_error(await some.fetch("PATCH", one, json={"pinned": pinned}), 400)
        assert error["details"]["field"] == "pinned"
    batch = {"name": "x", "students": ["alice"], "includeHidden": "true"}
    error = assert_error(await some.post(f"{COURSE}/snapshots", json=batch), 400)
    assert error["details"]["field"] == "includeHidden"
    marked = await some.fetch("PATCH", one, content=b'\xef\xbb\xbf{"pinned": true}')
    assert marked.json()["pinned"]
    error = assert_error(await some.fetch("PATCH", one, content=b""), 400, "invalid_request")
    assert error["message"] == "The body is empty: send a JSON object."


async def test_students_and_courses(some: RunningService) -> None:
    [course] = (await some.get("/api/v1/instructors/me/courses")).json()
    assert (course["code"], course["timeZone"]) == ("phys", "Europe/Berlin")
    students = (await some.get(f"{COURSE}/students")).json()
    assert [each["username"] for each in students] == ["alice", "bob"]
    number = students[0]["id"]
    assert (await some.get(f"{COURSE}/students/{number}")).json() == students[0]
    assert (await some.get("/api/v1")).json() == {
        "version": "v1",
        "serviceVersion": __version__,
        "ident": "ina",
    }


async def test_a_returned_report(some: RunningService) -> None:
    some.home("alice")
    route = f"{COURSE}/students/alice/reports"
    answer = await some.post(route, files={"file": ("grades.html", b"A")})
    assert (answer.status_code, answer.json()) == (201, "grades.html")
    assert (some.place / "homes/alice/grades.html").read_bytes() == b"A"
    again = await some.post(route, files={"file": ("grades.html", b"B")})
    assert_error(again, 409, "report_exists")
    assert_error(await some.post(route, files={"file": ("x.py", b"")}), 400, "refused_file_type")
    assert_error(await some.post(route, files={"other": ("x.txt", b"")}), 400, "missing_field")
    missing = await some.post(f"{COURSE}/students/bob/reports", files={"file": ("x.txt", b"")})
    assert_error(missing, 404, "home_not_found")


async def test_names_in_the_query_that_are_not_utf_8(service: RunningService) -> None:
    service.home("alice")
    service.put_snapshot("alice", FIRST, [(b"caf\xe9/a.txt", b"x")], course="phys")
    tree = f"{COURSE}/students/alice/snapshots/{FIRST}/tree"
    [folder] = (await service.get(tree)).json()
    assert folder["name"] == "caf\udce9"
    [file] = (await service.get(f"{tree}?path=caf%E9")).json()
    assert file["name"] == "a.txt"
    assert_error(await service.get(f"{tree}?path=caf%E8"), 404)
    assert (await service.get(f"{COURSE}/snapshots?name=%FF")).json() == []
    for path, status in (
        ("snapshots?student=%FF", 404),
        ("snapshots?page=%FF", 400),
        ("archive.zip?name=%FF", 404),
        (f"archive.zip?name={FIRST}&students=%FF", 404),
    ):
        assert_error(await service.get(f"{COURSE}/{path}"), status)
    answer = await service.get(f"{COURSE}/archive.zip?name={FIRST}&layout=nbgrader&assignment=%FF")
    assert answer.status_code == 200


@pytest.mark.threat("D7")
async def test_lists_are_made_in_a_thread(
    some: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_in = set()

    def watched(snapshot: Snapshot) -> object:
        made_in.add(threading.current_thread())
        return snapshot.name

    monkeypatch.setattr(snapshot_handlers, "snapshot_model", watched)
    assert len((await some.get(f"{COURSE}/snapshots")).json()) > 1
    assert threading.main_thread() not in made_in
