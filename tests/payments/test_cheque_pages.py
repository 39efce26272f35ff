"""Forms of the staff site for cheques and tills, and what becomes of them when an account is closed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from apps.accounts.models import Account
from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.payments import services
from apps.payments.models import ChequeDeposit, ChequeLeaf, Till
from apps.payments.services import Terms
from tests.conftest import ApiClient
from tests.factories.accounts import AccountFactory
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, user_make
from tests.payments.conftest import booked

CODES = (
    "accounts.view", "accounts.close", "payments.cheques", "payments.stop_cheques", "payments.withdraw",
    "payments.deposit", "payments.view_tills", "payments.manage_tills", "backoffice.dashboard",
)  # fmt: skip


@pytest.fixture
def staff(chart: None) -> Client:
    gl_account_ready("4250")
    client = Client()
    client.force_login(user_make(*CODES, scope="all", is_staff=True))
    return client


def act(client: Client, account: Account, form: str, **fields: Any) -> str:
    answered = client.post(f"/admin/cheques/{account.pk}/{form}/", {"key": "page 1", **fields}, follow=True)
    assert answered.status_code == 200
    return " ".join(str(one) for one in get_messages(answered.wsgi_request)) or answered.text


def test_cheques_are_paid_in_issued_paid_and_stopped_on_the_accounts_tab(staff: Client) -> None:
    account = AccountFactory(balance="500.00")
    assert "No cheques" in staff.get(f"/admin/accounts/account/{account.pk}/cheques/").text
    cheque = {"bank": "KCBLKENX", "drawer_account": "1100000001", "number": "100017", "amount": "1,000.00"}
    assert "Which bank" in act(staff, account, "in", **{**cheque, "bank": ""})
    assert "it clears on" in act(staff, account, "in", **cheque)
    assert "it clears on" in act(staff, account, "in", **cheque)  # the same page sent again
    assert (ChequeDeposit.objects.count(), booked(account)) == (1, 1500_00)
    assert "Issued: leaves 000001 to 000025." in act(staff, account, "issue", leaves="25")
    leaf = {"leaf": "3", "amount": "120.00", "payee": "City water", "how": "clearing"}
    assert "no open till" in act(staff, account, "pay", **{**leaf, "how": "cash"})
    assert "Paid: 120.00" in act(staff, account, "pay", **leaf, key="page 2")
    assert "The leaf is paid." in act(staff, account, "pay", **leaf, key="page 3")
    assert "2 leaves are stopped" in act(staff, account, "stop", first="7", last="8", reason="Lost")
    assert "was paid" in act(staff, account, "stop", first="3", reason="Lost")
    assert booked(account) == 1380_00
    shown = staff.get(f"/admin/accounts/account/{account.pk}/cheques/").text
    for words in ("100017", "In clearing", "000001 to 000025", "Pay a leaf", "Stop leaves"):
        assert words in shown, words
    reader = Client()
    reader.force_login(user_make("accounts.view", "backoffice.dashboard", scope="all", is_staff=True))
    assert "Issue a book" not in reader.get(f"/admin/accounts/account/{account.pk}/cheques/").text
    assert reader.post(f"/admin/cheques/{account.pk}/issue/", {"leaves": "25"}).status_code == 403


def test_a_till_is_set_up_and_changed_by_forms(staff: Client) -> None:
    AccountFactory()  # the bank keeps books in KES
    branch, home = BranchFactory(), "/admin/payments/till/"
    form = {"branch": branch.code, "number": "4", "name": "Till 4", "holding_limit": "500,000", "tolerance": "",
            "transaction_limit": "100,000.00"}  # fmt: skip
    assert "Set up a till" in staff.get(home).text
    for wrong in ({"number": "0"}, {"holding_limit": "0"}, {"branch": "nowhere"}, {"name": " "}):
        assert staff.post(f"{home}start/", {**form, **wrong}).status_code == 422, wrong
    made = staff.post(f"{home}start/", form)
    assert made.status_code == 302, made.text
    till = Till.objects.get(branch=branch)
    assert (till.holding_limit, till.transaction_limit, till.tolerance) == (500_000_00, 100_000_00, 0)
    assert staff.post(f"{home}start/", form).status_code == 422  # the number is taken
    change = f"{home}{till.pk}/limits/"
    assert 'value="500000.00"' in staff.get(change).text
    changed = {"name": "Till 4, gate", "holding_limit": "600000", "transaction_limit": "1", "tolerance": "5"}
    assert staff.post(change, {**changed, "version": "9"}).status_code == 422
    assert staff.post(change, {**changed, "version": str(till.version)}).status_code == 302
    till.refresh_from_db()
    assert (till.name, till.holding_limit, till.tolerance, till.is_active) == ("Till 4, gate", 600_000_00, 5_00, False)
    looker = Client()
    looker.force_login(user_make("payments.view_tills", "backoffice.dashboard", scope="all", is_staff=True))
    assert ("Set up a till" in looker.get(home).text, looker.get(f"{home}start/").status_code) == (False, 403)


def test_closing_says_what_is_open_and_ends_what_hangs_on_the_account(staff: Client) -> None:
    account, shop = AccountFactory(), AccountFactory()
    user = user_make("payments.instruct", "accounts.close", "accounts.view", scope="all")
    instruction = services.instruction_create(
        acting_user=user, source=account.number, destination=shop.number, at=clock.now(),
        terms=Terms("fixed", "FREQ=DAILY", business_date_current(), amount=1_00),
    )  # fmt: skip
    act(staff, account, "issue", leaves="25")
    cheque = {"bank": "KCBLKENX", "drawer_account": "1100000001", "number": "100018", "amount": "10.00"}
    act(staff, account, "in", **cheque)
    page = f"/admin/accounts/account/{account.pk}/closing/"
    assert "A cheque is in clearing." in staff.get(page).text
    client, path = ApiClient(user), f"accounts/{account.pk}/closure"
    refused = client.post(path, {"reason": "Moves away"}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "account-not-settled")
    assert "A hold. A cheque is in clearing." in refused.json()["detail"]
    services.cheque_return(
        acting_user=user, cheque_id=ChequeDeposit.objects.get().pk, expected_version=1, reason="Bounced", at=clock.now()
    )
    shown = staff.get(page).text
    assert "A standing instruction." in shown
    assert "25 unused cheque leaves." in shown
    closed = client.post(path, {"reason": "Moves away"}, headers={"If-Match": '"1"'})
    assert closed.status_code == 200, closed.content
    instruction.refresh_from_db()
    assert (instruction.status, instruction.next_on) == ("cancelled", None)
    assert instruction.status_reason == "The account was closed: Moves away"
    assert set(ChequeLeaf.objects.filter(account=account).values_list("status", flat=True)) == {"stopped"}
