"""What the figures come to: ratios, and whether the targets are met."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles
from typing import Any

from captures import OURS
from latency import ALONE, CAPTURING
from references import FULL_COPY, HASHED, ONE_RSYNC, PROCESSES, incremental
from zips import CLASS, STORED, STUDENT

#: All of plain rsync that copies into a tree of files and links what is unchanged.
PLAIN = (*(incremental(count) for count in PROCESSES), ONE_RSYNC)

#: So many homes are to be captured in time, which is what the last one waits for its turn.
LARGEST_CLASS = 500
LAST_BEGIN_SECONDS = 30

_MOMENTS = ("first_begin", "median_begin", "last_begin", "last_end")

Runs = dict[str, list[dict[str, float]]]


@dataclass(frozen=True)
class Target:
    """One line of the table: what is compared, the two figures, and what was wanted."""

    what: str
    ours: str
    reference: str
    value: float
    shown: str
    wanted: str
    met: bool


def targets(results: dict[str, Any]) -> list[Target]:
    """All that can be told from the results."""
    found: list[Target] = []
    for name, figures in results["captures"].items():
        found.extend(_captures(name, figures))
    for name, figures in results["latency"].items():
        found.extend(_latencies(name, figures))
    if results["zips"]:
        found.extend(_zips(results["zips"]["runs"]))
    found.extend(_deadlines(results["deadlines"]))
    return found


def _captures(name: str, figures: dict[str, Any]) -> Iterator[Target]:
    warm, cold = figures["runs"]["warm"], figures["runs"]["cold"]

    def compare(
        stage: str, runs: Runs, other: str, key: str, wanted: str, ok: Callable[[float], bool]
    ) -> Target:
        ratio = paired(runs[OURS], runs[other], key)
        after = "" if key == "seconds" else " + sync"
        shown = f"{ratio:.2f}"
        if other == FULL_COPY:
            shown = f"{1 / ratio:.1f}x faster"
        return Target(
            f"{name}, {stage} capture / {other}{after}",
            _seconds(middle(runs[OURS], key)),
            _seconds(middle(runs[other], key)),
            ratio,
            shown,
            wanted,
            ok(ratio),
        )

    for key in ("seconds", "durable_seconds"):
        yield compare("warm", warm, FULL_COPY, key, ">= 4x faster", lambda ratio: ratio <= 1 / 4)
        best = fastest(warm, key)
        yield compare("warm", warm, best, key, "<= 1.3", lambda ratio: ratio <= 1.3)
        best = fastest(cold, key)
        yield compare("cold", cold, best, key, "<= 1.4", lambda ratio: ratio <= 1.4)
    for stage, runs in (("warm", warm), ("cold", cold)):
        yield compare(stage, runs, HASHED, "seconds", "", lambda ratio: True)
    used = figures["used_bytes"]
    added = median(
        after - before for before, after in zip(used["cold"][OURS], used["warm"][OURS], strict=True)
    )
    full = median(used["warm"][FULL_COPY])
    yield Target(
        f"{name}, space of a warm capture / full copy",
        f"{added / 1e6:.1f} MB",
        f"{full / 1e6:.1f} MB",
        added / full,
        f"{added / full:.1%}",
        "<= 5 %",
        added <= 0.05 * full,
    )


def _latencies(name: str, figures: dict[str, Any]) -> Iterator[Target]:
    for case, by_connections in figures.items():
        for connections, samples in by_connections.items():
            alone, busy = samples[ALONE], samples[CAPTURING]
            ratio = median(busy) / median(alone)
            listing = case.startswith("list")
            yield Target(
                f"{name}, {case}, {connections} conn., capturing / alone",
                _latency(busy),
                _latency(alone),
                ratio,
                f"{ratio:.2f}",
                "<= 3" if listing else "",
                not listing or ratio <= 3,
            )


def _zips(runs: Runs) -> Iterator[Target]:
    for what in (STUDENT, CLASS):
        size = median(run["bytes"] for run in runs[what])
        label = f"zip of {what}, {size / 1e6:.0f} MB"
        first = middle(runs[what], "first_byte_seconds")
        yield Target(
            f"{label}, first byte",
            f"{first * 1e3:.1f} ms",
            "",
            first,
            "",
            "< 100 ms",
            first < 0.1,
        )
        growth = max(run["memory_growth_bytes"] for run in runs[what])
        yield Target(
            f"{label}, memory growth",
            f"{growth / 1e6:.1f} MB",
            "",
            growth,
            "",
            "<= 40 MB",
            growth <= 40e6,
        )
    if STORED in runs:
        ours, theirs = _speed(runs[STUDENT]), _speed(runs[STORED])
        yield Target(
            f"zip of {STUDENT}, throughput / {STORED}",
            f"{ours / 1e6:.0f} MB/s",
            f"{theirs / 1e6:.0f} MB/s",
            ours / theirs,
            f"{ours / theirs:.2f}",
            "",
            True,
        )


def _deadlines(found: list[dict[str, Any]]) -> Iterator[Target]:
    for figures in found:
        label, reference = f"deadline of {figures['students']} homes", figures["reference"]
        last = figures["last_begin"]
        yield Target(
            f"{label}, last capture begins after it",
            _seconds(last),
            "",
            last,
            "",
            f"<= {LAST_BEGIN_SECONDS} s" if figures["students"] <= LARGEST_CLASS else "",
            last <= LAST_BEGIN_SECONDS or figures["students"] > LARGEST_CLASS,
        )
        for what, ours, theirs in (
            ("last capture ends after it", figures["last_end"], reference["warm"]["seconds"]),
            ("CPU", figures["cpu_seconds"], reference["warm"]["cpu_seconds"]),
        ):
            yield Target(
                f"{label}, {what} / {reference['name']}",
                _seconds(ours),
                _seconds(theirs),
                ours / theirs,
                f"{ours / theirs:.2f}",
                "",
                True,
            )
    for before, after in pairwise(found):
        ours, theirs = _per_home(after), _per_home(before)
        yield Target(
            f"deadline, time of one home of {after['students']} / of {before['students']}",
            f"{ours * 1e3:.1f} ms",
            f"{theirs * 1e3:.1f} ms",
            ours / theirs,
            f"{ours / theirs:.2f}",
            "",
            True,
        )


def _per_home(figures: dict[str, Any]) -> float:
    return float(figures["last_end"] / figures["students"])


def fastest(runs: Runs, key: str) -> str:
    """The plain rsync with the lowest median."""
    return min((name for name in PLAIN if name in runs), key=lambda name: middle(runs[name], key))


def middle(runs: list[dict[str, float]], key: str) -> float:
    """The median of one figure of the rounds."""
    return median(run[key] for run in runs)


def paired(ours: list[dict[str, float]], theirs: list[dict[str, float]], key: str) -> float:
    """The median of the rounds' ratios; what slowed a whole round down cancels out."""
    return median(a[key] / b[key] for a, b in zip(ours, theirs, strict=False))


