"""Results: the fraction of a year, the days, and how they came about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from apps.calculations.calendars import years_check
from apps.calculations.day_counts._names import Convention, convention_get
from apps.calculations.day_counts._parts import NO_TERMS, Part, Terms
from apps.calculations.errors import PeriodNotValid

YEARS_MAX = 400
"""The longest period: some conventions look at every year of it."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """A period under a convention: days as the convention counts them, the exact fraction, and its parts."""

    convention: Convention
    start: dt.date
    end: dt.date
    days: int
    fraction: Fraction
    parts: tuple[Part, ...]


def year_fraction(convention: str, start: dt.date, end: dt.date, terms: Terms = NO_TERMS) -> Fraction:
    """The part of a year from `start` up to and without `end`, exactly.

    Raises UnknownConvention, ConventionNeeds (a frequency, a calendar), PeriodNotValid (the end is before the start).
    """
    found = convention_get(convention)
    _in_order(start, end, terms)
    return _sum(found.parts(start, end, terms))


def days_between(convention: str, start: dt.date, end: dt.date, terms: Terms = NO_TERMS) -> int:
    """Days as the convention counts them: of 30 a month, business days, or those of the calendar. Raises as above."""
    return day_count(convention, start, end, terms).days


def day_count(
    convention: str, start: dt.date, end: dt.date, terms: Terms = NO_TERMS, *, signed: bool = False
) -> DayCount:
    """The same with days and parts. `signed`: a period that runs backwards is minus the one that runs forward,
    instead of an error. Raises as `year_fraction`."""
    found = convention_get(convention)
    if signed and end < start:
        forward = day_count(found.name, end, start, terms)
        parts = tuple(part._replace(days=-part.days) for part in forward.parts)
        return DayCount(found, start, end, -forward.days, -forward.fraction, parts)
    _in_order(start, end, terms)
    parts = tuple(found.parts(start, end, terms))
    return DayCount(found, start, end, _days(found, start, end, parts, terms), _sum(parts), parts)


def _days(found: Convention, start: dt.date, end: dt.date, parts: tuple[Part, ...], terms: Terms) -> int:
    if found.name == "Simple":
        return parts[0].days if parts[0].basis == 360 else 30 * parts[0].days
    if found.name.startswith("ACT/"):
        return (end - start).days + (terms.include_end and len(parts) == 1 and parts[0].days > (end - start).days)
    return sum(part.days for part in parts)


def _sum(parts: list[Part] | tuple[Part, ...]) -> Fraction:
    if len(parts) == 1:
        return _ratio(parts[0])
    return sum((_ratio(part) for part in parts), Fraction(0))


def _ratio(part: Part) -> Fraction:
    basis = part.basis
    return Fraction(part.days, basis) if isinstance(basis, int) else part.days / basis


def _in_order(start: dt.date, end: dt.date, terms: Terms) -> None:
    if type(start) is not dt.date or type(end) is not dt.date:
        raise PeriodNotValid("A period is between two dates.", pointer="/start")
    if end < start:
        raise PeriodNotValid("The end is before the start.", pointer="/end")
    if end.year - start.year > YEARS_MAX:
        raise PeriodNotValid(f"A period has at most {YEARS_MAX} years.", pointer="/end")
    years_check(start, "/start")
    years_check(end, "/end")
    if terms is not NO_TERMS:
        _terms_in_years(terms)


def _terms_in_years(terms: Terms) -> None:
    for pointer, day in (
        ("/reference_period", terms.reference_start), ("/reference_period", terms.reference_end),
        ("/period_end", terms.period_end), ("/schedule_start", terms.schedule_start), ("/maturity", terms.maturity),
    ):  # fmt: skip
        if day is not None:
            years_check(day, pointer)
