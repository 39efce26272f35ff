"""Holds over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.approvals.services import policy_activate, policy_draft
from apps.balances.selectors import balance_read
from apps.core import clock
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.identity import BranchFactory
from tests.payments.conftest import booked, key_headers

LEVEL = {"name": "Head office", "stage": 1, "who": {"position": "head_office"}}


def place(client: ApiClient, account: Account, amount: str, key: str | None = None, **body: Any) -> Any:
    body = {"account": account.number, "amount": {"amount": amount, "currency": "KES"}, **body}
    return client.post("holds", body, headers=key_headers(key))


def capture(client: ApiClient, hold: dict[str, Any], key: str | None = None, version: str = '"1"', **body: Any) -> Any:
    return client.post(f"holds/{hold['id']}/capture", body, headers=key_headers(key, **{"If-Match": version}))


def held(account: Account) -> int:
    return balance_read(account_id=account.ledger_account_id).held


def test_a_hold_sets_money_aside(teller: ApiClient, alice: Account) -> None:
    response = place(teller, alice, "400.00", reason="Card payment")
    assert (response.status_code, response["ETag"]) == (201, '"1"')
    hold = response.json()
    assert (hold["status"], hold["amount"]["amount"], hold["account"]) == ("active", "400.00", alice.number)
    assert (booked(alice), held(alice)) == (100000, 40000)
    assert place(teller, alice, "600.01").json()["code"] == "insufficient-funds"
    assert teller.get(response["Location"]).json() == hold


def test_once_for_a_key(teller: ApiClient, alice: Account) -> None:
    first, again = place(teller, alice, "1.00", key="k"), place(teller, alice, "1.00", key="k")
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert place(teller, alice, "2.00", key="k").json()["code"] == "idempotency-key-reused"
    assert held(alice) == 100


def test_capture_in_part_gives_the_rest_back(teller: ApiClient, alice: Account, bob: Account) -> None:
    hold = place(teller, alice, "400.00").json()
    money = {"amount": "150.00", "currency": "KES"}
    response = capture(teller, hold, key="c", amount=money, destination_account=bob.number)
    assert response.status_code == 200, response.content
    assert (response.json()["status"], response.json()["captured"], response["ETag"]) == ("captured", money, '"2"')
    assert (booked(alice), held(alice), booked(bob)) == (85000, 0, 15000)
    again = capture(teller, hold, key="c", amount=money, destination_account=bob.number)
    assert (again.content, again["Idempotency-Replayed"]) == (response.content, "true")
    assert capture(teller, hold, version='"2"', destination_account=bob.number).status_code == 409
    assert booked(bob) == 15000


def test_capture_by_a_channel(teller: ApiClient, alice: Account) -> None:
    hold = place(teller, alice, "30.00", reason="Fuel").json()
    assert capture(teller, hold, channel="card").status_code == 200
    assert (booked(alice), held(alice)) == (97000, 0)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid-request"),
        ({"channel": "card", "destination_account": "BOB"}, 400, "invalid-request"),
        ({"channel": "card", "amount": {"amount": "30.01", "currency": "KES"}}, 400, "invalid-amount"),
        ({"channel": "card", "amount": {"amount": "3.00", "currency": "USD"}}, 422, "currency-mismatch"),
        ({"destination_account": "404404"}, 404, "payment-account-not-found"),
        ({"destination_account": "ALICE"}, 400, "invalid-request"),
    ],
)
def test_captures_that_are_refused_change_nothing(
    teller: ApiClient, alice: Account, bob: Account, body: dict[str, Any], status: int, code: str
) -> None:
    names = {"ALICE": alice.number, "BOB": bob.number}
    body = {name: names.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    hold = place(teller, alice, "30.00").json()
    response = capture(teller, hold, **body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert (booked(alice), held(alice)) == (100000, 3000)


def test_release_gives_all_back(teller: ApiClient, alice: Account) -> None:
    hold = place(teller, alice, "30.00").json()
    path = f"holds/{hold['id']}/release"
    assert teller.post(path).status_code == 428
    assert teller.post(path, headers={"If-Match": '"7"'}).status_code == 412
    response = teller.post(path, headers={"If-Match": '"1"'})
    assert (response.status_code, response.json()["status"]) == (200, "released")
    assert held(alice) == 0
    assert teller.post(path, headers={"If-Match": '"2"'}).json()["code"] == "hold-not-active"


def test_a_hold_must_end_after_it_begins(teller: ApiClient, alice: Account) -> None:
    past = clock.now() - dt.timedelta(minutes=1)
    assert place(teller, alice, "1.00", expires_at=past.isoformat()).status_code == 400
    assert place(teller, alice, "1.00", expires_at="2199-01-01T00:00:00Z").status_code == 201


def test_list_is_scoped_filtered_and_paged(teller: ApiClient, alice: Account, api_with: Any) -> None:
    other = AccountFactory(balance="10.00")
    ids = [place(teller, alice, "1.00").json()["id"] for _ in range(3)]
    place(teller, other, "1.00")
    page = teller.get(f"holds?account={alice.number}&limit=2").json()
    assert [hold["id"] for hold in page["data"]] == ids[:0:-1]
    rest = teller.get(f"holds?account={alice.number}&limit=2&cursor={page['next_cursor']}").json()
    assert [hold["id"] for hold in rest["data"]] == ids[:1]
    assert teller.get("holds?status=released").json()["data"] == []
    assert teller.get("holds?x=1").status_code == 400
    clerk = api_with("accounts.view", "payments.hold", scope="branch", branch=other.branch)
    assert [hold["account"] for hold in clerk.get("holds").json()["data"]] == [other.number]
    assert clerk.get(f"holds/{ids[0]}").status_code == 404
    assert capture(clerk, {"id": ids[0]}, channel="card").status_code == 404
    assert clerk.post(f"holds/{ids[0]}/release", headers={"If-Match": '"1"'}).status_code == 404
    stranger = api_with("accounts.view", scope="branch", branch=BranchFactory())
    assert stranger.get("holds").json()["data"] == []
    assert stranger.post("holds", {}, headers=key_headers()).status_code == 403


def test_a_capture_is_within_the_time_limit_and_policy_of_a_payment(teller: ApiClient, bob: Account) -> None:
    carol = AccountFactory(product=ProductFactory(transaction_limit=90_00), balance="500.00")
    soon = clock.now() + dt.timedelta(minutes=1)
    timed, large, whole = (
        place(teller, carol, amount, expires_at=soon.isoformat()).json() for amount in ("10.00", "90.01", "60.00")
    )
    with clock.frozen(soon):
        late = capture(teller, timed, destination_account=bob.number)
    assert (late.status_code, late.json()["code"]) == (409, "hold-not-active")
    assert capture(teller, large, destination_account=bob.number).json()["code"] == "transaction-limit-exceeded"
    band = {"from": "0", "to": "50", "levels": []}, {"from": "50", "to": None, "levels": [LEVEL]}
    document = {"segments": [{"name": "All", "when": {}, "bands": list(band)}]}
    policy = policy_draft(
        acting_user=None, kind="payments.transfer", name="T", effective_from=dt.date(2020, 1, 1), document=document
    )
    policy_activate(acting_user=None, policy_id=policy.pk, at=clock.now())
    assert capture(teller, whole, destination_account=bob.number).json()["code"] == "approval-required"
    part = {"amount": "49.99", "currency": "KES"}
    assert capture(teller, whole, amount=part, destination_account=bob.number).status_code == 200
    assert (booked(carol), booked(bob)) == (450_01, 49_99)
