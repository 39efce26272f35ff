"""How big a demo bank is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Sizes of a demo bank. `transactions` counts all journal entries: the bank's own, refused ones, `reversals`."""

    name: str
    members: int
    accounts: int
    transactions: int
    months: int
    reversals: int
    proved: bool = True


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("tiny", members=60, accounts=100, transactions=3_000, months=3, reversals=2),
        Profile("demo", members=5_000, accounts=8_000, transactions=250_000, months=24, reversals=12),
        # Proving five million entries line by line takes as long as posting them: `audit_verify` does it when asked.
        Profile(
            "load", members=100_000, accounts=160_000, transactions=5_000_000, months=24, reversals=12, proved=False
        ),
    )
}


def first_day(today: dt.date, months: int) -> dt.date:
    """The first day of the first of `months` calendar months, of which the last is the month of `today`."""
    index = today.year * 12 + today.month - 1 - (months - 1)
    return dt.date(index // 12, index % 12 + 1, 1)


def month_starts(first: dt.date, today: dt.date) -> list[dt.date]:
    """First days of the months from `first` to the month of `today`, both included."""
    days, day = [], first.replace(day=1)
    while day <= today:
        days.append(day)
        day = (day + dt.timedelta(days=32)).replace(day=1)
    return days


def month_end(day: dt.date) -> dt.date:
    """The last day of the month of `day`."""
    return (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
