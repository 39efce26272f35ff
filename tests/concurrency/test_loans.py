"""Payments of one loan at the same moment."""

from __future__ import annotations

import datetime as dt
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
from tests.factories.accounts import AccountFactory
from tests.factories.lending import asked, loan_make, owed
from tests.factories.postings import branch_new

pytestmark = pytest.mark.concurrency

THREADS, PAYMENTS = 4, 12


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


def test_a_payment_while_another_is_planned_is_seen_whole_or_not_at_all(committed_db: None) -> None:
    loan = loan_make(account=AccountFactory(branch=branch_new(), balance="50000.00"), start=business_date_current())
    before = sum(owed(loan))

    def pay() -> bool:
        try:
            money = services.Money(100_00)
            return services.loan_repay(asked=asked(), loan_id=loan.pk, money=money, at=clock.now()).replayed
        finally:
            connection.close()

    others = [pay]

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if 'FROM "lending_loaninstalment"' in sql and others:  # the standing and the events are read already
            with ThreadPoolExecutor(1) as pool:
                pool.submit(others.pop()).result()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        pay()
    assert not others
    assert sum(owed(loan)) == before - 2 * 100_00
    assert [event.sequence for event in LoanEvent.objects.filter(loan=loan).order_by("sequence")] == [1, 2, 3]
