"""Batches of transfers over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.core.idempotency import transaction_id_for
from apps.ledger.models import JournalEntry
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.payments.conftest import booked, key_headers


def item(source: Account, destination: Account, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "source_account": source.number,
        "destination_account": destination.number,
        "amount": {"amount": amount, "currency": source.currency},
        **more,
    }


def test_each_item_of_an_independent_batch_has_its_own_outcome(teller: ApiClient, alice: Account, bob: Account) -> None:
    items = [
        item(alice, bob, "600.00", reference="A"),
        item(alice, bob, "600.00", reference="B"),
        item(bob, alice, "100.00"),
        item(alice, alice, "1.00"),
        {**item(alice, bob, "1.00"), "destination_account": "404404"},
    ]
    response = teller.post("transfer-batches", {"items": items}, headers=key_headers("batch"))
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["mode"], body["committed"], body["rejected"]) == ("independent", 2, 3)
    assert [one.get("code") for one in body["items"]] == [
        None,
        "insufficient-funds",
        None,
        "same-account",
        "payment-account-not-found",
    ]
    assert body["items"][0]["id"] == str(transaction_id_for(teller.user.pk, "batch/0"))
    assert (booked(alice), booked(bob)) == (50000, 50000)
    assert teller.get(f"transfers/{body['items'][0]['id']}").json()["reference"] == "A"


def test_a_batch_sent_again_gives_the_first_outcomes(teller: ApiClient, alice: Account, bob: Account) -> None:
    items = [item(alice, bob, "600.00"), item(alice, bob, "600.00")]
    first = teller.post("transfer-batches", {"items": items}, headers=key_headers("k" * 255))
    teller.post("transfer-batches", {"items": [item(bob, alice, "600.00")]}, headers=key_headers())
    second = teller.post("transfer-batches", {"items": items}, headers=key_headers("k" * 255))
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert [one["replayed"] for one in second.json()["items"]] == [True, True]
    for body in (first.json(), second.json()):
        assert [(one["status"], one.get("code")) for one in body["items"]] == [
            ("committed", None),
            ("rejected", "insufficient-funds"),
        ]
    assert booked(alice) == 100000


def test_items_may_carry_keys_of_their_own(teller: ApiClient, alice: Account, bob: Account) -> None:
    one = item(alice, bob, "1.00", idempotency_key="mine")
    first = teller.post("transfer-batches", {"items": [one, item(alice, bob, "1.00")]}, headers=key_headers("x"))
    again = teller.post("transfer-batches", {"items": [item(alice, bob, "2.00"), one]}, headers=key_headers("y"))
    assert again.json()["items"][1]["replayed"]
    assert again.json()["items"][1]["id"] == first.json()["items"][0]["id"]
    changed = teller.post(
        "transfer-batches", {"items": [item(alice, bob, "9.00", idempotency_key="mine")]}, headers=key_headers("z")
    )
    assert changed.json()["items"][0]["code"] == "idempotency-key-reused"
    twice = teller.post("transfer-batches", {"items": [one, one]}, headers=key_headers("w"))
    assert [entry.get("code") for entry in twice.json()["items"]] == [None, "unprocessable"]
    assert booked(alice) == 100000 - 400


def test_atomic_is_all_or_nothing(teller: ApiClient, alice: Account, bob: Account) -> None:
    good = {"mode": "atomic", "items": [item(alice, bob, "600.00"), item(bob, alice, "50.00")]}
    assert teller.post("transfer-batches", good, headers=key_headers()).json()["committed"] == 2
    bad = {"mode": "atomic", "items": [item(alice, bob, "10.00"), item(alice, bob, "9999.00")]}
    refused = teller.post("transfer-batches", bad, headers=key_headers("atomic"))
    assert (refused.status_code, refused.json()["code"]) == (422, "batch-refused")
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [
        ("/items/1", "insufficient-funds")
    ]
    assert (booked(alice), booked(bob)) == (45000, 55000)
    again = teller.post("transfer-batches", bad, headers=key_headers("atomic"))
    assert (again.status_code, again["Idempotency-Replayed"]) == (422, "true")


def test_atomic_refuses_before_posting_what_breaks_a_rule(teller: ApiClient, alice: Account, bob: Account) -> None:
    bad = {"mode": "atomic", "items": [item(alice, bob, "10.00"), item(alice, alice, "1.00")]}
    refused = teller.post("transfer-batches", bad, headers=key_headers())
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [
        ("/items/1/destination_account", "same-account")
    ]
    assert not JournalEntry.objects.filter(actor=teller.user.pk).exists()


def test_atomic_with_a_key_decided_before_for_something_else_posts_nothing(
    teller: ApiClient, alice: Account, bob: Account
) -> None:
    teller.post("transfer-batches", {"items": [item(alice, bob, "1.00", idempotency_key="k")]}, headers=key_headers())
    body = {"mode": "atomic", "items": [item(alice, bob, "5.00"), item(alice, bob, "2.00", idempotency_key="k")]}
    refused = teller.post("transfer-batches", body, headers=key_headers())
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "idempotency-key-reused")
    assert booked(alice) == 99900


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"items": []}, "/items"),
        ({"items": "x"}, "/items"),
        ({"items": [1]}, "/items/0"),
        ({"items": [{}], "mode": "some"}, "/mode"),
        ({"items": [{"fee": 1}]}, "/items/0/fee"),
        ({"mode": "atomic"}, "/items"),
        ({"items": [], "x": 1}, "/x"),
    ],
)
def test_malformed_batches_are_refused(teller: ApiClient, body: Any, pointer: str) -> None:
    response = teller.post("transfer-batches", body, headers=key_headers())
    assert response.status_code == 400, response.content
    assert pointer in {fault["pointer"] for fault in response.json()["errors"]}


@pytest.mark.parametrize("amount", ["0", "-1", "1e3", "0.001", "٣"])
def test_one_bad_amount_refuses_the_request(teller: ApiClient, alice: Account, bob: Account, amount: str) -> None:
    body = {"items": [item(alice, bob, "1.00"), item(alice, bob, amount)]}
    response = teller.post("transfer-batches", body, headers=key_headers())
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/items/1/amount/amount"
    assert booked(alice) == 100000


def test_a_thousand_at_once_and_not_one_more(teller: ApiClient, alice: Account, bob: Account) -> None:
    many = [item(alice, bob, "0.01") for _ in range(1001)]
    assert teller.post("transfer-batches", {"items": many}, headers=key_headers()).status_code == 400
    response = teller.post("transfer-batches", {"items": many[:-1]}, headers=key_headers())
    assert response.json()["committed"] == 1000
    assert booked(bob) == 1000


def test_a_batch_may_weigh_two_mebibytes(teller: ApiClient, alice: Account, bob: Account) -> None:
    body = json.dumps({"items": [item(alice, bob, "0.01")]})
    assert teller.post("transfer-batches", body + " " * 2**20, headers=key_headers()).status_code == 200
    assert teller.post("transfer-batches", body + " " * 2**21, headers=key_headers()).status_code == 413


def test_needs_its_permission(alice: Account, bob: Account, api_with: Any) -> None:
    client = api_with("payments.transfer")
    assert client.post("transfer-batches", {"items": [item(alice, bob, "1")]}, headers=key_headers()).status_code == 403


def test_own_accounts_only(api_with: Any, alice: Account, bob: Account) -> None:
    client = api_with("payments.batch", scope="own")
    response = client.post("transfer-batches", {"items": [item(alice, bob, "1")]}, headers=key_headers())
    assert response.json()["items"][0]["code"] == "payment-account-not-found"
    assert booked(alice) == 100000


def test_other_currencies_in_one_batch(teller: ApiClient, alice: Account, bob: Account) -> None:
    yen, yen_too = AccountFactory(currency="JPY", balance="500"), AccountFactory(currency="JPY")
    response = teller.post(
        "transfer-batches", {"items": [item(alice, bob, "1.50"), item(yen, yen_too, "20")]}, headers=key_headers()
    )
    assert response.json()["committed"] == 2
    assert booked(yen_too) == 20
