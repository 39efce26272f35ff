"""Transfers over HTTP on accounts of a real-time product."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.balances.engine import client, control, ownership
from apps.core.gather import Gathering
from tests.conftest import ApiClient
from tests.core.test_gather import gathering
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.engine import (
    PARTITION,
    activate,
    engine_patient,
    journal_once,
    partition_reset,
    proof,
    running,
    until,
)
from tests.factories.identity import user_make

pytestmark = pytest.mark.usefixtures("engine_on")


@pytest.fixture
def engine_on(committed_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.ENGINE = {**settings.ENGINE, "ENABLED": True}
    partition_reset()
    engine_patient(monkeypatch)
    yield
    partition_reset()


@pytest.fixture
def api(committed_db: None) -> ApiClient:
    user = user_make("payments.transfer", "payments.batch", "accounts.view", email=f"{uuid.uuid4().hex}@example.com")
    return ApiClient(user)


def account(balance: str = "") -> Account:
    product = ProductFactory(engine="realtime")
    return AccountFactory(product=product, balance=balance or None)


def body(source: Account, destination: Account, amount: str = "25.00") -> dict[str, Any]:
    return {
        "source_account": source.number,
        "destination_account": destination.number,
        "amount": {"amount": amount, "currency": "KES"},
    }


def key(**more: str) -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex, **more}


def test_a_transfer_through_the_engine_is_answered_as_any_other(api: ApiClient) -> None:
    one, two = account("100.00"), account()
    headers = key()
    with running():
        first = api.post("transfers", body(one, two), headers=headers)
        assert first.status_code == 201, first.content
        again = api.post("transfers", body(one, two), headers=headers)
        assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
        assert again.json() == first.json()
        assert api.post("transfers", body(one, two, "90.00"), headers=key()).json()["code"] == "insufficient-funds"
        assert api.post("transfers", body(one, two, "1.00"), headers=headers).json()["code"] == "idempotency-key-reused"
        live = api.get(f"accounts/{one.pk}/balance").json()
        strict = api.get(f"accounts/{one.pk}/balance?consistency=strict").json()
        assert live["booked"] == strict["booked"] == {"amount": "75.00", "currency": "KES"}
        assert live["version"] == strict["version"]
        items = [{**body(one, two, "10.00")}, {**body(two, one, "1000.00")}, {**body(two, one, "5.00")}]
        batch = api.post("transfer-batches", {"items": items}, headers=key()).json()
        assert [item["status"] for item in batch["items"]] == ["committed", "rejected", "committed"]
        atomic = api.post("transfer-batches", {"items": items, "mode": "atomic"}, headers=key())
        assert atomic.json()["code"] == "batch-refused"
        proof()


def test_respond_async_is_answered_before_the_books_have_it(api: ApiClient) -> None:
    one, two = account("100.00"), account()
    activate()
    headers = key(Prefer="respond-async")
    accepted = api.post("transfers", body(one, two), headers=headers)
    assert (accepted.status_code, accepted["Preference-Applied"]) == (202, "respond-async")
    shown = accepted.json()
    assert (shown["status"], shown["expected"]) == ("accepted", "committed")
    assert api.get(shown["status_url"]).json()["status"] == "pending"
    balance = api.get(f"accounts/{one.pk}/balance").json()
    assert (balance["booked"]["amount"], balance["pending"]["amount"], balance["is_exact"]) == (
        "75.00",
        "-25.00",
        False,
    )
    assert journal_once() == 1
    done = api.get(shown["status_url"])
    assert (done.status_code, done.json()["status"]) == (200, "committed")
    assert api.get(f"accounts/{one.pk}/balance").json()["is_exact"]
    assert api.post("transfers", body(one, two), headers=headers).status_code == 201
    stranger = ApiClient(user_make("accounts.view", email=f"{uuid.uuid4().hex}@example.com"))
    assert stranger.get(shown["status_url"]).status_code == 404
    assert api.get(shown["status_url"].split("?")[0] + "?receipt=forged").status_code == 404
    proof()


def test_what_was_accepted_and_lost_is_void_for_ever(api: ApiClient) -> None:
    one, two = account("100.00"), account()
    epoch = activate()
    headers = key(Prefer="respond-async")
    shown = api.post("transfers", body(one, two), headers=headers).json()
    client.memory().flushdb()
    control.fence(partition=PARTITION, epoch=epoch, why="lost")
    for _ in range(2):
        gone = api.get(shown["status_url"])
        assert (gone.status_code, gone.json()["status"]) == (202, "void")
    control.to_safe(PARTITION)
    ownership.view(PARTITION, fresh=True)
    again = api.post("transfers", body(one, two), headers=headers)
    assert (again.status_code, again.json()["code"]) == (422, "transaction-void")
    assert api.get(f"accounts/{one.pk}/balance").json()["booked"]["amount"] == "100.00"
    proof()


def test_requests_in_company_are_answered_as_alone(api: ApiClient) -> None:
    one, two, plain = account("100.00"), account(), AccountFactory(balance="100.00")
    machine = ApiClient(user_make("accounts.view", email=f"{uuid.uuid4().hex}@example.com", is_staff=False))
    keys = [uuid.uuid4().hex for _ in range(8)]

    def handle(request: tuple[str, str]) -> tuple[int, str]:
        key_, kind = request
        if kind == "balance":
            return machine.get(f"accounts/{one.pk}/balance").status_code, ""
        source = plain if kind == "plain" else one
        preferred = {"Prefer": "respond-async"} if kind == "async" else {}
        answer = api.post("transfers", body(source, two, "20.00"), headers={"Idempotency-Key": key_, **preferred})
        return answer.status_code, answer.json().get("code") or ""

    with running():
        assert api.post("transfers", body(two, one, "1.00"), headers=key()).status_code == 422  # both are known now
        requests = [(key_, "transfer") for key_ in keys]
        with gathering(handle) as ask:
            found = ask(*requests, ("any", "balance"), (uuid.uuid4().hex, "async"), (uuid.uuid4().hex, "plain"))
            again = ask(*requests)
        assert found[requests[0]] in {(201, ""), (422, "insufficient-funds")}
        answers = [found[request] for request in requests]
        assert answers.count((201, "")) + answers.count((422, "insufficient-funds")) == 8
        assert {request: found[request] for request in requests} == again
        statuses = [answer[0] for request, answer in found.items() if request[1] in {"transfer", "async"}]
        assert statuses.count(201) + statuses.count(202) >= 5
        assert found["any", "balance"] == (200, "")
        assert [answer for request, answer in found.items() if request[1] == "plain"] == [Gathering.ALONE]
        until(lambda: api.get(f"accounts/{one.pk}/balance?consistency=strict").json()["booked"]["amount"] == "0.00")
        assert api.get(f"accounts/{plain.pk}/balance").json()["booked"]["amount"] == "100.00"
    proof()
