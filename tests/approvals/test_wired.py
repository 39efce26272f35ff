"""What the API of payments, accounts and the books answers where a policy asks for approval: 202, and then once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.approvals.models import ApprovalRequest
from apps.balances.selectors import balance_read
from tests.approvals.support import Bank
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make
from tests.factories.members import MemberFactory

KINDS = {
    "payments.transfer": "payments.transfer",
    "payments.reversal": "payments.reverse",
    "accounts.close": "accounts.close",
    "accounts.freeze": "accounts.freeze",
    "ledger.manual_entry": "ledger.post",
}


class Scene:
    """Two accounts with money, a maker who may do everything here, and one who decides."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        for code in ("1120", "2110", "5510", "1220"):
            gl_account_ready(code)
        product = ProductFactory(is_active=True)
        self.member = MemberFactory(branch=bank.branch)
        self.source = AccountFactory(member=self.member, product=product, branch=bank.branch)
        self.target = AccountFactory(member=MemberFactory(branch=bank.branch), product=product, branch=bank.branch)
        cash_move(self.source, "1000.00")
        maker = user_make(
            "accounts.view", "approvals.request", "ledger.view", *KINDS.values(), branch=bank.head, scope="all"
        )
        self.maker = ApiClient(maker)
        self.checker = ApiClient(bank.finance)
        bank.roles["finance"].permissions = ["approvals.decide", "approvals.request", "approvals.view"]
        bank.roles["finance"].save()

    def transfer(self, amount: str, key: str) -> Any:
        body = {
            "source_account": self.source.number, "destination_account": self.target.number,
            "amount": {"amount": amount, "currency": "KES"},
        }  # fmt: skip
        return self.maker.post("transfers", body, headers={"Idempotency-Key": key})

    def approve(self, response: Any, verdict: str = "approve") -> Any:
        assert response.status_code == 202, response.content
        location = response["Location"].removeprefix("/api/v1/")
        found = self.checker.get(location)
        assert found.status_code == 200, found.content
        body = {"verdict": verdict, "comment": "Seen"}
        return self.checker.post(f"{location}/decision", body, headers={"If-Match": found["ETag"]})


@pytest.fixture
def scene(bank: Bank) -> Scene:
    return Scene(bank)


def above(bank: Bank, kind: str, limit: str) -> None:
    level = bank.level("finance", 1)
    bands = [{"from": "0", "to": limit, "levels": []}, {"from": limit, "to": None, "levels": [level]}]
    bank.rules({"segments": [{"name": "All", "when": {}, "bands": bands}]}, kind=kind)


def test_a_transfer_above_the_limit_waits_and_moves_money_once(scene: Scene) -> None:
    above(scene.bank, "payments.transfer", "100.00")
    assert scene.transfer("99.99", "small").status_code == 201
    waiting = scene.transfer("100.00", "large")
    assert waiting.status_code == 202
    assert waiting.json()["status"] == "pending"
    assert waiting.json()["amount"] == {"amount": "100.00", "currency": "KES"}
    assert scene.transfer("100.00", "large").json()["id"] == waiting.json()["id"]
    assert scene.transfer("100.01", "large").json()["code"] == "idempotency-key-reused"
    before = balance_read(account_id=scene.target.ledger_account_id).booked
    done = scene.approve(waiting).json()
    assert (done["status"], done["result_url"][:18]) == ("executed", "/api/v1/transfers/")
    assert balance_read(account_id=scene.target.ledger_account_id).booked == before + 100_00
    payment = scene.maker.get(done["result_url"].removeprefix("/api/v1/")).json()
    assert payment["status"] == "committed"
    again = scene.transfer("100.00", "large")  # the maker's own key finds what was done
    assert (again.status_code, again.json()["id"]) == (201, payment["id"])
    assert again["Idempotency-Replayed"] == "true"
    assert balance_read(account_id=scene.target.ledger_account_id).booked == before + 100_00


def test_without_funds_the_approved_transfer_fails_visibly_and_can_be_tried_again(scene: Scene) -> None:
    above(scene.bank, "payments.transfer", "100.00")
    failed = scene.approve(scene.transfer("5000.00", "too-much")).json()
    assert (failed["status"], failed["error_code"]) == ("failed", "insufficient-funds")
    cash_move(scene.source, "9000.00")
    retried = scene.maker.post(
        f"approvals/{failed['id']}/retry", {}, headers={"If-Match": f'"{failed["version"]}"'}
    ).json()
    assert retried["status"] == "executed"


