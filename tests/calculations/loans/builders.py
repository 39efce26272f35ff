"""Terms of loans for tests."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.loans import MONTHLY, Frequency, LoanTerms, Rounding, due_dates, periods_of

START = dt.date(2022, 11, 1)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def terms(
    principal: int = 500_000,
    rate: str = "0.12",
    count: int = 6,
    *,
    start: dt.date = START,
    frequency: Frequency = MONTHLY,
    first_due: dt.date | None = None,
    **options: Any,
) -> LoanTerms:
    """A loan of 5,000.00 at 12 % in six months, unless told otherwise."""
    periods = periods_of(start, due_dates(start, count, frequency, first_due=first_due))
    return LoanTerms(principal, Decimal(rate), periods, period_years=frequency.years, **options)


def daily(**options: Any) -> LoanTerms:
    """Interest by the day; the level instalment in whole units, by months of 30 days of 365: as Fineract has it."""
    given: dict[str, Any] = {
        "interest": "ACT/365F",
        "annuity_years": Fraction(30, 365),
        "interest_rounding": Rounding(1, "half_even"),
        "round_parts": True,
        "instalment_rounding": Rounding(100, "half_even"),
    }
    return terms(**(given | options))
