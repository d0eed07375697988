"""``make bench`` in small: everything runs, and the figures are complete."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

BENCH = Path(__file__).parent.parent / ".ci" / "bench"
CASES = {
    "list, older route",
    "list",
    "list, class",
    "files, older route",
    "files, one folder",
    "zip of a student",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bench")
    work, figures = folder / "work", folder / "bench.json"
    options = ["--classes", "tiny=3x6x60kB", "--rounds", "1", "--seconds", "0.05"]
    options += ["--zip-size", "12MB", "--skip", "restic", "--skip", "borg", "--rest", "0"]
    options += ["--homes", "4", "--lead", "2"]
    ran = subprocess.run(
        [sys.executable, BENCH, *options, "--dir", work, "--json", figures],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "tiny, warm capture" in ran.stdout
    assert not list(work.iterdir()), "something was left behind"
    found: dict[str, Any] = json.loads(figures.read_text())
    return found


def test_every_contender_has_a_figure_for_each_round(results: dict[str, Any]) -> None:
    runs = results["captures"]["tiny"]["runs"]
    incremental = {"this service", "rsync, one for all", "rsync, sha256sum, sync"} | {
        f"rsync --link-dest x{count}" for count in (1, 2, 4, 8)
    }
    assert set(runs["cold"]) == incremental
    assert set(runs["warm"]) == incremental | {"rsync -a, one by one", "cp -al"}
    for rounds in (*runs["cold"].values(), *runs["warm"].values()):
        (run,) = rounds
        assert 0 < run["seconds"] <= run["durable_seconds"]


def test_a_warm_capture_takes_less_space_than_a_full_copy(results: dict[str, Any]) -> None:
    used = results["captures"]["tiny"]["used_bytes"]
    ours = used["warm"]["this service"][0] - used["cold"]["this service"][0]
    assert 0 < ours < used["warm"]["rsync -a, one by one"][0]


def test_latency_is_measured_alone_and_while_capturing(results: dict[str, Any]) -> None:
    cases = results["latency"]["tiny"]
    assert set(cases) == CASES
    for name, case in cases.items():
        assert set(case) == {"1", "8" if name.startswith("zip") else "32"}
        for samples in case.values():
            assert median(samples["alone"]) > 0
            assert median(samples["capturing"]) > 0


def test_zips_hold_the_whole_home(results: dict[str, Any]) -> None:
    runs = results["zips"]["runs"]
    expected = {"one student", "class"}
    if shutil.which("zip"):
        expected |= {"zip -0 -r", "zip -r"}
    assert set(runs) == expected
    assert runs["one student"][0]["bytes"] > 12e6
    assert 0 < runs["one student"][0]["first_byte_seconds"] < runs["one student"][0]["seconds"]


def test_a_deadline_is_taken_by_itself_after_its_warm_up(results: dict[str, Any]) -> None:
    (figures,) = results["deadlines"]
    assert figures["students"] == 4
    moments = [figures[key] for key in ("first_begin", "median_begin", "last_begin", "last_end")]
    assert moments[0] >= 0
    assert moments == sorted(moments)
    assert figures["warm_up"]["last_end"] > 0
    assert figures["warm_up"]["snapshot"] != figures["snapshot"]
    # 2 % of 240 files, all of them read again from the snapshots.
    assert figures["changed_files"] == figures["compared_files"] == 5
    assert figures["reference"]["warm"]["seconds"] > 0


def test_every_target_has_a_verdict(results: dict[str, Any]) -> None:
    targets = results["targets"]
    wanted = {target["wanted"] for target in targets if target["wanted"]}
    assert wanted == {
        ">= 4x faster",
        "<= 1.3",
        "<= 1.4",
        "<= 5 %",
        "<= 3",
        "< 100 ms",
        "<= 40 MB",
        "<= 30 s",
    }
    assert all(isinstance(target["met"], bool) for target in targets)
    assert {"machine", "versions", "options", "seconds"} <= set(results)


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--classes", "tiny=3x6"], "is no class"), (["--homes", "100,0"], "is no list of numbers")],
)
def test_a_size_that_cannot_be_read_is_refused(options: list[str], message: str) -> None:
    ran = subprocess.run(
        [sys.executable, BENCH, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert message in ran.stderr
