"""The annual percentage rate of US Regulation Z by the actuarial method (12 CFR 1026, Appendix J).

The general equation of (b)(8): with i the rate per unit-period, each advance A at q full unit-periods and a fraction
e of one, each payment P at t and f,

    Σ A / ((1 + e·i)·(1 + i)^q)  =  Σ P / ((1 + f·i)·(1 + i)^t),        APR = i · unit-periods in a year

Unit-periods between dates are counted as (b)(5) says: back from the later date, whole ones first, what remains as a
fraction. https://www.ecfr.gov/current/title-12/chapter-X/part-1026/appendix-Appendix%20J%20to%20Part%201026
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise

from apps.calculations.calendars import years_check
from apps.calculations.errors import AmountOutOfRange, NoSolution, PeriodNotValid
from apps.calculations.roots import PRECISION, rate_find

FLOWS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Transfer:
    """An advance or a payment: when it is, in full unit-periods and a fraction of one, and how much."""

    amount: Decimal
    periods: int
    fraction: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class UnitPeriod:
    """A length that Appendix J knows: `months` (0.5 is a semimonth) or `days`, and how many are in a year."""

    months: Decimal = Decimal(0)
    days: int = 0

    @property
    def per_year(self) -> Decimal:
        """Unit-periods in a year: 12 / months, 52 / weeks, 365 / days."""
        if self.months:
            return 12 / self.months
        if self.days % 7 == 0:
            return Decimal(52) / (self.days // 7)
        return Decimal(365) / self.days


def apr_of_unit_periods(
    advances: Sequence[Transfer], payments: Sequence[Transfer], *, per_year: Decimal | int
) -> Decimal:
    """The APR as a fraction (0.0969 is 9.69 %), to 12 decimals and more.

    Raises AmountOutOfRange for amounts that are not above zero, NoSolution when no rate fits.
    """
    for pointer, transfers in (("/advances", advances), ("/payments", payments)):
        if not 0 < len(transfers) <= FLOWS_MAX:
            raise PeriodNotValid(f"Between 1 and {FLOWS_MAX:,} transfers.", pointer=pointer)
        if any(transfer.amount <= 0 for transfer in transfers):
            raise AmountOutOfRange("Amounts are above zero.", pointer=pointer)
        if any(transfer.periods < 0 or not 0 <= transfer.fraction < 1 for transfer in transfers):
            raise PeriodNotValid("Full unit-periods are not below zero, fractions below one.", pointer=pointer)
    if per_year <= 0:
        raise PeriodNotValid("The unit-periods of a year are above zero.", pointer="/unit_periods_per_year")

    if sum(one.amount for one in advances) == sum(one.amount for one in payments):
        return Decimal(0)  # no finance charge, also where it is paid back on the day

    def worth(transfers: Sequence[Transfer], i: Decimal) -> Decimal:
        growth = 1 + i
        return sum((t.amount / ((1 + t.fraction * i) * growth**t.periods) for t in transfers), Decimal(0))

    with localcontext() as context:
        context.prec = PRECISION
        rate = rate_find(lambda i: worth(advances, i) - worth(payments, i), guess=Decimal("0.01"))
        return rate * per_year


def _months_back(date: dt.date, months: int) -> dt.date:
    year, month = divmod(date.year * 12 + date.month - 1 - months, 12)
    return dt.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


def unit_periods_between(start: dt.date, end: dt.date, unit: UnitPeriod) -> tuple[int, Decimal]:
    """Full unit-periods and the fraction between two dates, counted back from `end` ((b)(5)(ii) to (v)).

    Of a unit-period of months, whole months that remain count as months and days as thirtieths of one; of a semimonth
    days are fifteenths; of a year they are 365ths; of days and weeks, days.
    """
    if end < start:
        raise PeriodNotValid("A transfer is not before the first advance.", pointer="/payments")
    if unit.days:
        periods, days = divmod((end - start).days, unit.days)
        return periods, Decimal(days) / unit.days
    months = 0
    while _months_back(end, months + 1) >= start:
        months += 1
    days = (_months_back(end, months) - start).days
    if unit.months < 1:
        halves, days = divmod(days, 15)
        return months * 2 + min(halves, 1), Decimal(days if halves < 2 else days + 15 * (halves - 1)) / 15 % 1
    size = int(unit.months)
    periods, months = divmod(months, size)
    if size == 12 and days:  # of a year what remains is days, unless it is whole months
        return periods, Decimal((_months_back(end, periods * 12) - start).days) / 365
    return periods, (months + Decimal(days) / 30) / size


def _interval(start: dt.date, end: dt.date) -> UnitPeriod:
    """The unit-period that two dates next to each other are apart."""
    days = (end - start).days
    last = calendar.monthrange(end.year, end.month)[1]
    months = (end.year - start.year) * 12 + end.month - start.month
    if months and (end.day == start.day or (end.day == last and start.day > last)):
        return UnitPeriod(months=Decimal(min(months, 12)))
    if days in (13, 15, 16) and {start.day, end.day} & {1, 15, 16}:
        return UnitPeriod(months=Decimal("0.5"))
    return UnitPeriod(days=min(days, 365))


def unit_period_of(dates: Sequence[dt.date]) -> UnitPeriod:
    """The unit-period of a transaction, from the dates of its advances and payments in order ((b)(4)).

    The interval that occurs most often, the smallest of several; where none occurs twice, the average, to the nearest
    day; two dates make the term itself, of a year at most.
    """
    dates = sorted(set(dates))
    if len(dates) < 2:
        raise PeriodNotValid("An advance and a payment on different dates.", pointer="/payments")
    intervals = Counter(_interval(one, two) for one, two in pairwise(dates))
    if len(dates) == 2:  # one advance, one payment: the term itself, of a year at most
        return UnitPeriod(months=Decimal(12)) if (dates[1] - dates[0]).days > 365 else next(iter(intervals))
    most = max(intervals.values())
    if most > 1:
        return max((unit for unit, count in intervals.items() if count == most), key=lambda unit: unit.per_year)
    average = Decimal((dates[-1] - dates[0]).days) / (len(dates) - 1)
    return UnitPeriod(days=min(int(average.to_integral_value(ROUND_HALF_UP)), 365))


def apr_regulation_z(
    advances: Sequence[tuple[dt.date, Decimal]],
    payments: Sequence[tuple[dt.date, Decimal]],
    *,
    unit: UnitPeriod | None = None,
) -> tuple[Decimal, UnitPeriod]:
    """The APR of dated advances and payments, and the unit-period it was counted in.

    The term begins with the first advance. `unit` replaces the one that (b)(4) gives. A single advance with a single
    payment counts a year as 365 days.
    """
    if not advances or not payments:
        raise NoSolution("An APR needs an advance and a payment.", pointer="/payments")
    start = min(date for date, _ in advances)
    dates = [start, *(date for date, _ in advances), *(date for date, _ in payments)]
    for date in dates:
        years_check(date, "/payments")
    single = len(advances) == len(payments) == 1
    chosen = unit or unit_period_of(dates)

    def transfer(date: dt.date, amount: Decimal) -> Transfer:
        periods, fraction = unit_periods_between(start, date, chosen)
        return Transfer(amount, periods, fraction)

    per_year = Decimal(365) / chosen.days if single and chosen.days else chosen.per_year
    found = apr_of_unit_periods(
        [transfer(*advance) for advance in advances], [transfer(*payment) for payment in payments], per_year=per_year
    )
    return found, chosen
