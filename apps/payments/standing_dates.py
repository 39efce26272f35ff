"""The dates of a standing instruction: its rule on the calendar of the source's branch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from apps.calculations.calendars import Calendar
from apps.calculations.recurrence import OCCURRENCES_MAX, Occurrence, occurrences
from apps.jobs.selectors import Calendar as BranchCalendar
from apps.jobs.selectors import calendar_of
from apps.payments.models import StandingInstruction


@dataclass(frozen=True)
class BankDays(Calendar):
    """The business days of a branch, with the bank's own closures and openings, as rules of dates want them."""

    branch: BranchCalendar = field(default_factory=lambda: BranchCalendar(""), compare=False)

    def is_business_day(self, day: dt.date) -> bool:
        """Does the branch work on this day?"""
        return self.branch.is_business_day(day)


def bank_days(*, branch_id: UUID) -> BankDays:
    """The calendar of a branch."""
    return BankDays(name="bank", branch=calendar_of(branch_id=branch_id))


def dates_of(instruction: StandingInstruction, calendar: BankDays) -> Iterator[Occurrence]:
    """All dates of an instruction from its first, up to its end by date or count. Raises RecurrenceNotValid."""
    return occurrences(
        instruction.rule,
        instruction.starts_on,
        month_end=instruction.month_end,
        convention=instruction.convention,
        calendar=calendar,
        until=instruction.ends_on,
        limit=min(instruction.count_max or OCCURRENCES_MAX, OCCURRENCES_MAX),
    )


def date_after(instruction: StandingInstruction, calendar: BankDays, nominal: dt.date) -> Occurrence | None:
    """The first date after a nominal one; None when there is none."""
    return next((one for one in dates_of(instruction, calendar) if one.nominal > nominal), None)


def date_from(
    instruction: StandingInstruction, calendar: BankDays, day: dt.date, *, after: dt.date | None = None
) -> Occurrence | None:
    """The first date that is carried out on a day or later, nominally `after` another one; None when there is none."""
    found = (one for one in dates_of(instruction, calendar) if one.date >= day)
    return next((one for one in found if after is None or one.nominal > after), None)
