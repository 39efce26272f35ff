"""Loan schedules of the sources, each with its conventions by name.

What a source's library does without saying so in the case is written here, once per source, never per case:

* OpenCBS: instalments by default are worked out anew each time on what is left (its rounding type "Approximate");
  its tests of the other two types say so in their names (RoundingTypeEnd, RoundingTypeBegin), nowhere else.
  Equal instalments and flat interest round half up, equal principal and shares half even.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.calendars import Calendar
from apps.calculations.loans import (
    FactorRule,
    Frequency,
    GrowthLoan,
    LoanTerms,
    Rounding,
    Schedule,
    due_dates,
    loan_schedule,
    periods_of,
)
from tests.cases.registry import Case, Unsupported, handles

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
OPENCBS_METHODS = {
    "Flat": ("flat", "equal_instalments", "half_up"),
    "DecliningFixedInstallments": ("declining", "equal_instalments", "half_up"),
    "DecliningFixedPrincipal": ("declining", "equal_principal", "half_even"),
}


def minor(amount: Any, decimals: int) -> int:
    """An amount of a case in minor units."""
    value = Decimal(amount).scaleb(decimals)
    if value != int(value):
        raise Unsupported(f"{amount} has more than {decimals} decimals")
    return int(value)


def major(amount: int, decimals: int) -> Decimal:
    """Minor units as a case writes them."""
    return Decimal(amount).scaleb(-decimals)


@handles("loan_schedules")
def opencbs(case: Case) -> dict[str, Any]:
    method, start, period, decimals = case.need("method", "disbursed_on", "period", "decimals")
    if method not in OPENCBS_METHODS:
        raise Unsupported(f"the method {method} is not known")
    kind, amortization, mode = OPENCBS_METHODS[method]
    calendar = Calendar.of_dates(
        "the case's",
        [dt.date.fromisoformat(day) for day in case.inputs.get("holidays", [])],
        weekend=[WEEKDAYS.index(day) for day in case.inputs.get("weekend", [])],
    )
    begin = dt.date.fromisoformat(start)
    frequency = Frequency("days", period["days"]) if period["days"] else Frequency("months", period["months"])
    dues = due_dates(begin, case.inputs["number_of_repayments"], frequency)
    shares = case.inputs.get("custom_shares")
    named = re.search(r"RoundingType(Begin|End)", case.id)
    remainder = {"Begin": "first", "End": "last"}[named[1]] if named else "spread"
    if shares:
        amortization, mode, remainder = "shares", "half_even", "last"
    schedule = loan_schedule(
        LoanTerms(
            principal=minor(case.inputs["principal"], decimals),
            rate=Decimal(case.inputs["rate_per_period"]),
            periods=periods_of(begin, dues, adjust=calendar.same_or_next),
            period_years=Fraction(1),  # the rate is per period
            method=kind,
            amortization=amortization,
            first_interest="actual_days",
            interest_rounding=Rounding(1, mode),
            principal_rounding=Rounding(1, mode),
            instalment_rounding=Rounding(1, mode),
            remainder=remainder,
            grace_principal=case.inputs.get("grace_periods_principal") or 0,
            interest_in_grace=case.inputs.get("interest_charged_in_grace", True),
            shares=tuple(
                (
                    Fraction(s["principal_share"]),
                    None if s.get("interest_share") is None else Fraction(s["interest_share"]),
                )
                for s in shares or ()
            ),
        )
    )
    return {"rows": opencbs_rows(schedule, decimals)}


def opencbs_rows(schedule: Schedule, decimals: int) -> list[dict[str, Any]]:
    """The rows as the source's tests name them."""
    return [
        {
            "nr": row.number,
            "due_date": row.due.isoformat(),
            "interest": major(row.interest, decimals),
            "principal": major(row.principal, decimals),
            "balance_before": major(row.opening, decimals),
            "due": major(row.total, decimals),
        }
        for row in schedule.rows
    ]


UNITS = {"DAYS": "days", "WEEKS": "weeks", "MONTHS": "months", "YEARS": "years"}


def days_of(name: str, prefix: str) -> int | None:
    """DAYS_360 and 360 are 360; ACTUAL is None."""
    number = str(name).removeprefix(prefix)
    return int(number) if number.isdigit() else None


