"""Who holds an account and signs for it changes once it is approved, where a policy asks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Account, AccountHolder, MandateRule
from apps.ledger.selectors import business_date_current
from tests.accounts.test_account_pages import CODES, act
from tests.approvals.support import Bank
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.members import MemberFactory

KIND = "accounts.authority"


class Desk:
    """A maker, an account of a member with a partner, and one who decides."""

    def __init__(self, bank: Bank) -> None:
        codes = ("accounts.view", "accounts.update", "approvals.request", "members.view")
        self.maker = ApiClient(user_make(*codes, branch=bank.head, scope="all"))
        self.checker = ApiClient(bank.finance)
        bank.roles["finance"].permissions = ["approvals.decide", "approvals.request", "approvals.view"]
        bank.roles["finance"].save()
        self.account = AccountFactory(member=MemberFactory(branch=bank.branch), branch=bank.branch)
        self.partner = MemberFactory(branch=bank.branch)
        self.path = f"accounts/{self.account.pk}"

    def seen(self) -> dict[str, str]:
        return {"If-Match": f'"{Account.objects.get(pk=self.account.pk).version}"'}

    def add(self, **more: Any) -> Any:
        body = {"member_id": str(self.partner.pk), "role": "signatory", **more}
        return self.maker.post(f"{self.path}/holders", body, headers=self.seen())

    def decide(self, response: Any, verdict: str = "approve", client: ApiClient | None = None) -> Any:
        assert response.status_code == 202, response.content
        at, client = f"approvals/{response.json()['id']}", client or self.checker
        found = self.checker.get(at)
        body = {"verdict": verdict, "comment": "Seen"}
        return client.post(f"{at}/decision", body, headers={"If-Match": found["ETag"]}).json() | {
            row["label"]: (row["before"], row["after"]) for row in found.json()["changes"]
        }


@pytest.fixture
def desk(bank: Bank) -> Desk:
    bank.policy(bank.level("finance", 1), kind=KIND)
    return Desk(bank)


def test_holders_and_the_mandate_wait_are_shown_and_change_once_approved(desk: Desk) -> None:
    who, today = f"{desk.partner.display_name} ({desk.partner.number})", business_date_current()
    waiting = desk.add()
    assert not AccountHolder.objects.filter(account=desk.account).exists()  # what was tried left nothing
    assert desk.add().json()["code"] == "approval-pending"
    own = desk.decide(waiting, client=desk.maker)
    assert own["code"] in {"maker-is-not-checker", "permission-denied"}
    added = desk.decide(waiting)
    assert added["status"] == "executed"
    assert added[who][0] == ""
    assert added[who][1].startswith("Signatory, from ")
    holder = AccountHolder.objects.get(account=desk.account)
    assert (holder.member_id, holder.since) == (desk.partner.pk, today)

    rules = {"rules": [{"amount_to": {"amount": "50.00", "currency": "KES"}, "rule": "any"},
                       {"rule": "count", "count": 2}]}  # fmt: skip
    refused = desk.decide(desk.maker.put(f"{desk.path}/mandate", rules, headers=desk.seen()), "reject")
    assert refused["status"] == "rejected"
    assert not MandateRule.objects.filter(account=desk.account).exists()
    mandate = desk.decide(desk.maker.put(f"{desk.path}/mandate", rules, headers=desk.seen()))
    assert mandate["Up to KES 50.00"][1].startswith("Any one, from ")
    assert mandate["Any other amount"][1].startswith("2 together, from ")
    assert MandateRule.objects.filter(account=desk.account).count() == 2

    end = {"ends_on": (today - dt.timedelta(days=1)).isoformat(), "reason": "Left"}
    ending = f"{desk.path}/holders/{holder.pk}/end"
    faulty = desk.maker.post(ending, end, headers=desk.seen())
    assert (faulty.status_code, faulty.json()["code"]) == (422, "holder-invalid")  # refused before anybody is asked
    desk.decide(desk.maker.put(f"{desk.path}/mandate", {"rules": []}, headers=desk.seen()))
    end["ends_on"] = today.isoformat()
    ended = desk.decide(desk.maker.post(ending, end, headers=desk.seen()))
    assert (ended["status"], ended["Reason"]) == ("executed", ("", "Left"))
    assert "until" in ended[who][1]
    assert AccountHolder.objects.get(pk=holder.pk).until == today


def test_a_day_that_is_over_when_it_is_approved_becomes_that_of_the_approval(desk: Desk) -> None:
    today = business_date_current()
    before = (today - dt.timedelta(days=3)).isoformat()
    assert desk.add(starts_on=before).json()["code"] == "holder-invalid"  # nobody asks for a day that is over
    payload = {
        "account_id": str(desk.account.pk), "version": desk.account.version, "do": "holder_add", "asked_on": before,
        "values": {"member_id": str(desk.partner.pk), "role": "joint", "since": before},
    }  # fmt: skip
    late = desk.maker.post("approvals", {"kind": KIND, "payload": payload}, headers={"Idempotency-Key": "late"})
    assert desk.decide(late)["status"] == "executed"
    assert AccountHolder.objects.get(account=desk.account).since == today


def test_an_account_is_not_freed_in_the_name_of_blocking_it(desk: Desk, bank: Bank) -> None:
    bank.policy(bank.level("finance", 1), kind="accounts.freeze")
    asker = ApiClient(user_make("accounts.view", "accounts.freeze", "approvals.request", scope="all"))
    payload = {"account_id": str(desk.account.pk), "version": 1, "status": "active", "reason": "Please"}
    answer = asker.post(
        "approvals", {"kind": "accounts.freeze", "payload": payload}, headers={"Idempotency-Key": "free"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "payload-invalid"


def test_on_the_page_of_the_account_it_waits_as_well(desk: Desk, bank: Bank) -> None:
    client = Client()
    client.force_login(user_make(*CODES, "approvals.request", branch=bank.head, scope="all", is_staff=True))
    assert "waits for approval" in act(client, desk.account, "holder", member=desk.partner.number, role="joint")
    assert not AccountHolder.objects.filter(account=desk.account).exists()
