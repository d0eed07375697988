"""What would come of returning reports: told, as returning them tells it, and nothing is done."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from jupyterhub_snapshots.beneath import Folder, NotBelow
from jupyterhub_snapshots.store import people
from service import RunningService, StandInHub, assert_error

COURSE = "/api/v1/instructors/me/courses/phys"


async def check(service: RunningService, *files: str) -> list[dict[str, Any]]:
    answer = await service.post(f"{COURSE}/reports/check", json={"files": files})
    assert answer.status_code == 200, answer.text
    return list(answer.json())


async def test_a_dry_run(service: RunningService) -> None:
    home = service.home("alice")
    home.file("grades.html")
    (home / "link.html").symlink_to("nowhere")
    await service.services.store.write(lambda db: people.set_canvas_ids(db, {"777": "alice"}))
    found = await check(
        service,
        *("alice.html", "777/feedback.html", "alice_week1.pdf", "alice/grades.html"),
        *(
            "alice-link.html",
            "bob.html",
            "carl.html",
            "../x.html",
            "alice/a b.txt",
            "alice_a_b.txt",
        ),
    )
    assert [
        (each["file"], each["student"], each["reportName"], each["problem"]) for each in found
    ] == [
        ("alice.html", "alice", "alice.html", None),
        ("777/feedback.html", "alice", "feedback.html", None),
        ("alice_week1.pdf", "alice", "week1.pdf", "wrong_type"),
        ("alice/grades.html", "alice", "grades.html", "exists"),
        ("alice-link.html", "alice", "link.html", "exists"),
        ("bob.html", "bob", "bob.html", "no_home"),
        ("carl.html", None, None, "unknown_student"),
        ("../x.html", None, None, "bad_name"),
        ("alice/a b.txt", "alice", "a_b.txt", "duplicate"),
        ("alice_a_b.txt", "alice", "a_b.txt", "duplicate"),
    ]
    assert all(bool(each["message"]) == bool(each["problem"]) for each in found)
    assert sorted(os.listdir(home.path)) == ["grades.html", "link.html"]
    [line] = await service.audit()
    assert (line["action"], line["target"], line["student"]) == (
        *("return a report", "check of 10 names", None),
    )


@pytest.mark.threat("U3", "U4")
async def test_the_check_and_the_return_say_the_same(service: RunningService) -> None:
    home = service.home("alice")
    for name in ("taken.html", "taken.py", "a_b.html"):
        home.file(name)
    (home / "folder.html").mkdir()
    (home / "link.html").symlink_to("/etc/passwd")
    codes = {
        None: None, "exists": "report_exists", "wrong_type": "refused_file_type",
        "bad_name": ("missing_field", "invalid_name"), "no_home": "home_not_found",
    }  # fmt: skip
    for student in ("alice", "bob"):
        for name in (
            "taken.html", "taken.py", "new.html", "new.py", "a b.html", "folder.html", "link.html",
            "???", "x" * 250 + ".html", "Übung.html", ".hidden.html", "html", "new.HTML",
        ):  # fmt: skip
            [found] = await check(service, f"{student}/{name}")
            answer = await service.post(
                f"{COURSE}/students/{student}/reports", files={"file": (name, b"x")}
            )
            if answer.status_code == 201:
                assert (found["problem"], found["reportName"]) == (None, answer.json())
            else:
                assert answer.json()["code"] in (codes[found["problem"]] or ()), (student, name)
                assert found["message"] == answer.json()["message"]


@pytest.mark.threat("U4")
async def test_a_home_that_is_a_link_or_unreadable(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service.place / "elsewhere").mkdir()
    (service.place / "homes/alice").symlink_to(service.place / "elsewhere")
    [found] = await check(service, "alice.html")
    assert found["problem"] == "no_home"
    service.home("bob")
    for number in (errno.EACCES, errno.EIO):

        def failing(folder: Folder, name: str, number: int = number) -> os.stat_result:
            raise NotBelow(number, "Nothing of that kind there", name)

        with monkeypatch.context() as patch:
            patch.setattr(Folder, "lstat", failing)
            [found] = await check(service, "bob.html")
        assert (found["problem"], found["message"]) == ("no_home", "The home can't be read.")


async def test_who_left_gets_nothing(service: RunningService, hub: StandInHub) -> None:
    hub.groups["nbgrader-phys"].append("alice_b")
    service.home("alice")
    service.home("alice_b")
    service.services.roster.refresh_seconds = 0.0
    [found] = await check(service, "alice_b.html")
    assert (found["student"], found["reportName"]) == ("alice_b", "alice_b.html")
    hub.groups["nbgrader-phys"].remove("alice_b")
    [found] = await check(service, "alice_b.html")
    assert (found["student"], found["problem"]) == (None, "unknown_student")
    assert "alice_b" in found["message"]


async def test_an_empty_assignment_is_none(service: RunningService) -> None:
    service.home("alice")
    answer = await service.post(
        "/api/v1/instructors/me/courses/phys/students/alice/reports",
        files={"file": ("r.html", b"<p>")},
        data={"assignment": " "},
    )
    assert answer.status_code == 201, answer.text
    assert list((service.place / "homes/alice").rglob(answer.json()))


async def test_at_most_five_thousand(service: RunningService) -> None:
    service.home("alice")
    many = [f"alice/{number}.html" for number in range(5000)]
    assert {each["problem"] for each in await check(service, *many)} == {None}
    for body in (
        {"files": [*many, "one-more.html"]}, {}, {"files": "alice.html"}, {"files": [1]},
        {"files": None}, [],
    ):  # fmt: skip
        answer = await service.post(f"{COURSE}/reports/check", json=body)
        assert_error(answer, 400, "invalid_request")
    assert await check(service) == []
