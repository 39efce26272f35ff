"""Annual percentage rates: US Regulation Z in unit-periods or dates, the EU directive in years or dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.calculations.rates import (
    Transfer,
    apr_eu,
    apr_of_unit_periods,
    apr_regulation_z,
    effective_rate,
    percent,
)
from tests.cases.registry import Case, Unsupported, handles

BASES = {"calendar days / 365": "days_365", "equal months": "months", "weeks / 52": "weeks"}


def amounts_of(inputs: Mapping[str, Any]) -> list[Decimal]:
    """The payments in order: a first odd one, the regular ones, a last odd one, in any of the ways cases say it."""
    given = inputs["payments"]
    groups = given if isinstance(given, list) else [given]
    amounts = [Decimal(group["amount"]) for group in groups for _ in range(int(group.get("count", 1)))]

    def odd(*names: str) -> list[Decimal]:
        found = [inputs[name] for name in names if name in inputs]
        return [Decimal(one["amount"] if isinstance(one, Mapping) else one) for one in found]

    first = odd("first_payment", "odd_first_payment", "first_payment_amount")
    last = odd("last_payment", "final_payment", "odd_final_payment", "final_payment_amount", "last_payment_amount")
    return first + amounts + last


def printed(case: Case) -> int:
    """The decimals with which the source prints its percentage."""
    return len(str(case.expected.get("apr_percent", "")).partition(".")[2])


@handles("apr")
def regulation_z(case: Case) -> dict[str, Any]:
    (method,) = case.need("method")
    if not method.startswith("US actuarial"):
        raise Unsupported(f"the method {method} is not this handler's")
    advance, _ = case.need("advance", "payments")
    amount = Decimal(advance["amount"])
    if "unit_periods_per_year" in case.inputs:
        per_year, full = case.need("unit_periods_per_year", "full_unit_periods_before_first")
        fraction = Decimal(case.inputs.get("fraction_before_first", 0))
        payments = [Transfer(p, int(full) + n, fraction) for n, p in enumerate(amounts_of(case.inputs))]
        found = apr_of_unit_periods([Transfer(amount, 0)], payments, per_year=Decimal(per_year))
        return {"apr_percent": percent(found, max(2, printed(case)))}
    given = case.inputs["payments"]
    if not isinstance(given, list) or not all("date" in one for one in given):
        raise Unsupported("payments have neither unit-periods nor dates")
    dated = [(dt.date.fromisoformat(one["date"]), Decimal(one["amount"])) for one in given]
    found = apr_regulation_z([(dt.date.fromisoformat(advance["date"]), amount)], dated)[0]
    return {"apr_percent": percent(found, max(2, printed(case)))}


@handles("apr")
def directive(case: Case) -> dict[str, Any]:
    method, flows = case.need("method", "flows")
    if not method.startswith("EU") and not method.startswith("UK"):
        raise Unsupported(f"the method {method} is not this handler's")
    if all("years" in flow for flow in flows):
        rate = effective_rate([(Decimal(flow["years"]), Decimal(flow["amount"])) for flow in flows])
    elif all("date" in flow for flow in flows):
        dated = [(dt.date.fromisoformat(flow["date"]), Decimal(flow["amount"])) for flow in flows]
        basis = BASES.get(case.inputs.get("basis", ""), "days_365")
        rate = apr_eu([f for f in dated if f[1] > 0], [(d, -a) for d, a in dated if a < 0], basis=basis)
    else:
        raise Unsupported("flows have neither years nor dates")
    return {"apr_percent": percent(rate, printed(case))}
