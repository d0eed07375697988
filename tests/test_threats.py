"""The catalogue of threats and faults, and which of them are tested.

A test says with ``@pytest.mark.threat("P1", …)`` which rows it covers. Here every row stands in a
few words. A row without a test must have a reason; one with a test must have none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent

ROWS = """
P1 paths: a field that climbs with dots, once or two thousand times
P2 paths: an absolute path
P3 paths: a field that names the folder itself, or the one above
P4 paths: a way through one student's folder to another's
P5 encoding: slashes and dots that are escaped, doubled, or only look alike
P6 encoding: a NUL anywhere in a name
P7 encoding: bytes that are not UTF-8
P8 length: names and paths that are too long
P9 blank: missing, empty, or nothing but blanks
P10 look-alike: another student's name but for a letter, a case, a blank
P11 case: a store that takes two names for one
P12 shell: patterns, substitutions, tildes
P13 option: a name that begins with a dash, or looks like another machine
P14 link: a name that is a link in the store or among homes
P15 staging: names of the service's own folders
P16 repeat: a field that is given twice
P17 type: bodies that are no form
P18 slug: two names that become one
P19 slug: names of which too much or nothing is left
S1 link: to a file outside that only the service can read
S2 link: to a folder outside
S3 link: that leads somewhere only from where the snapshot lies
S4 link: to another student's files
S5 link: to secrets of the machine and of the service's process
S6 link: to devices without an end
S7 link: in circles, to itself, to the top
S8 link: to nothing
S9 link: inside the home
S10 race: a folder on the way becomes a link during the copy
S11 race: a file becomes a link during the copy
S12 race: a file becomes a FIFO during the copy
S13 race: files vanish and folders move during the copy
S14 race: files that grow or shrink during the copy
S15 race: files that are replaced by rename during the copy
S16 race: files that are written in place during the copy
S17 race: rights are taken away and folders renamed during the copy
S18 nodes: FIFOs
S19 nodes: sockets
S20 nodes: devices
S21 modes: setuid, setgid, sticky
S22 modes: capabilities, attributes, access lists
S23 modes: files and folders that their owner can't read
S24 modes: a student who wants to change a snapshot
S25 modes: a snapshot that would change with the home
S26 hard links: inside the home
S27 hard links: to somebody else's file
S28 filter: files of the home that filter for rsync
S29 hidden: left out unless wanted
S30 hidden: all of them when wanted
S31 names: every byte that a name may have
S32 names: that differ by normalisation or case only
S33 size: sparse files of a terabyte
S34 size: very many files, very deep folders
S35 size: a home over the limit
S36 home: a link to elsewhere
S37 home: a link to another home
S38 home: missing, no folder, or empty because nothing is mounted
S39 home: another file system inside
S40 content: files that are named like the service's own
U1 link: the report's name is a link to nothing
U2 link: the report's name is a link to something
U3 race: the report's name becomes a link meanwhile
U4 link: the home, or a folder on the way, is a link
U5 exists: something has the report's name already
U6 exists: two reports of one name at once
U7 name: paths, drives and tricks in the file's name
U8 name: hidden files
U9 name: types that are not accepted
U10 name: too long, no letters, quotes, line ends
U11 owner: the report is the student's, with a harmless mode
U12 place: nothing half-written when it fails
U13 size: over the limit, told early
U14 disk: a home that is full or can't be written
U15 content: scripts in a report
Z1 zip: member names that lead out
Z2 zip: member names that occur twice
Z3 zip: names that another operating system can't have
Z4 zip: names that are not UTF-8
Z5 zip: times that a zip can't have
Z6 zip: modes and links
Z7 zip: over four gigabytes, over 65,535 members
Z8 zip: memory and the time to the first byte
Z9 zip: zeros without an end
Z10 zip: a file that fails in the middle
Z11 zip: a class's, of the caller's course only
Z12 file: what is no regular file of the snapshot
Z13 list: nothing behind links
Z14 older store: what another program left
Z15 older store: links where folders should be
Z16 range: parts of a file, sensible or not
Z17 delete: of what is just downloaded
H1 header: line ends in a file's name
H2 header: quotes in a file's name
H3 header: names beyond ASCII
H4 pages: students' pages shown on the hub's origin
H5 pages: markup in names
H6 pages: notebooks shown in our own pages
H7 frames: our pages inside others
H8 forgery: requests that a student's page makes with an instructor's cookie
H9 forgery: a GET that changes something
H10 cookies: path, flags, and cookies planted by a neighbour
H11 origin: requests from other sites
H12 redirect: to elsewhere after signing in
H13 sign-in: states that are missing, used twice, or somebody else's
H14 cache: students' files in caches
H15 protocol: malformed and ambiguous requests
H16 path: other spellings of a route
A1 key: everything that is no key
A2 key: missing, well known, or short
A3 key: in the query, a field, a cookie
A4 key: many wrong ones
A5 key: found out by time
A6 key: replaced, revoked
A7 key: of another course
A8 key: in logs, answers, arguments, environments, files
A9 token: none, wrong, without access
A10 token: revoked a moment ago
A11 token: in the address
A12 role: a student on an instructor's routes
A13 role: an instructor of another course, or of the past
A14 role: odd names of groups and courses
A15 role: administrators and services
A16 proxy: headers that claim to be somebody
A17 direct: past the hub's proxy
N1 names: unusual and legal
N2 names: that can't be a folder
N3 names: two for one folder
N4 renamed: a person with a new name
N5 deleted: a person who is gone, and a new one of that name
N6 roster: people who come and go before the capture
N7 class: one bad home among good ones
N8 class: folders that are no student's
D1 body: large, with many parts, packed
D2 body: without an end
D3 slow: clients that send a byte at a time
D4 slow: clients that don't read
D5 gone: clients that leave in the middle
D6 many: more zips than there is room for
D7 many: requests that would wait for ever
D8 lock: something fails or is stopped while it holds one
D9 lock: its name, and waiting for it
D10 log: huge names and control characters
D11 time: very long names
D12 disk: snapshots without a limit
F1 full: no space
F2 quota: none left
F3 inodes: none left
F4 read-only: the store or a home
F5 errors: of the disk while reading, writing, syncing, renaming
F6 network storage: stale, or away for a while
F7 two disks: staging and store
F8 rot: stored files that change by themselves
F9 power: cut right after the answer
F10 root: missing, empty, not mounted
F11 root: open to others
R1 rsync: absent, or too old
R2 rsync: some files unreadable or vanished
R3 rsync: every other exit code
R4 rsync: hangs, ignores signals, leaves children
R5 rsync: very much on its error output
R6 rsync: variables and files that change what it does
R7 rsync: says all is well and it is not
T1 zones: times come back with theirs
T2 zones: times that happen twice, or never
T3 clock: set back or forward, for a moment or for good
T4 midnight: the day in a snapshot's name
T5 missed: the service was down at a deadline
T6 missed: and at many, for days
T7 herd: many captures at once, fair between courses
T8 double: one capture that is asked for twice
T9 edit: deadlines that move before, while and after they fire
T10 edge: the ends of time
T11 late: files that change between the deadline and the capture
K1 killed: at every step of a capture
K2 killed: the copy alone, the worker alone
K3 stale: leftovers are never used again
K4 stopped: with captures and downloads under way
K5 killed: over and over
K6 killed: for its memory, during a zip
C1 same: one student and one name at once
C2 many: students at once
C3 two: services on one store and one database
C4 read: while snapshots come and go
C5 lock: taken away while another waits for it
B1 locked: by another program, or out of reach
B2 lost: the file is deleted
B3 older: than the disk
B4 newer: than the disk
B5 damaged: pages, ends, logs
B6 full: the database's own disk
B7 schema: killed while it changes; newer, unknown
B8 injection: SQL in every field
O1 audit: who did what, not to be forged
O2 health: what is wrong, without secrets
O3 rights: as few as it needs
O4 deletion: stays inside, can be interrupted
J1 hub: down
J2 hub: slow, broken
J3 hub: new secrets after a restart
J4 hub: no roster when it is needed
"""

LEFT_OUT = {
    "Z3": "names are kept as they are: unpacking on Windows renames them, which loses nothing",
    "H6": "there is no preview of notebooks yet",
}


def catalogue() -> dict[str, str]:
    """Row → what it is about."""
    pairs = (line.split(" ", 1) for line in ROWS.strip().splitlines())
    return dict(pairs)


def marked() -> Iterator[tuple[str, str]]:
    """(row, test file) of every marker."""
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "threat"
            ):
                for argument in node.args:
                    assert isinstance(argument, ast.Constant), path
                    yield str(argument.value), path.relative_to(TESTS).as_posix()


def test_every_row_stands_once() -> None:
    rows = [line.split()[0] for line in ROWS.strip().splitlines()]
    assert len(rows) == len(set(rows))
    assert set(LEFT_OUT) <= set(rows)


def test_markers_name_rows_that_there_are() -> None:
    known = catalogue()
    assert [(row, path) for row, path in marked() if row not in known] == []


def test_every_row_is_tested_or_has_a_reason() -> None:
    tested = {row for row, _ in marked()}
    missing = [
        f"{row} {text}" for row, text in catalogue().items() if row not in tested | set(LEFT_OUT)
    ]
    assert missing == []


def test_reasons_are_needed() -> None:
    assert {row for row, _ in marked()} & set(LEFT_OUT) == set()
