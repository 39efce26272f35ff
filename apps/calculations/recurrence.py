"""Dates that repeat: RFC 5545 recurrence rules, RFC 7529's SKIP, and the rules of banks for month ends and holidays.

Only dates, so only DAILY, WEEKLY, MONTHLY and YEARLY. The rule is read by `dateutil`; the start counts only where the
rule gives it. The nominal date of an occurrence is the rule's; the date it is carried out on may move to a business
day (`apps.calculations.business_days`), and the count goes by nominal dates.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from dateutil.rrule import rrulestr

from apps.calculations.business_days import convention_name, date_adjust
from apps.calculations.calendars import Calendar, month_end, years_check
from apps.calculations.errors import ConventionNeeds, RecurrenceNotValid

RULE_LENGTH_MAX = 500
OCCURRENCES_MAX = 10_000
LAST_YEAR = 2200
HORIZON_YEARS = {"DAILY": 28, "WEEKLY": 100}
"""How many years of a rule are looked at: 10,000 days, and for rarer rules all up to LAST_YEAR."""
MONTH_ENDS = ("skip", "last")
"""What a day that a month does not have becomes: skip (RFC 5545: no occurrence), last (the last day of the month)."""

_OF_MONTHS = {"MONTHLY", "YEARLY"}
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_PARTS = {
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY",
    "BYEASTER", "RSCALE", "SKIP",
}  # fmt: skip
SKIPS = {"OMIT": "skip", "BACKWARD": "last", "FORWARD": "next"}
"""RFC 7529: what becomes of a day that a month does not have. FORWARD: the first day of the month after it."""

_WORDS = {"RSCALE": ("GREGORIAN", "GREGORY"), "SKIP": tuple(SKIPS)}
_NOT_WITH = {
    "DAILY": {"BYSETPOS", "BYWEEKNO", "BYEASTER"},
    "WEEKLY": {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYEASTER"},
    "MONTHLY": {"BYWEEKNO"},
    "YEARLY": set(),
}
"""Parts that RFC 5545 does not allow with a frequency, or that mean nothing with it."""

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LARGEST = {"BYSETPOS": 366, "BYMONTH": 12, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYEASTER": 366}
_DAY = re.compile(r"([-+]?[1-9][0-9]?)?(MO|TU|WE|TH|FR|SA|SU)")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a recurrence: `number` from 1, the `nominal` date of the rule, the `date` after adjustment."""

    number: int
    nominal: dt.date
    date: dt.date


def rule_parse(text: str, *, pointer: str = "/rule") -> dict[str, str]:
    """The parts of a rule ("FREQ=MONTHLY;BYMONTHDAY=31"), with or without "RRULE:". Raises RecurrenceNotValid."""
    if not isinstance(text, str) or not text.strip() or len(text) > RULE_LENGTH_MAX:
        raise RecurrenceNotValid("A rule such as FREQ=MONTHLY;BYMONTHDAY=1.", pointer=pointer)
    parts: dict[str, str] = {}
    for piece in text.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, sign, value = piece.partition("=")
        if not sign or name not in _PARTS or name in parts or not re.fullmatch(r"[-+A-Z0-9,:]+", value):
            raise RecurrenceNotValid(f"Not a part of a rule: {piece[:64]}.", pointer=pointer)
        parts[name] = value
    if parts.get("FREQ") not in _FREQUENCIES:
        raise RecurrenceNotValid("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.", pointer=pointer)
    strange = _NOT_WITH[parts["FREQ"]] & parts.keys()
    if strange or (parts["FREQ"] in {"DAILY", "WEEKLY"} and re.search(r"[0-9]", parts.get("BYDAY", ""))):
        named = ", ".join(sorted(strange)) or "A numbered BYDAY"
        raise RecurrenceNotValid(f"{named} does not go with FREQ={parts['FREQ']}.", pointer=pointer)
    if "COUNT" in parts and "UNTIL" in parts:
        raise RecurrenceNotValid("COUNT and UNTIL exclude each other.", pointer=pointer)
    for name in ("COUNT", "INTERVAL"):
        if name in parts and not (parts[name].isdigit() and 1 <= int(parts[name]) <= OCCURRENCES_MAX):
            raise RecurrenceNotValid(f"{name} is from 1 to {OCCURRENCES_MAX}.", pointer=pointer)
    for name, value in parts.items():
        if not all(_fits(name, item) for item in value.split(",")):
            raise RecurrenceNotValid(f"{name}={value[:64]} cannot be.", pointer=pointer)
    _weekdays_check(parts, pointer)
    if "UNTIL" in parts:
        parts["UNTIL"] = _last_day(parts["UNTIL"], pointer)
    return parts


