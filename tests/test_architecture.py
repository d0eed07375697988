"""The shape of the package: who imports whom, how long files are, what they are called."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyterhub_snapshots

PACKAGE = Path(jupyterhub_snapshots.__file__).parent
NAME = PACKAGE.name
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "alembic/versions" not in path.as_posix())

#: From the inside to the outside: a layer imports from those before it, and from its own.
LAYERS = [
    {"errors", "_version"},
    {"core"},
    {"beneath", "renaming", "error_status"},
    {"server_extension"},
    {"engine", "store", "metrics"},
    {"executors", "hub", "volumes", "course_settings", "signing"},
    {"roster", "members", "snapshot_trees", "snapshots", "reports", "audit", "clock"}
    | {"live_batch", "batch_journal", "batch_captures"},
    {"archive", "comparison", "receipts", "deadlines", "collection", "handing_out"},
    {"deliveries"},
    {"opening"},
    {"batches", "credentials"},
    {"aftercare"},
    {"scheduler"},
    {"handlers"},
    {"base_app"},
    {"commands"},
    {"app"},
    {"__init__", "__main__"},
]
#: Library to the parts that alone may import it.
KEPT_TO = {
    "alembic": {"store"},
    "cryptography": {"signing"},
    "dask": {"executors"},
    "distributed": {"executors"},
    "jupyter_server": {"server_extension"},
    "nbdime": {"server_extension"},
    "nbformat": {"server_extension"},
    "pydantic": {"handlers"},
    "prometheus_client": {"metrics", "handlers"},
    "sqlalchemy": {"store"},
    "tornado": {"handlers", "credentials", "app", "server_extension"},
    "jupyterhub": {"handlers", "credentials", "app"},
    "tqdm": {"commands"},
}
#: Part and library that are allowed beside these, with the reason.
EXCEPTIONS = {
    ("members", "sqlalchemy"): "names the type of a session",
    ("batches", "sqlalchemy"): "names the type of a session",
    ("batch_journal", "sqlalchemy"): "names the type of a session",
    ("base_app", "sqlalchemy"): "names the type of a session",
    ("collection", "sqlalchemy"): "names the type of a session",
    ("deadlines", "sqlalchemy"): "names the type of a session",
    ("opening", "sqlalchemy"): "names the type of a session",
    ("scheduler", "sqlalchemy"): "names the type of a session",
    ("handlers", "sqlalchemy"): "asks the database whether it is there",
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Every module that the file imports, by its absolute name."""
    package = [NAME, *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield node.module or ""
                continue
            base = package[: len(package) - node.level + 1]
            if node.module:
                yield ".".join([*base, node.module])
            else:
                yield from (".".join([*base, alias.name]) for alias in node.names)


def names(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def layer_of(part: str) -> int:
    (found,) = (number for number, layer in enumerate(LAYERS) if part in layer)
    return found


def test_every_part_has_its_layer() -> None:
    parts = {part_of(path) for path in FILES}
    assert parts == set().union(*LAYERS)
    assert sum(map(len, LAYERS)) == len(parts)


@pytest.mark.parametrize("path", FILES, ids=names)
def test_imports_point_inward(path: Path) -> None:
    here = layer_of(part_of(path))
    for module in imports_of(path):
        if module.startswith(f"{NAME}.") and path.name not in ("__init__.py", "env.py"):
            part = module.split(".")[1]
            assert layer_of(part) <= here, f"{part} is outside of {part_of(path)}"


@pytest.mark.parametrize("path", FILES, ids=names)
def test_libraries_stay_where_they_belong(path: Path) -> None:
    part = part_of(path)
    for module in imports_of(path):
        library = module.split(".")[0]
        if library in KEPT_TO and (part, library) not in EXCEPTIONS:
            assert part in KEPT_TO[library], f"{library} in {part}"


@pytest.mark.parametrize(
    "part", ["errors", "error_status", "core", "beneath", "renaming", "engine"]
)
def test_the_inside_needs_nothing_but_python(part: str) -> None:
    for path in FILES:
        if part_of(path) == part:
            outside = {module.split(".")[0] for module in imports_of(path)} - {NAME}
            assert outside <= sys.stdlib_module_names, path


def test_the_server_extension_needs_little_of_the_package() -> None:
    """It runs in people's own servers, where there is no database and no service."""
    allowed = {
        f"{NAME}.{part}" for part in ("errors", "error_status", "_version", "beneath", "core.names")
    }
    for path in FILES:
        inner = {module for module in imports_of(path) if module.split(".")[0] == NAME}
        if part_of(path) == "server_extension":
            outside = {each for each in inner if not each.startswith(f"{NAME}.server_extension")}
            assert outside <= allowed, path
        else:
            assert not any("server_extension" in each for each in inner), path


def test_exceptions_are_needed() -> None:
    used = {(part_of(path), module.split(".")[0]) for path in FILES for module in imports_of(path)}
    assert set(EXCEPTIONS) <= used


@pytest.mark.parametrize("path", FILES, ids=names)
def test_files_are_short_and_say_what_they_are_for(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 600
    assert ast.get_docstring(ast.parse(text)) is not None


def test_names_say_something() -> None:
    for path in PACKAGE.rglob("*"):
        stem = path.stem.strip("_")
        assert stem not in {
            "utils",
            "util",
            "helpers",
            "helper",
            "common",
            "misc",
            "manager",
            "data",
        }
