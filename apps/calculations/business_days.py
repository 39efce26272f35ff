"""Moving dates to business days, and stepping by periods on a calendar.

Sources: ISDA 2006 Definitions, 4.12 (business day conventions); QuantLib's calendars (half-month, nearest by
distance, end of month); OpenGamma Strata (nearest by weekday).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from apps.calculations.calendars import GAP_DAYS_MAX, Calendar, month_end, years_check
from apps.calculations.errors import PeriodNotValid, UnknownConvention

STEPS_MAX = 100_000
UNITS = ("days", "business_days", "weeks", "months", "years")
_DAY = dt.timedelta(days=1)


def _following(day: dt.date, calendar: Calendar) -> dt.date:
    return calendar.same_or_next(day)


def _preceding(day: dt.date, calendar: Calendar) -> dt.date:
    return calendar.same_or_previous(day)


def _modified_following(day: dt.date, calendar: Calendar) -> dt.date:
    moved = calendar.same_or_next(day)
    return moved if moved.month == day.month else calendar.same_or_previous(day)


def _modified_preceding(day: dt.date, calendar: Calendar) -> dt.date:
    moved = calendar.same_or_previous(day)
    return moved if moved.month == day.month else calendar.same_or_next(day)


def _half_month(day: dt.date, calendar: Calendar) -> dt.date:
    moved = calendar.same_or_next(day)
    crossed = moved.month != day.month or (day.day <= 15 < moved.day)
    return calendar.same_or_previous(day) if crossed else moved


def _nearest(day: dt.date, calendar: Calendar) -> dt.date:
    for distance in range(GAP_DAYS_MAX):
        for moved in (day + distance * _DAY, day - distance * _DAY):
            if calendar.is_business_day(moved):
                return moved
    raise PeriodNotValid(f"The calendar {calendar.name} has no business day within a year.", pointer="/calendar")


def _nearest_by_weekday(day: dt.date, calendar: Calendar) -> dt.date:
    if calendar.is_business_day(day):
        return day
    return calendar.same_or_next(day) if day.weekday() in {6, 0} else calendar.same_or_previous(day)


CONVENTIONS: dict[str, Callable[[dt.date, Calendar], dt.date]] = {
    "none": lambda day, _calendar: day,
    "following": _following,
    "modified_following": _modified_following,
    "half_month_modified_following": _half_month,
    "preceding": _preceding,
    "modified_preceding": _modified_preceding,
    "nearest": _nearest,
    "nearest_by_weekday": _nearest_by_weekday,
    "end_of_month": lambda day, calendar: calendar.last_of_month(day),
}
"""none: the date as it is. following, preceding: the next, the previous business day. modified_*: the other way round
where the move would leave the month; half_month_*: nor pass from the 15th or before to after it. nearest: the closer
one, the later one of two as close. nearest_by_weekday: Sunday and Monday go on, the other days back (ISDA).
end_of_month: the last business day of the month."""

_ALIASES = {
    "unadjusted": "none", "noadjust": "none", "noadjustment": "none", "actual": "none", "f": "following",
    "mf": "modified_following", "modfollowing": "modified_following", "modified": "modified_following",
    "p": "preceding", "previous": "preceding", "next": "following", "mp": "modified_preceding",
    "modifiedfollowingbimonthly": "half_month_modified_following", "modifiedprevious": "modified_preceding",
    "modifiednext": "modified_following", "eom": "end_of_month", "lastbusinessdayofmonth": "end_of_month",
}  # fmt: skip
_BY_KEY = {**{name.replace("_", ""): name for name in CONVENTIONS}, **_ALIASES}


def convention_name(name: str, *, pointer: str = "/business_day_convention") -> str:
    """The name in CONVENTIONS for a name or alias; capitals and separators do not matter. Raises UnknownConvention."""
    found = _BY_KEY.get(re.sub(r"[^a-z]", "", name.lower())) if isinstance(name, str) and len(name) <= 64 else None
    if found is None:
        raise UnknownConvention(f"Business day conventions are {', '.join(CONVENTIONS)}.", pointer=pointer)
    return found


def date_adjust(day: dt.date, convention: str, calendar: Calendar) -> dt.date:
    """The business day that the convention makes of a date. Raises UnknownConvention."""
    years_check(day, "/date")
    return CONVENTIONS[convention_name(convention)](day, calendar)


def months_add(day: dt.date, months: int, *, end_of_month: bool = False) -> dt.date:
    """The same day `months` later (earlier when negative), or the last of a month that is too short.

    `end_of_month`: the last day of a month goes to the last day of the other. Raises PeriodNotValid outside of the
    years 1 to 9999.
    """
    index = day.year * 12 + day.month - 1 + months
    if not 12 <= index < 119_988:
        raise PeriodNotValid("The period leads out of the calendar.", pointer="/count")
    last = month_end(dt.date(index // 12, index % 12 + 1, 1))
    return last if end_of_month and day == month_end(day) else last.replace(day=min(day.day, last.day))


def date_advance(
    start: dt.date,
    count: int,
    unit: str,
    *,
    calendar: Calendar,
    convention: str = "following",
    end_of_month: bool = False,
) -> dt.date:
    """The date `count` units later (earlier when negative), adjusted by the convention.

    Units: `business_days` are counted on the calendar and need no adjustment; `days`, `weeks`, `months`, `years` are
    stepped on the calendar of all days and then adjusted. With `end_of_month`, months and years from the last
    business day of a month (or a day after it) lead to the last business day of the other month; without adjustment,
    from the last day to the last day. Raises UnknownConvention, PeriodNotValid.
    """
    name = convention_name(convention)
    years_check(start, "/start")
    if abs(count) > STEPS_MAX:
        raise PeriodNotValid(f"At most {STEPS_MAX} steps.", pointer="/count")
    if count == 0:
        return CONVENTIONS[name](start, calendar)
    if unit == "business_days":
        return calendar.business_days_add(start, count)
    if unit in {"days", "weeks"}:
        try:
            moved = start + dt.timedelta(days=count * (7 if unit == "weeks" else 1))
        except OverflowError as error:
            raise PeriodNotValid("The period leads out of the calendar.", pointer="/count") from error
        years_check(moved, "/count")
        return CONVENTIONS[name](moved, calendar)
    if unit not in {"months", "years"}:
        raise PeriodNotValid(f"Units are {', '.join(UNITS)}.", pointer="/unit")
    months = count * 12 if unit == "years" else count
    if end_of_month and name == "none":
        return months_add(start, months, end_of_month=True)
    moved = months_add(start, months)
    years_check(moved, "/count")
    if end_of_month and start >= calendar.last_of_month(start):
        return calendar.last_of_month(moved)
    return CONVENTIONS[name](moved, calendar)
