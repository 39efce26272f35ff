"""Day count fractions: inputs convention, start, end, and what a convention needs besides."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from apps.calculations.calendars import Calendar, calendar_get
from apps.calculations.day_counts import Convention, Terms, convention_get, day_count
from apps.calculations.errors import CalendarUnknown, ConventionNeeds, UnknownConvention
from tests.cases.registry import Case, Unsupported, handles

FREQUENCIES = {
    "annual": 1, "semiannual": 2, "semi-annual": 2, "quarterly": 4, "monthly": 12, "bimonthly": 6,
    "P12M": 1, "P1Y": 1, "P6M": 2, "P4M": 3, "P3M": 4, "P2M": 6, "P1M": 12,
}  # fmt: skip
READ = {
    "convention", "start", "end", "reference_period", "reference_start", "reference_end", "frequency", "maturity",
    "termination_date", "end_of_month", "eom", "is_end_date_termination", "end_is_maturity", "calendar",
    "next_coupon", "next_coupon_date", "coupon_date", "period_end", "termination", "coupons_per_year",
    "schedule_start", "schedule_end", "include_end", "include_last_day", "schedule", "issue_date", "first_coupon",
    "penultimate_coupon",
}  # fmt: skip


def day(value: Any) -> dt.date:
    """A date of a case."""
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError as error:
        raise Unsupported(f"not a date: {value!r}") from error


def convention_named(label: str) -> tuple[Convention, list[str]]:
    """The convention that a label names, and its remarks: "ACT/365L (frequency 2)" names it before the bracket."""
    before, *brackets = re.split(r"[()]", label)
    for text in (label, before, *brackets):
        try:
            return convention_get(text), [part.strip() for part in brackets if part.strip()]
        except UnknownConvention:
            continue
    raise Unsupported(f"convention {label}")


def frequency_named(value: Any) -> int | None:
    """Coupons a year, as a number, a word or an ISO 8601 period."""
    if value is None or isinstance(value, int):
        return value
    found = FREQUENCIES.get(str(value)) or FREQUENCIES.get(str(value).lower())
    if found is None:
        raise Unsupported(f"frequency {value!r}")
    return found


def calendar_named(value: Any, remarks: list[str]) -> Calendar | None:
    """The calendar given, or one that the label names."""
    for name in [value, *remarks] if value else remarks:
        try:
            return calendar_get(str(name))
        except CalendarUnknown as error:
            if name == value:
                raise Unsupported(f"calendar {value!r}") from error
    return None


def schedule_of(case: Case) -> dict[str, dt.date]:
    """First and last date of a schedule, and the coupon that ends the period in which the start lies."""
    given = {**case.inputs, **(case.inputs.get("schedule") or {})}
    names = {
        "schedule_start": ("schedule_start", "issue_date", "from"),
        "maturity": ("maturity", "termination_date", "termination", "schedule_end", "to"),
        "period_end": ("next_coupon", "next_coupon_date", "coupon_date", "period_end"),
        "first": ("first_coupon", "first_coupon_date", "first"),
        "penultimate": ("penultimate_coupon", "penultimate_coupon_date", "next_to_last"),
    }
    found = {
        term: day(next(given[name] for name in known if given.get(name)))
        for term, known in names.items()
        if any(given.get(name) for name in known)
    }
    if given.get("is_end_date_termination") or given.get("end_is_maturity"):
        found["maturity"] = day(given["end"])
    first, penultimate = found.pop("first", None), found.pop("penultimate", None)
    start = day(given["start"])
    if "period_end" not in found and first is not None and start < first:
        found["period_end"] = first
    if "period_end" not in found and penultimate is not None and start >= penultimate and "maturity" in found:
        found["period_end"] = found["maturity"]
    return found


@handles("day_count")
def fraction_of_a_year(case: Case) -> dict[str, Any]:
    label, start, end = case.need("convention", "start", "end")
    case.only(*READ)
    convention, remarks = convention_named(str(label))
    given = case.inputs
    reference = given.get("reference_period") or (given.get("reference_start"), given.get("reference_end"))
    terms = Terms(
        frequency=frequency_named(
            given.get("frequency") or given.get("coupons_per_year") or (given.get("schedule") or {}).get("frequency")
        ),
        reference_start=day(reference[0]) if reference[0] else None,
        reference_end=day(reference[1]) if reference[1] else None,
        **schedule_of(case),
        end_of_month=bool(
            given.get("end_of_month") or given.get("eom") or (given.get("schedule") or {}).get("end_of_month")
        ),
        calendar=calendar_named(given.get("calendar"), remarks),
        include_end=bool(
            given.get("include_end")
            or given.get("include_last_day")
            or any(re.match(r"inc(l|\b)", remark) for remark in remarks)
        ),
    )
    if convention.name == "BUS/252" and terms.calendar is None:
        terms = Terms(calendar=calendar_get("BRAZIL"))  # the market that the convention is of
    try:
        found = day_count(convention.name, day(start), day(end), terms, signed=True)
    except ConventionNeeds as error:
        raise Unsupported(error.detail) from error
    return {"days": found.days, "fraction": found.fraction}
