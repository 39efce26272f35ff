"""Interest on deposits and overdrafts: accrual by day, compounding, posting, tax, and yields.

`interest_calculate(terms, account)` works a period out and shows every row it is made of; `annual_percentage_yield`
and its neighbours are the formulas of advertisements. Balances are whole minor units; interest is a Decimal of minor
units until it is posted, when it is rounded once.
"""

from apps.calculations.interest._accrual import interest_calculate
from apps.calculations.interest._balances import Account, Movement, average_daily_balance
from apps.calculations.interest._periods import FREQUENCIES, boundaries
from apps.calculations.interest._rates import RatePeriod, Tier, flat
from apps.calculations.interest._results import Accrual, InterestResult, Posting, Slice, explain
from apps.calculations.interest._terms import InterestTerms
from apps.calculations.interest._yields import (
    annual_percentage_yield,
    annual_percentage_yield_earned,
    compound_interest,
    effective_rate,
    nominal_rate,
    recurring_deposit_value,
    simple_interest,
)

__all__ = [
    "FREQUENCIES",
    "Account",
    "Accrual",
    "InterestResult",
    "InterestTerms",
    "Movement",
    "Posting",
    "RatePeriod",
    "Slice",
    "Tier",
    "annual_percentage_yield",
    "annual_percentage_yield_earned",
    "average_daily_balance",
    "boundaries",
    "compound_interest",
    "effective_rate",
    "explain",
    "flat",
    "interest_calculate",
    "nominal_rate",
    "recurring_deposit_value",
    "simple_interest",
]
