"""Accounts under threads: what was decided under a lock stays decided."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.accounts.services import Holder, account_close, account_open, account_status_set, account_update
from apps.balances.errors import BalanceNotZero
from apps.balances.selectors import balance_read
from apps.core import clock
from apps.core.errors import PreconditionFailed
from apps.ledger.selectors import business_date_current
from tests.concurrency.threads import together
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.identity import BranchFactory
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.concurrency


@pytest.fixture
def place(committed_db: None) -> Any:
    """A branch of this test's own: nothing is cleaned up."""
    return BranchFactory(code=f"X{uuid.uuid4().hex[:12]}")


def test_an_account_closes_empty_or_takes_the_deposit(place: Any) -> None:
    product, day = ProductFactory(), business_date_current()
    for _ in range(10):
        account = AccountFactory(product=product, branch=place)
        close = {"account_id": account.pk, "expected_version": 1, "reason": "race", "closed_on": day, "at": clock.now()}
        closed, paid = together(
            [
                lambda close=close: account_close(acting_user=None, **close),
                lambda account=account: cash_move(account, "1.00"),
            ]
        )
        account.refresh_from_db()
        balance = balance_read(account_id=account.ledger_account_id)
        if isinstance(closed, Account):
            assert (account.status, balance.status, balance.booked) == ("closed", "X", 0)
            assert isinstance(paid, AssertionError)
            assert "CLOSED" in str(paid)
        else:
            assert isinstance(closed, BalanceNotZero)
            assert (account.status, balance.status, balance.booked) == ("active", "O", 100)


def test_a_version_is_changed_once(place: Any) -> None:
    account = AccountFactory(product=ProductFactory(overdraft_limit_max=100_000), branch=place)
    path = {"acting_user": None, "account_id": account.pk, "expected_version": 1}
    found = together(
        [
            *[lambda number=number: account_update(**path, name=f"Name {number}") for number in range(3)],
            *[lambda number=number: account_update(**path, overdraft_limit=1_000 + number) for number in range(3)],
            lambda: account_status_set(**path, status="frozen", reason="race"),
        ]
    )
    assert sum(isinstance(result, Account) for result in found) == 1
    assert sum(isinstance(result, PreconditionFailed) for result in found) == len(found) - 1
    account.refresh_from_db()
    assert (account.version, account.history.count()) == (2, 2)
    assert balance_read(account_id=account.ledger_account_id).overdraft_limit == account.overdraft_limit


def test_openings_that_name_each_other_do_not_lock_up(place: Any) -> None:
    product, day = ProductFactory(), business_date_current()
    one, two = MemberFactory(branch=place), MemberFactory(branch=place)

    def opened(owner: Any, joint: Any) -> Callable[[], Account]:
        return lambda: account_open(
            acting_user=None,
            product_id=product.pk,
            member_id=owner.pk,
            opened_on=day,
            holders=[Holder(joint.pk, "joint")],
        )

    found = together([opened(one, two) if index % 2 else opened(two, one) for index in range(8)])
    assert all(isinstance(result, Account) for result in found), found
    assert len({result.number for result in found}) == 8
