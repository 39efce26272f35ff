"""Explain this number: where a loan stands. Each figure with its inputs, formula and the rows that it is the sum of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from apps.core.snapshots import one_moment
from apps.lending.conventions import arrears_read
from apps.lending.models import Loan, LoanInstalment, LoanProduct, LoanStanding, ProvisionChange
from apps.lending.selectors._loans import servicing_of

LEFT = "left = planned - paid of each instalment"
EXACT = "sums of whole minor units: nothing is rounded"
Figure = dict[str, Any]
Show = Callable[[int], Any]


def standing_explain(*, loan: Loan, figure: str, show: Show = int) -> Figure:
    """How a figure of the loan's page came about, by its name in FIGURES. Raises KeyError.

    `show` writes the amounts of inputs, formulas and rows: minor units as they are, or money for people.
    """
    with one_moment():
        servicing = servicing_of(loan.pk)
        return FIGURES[figure](servicing.loan, servicing.standing, servicing.rows, show)


def _explained(
    loan: Loan, what: str, amount: int, inputs: dict[str, Any], formula: Sequence[str], *, rows: Sequence[Figure] = (),
    convention: dict[str, Any] | None = None, rounding: str = EXACT,
) -> Figure:  # fmt: skip
    return {
        "subject": f"{what} of loan {loan.number}",
        "amount": amount,
        "inputs": {name: _plain(value) for name, value in inputs.items()},
        "convention": convention or {},
        "formula": list(formula),
        "rounding": rounding,
        "rows": list(rows),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _parts(row: LoanInstalment) -> tuple[int, int, int]:
    """What is left of an instalment: principal, interest, charges."""
    charges = row.fees + row.penalties - row.fees_paid - row.penalties_paid
    return row.principal - row.principal_paid, row.interest - row.interest_paid, charges


def _shown(row: LoanInstalment, show: Show) -> Figure:
    principal, interest, charges = (show(part) for part in _parts(row))
    left = show(row.left)
    return {
        "number": row.number, "due": row.due_on.isoformat(), "principal": principal, "interest": interest,
        "charges": charges, "left": left, "figures": f"{principal} + {interest} + {charges} = {left}",
    }  # fmt: skip


def _owed(loan: Loan, standing: LoanStanding, rows: Sequence[LoanInstalment], show: Show) -> Figure:
    """Principal of the schedule that is not paid; interest and charges that the books have, less what was paid."""
    gone = loan.status == Loan.Status.WRITTEN_OFF
    left = 0 if gone else sum(row.principal - row.principal_paid for row in rows)
    paid = sum(row.interest_paid for row in rows)
    charges_paid = sum(row.fees_paid + row.penalties_paid for row in rows)
    interest = 0 if gone else standing.interest_booked - paid
    charges = 0 if gone else standing.charges_booked - charges_paid
    inputs = {
        "principal": show(left), "interest_booked": show(standing.interest_booked), "interest_paid": show(paid),
        "charges_booked": show(standing.charges_booked), "charges_paid": show(charges_paid),
        "books_up_to_the_morning_of": standing.booked_through,
    }  # fmt: skip
    booked = f"({show(standing.interest_booked)} - {show(paid)})"
    terms = f"{show(left)} + {booked} + ({show(standing.charges_booked)} - {show(charges_paid)})"
    formula = [
        "owed = principal not paid + (interest booked - paid) + (charges booked - paid)",
        f"{terms} = {show(left + interest + charges)}",
    ]
    if gone:
        formula = ["The loan is written off: nothing is owed by the books."]
    return _explained(loan, "What is owed", left + interest + charges, inputs, formula)


def _overdue(loan: Loan, standing: LoanStanding, rows: Sequence[LoanInstalment], show: Show) -> Figure:
    """The instalments due before the day of the figures, as far as they are not paid."""
    day = standing.as_of
    late = [_shown(row, show) for row in rows if day is not None and row.due_on < day and row.left]
    inputs = {
        "as_of": day, "overdue_since": standing.overdue_since, "days_past_due": standing.days_past_due,
        "principal": show(standing.overdue_principal), "interest": show(standing.overdue_interest),
        "charges": show(standing.overdue_charges),
    }  # fmt: skip
    formula = [LEFT, " + ".join(str(row["left"]) for row in late) + f" = {show(standing.overdue_total)}"]
    if standing.overdue_since is not None and day is not None:
        formula.append(f"days past due = {day} - {standing.overdue_since} = {standing.days_past_due}")
    return _explained(
        loan, "What is overdue", standing.overdue_total, inputs, formula if late else ["Nothing is overdue."], rows=late
    )


def _next(loan: Loan, standing: LoanStanding, rows: Sequence[LoanInstalment], show: Show) -> Figure:
    """The first instalment from the day of the figures on that is not paid."""
    found = [_shown(row, show) for row in rows if row.due_on == standing.next_due_on and row.left][:1]
    formula = [LEFT, *(row["figures"] for row in found)] if found else ["Nothing is to come."]
    inputs = {"as_of": standing.as_of, "due": standing.next_due_on}
    return _explained(loan, "The next instalment", standing.next_due_amount, inputs, formula, rows=found)


def _provision(loan: Loan, standing: LoanStanding, rows: Sequence[LoanInstalment], show: Show) -> Figure:
    """The last change of the allowance, with what it was worked out from; before one there is none."""
    change = ProvisionChange.objects.filter(loan=loan).first()
    arrears = arrears_read(loan.terms.arrears)
    limits = {"grace_days": arrears.grace_days, "non_accrual_days": arrears.non_accrual_days}
    if change is None:
        return _explained(loan, "The provision", standing.provision, {}, ["No close has provided for it."])
    share = change.method == "buckets"
    name = "exposure x share of the bucket" if share else "EAD x PD x LGD"
    inputs = {
        "day": change.business_date, "exposure": show(change.exposure), "days_late": change.days,
        "bucket": change.bucket, "stage": change.to_stage, "held_before": show(change.held),
    }  # fmt: skip
    figures = f"{show(change.exposure)} x {change.pd.normalize():f}" + (
        "" if share else f" x {change.lgd.normalize():f}"
    )
    formula = [f"provision = {name}", f"{figures} = {show(change.required)}"]
    formula.append(f"booked: {show(change.required)} - {show(change.held)}")
    if standing.provision != change.required:
        formula.append(f"used since: {show(change.required)} - {show(standing.provision)}")
    return _explained(
        loan, "The provision", standing.provision, inputs, formula, convention={"method": change.method, **limits},
        rounding="half up to the minor unit",
    )  # fmt: skip


def _suspended(loan: Loan, standing: LoanStanding, rows: Sequence[LoanInstalment], show: Show) -> Figure:
    """Interest that was earned, not paid, and is no income: of loans that do not accrue, or are accounted by cash."""
    paid = sum(row.interest_paid for row in rows)
    by_cash = loan.product.accounting == LoanProduct.Accounting.CASH
    inputs = {
        "interest_booked": show(standing.interest_booked), "interest_paid": show(paid),
        "non_accrual_since": standing.non_accrual_since, "days_past_due": standing.days_past_due,
    }  # fmt: skip
    formula = [
        "in suspense = interest earned - paid",
        f"{show(standing.interest_booked)} - {show(paid)} = {show(standing.suspended)}",
    ]
    if not standing.suspended:
        formula = ["Nothing is in suspense."]
    limits = {
        "accounting": loan.product.accounting,
        "non_accrual_days": arrears_read(loan.terms.arrears).non_accrual_days,
        "why": "interest is income when it is paid" if by_cash else "late past the limit, until nothing is overdue",
    }
    return _explained(loan, "Interest in suspense", standing.suspended, inputs, formula, convention=limits)


FIGURES: dict[str, Callable[[Loan, LoanStanding, Sequence[LoanInstalment], Show], Figure]] = {
    "owed": _owed,
    "overdue": _overdue,
    "next": _next,
    "provision": _provision,
    "suspended": _suspended,
}
