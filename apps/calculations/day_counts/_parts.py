"""What the conventions share: the terms that some need, the parts that a fraction is made of, steps in months."""

from __future__ import annotations

import datetime as dt
from calendar import isleap
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from apps.calculations.calendars import Calendar, month_end
from apps.calculations.errors import ConventionNeeds


class Part(NamedTuple):
    """`days` out of a year of `basis` days, from `start` to `end`. Whole years are parts with basis 1."""

    days: int
    basis: int | Fraction
    start: dt.date
    end: dt.date
    note: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What some conventions need besides the two dates. What a convention does not use is left unread.

    `frequency`: coupons a year (1, 2, 3, 4, 6, 12). `reference_start`, `reference_end`: the regular coupon period
    that the dates belong to. `period_end`: the next coupon date after the start. `schedule_start`, `maturity`: first
    and last date of the whole schedule. `end_of_month`: coupons fall on month ends. `calendar`: for business days.
    `include_end`: the last day counts too (ACT/n only).
    """

    frequency: int | None = None
    reference_start: dt.date | None = None
    reference_end: dt.date | None = None
    period_end: dt.date | None = None
    schedule_start: dt.date | None = None
    maturity: dt.date | None = None
    end_of_month: bool = False
    calendar: Calendar | None = None
    include_end: bool = False


NO_TERMS = Terms()
FREQUENCIES = frozenset({1, 2, 3, 4, 6, 12})


def frequency_of(terms: Terms, convention: str) -> int:
    """Coupons a year. Raises ConventionNeeds."""
    if terms.frequency is None:
        raise ConventionNeeds(f"{convention} needs the number of coupons a year.", pointer="/frequency")
    if terms.frequency not in FREQUENCIES:
        raise ConventionNeeds("The frequency is 1, 2, 3, 4, 6 or 12 coupons a year.", pointer="/frequency")
    return terms.frequency


def year_length(year: int) -> int:
    """365 or 366."""
    return 366 if isleap(year) else 365


def leap_days(start: dt.date, end: dt.date) -> int:
    """29ths of February after `start` and up to and with `end`."""
    return sum(isleap(year) and start < dt.date(year, 2, 29) <= end for year in range(start.year, end.year + 1))


def is_february_end(day: dt.date) -> bool:
    """The last day of a February."""
    return day.month == 2 and day.day == (29 if isleap(day.year) else 28)


def months_shift(day: dt.date, months: int) -> dt.date:
    """The same day `months` later (earlier when negative), or the last of a month that is too short."""
    index = day.year * 12 + day.month - 1 + months
    first = dt.date(index // 12, index % 12 + 1, 1)
    return first.replace(day=min(day.day, month_end(first).day))
