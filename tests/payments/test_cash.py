"""Deposits, withdrawals and their reversal over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.accounts import services
from apps.accounts.models import Account
from apps.balances.selectors import balance_read
from apps.balances.services import internal_account_id
from apps.core import clock
from apps.identity.services import api_key_create
from apps.ledger.selectors import business_date_current
from apps.payments.channels import CHANNELS
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.identity import BranchFactory, user_make
from tests.factories.interest import terms_make
from tests.payments.conftest import PERMISSIONS, booked, key_headers


def move(client: ApiClient, what: str, account: Account, amount: str, /, key: str | None = None, **body: Any) -> Any:
    money = {"amount": amount, "currency": account.currency}
    body = {"account": account.number, "amount": money, "channel": "online", **body}
    return client.post(what, body, headers=key_headers(key))


def machine(teller: ApiClient) -> ApiClient:
    """The teller's machine: the same user, by a key."""
    permissions = ["payments.deposit", "payments.withdraw", "accounts.view"]
    made = api_key_create(
        acting_user=None, user_id=teller.user.pk, name="Machine", permissions=permissions, at=clock.now()
    )
    client = ApiClient()
    client.user, client.access = teller.user, made.secret
    return client


def test_cash_of_people_goes_through_their_till(teller: ApiClient, bob: Account) -> None:
    for what in ("deposits", "withdrawals"):
        for channel in ("cash", "branch"):
            refused = move(teller, what, bob, "1.00", channel=channel)
            assert (refused.status_code, refused.json()["code"]) == (409, "till-not-open")
    assert booked(bob) == 0


def test_a_machines_deposit_raises_the_balance_and_the_cash_at_its_branch(teller: ApiClient, bob: Account) -> None:
    teller = machine(teller)
    response = move(
        teller, "deposits", bob, "250.00", channel="cash", description="Market day", counterparty="Mama Njeri"
    )
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["kind"], body["channel"], body["source_account"]) == ("deposit", "cash", None)
    assert body["destination_account"]["number"] == bob.number
    assert booked(bob) == 25000
    branch = teller.user.branch
    till = internal_account_id(gl_code="1120", branch_id=branch.pk, branch_code=branch.code, currency="KES")
    assert balance_read(account_id=till).booked == -25000
    assert response["Location"] == f"/api/v1/transactions/{body['id']}"
    assert teller.get(f"transactions/{body['id']}").json() == body
    assert teller.get(f"transfers/{body['id']}").status_code == 404


def test_a_withdrawal_lowers_it(teller: ApiClient, alice: Account) -> None:
    response = move(teller, "withdrawals", alice, "400.00", channel="atm")
    assert response.status_code == 201
    assert (response.json()["source_account"]["number"], response.json()["destination_account"]) == (alice.number, None)
    assert booked(alice) == 60000
    assert move(teller, "withdrawals", alice, "600.01").json()["code"] == "insufficient-funds"


@pytest.mark.parametrize("channel", sorted(CHANNELS))
@pytest.mark.parametrize("what", ["deposits", "withdrawals"])
def test_every_channel_has_its_side_of_the_bank(teller: ApiClient, alice: Account, what: str, channel: str) -> None:
    assert move(machine(teller), what, alice, "1.00", channel=channel).status_code == 201


def test_cash_needs_a_branch(chart: None, alice: Account) -> None:
    roaming = ApiClient(user_make(*PERMISSIONS))
    assert move(machine(roaming), "deposits", alice, "1.00", channel="cash").json()["code"] == "branch-missing"
    assert move(roaming, "deposits", alice, "1.00", channel="online").status_code == 201


@pytest.mark.parametrize("what", ["deposits", "withdrawals"])
def test_once_for_a_key(teller: ApiClient, alice: Account, what: str) -> None:
    first = move(teller, what, alice, "10.00", key="k")
    again = move(teller, what, alice, "10.00", key="k")
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert move(teller, what, alice, "10.01", key="k").json()["code"] == "idempotency-key-reused"
    assert abs(booked(alice) - 100000) == 1000


def test_the_same_key_for_another_operation_is_refused(teller: ApiClient, alice: Account) -> None:
    move(teller, "deposits", alice, "10.00", key="k")
    assert move(teller, "withdrawals", alice, "10.00", key="k").json()["code"] == "idempotency-key-reused"


def test_the_limit_of_one_transaction_holds_for_withdrawals_only(teller: ApiClient) -> None:
    account = AccountFactory(product=ProductFactory(transaction_limit=10_000), balance="500.00")
    assert move(teller, "withdrawals", account, "100.01").json()["code"] == "transaction-limit-exceeded"
    assert move(teller, "withdrawals", account, "100.00").status_code == 201
    assert move(teller, "deposits", account, "100.01").status_code == 201


