"""Calendars of business days: weekends, holidays, and several calendars joined into one.

A calendar is a value: a name, the days of the week that are never worked on, and a function that gives the holidays
of a year. Holidays of countries and exchanges come from the `holidays` package; TARGET, the Federal Reserve's and
Brazil's settlement calendar are written here from their rules.
"""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial

import holidays
from dateutil.easter import easter
from holidays import registry

from apps.calculations.errors import CalendarUnknown, PeriodNotValid

SATURDAY_SUNDAY = frozenset({5, 6})
"""Days of the week, Monday is 0."""
FIRST_YEAR, LAST_YEAR = 1583, 9000
"""From the first whole year of the calendar on; conventions step outside of a period, so the last years are left."""
GAP_DAYS_MAX = 366
"""The longest search for a business day: a calendar with a longer gap is a mistake in its holidays."""

_DAY = dt.timedelta(days=1)
_WEEKENDS: dict[str, frozenset[int]] = {
    "NONE": frozenset(),
    "SAT/SUN": SATURDAY_SUNDAY,
    "FRI/SAT": frozenset({4, 5}),
    "THU/FRI": frozenset({3, 4}),
    "SUN": frozenset({6}),
    "FRI": frozenset({4}),
    "SAT": frozenset({5}),
}
_CENTRES = {
    "GBLO": "GB", "LONDON": "GB", "ENGLAND": "GB", "USNY": "US", "NEWYORK": "US", "ZAJO": "ZA", "KENA": "KE",
    "INMU": "IN", "JPTO": "JP", "CHZU": "CH", "CATO": "CA", "AUSY": "AU", "SEST": "SE", "DKCO": "DK", "NOOS": "NO",
    "NOHOLIDAYS": "NONE", "NULLCALENDAR": "NONE",
}  # fmt: skip
"""Business centres as FpML writes them, and other names."""
_BANKS_OF = {"AU": "NSW", "CA": "ON", "CH": "ZH", "GB": "ENG"}
"""Where the holidays of the whole country are not those of its banks: the part whose holidays its payments keep."""
_CLOSED_ON = {
    "AT": ("public", "bank"), "BE": ("public", "bank"), "DK": ("public", "optional"), "JP": ("public", "bank"),
    "SE": ("public", "de_facto"),
}  # fmt: skip
"""Where banks close on more days than public holidays. Elsewhere the package counts afternoons among such days."""


