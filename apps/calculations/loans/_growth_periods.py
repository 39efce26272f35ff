"""Periods and sub-periods of a loan whose level instalment follows its growth factors.

A period is cut into sub-periods where its balance or its rate changes. A sub-period's rate factor is the interest on
one over it; 1 + the sum of a period's factors is its growth.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction

from apps.calculations.loans._dates import months_on
from apps.core.money import minor_round

ROUNDING = "half_even"


@dataclass(slots=True)
class SubPeriod:
    """A stretch with one balance and one rate. What is added at its end counts in the next one."""

    start: dt.date
    end: dt.date
    paused: bool = False
    factor: Fraction = Fraction(0)
    factor_till_due: Fraction = Fraction(0)
    balance: int = 0
    disbursed: int = 0
    correction: int = 0
    credited_principal: int = 0
    credited_interest: int = 0

    def interest(self, due: dt.date) -> Fraction:
        """Exact minor units: the interest till the due date, by days."""
        length = (due - self.start).days
        if self.paused or not length:
            return Fraction(self.credited_interest)
        own = self.balance * self.factor_till_due * (self.end - self.start).days / length
        return max(self.credited_interest + own, Fraction(0))


@dataclass(slots=True)
class GrowthPeriod:
    """A period with its level instalment; what is due of it follows from `work_out`."""

    start: dt.date
    due: dt.date
    subs: list[SubPeriod] = field(default_factory=list)
    instalment: int = 0
    first_instalment: int = 0
    """The instalment as it was last worked out, before the last one took the rest."""
    paid_principal: int = 0
    paid_interest: int = 0
    deferred: int = 0
    """Interest of later periods that found no room there."""
    moved_up: bool = False
    due_interest: int = 0
    due_principal: int = 0
    unrecognised: int = 0
    """Interest that finds no room in the instalment; the next period takes it."""
    balance_after: int = 0

    @property
    def growth(self) -> Fraction:
        """The sum of the rate factors."""
        return sum((sub.factor for sub in self.subs), Fraction(0))

    @property
    def credited(self) -> int:
        """What was charged back into the period."""
        return sum(sub.credited_principal + sub.credited_interest for sub in self.subs)

    @property
    def whole(self) -> int:
        """The instalment with everything that was put on top."""
        return self.instalment + self.credited + self.deferred

    @property
    def paid(self) -> int:
        """Principal and interest paid."""
        return self.paid_principal + self.paid_interest

    @property
    def is_paid(self) -> bool:
        """Whether nothing is left of the instalment."""
        return self.whole == self.paid

    @property
    def outstanding_principal(self) -> int:
        """Principal due and not paid."""
        return max(self.due_principal - self.paid_principal, 0)

    def work_out(self, previous: GrowthPeriod | None, *, round_parts: bool) -> None:
        """Balances of the sub-periods, then what is due. `round_parts` rounds the interest of each sub-period."""
        for n, sub in enumerate(self.subs):
            if n:
                before = self.subs[n - 1]
                sub.balance = max(before.balance + before.correction + before.disbursed, 0)
            elif previous is not None:
                before = previous.subs[-1]
                sub.balance = max(
                    before.balance + before.disbursed + before.correction
                    - previous.due_principal + previous.paid_principal, 0,
                )  # fmt: skip
        exact = [sub.interest(self.due) for sub in self.subs]
        parts = exact if round_parts else [sum(exact, Fraction(0))]
        accrued = 0 if self.moved_up else sum(minor_round(part, 1, ROUNDING) for part in parts)
        accrued += self.deferred + (previous.unrecognised if previous is not None else 0)
        accrued = max(accrued, 0)
        room = max(self.whole - accrued, 0)
        wanted = self.paid_interest if self.paid_principal > room else min(accrued, self.whole)
        self.due_interest = max(wanted, self.paid_interest)
        self.due_principal = max(self.whole - self.due_interest, self.paid_principal, 0)
        self.unrecognised = max(accrued - self.due_interest, 0)
        last = self.subs[-1]
        left = last.balance + last.correction + last.disbursed + self.paid_principal - self.due_principal
        self.balance_after = max(left, 0)


@dataclass(frozen=True, slots=True)
class FactorRule:
    """How a rate factor is made: days of a year and of a month, and the repayment frequency.

    `days_in_year` None is the actual length of the year, `days_in_month` None actual days; a month of 30 days shares
    the nominal period among its actual days. With `leap_day_only` a year has 366 days for the period alone that a
    29 February falls into (after its start, up to its due date), and 365 for the others of a leap year.
    """

    days_in_year: int | None
    days_in_month: int | None
    unit: str
    every: int
    leap_day_only: bool = False

    @classmethod
    def nominal(cls, unit: str, every: int) -> FactorRule:
        """Interest by whole periods, whatever their days: a month is a twelfth of a year, a week a 52nd."""
        return cls(364 if unit == "weeks" else 360, 30, unit, every)

    def factor(self, rate: Fraction, start: dt.date, end: dt.date, period: GrowthPeriod, every: Fraction) -> Fraction:
        """The interest on one from `start` to `end`, within `period`, at an annual rate."""
        length = (period.due - period.start).days
        if not length:
            return Fraction(0)
        days = (end - start).days
        in_period = not self.leap_day_only or _has_leap_day(period.start, period.due)
        if self.days_in_year is None and end.year > start.year and in_period:
            return rate * _years_by_year(start, end)
        year = self.days_in_year or (366 if calendar.isleap(start.year) and in_period else 365)
        if self.days_in_month is None:
            return rate * days / year
        size = {"days": 1, "weeks": 7, "months": self.days_in_month, "years": 12 * self.days_in_month}[self.unit]
        return rate * size * every / year * days / length

    def ratio(self, period: GrowthPeriod) -> Fraction:
        """How many units a period has; a broken one has a part of the next unit."""
        if self.unit in ("days", "weeks"):
            return Fraction((period.due - period.start).days, 1 if self.unit == "days" else 7)
        size = 12 if self.unit == "years" else 1
        count = 0
        while months_on(period.start, size * (count + 1)) <= period.due:
            count += 1
        reached, following = months_on(period.start, size * count), months_on(period.start, size * (count + 1))
        return count + Fraction((period.due - reached).days, (following - reached).days)


def _has_leap_day(start: dt.date, due: dt.date) -> bool:
    """Is there a 29 February after `start`, up to `due`?"""
    return any(
        calendar.isleap(year) and start < dt.date(year, 2, 29) <= due for year in range(start.year, due.year + 1)
    )


def _years_by_year(start: dt.date, end: dt.date) -> Fraction:
    """Days of each calendar year over its length; a year ends with its 31 December."""
    total, at = Fraction(0), start
    for year in range(start.year, end.year + 1):
        stop = end if year == end.year else dt.date(year, 12, 31)
        total += Fraction((stop - at).days, 366 if calendar.isleap(year) else 365)
        at = stop
    return total
