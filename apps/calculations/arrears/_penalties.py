"""Penalties on arrears: flat or by the day, on a base, after a grace, up to a cap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.calculations.calendars import Calendar
from apps.calculations.errors import AmountOutOfRange, ConventionNeeds, RateNotValid, UnknownConvention
from apps.calculations.loans import CENT, Rounding
from apps.core.money import minor_round

BASES = ("overdue_principal", "overdue_interest", "overdue", "outstanding_principal", "initial_principal", "instalment")
KINDS = ("per_day", "once")
GRACES = ("from_due_date", "after_grace")


@dataclass(frozen=True, slots=True)
class PenaltyRule:
    """How late money is punished.

    `per_day` takes `rate` of the base and `amount` for each day, `once` takes them once. Within `grace_days` there is
    none; after it days count `from_due_date` or only `after_grace`. `count_days_off` False counts business days only;
    with `day_paid_counts` the last day counts even so, as only days off between are left out (OpenCBS).
    `cap` is the most in minor units, `cap_share` the most as a share of the base.
    """

    base: str = "overdue"
    kind: str = "per_day"
    rate: Decimal = Decimal(0)
    amount: int = 0
    grace_days: int = 0
    grace: str = "from_due_date"
    count_days_off: bool = True
    day_paid_counts: bool = False
    cap: int | None = None
    cap_share: Decimal | None = None
    rounding: Rounding = CENT

    def check(self) -> None:
        """Raises a CalculationError with the pointer of what is wrong."""
        for name, value, known in (
            ("base", self.base, BASES),
            ("kind", self.kind, KINDS),
            ("grace", self.grace, GRACES),
        ):
            if value not in known:
                raise UnknownConvention(f"No {name} is called {value}.", pointer=f"/{name}")
        if not 0 <= self.rate <= 1:
            raise RateNotValid("The rate is between 0 and 100 %.", pointer="/rate")
        if self.amount < 0 or self.grace_days < 0 or (self.cap is not None and self.cap < 0):
            raise AmountOutOfRange("Amount, grace and cap are not below zero.", pointer="/amount")
        self.rounding.check("/rounding")


@dataclass(frozen=True, slots=True)
class Penalty:
    """A penalty and how it came about. `days` are the days late, `charged_days` those it counts."""

    amount: int
    days: int
    charged_days: int
    base: int
    rule: PenaltyRule

    def explain(self) -> dict[str, Any]:
        """Base, days, formula and cap."""
        times = self.charged_days if self.rule.kind == "per_day" else 1
        return {
            "base": self.rule.base,
            "base_amount": self.base,
            "days_late": self.days,
            "days_charged": self.charged_days,
            "formula": f"({self.base} x {self.rule.rate} + {self.rule.amount}) x {times}",
            "cap": self.rule.cap,
            "cap_share": None if self.rule.cap_share is None else str(self.rule.cap_share),
            "amount": self.amount,
        }


def penalty_for(
    rule: PenaltyRule,
    amounts: Mapping[str, int],
    due: dt.date,
    as_of: dt.date,
    *,
    calendar: Calendar | None = None,
    charged_before: int = 0,
) -> Penalty:
    """The penalty for something due on `due` and unpaid till `as_of`.

    `amounts` has the base of the rule in minor units. `charged_before` is what was charged for it already: the cap
    holds for both together. Business days need a `calendar`.
    """
    rule.check()
    if rule.base not in amounts:
        raise ConventionNeeds(f"The penalty needs {rule.base}.", pointer="/amounts")
    base = amounts[rule.base]
    if base < 0:
        raise AmountOutOfRange("A base is not below zero.", pointer="/amounts")
    late = max((as_of - due).days, 0)
    days = late
    if not rule.count_days_off:
        if calendar is None:
            raise ConventionNeeds("Counting business days needs a calendar.", pointer="/calendar")
        one = dt.timedelta(days=1)
        days = sum(calendar.is_business_day(due + one * n) for n in range(1, late))
        days += late > 0 and (rule.day_paid_counts or calendar.is_business_day(as_of))
    charged = 0 if days <= rule.grace_days else days - (rule.grace_days if rule.grace == "after_grace" else 0)
    times = min(charged, 1) if rule.kind == "once" else charged
    exact = (base * Fraction(rule.rate) + rule.amount) * times
    amount = minor_round(exact, rule.rounding.unit, rule.rounding.mode)
    caps = [] if rule.cap is None else [rule.cap]
    if rule.cap_share is not None:
        caps.append(minor_round(base * Fraction(rule.cap_share), 1, "down"))
    if caps:
        amount = min(amount, max(min(caps) - charged_before, 0))
    return Penalty(amount, days, charged, base, rule)
