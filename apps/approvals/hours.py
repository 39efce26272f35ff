"""Working time: the hours and days in which a branch is open, in its own time zone, without public holidays."""

from __future__ import annotations

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from django.conf import settings

OPENS, CLOSES = dt.time(8), dt.time(17)
WORKDAYS = frozenset(range(5))
DAYS_MAX = 4_000


@cache
def _holidays(country: str) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return None  # a country that the calendar does not know has weekends only


def is_workday(day: dt.date) -> bool:
    """Is it a day on which the bank is open: no weekend, no public holiday of its country?"""
    known = _holidays(settings.NUMINA["COUNTRY"])
    return day.weekday() in WORKDAYS and (known is None or day not in known)


def hours_after(start: dt.datetime, hours: int, *, time_zone: str = "") -> dt.datetime:
    """The moment at which `hours` working hours have passed since `start`, in UTC. An unknown zone counts as UTC."""
    zone = _zone(time_zone or settings.NUMINA["TIME_ZONE"])
    left = dt.timedelta(hours=hours)
    local = start.astimezone(zone)
    day = local.date()
    for _ in range(DAYS_MAX):
        opens = dt.datetime.combine(day, OPENS, zone)
        closes = dt.datetime.combine(day, CLOSES, zone)
        begin = max(local, opens)
        if is_workday(day) and begin < closes:
            # In UTC, so that a night in which the clocks change does not count wrong.
            there = closes.astimezone(dt.UTC) - begin.astimezone(dt.UTC)
            if left <= there:
                return begin.astimezone(dt.UTC) + left
            left -= there
        day += dt.timedelta(days=1)
    raise ValueError("no end of so many working hours within ten years")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
