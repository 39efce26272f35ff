"""Cheques: held while in clearing, cleared or returned; leaves paid once or stopped; terminals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Account
from apps.accounts.services import account_close, account_status_set
from apps.approvals.services import policy_activate, policy_draft
from apps.balances.selectors import balance_read, books_verify
from apps.balances.services import hold_expire_due
from apps.core import clock
from apps.jobs.registry import CloseContext, steps_all
from apps.ledger.selectors import business_date_current
from apps.payments.models import ChequeDeposit
from apps.payments.services import _cheque_books
from apps.payments.services._common import decided_before
from apps.vault.services import rotation_start
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, user_make
from tests.payments.conftest import booked, key_headers
from tests.payments.tills import Counter, kes

CLERK = (
    "accounts.view", "payments.deposit", "payments.withdraw", "payments.cheques", "payments.return_cheques",
    "payments.stop_cheques", "payments.authorise", "payments.manage_terminals",
)  # fmt: skip


@pytest.fixture
def clerk(db: None) -> ApiClient:
    for code in ("1220", "1230", "1260", "4250"):
        gl_account_ready(code)
    return ApiClient(user_make(*CLERK, branch=BranchFactory())).step_up()


@pytest.fixture
def account(clerk: ApiClient) -> Account:
    return AccountFactory()


def pay_in(clerk: ApiClient, account: Account, *, number: str = "000017", key: str | None = None) -> Any:
    body = {
        "account": account.number, "amount": kes("5000.00"), "drawer_bank": "KCBLKENX", "drawer_account": "1100220033",
        "number": number, "drawer_name": "Duka Moja Ltd",
    }  # fmt: skip
    return clerk.post("cheque-deposits", body, headers=key_headers(key))


def state(account: Account) -> tuple[int, int]:
    found = balance_read(account_id=account.ledger_account_id)
    return found.booked, found.available


def close(day: dt.date) -> Any:
    step = next(step for step in steps_all() if step.name == "payments.cheques_clear")
    return step.run(CloseContext(day, clock.now()), "")


def test_the_drawers_account_is_encrypted_and_known_again_under_new_keys(clerk: ApiClient, account: Account) -> None:
    made = pay_in(clerk, account).json()
    assert made["drawer_account"] == "\u2022\u2022\u2022\u20220033"
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM payments_chequedeposit c WHERE id = %s", [made["id"]])
        assert "1100220033" not in cursor.fetchone()[0]
    assert ChequeDeposit.objects.get(pk=made["id"]).drawer_account == "1100220033"
    rotation_start(acting_user=None, reason="due", at=clock.now())
    assert pay_in(clerk, account).json()["code"] == "cheque-known"


def test_a_cheque_is_held_until_it_has_cleared(clerk: ApiClient, account: Account, api_with: Any) -> None:
    made = pay_in(clerk, account, key="k")
    assert (made.status_code, made.json()["status"]) == (201, "clearing")
    assert state(account) == (5000_00, 0)
    again = pay_in(clerk, account, key="k")
    assert (again.json(), again["Idempotency-Replayed"]) == (made.json(), "true")
    assert pay_in(clerk, account).json()["code"] == "cheque-known"
    clears_on = dt.date.fromisoformat(made.json()["clears_on"])
    assert close(clears_on - dt.timedelta(days=1)) == {"cleared": 0}
    assert close(clears_on) == {"cleared": 1}
    assert close(clears_on) == {"cleared": 0}
    assert state(account) == (5000_00, 5000_00)
    path = f"cheque-deposits/{made.json()['id']}"
    found = clerk.get(path)
    assert found.json()["status"] == "cleared"
    late = clerk.post(f"{path}/return", {"reason": "Late"}, headers={"If-Match": found["ETag"]})
    assert late.json()["code"] == "cheque-decided"
    not_reversed(api_with, made.json())
    assert books_verify().faults == []


@pytest.mark.parametrize(
    ("funds", "fee", "unpaid", "status"),
    [
        ("1500.00", "1000.00", "0.00", "active"), ("10.00", "0.00", "1000.00", "active"),
        ("1500.00", "0.00", "1000.00", "frozen"), ("1500.00", "0.00", "1000.00", "debit_blocked"),
    ],
)  # fmt: skip
def test_a_returned_cheque_takes_the_deposit_back(
    clerk: ApiClient, account: Account, funds: str, fee: str, unpaid: str, status: str
) -> None:
    cash_move(account, funds)
    before = booked(account)
    made = pay_in(clerk, account)
    if status != "active":
        account_status_set(acting_user=None, account_id=account.pk, expected_version=1, status=status, reason="Fraud")
    path = f"cheque-deposits/{made.json()['id']}"
    assert clerk.post(f"{path}/return", {"reason": "No funds"}, headers={"If-Match": '"9"'}).status_code == 412
    back = clerk.post(f"{path}/return", {"reason": "No funds"}, headers={"If-Match": made["ETag"]}).json()
    assert (back["status"], back["fee"], back["fee_unpaid"]) == ("returned", kes(fee), kes(unpaid))
    assert state(account) == (before - int(fee.replace(".", "")),) * 2
    assert clerk.get(f"transactions/{back['settlement_id']}").json()["reverses"] == back["transaction_id"]
    if status != "active":
        with pytest.raises(AssertionError, match="FROZEN"):
            cash_move(account, "-1.00")
        account_status_set(acting_user=None, account_id=account.pk, expected_version=2, status="active", reason="Over")
    assert pay_in(clerk, account).status_code == 201, "what came back may be presented again"
    assert close(business_date_current() + dt.timedelta(days=30)) == {"cleared": 1}
    assert ChequeDeposit.objects.filter(status="clearing").count() == 0


def not_reversed(api_with: Any, cheque: dict[str, Any]) -> None:
    boss, paid = api_with("accounts.view", "ledger.view", "ledger.post", "payments.reverse"), cheque["transaction_id"]
    for path, body, code in (
        (f"transactions/{paid}/reversal", {"reason": "Wrong"}, "payment-not-reversible"),
        (f"ledger/journal-entries/{paid}/reversal", {"description": "Wrong"}, "not-reversible"),
    ):
        assert boss.post(path, body, headers=key_headers(None)).json()["code"] == code


def test_a_cheque_in_clearing_is_returned_not_reversed(clerk: ApiClient, account: Account, api_with: Any) -> None:
    cash_move(account, "9000.00")
    made = pay_in(clerk, account)
    not_reversed(api_with, made.json())
    teller = api_with("accounts.view", "payments.hold")
    hold = teller.get(f"holds?account={account.number}").json()["data"][0]
    for path, body in (("capture", {"channel": "card"}), ("release", None)):
        kept = teller.post(f"holds/{hold['id']}/{path}", body, headers={"If-Match": '"1"', **key_headers(None)})
        assert (kept.status_code, kept.json()["code"]) == (409, "conflict"), "nobody is paid before it has cleared"
    back = clerk.post(
        f"cheque-deposits/{made.json()['id']}/return", {"reason": "No funds"}, headers={"If-Match": made["ETag"]}
    )
    assert (back.status_code, back.json()["status"]) == (200, "returned")


def test_a_leaf_is_paid_once_or_stopped(clerk: ApiClient, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    cash_move(account, "900.00")
    book = clerk.post("cheque-books", {"account": account.number, "leaves": 5}).json()
    assert (book["first_number"], book["last_number"]) == (1, 5)
    assert clerk.post("cheque-books", {"account": account.number, "leaves": 3}).json()["first_number"] == 6

    def pay(number: int, amount: str = "300.00", key: str | None = None) -> Any:
        body = {"account": account.number, "number": number, "amount": kes(amount), "payee": "Jane"}
        return clerk.post("cheque-payments", body, headers=key_headers(key))

    paid = pay(2, key="k")
    assert (paid.status_code, paid.json()["reference"], paid.json()["counterparty"]) == (201, "000002", "Jane")
    assert pay(2, key="k").json() == paid.json()
    with monkeypatch.context() as patched:  # the same at one moment: the look before the lock finds nothing
        looks = iter((False, True))
        patched.setattr(_cheque_books, "decided_before", lambda asked: decided_before(asked) if next(looks) else None)
        assert pay(2, key="k").json() == paid.json()
    assert pay(2).json()["code"] == "cheque-not-payable"
    assert pay(99).json()["code"] == "cheque-not-payable"
    assert pay(3, "601.00").json()["code"] == "insufficient-funds"
    stop = {"account": account.number, "first_number": 3, "last_number": 4, "reason": "Lost"}
    assert [leaf["status"] for leaf in clerk.post("cheque-stops", stop).json()["leaves"]] == ["stopped"] * 2
    assert pay(3).json()["code"] == "cheque-not-payable"
    assert clerk.post("cheque-stops", {**stop, "first_number": 2}).json()["code"] == "cheque-not-payable"
    assert clerk.post("cheque-stops", {**stop, "first_number": 8, "last_number": 9}).status_code == 422
    leaves = clerk.get(f"cheque-leaves?account={account.number}").json()["data"]
    assert [leaf["status"] for leaf in leaves[:5]] == ["unused", "paid", "stopped", "stopped", "unused"]
    assert booked(account) == 600_00
    account_close(
        acting_user=None, account_id=account.pk, expected_version=1, reason="Moves", closed_on=business_date_current(),
        at=clock.now(), payout_to=AccountFactory().pk,
    )  # fmt: skip
    assert clerk.post("cheque-books", {"account": account.number, "leaves": 5}).json()["code"] == "account-closed"


def test_a_cheque_is_cashed_at_the_till(clerk: ApiClient) -> None:
    counter = Counter()
    counter.open()
    counter.cash("deposits", "800.00")
    clerk.post("cheque-books", {"account": counter.account.number, "leaves": 2})
    body = {
        "account": counter.account.number, "number": 1, "amount": kes("500.00"), "payee": "Jane",
        "till_session_id": counter.session["id"],
    }  # fmt: skip
    paid = counter.teller.post("cheque-payments", body, headers=key_headers())
    assert paid.status_code == 201, paid.content
    assert counter.report()["closing"] == kes("300.00")
    more = counter.teller.post("cheque-payments", {**body, "number": 2}, headers=key_headers())
    assert more.json()["code"] == "cash-not-there"
    level = {"name": "Somebody", "stage": 1, "who": {"position": "branch"}}
    bands = [{"from": "0", "to": "100.00", "levels": []}, {"from": "100.00", "to": None, "levels": [level]}]
    policy = policy_draft(
        acting_user=None, kind="payments.cash", name="Cash", effective_from=dt.date(2020, 1, 1),
        document={"segments": [{"name": "All", "when": {}, "bands": bands}]},
    )  # fmt: skip
    policy_activate(acting_user=None, policy_id=policy.pk, at=clock.now())
    body = {**body, "number": 2, "amount": kes("100.00")}
    assert counter.teller.post("cheque-payments", body, headers=key_headers()).json()["code"] == "approval-required"
    body = {**body, "amount": kes("99.00")}
    assert counter.teller.post("cheque-payments", body, headers=key_headers()).status_code == 201


def test_a_terminal_authorises_captures_and_releases(clerk: ApiClient, account: Account) -> None:
    cash_move(account, "1000.00")
    terminal = {
        "code": "ATM-001", "name": "Moi Avenue", "channel": "atm", "currency": "KES", "amount_max": kes("600.00"),
        "hold_minutes": 30,
    }  # fmt: skip
    assert clerk.post("terminals", terminal).status_code == 201
    assert clerk.post("terminals", terminal).json()["code"] == "terminal-code-taken"

    def ask(amount: str, reference: str, key: str | None = None) -> Any:
        body = {"terminal": "ATM-001", "account": account.number, "amount": kes(amount), "reference": reference}
        return clerk.post("authorisations", body, headers=key_headers(key))

    first = ask("400.00", "R1", "k")
    assert (first.status_code, first.json()["status"], state(account)) == (201, "active", (1000_00, 600_00))
    assert ask("400.00", "R1", "k")["Idempotency-Replayed"] == "true"
    assert ask("500.00", "R1", "k").json()["code"] == "idempotency-key-reused"
    assert ask("1.00", "R1").json()["code"] == "terminal-not-usable"
    assert ask("600.01", "R2").json()["code"] == "terminal-not-usable"
    assert state(account) == (1000_00, 600_00)
    path = f"authorisations/{first.json()['id']}"
    taken = clerk.post(f"{path}/capture", {"amount": kes("380.00")}, headers=key_headers("c"))
    assert (taken.json()["status"], taken.json()["captured"]) == ("captured", kes("380.00"))
    assert state(account) == (620_00, 620_00)
    assert clerk.post(f"{path}/capture", {"amount": kes("380.00")}, headers=key_headers("c")).json() == taken.json()
    assert clerk.post(f"{path}/release").json()["code"] == "hold-not-active"
    second = ask("100.00", "R3").json()
    assert clerk.post(f"authorisations/{second['id']}/release").json()["status"] == "released"
    third = ask("100.00", "R4").json()
    assert hold_expire_due(at=clock.now() + dt.timedelta(minutes=31)) == 1
    assert clerk.get(f"authorisations/{third['id']}").json()["status"] == "expired"
    assert [row["id"] for row in clerk.get("authorisations?status=expired").json()["data"]] == [third["id"]]
    assert state(account) == (620_00, 620_00)


def test_what_is_out_of_reach_is_not_there(clerk: ApiClient, account: Account, api_with: Any) -> None:
    made = pay_in(clerk, account).json()
    stranger = api_with(*CLERK, scope="branch", branch=BranchFactory())
    for path in ("cheque-deposits", "cheque-books", "cheque-leaves", "authorisations"):
        assert stranger.get(path).json()["data"] == []
    assert stranger.get(f"cheque-deposits/{made['id']}").status_code == 404
    assert pay_in(stranger, account, number="2").json()["code"] == "payment-account-not-found"
