"""Closing a loan before its end: the rows as they are then, and the quote that they follow from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from apps.calculations.loans import LoanState, LoanTerms, Payoff, Row, RowState, Schedule, payoff_quote
from apps.lending.conventions import Conventions
from apps.lending.servicing._position import PaidRow


def loan_state(rows: Sequence[PaidRow], date: dt.date) -> LoanState:
    """The rows of a segment as the calculations know them."""
    return LoanState(date, tuple(RowState(one.row, dict(one.paid), one.paid_on) for one in rows), (), 0)


def closing_rows(
    terms: LoanTerms, rows: Sequence[PaidRow], date: dt.date, conventions: Conventions
) -> tuple[list[Row], Payoff]:
    """The rows of a segment that is closed on `date`: those due by then, and one with all the rest; and the quote."""
    schedule = Schedule(terms, tuple(one.row for one in rows), (), 0)
    quote = payoff_quote(schedule, loan_state(rows, date), date, rebate=conventions.rebate, fee=conventions.closing_fee)
    past = [row for row in schedule.rows if row.due <= date]
    to_come = [row for row in schedule.rows if row.due > date]
    if not to_come:
        return past, quote
    first = to_come[0]
    earned = schedule.interest - quote.unearned
    principal = sum(row.principal for row in to_come)
    last = replace(
        first,
        due=max(date, first.start),
        principal=principal,
        disbursed=principal - first.opening,
        interest=max(earned - sum(row.interest for row in past), 0),
        fees=sum(row.fees for row in to_come if row.start <= date) + quote.fee,
        penalties=sum(row.penalties for row in to_come if row.start <= date),
        closing=0,
    )
    return [*past, last], quote
