"""The page of a receipt, to be read and printed.

It loads nothing: its style stands in it, allowed by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone, tzinfo
from html import escape
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..core.manifest import instant
from ..core.receipts import ReceiptEntry, visible

#: Files on a printed receipt; all of them are in the JSON.
MAX_LISTED = 10_000
_PIECE_CHARACTERS = 64 * 1024

_KINDS = {
    "deadline": "taken at the deadline",
    "exam": "taken at the end of the student's own time",
    "late": "taken at the end of the late period",
    "warmup": "taken ahead of the deadline, to prepare for it",
    "manual": "taken on request",
}
_STATES = {
    "complete": "complete",
    "incomplete": "incomplete: something of the home is missing, see below",
    "imported": "taken by another program and listed later, so its times prove nothing",
}
_MARKS = {True: "yes", False: "no", None: "not known"}

#: Colours and text of all pages about receipts, light and dark.
BASE_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --line: light-dark(#c9ced6, #4a4f57); --quiet: light-dark(#55606e, #a9b1bc);
  --late: light-dark(#8a3b00, #ffb27a); --good: light-dark(#1a6b34, #7ddc9a);
  --bad: light-dark(#a3161f, #ff9a9a); --panel: light-dark(#f4f6f8, #23262b); }
html { background: light-dark(#fff, #16181b); color: light-dark(#15181c, #e9ecf0); }
a { color: light-dark(#0b57d0, #9cc2ff); }
body { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { line-height: 1.2; margin: 0 0 .3rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
code, .digest { font-family: ui-monospace, monospace; font-size: .85em; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
dl { display: grid; grid-template-columns: 14.5rem 1fr; gap: .25rem 1rem;
  margin: .5rem 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
@media screen and (max-width: 40rem) {
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
"""
STYLE = (
    BASE_STYLE
    + """
header { border-bottom: 2px solid var(--line); padding-bottom: .8rem; }
.lead { font-size: 1.1rem; }
.late { color: var(--late); font-weight: 600; }
table { width: 100%; border-collapse: collapse; font-size: .85rem; }
th { text-align: left; border-bottom: 2px solid var(--line); }
td { border-bottom: 1px solid var(--line); vertical-align: top; }
th, td { padding: .25rem .75rem .25rem 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.path { overflow-wrap: anywhere; min-width: 10rem; }
td.digest { font-size: .75rem; overflow-wrap: anywhere; width: 17rem; color: var(--quiet); }
@media (max-width: 40rem) { td.digest { width: 9rem; } }
@page { margin: 18mm 15mm; }
@media print {
  :root { color-scheme: light; font-size: 10.5pt; }
  body { max-width: none; padding: 0; }
  thead { display: table-header-group; } tr { break-inside: avoid; }
  h2 { break-after: avoid; } .screen { display: none; }
  a { color: inherit; text-decoration: none; }
}
"""
)


def policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy of a page with this style and script, and nothing else."""
    parts = ["default-src 'none'", f"style-src {_allowed(style)}"]
    if script:
        parts += [f"script-src {_allowed(script)}", "connect-src 'self'"]
    parts += ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    return "; ".join(parts)


def _allowed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def receipt_page(
    head: dict[str, Any], entries: Iterable[ReceiptEntry], check_address: str
) -> Iterator[bytes]:
    """The page of a receipt, piece by piece; for threads.

    Parameters:
        check_address: of the page on which receipts are checked.
    """
    text = _beginning(head, check_address)
    entries = iter(entries)
    for entry in itertools.islice(entries, MAX_LISTED):
        text += _row(entry)
        if len(text) > _PIECE_CHARACTERS:
            yield text.encode()
            text = ""
    yield f"{text}</tbody></table></section></main></html>\n".encode()


def _beginning(head: dict[str, Any], check_address: str) -> str:
    student, course, snapshot = head["student"], head["course"], head["snapshot"]
    person = student["name"] or student["username"]
    title = f"Receipt: {person}, {snapshot['name']}"
    listed = ""
    if head["files"] > MAX_LISTED:
        listed = (
            f"<p>The first {MAX_LISTED:,} of {head['files']:,} files stand here; all of them are "
            "in the JSON file.</p>"
        )
    return (
        f"{top(title, STYLE)}<main><header><h1>Receipt</h1>"
        f'<p class="lead">Snapshot of the work of <strong>{_text(person)}</strong> in '
        f"<strong>{_text(course['title'])}</strong></p>"
        f'<p class="quiet">Issued by {_text(head["service"])}</p></header>'
        f"{_facts(head)}{_problems(snapshot)}{_proof(head, check_address)}"
        f'<section aria-labelledby="files"><h2 id="files">Files</h2>{listed}'
        '<table aria-labelledby="files"><thead><tr><th scope="col">Path</th>'
        '<th scope="col" class="number">Bytes</th><th scope="col">Changed after deadline</th>'
        '<th scope="col">SHA-256</th></tr></thead><tbody>'
    )


def _facts(head: dict[str, Any]) -> str:
    student, course, snapshot = head["student"], head["course"], head["snapshot"]
    zone = _zone(course["timeZone"])
    late, changed = snapshot["lateSeconds"], head["lateFiles"]
    taken = _instant(snapshot["beganAt"], zone)
    if late is not None:
        taken += f" · {_after_deadline(snapshot, late)}"
    facts = [
        ("Student", _text(f"{student['name']} ({student['username']})"))
        if student["name"]
        else ("Student", _text(student["username"])),
        ("Course", _text(f"{course['title']} ({course['code']})")),
        ("Assignment", _text(head["assignment"]["title"]) if head["assignment"] else "none"),
        ("Snapshot", f"<code>{_text(snapshot['name'])}</code>"),
        ("State", _text(_STATES.get(snapshot["state"], snapshot["state"]))),
        ("Deadline", _instant(snapshot["deadline"], zone) if snapshot["deadline"] else "none"),
    ]
    if snapshot["kind"] in _KINDS:
        facts.append(("Kind", _KINDS[snapshot["kind"]]))
    if snapshot["requestedAt"]:
        facts.append(("Requested", _instant(snapshot["requestedAt"], zone)))
    facts += [
        ("Began", taken),
        ("Ended", _instant(snapshot["endedAt"], zone)),
        ("Files", f"{head['files']:,} with {head['bytes']:,} bytes"),
    ]
    if changed is not None:
        mark = ' class="late"' if changed else ""
        facts.append(("Changed after the deadline", f"<span{mark}>{_files(changed)}</span>"))
    return f"<dl>{''.join(f'<dt>{label}</dt><dd>{value}</dd>' for label, value in facts)}</dl>"


def _files(count: int) -> str:
    return "no file" if not count else "1 file" if count == 1 else f"{count:,} files"


def _after_deadline(snapshot: dict[str, Any], late: int) -> str:
    if instant(snapshot["beganAt"]) < instant(snapshot["deadline"]):
        return "before the deadline"
    if late < 1:
        return "less than a second after the deadline"
    return f"{_duration(late)} after the deadline"


def _duration(seconds: int) -> str:
    """The two largest parts of it, as "2 h 5 min"."""
    parts = []
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count:,} {'day' if (count, unit) == (1, 'days') else unit}")
    return " ".join(parts[:2])


def _problems(snapshot: dict[str, Any]) -> str:
    if not snapshot["problemCount"]:
        return ""
    items = "".join(
        f"<li><bdi>{_text(each['path'] or 'the snapshot')}</bdi>: "
        f"{_text(each['reason'].replace('_', ' '))}</li>"
        for each in snapshot["problems"]
    )
    more = snapshot["problemCount"] - len(snapshot["problems"])
    rest = f"<li>and {more:,} more</li>" if more > 0 else ""
    return (
        '<section aria-labelledby="missing"><h2 id="missing">Missing or flagged</h2>'
        f"<ul>{items}{rest}</ul></section>"
    )


def _proof(head: dict[str, Any], check_address: str) -> str:
    return (
        '<section aria-labelledby="proof"><h2 id="proof">Proof</h2><dl>'
        f"<dt>Issued</dt><dd>{_instant(head['issuedAt'], timezone.utc)}</dd>"
        f"<dt>Root digest</dt><dd class='digest'>{_text(head['rootDigest'])}</dd>"
        f"<dt>Signature</dt><dd class='digest'>{_text(head['signature'])}</dd>"
        f"<dt>Key</dt><dd class='digest'>{_text(head['keyId'])}</dd></dl>"
        "<p>Paper proves nothing: keep the JSON file, which can be checked.</p>"
        '<p class="screen"><a href="receipt">Download the JSON file</a> · '
        f'<a href="{escape(check_address)}">Check a receipt</a></p></section>'
    )


def _row(entry: ReceiptEntry) -> str:
    mark = ' class="late"' if entry.late else ""
    return (
        f'<tr><td class="path"><bdi>{_text(entry.path)}</bdi></td>'
        f'<td class="number">{entry.size:,}</td><td{mark}>{_MARKS[entry.late]}</td>'
        f'<td class="digest">{entry.sha256}</td></tr>\n'
    )


def top(title: str, style: str) -> str:
    """The beginning of a page, up to its body."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{_text(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style>"
    )


def _text(value: object) -> str:
    return escape(visible(str(value)))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.utc


def _instant(text: str, zone: tzinfo) -> str:
    """An instant in the course's zone, and in UTC."""
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    there = when.astimezone(zone)
    told = f'<time datetime="{escape(text)}">{there:%a %d %b %Y, %H:%M:%S} {there:%Z}</time>'
    if there.utcoffset() == timezone.utc.utcoffset(None):
        return told
    return f'{told} <span class="quiet">({when:%Y-%m-%d %H:%M:%S} UTC)</span>'


__all__ = ["BASE_STYLE", "MAX_LISTED", "STYLE", "policy", "receipt_page", "top"]