def factor_rule(case: Case, year: Any, month: Any) -> FactorRule:
    """How the source makes the rate factors of its progressive loans.

    FEB_29_PERIOD_ONLY is a strategy of its years, whatever the input is called that names it, or the product.
    """
    unit, every = UNITS[case.inputs["repay_unit"]], case.inputs.get("repay_every", 1)
    if case.inputs.get("interest_period") == "SAME_AS_REPAYMENT_PERIOD" and unit in ("months", "weeks"):
        return FactorRule.nominal(unit, every)
    return FactorRule(
        days_of(year, "DAYS_"),
        None if month == "ACTUAL" else days_of(month, "DAYS_") or 30,
        unit,
        every,
        leap_day_only="FEB_29" in str(list(case.inputs.values())).upper(),
    )


def happen(loan: GrowthLoan, event: dict[str, Any], decimals: int) -> None:
    """An event of the source's growth model, by the source's name of it."""
    dates = [dt.date.fromisoformat(date) for date in event.get("dates", [])]
    kind, amount = event["type"], event.get("amount")
    if kind == "addDisbursement":
        loan.disburse(dates[0], minor(amount, decimals))
    elif kind == "changeInterestRate":
        loan.change_rate(dates[0], Decimal(event["new_rate_percent"]) / 100)
    elif kind == "addBalanceCorrection":
        loan.correct_balance(dates[0], minor(amount, decimals))
    elif kind == "payInterest" and len(dates) == 3:
        loan.pay_interest(dates[1], dates[2], minor(amount, decimals))
    elif kind == "payPrincipal" and len(dates) == 3:
        loan.pay_principal(dates[1], dates[2], minor(amount, decimals))
    elif kind in ("creditPrincipal", "chargebackPrincipal"):
        loan.charge_back(dates[0], principal=minor(amount, decimals))
    elif kind in ("creditInterest", "chargebackInterest"):
        loan.charge_back(dates[0], interest=minor(amount, decimals))
    elif kind == "applyInterestPause" and len(dates) == 2:
        loan.pause_interest(*dates)
    else:
        raise Unsupported(f"the event {kind} is not known")


@handles("loan_schedules")
def growth(case: Case) -> dict[str, Any]:
    """Fineract's progressive loans: rows name a period and a sub-period; sub 0 alone is the whole period."""
    spans, events, _ = case.need("periods", "events", "repay_unit")
    decimals = case.inputs.get("decimals", 2)
    multiple = case.inputs.get("instalment_multiple_of")
    month = case.inputs.get("days_in_month", "ACTUAL")
    loan = GrowthLoan(
        [(dt.date.fromisoformat(one), dt.date.fromisoformat(two)) for one, two in spans],
        Decimal(case.inputs["annual_rate_percent"]) / 100,
        factor_rule(case, case.inputs.get("days_in_year", "ACTUAL"), month),
        rounding=Rounding(minor(multiple, decimals) if multiple else 1, "half_even"),
        decimals=decimals,
        round_parts=True,
    )
    done, snapshots = 0, []
    for wanted in case.expected["snapshots"]:
        for event in events[done : wanted["after_event"]]:
            happen(loan, event, decimals)
        done = wanted["after_event"]
        snapshots.append({"after_event": done, "rows": growth_rows(loan, wanted["rows"], decimals)})
    return {"snapshots": snapshots}


def growth_rows(loan: GrowthLoan, wanted: list[dict[str, Any]], decimals: int) -> list[dict[str, Any]]:
    rows = []
    for row in wanted:
        period = loan.periods[row["period"] - 1]
        subs = [other["sub"] for other in wanted if other["period"] == row["period"]]
        factor = period.growth if subs == [0] else period.subs[row["sub"]].factor
        rows.append(
            {
                "period": row["period"],
                "sub": row["sub"],
                "emi": major(period.whole, decimals),
                "rate_factor": Decimal(factor.numerator) / factor.denominator,
                "interest": major(period.due_interest, decimals),
                "principal": major(period.due_principal, decimals),
                "balance_after": major(period.balance_after, decimals),
            }
        )
    return rows
