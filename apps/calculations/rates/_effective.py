"""The EU directive's annual percentage rate of charge, and the effective rate of any dated flows.

Directive 2008/48/EC Annex I (and 98/7/EC before it): the X with  Σ C·(1+X)^-t = Σ D·(1+X)^-s,  t and s in years from
the first drawdown. Years are counted by a named convention:

* `days_365`     calendar days over 365
* `days_actual`  calendar days over the length of each year, 365 or 366
* `months`       equal months: whole months over 12, what remains as days over 365
* `weeks`        whole weeks over 52, what remains as days over 365
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from math import lcm

from apps.calculations.calendars import years_check
from apps.calculations.errors import NoSolution, PeriodNotValid, UnknownConvention
from apps.calculations.roots import PRECISION, rate_find

YEAR_BASES = ("days_365", "days_actual", "months", "weeks")
FLOWS_MAX = 10_000
MEASURE_MAX = 10**15
"""Parts of a year that a factor's whole powers still count to 20 digits and more."""


def years_between(start: dt.date, end: dt.date, basis: str) -> Fraction:
    """Years from `start` to `end` by a convention of YEAR_BASES, exactly. Raises UnknownConvention."""
    years_check(start, "/flows")
    years_check(end, "/flows")
    days = (end - start).days
    if days < 0:
        raise PeriodNotValid("No flow is before the first drawdown.", pointer="/flows")
    if basis == "days_365":
        return Fraction(days, 365)
    if basis == "weeks":
        return Fraction(days // 7, 52) + Fraction(days % 7, 365)
    if basis == "days_actual":
        total, at = Fraction(0), start
        while at < end:
            stop = min(end, dt.date(at.year + 1, 1, 1))
            total += Fraction((stop - at).days, 366 if calendar.isleap(at.year) else 365)
            at = stop
        return total
    if basis == "months":
        months = (end.year - start.year) * 12 + end.month - start.month
        reached = _months_on(start, months)
        if reached > end:
            months -= 1
            reached = _months_on(start, months)
        return Fraction(months, 12) + Fraction((end - reached).days, 365)
    raise UnknownConvention(f"No way of counting years is called {basis}.", pointer="/basis")


def _months_on(date: dt.date, months: int) -> dt.date:
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return dt.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


def effective_rate(flows: Sequence[tuple[Decimal | Fraction, Decimal]]) -> Decimal:
    """The effective annual rate of (years, amount) flows, as a fraction. The signs tell lender from borrower.

    Years are counted in the largest part of a year that measures them all: flows are discounted by whole powers of one
    factor, and a mortgage takes milliseconds. Raises NoSolution when all flows have one sign, or no rate fits.
    """
    if not 0 < len(flows) <= FLOWS_MAX:
        raise PeriodNotValid(f"Between 1 and {FLOWS_MAX:,} flows.", pointer="/flows")
    if not any(amount > 0 for _, amount in flows) or not any(amount < 0 for _, amount in flows):
        raise NoSolution("There are flows of one sign only.", pointer="/flows")
    if sum(amount for _, amount in flows) == 0:
        return Decimal(0)  # nothing is paid for the credit, also where it is paid back on the day
    exact = [(Fraction(years), amount) for years, amount in flows]
    measure = lcm(*(years.denominator for years, _ in exact))
    if measure > MEASURE_MAX:  # years with very many decimals
        exact = [(round(years, 12), amount) for years, amount in exact]
        measure = lcm(*(years.denominator for years, _ in exact))
    latest_first = sorted(((int(years * measure), amount) for years, amount in exact), reverse=True)
    steps = [
        (place - following, amount)
        for (place, amount), (following, _) in pairwise([*latest_first, (latest_first[-1][0], Decimal(0))])
    ]

    def worth(rate: Decimal) -> Decimal:
        factor, total = (-(1 + rate).ln() / measure).exp(), Decimal(0)
        for gap, amount in steps:  # Horner's rule: worth at the first flow
            total = (total + amount) * factor**gap
        return total

    with localcontext() as context:
        context.prec = PRECISION
        return rate_find(worth, guess=Decimal("0.1"))


def apr_eu(
    drawdowns: Sequence[tuple[dt.date, Decimal]],
    payments: Sequence[tuple[dt.date, Decimal]],
    *,
    basis: str = "days_365",
) -> Decimal:
    """The annual percentage rate of charge of dated drawdowns and payments, as a fraction."""
    if not drawdowns:
        raise NoSolution("A rate needs a drawdown.", pointer="/advances")
    start = min(date for date, _ in drawdowns)
    if any(date < start for date, _ in payments):
        raise PeriodNotValid("No payment is before the first drawdown.", pointer="/payments")
    return effective_rate(
        [(years_between(start, date, basis), amount) for date, amount in drawdowns]
        + [(years_between(start, date, basis), -amount) for date, amount in payments]
    )


def percent(rate: Decimal, decimals: int = 2) -> Decimal:
    """A rate as it is shown: a percentage, half up. The directive asks for one decimal, Regulation Z for two."""
    return (rate * 100).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