def test_a_batch_does_not_get_around_the_limit(scene: Scene) -> None:
    above(scene.bank, "payments.transfer", "100.00")
    batcher = ApiClient(user_make("payments.batch", branch=scene.bank.head))
    item = {
        "source_account": scene.source.number, "destination_account": scene.target.number,
        "amount": {"amount": "1.00", "currency": "KES"},
    }  # fmt: skip
    body = {"items": [item, {**item, "amount": {"amount": "100.00", "currency": "KES"}}]}
    response = batcher.post("transfer-batches", body, headers={"Idempotency-Key": "b"})
    assert (response.status_code, response.json()["code"]) == (422, "approval-required")
    assert response.json()["errors"][0]["pointer"] == "/items/1/amount"


def test_a_reversal_waits_for_one_approval_only(scene: Scene) -> None:
    payment = scene.transfer("250.00", "paid").json()["id"]
    above(scene.bank, "payments.reversal", "1.00")
    first = scene.maker.post(f"transfers/{payment}/reversal", {"reason": "Wrong"}, headers={"Idempotency-Key": "r1"})
    second = scene.maker.post(f"transfers/{payment}/reversal", {"reason": "Wrong"}, headers={"Idempotency-Key": "r2"})
    assert (second.status_code, second.json()["code"]) == (409, "approval-pending")
    assert scene.approve(first).json()["status"] == "executed"


def test_an_account_is_blocked_once_it_is_approved_and_not_when_it_changed(scene: Scene) -> None:
    above(scene.bank, "accounts.freeze", "0.01")
    scene.bank.policy(scene.bank.level("finance", 1), kind="accounts.freeze")
    path = f"accounts/{scene.target.pk}"
    etag = scene.maker.get(path)["ETag"]
    waiting = scene.maker.post(f"{path}/status", {"status": "frozen", "reason": "Court"}, headers={"If-Match": etag})
    assert scene.maker.get(path).json()["status"] == "active"
    assert scene.approve(waiting).json()["status"] == "executed"
    assert scene.maker.get(path).json()["status"] == "frozen"


def test_an_account_that_changed_is_not_closed(scene: Scene) -> None:
    scene.bank.policy(scene.bank.level("finance", 1), kind="accounts.close")
    path = f"accounts/{scene.target.pk}"
    waiting = scene.maker.post(
        f"{path}/closure", {"reason": "Moves"}, headers={"If-Match": scene.maker.get(path)["ETag"]}
    )
    type(scene.target).objects.filter(pk=scene.target.pk).update(version=9)
    refused = scene.approve(waiting)
    assert (refused.status_code, refused.json()["code"]) == (412, "stale-version")
    assert ApprovalRequest.objects.get(public_id=waiting.json()["id"]).state == "pending"


def test_a_manual_entry_waits(scene: Scene) -> None:
    above(scene.bank, "ledger.manual_entry", "50000.00")
    amount = {"amount": "85000.00", "currency": "KES"}
    line = {"branch": scene.bank.head.code, "amount": amount}
    body = {
        "description": "Rent", "lines": [
            {**line, "account_code": "5510", "side": "debit"}, {**line, "account_code": "1220", "side": "credit"},
        ],
    }  # fmt: skip
    key = {"Idempotency-Key": uuid.uuid4().hex}
    waiting = scene.maker.post("ledger/journal-entries", body, headers=key)
    done = scene.approve(waiting).json()
    assert done["status"] == "executed"
    assert scene.maker.get(done["result_url"].removeprefix("/api/v1/")).json()["kind"] == "manual"
    posted = scene.maker.post("ledger/journal-entries", body, headers=key)
    assert posted.status_code == 201
    back = f"ledger/journal-entries/{posted.json()['id']}/reversal"
    refused = scene.maker.post(back, {"description": "Wrong"}, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert (refused.status_code, refused.json()["code"]) == (422, "approval-required")


def test_those_whose_own_accounts_it_is_do_not_decide(scene: Scene) -> None:
    above(scene.bank, "payments.transfer", "100.00")
    scene.member.user = scene.bank.finance
    scene.member.save()
    refused = scene.approve(scene.transfer("100.00", "own"))
    assert (refused.status_code, refused.json()["code"]) == (403, "conflict-of-interest")
