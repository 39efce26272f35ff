"""Business days: weekend, public holidays of a country, and the bank's own closures."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import holidays
from django.conf import settings
from django.db.models import Q

from apps.jobs.models import BusinessCalendar, weekend_usual

DAYS_TRIED_MAX = 366


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are business days. `exceptions` are days of the bank's own: True open, False closed."""

    country: str
    subdivision: str = ""
    weekend: frozenset[int] = frozenset(weekend_usual())
    exceptions: Mapping[dt.date, bool] = field(default_factory=dict)

    def is_business_day(self, day: dt.date) -> bool:
        """Does the bank work on this day? The bank's own word goes before weekend and holidays."""
        if day in self.exceptions:
            return self.exceptions[day]
        return day.isoweekday() not in self.weekend and day not in self.holidays(day.year)

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
    found = BusinessCalendar.objects.filter(wanted).order_by("is_default", "code").first()
    if found is None:
        return Calendar(settings.NUMINA["COUNTRY"])
    exceptions = dict(found.closures.values_list("day", "is_open"))
    return Calendar(found.country, found.subdivision, frozenset(found.weekend), exceptions)
