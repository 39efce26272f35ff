"""Rates by balance and by date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.calculations.errors import RateNotValid

TIERS_MAX = 50
RATE_MAX = Decimal(100)
"""10,000 % a year: a larger one is a percentage written as a fraction."""


@dataclass(frozen=True, slots=True)
class Tier:
    """From `from_minor` minor units on, this rate (a fraction: 0.055 is 5.5 %)."""

    from_minor: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class RatePeriod:
    """The tiers in force from a date on, until the next period begins."""

    effective_from: dt.date
    tiers: tuple[Tier, ...]


def flat(rate: Decimal, effective_from: dt.date = dt.date.min) -> tuple[RatePeriod, ...]:
    """One rate for every balance."""
    return (RatePeriod(effective_from, (Tier(0, rate),)),)


def rates_check(rates: Sequence[RatePeriod], pointer: str) -> None:
    """Raises RateNotValid: no rates, periods or tiers out of order, a first tier above zero, a rate beyond reason."""
    if not rates:
        raise RateNotValid("At least one rate.", pointer=pointer)
    for index, period in enumerate(rates):
        where = f"{pointer}/{index}"
        if index and period.effective_from <= rates[index - 1].effective_from:
            raise RateNotValid("Rates are in order of the dates from which they hold.", pointer=where)
        if not 1 <= len(period.tiers) <= TIERS_MAX or period.tiers[0].from_minor != 0:
            raise RateNotValid(f"From 1 to {TIERS_MAX} tiers, the first from zero.", pointer=f"{where}/tiers")
        for number, tier in enumerate(period.tiers):
            if number and tier.from_minor <= period.tiers[number - 1].from_minor:
                raise RateNotValid("Tiers are in order of their balance.", pointer=f"{where}/tiers/{number}")
            if not tier.rate.is_finite() or abs(tier.rate) > RATE_MAX:
                raise RateNotValid("A rate is a fraction: 0.055 is 5.5 %.", pointer=f"{where}/tiers/{number}/rate")


def tiers_on(rates: Sequence[RatePeriod], day: dt.date, pointer: str) -> tuple[Tier, ...]:
    """The tiers in force on a day. Raises RateNotValid when there are none yet."""
    found: tuple[Tier, ...] | None = None
    for period in rates:
        if period.effective_from > day:
            break
        found = period.tiers
    if found is None:
        raise RateNotValid(f"No rate holds on {day.isoformat()}.", pointer=pointer)
    return found


def sliced(tiers: tuple[Tier, ...], base: Decimal, *, banded: bool, above: bool) -> list[tuple[Decimal, Decimal]]:
    """(amount, rate) of each slice of a balance above zero.

    `banded`: each slice at its own rate; otherwise the whole balance at the rate of the tier it is in. `above`: a tier
    begins above its threshold instead of at it ("up to and including").
    """
    reached = [tier for tier in tiers if (base > tier.from_minor if above else base >= tier.from_minor)] or [tiers[0]]
    if not banded:
        return [(base, reached[-1].rate)]
    tops = [Decimal(tier.from_minor) for tier in reached[1:]] + [base]
    return [(top - tier.from_minor, tier.rate) for tier, top in zip(reached, tops, strict=True)]
