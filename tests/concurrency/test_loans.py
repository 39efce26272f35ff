"""Payments of one loan at the same moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.core import clock
from apps.core.errors import DomainError
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.models import Loan, LoanEvent
from apps.lending.selectors import position_of
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.lending import asked, loan_make, owed
from tests.factories.postings import branch_new

pytestmark = pytest.mark.concurrency

THREADS, PAYMENTS = 4, 12
ROWS = 'FROM "lending_loaninstalment"'
"""The last that is read of a loan: standing and events are before it."""


def test_payments_of_one_loan_wait_for_one_another(committed_db: None) -> None:
    account = AccountFactory(branch=branch_new(), balance="50000.00")
    loan = loan_make(account=account, start=business_date_current() - dt.timedelta(days=100))
    before = sum(owed(loan))
    same = asked()
    asks = [asked() for _ in range(PAYMENTS)] + [same] * 4

    def pay(ask: services.Asked) -> str:
        try:
            done = services.loan_repay(asked=ask, loan_id=loan.pk, money=services.Money(100_00), at=clock.now())
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "again" if done.replayed else "done"

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(pay, asks))
    assert sorted(outcomes) == ["again"] * 3 + ["done"] * (PAYMENTS + 1)
    assert sum(owed(loan)) == before - (PAYMENTS + 1) * 100_00
    events = LoanEvent.objects.filter(loan=loan).order_by("sequence")
    assert [event.sequence for event in events] == list(range(1, PAYMENTS + 3))
    position = position_of(Loan.objects.get(pk=loan.pk))
    assert position.principal == owed(loan)[0]


def a_payment_before(words: str, loan: Loan, do: Callable[[], Any]) -> Any:
    """What `do` gives when another client's payment of 100.00 is booked just before its statement with these words."""

    def pay() -> None:
        try:
            money = services.Money(100_00)
            services.loan_repay(asked=asked(), loan_id=loan.pk, money=money, at=clock.now())
        finally:
            connection.close()

    others = [pay]

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if words in sql and others:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(others.pop()).result()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        found = do()
    assert not others
    return found


def test_a_payment_while_another_is_planned_is_seen_whole_or_not_at_all(committed_db: None) -> None:
    loan = loan_make(account=AccountFactory(branch=branch_new(), balance="50000.00"), start=business_date_current())
    before, money = sum(owed(loan)), services.Money(100_00)
    a_payment_before(
        ROWS, loan, lambda: services.loan_repay(asked=asked(), loan_id=loan.pk, money=money, at=clock.now())
    )
    assert sum(owed(loan)) == before - 2 * 100_00
    assert [event.sequence for event in LoanEvent.objects.filter(loan=loan).order_by("sequence")] == [1, 2, 3]


def test_what_is_shown_of_a_loan_is_of_one_moment(committed_db: None) -> None:
    start = business_date_current() - dt.timedelta(days=100)
    loan = loan_make(account=AccountFactory(branch=branch_new(), balance="50000.00"), start=start)
    client = ApiClient(user_make("lending.view", scope="all"))
    path, paid = f"loans/{loan.pk}", {"kind": "repayment", "amount": {"amount": "50.00", "currency": "KES"}}

    def preview() -> Any:
        return client.post(f"{path}/preview", paid)

    for read in (
        preview,
        lambda: client.get(f"{path}/payoff"),
        lambda: client.get(f"{path}/explain?figure=owed"),
        lambda: client.get(f"{path}/explain?number=1"),
        lambda: client.get(f"{path}/schedule"),
    ):
        alone = read().json()
        while_paid = a_payment_before(ROWS, loan, read)
        assert while_paid.status_code == 200
        assert while_paid.json() == alone != read().json()
