"""The interest of a period: balance times rate times part of a year, part by part where either changes within it."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from apps.calculations.day_counts import year_fraction
from apps.calculations.loans._terms import PER_PERIOD, LoanTerms, Period
from apps.core.money import minor_round

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a period with one balance and one rate. `interest` is exact minor units."""

    start: dt.date
    end: dt.date
    balance: int
    rate: Decimal
    years: Fraction
    interest: Fraction

    def shown(self) -> dict[str, Any]:
        """The part for people."""
        exact = Decimal(self.interest.numerator) / self.interest.denominator
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "balance": self.balance,
            "rate": str(self.rate),
            "years": str(self.years),
            "formula": f"{self.balance} x {self.rate} x {self.years} = {exact:.6f}",
        }


class Interest:
    """How a loan bears interest: the convention, the rates by date, the rounding."""

    def __init__(self, terms: LoanTerms) -> None:
        self.terms = terms
        self.rates = sorted([(dt.date.min, terms.rate), *terms.rate_changes], key=lambda entry: entry[0])
        self._from = [date for date, _ in self.rates]
        self._exact = {rate: Fraction(rate) for _, rate in self.rates}

    def rate_on(self, date: dt.date) -> Decimal:
        """The annual rate that holds on a day."""
        return self.rates[bisect_right(self._from, date) - 1][1]

    def years(self, start: dt.date, end: dt.date, period: Period) -> Fraction:
        """What part of a year a stretch of a period is."""
        if self.terms.interest != PER_PERIOD:
            return _fraction(self.terms.interest, start, end)
        if start == period.start and end == period.due:
            return self.terms.period_years
        return self.terms.period_years * (end - start).days / period.days

    def growth(self, period: Period) -> Fraction:
        """The interest on one over a whole period, as the level instalment sees it; no interest while it is free."""
        if not self.terms.rate_changes:
            return self._exact[self.terms.rate] * self.years(period.start, period.due, period)
        return sum((part.interest for part in self.parts(period, 1, ())), _ZERO)

    def parts(self, period: Period, balance: int, changes: Iterable[tuple[dt.date, int]]) -> tuple[Part, ...]:
        """The stretches of a period: `changes` of the balance by date, and the changes of the rate, cut it."""
        cuts: dict[dt.date, int] = {}
        for date, change in changes:
            if date <= period.start:
                balance += change
            elif date < period.due:
                cuts[date] = cuts.get(date, 0) + change
        for date in self._from[1:]:
            if period.start < date < period.due:
                cuts.setdefault(date, 0)
        found = []
        at = period.start
        for end in [*sorted(cuts), period.due]:
            rate = self.rate_on(at)
            years = self.years(at, end, period)
            found.append(Part(at, end, balance, rate, years, balance * self._exact[rate] * years))
            balance += cuts.get(end, 0)
            at = end
        return tuple(found)

    def rounded(self, parts: Iterable[Part]) -> int:
        """The interest of the parts in minor units."""
        rounding = self.terms.interest_rounding
        if self.terms.round_parts:
            return sum(minor_round(part.interest, rounding.unit, rounding.mode) for part in parts)
        return minor_round(sum((part.interest for part in parts), _ZERO), rounding.unit, rounding.mode)


@lru_cache(maxsize=65_536)
def _fraction(convention: str, start: dt.date, end: dt.date) -> Fraction:
    return year_fraction(convention, start, end)
