"""Homes for the demo: what students of a physics course have after some weeks.

Every home is different, and the same each time it is made: all is drawn from the student's name.
"""

from __future__ import annotations

import base64
import csv
import io
import itertools
import math
import random
import statistics
import struct
import textwrap
import zlib
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

_WIDTH, _HEIGHT = 480, 320
_LENGTHS = (0.25, 0.40, 0.55, 0.70, 0.85, 1.00, 1.15)


def make_home(home: Path, student: str) -> None:
    """Makes and fills the student's home, as it is after the last of the weeks."""
    for _ in weeks(home, student):
        pass


def weeks(home: Path, student: str) -> Iterator[int]:
    """Makes the home and fills it week by week; pauses after each, with the week's number."""
    draw = random.Random(student)
    home.mkdir(mode=0o755)
    _write(home / "README.md", f"# Physics 101\n\nNotebooks of {student}.\n")
    # Hidden files are not captured unless that is asked for.
    _write(home / ".bashrc", "alias ll='ls -l'\n")
    kinematics = _kinematics(draw)
    _notebook(home / "week 1 - kinematics.ipynb", kinematics[:2])
    yield 1

    rows = _measure(draw)
    _notebook(home / "week 1 - kinematics.ipynb", kinematics)
    _write(home / "lab/pendulum/measurements.csv", _table(("length_m", "period_s"), rows[:3]))
    _write(home / "lab/pendulum/fit.py", _FIT.replace(":.3f", ""))
    if draw.random() < 0.5:
        _write(home / "notes/Übung Ω formulas.md", "*F* = *m a*\n")
    yield 2

    _write(home / "lab/pendulum/measurements.csv", _table(("length_m", "period_s"), rows))
    _write(home / "lab/pendulum/fit.py", _FIT)
    _notebook(home / "lab/pendulum/report.ipynb", _pendulum(rows))
    _write(home / "lab/pendulum/figures/period.png", _plot(rows))
    solved = draw.random() < 0.8
    problems = _problem_set(draw)
    if solved:
        _notebook(home / "problem-set-1.ipynb", [*problems[:3], _code("# to do")])
        (home / "lab/pendulum/data").symlink_to("measurements.csv")
    yield 3

    if solved:
        _notebook(home / "problem-set-1.ipynb", problems)
    _notebook(home / ".ipynb_checkpoints/problem-set-1-checkpoint.ipynb", problems)
    if draw.random() < 0.6:
        _write(home / "lab/optics/lens.csv", _table(("object_cm", "image_cm"), _lens(draw)))
        _write(home / "lab/optics/spectrum.bin", draw.randbytes(draw.randrange(50_000, 400_000)))
    if (home / "notes").is_dir():
        _write(home / "notes/Übung Ω formulas.md", "*F* = *m a*, *U* = *R I*\n")
    yield 4


def go_on(home: Path, student: str) -> None:
    """The student works on: a longer table, another answer."""
    draw = random.Random()
    rows = home / "lab/pendulum/measurements.csv"
    if draw.random() < 0.7 and rows.is_file():
        with rows.open("a") as file:
            file.write(f"{draw.uniform(1.2, 1.6):.3f},{draw.uniform(2.2, 2.6):.3f}\n")
    _notebook(home / "problem-set-1.ipynb", _problem_set(draw))


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _notebook(path: Path, cells: list[nbformat.NotebookNode]) -> None:
    _write(path, notebook_text(cells))


def notebook_text(cells: list[nbformat.NotebookNode]) -> str:
    """A notebook with these cells as the text of a file; the same each time."""
    number = 0
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"  # otherwise it is random
        if cell["cell_type"] == "code":
            number += 1
            cell["execution_count"] = number
            for output in cell["outputs"]:
                if output["output_type"] == "execute_result":
                    output["execution_count"] = number
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(made)
    return str(nbformat.writes(made))