@dataclass(frozen=True)
class Calendar:
    """Which days are business days. `holidays_of(year)` gives the holidays of that year, weekends or not."""

    name: str
    weekend: frozenset[int] = SATURDAY_SUNDAY
    holidays_of: Callable[[int], frozenset[dt.date]] = field(default=lambda _year: frozenset(), compare=False)
    _years: dict[int, frozenset[dt.date]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of_dates(cls, name: str, days: Iterable[dt.date], *, weekend: Iterable[int] = SATURDAY_SUNDAY) -> Calendar:
        """A calendar with exactly these holidays, such as the one that a bank keeps in its own table."""
        by_year: dict[int, set[dt.date]] = {}
        for day in days:
            by_year.setdefault(day.year, set()).add(day)
        frozen = {year: frozenset(found) for year, found in by_year.items()}
        return cls(name, frozenset(weekend), lambda year: frozen.get(year, frozenset()))

    def holidays(self, year: int) -> frozenset[dt.date]:
        """The holidays of a year, remembered."""
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self.holidays_of(year)
        return found

    def is_business_day(self, day: dt.date) -> bool:
        """Neither weekend nor holiday."""
        return day.weekday() not in self.weekend and day not in self.holidays(day.year)

    def same_or_next(self, day: dt.date) -> dt.date:
        """This day when it is a business day, otherwise the next one."""
        return self._search(day, _DAY)

    def same_or_previous(self, day: dt.date) -> dt.date:
        """This day when it is a business day, otherwise the one before."""
        return self._search(day, -_DAY)

    def _search(self, day: dt.date, step: dt.timedelta) -> dt.date:
        for _ in range(GAP_DAYS_MAX):
            if self.is_business_day(day):
                return day
            day += step
        raise PeriodNotValid(f"The calendar {self.name} has no business day within a year.", pointer="/calendar")

    def business_days_add(self, day: dt.date, count: int) -> dt.date:
        """`count` business days later (earlier when negative). Zero is the day itself, whatever it is."""
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day = self._search(day + step, step)
        return day

    def business_days_between(self, start: dt.date, end: dt.date) -> int:
        """Business days from `start` up to and without `end`; negative when `end` is earlier."""
        if end < start:
            return -self.business_days_between(end, start)
        whole_weeks, rest = divmod((end - start).days, 7)
        tail = start + dt.timedelta(days=7 * whole_weeks)
        worked = whole_weeks * (7 - len(self.weekend))
        worked += sum((tail + dt.timedelta(days=n)).weekday() not in self.weekend for n in range(rest))
        off = sum(
            start <= day < end and day.weekday() not in self.weekend
            for year in range(start.year, end.year + 1)
            for day in self.holidays(year)
        )
        return worked - off

    def last_of_month(self, day: dt.date) -> dt.date:
        """The last business day of the month that `day` is in."""
        return self.same_or_previous(month_end(day))

    def joined(self, other: Calendar) -> Calendar:
        """Business days of both: closed where either is closed."""
        return Calendar(
            f"{self.name}+{other.name}",
            self.weekend | other.weekend,
            lambda year: self.holidays(year) | other.holidays(year),
        )


def years_check(day: dt.date, pointer: str) -> None:
    """Raises PeriodNotValid unless a date leaves room for steps on both sides (FIRST_YEAR to LAST_YEAR)."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise PeriodNotValid(f"Dates are in the years {FIRST_YEAR} to {LAST_YEAR}.", pointer=pointer)


def month_end(day: dt.date) -> dt.date:
    """The last day of the month that `day` is in."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def calendar_get(name: str, *, pointer: str = "/calendar") -> Calendar:
    """The calendar with this name; several joined by "+" are closed where one of them is ("TARGET+US").

    Names: a weekend (NONE, SAT/SUN, FRI/SAT, THU/FRI, SUN), TARGET, FED (Federal Reserve), RBI (India's banks), BRAZIL
    (settlement), a country by code or English name (ZA, ZAF, South Africa) or a part of one (GB-SCT), a business centre
    of FpML (GBLO), an exchange (NYSE). Raises CalendarUnknown.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > 200:
        raise CalendarUnknown("Name a calendar, such as TARGET, ZA or SAT/SUN.", pointer=pointer)
    first, *others = [_one(part, pointer) for part in name.split("+")]
    for other in others:
        first = first.joined(other)
    return first


def _one(name: str, pointer: str) -> Calendar:
    key = _key(name)
    if not key:
        raise CalendarUnknown("A calendar's name is empty.", pointer=pointer)
    found = _named(key)
    if found is None:
        raise CalendarUnknown(f"No calendar is called {name.strip()[:64]}.", pointer=pointer)
    return found


def _key(name: str) -> str:
    """The name without spaces and marks; a dash stays where a part of a country follows it ("GB-SCT")."""
    said = name.strip().upper()
    kept = "/-" if re.fullmatch(r"[A-Z]{2,3}-[A-Z0-9]{1,3}", said) else "/"
    return "".join(letter for letter in said if letter.isalnum() or letter in kept)


@cache
def _named(key: str) -> Calendar | None:
    key = _CENTRES.get(key, key)
    bare = re.sub(r"(FRI|SUN|SAT|THU)(?:R?S|UR)?DAYS?", r"\1", re.sub("WEEKENDS?(ONLY)?", "", key))
    if bare in _WEEKENDS:
        return Calendar(bare, _WEEKENDS[bare])
    if key in {"", "SATSUN", "WEEKDAYS"} or not bare:
        return Calendar("SAT/SUN")
    if key in {"TARGET", "TARGET2", "EUTA"}:
        return Calendar("TARGET", SATURDAY_SUNDAY, _target)
    if key in {"FED", "FEDWIRE", "USFED", "FEDERALRESERVE", "USFEDERALRESERVE", "USFEDERALRESERVEBANK"}:
        return Calendar("FED", SATURDAY_SUNDAY, _fed)
    if key == "RBI":
        india = _of_country("IN", "")
        return india and Calendar("RBI", frozenset({6}), lambda year: india.holidays(year) | _rbi_saturdays(year))
    if key in {"BRAZIL", "BRAZILSETTLEMENT", "BRBD", "ANBIMA"}:
        return Calendar("BRAZIL", SATURDAY_SUNDAY, _brazil)
    for names in registry.FINANCIAL.values():
        if key in {name.upper() for name in names}:
            return _from_package(names[1], holidays.financial_holidays)
    country, _, part = key.partition("-")
    for names in registry.COUNTRIES.values():
        if country in {name.upper() for name in names}:
            return _of_country(names[1], part)
    return None


def _from_package(code: str, source: Callable[..., holidays.HolidayBase], name: str = "") -> Calendar:
    weekend = SATURDAY_SUNDAY if code == "HK" else frozenset(source(code, years=2020).weekend)  # payments: five days
    return Calendar(
        name or code, weekend, lambda year: frozenset(day for day in source(code, years=year) if day.year == year)
    )


def _of_country(code: str, part: str) -> Calendar | None:
    """The holidays of a country or a part of it (ISO 3166-2)."""
    known = holidays.country_holidays(code, years=2020)
    parts = {subdivision.upper(): subdivision for subdivision in known.subdivisions}
    if part and part not in parts:
        return None
    chosen = parts.get(part or _BANKS_OF.get(code, ""))
    source = partial(holidays.country_holidays, subdiv=chosen, categories=_CLOSED_ON.get(code))
    return _from_package(code, source, f"{code}-{part}" if part else code)


def _fed(year: int) -> frozenset[dt.date]:
    """Closing days of the Federal Reserve Banks: 5 USC 6103, but a holiday on a Saturday is not kept on the Friday."""
    days = {_sunday_to_monday(dt.date(year, month, day)) for month, day in ((1, 1), (7, 4), (11, 11), (12, 25))} | {
        _nth_weekday(year, 9, 0, 1),
        _nth_weekday(year, 11, 3, 4),
        _nth_weekday(year, 5, 0, -1),
    }
    days |= {_nth_weekday(year, 2, 0, 3), _nth_weekday(year, 10, 0, 2)}
    if year >= 1986:
        days.add(_nth_weekday(year, 1, 0, 3))
    if year >= 2022:
        days.add(_sunday_to_monday(dt.date(year, 6, 19)))
    return frozenset(days)


def _rbi_saturdays(year: int) -> frozenset[dt.date]:
    """Second and fourth Saturdays: days off of India's banks since September 2015 (notification of 20 August 2015),
    while the others are working days."""
    months = range(9 if year == 2015 else 1, 13) if year >= 2015 else ()
    return frozenset(_nth_weekday(year, month, 5, count) for month in months for count in (2, 4))


def _sunday_to_monday(day: dt.date) -> dt.date:
    return day + _DAY if day.weekday() == 6 else day


def _nth_weekday(year: int, month: int, weekday: int, count: int) -> dt.date:
    """The `count`-th of a weekday in a month; -1 is the last."""
    if count < 0:
        last = month_end(dt.date(year, month, 1))
        return last - (last.weekday() - weekday) % 7 * _DAY
    first = dt.date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (count - 1)) * _DAY


def _target(year: int) -> frozenset[dt.date]:
    """TARGET closing days: ECB decisions of 1998 to 2000; since 2000 six days a year."""
    days = {dt.date(year, 1, 1), dt.date(year, 12, 25)}
    if year >= 2000:
        sunday = easter(year)
        days |= {sunday - 2 * _DAY, sunday + _DAY, dt.date(year, 5, 1), dt.date(year, 12, 26)}
    if year in {1998, 1999, 2001}:
        days.add(dt.date(year, 12, 31))
    return frozenset(days)


def _brazil(year: int) -> frozenset[dt.date]:
    """Brazil's settlement holidays: laws 662/1949, 6,802/1980, 10,607/2002 and 14,759/2023; carnival and Corpus
    Christi as ANBIMA counts them for the 252-day year."""
    sunday = easter(year)
    days = {
        dt.date(year, month, day)
        for month, day in ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 25))
    }
    days |= {sunday - 48 * _DAY, sunday - 47 * _DAY, sunday - 2 * _DAY, sunday + 60 * _DAY}
    if year >= 2024:
        days.add(dt.date(year, 11, 20))
    return frozenset(days)
