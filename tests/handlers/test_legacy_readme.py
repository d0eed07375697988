"""The curl lines that scripts were written after, run by curl; only host, key and ids differ."""

from __future__ import annotations

import asyncio
import json
import shlex
from datetime import date
from pathlib import Path

import pytest

from service import SITE_KEY, RunningService

STUDENT, NAME = "31387714", "assignment-1_2021-09-09"
TODAY = date.today().isoformat()  # noqa: DTZ011 the service's zone is this one


@pytest.fixture
def curl(single: RunningService, tmp_path: Path):
    """Runs a curl line in an empty folder; returns what it printed."""
    single.home(STUDENT).file("work.ipynb", b"{}")
    single.put_snapshot(STUDENT, NAME, [("practice/practice-1.ipynb", b"one"), ("a.txt", b"a")])
    (tmp_path / "assignment-1-grades.html").write_bytes(b"<h1>A</h1>")

    async def run(line: str) -> str:
        line = line.replace("12345", SITE_KEY).replace("https://api.example.com:5000", single.url)
        command, *arguments = shlex.split(line)
        process = await asyncio.create_subprocess_exec(
            command,
            "-sS",
            *arguments,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors
        return output.decode()

    return run


KEY = 'curl -H "X-Api-Key: 12345"'
SAVE = 'curl -OJ -H "X-Api-Key: 12345"'
POST = 'curl -X POST -H "X-Api-Key: 12345"'
HOST = "https://api.example.com:5000"


async def test_lists(curl) -> None:
    for fields in ("--data", "-d", "-F"):
        line = f'{KEY} {fields} "STUDENT_ID=31387714" {HOST}/get_snapshot_list'
        assert json.loads(await curl(line)) == [NAME]
    for fields in (
        f'--data "STUDENT_ID=31387714&SNAPSHOT_NAME={NAME}"',
        f'-d "STUDENT_ID=31387714" -d "SNAPSHOT_NAME={NAME}"',
        f'-F "STUDENT_ID=31387714" -F "SNAPSHOT_NAME={NAME}"',
    ):
        listed = json.loads(await curl(f"{KEY} {fields} {HOST}/get_snapshot_file_list"))
        assert sorted(listed) == ["a.txt", "practice/practice-1.ipynb"]


async def test_downloads_are_saved_under_their_names(curl, tmp_path: Path) -> None:
    both = f'"STUDENT_ID=31387714&SNAPSHOT_NAME={NAME}"'
    parts = f'-d "STUDENT_ID=31387714" -d "SNAPSHOT_NAME={NAME}"'
    saved = tmp_path / f"{STUDENT}_{NAME}.zip"
    for fields in (f"--data {both}", parts, parts.replace("-d", "-F")):
        await curl(f"{SAVE} {fields} {HOST}/get_snapshot_zip")
        assert saved.read_bytes().startswith(b"PK")
        saved.unlink()
    file = "SNAPSHOT_FILENAME=practice/practice-1.ipynb"
    parts += f' -d "{file}"'
    whole = both[:-1] + f'&{file}"'
    saved = tmp_path / "practice-1.ipynb"
    for fields in (parts, parts.replace("-d", "-F"), f"-d {whole}", f"--data {whole}"):
        await curl(f"{SAVE} {fields} {HOST}/get_snapshot_file")
        assert saved.read_bytes() == b"one"
        saved.unlink()


async def test_reports(curl, single: RunningService) -> None:
    route = f"{HOST}/put_student_report"
    file = "UPLOAD_FILE=@assignment-1-grades.html"
    answer = await curl(f'{POST} -F "STUDENT_ID=31387714" -F "{file}" {route}')
    assert json.loads(answer) == "Success - File Uploaded - assignment-1-grades.html"
    returned = single.place / "homes" / STUDENT / "assignment-1-grades.html"
    assert returned.read_bytes() == b"<h1>A</h1>"
    # These lines never sent a file; the answer shows the one that does.
    for fields in (f'-d "STUDENT_ID=31387714" -d "{file}"', f'-data "STUDENT_ID=31387714&{file}"'):
        error = json.loads(await curl(f"{POST} {fields} {route}"))
        assert error["status"] in (400, 406)
        assert 'curl -F "STUDENT_ID=31387714" -F "UPLOAD_FILE=@' in error["message"]


async def test_snapshots(curl, single: RunningService) -> None:
    fields = '-F "STUDENT_ID=31387714" -F "SNAPSHOT_NAME=Assignment-{}"'
    for number, each in enumerate((fields, fields.replace("-F", "-d"))):
        answer = await curl(f"{POST} {each.format(number)} {HOST}/snapshot")
        made = f"assignment-{number}_{TODAY}"
        assert json.loads(answer) == f"Success - Snapshot Created - {made} for Student: 31387714"
    # curl takes "-data X" for "-d ata", so the fields were never sent; the answer says which.
    line = f'{POST} -data "STUDENT_ID=31387714&SNAPSHOT_NAME=Assignment-1" {HOST}/snapshot'
    error = json.loads((await curl(line)).partition("curl:")[0])
    assert error["status"] == 406
    assert 'curl -d "STUDENT_ID=31387714" -d "SNAPSHOT_NAME=Assignment-1"' in error["message"]


async def test_the_whole_class_under_either_fields_name(curl) -> None:
    for number, fields in enumerate(
        ('-F "STUDENT_NAME=all-{}"', '-d "STUDENT_NAME=all-{}"', '-d "SNAPSHOT_NAME=all-{}"')
    ):
        answer = await curl(f"{POST} {fields.format(number)} {HOST}/snapshot_all")
        made = f"all-{number}_{TODAY}"
        assert json.loads(answer) == f"Success - Snapshot Created - {made} for All Students"
    error = json.loads(await curl(f'{POST} -data "STUDENT_NAME=all" {HOST}/snapshot_all'))
    assert error["status"] == 406
    assert 'curl -d "SNAPSHOT_NAME=assignment-1-all"' in error["message"]