def _weekdays_check(parts: dict[str, str], pointer: str) -> None:
    """A month has five Mondays at most, a year 53; dateutil breaks at more, in some months only."""
    most = 5 if parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts else 53
    if any(int(number) > most for number in re.findall(r"[0-9]+", parts.get("BYDAY", ""))):
        raise RecurrenceNotValid(f"BYDAY counts up to {most} with this rule.", pointer=pointer)


def _last_day(until: str, pointer: str) -> str:
    """The last day that a rule may give. A moment belongs to its day, but midnight ends the day before, as the
    examples of RFC 5545, 3.8.5.3 have it: UNTIL=19971224T000000Z is up to 23 December."""
    try:
        day = dt.datetime.strptime(until[:8], "%Y%m%d").date()  # noqa: DTZ007 - a date, no moment
    except ValueError as error:
        raise RecurrenceNotValid("UNTIL is a date such as 20261231.", pointer=pointer) from error
    if re.fullmatch(r"T0{6}Z?", until[8:]) and day > dt.date.min:
        day -= dt.timedelta(days=1)
    return f"{day:%Y%m%d}"


def _fits(name: str, item: str) -> bool:
    """Is this one of the values that a part of a rule may have?"""
    if name in {"BYDAY", "WKST"}:
        return _DAY.fullmatch(item) is not None
    if name in _WORDS:
        return item in _WORDS[name]
    if name not in _LARGEST:
        return True
    if not re.fullmatch(r"[-+]?[0-9]{1,3}", item):
        return False
    least = 1 if name == "BYMONTH" else -_LARGEST[name]
    return least <= int(item) <= _LARGEST[name] and (int(item) != 0 or name == "BYEASTER")


def occurrences(
    rule: str,
    start: dt.date,
    *,
    month_end: str = "skip",
    convention: str = "none",
    calendar: Calendar | None = None,
    exclude: Collection[dt.date] = (),
    until: dt.date | None = None,
    limit: int = OCCURRENCES_MAX,
) -> Iterator[Occurrence]:
    """The occurrences of a rule from `start` on, in order, lazily; nominal dates up to `until`, at most `limit`.

    A SKIP in the rule says instead of `month_end` what becomes of days that a month does not have.
    `exclude` holds nominal dates that are left out; as in RFC 5545 they count for COUNT. At most OCCURRENCES_MAX
    dates within HORIZON_YEARS are given. Raises RecurrenceNotValid, ConventionNeeds (a convention without a calendar),
    UnknownConvention.
    """
    years_check(start, "/start")
    name = convention_name(convention)
    if name != "none" and calendar is None:
        raise ConventionNeeds("Moving to business days needs a calendar.", pointer="/calendar")
    parts = rule_parse(rule)
    month_end = SKIPS[parts.pop("SKIP")] if "SKIP" in parts else month_end
    asked = _day_asked(parts, start)
    dates = _dates(_with_month_end(parts, start, "last" if month_end == "next" else month_end), start)
    if month_end == "next" and asked is not None:
        last_day = parts.get("UNTIL", "99991231")
        moved = (day if day.day == asked else day + dt.timedelta(days=1) for day in dates)
        dates = (day for day in moved if f"{day:%Y%m%d}" <= last_day)
    number = 0
    for nominal in dates:
        if (until is not None and nominal > until) or number >= limit:
            return
        if nominal in exclude:
            continue
        number += 1
        yield Occurrence(number, nominal, nominal if calendar is None else date_adjust(nominal, name, calendar))


