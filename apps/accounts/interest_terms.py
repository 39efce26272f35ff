"""A version of a product's terms as the calculation engine reads it, and the calendar facts that SQL needs of a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from apps.accounts.models import ProductTerms
from apps.calculations.day_counts import CONVENTIONS, year_fraction
from apps.calculations.interest import FREQUENCIES, InterestTerms, RatePeriod, Tier

DAY_COUNTS = tuple(sorted(name for name, known in CONVENTIONS.items() if not known.needs and name != "1/1"))
"""Day counts that need nothing but dates."""

Tiers = list[tuple[int, Decimal]]
_EPOCH = dt.date(1900, 1, 1)  # a Monday and the 1st of a year: every calendar period begins on a boundary after it


def tiers_of(rows: Sequence[Sequence[object]]) -> Tiers:
    """Tiers as kept in JSON: (from minor units, rate)."""
    return [(int(str(start)), Decimal(str(rate))) for start, rate in rows]


def engine_terms(terms: ProductTerms) -> InterestTerms:
    """The terms as `apps.calculations.interest` takes them."""

    def periods(rows: Sequence[Sequence[object]]) -> tuple[RatePeriod, ...]:
        tiers = tuple(Tier(start, rate) for start, rate in tiers_of(rows))
        return (RatePeriod(dt.date.min, tiers),) if tiers else ()

    nothing = (RatePeriod(dt.date.min, (Tier(0, Decimal(0)),)),)
    tax = (RatePeriod(dt.date.min, (Tier(0, Decimal(terms.tax_rate)),)),)
    return InterestTerms(
        rates=periods(terms.rates) or nothing,
        day_count=terms.day_count,
        balance=terms.balance_method,
        tiering=terms.tiering,
        compounding=terms.compounding,
        posting=terms.posting,
        overdraft_rates=periods(terms.overdraft_rates),
        minimum_minor=terms.interest_minimum,
        accrual_decimals=terms.accrual_decimals,
        accrual_rounding="half_up",
        posting_rounding=terms.posting_rounding,
        posting_unit=terms.posting_unit,
        remainder=terms.remainder,
        withholding=tax if terms.tax_rate else (),
    )


def day_fraction(day_count: str, day: dt.date) -> Fraction:
    """The part of a year that one day is.

    Counted within its month: fraction(1st, day + 1) - fraction(1st, day). So days add up to months under every
    convention, also under those of 30-day months, where the 31st counts nothing.
    """
    first, after = day.replace(day=1), day + dt.timedelta(days=1)
    if day == first:
        return year_fraction(day_count, first, after)
    return year_fraction(day_count, first, after) - year_fraction(day_count, first, day)


def boundary_at(frequency: str, day: dt.date) -> dt.date | None:
    """The newest calendar boundary of a frequency up to and including `day`; None for none and at_end."""
    months, days = FREQUENCIES[frequency]
    if months:
        return dt.date(day.year, (day.month - 1) // months * months + 1, 1)
    if days:
        return day - dt.timedelta(days=(day - _EPOCH).days % days)
    return None
