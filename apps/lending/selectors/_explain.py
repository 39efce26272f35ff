"""Explain this number: an instalment, or the interest earned by a day. Amounts in minor units, as they are kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from apps.calculations.loans import FORMULAS
from apps.core.errors import NotFound
from apps.lending.models import Loan
from apps.lending.selectors._loans import Servicing, servicing_of
from apps.lending.servicing import PaidRow

EARNED = "earned = sum over rows due by then of what they accrue + sum over parts of interest x days / days of the part"


def instalment_explain(*, loan: Loan, number: int) -> dict[str, Any]:
    """How an instalment came about: its parts, the terms, each payment of it. Raises `NotFound`."""
    servicing = servicing_of(loan.pk)
    position = servicing.position()
    row = next((one for one in position.rows if one.row.number == number), None)
    if row is None:
        raise NotFound("The schedule has no such instalment.")
    one = row.row
    return {
        "subject": f"Instalment {number} of loan {loan.number}, due {one.due.isoformat()}",
        "amount": one.total,
        "inputs": {
            "opening": one.opening,
            "principal": one.principal,
            "interest": one.interest,
            "fees": one.fees,
            "penalties": one.penalties,
            "closing": one.closing,
            "paid": sum(row.paid.values()),
        },
        "convention": _conventions(servicing),
        "formula": [
            *_formulas(servicing, row),
            f"{one.principal} + {one.interest} + {one.fees} + {one.penalties} = {one.total}",
        ],
        "rounding": _rounding(servicing),
        "rows": [part.shown() for part in row.stretches],
    }


def earned_explain(*, loan: Loan, day: dt.date) -> dict[str, Any]:
    """How the interest earned by the morning of a day came about, row by row. Raises `NotFound` before the loan."""
    servicing = servicing_of(loan.pk)
    position = servicing.position()
    if not position.rows or day < position.rows[0].row.start:
        raise NotFound("The loan had not begun by that day.")
    rows = []
    for one in position.rows:
        earned = one.earned(day)
        if not earned:
            continue
        parts = [part for part in one.stretches if part.start < day]
        rows.append(
            {
                "number": one.row.number,
                "due": one.row.due.isoformat(),
                "earned": earned,
                "whole": one.row.due <= day,
                "parts": [part.shown() | {"earned": _decimal(part.until(day))} for part in parts],
            }
        )
    total, paid = position.earned(day), position.paid("interest")
    return {
        "subject": f"Interest of loan {loan.number} earned by the morning of {day.isoformat()}",
        "amount": total,
        "inputs": {"day": day.isoformat(), "paid": paid, "unpaid": total - paid},
        "convention": _conventions(servicing),
        "formula": [EARNED, " + ".join(str(row["earned"]) for row in rows) + f" = {total}"],
        "rounding": "each row half up to the minor unit; the parts of a row are added first",
        "rows": rows,
    }


def _decimal(value: Fraction) -> str:
    scaled = round(value * 1_000_000)
    return f"{scaled // 1_000_000}.{scaled % 1_000_000:06d}"


def _conventions(servicing: Servicing) -> dict[str, Any]:
    conventions, rules = servicing.loaned.conventions, servicing.loaned.conventions.rules
    how = {name: str(value) for name, value in conventions.options.items() if not name.endswith("rounding")}
    return how | {
        "rate": f"{servicing.loan.rate:f}",
        "frequency": asdict(conventions.frequency),
        "level": conventions.level,
        "order_due": list(rules.order.due),
        "rest": rules.rest,
        "prepayment": rules.prepayment,
        "overdue": rules.overdue,
    }


def _formulas(servicing: Servicing, row: PaidRow) -> list[str]:
    how = servicing.loaned.conventions.options
    name = "flat" if how["method"] == "flat" else "per_period" if how["interest"] == "per_period" else "day_count"
    found = [FORMULAS[name]]
    if how["method"] == "declining":
        found.append(FORMULAS["level" if how["amortization"] == "equal_instalments" else how["amortization"]])
    found += [f"{part.balance} x {part.rate:f} x {part.years} = {part.interest}" for part in row.stretches]
    return found


def _rounding(servicing: Servicing) -> str:
    how = servicing.loaned.conventions.options
    return "; ".join(
        f"{name.removesuffix('_rounding')}: to {how[name].unit} minor units, {how[name].mode}"
        for name in ("interest_rounding", "principal_rounding", "instalment_rounding")
    )
