"""What should be captured in a term: told by seconds and plain numbers, by no code of the product.

The model is told what happens, in the order in which it does. It goes from one thing to the next,
and notes for each student and assignment what has to be taken in between.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

WARM_UP = 600
NEVER = float("-inf")


@dataclass
class Work:
    """An assignment, in seconds since the beginning of the term."""

    made: float
    due: int | None
    till: int | None = None
    minutes: int | None = None


@dataclass
class Person:
    """A student of a course: what holds for the student in each of its assignments."""

    since: float
    active: bool = True
    hours: int = 0
    factor: Fraction = Fraction(1)
    extra: int = 0
    own_dates: dict[int, int | None] = field(default_factory=dict)
    opened: dict[int, float] = field(default_factory=dict)


@dataclass
class Model:
    """The term so far."""

    works: dict[int, Work] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    last: dict[tuple[str, int, str], float] = field(default_factory=dict)
    expected: dict[tuple[str, int, str, float], float] = field(default_factory=dict)
    why: Counter[str] = field(default_factory=Counter)

    def dates(self, name: str, number: int) -> tuple[float | None, float | None]:
        """The instants of the deadline and of the late capture."""
        person, work = self.people[name], self.works[number]
        due: float | None = work.due
        if number in person.own_dates:
            due = person.own_dates[number]
            if due is None:
                return None, None
        if due is not None:
            due += person.hours * 3600
        shut = None
        if due is not None or work.till is not None:
            shut = max(each for each in (due, work.till) if each is not None)
        if work.minutes is not None:
            if number not in person.opened:
                return None, None
            minutes = math.floor(work.minutes * person.factor) + person.extra
            end = person.opened[number] + minutes * 60
            return (end if shut is None else min(end, shut)), None
        late = shut if due is not None and shut is not None and shut > due else None
        return due, late

    def pass_time(self, begin: float, end: float) -> None:
        """Nothing happens from one second to the other, and the service is there."""
        for name, person in self.people.items():
            if not person.active:
                continue
            for number, work in self.works.items():
                due, late = self.dates(name, number)
                if due is None:
                    continue
                since = max(person.since, work.made)
                kind = "deadline" if work.minutes is None else "exam"
                if self._left(name, number, kind, due, since):
                    early = due - WARM_UP
                    if covered(due) > begin and self._left(name, number, "warmup", early, since):
                        self._take(name, number, "warmup", early, begin, end)
                    if not self._take(name, number, kind, due, begin, end):
                        continue
                if late is not None and self._left(name, number, "late", late, since):
                    self._take(name, number, "late", late, begin, end)

    def _left(self, name: str, number: int, kind: str, at: float, since: float) -> bool:
        return since < at and self.last.get((name, number, kind), NEVER) < at

    def _take(self, name: str, number: int, kind: str, at: float, begin: float, end: float) -> bool:
        """Whether it is taken in this time; those of the last moment come in the next."""
        when = max(begin, covered(at))
        if when >= end:
            return False
        self.last[name, number, kind] = at
        self.expected[name, number, kind, at] = when
        self.why["missed before" if covered(at) < begin else "in time"] += 1
        return True


def covered(second: float) -> float:
    """The end of what an instant covers: of a last second of a minute, the whole."""
    return second + 1 if second % 60 == 59 else second
