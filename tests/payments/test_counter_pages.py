"""The cash screen and the till page of the staff site, without a browser."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.services import MandateTerms, holder_add, mandate_set
from apps.approvals.services import policy_activate, policy_draft
from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.payments.models import Signature, TillSession
from tests.conftest import ApiClient
from tests.factories.accounts import cash_move
from tests.factories.members import MemberFactory
from tests.payments.conftest import booked
from tests.payments.tills import SUPERVISOR, TELLER, Counter, pieces

PAGES = ("backoffice.dashboard", "members.view")


@pytest.fixture
def counter(db: None) -> Counter:
    counter = Counter(tolerance=0)
    counter.teller = counter.user(*TELLER, *PAGES)
    counter.supervisor = counter.user(*SUPERVISOR, *PAGES)
    return counter


def signed_in(api: ApiClient) -> Client:
    client = Client()
    assert api.user is not None
    client.force_login(api.user)
    return client


def said(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


CASH, TILL = "admin:payments_cash", "admin:payments_till_page"


def test_from_an_empty_drawer_to_a_confirmed_count(counter: Counter) -> None:
    teller, boss = signed_in(counter.teller), signed_in(counter.supervisor)
    assert "Your till is not open" in said(teller.get(reverse(CASH)))
    assert "Open a till" in said(teller.get(reverse(TILL)))
    teller.post(reverse(TILL), {"action": "open", "till": str(counter.till.pk)})
    found = teller.get(reverse(CASH), {"q": counter.account.number[:9]})
    assert found.headers["Location"].endswith(f"?account={counter.account.number}")
    form = said(teller.get(found.headers["Location"]))
    assert "No flags" in form
    key = form.split('name="key" value="')[1].split('"')[0]
    sent = {"account": counter.account.number, "key": key, "kind": "deposit", "amount": "1,500.00"}
    wrong = said(teller.post(reverse(CASH), {**sent, "step": "check", "piece_100000": "2"}))
    assert "Notes and coins are worth KES 2,000.00" in wrong
    assert 'value="1,500.00"' in wrong, "the form is as it was"
    check = said(teller.post(reverse(CASH), {**sent, "step": "check", "piece_100000": "1", "piece_50000": "1"}))
    assert "Balance after it" in check
    assert booked(counter.account) == 0
    for _ in range(2):  # pressed twice
        done = teller.post(reverse(CASH), {**sent, "step": "act", "piece_100000": "1", "piece_50000": "1"})
        assert "Receipt" in said(teller.get(done.headers["Location"]))
    assert booked(counter.account) == 1_500_00

    session = TillSession.objects.get(till=counter.till)
    counted = {"action": "count", "version": session.version, "piece_100000": "1", "note": "One is missing"}
    assert "a supervisor has to confirm it" in said(teller.post(reverse(TILL), counted, follow=True))
    waiting = said(boss.get(reverse(TILL)))
    assert "One is missing" in waiting
    confirm = {"action": "confirm", "session": str(session.pk), "version": session.version + 1, "verdict": "confirm"}
    assert "Say why" in said(boss.post(reverse(TILL), confirm))
    assert "the till closed" in said(boss.post(reverse(TILL), {**confirm, "note": "Looked for"}, follow=True))
    report = said(boss.get(reverse("admin:payments_tillsession_change", args=[session.pk])))
    assert "Ties to the ledger" in report


def test_vault_and_refusals_on_the_page(counter: Counter) -> None:
    teller, boss = signed_in(counter.teller), signed_in(counter.supervisor)
    counter.open(pieces())
    counter.cash("deposits", "900.00")
    ask = {"action": "ask", "direction": "to_vault", "amount": "400"}
    assert "Asked for" in said(teller.post(reverse(TILL), ask, follow=True))
    transfer = TillSession.objects.get(till=counter.till).vault_transfers.get()
    decide = {"action": "decide", "transfer": str(transfer.pk), "version": 1, "verdict": "confirm"}
    assert teller.post(reverse(TILL), decide).status_code == 403
    assert "the cash is booked" in said(boss.post(reverse(TILL), decide, follow=True))
    assert "It was done" in said(boss.post(reverse(TILL), {**decide, "version": 2}))
    assert "Not a decimal" in said(teller.post(reverse(TILL), {**ask, "amount": "much"}))
    assert boss.get(reverse(CASH)).status_code == 403
    path = reverse(CASH)
    for term in ("nobody by that name", "999", "'|"):
        assert "Nobody found" in said(teller.get(path, {"q": term}))
    away = {"away": str(transfer.session_id)}
    assert "Count for the teller" in said(boss.get(reverse(TILL)))
    assert "Another supervisor confirms your count" in said(boss.get(reverse(TILL), away))
    count = {**away, "action": "count_away", "version": 1, "piece_50000": "1", "note": "Fell ill"}
    assert teller.post(reverse(TILL), count).status_code == 403
    assert "Say why" in said(boss.post(reverse(TILL), {**count, "note": ""}))
    assert "has to confirm it" in said(boss.post(reverse(TILL), count, follow=True))


def test_large_cash_asks_first_and_keeps_the_form(counter: Counter) -> None:
    level = {"name": "Somebody", "stage": 1, "who": {"position": "branch"}}
    bands = [{"from": "0", "to": "1000.00", "levels": []}, {"from": "1000.00", "to": None, "levels": [level]}]
    document = {"segments": [{"name": "All", "when": {}, "bands": bands}]}
    policy = policy_draft(
        acting_user=None, kind="payments.cash", name="Cash", effective_from=dt.date(2020, 1, 1), document=document
    )
    policy_activate(acting_user=None, policy_id=policy.pk, at=clock.now())
    counter.teller = counter.user(*TELLER, *PAGES, "approvals.request")
    boss = counter.user("approvals.decide", "approvals.request", "accounts.view")
    counter.open()
    teller = signed_in(counter.teller)
    sent = {"account": counter.account.number, "key": "k1", "kind": "deposit", "amount": "1500", "step": "act"}
    assert "waits for approval" in said(teller.post(reverse(CASH), sent, follow=True))
    assert booked(counter.account) == 0
    asked = counter.cash("deposits", "1200.00", key="k2")
    assert (asked.status_code, asked.json()["status"]) == (202, "pending")
    assert counter.cash("deposits", "999.99").status_code == 201
    path = f"approvals/{asked.json()['id']}"
    body = {"verdict": "approve", "comment": "Seen"}
    done = boss.post(f"{path}/decision", body, headers={"If-Match": boss.get(path)["ETag"]})
    assert done.json()["status"] == "executed", done.content
    assert booked(counter.account) == 2199_99
    assert counter.report()["ties"]


def test_who_signed_is_ticked_where_several_must(counter: Counter) -> None:
    teller, account, today = signed_in(counter.teller), counter.account, business_date_current()
    partner = MemberFactory()
    holder_add(
        acting_user=None, account_id=account.pk, expected_version=account.version, member_id=partner.pk, role="joint",
        since=today, today=today,
    )  # fmt: skip
    mandate_set(
        acting_user=None, account_id=account.pk, expected_version=account.version + 1,
        rules=[MandateTerms(None, "all")], since=today, today=today,
    )  # fmt: skip
    cash_move(account, "1000.00")
    teller.post(reverse(TILL), {"action": "open", "till": str(counter.till.pk)})
    form = said(teller.get(reverse(CASH), {"account": account.number}))
    assert partner.display_name in form
    sent = {"account": account.number, "key": "k1", "kind": "deposit", "amount": "500.00"}
    teller.post(reverse(CASH), {**sent, "step": "act"})  # paying in needs nobody's signature
    sent |= {"kind": "withdrawal", "key": "k2", "signed": [str(account.member_id)]}
    assert "2 of the signatories must sign" in said(teller.post(reverse(CASH), {**sent, "step": "check"}))
    sent["signed"] = [str(account.member_id), str(partner.pk)]
    assert said(teller.post(reverse(CASH), {**sent, "step": "check"})).count('name="signed"') == 2
    done = teller.post(reverse(CASH), {**sent, "step": "act"})
    assert "Receipt" in said(teller.get(done.headers["Location"]))
    assert booked(account) == 1000_00
    assert Signature.objects.filter(account=account).count() == 2
    assert partner.display_name in said(teller.get(f"/admin/accounts/account/{account.pk}/signatures/"))
