"""Results of an interest calculation, and the account of how they came about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.day_counts import convention_get
from apps.calculations.interest._terms import InterestTerms
from apps.calculations.rounding import decimal_text


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a balance (minor units) and the rate on it."""

    amount: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Accrual:
    """Interest of the days from `start` up to and without `end`.

    `balance` is what it was taken on: the account's balance and the interest compounded so far, or the minimum or
    average of the period. `interest` is above zero for interest earned, below it for interest owed on an overdraft.
    """

    start: dt.date
    end: dt.date
    balance: Decimal
    compounded: Decimal
    fraction: Fraction
    slices: tuple[Slice, ...]
    interest: Decimal

    @property
    def days(self) -> int:
        """Days of the calendar."""
        return (self.end - self.start).days


@dataclass(frozen=True, slots=True)
class Posting:
    """Interest posted on a date for the days before it, in minor units. `net` = credit - debit - tax.

    `exact` is the interest before rounding, `carried` what goes on to the next posting.
    """

    date: dt.date
    since: dt.date
    credit: int
    debit: int
    tax: int
    exact: Decimal
    carried: Decimal

    @property
    def net(self) -> int:
        """What the balance changes by."""
        return self.credit - self.debit - self.tax


@dataclass(frozen=True, slots=True)
class InterestResult:
    """Accruals and postings of a period.

    `interest` is all interest of the period before rounding, earned less owed; `unposted` is what has accrued and is
    not posted at the end. Both in minor units.
    """

    terms: InterestTerms
    accruals: tuple[Accrual, ...]
    postings: tuple[Posting, ...]
    interest: Decimal
    unposted: Decimal
    closing_minor: int

    @property
    def posted(self) -> int:
        """All interest posted, earned less owed, before tax, in minor units."""
        return sum(posting.credit - posting.debit for posting in self.postings)


def explain(result: InterestResult, exponent: int = 0) -> dict[str, Any]:
    """How the figures came about: convention, formula, rounding and rows, ready to be shown.

    Amounts are decimal strings of units of 10^exponent minor units, rates fractions, dates ISO 8601.
    """
    terms = result.terms

    def amount(minor: Decimal | int) -> str:
        return decimal_text(minor, shift=-exponent)

    convention = convention_get(terms.day_count)
    return {
        "convention": {"day_count": convention.name, "formula": convention.formula, "source": convention.source},
        "formula": _formula(terms),
        "rounding": {
            "accrual": "none" if terms.accrual_decimals is None else
            f"{terms.accrual_rounding}, {terms.accrual_decimals} decimals of a minor unit, each day",
            "posting": f"{terms.posting_rounding}, to {terms.posting_unit} minor unit(s); remainder: {terms.remainder}",
            "tax": terms.withholding_rounding,
        },
        "rows": [
            {
                "start": row.start.isoformat(), "end": row.end.isoformat(), "days": row.days,
                "balance": amount(row.balance), "compounded": amount(row.compounded),
                "fraction": f"{row.fraction.numerator}/{row.fraction.denominator}",
                "slices": [{"amount": amount(part.amount), "rate": decimal_text(part.rate)} for part in row.slices],
                "interest": amount(row.interest),
            }
            for row in result.accruals
        ],
        "postings": [
            {
                "date": row.date.isoformat(), "start": row.since.isoformat(), "credit": amount(row.credit),
                "debit": amount(row.debit), "tax": amount(row.tax), "net": amount(row.net),
                "exact": amount(row.exact), "carried": amount(row.carried),
            }
            for row in result.postings
        ],
    }  # fmt: skip


def _formula(terms: InterestTerms) -> str:
    base = {"daily": "balance of each day", "minimum": "lowest balance of the period",
            "average": "average daily balance of the period"}[terms.balance]  # fmt: skip
    fraction = "1 for each period" if terms.rate_per == "period" else "year fraction"
    rate = "rate of each slice" if terms.tiering == "banded" else "rate of the tier"
    grown = "" if terms.compounding == "none" else f" (+ interest compounded {terms.compounding})"
    return f"interest = {base}{grown} x {rate} x {fraction}"
