"""A bank with two accounts and somebody who may move money between them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.balances.selectors import balance_read
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, user_make

PERMISSIONS = (
    "accounts.view",
    "payments.transfer",
    "payments.deposit",
    "payments.withdraw",
    "payments.reverse",
    "payments.batch",
    "payments.hold",
    "payments.import",
)
CHANNEL_CODES = ("1120", "1230", "1240", "1250", "1260", "2410", "2420", "3390")


@pytest.fixture
def chart(db: None) -> None:
    """The bank's own side of every channel."""
    for code in CHANNEL_CODES:
        gl_account_ready(code)


@pytest.fixture
def teller(chart: None) -> ApiClient:
    """Somebody with all permissions of payments over the whole bank, at a branch."""
    return ApiClient(user_make(*PERMISSIONS, branch=BranchFactory())).step_up()


@pytest.fixture
def alice(db: None) -> Account:
    """An account with KES 1,000.00."""
    return AccountFactory(balance="1000.00")


@pytest.fixture
def bob(db: None) -> Account:
    """An account with nothing on it."""
    return AccountFactory()


def booked(account: Account) -> int:
    """The balance of an account, minor units."""
    return balance_read(account_id=account.ledger_account_id).booked


def key_headers(key: str | None = None, **more: str) -> dict[str, str]:
    """Idempotency-Key, a new one unless given, and other headers."""
    return {"Idempotency-Key": key or uuid.uuid4().hex, **more}


@pytest.fixture
def transfer(teller: ApiClient, alice: Account, bob: Account) -> Callable[..., Any]:
    """`transfer(amount="10.00", key="k", **body)`: from alice to bob unless told otherwise."""

    def send(*, amount: str = "10.00", currency: str = "KES", key: str | None = None, **body: Any) -> Any:
        return teller.post(
            "transfers",
            {
                "source_account": alice.number,
                "destination_account": bob.number,
                "amount": {"amount": amount, "currency": currency},
                **body,
            },
            headers=key_headers(key),
        )

    return send