def table(found: list[Target], results: dict[str, Any]) -> str:
    """The report for people."""
    return "\n".join([*_overview(results), "", *_lines(found)])


def _overview(results: dict[str, Any]) -> Iterator[str]:
    for name, figures in results["captures"].items():
        yield (
            f"{name}: {figures['students']} homes of {figures['files']} files, "
            f"{figures['bytes'] / 1e6:g} MB each; medians in seconds"
        )
        yield f"  {'':24} {'cold':>8} {'+sync':>8} {'CPU':>8} {'warm':>8} {'+sync':>8} {'CPU':>8}"
        cold, warm = figures["runs"]["cold"], figures["runs"]["warm"]
        for contender in sorted(warm, key=lambda one: middle(warm[one], "seconds")):
            cells = [
                f"{middle(runs[contender], key):8.2f}" if contender in runs else " " * 8
                for runs in (cold, warm)
                for key in ("seconds", "durable_seconds", "cpu_seconds")
            ]
            yield f"  {contender:24} {' '.join(cells)}"
    yield from _deadline_overview(results["deadlines"])


def _deadline_overview(found: list[dict[str, Any]]) -> Iterator[str]:
    if not found:
        return
    yield (
        f"deadline: homes of {found[0]['files']} files, {found[0]['bytes'] / 1e6:g} MB each, "
        f"2 % of the files changed since the warm-up, {found[0]['processes']} at a time"
    )
    yield "  begins and ends in seconds after the instant; rsync: the same copied by --link-dest"
    for heads in (
        ("", "begin:", "", "", "end:", "of one", "", "warm-up", ""),
        ("homes", "first", "median", "last", "last", "home", "rsync", "took", "load"),
    ):
        yield f"  {heads[0]:>6} {' '.join(f'{head:>8}' for head in heads[1:])}".rstrip()
    for each in found:
        cells = [
            *(f"{each[key]:8.2f}" for key in _MOMENTS),
            f"{_per_home(each) * 1e3:5.1f} ms",
            f"{each['reference']['warm']['seconds']:8.2f}",
            f"{each['warm_up']['last_end']:8.2f}",
            f"{each['load_before']:8.2f}",
        ]
        yield f"  {each['students']:6} {' '.join(cells)}"


def _lines(found: list[Target]) -> Iterator[str]:
    width = max(len(target.what) for target in found)
    yield f"{'':{width}}  {'here':>16} {'reference':>16} {'ratio':>12}  target"
    for target in found:
        verdict = ("met" if target.met else "NOT MET") if target.wanted else ""
        yield (
            f"{target.what:{width}}  {target.ours:>16} {target.reference:>16} "
            f"{target.shown:>12}  {target.wanted:12} {verdict}"
        ).rstrip()


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


def _latency(samples: list[float]) -> str:
    p95 = quantiles(samples, n=20)[-1] if len(samples) > 1 else samples[0]
    return f"{median(samples) * 1e3:.1f} / {p95 * 1e3:.1f} ms"


def _speed(runs: list[dict[str, float]]) -> float:
    return median(run["bytes"] / run["seconds"] for run in runs)
