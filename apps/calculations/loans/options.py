"""The names of all options of the loan calculations, for those who offer them: forms, product editors, documents."""

from __future__ import annotations

from fractions import Fraction

from apps.calculations.loans._changes import ARREARS, MORATORIUM_INTEREST
from apps.calculations.loans._compounding import COMPOUNDINGS, rate_by_period
from apps.calculations.loans._dates import UNITS, Frequency
from apps.calculations.loans._payments import COMPONENTS, SWEEPS
from apps.calculations.loans._payoff import FEE_BASES as CLOSING_BASES
from apps.calculations.loans._payoff import REBATES
from apps.calculations.loans._recalculation import OVERDUE, RESTS, STRATEGIES
from apps.calculations.loans._terms import (
    AMORTIZATIONS,
    FEE_BASES,
    FEE_KINDS,
    FIRST_INTEREST,
    INSTALMENTS_MAX,
    METHODS,
    PER_PERIOD,
    REMAINDERS,
)
from apps.calculations.rates import YEAR_BASES

LEVELS = ("periods", "nominal", "days_30_365", "days_30_360")
APR_METHODS = ("us_actuarial", "eu")
CHANGES = ("prepayment", "reamortise", "reage", "reschedule", "moratorium")
PLAIN_TERMS = (
    *("method", "amortization", "interest", "first_interest", "remainder", "round_parts"),
    *("grace_principal", "grace_interest", "interest_free", "interest_in_grace"),
)
"""Terms that a form has under the same name and as they are."""


def level_years(level: str, frequency: Frequency) -> Fraction | None:
    """The length of a period as the level instalment sees it; None: the periods as they are."""
    if level == "periods":
        return None
    if level == "nominal":
        return frequency.years
    days = {"days": 1, "weeks": 7, "semimonths": 15, "months": 30, "years": 360}[frequency.unit] * frequency.every
    return Fraction(days, 365 if level == "days_30_365" else 360)


__all__ = [
    "AMORTIZATIONS",
    "APR_METHODS",
    "ARREARS",
    "CHANGES",
    "CLOSING_BASES",
    "COMPONENTS",
    "COMPOUNDINGS",
    "FEE_BASES",
    "FEE_KINDS",
    "FIRST_INTEREST",
    "INSTALMENTS_MAX",
    "LEVELS",
    "METHODS",
    "MORATORIUM_INTEREST",
    "OVERDUE",
    "PER_PERIOD",
    "PLAIN_TERMS",
    "REBATES",
    "REMAINDERS",
    "RESTS",
    "STRATEGIES",
    "SWEEPS",
    "UNITS",
    "YEAR_BASES",
    "level_years",
    "rate_by_period",
]
