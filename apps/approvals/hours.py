"""Working time: the hours in which a branch is open, in its own time zone, on the business days of its calendar."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings

from apps.identity.models import Branch
from apps.jobs.selectors import Calendar, calendar_of

DAYS_MAX = 4_000


@dataclass(frozen=True, slots=True)
class WorkTime:
    """The clock of a branch: its calendar and its time zone. An unknown zone counts as UTC."""

    calendar: Calendar
    time_zone: str

    def after(self, start: dt.datetime, hours: int) -> dt.datetime:
        """The moment, in UTC, at which `hours` working hours have passed since `start`.

        Raises ValueError when the calendar has no such moment within ten years.
        """
        zone = _zone(self.time_zone)
        left = dt.timedelta(hours=hours)
        local = start.astimezone(zone)
        day = local.date()
        for _ in range(DAYS_MAX):
            opens_at, closes_at = self.calendar.hours_on(day)
            begin = max(local, dt.datetime.combine(day, opens_at, zone))
            closes = dt.datetime.combine(day, closes_at, zone)
            if begin < closes and self.calendar.is_business_day(day):
                # In UTC, so that a night in which the clocks change does not count wrong.
                there = closes.astimezone(dt.UTC) - begin.astimezone(dt.UTC)
                if left <= there:
                    return begin.astimezone(dt.UTC) + left
                left -= there
            day += dt.timedelta(days=1)
        raise ValueError("no end of so many working hours within ten years")


def worktime_of(branch: Branch | None) -> WorkTime:
    """The clock of a branch, or the bank's own for what belongs to none. One query, two where a calendar is kept."""
    if branch is None:
        return WorkTime(calendar_of(), settings.NUMINA["TIME_ZONE"])
    return WorkTime(calendar_of(branch_id=branch.pk), branch.time_zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
