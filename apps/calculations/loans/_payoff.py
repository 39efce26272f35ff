"""What it takes to close a loan on a day: principal, interest by convention, what is overdue, a fee for closing early.

Unearned interest is that of the schedule after the day. It is given back by one of:

* `actuarial`      interest runs by the days on which principal was owed; nothing after the day is due
* `rule_of_78`     of n instalments with k to come, k(k+1) / n(n+1) of all interest (sum of the digits; US consumer
                   credit, banned there for terms above 61 months: 15 USC 1615)
* `pro_rata_days`  in proportion to the days to come
* `none`           all interest of the schedule is due
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.errors import (
    AmountOutOfRange,
    EventNotPossible,
    PeriodNotValid,
    RateNotValid,
    UnknownConvention,
)
from apps.calculations.loans._interest import Interest
from apps.calculations.loans._rows import Row, Schedule
from apps.calculations.loans._schedule import _is_free
from apps.calculations.loans._servicing import LoanState, Payment
from apps.calculations.loans._terms import CENT, LoanTerms, Period, Rounding
from apps.core.money import minor_round

REBATES = ("actuarial", "rule_of_78", "pro_rata_days", "none")
CENT_DOWN = Rounding(1, "down")
FEE_BASES = ("principal", "unearned_interest", "initial_principal")


@dataclass(frozen=True, slots=True)
class ClosingFee:
    """A fee for closing early: `amount` minor units, and a `share` of the base."""

    amount: int = 0
    share: Decimal = Decimal(0)
    base: str = "principal"

    def check(self) -> None:
        """Raises UnknownConvention, AmountOutOfRange."""
        if self.base not in FEE_BASES:
            raise UnknownConvention(f"No base is called {self.base}.", pointer="/fee/base")
        if self.amount < 0 or not 0 <= self.share <= 1:
            raise AmountOutOfRange("A fee is not below zero, its share at most the whole.", pointer="/fee")


@dataclass(frozen=True, slots=True)
class Payoff:
    """What closes a loan on a day. `interest` is what is due of it, `unearned` what is given back."""

    date: dt.date
    principal: int
    interest: int
    unearned: int
    fees: int
    penalties: int
    fee: int
    convention: str
    parts: tuple[dict[str, Any], ...] = ()

    @property
    def total(self) -> int:
        """What is to be paid."""
        return self.principal + self.interest + self.fees + self.penalties + self.fee

    def explain(self) -> dict[str, Any]:
        """Convention, formula and parts of the quote."""
        return {
            "date": self.date.isoformat(),
            "convention": self.convention,
            "formula": "total = principal + interest + fees + penalties + fee",
            "unearned_interest": self.unearned,
            "interest_parts": list(self.parts),
            "total": f"{self.principal} + {self.interest} + {self.fees} + {self.penalties} + {self.fee} = {self.total}",
        }


def unearned_interest(rows: Sequence[Row], date: dt.date, convention: str, *, rounding: Rounding = CENT) -> int:
    """The interest of a schedule that is given back when the loan is closed on `date`, by rule_of_78 or pro_rata_days.

    The instalment whose period `date` is in counts as to come, unless `date` is its due date.
    """
    to_come = [row for row in rows if row.due > date]
    interest, count, left = sum(row.interest for row in rows), len(rows), len(to_come)
    if convention == "rule_of_78":
        exact = Fraction(interest * left * (left + 1), count * (count + 1))
    elif convention == "pro_rata_days":
        whole = (rows[-1].due - rows[0].start).days
        exact = Fraction(interest * max((rows[-1].due - max(date, rows[0].start)).days, 0), whole)
    elif convention == "none":
        exact = Fraction(0)
    else:
        raise UnknownConvention(f"No rebate is called {convention}.", pointer="/rebate")
    return minor_round(exact, rounding.unit, rounding.mode)


def payoff_quote(
    schedule: Schedule, state: LoanState, date: dt.date, *, rebate: str = "actuarial", fee: ClosingFee | None = None
) -> Payoff:
    """The quote for closing a loan on `date`, from its schedule and what is paid of it.

    `state` is that of `date`, with interest as far as it stands. Raises EventNotPossible for a date before the loan.
    """
    fee = fee or ClosingFee()
    fee.check()
    terms = schedule.terms
    if date < terms.start:
        raise EventNotPossible("The loan is not closed before it begins.", pointer="/date")
    rows = [one.row for one in state.rows]
    principal = state.principal_outstanding
    paid = sum(one.paid["interest"] for one in state.rows)
    whole = sum(row.interest for row in rows)
    parts: tuple[dict[str, Any], ...] = ()
    if rebate == "actuarial":
        earned, parts = _earned(terms, rows, date)
        unearned = whole - earned
    else:
        unearned = unearned_interest(rows, date, rebate, rounding=terms.interest_rounding)
    interest = whole - unearned - paid
    if interest < 0:  # more interest was paid than is due by that day: the rest pays principal
        principal, interest = max(principal + interest, 0), 0
    due = [one for one in state.rows if one.row.start <= date]
    charges = {name: sum(getattr(one.row, name) - one.paid[name] for one in due) for name in ("fees", "penalties")}
    for name, left in charges.items():
        if left < 0:  # a charge that is not due yet was paid: it falls away, and what was paid pays principal
            principal, charges[name] = max(principal + left, 0), 0
    base = {"principal": principal, "unearned_interest": unearned, "initial_principal": terms.principal}[fee.base]
    closing = fee.amount + minor_round(Fraction(fee.share) * base, 1, "half_up") if principal else 0
    return Payoff(
        date,
        principal,
        interest,
        unearned,
        charges["fees"],
        charges["penalties"],
        closing,
        rebate,
        parts,
    )


def _earned(terms: LoanTerms, rows: Sequence[Row], date: dt.date) -> tuple[int, tuple[dict[str, Any], ...]]:
    """The interest of whole periods up to `date`, of the running one till it, and what was deferred till then."""
    interest = Interest(terms)
    earned, deferred, shown = 0, 0, []
    for row in rows:
        free = _is_free(terms, row.number)
        if row.due <= date:
            if row.number <= terms.grace_interest and row is not rows[-1]:
                deferred += 0 if free else interest.rounded(row.parts)
            else:
                earned, deferred = earned + row.interest, 0
            continue
        if row.start < date and row.parts and not free:
            exact = []
            for part in (part for part in row.parts if part.start < date):
                days = (min(part.end, date) - part.start).days
                whole = Fraction(row.interest) if terms.method == "flat" else part.interest
                exact.append(whole * days / (part.end - part.start).days)
                shown.append(part.shown() | {"days": days})
            rounding = terms.interest_rounding
            parts = exact if terms.round_parts else [sum(exact, Fraction(0))]
            earned += sum(minor_round(part, rounding.unit, rounding.mode) for part in parts)
        break
    return earned + deferred, tuple(shown)


@dataclass(frozen=True, slots=True)
class DailyLoan:
    """A loan with simple interest by the day and no schedule to follow: what is owed is what the days make.

    `cap` is the most interest, of the principal; `grace_days` is how soon it can be paid back without any.
    `credit_rate` is what the lender pays a year, over 365 days, on what was paid too much.
    """

    principal: int
    start: dt.date
    daily_rate: Decimal
    interest_rounding: Rounding = CENT_DOWN
    cap: Decimal | None = None
    grace_days: int = 0
    credit_rate: Decimal = Decimal(0)

    def check(self) -> None:
        """Raises a CalculationError."""
        if self.principal <= 0:
            raise AmountOutOfRange("The principal is above zero.", pointer="/principal")
        if not 0 <= self.credit_rate <= 1:
            raise RateNotValid("A rate on credit is between 0 and 100 %.", pointer="/credit_rate")
        if not 0 <= self.daily_rate <= 1:
            raise RateNotValid("A daily rate is between 0 and 100 %.", pointer="/daily_rate")
        if self.grace_days < 0:
            raise PeriodNotValid("A grace is not below zero.", pointer="/grace_days")
        self.interest_rounding.check("/interest_rounding")


def daily_settlement(loan: DailyLoan, payments: Sequence[Payment], date: dt.date) -> tuple[int, int]:
    """Principal and interest that settle a loan on `date`. A payment pays interest first; interest bears none.

    Interest is rounded whenever something is paid, and on `date`. Payments after `date` have not happened. What was
    paid too much is a principal below zero, to be refunded with interest of the same sign; it is rounded in the
    payer's favour, and the cap does not concern it.
    """
    loan.check()
    if date < loan.start:
        raise EventNotPossible("A settlement is not before the loan.", pointer="/date")
    principal, owed, total, at = loan.principal, 0, 0, loan.start
    rate, rounding = Fraction(loan.daily_rate), loan.interest_rounding
    most = None if loan.cap is None else minor_round(Fraction(loan.cap) * loan.principal, 1, "down")
    steps = [*sorted((one for one in payments if one.date <= date), key=lambda one: one.date), Payment(date, 0)]
    if not payments and (date - loan.start).days <= loan.grace_days:
        return principal, 0
    for step in steps:
        days = (step.date - at).days
        if principal < 0:
            new = minor_round(principal * Fraction(loan.credit_rate) * days / 365, 1, "floor")
        else:
            new = minor_round(principal * rate * days, rounding.unit, rounding.mode)
            new = new if most is None else min(new, max(most - total, 0))
            total += new
        owed, at = owed + new, step.date
        to_interest = min(step.amount, max(owed, 0))
        owed -= to_interest
        principal -= step.amount - to_interest
    return principal, owed


def accrued_to(terms: LoanTerms, period: Period, balance: int, date: dt.date) -> int:
    """The interest that has run in a period up to a day, on an unchanged balance."""
    if not period.start <= date <= period.due:
        raise PeriodNotValid("The day is within the period.", pointer="/date")
    if date == period.start:
        return 0
    interest = Interest(terms)
    years = interest.years(period.start, date, period)
    exact = balance * Fraction(interest.rate_on(period.start)) * years
    return minor_round(exact, terms.interest_rounding.unit, terms.interest_rounding.mode)
