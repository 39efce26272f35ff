"""The close of business of loans: what SQL books is what the replay says, once a day, and the books prove."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import clock
from apps.lending import services
from apps.lending.closing_parts import horizon_of
from apps.lending.models import Loan, LoanDay, LoanPenalty, LoanStanding
from apps.lending.selectors import rows_current, servicing_of
from apps.lending.servicing import books_due
from tests.factories.lending import asked, loan_make, owed, product_make
from tests.factories.lending_days import days, loans_close, today_set

pytestmark = pytest.mark.django_db
START = dt.date(2026, 1, 15)

TERMS: list[dict[str, Any]] = [
    {},
    {"conventions": {"interest": "ACT/365F"}, "fees": [{"name": "Fee", "kind": "per_instalment", "amount": "2.50"}]},
    {"conventions": {"method": "flat"}, "servicing": {"prepayment": "next_instalments"}},
    {"conventions": {"interest": "ACT/360", "grace_interest": 1, "frequency": {"unit": "days", "every": 14}},
     "servicing": {"rest": "daily", "prepayment": "lower_instalment"},
     "penalties": [{"base": "overdue", "kind": "per_day", "rate": "0.001", "grace_days": 2}]},
]  # fmt: skip


def pay(loan: Loan, amount: int) -> None:
    services.loan_repay(asked=asked(), loan_id=loan.pk, money=services.Money(amount, channel="cash"), at=clock.now())


def agrees(loan: Loan, horizon: dt.date) -> None:
    """The books hold what the replay of the loan's events says they should."""
    servicing = servicing_of(loan.pk)
    standing, position = servicing.standing, servicing.position()
    due = books_due(position, max(horizon, standing.booked_through or horizon), suspends=standing.is_non_accrual)
    assert owed(loan) == (due.principal, due.interest, due.charges)
    assert (standing.interest_booked, standing.charges_booked) == (due.earned, due.charged)
    assert (standing.penalties_booked, standing.suspended) == (due.penalties, due.suspended)
    replayed = [services.row_values(one=one) for one in position.rows]
    kept = [{name: getattr(row, name) for name in replayed[0]} for row in servicing.rows]
    assert kept == replayed


@pytest.mark.parametrize("number", range(len(TERMS)))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_a_close_books_is_what_the_replay_says(db: None, number: int, data: st.DataObject) -> None:
    """Payments of any size on any days, closes at any distance; a second close of a date books nothing."""
    payments = data.draw(st.dictionaries(st.integers(1, 44), st.integers(500, 40_000), max_size=2), label="payments")
    closes = {45, *data.draw(st.sets(st.integers(0, 44), max_size=3), label="dates with a close")}
    today_set(START)
    product = product_make(**TERMS[number])
    loan = loan_make(product=product, principal=100_000, instalments=3, rate="0.24", start=START)
    for n in sorted({*payments, *closes}):
        day = START + dt.timedelta(days=n)
        today_set(day)
        if n in payments:
            pay(loan, payments[n])
        if n in closes:
            loans_close(day)
    again = loans_close(day)
    assert not any(again[name] for name in ("penalties amount", "accrued interest", "provided amount"))
    agrees(loan, horizon_of(day))
    booked = LoanDay.objects.filter(loan=loan).aggregate(n=Sum("interest"))["n"] or 0
    assert 0 <= booked <= LoanStanding.objects.get(pk=loan.pk).interest_booked


def test_a_loan_paid_on_time_accrues_its_scheduled_interest_and_is_never_late() -> None:
    today_set(START)
    loan = loan_make(principal=120_000, instalments=3, start=START)
    due = {row.due_on: row.total for row in rows_current(loan)}
    scheduled = sum(row.interest for row in rows_current(loan))
    for n, day in enumerate(days(START, (max(due) - START).days + 1)):
        today_set(day)
        if day in due:
            pay(loan, due[day])
        if n % 6 == 0 or day + dt.timedelta(days=1) in due:
            loans_close(day)
    loan.refresh_from_db()
    assert loan.status == Loan.Status.CLOSED
    assert owed(loan) == (0, 0, 0)
    found = LoanDay.objects.filter(loan=loan)
    assert found.aggregate(n=Sum("interest"))["n"] == scheduled
    assert not found.filter(days_past_due__gt=0).exists()
    assert LoanStanding.objects.get(pk=loan.pk).provision == 0


def test_penalties_are_charged_day_by_day_up_to_their_cap() -> None:
    """1 % a day of 400.00 overdue after two days of grace: all three on the third, then one a day, at most 20.00."""
    today_set(START)
    rule = {"base": "overdue_principal", "rate": "0.01", "grace_days": 2, "cap": "20.00"}
    product = product_make(penalties=[rule], conventions={"amortization": "equal_principal"})
    loan = loan_make(product=product, principal=120_000, instalments=3, start=START)
    due = rows_current(loan)[0].due_on
    charged = []
    for day in days(due, 9):
        loans_close(day)
        charged.append(LoanPenalty.objects.filter(loan=loan, as_of=day).aggregate(n=Sum("amount"))["n"] or 0)
    assert charged == [0, 0, 0, 1_200, 400, 400, 0, 0, 0]
    agrees(loan, horizon_of(day))
