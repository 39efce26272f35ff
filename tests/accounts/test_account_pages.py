"""The account's page on the staff site: what its tabs show and what their forms do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from apps.accounts.models import Account, AccountNote
from apps.accounts.partitions import range_with
from apps.accounts.services import account_blocks_end
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.members import MemberFactory

CODES = ("accounts.view", "accounts.update", "accounts.freeze", "accounts.note", "members.view", "backoffice.dashboard")


@pytest.fixture
def manager(db: None) -> Client:
    client = Client()
    client.force_login(user_make(*CODES, scope="all", is_staff=True))
    return client


def act(client: Client, account: Account, form: str, **fields: Any) -> str:
    """Send a form; what the page then says."""
    account.refresh_from_db()
    path = f"/admin/accounts/account/{account.pk}/act/{form}/"
    answered = client.post(path, {"version": account.version, **fields}, follow=True)
    assert answered.status_code == 200
    return " ".join(str(one) for one in get_messages(answered.wsgi_request)) or answered.content.decode()


def page(client: Client, account: Account, tab: str) -> str:
    answered = client.get(f"/admin/accounts/account/{account.pk}/{tab}/")
    assert answered.status_code == 200, tab
    return answered.content.decode()


def test_holders_mandate_and_nominee_by_forms(manager: Client) -> None:
    account, partner = AccountFactory(), MemberFactory()
    assert "each of" in page(manager, account, "people")
    assert "no member of this number" in act(manager, account, "holder", member="nobody", role="joint")
    assert partner.display_name in act(manager, account, "holder", member=partner.number, role="joint")
    bands = {"to1": "1,000.00", "rule1": "any", "rule2": "count", "count2": "2"}
    assert "The mandate is set." in act(manager, account, "mandate", **bands)
    assert "must cover every amount" in act(manager, account, "mandate", to1="5", rule1="all")
    phone = "+254 700 111 222"
    assert "Carol" in act(manager, account, "nominee", name="Carol Wanjiru", relationship="Sister", contact=phone)
    shown = page(manager, account, "people")
    for words in ("1,000.00", "2 of 2 together", partner.display_name, "Carol Wanjiru", phone, "In force"):
        assert words in shown, words
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM accounts_nominee t WHERE account_id = %s", [account.pk])
        assert phone not in cursor.fetchone()[0], "how to reach somebody is readable nowhere but through the vault"


def test_a_block_has_a_reason_and_ends_by_itself_and_notes_stay(manager: Client) -> None:
    account, today = AccountFactory(), business_date_current()
    assert "Debits blocked".lower() in act(
        manager, account, "status", status="debit_blocked", reason="Court order", until=str(today)
    )
    shown = page(manager, account, "status")
    assert "Court order" in shown
    account_blocks_end(partition=range_with(account.ledger_account_id).name, business_date=today)
    account.refresh_from_db()
    assert account.status == "active"
    act(manager, account, "note", text="Called about the card.")
    note = AccountNote.objects.get(account=account)
    assert "Called about the card." in page(manager, account, "notes")
    assert note.author.email
    with pytest.raises(Exception, match="never changed"):
        AccountNote.objects.filter(pk=note.pk).update(text="Nothing")


def test_other_tabs_help_when_empty(manager: Client) -> None:
    account = AccountFactory()
    assert "No documents" in page(manager, account, "documents")
    assert "No signatures" in page(manager, account, "signatures")
    reader = Client()
    reader.force_login(user_make("accounts.view", "backoffice.dashboard", scope="all", is_staff=True))
    assert "Set the mandate" not in page(reader, account, "people")
    assert reader.get(f"/admin/accounts/account/{account.pk}/notes/").status_code == 403
    assert reader.post(f"/admin/accounts/account/{account.pk}/act/note/", {"text": "x"}).status_code == 403
