"""A student works on assignments: own deadlines, an own clock, what was captured, its receipt."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from assignments_panel import OwnAssignments, shown
from coursework import Coursework, coming
from example_hub import Hub
from panel import Panel

PASSWORD = "newton's apple"
#: Whole minutes are the least that can be set; closing ends it before.
_MINUTES = 1
_OPEN_SECONDS = 20


@pytest.fixture
def own(ada: Panel) -> OwnAssignments:
    return OwnAssignments(ada.page)


@pytest.fixture
def quiz(coursework: Coursework) -> int:
    availability = {"tag": "ViaPasswordExpiring", "contents": [PASSWORD, _MINUTES]}
    return coursework.set("Quiz 7", coming(days=3), availability=availability)


@pytest.fixture
def hidden(coursework: Coursework) -> Iterator[int]:
    availability = {"tag": "HiddenViaPassword", "contents": PASSWORD}
    made = coursework.set("Make-up test", coming(days=3), availability=availability)
    yield made
    coursework.remove(made)


def test_own_deadline_and_why(own: OwnAssignments, coursework: Coursework) -> None:
    due, until = coming(days=4), coming(days=6)
    made = coursework.set("Problem set 8", due, visibleFrom="2026-01-01")
    coursework.extend(made, "ada", until)
    own.refresh()
    mine = own.assignment("Problem set 8")
    expect(mine).to_contain_text(f"Due {shown(until)}")
    expect(mine).to_contain_text(f"You have an extension. Without it: {shown(due)}")
    expect(own.assignment("Make-up test")).to_have_count(0)
    mine.get_by_role("button", name="Why this deadline? Problem set 8").click()
    steps = own.dialog.get_by_role("list", name="Steps that led to it").get_by_role("listitem")
    expect(steps).to_have_count(2)
    expect(steps.nth(0)).to_contain_text(re.compile(rf"Due date.*{shown(due)}"))
    expect(steps.nth(1)).to_contain_text(re.compile(rf"Extension.*{shown(due)}.*{shown(until)}"))
    own.dialog.get_by_role("button", name="Close").first.click()
    coursework.remove(made)


def test_a_timed_one_is_opened_and_captured_at_its_end(
    own: OwnAssignments, coursework: Coursework, quiz: int, class_hub: Hub, tmp_path: Path
) -> None:
    page, home = own.page, class_hub.state / "homes/ada"
    own.refresh()
    mine = own.assignment("Quiz 7")
    expect(mine).to_contain_text("You have 1 minute from when you open it.")
    own.ask_to_open("Quiz 7")
    expect(own.dialog).to_contain_text(
        "Your clock starts when you open it, and it starts only once."
    )
    own.start_with("newton's pear")
    expect(own.dialog.get_by_role("alert")).to_contain_text("This is not the password.")
    assert not (home / "quiz-7").exists()

    coursework.change(quiz, duedate=coming(seconds=_OPEN_SECONDS))
    own.start_with(PASSWORD)
    expect(own.dialog).to_contain_text("Quiz 7 is open")
    expect(own.dialog).to_contain_text("quiz-7/quiz-7.ipynb")
    expect(mine.get_by_role("timer")).to_have_accessible_name("less than a minute left")
    expect(own.time_left).to_contain_text(re.compile(r"Quiz 7.*0:[01]\d"))
    own.dialog.get_by_role("button", name="Open Document").click()
    notebook = page.get_by_role("tabpanel", name="quiz-7.ipynb")
    expect(notebook.get_by_role("heading", name="Quiz 7")).to_be_visible()
    (home / "quiz-7/answer.txt").write_text("9.81\n")

    expect(mine).to_contain_text(re.compile("Captured .*CES?T"), timeout=60_000)
    expect(page.get_by_text("Quiz 7: captured at the end of your time.").first).to_be_visible()
    expect(mine.get_by_role("timer")).to_have_count(0)
    expect(own.time_left).to_have_count(0)

    mine.get_by_role("button", name="Receipt of Quiz 7").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download Receipt").click()
    saved = tmp_path / "receipt.json"
    download.value.save_as(saved)
    receipt = json.loads(saved.read_text())
    digests = {each["path"]: each["sha256"] for each in receipt["entries"]}
    assert receipt["assignment"]["title"] == "Quiz 7"
    assert digests["quiz-7/answer.txt"] == hashlib.sha256(b"9.81\n").hexdigest()
    told = own.fetch("POST", "jupyterhub-snapshots/api/v1/receipts/check", receipt)[1]
    assert [told[part] for part in ("signature", "files", "stored")] == [
        "valid",
        "match",
        "matches",
    ]

    mine.get_by_role("button", name="Show Files of Quiz 7").click()
    own.open_file("quiz-7")
    expect(own.file("answer.txt")).to_be_visible()


def test_a_hidden_one_is_opened_by_its_title(
    own: OwnAssignments, hidden: int, class_hub: Hub
) -> None:
    page = own.page
    page.get_by_role("button", name="More about assignments").click()
    page.get_by_role("menuitem", name="Open a Hidden Assignment…").click()
    for password, answer in (
        ("wrong", "The title or the password is not right."),
        (PASSWORD, "Make-up test is open"),
    ):
        own.dialog.get_by_label("Title").fill("Make-up test")
        own.password.fill(password)
        own.dialog.get_by_role("button", name="Open", exact=True).click()
        expect(own.dialog).to_contain_text(answer)
    own.dialog.get_by_role("button", name="Close").first.click()
    path = "make-up-test/make-up-test.ipynb"
    expect(own.assignment("Make-up test").get_by_role("button", name=path)).to_be_visible()
    assert (class_hub.state / "homes/ada" / path).is_file()
