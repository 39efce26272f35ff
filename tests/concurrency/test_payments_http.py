"""Races over HTTP: many clients, one server, one database."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.balances.selectors import balances_read
from apps.ledger.models import JournalEntry
from apps.payments.selectors import refs_forget
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, user_make
from tests.factories.interest import terms_make
from tests.payments.conftest import CHANNEL_CODES, PERMISSIONS
from tests.payments.servers import http_post, http_server, together

pytestmark = [pytest.mark.concurrency, pytest.mark.slow]


@pytest.fixture
def server(committed_db: None) -> Iterator[int]:
    for code in CHANNEL_CODES:
        gl_account_ready(code)
    with http_server() as port:
        yield port


@pytest.fixture
def token(server: int) -> str:
    unique = uuid.uuid4().hex[:10]
    branch = BranchFactory(code=f"C{unique}")
    return ApiClient(user_make(*PERMISSIONS, branch=branch, email=f"{unique}@example.com")).access


def account(balance: str | None = None) -> Account:
    return AccountFactory(branch=BranchFactory(code=f"A{uuid.uuid4().hex[:10]}"), balance=balance)


def body(source: Account, destination: Account, amount: str) -> dict[str, Any]:
    return {
        "source_account": source.number,
        "destination_account": destination.number,
        "amount": {"amount": amount, "currency": "KES"},
    }


def booked(*accounts: Account) -> list[int]:
    found = balances_read(account_ids=[one.ledger_account_id for one in accounts])
    return [found[one.ledger_account_id].booked for one in accounts]


def test_fifty_posts_with_one_key_have_one_effect_and_equal_bodies(server: int, token: str) -> None:
    alice, bob = account("100.00"), account()
    key = uuid.uuid4().hex
    answers = together(50, lambda _: http_post(server, token, "transfers", body(alice, bob, "1.00"), key))
    assert {answer[0] for answer in answers} == {201}
    assert len({answer[2] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer[1] for answer in answers) == 1
    assert booked(alice, bob) == [9900, 100]
    assert JournalEntry.objects.filter(transaction_id=json.loads(answers[0][2])["id"]).count() == 1


def test_fifty_posts_with_one_key_and_other_bodies_have_one_effect(server: int, token: str) -> None:
    alice, bob = account("100.00"), account()
    key = uuid.uuid4().hex
    answers = together(50, lambda place: http_post(server, token, "transfers", body(alice, bob, f"1.{place:02d}"), key))
    statuses = sorted(answer[0] for answer in answers)
    assert statuses == [201] + [422] * 49
    refused = {json.loads(answer[2])["code"] for answer in answers if answer[0] == 422}
    assert refused == {"idempotency-key-reused"}
    assert sum(booked(alice, bob)) == 10000


def test_the_whole_balance_is_spent_once_by_every_path(server: int, token: str) -> None:
    """Transfers, withdrawals, batches and holds race for one balance."""
    alice, bob = account("100.00"), account()
    money = {"amount": "100.00", "currency": "KES"}
    paths = [
        ("transfers", body(alice, bob, "100.00")),
        ("withdrawals", {"account": alice.number, "amount": money, "channel": "online"}),
        ("transfer-batches", {"items": [body(alice, bob, "100.00")], "mode": "atomic"}),
        ("holds", {"account": alice.number, "amount": money}),
    ]
    answers = together(60, lambda place: http_post(server, token, *paths[place % 4], uuid.uuid4().hex))
    won = [answer for answer in answers if answer[0] < 300]
    assert len(won) == 1, [answer[0] for answer in answers]
    assert {answer[0] for answer in answers} <= {200, 201, 422}


def test_opposite_transfers_do_not_deadlock(server: int, token: str) -> None:
    alice, bob = account("500.00"), account("500.00")

    def send(place: int) -> list[int]:
        pair = (alice, bob) if place % 2 else (bob, alice)
        return [http_post(server, token, "transfers", body(*pair, "1.00"), uuid.uuid4().hex)[0] for _ in range(10)]

    answers = together(16, send)
    assert {status for found in answers for status in found} == {201}
    assert booked(alice, bob) == [50000, 50000]


def test_one_batch_key_sent_many_times_at_once(server: int, token: str) -> None:
    alice, bob = account("100.00"), account()
    key = uuid.uuid4().hex
    batch = {"items": [body(alice, bob, "1.00") for _ in range(20)]}
    answers = together(12, lambda _: http_post(server, token, "transfer-batches", batch, key))
    assert {answer[0] for answer in answers} == {200}
    assert {json.loads(answer[2])["committed"] for answer in answers} == {20}
    assert booked(alice, bob) == [8000, 2000]


def test_a_transfer_is_reversed_once(server: int, token: str) -> None:
    alice, bob = account("100.00"), account()
    sent = json.loads(http_post(server, token, "transfers", body(alice, bob, "10.00"), uuid.uuid4().hex)[2])
    path = f"transfers/{sent['id']}/reversal"
    answers = together(12, lambda _: http_post(server, token, path, {"reason": "twice"}, uuid.uuid4().hex))
    assert sorted(answer[0] for answer in answers) == [201] + [422] * 11
    assert booked(alice, bob) == [10000, 0]


def test_payments_at_one_moment_never_pass_a_bound_together(server: int, token: str) -> None:
    """Eight at once, of which five fit: above the least balance of the source, below the greatest of the target."""
    low, high = ProductFactory(), ProductFactory()
    terms_make(low, "", minimum_balance=500_00, minimum_kept=True)
    terms_make(high, "", maximum_balance=500_00)
    unique = uuid.uuid4().hex[:10]
    branch = BranchFactory(code=f"B{unique}")
    source, target = (AccountFactory(branch=branch, product=one, balance=balance) for one, balance in
                      ((low, "1000.00"), (high, None)))  # fmt: skip
    rich, free = account("1000.00"), account()
    refs_forget()
    sides = [(source, free), (rich, target)] * 8
    answers = together(16, lambda n: http_post(server, token, "transfers", body(*sides[n], "100.00"), uuid.uuid4().hex))
    codes = [json.loads(content).get("code") for status, _, content in answers if status != 201]
    assert sorted(codes) == ["balance-above-maximum"] * 3 + ["balance-below-minimum"] * 3
    assert booked(source, free, rich, target) == [500_00] * 4
