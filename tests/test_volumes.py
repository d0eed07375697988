"""Where homes are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from traitlets import TraitError
from traitlets.config import Config

from jupyterhub_snapshots.core.records import Course
from jupyterhub_snapshots.errors import InvalidName, StorageUnavailable
from jupyterhub_snapshots.volumes import LocalVolumes

ODD = ["first.last", "user@example.com", "o'brien", "Zoë", "a b", "UPPER", "x" * 120, "snap", "-rf"]


def course(homes: Path | None = None) -> Course:
    return Course(1, "phys", "Physics", "UTC", "/srv/snapshots", homes=homes and str(homes))


@pytest.mark.threat("N1", "P13")
@pytest.mark.parametrize("name", [*ODD, "{username}", "{0}", "%s", "$HOME"])
def test_a_name_is_one_folder(name: str) -> None:
    volumes = LocalVolumes(home_template="/srv/homes/home-{username}")
    assert volumes.home(course(), name) == f"/srv/homes/home-{name}"
    assert volumes.home(course(Path("/data")), name) == f"/data/{name}"


@pytest.mark.threat("N2", "N3", "P1", "P2", "P3", "P6")
@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/", "a/b", "../bob", "/etc", "a\0", "\0", "x" * 256, ".jupyterhub-snapshots"],
)
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    for homes in (None, Path("/data")):
        with pytest.raises(InvalidName):
            LocalVolumes().home(course(homes), name)


@pytest.mark.threat("N3", "A14")
@pytest.mark.parametrize(
    "template",
    [
        "",
        "/home",
        "{username}",
        "home/{username}",
        "/home/{username}/{username}",
        "/home/{user}",
        "/home/{}",
        "/home/{0}",
        "/home/{username.__class__}",
        "/home/{username}/../bob",
        "/home/{username}/work",  # a student could make it a link
        "/home/../{username}",
        "/home/{username",
    ],
)
def test_templates_that_are_refused(template: str) -> None:
    with pytest.raises(TraitError):
        LocalVolumes(config=Config(LocalVolumes={"home_template": template}))


@pytest.mark.threat("N8", "S36")
def test_homes_are_folders_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "alice").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "alice")
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    assert LocalVolumes().usernames(course(tmp_path)) == ["alice"]
    assert LocalVolumes().usernames(course()) == []


@pytest.mark.threat("F10")
def test_a_folder_of_homes_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)
    (tmp_path / "file").write_text("")
    for name in ("missing", "linked", "file"):
        with pytest.raises(StorageUnavailable, match="mounted"):
            LocalVolumes().usernames(course(tmp_path / name))
    assert not (tmp_path / "missing").exists()
