"""Transfers over HTTP."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from apps.accounts.models import Account
from apps.accounts.services import account_status_set
from apps.balances.services import in_database
from apps.core.idempotency import transaction_id_for
from apps.ledger.selectors import business_date_current
from apps.payments.selectors import refs_forget
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.identity import BranchFactory, user_make
from tests.factories.members import MemberFactory
from tests.payments.conftest import booked, key_headers

Send = Callable[..., Any]


def test_transfer_moves_money_and_answers_201_with_location(
    transfer: Send, teller: ApiClient, alice: Account, bob: Account
) -> None:
    response = transfer(
        amount="12.50", key="first", description="Rent", reference="INV-7", client_timestamp="2026-11-21T08:30:00+03:00"
    )
    assert response.status_code == 201, response.content
    body = response.json()
    assert body["id"] == str(transaction_id_for(teller.user.pk, "first"))
    assert body == {
        "id": body["id"],
        "kind": "transfer",
        "status": "committed",
        "code": None,
        "amount": {"amount": "12.50", "currency": "KES"},
        "source_account": {"id": str(alice.pk), "number": alice.number},
        "destination_account": {"id": str(bob.pk), "number": bob.number},
        "channel": "api",
        "description": "Rent",
        "counterparty": "",
        "reference": "INV-7",
        "client_timestamp": "2026-11-21T05:30:00Z",
        "business_date": str(business_date_current()),
        "value_date": str(business_date_current()),
        "booked_at": body["booked_at"],
        "reverses": None,
    }
    assert response["Location"] == f"/api/v1/transfers/{body['id']}"
    assert response["Cache-Control"] == "no-store"
    assert "X-Request-ID" in response
    assert (booked(alice), booked(bob)) == (98750, 1250)
    assert teller.get(f"transfers/{body['id']}").json() == body


def test_same_key_same_body_gives_the_first_answer_again(transfer: Send, alice: Account) -> None:
    first = transfer(key="once", description="Größe")
    second = transfer(key="once", description="Größe")
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert booked(alice) == 99000


def test_the_same_body_in_another_spelling_is_the_same_request(
    transfer: Send, teller: ApiClient, alice: Account, bob: Account
) -> None:
    first = transfer(key="spelt", description="café")
    spelt = (
        f'{{ "description": "caf\\u00e9", "amount": {{"currency":"KES", "amount":"10.00"}},\n'
        f'"destination_account":"{bob.number}","source_account" : "{alice.number}" }}'
    )
    again = teller.post("transfers", spelt, headers=key_headers("spelt"))
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"


def test_same_key_other_body_is_refused_and_does_nothing(transfer: Send, alice: Account) -> None:
    transfer(key="reused")
    other = transfer(key="reused", amount="10.01")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert booked(alice) == 99000


def test_a_refusal_is_kept_under_its_key_for_ever(
    transfer: Send, teller: ApiClient, alice: Account, bob: Account
) -> None:
    first = transfer(amount="1000.01", key="too-much")
    assert (first.status_code, first.json()["code"]) == (422, "insufficient-funds")
    transaction_id = first.json()["transaction_id"]
    assert first["Content-Type"] == "application/problem+json"
    back = teller.post(
        "deposits",
        {"account": alice.number, "amount": {"amount": "500.00", "currency": "KES"}, "channel": "online"},
        headers=key_headers(),
    )
    assert back.status_code == 201, back.content
    again = transfer(amount="1000.01", key="too-much")
    assert (again.status_code, again.json()["code"]) == (422, "insufficient-funds")
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["transaction_id"] == transaction_id
    assert booked(bob) == 0
    shown = teller.get(f"transfers/{transaction_id}").json()
    assert (shown["status"], shown["code"], shown["amount"]) == ("rejected", "insufficient-funds", None)


def test_a_request_refused_by_a_rule_may_be_sent_again_under_its_key(transfer: Send, alice: Account) -> None:
    assert transfer(key="again", destination_account="9999999999").status_code == 404
    assert transfer(key="again").status_code == 201


def test_first_answer_survives_a_lower_limit(teller: ApiClient, bob: Account) -> None:
    product = ProductFactory(transaction_limit=50_00)
    carol = AccountFactory(product=product, balance="100.00")

    def send(amount: str, key: str) -> Any:
        return teller.post(
            "transfers",
            {
                "source_account": carol.number,
                "destination_account": bob.number,
                "amount": {"amount": amount, "currency": "KES"},
            },
            headers=key_headers(key),
        )

    first = send("50.00", "limit")
    assert first.status_code == 201
    over = send("50.01", "over")
    assert (over.status_code, over.json()["code"]) == (422, "transaction-limit-exceeded")
    type(product).objects.filter(pk=product.pk).update(transaction_limit=10_00)
    refs_forget()
    again = send("50.00", "limit")
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    reused = send("49.00", "limit")
    assert reused.json()["code"] == "idempotency-key-reused"


def test_accounts_are_named_by_number_or_id(transfer: Send, alice: Account, bob: Account) -> None:
    response = transfer(source_account=str(alice.pk), destination_account=str(bob.pk).upper())
    assert response.status_code == 201
    assert response.json()["destination_account"]["number"] == bob.number


@pytest.mark.parametrize(
    ("side", "pointer"), [("source_account", "/source_account"), ("destination_account", "/destination_account")]
)
@pytest.mark.parametrize("name", ["123456", "0b1c2d3e-4f50-4617-8829-3a4b5c6d7e8f"])
def test_unknown_account_is_404(transfer: Send, side: str, pointer: str, name: str) -> None:
    response = transfer(**{side: name})
    assert (response.status_code, response.json()["code"]) == (404, "payment-account-not-found")
    assert response.json()["errors"][0]["pointer"] == pointer


def test_same_account_is_refused(transfer: Send, alice: Account) -> None:
    response = transfer(destination_account=str(alice.pk))
    assert (response.status_code, response.json()["code"]) == (422, "same-account")


def test_currencies_must_agree(transfer: Send, teller: ApiClient, alice: Account, bob: Account) -> None:
    assert transfer(currency="USD").json()["code"] == "currency-mismatch"
    dollars = AccountFactory(currency="USD")
    response = transfer(destination_account=dollars.number)
    assert (response.status_code, response.json()["code"]) == (422, "currency-mismatch")
    assert booked(alice) == 100000


@pytest.mark.parametrize(
    ("status", "side", "code"),
    [
        ("frozen", "source", "account-blocked"),
        ("frozen", "destination", "account-blocked"),
        ("debit_blocked", "source", "account-blocked"),
        ("credit_blocked", "destination", "account-blocked"),
        ("debit_blocked", "destination", None),
        ("credit_blocked", "source", None),
    ],
)
def test_blocked_accounts_refuse_their_direction(
    transfer: Send, alice: Account, bob: Account, status: str, side: str, code: str | None
) -> None:
    account = alice if side == "source" else bob
    account_status_set(
        acting_user=None, account_id=account.pk, expected_version=account.version, status=status, reason="court order"
    )
    response = transfer()
    if code is None:
        assert response.status_code == 201
    else:
        assert (response.status_code, response.json()["code"]) == (422, code)
        assert booked(alice) == 100000


def test_held_money_cannot_be_transferred(transfer: Send, alice: Account) -> None:
    with in_database([alice.ledger_account_id], actor_id=None) as book:
        book.change(alice.ledger_account_id, held_delta=99_001)
    assert transfer(amount="10.00").json()["code"] == "insufficient-funds"
    assert transfer(amount="9.99").status_code == 201


def test_overdraft_only_as_far_as_agreed(teller: ApiClient, bob: Account) -> None:
    carol = AccountFactory(overdraft_limit=100_00)

    def send(amount: str) -> int:
        body = {
            "source_account": carol.number,
            "destination_account": bob.number,
            "amount": {"amount": amount, "currency": "KES"},
        }
        return int(teller.post("transfers", body, headers=key_headers()).status_code)

    assert [send("100.00"), send("0.01")] == [201, 422]
    assert booked(carol) == -10000


# Who may act on what


def test_own_scope_pays_from_own_accounts_only(chart: None, alice: Account, bob: Account) -> None:
    role = {"scope": "own", "is_staff": False}
    owner, joint, other = (user_make("payments.transfer", "accounts.view", **role) for _ in range(3))
    mine = AccountFactory(member=MemberFactory(user=owner), joint=[MemberFactory(user=joint)], balance="100.00")

    def send(user: Any, source: Account) -> Any:
        body = {
            "source_account": source.number,
            "destination_account": bob.number,
            "amount": {"amount": "1.00", "currency": "KES"},
        }
        return ApiClient(user).post("transfers", body, headers=key_headers())

    sent = send(owner, mine)
    assert sent.status_code == 201
    assert send(joint, mine).status_code == 201
    assert send(other, mine).status_code == 404
    assert send(owner, alice).status_code == 404
    assert booked(alice) == 100000
    assert ApiClient(joint).get(f"transfers/{sent.json()['id']}").status_code == 200
    assert ApiClient(other).get(f"transfers/{sent.json()['id']}").status_code == 404
    assert ApiClient(owner).get(f"transfers/{uuid.uuid4()}").status_code == 404


def test_branch_scope_pays_from_accounts_of_the_branch_only(chart: None, bob: Account) -> None:
    here, there = BranchFactory(), BranchFactory()
    clerk = ApiClient(user_make("payments.transfer", "accounts.view", scope="branch", branch=here))
    nobody = ApiClient(user_make("payments.transfer", scope="branch"))
    local, foreign = AccountFactory(branch=here, balance="5.00"), AccountFactory(branch=there, balance="5.00")

    def send(client: ApiClient, source: Account) -> int:
        body = {
            "source_account": source.number,
            "destination_account": bob.number,
            "amount": {"amount": "1.00", "currency": "KES"},
        }
        return int(client.post("transfers", body, headers=key_headers()).status_code)

    assert send(clerk, local) == 201
    assert send(clerk, foreign) == 404
    assert send(nobody, local) == 404


def test_without_permission_403_and_without_token_401(
    chart: None, transfer: Send, alice: Account, bob: Account
) -> None:
    body = {
        "source_account": alice.number,
        "destination_account": bob.number,
        "amount": {"amount": "1.00", "currency": "KES"},
    }
    denied = ApiClient(user_make("accounts.view")).post("transfers", body, headers=key_headers())
    assert (denied.status_code, denied.json()["code"]) == (403, "permission-denied")
    nobody = ApiClient().post("transfers", body, headers=key_headers())
    assert (nobody.status_code, nobody.json()["code"]) == (401, "not-authenticated")
    assert nobody["WWW-Authenticate"].startswith("Bearer")
    forged = ApiClient().post("transfers", body, headers=key_headers(Authorization="Bearer x.y.z"))
    assert (forged.status_code, forged.json()["code"]) == (401, "invalid-token")


# Bad input


def test_idempotency_key_is_required_and_checked(transfer: Send, teller: ApiClient) -> None:
    assert teller.post("transfers", {}).json()["code"] == "idempotency-key-missing"
    for key in ("a b", "ключ", "x" * 256):
        response = teller.post("transfers", {}, headers={"Idempotency-Key": key})
        assert (response.status_code, response.json()["code"]) == (400, "idempotency-key-invalid"), key


@pytest.mark.parametrize(
    "amount",
    [
        "-1", "0", "-0", "0.00", "+1", "NaN", "Infinity", "-Infinity", "1e3", "1e400", "0.001", "1" + "0" * 30, "1,00",
        "١٢", "１２", " 1", "1 ", "1.", ".5", "", "0x10", "1_000", "12.345", "99999999999999", "1\n", "NULL",
        "100000000000.01",
    ],
)  # fmt: skip
def test_odd_amounts_are_refused_with_400(transfer: Send, alice: Account, amount: str) -> None:
    response = transfer(amount=amount)
    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["pointer"] == "/amount/amount"
    assert booked(alice) == 100000


@pytest.mark.parametrize(
    "money",
    [
        "12.50", 12.5, 12, True, None, [], {}, {"amount": "1.00"}, {"currency": "KES"},
        {"amount": 1, "currency": "KES"}, {"amount": 1.0, "currency": "KES"}, {"amount": True, "currency": "KES"},
        {"amount": None, "currency": "KES"}, {"amount": [], "currency": "KES"},
        {"amount": "1.00", "currency": "kes"},
        {"amount": "1.00", "currency": "XXX"}, {"amount": "1.00", "currency": "XAU"},
        {"amount": "1.00", "currency": None},
        {"amount": "1.00", "currency": "KES", "scale": 2}, {"amount": {"amount": "1"}, "currency": "KES"},
    ],
)  # fmt: skip
def test_odd_money_is_refused_with_400(teller: ApiClient, alice: Account, bob: Account, money: Any) -> None:
    body = {"source_account": alice.number, "destination_account": bob.number, "amount": money}
    response = teller.post("transfers", body, headers=key_headers())
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert booked(alice) == 100000


@pytest.mark.parametrize(("currency", "good", "bad"), [("JPY", "5", "5.0"), ("BHD", "1.234", "1.2345")])
def test_decimals_follow_the_currency(teller: ApiClient, currency: str, good: str, bad: str) -> None:
    source, target = AccountFactory(currency=currency, balance=good), AccountFactory(currency=currency)

    def send(amount: str) -> Any:
        body = {
            "source_account": source.number,
            "destination_account": target.number,
            "amount": {"amount": amount, "currency": currency},
        }
        return teller.post("transfers", body, headers=key_headers())

    assert send(bad).status_code == 400
    sent = send(good)
    assert (sent.status_code, sent.json()["amount"]["amount"]) == (201, good)


@pytest.mark.parametrize(
    "field", ["status", "balance", "is_staff", "approved_by", "id", "kind", "actor", "business_date", "fee"]
)
def test_unknown_fields_are_refused(transfer: Send, alice: Account, field: str) -> None:
    response = transfer(**{field: "1"})
    assert response.status_code == 400
    assert response.json()["errors"][0] == {"pointer": f"/{field}", "code": "unknown-field", "detail": "Unknown field."}
    assert booked(alice) == 100000


BODY = '{"source_account":"%s","destination_account":"%s","amount":{"amount":"1","currency":"KES"}%s}'


@pytest.mark.parametrize(
    "more",
    [
        ',"amount":{"amount":"9","currency":"KES"}',
        ',"source_account":"x"',
        ',"description":"a","description":"a:b"',
        ',"description":"a","description":"\\u003a"',
        ',"description":"\\u0000"',
        ',"description":"\\ud800"',
        ',"description":"\u202ekaput"',
        ',"description":"\u200b"',
        ',"description":null',
        ',"description":1',
        ',"description":NaN',
        ',"description":"' + "x" * 201 + '"',
        ',"x":' + "[" * 40 + "]" * 40,
        ',"value_date":"2026-02-30"',
        ',"value_date":"0000-01-01"',
        ',"value_date":"9999-12-31"',
        ',"value_date":"2026-1-1"',
        ',"value_date":20260101',
        ',"client_timestamp":"2026-11-21T08:30:00"',
        ',"client_timestamp":"2026-11-21"',
        ",",
        "}",
        ',"description":"raw\ttab"',
    ],
)
def test_malformed_bodies_are_refused_with_400(teller: ApiClient, alice: Account, bob: Account, more: str) -> None:
    raw = BODY % (alice.number, bob.number, more)
    response = teller.post("transfers", raw.encode("utf-8", "surrogatepass"), headers=key_headers())
    assert response.status_code == 400, response.content
    assert booked(alice) == 100000


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"\xff\xfe", b'{"a":"\xff"}', b"{", b"\x00", b'"x"', b"[" * 100_000]
)
def test_what_is_no_object_is_refused_with_400(teller: ApiClient, raw: bytes) -> None:
    response = teller.post("transfers", raw, headers=key_headers(), content_type="application/json")
    assert response.status_code in (400, 415), response.content
    assert response["Content-Type"] == "application/problem+json"


def test_media_type_size_query_and_method_are_strict(teller: ApiClient, transfer: Send) -> None:
    headers = key_headers()
    assert (
        teller.post("transfers", "a=1", content_type="application/x-www-form-urlencoded", headers=headers).status_code
        == 415
    )
    assert (
        teller.post("transfers", "{}", content_type="application/json; charset=utf-16", headers=headers).status_code
        == 415
    )
    assert teller.post("transfers", " " * 2**20 + "{}", headers=headers).status_code == 413
    assert teller.post("transfers?limit=1", {}, headers=headers).json()["code"] == "unknown-parameter"
    wrong = teller.put("transfers", {}, headers=headers)
    assert (wrong.status_code, wrong["Allow"]) == (405, "POST")
    zipped = teller.post("transfers", {}, headers={**headers, "Content-Encoding": "gzip"})
    assert zipped.status_code == 415


def test_every_fault_is_named(teller: ApiClient) -> None:
    body = {"source_account": 1, "amount": {"amount": "1.001", "currency": "KES"}, "x": 1}
    response = teller.post("transfers", body, headers=key_headers())
    pointers = {fault["pointer"] for fault in response.json()["errors"]}
    assert pointers == {"/source_account", "/destination_account", "/amount/amount", "/x"}


# Dates


def test_value_date_within_the_banks_window(transfer: Send) -> None:
    today = business_date_current()
    back = dt.timedelta(days=settings.NUMINA["BACK_VALUE_DAYS"])
    assert transfer(value_date=str(today - back)).json()["value_date"] == str(today - back)
    for day in (today - back - dt.timedelta(days=1), today + dt.timedelta(days=1)):
        response = transfer(value_date=str(day))
        assert (response.status_code, response.json()["code"]) == (422, "value-date-not-allowed")


# The journal is the audit


def test_the_journal_row_says_who_asked_and_when(transfer: Send, teller: ApiClient) -> None:
    from apps.ledger.models import JournalEntry

    response = transfer(client_timestamp="2026-11-21T08:30:00Z")
    entry = JournalEntry.objects.get(transaction_id=response.json()["id"])
    assert entry.actor == teller.user.pk
    assert entry.correlation_id == response["X-Request-ID"]
    assert entry.client_timestamp == dt.datetime(2026, 11, 21, 8, 30, tzinfo=dt.UTC)


def test_json_of_the_answer_is_compact(transfer: Send) -> None:
    response = transfer()
    assert response.content == json.dumps(response.json(), separators=(",", ":"), ensure_ascii=False).encode()
