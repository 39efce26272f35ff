"""Rows of the calculation as rows of a loan: what each period earns, and the stretches that say how."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from apps.calculations.loans import Charge, Interest, LoanTerms, Row
from apps.lending.servicing._position import EXACT, PaidRow, Stretch

DIGITS = 40


def exact(value: Fraction) -> Decimal:
    """A fraction to ten decimals."""
    with localcontext() as context:
        context.prec = DIGITS
        return (Decimal(value.numerator) / value.denominator).quantize(EXACT)


def paid_rows(terms: LoanTerms, rows: Sequence[Row], charges: Sequence[Charge]) -> list[PaidRow]:
    """The rows with nothing paid of them. Deferred interest is earned in its own period, forgiven interest never."""
    interest = Interest(terms)
    found, pending = [], 0
    for row in rows:
        if row.number <= terms.grace_interest and not row.interest and row is not rows[-1]:
            accrues = 0 if _is_free(terms, row.number) else interest.rounded(row.parts)
            pending += accrues
        else:
            accrues, pending = row.interest - pending, 0
        charged = sum(
            charge.amount
            for charge in charges
            if (row.start < charge.due or row is rows[0]) and (charge.due <= row.due or row is rows[-1])
        )
        found.append(PaidRow(row, accrues, charged, _stretches(row, accrues)))
    return found


def _is_free(terms: LoanTerms, number: int) -> bool:
    return number <= terms.interest_free or (number <= terms.grace_principal and not terms.interest_in_grace)


def _stretches(row: Row, accrues: int) -> tuple[Stretch, ...]:
    """The parts of the calculation, where they make up what the row earns; else even days."""
    if not accrues or row.due <= row.start:
        return ()
    parts = tuple(
        Stretch(part.start, part.end, part.balance, part.rate, part.years, exact(part.interest)) for part in row.parts
    )
    if parts and abs(sum((Fraction(part.interest) for part in parts), Fraction(0)) - accrues) <= 1:
        return parts
    rate, years = (row.parts[0].rate, row.parts[0].years) if row.parts else (Decimal(0), Fraction(0))
    return (Stretch(row.start, row.due, row.opening, rate, years, Decimal(accrues)),)
