"""Loans: schedules."""

from apps.calculations.loans._dates import Frequency, date_after, due_dates, months_on, periods_of
from apps.calculations.loans._growth import GrowthLoan
from apps.calculations.loans._growth_periods import FactorRule, GrowthPeriod
from apps.calculations.loans._interest import Interest, Part
from apps.calculations.loans._payments import COMPONENTS, Allocation, AllocationOrder, Item, Portion, allocate
from apps.calculations.loans._payoff import (
    REBATES,
    ClosingFee,
    DailyLoan,
    Payoff,
    accrued_to,
    daily_settlement,
    payoff_quote,
    unearned_interest,
)
from apps.calculations.loans._rows import Row, Schedule, explain
from apps.calculations.loans._schedule import fee_amount, level_instalment, loan_schedule
from apps.calculations.loans._servicing import (
    Charge,
    LoanState,
    Payment,
    RowState,
    ServicingRules,
    loan_replay,
)
from apps.calculations.loans._terms import Fee, LoanTerms, Period, Rounding

__all__ = [
    "COMPONENTS",
    "REBATES",
    "ClosingFee",
    "DailyLoan",
    "Payoff",
    "accrued_to",
    "daily_settlement",
    "payoff_quote",
    "unearned_interest",
    "Allocation",
    "AllocationOrder",
    "Charge",
    "Item",
    "LoanState",
    "Payment",
    "Portion",
    "RowState",
    "ServicingRules",
    "allocate",
    "loan_replay",
    "FactorRule",
    "Fee",
    "Frequency",
    "GrowthLoan",
    "GrowthPeriod",
    "Interest",
    "LoanTerms",
    "Part",
    "Period",
    "Rounding",
    "Row",
    "Schedule",
    "date_after",
    "due_dates",
    "explain",
    "fee_amount",
    "level_instalment",
    "loan_schedule",
    "months_on",
    "periods_of",
]
