"""Due dates: every n days, weeks, months, twice a month, by a list, in season only; the first period short or long."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.calculations.errors import ConventionNeeds, PeriodNotValid, UnknownConvention
from apps.calculations.loans._terms import INSTALMENTS_MAX, Period

UNITS = ("days", "weeks", "semimonths", "months", "years")
YEAR_DAYS = 365
YEAR_MAX = 2400
SEASON_GAP_MAX = 12

Adjust = Callable[[dt.date], dt.date]


@dataclass(frozen=True, slots=True)
class Frequency:
    """Every `every` units. Semimonths fall on two `days` of each month (31 is the last)."""

    unit: str = "months"
    every: int = 1
    days: tuple[int, int] = (1, 16)

    def check(self) -> None:
        """Raises UnknownConvention, PeriodNotValid."""
        if self.unit not in UNITS:
            raise UnknownConvention(f"No frequency is called {self.unit}.", pointer="/frequency/unit")
        if not 1 <= self.every <= 366:
            raise PeriodNotValid("Every 1 to 366 units.", pointer="/frequency/every")
        if self.unit == "semimonths" and not 1 <= self.days[0] < self.days[1] <= 31:
            raise PeriodNotValid("Two days of a month, in order.", pointer="/frequency/days")

    @property
    def years(self) -> Fraction:
        """The length of a nominal period: months are twelfths, semimonths 24ths, weeks 52nds, days 365ths."""
        per_year = {"days": YEAR_DAYS, "weeks": 52, "semimonths": 24, "months": 12, "years": 1}[self.unit]
        return Fraction(self.every, per_year)


MONTHLY = Frequency()


def months_on(date: dt.date, months: int, day: int = 0) -> dt.date:
    """`months` after `date`, on `day` of the month or the date's own; the last of a shorter month."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if year > YEAR_MAX:
        raise PeriodNotValid(f"Dates are up to the year {YEAR_MAX}.", pointer="/instalments")
    return dt.date(year, month + 1, min(day or date.day, calendar.monthrange(year, month + 1)[1]))


def date_after(start: dt.date, frequency: Frequency, count: int, *, day: int = 0) -> dt.date:
    """`count` periods after `start`; months keep the day of `start`, or `day`."""
    if frequency.unit in ("days", "weeks"):
        days = frequency.every * count * (7 if frequency.unit == "weeks" else 1)
        if days > (dt.date(YEAR_MAX, 12, 31) - start).days:
            raise PeriodNotValid(f"Dates are up to the year {YEAR_MAX}.", pointer="/instalments")
        return start + dt.timedelta(days=days)
    if frequency.unit in ("months", "years"):
        size = frequency.every * (12 if frequency.unit == "years" else 1)
        return months_on(start, size * count, day)
    at = start
    for _ in range(count * frequency.every):
        at = _semimonth_after(at, frequency.days)
    return at


def _semimonth_after(date: dt.date, days: tuple[int, int]) -> dt.date:
    for month in (0, 1):
        for day in days:
            found = months_on(date.replace(day=1), month, day)
            if found > date:
                return found
    raise AssertionError("a day of the next month is later")


def due_dates(
    start: dt.date,
    count: int,
    frequency: Frequency,
    *,
    first_due: dt.date | None = None,
    season: Collection[int] = (),
) -> list[dt.date]:
    """Nominal due dates. `first_due` makes the first period short or long; `season` names the months with payments.

    A due date outside the season falls away, so that the period before it grows. Raises PeriodNotValid.
    """
    frequency.check()
    if not 0 < count <= INSTALMENTS_MAX:
        raise PeriodNotValid(f"Between 1 and {INSTALMENTS_MAX:,} instalments.", pointer="/instalments")
    if first_due is not None and first_due <= start:
        raise PeriodNotValid("The first due date is after the start.", pointer="/first_due")
    if season and not set(season) <= set(range(1, 13)):
        raise PeriodNotValid("Months are 1 to 12.", pointer="/season")
    anchor, skip = (start, 1) if first_due is None else (first_due, 0)
    dates: list[dt.date] = []
    n = 0
    semimonth = anchor
    while len(dates) < count:
        if frequency.unit == "semimonths":
            if n or skip:
                semimonth = date_after(semimonth, frequency, 1)
            date = semimonth
        else:
            date = date_after(anchor, frequency, n + skip)
        n += 1
        if n > INSTALMENTS_MAX * SEASON_GAP_MAX:
            raise PeriodNotValid("No due date falls in the season.", pointer="/season")
        if not season or date.month in season:
            dates.append(date)
    return dates


def periods_of(start: dt.date, dues: Sequence[dt.date], *, adjust: Adjust | None = None) -> tuple[Period, ...]:
    """Periods between due dates. `adjust` moves a due date off a day off; later nominal dates stay where they are."""
    if not dues:
        raise ConventionNeeds("At least one due date.", pointer="/due_dates")
    periods = []
    at = start
    for n, nominal in enumerate(dues):
        due = adjust(nominal) if adjust else nominal
        if due <= at:
            raise PeriodNotValid("Due dates are in order, and after the start.", pointer=f"/due_dates/{n}")
        periods.append(Period(at, due, nominal))
        at = due
    return tuple(periods)
