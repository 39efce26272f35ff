"""Explain this number: the figures of a credit line. Amounts in minor units, as they are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db.models import Sum

from apps.lending.credit_lines import YEAR, credit_line_owed
from apps.lending.models import CreditLine, CreditLineDay, CreditLineEvent

FIGURES = ("owed", "interest", "overdue", "provision", "suspended")
DAYS_SHOWN = 62
Show = Callable[[int], Any]


def line_explain(*, line: CreditLine, figure: str, show: Show = int) -> dict[str, Any]:
    """How a figure of the line's page came about, by its name in FIGURES. Raises KeyError.

    `show` writes the amounts of inputs, formulas and rows: minor units as they are, or money for people.
    """
    what, amount, inputs, formula, rounding, rows = {
        "owed": _owed, "interest": _interest, "overdue": _overdue, "provision": _provision, "suspended": _suspended
    }[figure](line, show)  # fmt: skip
    return {
        "subject": f"{what} of credit line {line.number}",
        "amount": amount,
        "inputs": {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in inputs.items()},
        "convention": {"day_count": f"actual / {YEAR}", "rest": "daily", "interest_due": "the end of each month"},
        "formula": formula,
        "rounding": rounding,
        "rows": rows,
    }


Told = tuple[str, int, dict[str, Any], list[str], str, list[dict[str, Any]]]
WHOLE = "sums of whole minor units: nothing is rounded"


def _owed(line: CreditLine, show: Show) -> Told:
    principal, interest = credit_line_owed(line)
    sums = {
        kind: CreditLineEvent.objects.filter(line=line, kind=kind).aggregate(one=Sum("principal"), two=Sum("interest"))
        for kind in CreditLineEvent.Kind.values
    }
    drawn, back = sums["draw"]["one"] or 0, sums["repayment"]["one"] or 0
    paid = sums["repayment"]["two"] or 0
    amounts = {"drawn": drawn, "paid_back": back, "interest_booked": line.interest_booked, "interest_paid": paid}
    inputs = {name: show(amount) for name, amount in amounts.items()}
    terms = f"({show(drawn)} - {show(back)}) + ({show(line.interest_booked)} - {show(paid)})"
    formula = ["owed = (drawn - paid back) + (interest booked - paid)", f"{terms} = {show(principal + interest)}"]
    return "What is owed", principal + interest, inputs, formula, WHOLE, []


def _interest(line: CreditLine, show: Show) -> Told:
    """Of the closes of the two last months: the sum of all is in the inputs."""
    days = list(CreditLineDay.objects.filter(line=line)[:DAYS_SHOWN])
    rows = [
        {
            "label": f"{one.business_date.isoformat()}, nights: {one.nights}", "booked": show(one.booked),
            "figures": f"{show(one.balance)} x {one.rate:f} x {one.nights} / {YEAR} = {one.exact:f} minor units",
        }
        for one in days
    ]  # fmt: skip
    inputs = {"exact": f"{line.exact:f}", "booked_through": line.booked_through}
    formula = [
        "exact = owed that evening x rate x nights / 365",
        f"{line.exact:f} minor units, rounded: {show(line.interest_booked)}",
    ]
    rounding = "all exact interest so far, half up, once; each close books the difference"
    return "Interest since it opened", line.interest_booked, inputs, formula, rounding, rows


def _overdue(line: CreditLine, show: Show) -> Told:
    inputs = {"as_of": line.as_of, "overdue_since": line.overdue_since, "days_past_due": line.days_past_due}
    formula = ["overdue = interest of the months that ended before that day - interest paid"]
    if line.overdue_since is not None and line.as_of is not None:
        formula.append(f"days past due = {line.as_of} - {line.overdue_since} = {line.days_past_due}")
    return "What is overdue", line.overdue_interest, inputs, formula, WHOLE, []


def _provision(line: CreditLine, show: Show) -> Told:
    basis = dict(line.provision_basis)
    if not basis:
        return "The provision", line.provision, {}, ["No close has provided for it."], "", []
    basis["exposure"] = show(basis["exposure"])
    factors = [str(basis[name]) for name in ("exposure", "share", "pd", "lgd") if name in basis]
    name = "exposure x share of the bucket" if basis.get("method") == "buckets" else "EAD x PD x LGD"
    formula = [f"provision = {name}", " x ".join(factors) + f" = {show(line.provision)}"]
    return "The provision", line.provision, basis, formula, "half up to the minor unit", []


def _suspended(line: CreditLine, show: Show) -> Told:
    inputs = {"non_accrual_since": line.non_accrual_since, "interest_owed": show(credit_line_owed(line)[1])}
    formula = ["in suspense = interest owed, of a line that is late past the limit or of a product accounted by cash"]
    return "Interest in suspense", line.suspended, inputs, formula, WHOLE, []
