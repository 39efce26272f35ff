"""Loans that are settled by the day, and loans whose story a case tells in words."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from apps.calculations.loans import (
    DailyLoan,
    Frequency,
    LoanTerms,
    Payment,
    Rounding,
    ServicingRules,
    daily_settlement,
    due_dates,
    loan_replay,
    periods_of,
)
from tests.cases.handlers_loans import UNITS, major, minor
from tests.cases.registry import Case, Unsupported, handles

ON_CREDIT = (
    "rate_on_negative_balance_percent", "negative_balance_rate_percent", "negative_balance_annual_rate_percent",
    "credit_rate_percent", "refund_rate_percent",
)  # fmt: skip
"""What cases call the yearly rate on what was paid too much."""


@handles("loan_schedules")
def settlement(case: Case) -> dict[str, Any]:
    """A loan with simple interest by the day that is settled early; payments by the number of the day."""
    principal, start, rate, date = case.need("principal", "start", "daily_rate_percent", "settle_on")
    decimals = case.inputs.get("decimals", 2)
    begin = dt.date.fromisoformat(start)
    wording = case.inputs.get("interest_rounding", "")
    modes = {"down": "down", "up": "up", "half up": "half_up", "half even": "half_even"}
    mode = next((mode for word, mode in modes.items() if wording.startswith(word)), None)
    if mode is None:
        raise Unsupported(f"the rounding {wording!r} is not understood")
    cap = case.inputs.get("total_interest_cap_percent")
    if cap is None and (noted := re.search(r"total interest cap \(([0-9.]+)% of principal\)", case.note)):
        cap = noted[1]
    loan = DailyLoan(
        minor(principal, decimals),
        begin,
        Decimal(rate) / 100,
        Rounding(1, mode),
        cap=None if cap is None else Decimal(cap) / 100,
        grace_days=case.inputs.get("interest_grace_days", case.inputs.get("grace_days", 0)),
        credit_rate=Decimal(next((case.inputs[name] for name in ON_CREDIT if name in case.inputs), 0)) / 100,
    )
    given = [*case.inputs.get("payments", []), *case.inputs.get("extra_payments", [])]
    payments = [Payment(begin + dt.timedelta(days=one["day"]), minor(one["amount"], decimals)) for one in given]
    left, interest = daily_settlement(loan, payments, dt.date.fromisoformat(date))
    return {
        "settlement": major(left + interest, decimals),
        "principal": major(left, decimals),
        "interest": major(interest, decimals),
    }


@handles("loan_schedules")
def in_arrears(case: Case) -> dict[str, Any]:
    """Fineract's loans told in words, by days before today. Today is any day: only distances count."""
    events, unit, method = case.need("events", "repay_unit", "method")
    text = " ".join(event for event in events if isinstance(event, str))
    paid_out = re.search(r"disbursed ([0-9]+) days before today", text)
    if not paid_out or "unpaid" not in text or not method.startswith("DECLINING_BALANCE equal instal"):
        raise Unsupported("the story is not understood")
    decimals, today = case.inputs.get("decimals", 2), dt.date(2024, 6, 3)
    start = today - dt.timedelta(days=int(paid_out[1]))
    frequency = Frequency(UNITS[unit], case.inputs["repay_every"])
    terms = LoanTerms(
        principal=minor(case.inputs["principal"], decimals),
        rate=Decimal(case.inputs["annual_rate_percent"]) / 100,
        periods=periods_of(start, due_dates(start, case.inputs["number_of_repayments"], frequency)),
        period_years=frequency.years,
        interest_rounding=Rounding(1, "half_even"),
        instalment_rounding=Rounding(1, "half_even"),
        round_parts=True,
    )
    rest = "due_date" if re.search(r"rest (?:=|same) ?same as repayment period|rest = same", text) else "daily"
    state = loan_replay(terms, [], [], rules=ServicingRules(recalculate=True, rest=rest), as_of=today)
    return {
        "rows": [
            {
                "nr": one.row.number,
                "principal": major(one.row.principal, decimals),
                "interest": major(one.row.interest, decimals),
                "due": major(one.row.total, decimals),
            }
            for one in state.rows
        ]
    }
