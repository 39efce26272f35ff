"""The interest of a period: balance times rate times part of a year, part by part where either changes within it."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from apps.calculations.day_counts import year_fraction
from apps.calculations.loans._terms import PER_PERIOD, LoanTerms, Period
from apps.core.money import minor_round, ratio_round

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a period with one balance and one rate."""

    start: dt.date
    end: dt.date
    balance: int
    rate: Decimal
    years: Fraction

    @property
    def ratio(self) -> tuple[int, int]:
        """The exact interest in minor units, as numerator and denominator: faster than a Fraction."""
        over, under = self.rate.as_integer_ratio()
        years = self.years
        return self.balance * over * years.numerator, under * years.denominator

    @property
    def interest(self) -> Fraction:
        """The exact interest in minor units."""
        return Fraction(*self.ratio)

    def shown(self) -> dict[str, Any]:
        """The part for people."""
        over, under = self.ratio
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "balance": self.balance,
            "rate": str(self.rate),
            "years": str(self.years),
            "formula": f"{self.balance} x {self.rate} x {self.years} = {Decimal(over) / under:.6f}",
        }


class Interest:
    """How a loan bears interest: the convention, the rates by date, the rounding."""

    def __init__(self, terms: LoanTerms) -> None:
        self.terms = terms
        self.rates = sorted([(dt.date.min, terms.rate), *terms.rate_changes], key=lambda entry: entry[0])
        self._from = [date for date, _ in self.rates]

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

    def parts(self, period: Period, balance: int, changes: Sequence[tuple[dt.date, int]]) -> tuple[Part, ...]:
        """The stretches of a period: `changes` of the balance by date, and the changes of the rate, cut it."""
        if not changes and len(self._from) == 1:
            years = self.years(period.start, period.due, period)
            return (Part(period.start, period.due, balance, self.terms.rate, years),)
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
            found.append(Part(at, end, balance, rate, years))
            balance += cuts.get(end, 0)
            at = end
        return tuple(found)

    def rounded(self, parts: Iterable[Part]) -> int:
        """The interest of the parts in minor units."""
        unit, mode = self.terms.interest_rounding.unit, self.terms.interest_rounding.mode
        found = list(parts)
        if self.terms.round_parts or len(found) == 1:
            ratios = [part.ratio for part in found]
            return sum(ratio_round(over, under * unit, mode) for over, under in ratios) * unit
        return minor_round(sum((part.interest for part in found), _ZERO), unit, mode)


@lru_cache(maxsize=65_536)
def _fraction(convention: str, start: dt.date, end: dt.date) -> Fraction:
    return year_fraction(convention, start, end)
