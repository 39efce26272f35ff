"""A schedule: its rows, its totals, and how it came about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.loans._interest import Part
from apps.calculations.loans._terms import PER_PERIOD, LoanTerms


@dataclass(frozen=True, slots=True)
class Row:
    """One instalment. Amounts in minor units; `opening` and `closing` are principal before and after it."""

    number: int
    start: dt.date
    due: dt.date
    opening: int
    principal: int
    interest: int
    closing: int
    fees: int = 0
    penalties: int = 0
    disbursed: int = 0
    """Tranches paid out after the start of the period, up to its due date; they are in `closing`."""
    parts: tuple[Part, ...] = ()

    @property
    def days(self) -> int:
        """Calendar days of the period."""
        return (self.due - self.start).days

    @property
    def total(self) -> int:
        """Everything that falls due."""
        return self.principal + self.interest + self.fees + self.penalties


@dataclass(frozen=True, slots=True)
class Schedule:
    """What falls due when. Principal parts add up to the principal, the last balance is zero."""

    terms: LoanTerms
    rows: tuple[Row, ...]
    instalments: tuple[int, ...]
    """The level instalments worked out, in order: one, or one for each change of the rate."""
    disbursed_net: int
    """The principal without upfront fees."""
    financed: int = 0
    """Fees that were added to the principal."""

    @property
    def principal(self) -> int:
        """All principal that falls due."""
        return sum(row.principal for row in self.rows)

    @property
    def interest(self) -> int:
        """All interest that falls due."""
        return sum(row.interest for row in self.rows)

    @property
    def fees(self) -> int:
        """All fees that fall due with instalments."""
        return sum(row.fees for row in self.rows)

    @property
    def total(self) -> int:
        """Everything that falls due."""
        return sum(row.total for row in self.rows)


def fees_with(rows: Sequence[Row], fees: Sequence[tuple[int, int]], penalties: Sequence[int]) -> list[Row]:
    """The rows with (fee, of which is nothing else) and penalties put in their places."""
    return [
        replace(row, fees=row.fees + fee[0], penalties=row.penalties + penalty)
        for row, fee, penalty in zip(rows, fees, penalties, strict=True)
    ]


FORMULAS = {
    "per_period": "interest = balance x rate x period_years",
    "day_count": "interest = sum over parts of balance x rate x year fraction of the day count",
    "level": "instalment = (B x G - balloon) / S; G = product of 1 + g, S = sum of the growth after each instalment",
    "equal_principal": "principal = principal left / instalments left",
    "flat": "interest = principal x rate x period_years x instalments, in equal parts",
    "shares": "principal = principal of the loan x share",
    "interest_only": "principal falls due with the last instalment",
}


def explain(schedule: Schedule) -> dict[str, Any]:
    """Inputs, conventions, formula, rounding and rows of a schedule: what a person needs to check every figure."""
    terms = schedule.terms
    level = terms.method == "declining" and terms.amortization == "equal_instalments"
    formulas = [
        FORMULAS["flat" if terms.method == "flat" else PER_PERIOD if terms.interest == PER_PERIOD else "day_count"]
    ]
    if level:
        formulas.append(FORMULAS["level"])
    elif terms.amortization in FORMULAS:
        formulas.append(FORMULAS[terms.amortization])
    return {
        "inputs": {
            "principal": terms.principal,
            "rate": str(terms.rate),
            "instalments": terms.count,
            "start": terms.start.isoformat(),
            "tranches": [[date.isoformat(), amount] for date, amount in terms.tranches],
            "rate_changes": [[date.isoformat(), str(rate)] for date, rate in terms.rate_changes],
            "balloon": terms.balloon,
        },
        "conventions": {
            name: _plain(getattr(terms, name))
            for name in (
                *("method", "amortization", "interest", "period_years", "annuity_years", "first_interest", "remainder"),
                *("grace_principal", "grace_interest", "interest_free", "interest_in_grace", "step", "step_every"),
            )
        },
        "formula": formulas,
        "rounding": {
            "interest": asdict(terms.interest_rounding) | {"each_part": terms.round_parts},
            "principal": asdict(terms.principal_rounding),
            "instalment": asdict(terms.instalment_rounding),
        },
        "level_instalments": list(schedule.instalments),
        "rows": [
            {
                "number": row.number,
                "due": row.due.isoformat(),
                "interest": [part.shown() for part in row.parts],
                "principal": f"{row.opening + row.disbursed} - {row.closing} = {row.principal}",
                "total": f"{row.principal} + {row.interest} + {row.fees} + {row.penalties} = {row.total}",
            }
            for row in schedule.rows
        ],
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Fraction | Decimal) else value
