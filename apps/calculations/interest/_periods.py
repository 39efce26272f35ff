"""Calendars of compounding and posting: at which dates a period ends."""

from __future__ import annotations

import datetime as dt

from apps.calculations.business_days import months_add
from apps.calculations.errors import UnknownConvention

FREQUENCIES: dict[str, tuple[int, int]] = {
    "daily": (0, 1),
    "weekly": (0, 7),
    "biweekly": (0, 14),
    "monthly": (1, 0),
    "bimonthly": (2, 0),
    "quarterly": (3, 0),
    "four_monthly": (4, 0),
    "half_yearly": (6, 0),
    "yearly": (12, 0),
    "at_end": (0, 0),
    "none": (0, 0),
}
"""(months, days) of each. at_end: once, at the end. none: never."""

ANCHORS = ("calendar", "start")
"""calendar: Mondays, the 1sts of months, quarters, halves, years. start: counted from the first day."""

_MONDAY = dt.date(1900, 1, 1)  # a Monday


def boundaries(frequency: str, start: dt.date, end: dt.date, anchor: str = "calendar") -> list[dt.date]:
    """The dates after `start` and up to `end` on which a period ends and the next begins. Raises UnknownConvention."""
    if frequency not in FREQUENCIES:
        raise UnknownConvention(f"Frequencies are {', '.join(FREQUENCIES)}.", pointer="/frequency")
    if anchor not in ANCHORS:
        raise UnknownConvention(f"Periods are counted from {' or '.join(ANCHORS)}.", pointer="/anchor")
    months, days = FREQUENCIES[frequency]
    if not months and not days:
        return [end] if frequency == "at_end" and end > start else []
    origin = start
    if anchor == "calendar":
        origin = dt.date(start.year, 1, 1) if months else _MONDAY
    found: list[dt.date] = []
    number = 1 if months else (start - origin).days // days + 1
    while True:
        day = months_add(origin, months * number) if months else origin + dt.timedelta(days=days * number)
        if day > end:
            return found
        if day > start:
            found.append(day)
        number += 1
