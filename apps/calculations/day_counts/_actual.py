"""Actual days over a year that is fixed, or that depends on leap days. Sources stand at each function."""

from __future__ import annotations

import datetime as dt
from calendar import isleap
from collections.abc import Callable
from fractions import Fraction

from apps.calculations.day_counts._parts import (
    Part,
    Terms,
    frequency_of,
    leap_days,
    months_shift,
    year_length,
)
from apps.calculations.errors import ConventionNeeds

Parts = Callable[[dt.date, dt.date, Terms], list[Part]]


def fixed(basis: int | Fraction) -> Parts:
    """Actual days over a year of always `basis` days (ISDA 2006 4.16(d), (e))."""

    def parts(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
        return [Part((end - start).days + terms.include_end, basis, start, end)]

    return parts


def no_leap(basis: int) -> Parts:
    """Actual days without any 29th of February after the start and up to the end."""

    def parts(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
        return [Part((end - start).days - leap_days(start, end), basis, start, end, "without 29 February")]

    return parts


def one(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """1/1 (ISDA 2006 4.16(a)): always one."""
    return [Part(1, 1, start, end)]


def actual_365_actual(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """ACT/365 Actual: over 366 when a 29th of February lies after the start and up to the end."""
    return [Part((end - start).days, 366 if leap_days(start, end) else 365, start, end)]


def actual_365_l(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """ACT/365L (ICMA rule 251.1(i)): over 366 when the coupon period has a 29th of February (annual coupons), or ends
    in a leap year (all others). Without `period_end` the end is the coupon date."""
    frequency = frequency_of(terms, "ACT/365L")
    coupon = terms.period_end or end
    long = leap_days(start, coupon) > 0 if frequency == 1 else isleap(coupon.year)
    return [Part((end - start).days, 366 if long else 365, start, end)]


def isda(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """ACT/ACT ISDA (2006 4.16(b)): days in leap years over 366 and the others over 365."""
    if start.year == end.year:
        return [Part((end - start).days, year_length(start.year), start, end)]
    parts = []
    turn = dt.date(start.year + 1, 1, 1)
    if start < turn:
        parts.append(Part((turn - start).days, year_length(start.year), start, turn))
    last = dt.date(end.year, 1, 1)
    if end.year - start.year > 1:
        parts.append(Part(end.year - start.year - 1, 1, turn, last, "whole years"))
    if last < end:
        parts.append(Part((end - last).days, year_length(end.year), last, end))
    return parts


def _back_plain(end: dt.date, years: int) -> dt.date:
    return months_shift(end, -12 * years)


def _back_february(end: dt.date, years: int) -> dt.date:
    back = months_shift(end, -12 * years)
    return back.replace(day=29) if years and (back.month, back.day) == (2, 28) and isleap(back.year) else back


def _afb(back: Callable[[dt.date, int], dt.date]) -> Parts:
    def parts(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
        years, rest = 0, end
        while (earlier := back(end, years + 1)) >= start:
            years, rest = years + 1, earlier
        found = [Part(years, 1, rest, end, "whole years, counted back from the end")] if years else []
        if rest > start or not years:
            # 29 February counts when it is on or after the start and before the end of what is left.
            long = leap_days(start - dt.timedelta(days=1), rest - dt.timedelta(days=1)) > 0 if rest > start else False
            found.insert(0, Part((rest - start).days, 366 if long else 365, start, rest))
        return found

    return parts


afb = _afb(_back_plain)
"""ACT/ACT AFB (Fédération bancaire française, 1999): whole years back from the end by plain subtraction, the rest
over 366 when it holds a 29th of February. This reading keeps four years from 28 February to 28 February whole."""

afb_february = _afb(_back_february)
"""ACT/ACT AFB as ISDA translates it (2006 4.16(b), Annex): going back from 28 February lands on the 29th in a
leap year."""


def year_from_start(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """ACT/ACT Year: whole years counted forward from the start, the rest over the length of the year it is in."""
    years, begin = 0, start
    while end > months_shift(begin, 12):  # a year from 28 February ends on the 28th, also where the start is a 29th
        years += 1
        begin = months_shift(start, 12 * years)
    rest = Part((end - begin).days, (months_shift(begin, 12) - begin).days, begin, end)
    return [Part(years, 1, start, begin, "whole years"), rest] if years else [rest]


def excel_actual(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """Excel's YEARFRAC with basis 1: within a year over its length, beyond that over the mean length of the
    calendar years touched (OpenFormula 1.2, 4.11.7.7)."""
    days = (end - start).days
    within = start.year == end.year or (start.year + 1 == end.year and (start.month, start.day) >= (end.month, end.day))
    if within:
        same_leap = start.year == end.year and isleap(start.year)
        long = same_leap or leap_days(start - dt.timedelta(days=1), end) > 0
        return [Part(days, 366 if long else 365, start, end)]
    years = end.year - start.year + 1
    total = (dt.date(end.year + 1, 1, 1) - dt.date(start.year, 1, 1)).days
    return [Part(days, Fraction(total, years), start, end, "mean year")]


def canadian(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """ACT/365 Canadian bond (IIAC): days over 365 up to a coupon's share of 365 days, beyond that the coupon less
    the days that are missing."""
    if terms.reference_start is None or terms.reference_end is None:
        raise ConventionNeeds("ACT/365 Canadian needs the coupon period.", pointer="/reference_period")
    coupon_days = (terms.reference_end - terms.reference_start).days
    months = (24 * coupon_days + 365) // 730  # rounded to the nearest month
    if not 0 < months <= 12:
        raise ConventionNeeds("The coupon period is between a month and a year.", pointer="/reference_period")
    frequency = 12 // months
    days = (end - start).days
    if days < 365 // frequency:
        return [Part(days, 365, start, end)]
    return [
        Part(1, frequency, terms.reference_start, terms.reference_end, "the coupon"),
        Part(days - coupon_days, 365, start, end, "less the days missing"),
    ]


def business_252(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """BUS/252 (ANBIMA): business days of the calendar, the start included, over 252."""
    if terms.calendar is None:
        raise ConventionNeeds("BUS/252 needs a calendar.", pointer="/calendar")
    return [Part(terms.calendar.business_days_between(start, end), 252, start, end, terms.calendar.name)]
