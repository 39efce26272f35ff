"""Dates that repeat: RFC 5545 recurrence rules with the rules of banks for month ends and holidays.

Only dates, so only DAILY, WEEKLY, MONTHLY and YEARLY. The rule is read by `dateutil`; the start counts only where the
rule gives it. The nominal date of an occurrence is the rule's; the date it is carried out on may move to a business
day (`apps.calculations.business_days`), and the count goes by nominal dates.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dateutil.rrule import rrule, rrulestr

from apps.calculations.business_days import convention_name, date_adjust
from apps.calculations.calendars import Calendar
from apps.calculations.errors import ConventionNeeds, RecurrenceNotValid

RULE_LENGTH_MAX = 500
OCCURRENCES_MAX = 10_000
LAST_YEAR = 2200
MONTH_ENDS = ("skip", "last")
"""What a day that a month does not have becomes: skip (RFC 5545: no occurrence), last (the last day of the month)."""

_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_PARTS = {
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY",
    "BYEASTER",
}  # fmt: skip

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
    if "COUNT" in parts and "UNTIL" in parts:
        raise RecurrenceNotValid("COUNT and UNTIL exclude each other.", pointer=pointer)
    for name in ("COUNT", "INTERVAL"):
        if name in parts and not (parts[name].isdigit() and 1 <= int(parts[name]) <= OCCURRENCES_MAX):
            raise RecurrenceNotValid(f"{name} is from 1 to {OCCURRENCES_MAX}.", pointer=pointer)
    for name, value in parts.items():
        if not all(_fits(name, item) for item in value.split(",")):
            raise RecurrenceNotValid(f"{name}={value[:64]} cannot be.", pointer=pointer)
    if "UNTIL" in parts:
        parts["UNTIL"] = parts["UNTIL"][:8]  # dates only: the whole last day belongs to it
    return parts


def _fits(name: str, item: str) -> bool:
    """Is this one of the values that a part of a rule may have?"""
    if name in {"BYDAY", "WKST"}:
        return _DAY.fullmatch(item) is not None
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

    `exclude` holds nominal dates that are left out; as in RFC 5545 they count for COUNT. Nothing is given after the
    year 2200. Raises RecurrenceNotValid, ConventionNeeds (a convention without a calendar), UnknownConvention.
    """
    name = convention_name(convention)
    if name != "none" and calendar is None:
        raise ConventionNeeds("Moving to business days needs a calendar.", pointer="/calendar")
    dates = _dates(_with_month_end(rule_parse(rule), start, month_end), start)
    number = 0
    for nominal in dates:
        if nominal.year > LAST_YEAR or (until is not None and nominal > until) or number >= limit:
            return
        if nominal in exclude:
            continue
        number += 1
        yield Occurrence(number, nominal, nominal if calendar is None else date_adjust(nominal, name, calendar))


def _dates(parts: dict[str, str], start: dt.date) -> Iterator[dt.date]:
    """The rule's dates. A rule without an end gets one, so that one that never gives a date ends too."""
    if "COUNT" not in parts and "UNTIL" not in parts:
        parts = {**parts, "UNTIL": f"{LAST_YEAR}1231"}
    text = ";".join(f"{key}={value}" for key, value in parts.items())
    try:
        read = rrulestr(text, dtstart=dt.datetime.combine(start, dt.time()))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RecurrenceNotValid("The rule cannot be read.", pointer="/rule") from error
    if not isinstance(read, rrule):
        raise RecurrenceNotValid("One rule, not a set.", pointer="/rule")
    if not _ever(text, start):
        raise RecurrenceNotValid("The rule never gives a date.", pointer="/rule")
    return (moment.date() for moment in read)


def _ever(text: str, start: dt.date) -> bool:
    """Does the rule give a date in the 60 years from the start (a leap day on a given weekday comes within 40)?"""
    without = ";".join(part for part in text.split(";") if not part.startswith(("COUNT=", "UNTIL=")))
    bounded = f"{without};UNTIL={min(start.year + 60, 9999):04d}1231"
    return next(iter(rrulestr(bounded, dtstart=dt.datetime.combine(start, dt.time()))), None) is not None


def _with_month_end(parts: dict[str, str], start: dt.date, month_end: str) -> dict[str, str]:
    """With "last": the 31st is the last day of each month, the 29th of February the last of each February."""
    if month_end not in MONTH_ENDS:
        raise RecurrenceNotValid(f"Month ends are {' or '.join(MONTH_ENDS)}.", pointer="/month_end")
    if month_end == "skip" or parts["FREQ"] not in {"MONTHLY", "YEARLY"}:
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
