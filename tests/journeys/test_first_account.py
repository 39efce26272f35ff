"""From a new member to an undone transfer, all of it over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.accounts.models import AccountProduct
from apps.ledger.selectors import business_date_current
from tests.conftest import ApiClient
from tests.factories.accounts import ProductFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, user_make
from tests.payments.conftest import CHANNEL_CODES

TELLER = (
    "members.create", "members.view", "accounts.open", "accounts.view", "products.view", "payments.deposit",
    "payments.transfer", "payments.reverse", "payments.hold",
)  # fmt: skip


@pytest.fixture
def teller(db: None) -> ApiClient:
    for code in CHANNEL_CODES:
        gl_account_ready(code)
    return ApiClient(user_make(*TELLER, branch=BranchFactory()))


def once() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def kes(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KES"}


def account_open(teller: ApiClient, product: AccountProduct, first_name: str) -> dict[str, Any]:
    member = teller.post(
        "members",
        {
            "kind": "person",
            "first_name": first_name,
            "last_name": "Otieno",
            "branch_id": str(teller.user.branch_id),
        },
    )
    assert member.status_code == 201, member.content
    account = teller.post("accounts", {"product_id": str(product.pk), "member_id": member.json()["id"]})
    assert account.status_code == 201, account.content
    return dict(account.json())


def balance(teller: ApiClient, account: dict[str, Any]) -> str:
    return str(teller.get(f"accounts/{account['id']}/balance").json()["available"]["amount"])


def test_open_deposit_transfer_statement_reversal(teller: ApiClient) -> None:
    product = ProductFactory()
    grace, peter = account_open(teller, product, "Grace"), account_open(teller, product, "Peter")

    deposit = teller.post(
        "deposits", {"account": grace["number"], "amount": kes("5000.00"), "channel": "online"}, headers=once()
    )
    assert deposit.status_code == 201, deposit.content
    sent = teller.post(
        "transfers",
        {
            "source_account": grace["number"],
            "destination_account": peter["number"],
            "amount": kes("1250.50"),
            "description": "Rent",
        },
        headers=once(),
    )
    assert sent.status_code == 201, sent.content
    assert (balance(teller, grace), balance(teller, peter)) == ("3749.50", "1250.50")

    today = business_date_current()
    statement = teller.get(f"accounts/{grace['id']}/statement?from={today}&to={today}")
    assert statement.status_code == 200, statement.content
    shown = statement.json()
    assert (shown["opening_balance"]["amount"], shown["closing_balance"]["amount"]) == ("0.00", "3749.50")
    assert len(shown["lines"]) == 2

    undone = teller.post(f"transfers/{sent.json()['id']}/reversal", {"reason": "Wrong account"}, headers=once())
    assert (undone.status_code, undone.json()["reverses"]) == (201, sent.json()["id"])
    assert (balance(teller, grace), balance(teller, peter)) == ("5000.00", "0.00")
    transactions = teller.get(f"accounts/{grace['id']}/transactions").json()["data"]
    assert len(transactions) == 3
