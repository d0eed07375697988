"""A course at a glance: what is known of its snapshots, counted by student and by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo

from .captures import Kind
from .records import Failure, Member, Role, Snapshot

#: States of snapshots whose times are those of a capture.
_CAPTURED = frozenset({"complete", "incomplete"})
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class StudentOverview:
    """A student and the snapshots there are.

    Attributes:
        member: None for one whose snapshots alone are known.
        snapshots: how many.
        newest: None without any.
        last_failure: how the last capture failed; None when a snapshot was taken since.
    """

    username: str
    member: Member | None
    snapshots: int
    newest: Snapshot | None
    last_failure: Failure | None

    @property
    def active(self) -> bool:
        """Whether this is a student of the course now."""
        return self.member is not None and is_student(self.member)

    @property
    def role(self) -> Role | None:
        """What this is in the course now; None for one who left, or never was in it."""
        return self.member.role if self.member is not None and self.member.active else None


@dataclass(frozen=True)
class NameOverview:
    """The snapshots of one name, over the class. Sizes are bytes, None when nothing is known.

    Attributes:
        taken: how many there are, which is `complete` and `incomplete` and `other` together.
        began_at: when the first capture began.
        ended_at: when the last capture ended.
        pinned: how many are pinned.
        batch_id: the newest batch that took one of them.
    """

    name: str
    taken: int
    complete: int
    incomplete: int
    other: int
    began_at: datetime | None
    ended_at: datetime | None
    files: int | None
    bytes: int | None
    copied_bytes: int | None
    pinned: int
    batch_id: int | None


def is_student(member: Member) -> bool:
    """Whether the member is a student of the course now."""
    return member.active and member.role is Role.STUDENT


def shown(snapshots: Iterable[Snapshot], kind: str | None = None) -> list[Snapshot]:
    """Those of one kind, or else all but warm-ups, which only help other captures."""
    if kind is not None:
        return [each for each in snapshots if each.kind == kind]
    return [each for each in snapshots if each.kind != Kind.WARM_UP]


def taken_at(snapshot: Snapshot) -> datetime:
    """When the snapshot was taken, as well as it is known, for putting snapshots in order.

    What this service did not capture has the day that its name ends in; the times of such a tree
    are those of the home.
    """
    if (moment := _captured_at(snapshot)) is not None:
        return moment
    try:
        day = datetime.fromisoformat(snapshot.name[-10:])
    except ValueError:
        return snapshot.ended_at or _LONG_AGO
    return day.replace(tzinfo=timezone.utc)


def _captured_at(snapshot: Snapshot) -> datetime | None:
    return snapshot.ended_at if snapshot.state in _CAPTURED else None


def by_student(
    members: Iterable[Member],
    snapshots: Iterable[Snapshot],
    failures: Mapping[str, Failure],
    zone: tzinfo = timezone.utc,
) -> list[StudentOverview]:
    """One for each student of the course and for everybody else with a snapshot, by username.

    Parameters:
        members: everybody the course knows.
        failures: username to how that person's last capture failed, if it did.
        zone: whose days the names of snapshots end in.
    """
    known = {member.username: member for member in members}
    newest: dict[str, Snapshot] = {}
    counts = dict.fromkeys((each.username for each in known.values() if is_student(each)), 0)
    for snapshot in snapshots:
        student = snapshot.student
        counts[student] = counts.get(student, 0) + 1
        if student not in newest or _order(newest[student]) < _order(snapshot):
            newest[student] = snapshot
    return [
        StudentOverview(
            username=username,
            member=known.get(username),
            snapshots=count,
            newest=newest.get(username),
            last_failure=_since(newest.get(username), failures.get(username), zone),
        )
        for username, count in sorted(counts.items())
    ]


def _since(newest: Snapshot | None, failure: Failure | None, zone: tzinfo) -> Failure | None:
    """The failure, unless the snapshot followed it."""
    if failure is None or newest is None:
        return failure
    moment = _captured_at(newest)
    if moment is not None:
        return failure if failure.at > moment else None
    # Only its day is known; on that day it may well have been the later one.
    day = taken_at(newest).date()
    return failure if failure.at.astimezone(zone).date() > day else None


def _order(snapshot: Snapshot) -> tuple[datetime, str]:
    return taken_at(snapshot), snapshot.name


def by_name(snapshots: Iterable[Snapshot]) -> list[NameOverview]:
    """One for each name, newest first."""
    named: dict[str, list[Snapshot]] = {}
    for snapshot in snapshots:
        named.setdefault(snapshot.name, []).append(snapshot)
    ordered = sorted(named.values(), key=lambda found: max(map(_order, found)), reverse=True)
    return [_of_name(found) for found in ordered]


def _of_name(found: list[Snapshot]) -> NameOverview:
    captured = [each for each in found if each.state in _CAPTURED]
    complete = sum(each.state == "complete" for each in captured)
    batches = [each.batch_id for each in found if each.batch_id is not None]
    return NameOverview(
        name=found[0].name,
        taken=len(found),
        complete=complete,
        incomplete=len(captured) - complete,
        other=len(found) - len(captured),
        began_at=min((each.began_at for each in captured if each.began_at), default=None),
        ended_at=max((each.ended_at for each in captured if each.ended_at), default=None),
        files=_sum(each.files for each in found),
        bytes=_sum(each.bytes for each in found),
        copied_bytes=_sum(each.copied_bytes for each in found),
        pinned=sum(each.pinned for each in found),
        batch_id=max(batches, default=None),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
