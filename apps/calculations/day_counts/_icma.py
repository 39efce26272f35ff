"""ACT/ACT ICMA (rule 251): days over the length of the coupon period times the coupons a year.

Stubs are measured in notional periods: backward from the first coupon date for a long or short first period, forward
from the last one for the final period. Source: ICMA Primary Market Handbook, rule 251; ISDA, "EMU and market
conventions" (1998), whose worked figures the tests use.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from apps.calculations.calendars import month_end
from apps.calculations.day_counts._parts import Part, Terms, frequency_of, months_shift
from apps.calculations.errors import ConventionNeeds, PeriodNotValid

PERIODS_MAX = 12 * 300
REFERENCE_YEARS_MAX = 10


def icma(start: dt.date, end: dt.date, terms: Terms) -> list[Part]:
    """With a reference period, its length; otherwise with the frequency and the schedule's dates."""
    if start == end:
        return []
    if terms.reference_start is not None or terms.reference_end is not None:
        return list(_by_reference(start, end, terms))
    if terms.frequency is None:
        raise ConventionNeeds(
            "ACT/ACT ICMA needs a reference period, or the number of coupons a year.", pointer="/frequency"
        )
    return list(_by_schedule(start, end, terms))


def _by_reference(start: dt.date, end: dt.date, terms: Terms) -> Iterator[Part]:
    first, last = terms.reference_start, terms.reference_end
    if first is None or last is None or last <= first:
        raise ConventionNeeds("A reference period has a start and a later end.", pointer="/reference_period")
    if last.year - first.year > REFERENCE_YEARS_MAX:
        raise PeriodNotValid(f"A coupon has at most {REFERENCE_YEARS_MAX} years.", pointer="/reference_period")
    months = (24 * (last - first).days + 365) // 730  # the nearest whole number of months
    if months == 0:  # shorter than half a month: a year from the start
        first, last, months = start, months_shift(start, 12), 12
    for index in _covering(start, end, first, last, months):
        from_day, to_day = _notional(first, last, months, index)
        yield from _overlap(start, end, from_day, to_day, months)


def _notional(first: dt.date, last: dt.date, months: int, index: int) -> tuple[dt.date, dt.date]:
    """Notional period number `index`: 0 is the reference period, negative ones lie before it."""
    if index < 0:
        return months_shift(first, index * months), months_shift(first, (index + 1) * months)
    if index > 0:
        return months_shift(last, (index - 1) * months), months_shift(last, index * months)
    return first, last


def _covering(start: dt.date, end: dt.date, first: dt.date, last: dt.date, months: int) -> range:
    low = high = 0
    while _notional(first, last, months, low)[0] > start and low > -PERIODS_MAX:
        low -= 1
    while _notional(first, last, months, high)[1] < end and high < PERIODS_MAX:
        high += 1
    if max(-low, high) >= PERIODS_MAX:
        raise PeriodNotValid("The reference period is too far away.", pointer="/reference_period")
    return range(low, high + 1)


def _overlap(start: dt.date, end: dt.date, from_day: dt.date, to_day: dt.date, months: int) -> Iterator[Part]:
    """The part of [start, end) in the notional period, as days over the days of that many periods in a year."""
    begin, stop = max(start, from_day), min(end, to_day)
    if begin < stop:
        length = (to_day - from_day).days
        if 12 % months == 0:
            yield Part((stop - begin).days, length * (12 // months), begin, stop, f"of {length} days")
        else:  # periods that do not divide the year
            yield Part((stop - begin).days * months, length * 12, begin, stop, f"of {length} days")


def _by_schedule(start: dt.date, end: dt.date, terms: Terms) -> Iterator[Part]:
    frequency = frequency_of(terms, "ACT/ACT ICMA")
    months = 12 // frequency
    coupon = terms.period_end or end
    if coupon <= start:
        raise PeriodNotValid("The next coupon is after the start.", pointer="/period_end")
    alone = terms.period_end is None and terms.schedule_start is None and terms.maturity is None
    if alone or coupon == terms.maturity:
        anchor, step = start, months  # the final period: notional ones forward from its start
    elif start == terms.schedule_start:
        anchor, step = coupon, -months  # the first period: notional ones back from its end
    else:
        yield Part((end - start).days, (coupon - start).days * frequency, start, end)
        return
    here, keep_end = anchor, terms.end_of_month and anchor == month_end(anchor)
    for _ in range(PERIODS_MAX):
        there = months_shift(here, step)
        if keep_end:
            there = month_end(there)
        yield from _overlap(start, end, min(here, there), max(here, there), months)
        if there >= end if step > 0 else there <= start:
            return
        here = there
    raise PeriodNotValid("The period has too many coupons.", pointer="/end")
