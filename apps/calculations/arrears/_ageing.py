"""Arrears: how old they are, which bucket that is, how pauses and graces count.

Days past due are calendar days after the due date of the oldest thing unpaid; on the due date nothing is past due.
Delinquent days leave out the days of pauses and the grace of the loan. An instalment by itself has no grace, but none
is delinquent while the loan is in its grace (the conventions of Apache Fineract's delinquency buckets).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.calculations.errors import AmountOutOfRange, PeriodNotValid, UnknownConvention

NONE = "none"
BUCKETS_MAX = 100
PAUSE_RULES = ("since_due", "whole")
"""Which days of pauses do not count. since_due: those after the due date. whole: all of the loan's pauses so far,
whichever instalment is late; while one runs, its last day excepted, buckets stay as they were before it (Fineract)."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A range of delinquent days, both ends included; `last_day` None is without end."""

    name: str
    first_day: int
    last_day: int | None = None

    def holds(self, days: int) -> bool:
        """Whether so many days are in the range."""
        return self.first_day <= days and (self.last_day is None or days <= self.last_day)


def buckets_check(buckets: Sequence[Bucket]) -> None:
    """Raises PeriodNotValid unless the ranges follow one another without holes, from day 1 or later."""
    if not 0 < len(buckets) <= BUCKETS_MAX:
        raise PeriodNotValid(f"Between 1 and {BUCKETS_MAX} buckets.", pointer="/buckets")
    at = buckets[0].first_day
    for n, bucket in enumerate(buckets):
        endless = bucket.last_day is None
        if bucket.first_day != at or at < 1 or (endless and n + 1 < len(buckets)):
            raise PeriodNotValid("Each bucket begins the day after the one before.", pointer=f"/buckets/{n}")
        if bucket.last_day is not None:
            if bucket.last_day < bucket.first_day:
                raise PeriodNotValid("A bucket ends after it begins.", pointer=f"/buckets/{n}")
            at = bucket.last_day + 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Days that do not count: from `start` till `end`, which counts again. Known since `entered`."""

    start: dt.date
    end: dt.date
    entered: dt.date | None = None

    def known(self, as_of: dt.date) -> bool:
        """Whether it had been entered by a day."""
        return self.entered is None or self.entered <= as_of


@dataclass(frozen=True, slots=True)
class Due:
    """Something that was to be paid: when, and what of it is unpaid in minor units."""

    due: dt.date
    outstanding: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Arrears:
    """The arrears of a loan on a day."""

    as_of: dt.date
    amount: int
    past_due_days: int
    delinquent_days: int
    since: dt.date | None
    """The oldest due date with the grace added."""
    bucket: str


def paused_days(pauses: Iterable[Pause], start: dt.date, as_of: dt.date) -> int:
    """Days of pauses known on `as_of`, between two days. Pauses that overlap count once."""
    total, at = 0, start
    for pause in sorted((one for one in pauses if one.known(as_of)), key=lambda one: one.start):
        if pause.end < pause.start:
            raise PeriodNotValid("A pause ends after it begins.", pointer="/pauses")
        first, last = max(pause.start, at), min(pause.end, as_of)
        if last > first:
            total += (last - first).days
            at = last
    return total


def bucket_of(days: int, buckets: Sequence[Bucket]) -> str:
    """The name of the bucket of so many delinquent days; `none` for none."""
    return next((bucket.name for bucket in buckets if bucket.holds(days)), NONE)


def _overdue(dues: Iterable[Due], as_of: dt.date) -> list[Due]:
    found = [due for due in dues if due.due < as_of and due.outstanding]
    if any(due.outstanding < 0 for due in found):
        raise AmountOutOfRange("What is unpaid is not below zero.", pointer="/dues")
    return sorted(found, key=lambda due: due.due)


def loan_arrears(
    dues: Iterable[Due],
    as_of: dt.date,
    buckets: Sequence[Bucket],
    *,
    pauses: Sequence[Pause] = (),
    grace_days: int = 0,
    pause_rule: str = "since_due",
) -> Arrears:
    """The arrears of a loan: by the oldest thing unpaid. Raises UnknownConvention for another `pause_rule`."""
    buckets_check(buckets)
    overdue = _overdue(dues, as_of)
    if not overdue:
        return Arrears(as_of, 0, 0, 0, None, NONE)
    oldest = overdue[0].due
    age = _Age(pauses, as_of, pause_rule)
    past = (as_of - oldest).days
    days = max(age.days(oldest, as_of) - grace_days, 0)
    since = oldest + dt.timedelta(days=grace_days)
    bucket = bucket_of(age.days(oldest, age.classified_on) - grace_days, buckets)
    return Arrears(as_of, sum(due.outstanding for due in overdue), past, days, since, bucket)


class _Age:
    """How old something is on a day by a rule for pauses."""

    def __init__(self, pauses: Sequence[Pause], as_of: dt.date, rule: str) -> None:
        if rule not in PAUSE_RULES:
            raise UnknownConvention(f"Pauses count {' or '.join(PAUSE_RULES)}.", pointer="/pause_rule")
        self.whole = rule == "whole"
        self.pauses = [pause for pause in pauses if pause.known(as_of)]
        running = [pause.start for pause in self.pauses if pause.start <= as_of < pause.end]
        self.classified_on = min(running) - dt.timedelta(days=1) if running and self.whole else as_of
        """The day whose age decides on the bucket."""

    def days(self, due: dt.date, day: dt.date) -> int:
        """Days from a due date to a day that count; below zero before it."""
        return (day - due).days - paused_days(self.pauses, dt.date.min if self.whole else due, day)


def instalment_arrears(
    dues: Iterable[Due],
    as_of: dt.date,
    buckets: Sequence[Bucket],
    *,
    pauses: Sequence[Pause] = (),
    grace_days: int = 0,
    pause_rule: str = "since_due",
) -> dict[str, int]:
    """What is overdue in each bucket, each instalment by its own age; in order of the buckets, empty ones left out.

    `grace_days` is the loan's: within it nothing is delinquent, after it every instalment from its due date on.
    """
    buckets_check(buckets)
    found = dict.fromkeys((bucket.name for bucket in buckets), 0)
    age, overdue = _Age(pauses, as_of, pause_rule), _overdue(dues, as_of)
    if overdue and age.days(overdue[0].due, age.classified_on) <= grace_days:
        return {}
    for due in overdue:
        name = bucket_of(age.days(due.due, age.classified_on), buckets)
        if name != NONE:
            found[name] += due.outstanding
    return {name: amount for name, amount in found.items() if amount}
