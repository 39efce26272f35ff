"""Events as they are replayed, and the position that comes of them. Amounts in minor units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.loans import COMPONENTS, LoanTerms, Payoff, Row
from apps.core.money import minor_round

EXACT = Decimal("0.0000000001")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that stands. `id` names it in the results; events of one date keep the order they are given in."""

    id: Hashable
    kind: str
    date: dt.date
    amount: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days of a period with one balance and one rate; `interest` is exact, to ten decimals of a minor unit."""

    start: dt.date
    end: dt.date
    balance: int
    rate: Decimal
    years: Fraction
    interest: Decimal

    def until(self, day: dt.date) -> Fraction:
        """The exact interest of its days before `day`."""
        days = (min(self.end, day) - self.start).days
        return Fraction(self.interest) * days / (self.end - self.start).days if days > 0 else Fraction(0)

    def shown(self) -> dict[str, Any]:
        """The stretch as it is kept and shown."""
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "days": (self.end - self.start).days,
            "balance": self.balance,
            "rate": f"{self.rate:f}",
            "years": str(self.years),
            "interest": str(self.interest),
        }


@dataclass(slots=True)
class PaidRow:
    """An instalment and what is paid of it. `accrues` is earned within the period, `charged` are single charges."""

    row: Row
    accrues: int
    charged: int
    stretches: tuple[Stretch, ...] = ()
    paid: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COMPONENTS, 0))
    paid_on: dt.date | None = None

    @property
    def left(self) -> int:
        """What is still to be paid."""
        return self.row.total - sum(self.paid.values())

    def earned(self, day: dt.date) -> int:
        """The interest that its period has earned by the morning of `day`, half up."""
        if self.row.due <= day:
            return self.accrues
        exact = sum((stretch.until(day) for stretch in self.stretches), Fraction(0))
        return min(minor_round(exact, 1, "half_up"), self.accrues)


@dataclass(slots=True)
class Portions:
    """Where the money of an event went. `overpaid` found nothing to pay."""

    principal: int = 0
    interest: int = 0
    fees: int = 0
    penalties: int = 0
    overpaid: int = 0

    @property
    def charges(self) -> int:
        """Fees and penalties."""
        return self.fees + self.penalties

    def add(self, component: str, amount: int) -> None:
        """Count an amount for one component."""
        setattr(self, component, getattr(self, component) + amount)


@dataclass(frozen=True, slots=True)
class Position:
    """A loan after its events. `terms` are those of what is to come; None before anything was paid out."""

    rows: tuple[PaidRow, ...]
    portions: Mapping[Hashable, Portions]
    terms: LoanTerms | None
    made_charges: int = 0
    """Single fees and penalties, all of them."""
    made_penalties: int = 0
    is_written_off: bool = False
    closing: Payoff | None = None
    """The quote by which it was closed."""

    @property
    def principal(self) -> int:
        """Principal owed, due or not."""
        return sum(one.row.principal - one.paid["principal"] for one in self.rows)

    @property
    def is_settled(self) -> bool:
        """Whether something was paid out and nothing is left to pay."""
        return bool(self.rows) and all(not one.left for one in self.rows)

    def paid(self, *components: str) -> int:
        """What is paid of these components."""
        return sum(one.paid[name] for one in self.rows for name in components)

    def earned(self, day: dt.date) -> int:
        """The interest earned by the morning of a day."""
        return sum(one.earned(day) for one in self.rows)

    def fees_due(self, day: dt.date) -> int:
        """Fees that are due by a day; single ones from when they were made."""
        planned = sum(one.row.fees + one.row.penalties - one.charged for one in self.rows if one.row.due <= day)
        return planned + self.made_charges - self.made_penalties

    def overdue(self, day: dt.date, component: str | None = None) -> int:
        """What is due before a day and not paid, of one component or of all."""
        return sum(
            one.left if component is None else getattr(one.row, component) - one.paid[component]
            for one in self.rows
            if one.row.due < day
        )

    def next_due(self, day: dt.date) -> PaidRow | None:
        """The first row due on or after a day of which something is left."""
        return next((one for one in self.rows if one.row.due >= day and one.left), None)
