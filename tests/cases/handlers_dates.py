"""Business days and recurrence."""

from __future__ import annotations

import re
from typing import Any

from apps.calculations.business_days import convention_name, date_adjust, date_advance
from apps.calculations.calendars import Calendar, calendar_get
from apps.calculations.errors import CalculationError, CalendarUnknown, UnknownConvention
from apps.calculations.recurrence import occurrences, rule_parse
from tests.cases.handlers_day_counts import day
from tests.cases.registry import Case, Unsupported, handles

UNITS = {"day": "business_days", "week": "weeks", "month": "months", "year": "years"}
ISO_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}


def calendar_of(case: Case) -> Calendar:
    """The calendar that a case names, with the holidays it lists."""
    label = str(case.inputs.get("calendar") or "SAT/SUN")
    listed = [*re.findall(r"\d{4}-\d{2}-\d{2}", label), *case.inputs.get("holidays", [])]
    for name in (label, re.split(r"[(,;]| and | with | plus |\d{4}-", label)[0]):
        try:
            found = calendar_get(name)
            break
        except CalendarUnknown:
            continue
    else:
        raise Unsupported(f"calendar {label}")
    return found.joined(Calendar.of_dates("listed", map(day, listed), weekend=())) if listed else found


def convention_of(case: Case) -> str:
    try:
        return convention_name(str(case.inputs.get("convention", "none")))
    except UnknownConvention as error:
        raise Unsupported(f"convention {case.inputs['convention']}") from error


def period_of(text: str) -> tuple[int, str]:
    """Count and unit of "1 Months", "-2 Days", "P3M". Days are counted on the calendar, as QuantLib does."""
    words = re.fullmatch(r"([-+]?\d+)\s*([A-Za-z ]+)", text.strip())
    if words is not None:
        name = words[2].strip().lower().rstrip("s")
        unit = UNITS.get(name) or {"business day": "business_days", "calendar day": "days"}.get(name)
        if unit is not None:
            return int(words[1]), unit
    iso = re.fullmatch(r"(-?)P(-?\d+)([DWMY])", text.strip())
    if iso is None:
        raise Unsupported(f"period {text}")
    return int(iso[1] + iso[2]) if iso[1] != iso[2][:1] or not iso[1] else int(iso[2][1:]), ISO_UNITS[iso[3]]


@handles("business_days")
def adjusted(case: Case) -> dict[str, Any]:
    case.need("convention", "date")
    case.only("convention", "date", "calendar", "holidays")
    return {"date": date_adjust(day(case.inputs["date"]), convention_of(case), calendar_of(case)).isoformat()}


@handles("business_days")
def advanced(case: Case) -> dict[str, Any]:
    start, period = case.need("start", "advance")
    case.only("convention", "start", "advance", "calendar", "holidays", "end_of_month")
    count, unit = period_of(str(period))
    moved = date_advance(
        day(start), count, unit, calendar=calendar_of(case), convention=convention_of(case),
        end_of_month=bool(case.inputs.get("end_of_month")),
    )  # fmt: skip
    return {"date": moved.isoformat()}


@handles("business_days")
def counted(case: Case) -> dict[str, Any]:
    start, end = case.need("start", "end")
    case.only("start", "end", "calendar", "holidays")
    days = calendar_of(case).business_days_between(day(start), day(end))
    return {"days": days, "business_days": days}


@handles("business_days")
def business_day(case: Case) -> dict[str, Any]:
    (value,) = case.need("date")
    case.only("date", "calendar", "holidays")
    answer = calendar_of(case).is_business_day(day(value))
    return {"business_day": answer, "is_business_day": answer, "holiday": not answer}


@handles("recurrence")
def recurring(case: Case) -> dict[str, Any]:
    rule, start = case.need("rrule", "start")
    case.only("rrule", "start", "calendar", "holidays", "convention", "month_end", "exdates", "until", "limit")
    rule = re.sub(r"(?<=UNTIL=)(\d{4})-(\d\d)-(\d\d)", r"\1\2\3", str(rule))
    wanted = case.expected.get("dates")
    if not isinstance(wanted, list):
        raise Unsupported("dates are expected")
    ends = {"COUNT", "UNTIL"} & rule_parse(rule).keys() or {"until", "limit"} & case.inputs.keys()
    limit = case.inputs.get("limit", 10_000) if ends else len(wanted)  # of a rule without end: the first ones
    has_calendar = {"calendar", "holidays"} & case.inputs.keys()
    try:
        found = occurrences(
            rule, day(start), limit=int(limit), convention=convention_of(case),
            calendar=calendar_of(case) if has_calendar else None, month_end=case.inputs.get("month_end", "skip"),
            exclude={day(date) for date in case.inputs.get("exdates", [])},
            until=day(case.inputs["until"]) if case.inputs.get("until") else None,
        )  # fmt: skip
        return {"dates": [occurrence.date.isoformat() for occurrence in found]}
    except CalculationError as error:
        raise Unsupported(error.detail) from error