def test_products_say_by_which_channels_and_within_which_bounds(teller: ApiClient, alice: Account) -> None:
    """Used by mobile and at the counter; from 100.00 to 500.00. The last way in and out is the bank's own."""
    product = ProductFactory()
    terms_make(
        product, "", channels=["mobile", "branch"], minimum_balance=100_00, minimum_kept=True, maximum_balance=500_00
    )
    account = AccountFactory(product=product)

    def said(what: str, amount: str, channel: str) -> str:
        answer = move(teller, what, account, amount, channel=channel)
        return str(answer.json()["code"] or answer.status_code)

    assert said("deposits", "1.00", "online") == "channel-not-allowed"
    assert said("deposits", "400.00", "mobile") == "201"
    assert said("deposits", "100.01", "mobile") == "balance-above-maximum"
    assert said("withdrawals", "300.01", "mobile") == "balance-below-minimum"
    assert said("withdrawals", "300.00", "mobile") == "201"
    assert move(machine(teller), "deposits", account, "10.00", channel="cash").status_code == 201  # cash is cash

    def transfer(amount: str, **body: Any) -> Any:
        sides = {"source_account": alice.number, "destination_account": account.number, **body}
        return teller.post(
            "transfers", {**sides, "amount": {"amount": amount, "currency": "KES"}}, headers=key_headers()
        )

    assert transfer("390.01").json()["code"] == "balance-above-maximum"
    items = [
        {"source_account": alice.number, "destination_account": account.number,
         "amount": {"amount": amount, "currency": "KES"}} for amount in ("200.00", "190.01", "190.00")
    ]  # fmt: skip
    batch = teller.post("transfer-batches", {"items": items}, headers=key_headers()).json()
    assert [item.get("code") for item in batch["items"]] == [None, "balance-above-maximum", None]
    out = transfer("1.00", source_account=account.number, destination_account=alice.number)
    assert out.json()["code"] == "channel-not-allowed"
    assert booked(account) == 500_00
    services.terms_set(
        acting_user=None, product_id=product.pk, effective_from=business_date_current(), today=None,
        tax_rate=Decimal(0),
    )  # fmt: skip
    assert said("withdrawals", "450.00", "online") == "201"


def test_branch_scope_and_permissions(chart: None, alice: Account) -> None:
    here = BranchFactory()
    clerk = ApiClient(user_make("payments.deposit", scope="branch", branch=here))
    assert move(clerk, "deposits", alice, "1.00").status_code == 404
    assert move(clerk, "withdrawals", alice, "1.00").status_code == 403
    assert move(clerk, "deposits", AccountFactory(branch=here), "1.00").status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "pigeon"},
        {"channel": None},
        {"amount": {"amount": "-1", "currency": "KES"}},
        {"amount": {"amount": 1, "currency": "KES"}},
        {"till": "x"},
        {"account": ""},
        {"description": "\u202e"},
        {"value_date": "31.12.2026"},
    ],
)
def test_bad_input_is_refused(teller: ApiClient, alice: Account, change: dict[str, Any]) -> None:
    for what in ("deposits", "withdrawals"):
        assert move(teller, what, alice, "1.00", **change).status_code == 400
    assert booked(alice) == 100000


# Reversals


def test_a_reversal_is_the_mirror_image_and_happens_once(teller: ApiClient, alice: Account, bob: Account) -> None:
    body = {
        "source_account": alice.number,
        "destination_account": bob.number,
        "amount": {"amount": "70.00", "currency": "KES"},
    }
    sent = teller.post("transfers", body, headers=key_headers()).json()
    undone = teller.post(f"transfers/{sent['id']}/reversal", {"reason": "Wrong account"}, headers=key_headers("r"))
    assert undone.status_code == 201, undone.content
    shown = undone.json()
    assert (shown["kind"], shown["reverses"], shown["description"]) == ("reversal", sent["id"], "Wrong account")
    assert (shown["source_account"]["number"], shown["destination_account"]["number"]) == (bob.number, alice.number)
    assert (booked(alice), booked(bob)) == (100000, 0)
    again = teller.post(f"transfers/{sent['id']}/reversal", {"reason": "Wrong account"}, headers=key_headers("r"))
    assert (again.content, again["Idempotency-Replayed"]) == (undone.content, "true")
    second = teller.post(f"transfers/{sent['id']}/reversal", {"reason": "Again"}, headers=key_headers())
    assert (second.status_code, second.json()["code"]) == (422, "already-reversed")
    back = teller.post(f"transactions/{shown['id']}/reversal", {"reason": "Undo undo"}, headers=key_headers())
    assert (back.status_code, back.json()["code"]) == (409, "payment-not-reversible")


def test_spent_money_cannot_be_taken_back(teller: ApiClient, alice: Account, bob: Account) -> None:
    body = {
        "source_account": alice.number,
        "destination_account": bob.number,
        "amount": {"amount": "70.00", "currency": "KES"},
    }
    sent = teller.post("transfers", body, headers=key_headers()).json()
    move(teller, "withdrawals", bob, "0.01")
    undone = teller.post(f"transfers/{sent['id']}/reversal", {"reason": "Fraud"}, headers=key_headers())
    assert (undone.status_code, undone.json()["code"]) == (422, "insufficient-funds")


def test_deposits_are_reversed_under_transactions(teller: ApiClient, bob: Account) -> None:
    sent = move(teller, "deposits", bob, "5.00").json()
    path = f"/{sent['id']}/reversal"
    wrong = teller.post("transfers" + path, {"reason": "x"}, headers=key_headers())
    assert (wrong.status_code, wrong.json()["code"]) == (409, "payment-not-reversible")
    assert teller.post("transactions" + path, {"reason": "Counted twice"}, headers=key_headers()).status_code == 201
    assert booked(bob) == 0


def test_reversing_needs_permission_reach_and_a_reason(teller: ApiClient, bob: Account, api_with: Any) -> None:
    path = f"transactions/{move(teller, 'deposits', bob, '5.00').json()['id']}/reversal"
    assert api_with("accounts.view").post(path, {"reason": "x"}, headers=key_headers()).status_code == 403
    foreign = api_with("payments.reverse", scope="branch", branch=BranchFactory())
    assert foreign.post(path, {"reason": "x"}, headers=key_headers()).status_code == 404
    for body in ({}, {"reason": ""}, {"reason": 1}, {"reason": "x", "amount": "1"}):
        assert teller.post(path, body, headers=key_headers()).status_code == 400
    assert teller.post(path, {"reason": "x"}).json()["code"] == "idempotency-key-missing"
    assert booked(bob) == 500