def _code(source: str, *outputs: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return new_code_cell(textwrap.dedent(source).strip(), outputs=list(outputs))


def _printed(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text + "\n")


def _value(value: object) -> nbformat.NotebookNode:
    return new_output("execute_result", data={"text/plain": repr(value)})


def _picture(png: bytes) -> nbformat.NotebookNode:
    data = {"image/png": base64.b64encode(png).decode(), "text/plain": "<Figure>"}
    return new_output("display_data", data=data)


def _kinematics(draw: random.Random) -> list[nbformat.NotebookNode]:
    speed, angle = draw.randrange(12, 35), draw.randrange(25, 65)
    reach = speed**2 * math.sin(2 * math.radians(angle)) / 9.81
    path = [(t / 20, speed * t / 20 - 4.905 * (t / 20) ** 2) for t in range(40)]
    return [
        new_markdown_cell("# Week 1: a thrown ball\n\n$R = v^2 \\sin(2\\alpha) / g$"),
        _code(
            f"""
            from math import radians, sin

            v, alpha, g = {speed}, {angle}, 9.81
            v**2 * sin(2 * radians(alpha)) / g
            """,
            _value(reach),
        ),
        _code("plot(times, heights)", _picture(_plot(path))),
    ]


def _measure(draw: random.Random) -> list[tuple[float, float]]:
    return [
        (length, round(2 * math.pi * math.sqrt(length / 9.81) * draw.gauss(1, 0.01), 3))
        for length in _LENGTHS
    ]


def _pendulum(rows: list[tuple[float, float]]) -> list[nbformat.NotebookNode]:
    squares = [period**2 for _, period in rows]
    fit = statistics.linear_regression([length for length, _ in rows], squares)
    return [
        new_markdown_cell("# Lab report: the pendulum\n\nFrom $T^2 = 4\\pi^2 L/g$ follows $g$."),
        _code("%run fit.py", _printed(f"g = {4 * math.pi**2 / fit.slope:.3f} m/s²")),
        _code("plot(lengths, periods)", _picture(_plot(rows))),
    ]


def _problem_set(draw: random.Random) -> list[nbformat.NotebookNode]:
    mass, force = draw.randrange(2, 9), draw.randrange(10, 90)
    cells = [
        new_markdown_cell("# Problem set 1"),
        new_markdown_cell(f"**1.** {force} N act on {mass} kg. How fast is it after 3 s?"),
        _code(f"{force} / {mass} * 3", _value(force / mass * 3)),
        new_markdown_cell("**2.** How high does it rise?"),
    ]
    if draw.random() < 0.7:
        height = (force / mass * 3) ** 2 / 2 / 9.81
        cells.append(_code("h = v**2 / (2 * g)\nprint(h)", _printed(f"{height}")))
    else:
        cells.append(_code("# I don't know yet"))
    return cells


def _lens(draw: random.Random) -> list[tuple[float, float]]:
    focus = draw.uniform(9, 11)
    return [(a, round(1 / (1 / focus - 1 / a) * draw.gauss(1, 0.02), 1)) for a in range(15, 60, 5)]


def _table(header: tuple[str, ...], rows: list[tuple[float, float]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def _plot(points: list[tuple[float, float]]) -> bytes:
    """A PNG with the points joined by lines."""
    xs, ys = zip(*points, strict=True)
    image = [bytearray(b"\xff" * 3 * _WIDTH) for _ in range(_HEIGHT)]

    def place(x: float, y: float) -> tuple[float, float]:
        right = (x - min(xs)) / (max(xs) - min(xs) or 1) * (_WIDTH - 40) + 20
        return right, _HEIGHT - 20 - (y - min(ys)) / (max(ys) - min(ys) or 1) * (_HEIGHT - 40)

    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        (x, y), (to_x, to_y) = place(x, y), place(to_x, to_y)
        for step in range(500):
            column, row = int(x + (to_x - x) * step / 500), int(y + (to_y - y) * step / 500)
            for line in image[row - 1 : row + 2]:
                line[3 * column : 3 * column + 3] = b"\x1f\x77\xb4"
    return _png(image)


def _png(rows: list[bytearray]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


_FIT = '''"""Gravity from the periods of a pendulum."""

import csv
from math import pi
from statistics import linear_regression

with open("measurements.csv") as file:
    rows = [(float(row["length_m"]), float(row["period_s"])) for row in csv.DictReader(file)]
fit = linear_regression([length for length, _ in rows], [period**2 for _, period in rows])
print(f"g = {4 * pi**2 / fit.slope:.3f} m/s²")
'''
