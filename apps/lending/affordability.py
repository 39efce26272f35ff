"""What an instalment takes of what is left of an income. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.core.currencies import minor_format
from apps.core.money import minor_round
from apps.lending.servicing import PaidRow

MONTHS_A_YEAR = 12
SHARE = Decimal("0.0001")
FINANCES = ("income", "expenses", "obligations")


@dataclass(frozen=True, slots=True)
class Affordability:
    """A month of the borrower, minor units. `share` is the instalment over what is left; None when nothing is left."""

    income: int
    expenses: int
    obligations: int
    instalment: int
    share_max: Decimal | None

    @property
    def left(self) -> int:
        """What is left of the income before the new instalment."""
        return self.income - self.expenses - self.obligations

    @property
    def share(self) -> Decimal | None:
        """The instalment over what is left, to four decimals."""
        if self.left <= 0:
            return None
        return Decimal(minor_round(Fraction(self.instalment * 10_000, self.left), 1, "half_up")) * SHARE

    @property
    def fits(self) -> bool:
        """Whether the product's limit is kept; always without one."""
        return self.share_max is None or (self.share is not None and self.share <= self.share_max)

    def shown(self) -> dict[str, Any]:
        """Inputs, formula and result, as it is kept."""
        share = self.share
        return {
            "income": self.income,
            "expenses": self.expenses,
            "obligations": self.obligations,
            "instalment": self.instalment,
            "left": self.left,
            "share": None if share is None else f"{share:f}",
            "share_max": None if self.share_max is None else f"{self.share_max:f}",
            "fits": self.fits,
            "formula": f"{self.instalment} / ({self.income} - {self.expenses} - {self.obligations})",
        }


def formula_of(found: Mapping[str, Any], currency: str) -> str:
    """The formula of a kept result (`Affordability.shown`) in units of the currency: 45.84 / (420.00 - 0.00 - 0.00)."""
    month, *parts = (minor_format(found[name], currency) for name in ("instalment", *FINANCES))
    return f"{month} / ({' - '.join(parts)})"


def affordability_of(
    *, finances: Mapping[str, int], rows: Sequence[PaidRow], period_years: Fraction, share_max: Decimal | None
) -> Affordability:
    """The month of a borrower with the largest instalment of a schedule, in proportion to a month."""
    largest = max((one.row.total for one in rows), default=0)
    month = minor_round(Fraction(largest) / (period_years * MONTHS_A_YEAR), 1, "half_up")
    income, expenses, obligations = (finances.get(name, 0) for name in FINANCES)
    return Affordability(income, expenses, obligations, month, share_max)
