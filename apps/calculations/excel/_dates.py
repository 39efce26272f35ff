"""Dates as spreadsheets step and count them: EDATE, EOMONTH, DAYS360, YEARFRAC, WORKDAY, NETWORKDAYS with any weekend
(OpenDocument 1.2 part 2, 6.10; Excel's documentation of the .INTL functions)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from apps.calculations.business_days import months_add
from apps.calculations.calendars import Calendar, month_end, years_check
from apps.calculations.day_counts import days_between, year_fraction
from apps.calculations.errors import PeriodNotValid, UnknownConvention
from apps.calculations.excel._annuity import precise

BASES = ("30/360 Excel", "ACT/ACT Excel", "ACT/360", "ACT/365F", "30E/360")
"""The conventions of the numbers 0 to 4."""
STEPS_MAX = 100_000
_PAIRS = {1: (5, 6), 2: (6, 0), 3: (0, 1), 4: (1, 2), 5: (2, 3), 6: (3, 4), 7: (4, 5)}
_WEEKENDS = {number: frozenset(days) for number, days in _PAIRS.items()} | {
    11 + day: frozenset({(day - 1) % 7}) for day in range(7)
}
"""Days of the week, Monday is 0, by the numbers of the .INTL functions: 1 Saturday and Sunday, 11 Sunday alone."""


def basis_name(basis: int) -> str:
    """The day count of a basis 0 to 4. Raises UnknownConvention."""
    if basis not in range(len(BASES)):
        raise UnknownConvention("A basis is from 0 to 4.", pointer="/basis")
    return BASES[basis]


@precise
def yearfrac(start: dt.date, end: dt.date, basis: int = 0) -> Decimal:
    """YEARFRAC: the part of a year between two dates, in whichever order."""
    found = year_fraction(basis_name(basis), min(start, end), max(start, end))
    return Decimal(found.numerator) / found.denominator


def days360(start: dt.date, end: dt.date, european: bool = False) -> Decimal:
    """DAYS360: days of months of 30, below zero when the end is first."""
    name = "30E/360" if european else "30/360 DAYS360"
    return Decimal(days_between(name, start, end) if start <= end else -days_between(name, end, start))


def edate(start: dt.date, months: int) -> dt.date:
    """EDATE: the same day so many months later, or the last of a month that is too short."""
    return months_add(start, months)


def eomonth(start: dt.date, months: int) -> dt.date:
    """EOMONTH: the last day of the month so many months later."""
    return month_end(months_add(start.replace(day=1), months))


def _calendar(weekend: int | str, holidays: Iterable[dt.date]) -> Calendar:
    """A weekend by its number, or seven digits from Monday on with 1 for a day off."""
    if isinstance(weekend, str):
        valid = len(weekend) == 7 and set(weekend) <= {"0", "1"} and "0" in weekend
        days = frozenset(day for day, sign in enumerate(weekend) if sign == "1") if valid else None
    else:
        days = _WEEKENDS.get(weekend)
    if days is None:
        raise UnknownConvention("A weekend is 1 to 7, 11 to 17, or seven digits 0 and 1.", pointer="/weekend")
    return Calendar.of_dates("a spreadsheet's", holidays, weekend=days)


def workday(start: dt.date, days: int, weekend: int | str = 1, holidays: Iterable[dt.date] = ()) -> dt.date:
    """WORKDAY.INTL: the date so many working days later (earlier when negative); none: the start, whatever its day."""
    years_check(start, "/start")
    if abs(days) > STEPS_MAX:
        raise PeriodNotValid(f"At most {STEPS_MAX:,} days.", pointer="/days")
    calendar, step, day = _calendar(weekend, holidays), dt.timedelta(days=1 if days > 0 else -1), start
    for _ in range(abs(days)):
        day += step
        while not calendar.is_business_day(day):
            day += step
    return day


def networkdays(start: dt.date, end: dt.date, weekend: int | str = 1, holidays: Iterable[dt.date] = ()) -> Decimal:
    """NETWORKDAYS.INTL: working days from one date to the other, both included; below zero when the end is first."""
    calendar = _calendar(weekend, holidays)
    first, last = min(start, end), max(start, end)
    count = calendar.business_days_between(first, last) + calendar.is_business_day(last)
    return Decimal(count if start <= end else -count)
