"""Days of lending as the close of business does them, in tests that are rolled back."""

from __future__ import annotations

import datetime as dt

from apps.ledger.models import BusinessDate
from apps.lending.arrears_penalties import loans_penalise
from apps.lending.closing_accrual import loans_accrue
from apps.lending.closing_parts import ranges_with_loans
from apps.lending.closing_proof import loans_prove
from apps.lending.provisions import loans_provide


def today_set(day: dt.date) -> None:
    """Make a day the open business date."""
    BusinessDate.objects.update(current=day)


def loans_close(day: dt.date) -> dict[str, int]:
    """The steps of lending for a business date, which is the open one; facts of all ranges together, and the proof."""
    today_set(day)
    facts: dict[str, int] = {}
    for name, step in (("penalties", loans_penalise), ("accrued", loans_accrue), ("provided", loans_provide)):
        for part in ranges_with_loans():
            for fact, value in step(partition=part, business_date=day).items():
                facts[f"{name} {fact}"] = facts.get(f"{name} {fact}", 0) + value
    loans_prove(business_date=day)
    return facts


def days(first: dt.date, count: int) -> list[dt.date]:
    """So many days from the first on."""
    return [first + dt.timedelta(days=n) for n in range(count)]