def _dates(parts: dict[str, str], start: dt.date) -> Iterator[dt.date]:
    """The rule's dates, within HORIZON_YEARS: a rule that gives few dates or none must not be searched for ever."""
    last = dt.date(min(LAST_YEAR, start.year + HORIZON_YEARS.get(parts["FREQ"], LAST_YEAR)), 12, 31)
    if "UNTIL" in parts:
        last = min(last, dt.datetime.strptime(parts["UNTIL"], "%Y%m%d").date())  # noqa: DTZ007 - a date, no moment
    found = _daily(parts, start, last) if parts["FREQ"] == "DAILY" else _by_dateutil(parts, start, last)
    first = next(found, None)
    if first is None:
        raise RecurrenceNotValid(f"The rule gives no date up to {last.isoformat()}.", pointer="/rule")
    return islice(chain([first], found), int(parts.get("COUNT", OCCURRENCES_MAX)))


def _by_dateutil(parts: dict[str, str], start: dt.date, last: dt.date) -> Iterator[dt.date]:
    bounded = {**parts, "UNTIL": f"{last:%Y%m%d}"}
    for name in ("COUNT", "RSCALE"):
        bounded.pop(name, None)
    text = ";".join(f"{name}={value}" for name, value in bounded.items())
    try:
        read = rrulestr(text, dtstart=dt.datetime.combine(start, dt.time()))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RecurrenceNotValid("The rule cannot be read.", pointer="/rule") from error
    return (moment.date() for moment in read)


def _daily(parts: dict[str, str], start: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Every so many days, those that fit the filters. dateutil would look for a day that never comes for seconds."""
    step = dt.timedelta(days=int(parts.get("INTERVAL", "1")))
    months = _numbers(parts, "BYMONTH")
    month_days, year_days = _numbers(parts, "BYMONTHDAY"), _numbers(parts, "BYYEARDAY")
    weekdays = {_WEEKDAYS.index(name) for name in parts["BYDAY"].split(",")} if "BYDAY" in parts else set()
    day = start
    while day <= last:
        left_in_month = (month_end(day) - day).days + 1
        ordinal = day.timetuple().tm_yday
        left_in_year = (dt.date(day.year, 12, 31) - day).days + 1
        if (
            (not months or day.month in months)
            and (not month_days or {day.day, -left_in_month} & month_days)
            and (not year_days or {ordinal, -left_in_year} & year_days)
            and (not weekdays or day.weekday() in weekdays)
        ):
            yield day
        day += step


def _numbers(parts: dict[str, str], name: str) -> set[int]:
    return {int(item) for item in parts[name].split(",")} if name in parts else set()


def _day_asked(parts: dict[str, str], start: dt.date) -> int | None:
    """The one day of the month, 29 to 31, that a rule of months or years is for and short months do not have."""
    given = parts.get("BYMONTHDAY", str(start.day))
    unsure = {"BYDAY", "BYYEARDAY", "BYWEEKNO", "BYEASTER", "BYSETPOS"} & parts.keys()
    return int(given) if not unsure and re.fullmatch("29|3[01]", given) and parts["FREQ"] in _OF_MONTHS else None


def _with_month_end(parts: dict[str, str], start: dt.date, month_end: str) -> dict[str, str]:
    """With "last": the 31st is the last day of each month, the 29th of February the last of each February."""
    if month_end not in MONTH_ENDS:
        raise RecurrenceNotValid(f"Month ends are {' or '.join(MONTH_ENDS)}.", pointer="/month_end")
    if month_end == "skip" or parts["FREQ"] not in _OF_MONTHS:
        return parts
    if {"BYDAY", "BYYEARDAY", "BYWEEKNO", "BYEASTER"} & parts.keys():
        return parts  # never a day that a month does not have
    given = parts.get("BYMONTHDAY", str(start.day))
    if not given.isdigit() or "BYSETPOS" in parts:
        if re.search(r"(?<![-0-9])(29|3[01])(?![0-9])", given):
            raise RecurrenceNotValid("With month ends: one day of the month, no BYSETPOS.", pointer="/rule")
        return parts
    day = int(given)
    if not 29 <= day <= 31:
        return parts
    changed = {**parts, "BYMONTHDAY": ",".join(str(number) for number in range(28, day + 1)), "BYSETPOS": "-1"}
    if parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts:
        changed["BYMONTH"] = str(start.month)
    return changed
