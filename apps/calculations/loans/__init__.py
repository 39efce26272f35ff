"""Loans: schedules, events, payoffs, changes. docs/reference/loan-calculations.md has the options by name."""

from apps.calculations.loans._changes import (
    Change,
    Prepayment,
    moratorium,
    prepayment_compare,
    reage,
    reamortise,
    reschedule,
)
from apps.calculations.loans._dates import MONTHLY, Frequency, date_after, due_dates, months_on, periods_of
from apps.calculations.loans._growth import GrowthLoan
from apps.calculations.loans._growth_payments import GrowthPayer, GrowthPortion, interest_till
from apps.calculations.loans._growth_periods import FactorRule, GrowthPeriod
from apps.calculations.loans._interest import Interest, Part
from apps.calculations.loans._payments import (
    COMPONENTS,
    OLDEST_FIRST,
    Allocation,
    AllocationOrder,
    Item,
    Portion,
    allocate,
)
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
from apps.calculations.loans._rows import FORMULAS, Row, Schedule, explain
from apps.calculations.loans._schedule import fee_amount, level_instalment, loan_schedule
from apps.calculations.loans._servicing import (
    Charge,
    LoanState,
    Payment,
    RowState,
    ServicingRules,
    items_of,
    loan_replay,
)
from apps.calculations.loans._terms import CENT, Fee, LoanTerms, Period, Rounding

__all__ = [
    "CENT",
    "COMPONENTS",
    "FORMULAS",
    "MONTHLY",
    "OLDEST_FIRST",
    "REBATES",
    "Allocation",
    "AllocationOrder",
    "Change",
    "Charge",
    "ClosingFee",
    "DailyLoan",
    "FactorRule",
    "Fee",
    "Frequency",
    "GrowthLoan",
    "GrowthPayer",
    "GrowthPeriod",
    "GrowthPortion",
    "Interest",
    "Item",
    "LoanState",
    "LoanTerms",
    "Part",
    "Payment",
    "Payoff",
    "Period",
    "Portion",
    "Prepayment",
    "Rounding",
    "Row",
    "RowState",
    "Schedule",
    "ServicingRules",
    "accrued_to",
    "allocate",
    "daily_settlement",
    "date_after",
    "due_dates",
    "explain",
    "fee_amount",
    "interest_till",
    "items_of",
    "level_instalment",
    "loan_replay",
    "loan_schedule",
    "months_on",
    "moratorium",
    "payoff_quote",
    "periods_of",
    "prepayment_compare",
    "reage",
    "reamortise",
    "reschedule",
    "unearned_interest",
]
