"""Terms that are played through, with everything that happens in one, against a model of them."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jupyterhub_snapshots.core import sources
from jupyterhub_snapshots.core.assignments import Accommodation, Availability
from jupyterhub_snapshots.core.records import Course, Role
from jupyterhub_snapshots.store import assignments, people
from jupyterhub_snapshots.store.tables import BatchItemRow, BatchRow, UserRow
from term import START, World, instant
from term_model import Model, Person, Work

COURSES, STUDENTS, ASSIGNMENTS = ("phys", "chem", "math"), 200, 12
DAY, HOUR = 86_400, 3600
TERM = 110 * DAY
SETTLE = 30


class Term:
    """Plays random events, tells the model of each, and counts them."""

    def __init__(self, place: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.flaky = random.Random(seed + 1)
        self.tried: set[str] = set()
        self.world = World(place, COURSES, self.fails)
        self.models = {course.id: Model() for course in self.world.roster.courses}
        self.users: dict[int, dict[str, int]] = {}
        self.events: Counter[str] = Counter()
        self.second = 0.0

    def fails(self, capture_id: str) -> bool:
        """One capture in fifty fails when it is first tried."""
        if capture_id in self.tried:
            return False
        self.tried.add(capture_id)
        return self.flaky.random() < 0.02

    # The passing of time

    async def pass_to(self, second: float, trusted: bool = True) -> None:
        """Lets the time pass in both worlds."""
        if self.world.up and trusted:
            for model in self.models.values():
                model.pass_time(self.second, second)
        await self.world.play(second)
        self.second = second

    # What happens

    def enrol(self, course: Course) -> None:
        names = [f"{course.code}-{number:03}" for number in range(STUDENTS)]
        if course.code == "chem":  # some are in two courses
            names[:20] = [f"phys-{number:03}" for number in range(20)]

        def work(db: Any) -> dict[str, int]:
            people.set_members(db, course.id, names, Role.STUDENT, sources.HUB)
            rows = db.execute(select(UserRow.username, UserRow.id))
            return {name: number for name, number in rows if name in set(names)}

        self.users[course.id] = self.world.change(work)
        for name, number in self.users[course.id].items():
            self.world.set_active(course, number, active=True)
            self.models[course.id].people[name] = Person(since=self.second)

    def new_assignment(self, course: Course, title: str) -> None:
        chance = self.random
        due: int | None = self.moment(self.second + 5 * DAY, self.second + 60 * DAY)
        till, minutes = None, None
        if chance.random() < 0.3:
            till = (due or 0) + chance.randrange(1, 5) * DAY
        kind = chance.random()
        if kind < 0.2:
            minutes = chance.choice([45, 60, 120])
        elif kind < 0.25:
            due = None
        availability = Availability(False, minutes, "x") if minutes is not None else None
        fields = {
            "title": title,
            "due": self.when(due),
            "visible_till": self.when(till),
            "availability": availability,
        }
        made = self.world.change(
            lambda db: assignments.create_assignment(db, course.id, fields, instant(self.second))
        )
        self.models[course.id].works[made.id] = Work(self.second, due, till, minutes)

    def moment(self, begin: float, end: float) -> int:
        """Some instant: whole hours, last seconds, or any."""
        found = self.random.randrange(int(begin), int(end))
        kind = self.random.random()
        if kind < 0.5:
            return found - found % HOUR
        return found - found % DAY - 1 if kind < 0.8 else found

    def when(self, second: int | None) -> Any:
        return instant(second) if second is not None else None

    def some(self) -> tuple[Course, Model, str, int]:
        course = self.random.choice(self.world.roster.courses)
        model = self.models[course.id]
        name = self.random.choice(sorted(model.people))
        return course, model, name, self.random.choice(sorted(model.works))

    def extension(self) -> None:
        course, model, name, number = self.some()
        until: int | None = self.moment(self.second - 2 * DAY, self.second + 14 * DAY)
        if self.random.random() < 0.1:
            until = None
        self.world.change(
            lambda db: assignments.grant_extension(
                db,
                course.id,
                assignment_id=number,
                user_id=self.users[course.id][name],
                until=self.when(until),
                granted_by="ina",
                now=instant(self.second),
            )
        )
        model.people[name].own_dates[number] = until

    def accommodation(self) -> None:
        course, model, name, _ = self.some()
        person = model.people[name]
        person.hours = self.random.choice([0, 1, 24, 48])
        person.factor = self.random.choice([Fraction(1), Fraction("1.5"), Fraction(2)])
        person.extra = self.random.choice([0, 10])
        wanted = Accommodation(
            course.id, self.users[course.id][name], person.factor, person.extra, person.hours
        )
        self.world.change(lambda db: assignments.set_accommodation(db, wanted))

    def new_dates(self) -> None:
        course, model, _, number = self.some()
        work = model.works[number]
        if self.random.random() < 0.7:
            work.due = self.moment(self.second - DAY, self.second + 10 * DAY)
        work.till = work.due + 2 * DAY if work.due and self.random.random() < 0.3 else None
        fields = {"due": self.when(work.due), "visible_till": self.when(work.till)}
        self.world.change(lambda db: assignments.update_assignment(db, course.id, number, fields))

    def opening(self) -> None:
        course, model, name, number = self.some()
        timed = [each for each, work in model.works.items() if work.minutes is not None]
        if not timed:
            return
        number = self.random.choice(timed)
        user = self.users[course.id][name]
        person = model.people[name]
        if number in person.opened:  # the instructor lets the student begin anew
            (token,) = (
                each
                for each in self.world.change(
                    lambda db: assignments.list_tokens(db, course.id, user)
                )
                if each.assignment_id == number
            )
            self.world.change(lambda db: assignments.delete_token(db, course.id, user, token.id))
            del person.opened[number]
            return
        self.world.change(
            lambda db: assignments.open_assignment(
                db, course.id, number, user, instant(self.second)
            )
        )
        person.opened[number] = self.second

    def coming_and_going(self) -> None:
        course, model, name, _ = self.some()
        person = model.people[name]
        person.active = not person.active
        person.since = self.second
        self.world.set_active(course, self.users[course.id][name], active=person.active)

    # The service and its machine

    async def restart(self) -> None:
        """The service is away for a while; whatever runs then is gone on with."""
        await self.world.stop()
        away = self.random.choice([60, 900, 6 * HOUR, 2 * DAY])
        if self.random.random() < 0.5:
            await self.pass_to(self.second + away / 2)
            self.new_dates()  # by another process on the same database
            away /= 2
        await self.pass_to(self.second + away)
        await self.world.start()

    async def kill_in_the_middle(self) -> None:
        """The service ends while captures are under way."""
        self.world.executor.stuck = True
        await self.pass_to(self.second + 5 * HOUR)
        await self.world.stop()
        await self.pass_to(self.second + 60)
        await self.world.start()

    async def jump(self) -> None:
        """The clock is wrong for some seconds."""
        self.world.clock.wrong = self.random.choice([-1, 1]) * self.random.choice(
            [60, HOUR, 40 * DAY]
        )
        await self.pass_to(self.second + self.random.randrange(1, 20), trusted=False)
        self.world.clock.wrong = 0.0
        await self.pass_to(self.second + SETTLE + 0.01, trusted=False)

    async def play(self, events: int) -> None:
        """The term, from its first day to well after its last."""
        await self.world.start()
        for course in self.world.roster.courses:
            self.enrol(course)
            for number in range(ASSIGNMENTS // 2):
                self.new_assignment(course, f"Homework {number}")
        later = [
            (course, f"Homework {number}")
            for course in self.world.roster.courses
            for number in range(ASSIGNMENTS // 2, ASSIGNMENTS)
        ]
        moments = sorted(self.random.randrange(60, TERM) for _ in range(events))
        kinds = [
            (self.extension, 40),
            (self.opening, 40),
            (self.accommodation, 12),
            (self.new_dates, 12),
            (self.coming_and_going, 6),
            (self.jump, 3),
            (self.restart, 3),
            (self.kill_in_the_middle, 1),
        ]
        actions, weights = zip(*kinds, strict=True)
        for at in moments:
            if at <= self.second:
                continue  # the service was away
            await self.pass_to(at)
            if later and self.random.random() < 0.2:
                self.new_assignment(*later.pop())
                self.events["new_assignment"] += 1
                continue
            (action,) = self.random.choices(actions, weights)
            done = action()
            if done is not None:
                await done
            self.events[action.__name__] += 1
        await self.pass_to(self.second + 100 * DAY)

    # What came of it

    def decided(self, course: Course) -> dict[tuple[str, int, str, float], list[str]]:
        """(student, assignment, kind, second) to the names of the snapshots that were taken."""

        def read(db: Any) -> dict[tuple[str, int, str, float], list[str]]:
            found: dict[tuple[str, int, str, float], list[str]] = {}
            rows = db.execute(
                select(BatchRow, BatchItemRow.student, BatchItemRow.state)
                .join(BatchItemRow)
                .where(BatchRow.course_id == course.id)
            )
            for batch, student, state in rows:
                if state == "done":
                    second = (batch.instant - START).total_seconds()
                    key = (student, batch.assignment_id, batch.kind, second)
                    found.setdefault(key, []).append(batch.name)
            return found

        with self.world.store.reading() as db:
            return read(db)


@pytest.mark.threat("T3", "T5", "T6", "T7", "T8", "T9", "N6")
@pytest.mark.parametrize(("seed", "events"), [(1, 150)])
async def test_a_term(
    place: Path, monkeypatch: pytest.MonkeyPatch, seed: int, events: int, capsys: Any
) -> None:
    monkeypatch.setattr("jupyterhub_snapshots.batch_journal._SAVE_SECONDS", 0.0)
    term = Term(place, seed)
    await term.play(events)
    captures = late = 0
    taken = {(each.root, each.student, each.snapshot): each for each in term.world.executor.taken}
    assert len(taken) == len(term.world.executor.taken)
    for course in term.world.roster.courses:
        model, decided = term.models[course.id], term.decided(course)
        missing = model.expected.keys() - decided.keys()
        assert not missing, sorted(missing)[:5]
        unasked = decided.keys() - model.expected.keys()
        assert not unasked, sorted(unasked)[:5]
        for key, names in decided.items():
            assert len(names) == 1, f"{key} twice"
            student, number, kind, second = key
            done = taken.pop((course.root, student, names[0]))
            assert done.home == f"/homes/{student}"
            assert done.extra["assignment"]["id"] == number
            assert done.extra["kind"] == kind
            assert done.second >= second, f"{key} too early"
            waited = done.second - model.expected[key]
            assert -0.001 <= waited <= 6 * HOUR, f"{key} after {waited} s"
            late += waited > 1
            captures += 1
    assert not taken
    # Only what failed at first, or was under way when the service was killed.
    assert late <= captures * 0.1
    await term.world.close()
    with capsys.disabled():
        print(f"\n{captures} captures, {sum(term.events.values())} events: {dict(term.events)}")
