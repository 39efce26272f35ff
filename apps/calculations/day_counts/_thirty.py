"""Months of thirty days. The variants differ only in what they make of the 31st and of the end of February.

All give 360 x years + 30 x months + days between the dates so changed. Sources: ISDA 2006 Definitions, section 4.16
(f), (g), (h); ISDA, "30/360 day count conventions" (2008); SIA Standard Securities Calculation Methods; SIFMA (PSA);
OpenFormula 1.2, 4.11.7. Function names follow the names of the conventions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from apps.calculations.calendars import month_end
from apps.calculations.day_counts._parts import Part, Terms, is_february_end

Days = Callable[[dt.date, dt.date, Terms], int]


def _days(start: dt.date, end: dt.date, first: int, last: int, extra_months: int = 0) -> int:
    return 360 * (end.year - start.year) + 30 * (end.month - start.month + extra_months) + last - first


def bond_basis(start: dt.date, end: dt.date, terms: Terms) -> int:
    """ISDA 2006 4.16(f): the 31st becomes the 30th; at the end only when the start is then the 30th."""
    first, last = min(start.day, 30), end.day
    if last == 31 and first == 30:
        last = 30
    return _days(start, end, first, last)


def us(start: dt.date, end: dt.date, terms: Terms) -> int:
    """SIA: as the bond basis, after the end of February became the 30th (at the end only if at the start too)."""
    first, last = start.day, end.day
    if is_february_end(start):
        first = 30
        if is_february_end(end):
            last = 30
    first = min(first, 30)
    if last == 31 and first == 30:
        last = 30
    return _days(start, end, first, last)


def us_if_eom(start: dt.date, end: dt.date, terms: Terms) -> int:
    """SIA with its flag: the February rule only for a security that pays at month ends."""
    return us(start, end, terms) if terms.end_of_month else bond_basis(start, end, terms)


def psa(start: dt.date, end: dt.date, terms: Terms) -> int:
    """PSA/SIFMA: a start on the last day of any month is the 30th; then the bond basis."""
    first = 30 if start == month_end(start) else start.day
    last = 30 if end.day == 31 and first == 30 else end.day
    return _days(start, end, first, last)


def nasd(start: dt.date, end: dt.date, terms: Terms) -> int:
    """NASD: an end on the 31st is the 30th after a start on the 30th or 31st, otherwise the 1st of the next month."""
    first, last, extra = min(start.day, 30), end.day, 0
    if last == 31:
        last, extra = (30, 0) if first == 30 else (1, 1)
    return _days(start, end, first, last, extra)


def european(start: dt.date, end: dt.date, terms: Terms) -> int:
    """ISDA 2006 4.16(g), Eurobond basis: each 31st becomes the 30th."""
    return _days(start, end, min(start.day, 30), min(end.day, 30))


def european_plus(start: dt.date, end: dt.date, terms: Terms) -> int:
    """30E+/360: a start on the 31st is the 30th; an end on the 31st is the 1st of the next month."""
    last, extra = (1, 1) if end.day == 31 else (end.day, 0)
    return _days(start, end, min(start.day, 30), last, extra)


def isda(start: dt.date, end: dt.date, terms: Terms) -> int:
    """ISDA 2006 4.16(h), German: month ends become the 30th, but the end of February only before the maturity."""
    first = 30 if is_february_end(start) else min(start.day, 30)
    last = 30 if is_february_end(end) and end != terms.maturity else min(end.day, 30)
    return _days(start, end, first, last)


def german_month_ends(start: dt.date, end: dt.date, terms: Terms) -> int:
    """Each month end is the 30th, February's too, without exception (30E/365)."""
    first = 30 if start == month_end(start) else start.day
    last = 30 if end == month_end(end) else end.day
    return _days(start, end, first, last)


def italian(start: dt.date, end: dt.date, terms: Terms) -> int:
    """Italian: each 31st, and each February day after the 27th, is the 30th."""
    first, last = (30 if day.day == 31 or (day.month == 2 and day.day > 27) else day.day for day in (start, end))
    return _days(start, end, first, last)


def plain(start: dt.date, end: dt.date, terms: Terms) -> int:
    """No change at all: 30 days for each month, and the days as they are."""
    return _days(start, end, start.day, end.day)


def excel_yearfrac(start: dt.date, end: dt.date, terms: Terms) -> int:
    """Excel's YEARFRAC with basis 0: as 30/360 US, but a start on the last of February leaves an end on the 31st."""
    first, last = start.day, end.day
    if first == 31 or (first == 30 and last == 31):
        first, last = 30, min(last, 30)
    elif is_february_end(start):
        last = 30 if is_february_end(end) else last
        first = 30
    return _days(start, end, first, last)


def excel_days360(start: dt.date, end: dt.date, terms: Terms) -> int:
    """Excel's DAYS360 (US): NASD, with a start on the last of February as the 30th."""
    first = 30 if is_february_end(start) else min(start.day, 30)
    last, extra = end.day, 0
    if last == 31:
        last, extra = (30, 0) if first == 30 else (1, 1)
    return _days(start, end, first, last, extra)


def over(days: Days, basis: int) -> Callable[[dt.date, dt.date, Terms], list[Part]]:
    """The convention that divides these days by `basis`."""

    def parts(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
        counted = 0 if start == end else days(start, end, terms)  # no end of February makes a day of none
        return [Part(counted, basis, start, end)]

    return parts


def simple(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """Whole months over twelve where the dates are whole months apart, otherwise the bond basis."""
    whole = (
        start.day == end.day
        or (start.day > end.day and end == month_end(end))
        or (start.day < end.day and start == month_end(start))
    )
    if whole:
        months = 12 * (end.year - start.year) + end.month - start.month
        return [Part(months, 12, start, end, "months")]
    return [Part(bond_basis(start, end, terms), 360, start, end)]
