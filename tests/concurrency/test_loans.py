"""Payments of one loan at the same moment."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

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
