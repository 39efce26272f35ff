"""Business days: weekend, public holidays of a country, and the bank's own closures."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import holidays
from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q
from django.db.models.functions import JSONObject

from apps.jobs.models import BusinessCalendar, OpeningHours, weekend_usual

DAYS_TRIED_MAX = 366
Hours = tuple[dt.time, dt.time]
HOURS_USUAL: Hours = (dt.time(8), dt.time(17))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are business days. `exceptions` are days of the bank's own: True open, False closed.

    `hours` are those of days of the week (1 Monday) that differ from the usual, 8 to 17.
    """

    country: str
    subdivision: str = ""
    weekend: frozenset[int] = frozenset(weekend_usual())
    exceptions: Mapping[dt.date, bool] = field(default_factory=dict)
    hours: Mapping[int, Hours] = field(default_factory=dict)

    def is_business_day(self, day: dt.date) -> bool:
        """Does the bank work on this day? The bank's own word goes before weekend and holidays."""
        if day in self.exceptions:
            return self.exceptions[day]
        return day.isoweekday() not in self.weekend and day not in self.holidays(day.year)

    def hours_on(self, day: dt.date) -> Hours:
        """When a business day begins and ends, by the branch's own clock."""
        return self.hours.get(day.isoweekday(), HOURS_USUAL)

    def holidays(self, year: int) -> Mapping[dt.date, str]:
        """The public holidays of a year with their names."""
        return public_holidays(self.country, self.subdivision, year)

    def next_after(self, day: dt.date) -> dt.date:
        """The first business day after `day`. ValueError when a year has none."""
        for _ in range(DAYS_TRIED_MAX):
            day += dt.timedelta(days=1)
            if self.is_business_day(day):
                return day
        raise ValueError("the calendar has no business day within a year")


@functools.lru_cache(maxsize=256)
def public_holidays(country: str, subdivision: str, year: int) -> Mapping[dt.date, str]:
    """The public holidays of a country, or of a part of it, as the holidays library knows them; none for no country.

    Raises NotImplementedError for a country or part that the library does not know.
    """
    if not country:
        return {}
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def calendar_of(*, branch_id: UUID | None = None) -> Calendar:
    """The calendar of a branch, else the bank's default one, else the bank's country with the usual weekend."""
    wanted = Q(is_default=True) | Q(branches=branch_id) if branch_id else Q(is_default=True)
    times = OpeningHours.objects.filter(calendar=OuterRef("pk"))
    shown = JSONObject(day="weekday", opens="opens", closes="closes")
    calendars = BusinessCalendar.objects.filter(wanted).annotate(times=ArraySubquery(times.values_list(shown)))
    found = calendars.order_by("is_default", "code").first()
    if found is None:
        return Calendar(settings.NUMINA["COUNTRY"])
    exceptions = dict(found.closures.values_list("day", "is_open"))
    hours = {row["day"]: (_time(row["opens"]), _time(row["closes"])) for row in found.times}
    return Calendar(found.country, found.subdivision, frozenset(found.weekend), exceptions, hours)


def _time(text: str) -> dt.time:
    return dt.time.fromisoformat(text)
