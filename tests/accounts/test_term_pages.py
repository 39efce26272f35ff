"""Staff pages of term deposits, dividends and closing: placed, previewed, broken, paid and closed with forms alone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account, CloseMark, Dividend, TermDeposit
from apps.balances.selectors import balance_read
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, ProductFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, user_make
from tests.factories.interest import day_close, terms_make
from tests.factories.members import MemberFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    user = user_make(
        "accounts.view", "accounts.update", "accounts.close", "ledger.view", "products.view", "products.manage",
        is_staff=True,
    )  # fmt: skip
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def booked(account: Account) -> int:
    return balance_read(account_id=account.ledger_account_id).booked


def page(client: Client, name: str, *args: Any, **posted: Any) -> str:
    url = reverse(f"admin:accounts_{name}", args=args)
    answer = client.post(url, posted, follow=True) if posted else client.get(url)
    assert answer.status_code == 200, answer
    return str(answer.content.decode())


def test_a_recurring_deposit_is_agreed_changed_and_broken_with_forms(staff: Client) -> None:
    gl_account_ready("2150")
    product = ProductFactory(kind="recurring", gl_account="2150")
    today = business_date_current()
    terms_make(product, "0.05", since=today.isoformat(), posting="at_end", early_rate=Decimal("0.01"))
    source = AccountFactory(balance="1000.00")
    account = AccountFactory(member=source.member, product=product)
    assert "Agree instalments" in page(staff, "account_term", account.pk)
    form = {"source": source.number, "amount": "1,50x", "months": "6", "instruction": "payout", "frequency": "monthly"}
    assert not TermDeposit.objects.exists()
    page(staff, "termdeposit_place", account.pk, **form)
    assert not TermDeposit.objects.exists()
    shown = page(staff, "termdeposit_place", account.pk, **{**form, "amount": "150.00"})
    term = TermDeposit.objects.get()
    assert (term.instalments.count(), booked(account)) == (6, 150_00)
    assert "Instalments" in shown
    page(staff, "termdeposit_act", term.pk, action="instruct", instruction="renew_all", version=term.version)
    term.refresh_from_db()
    assert term.instruction == "renew_all"
    preview = page(staff, "termdeposit_act", term.pk, action="preview", version=term.version)
    assert "If it were broken today" in preview
    assert "150.00" in preview
    assert booked(account) == 150_00
    page(staff, "termdeposit_act", term.pk, action="break", version=term.version)
    assert (booked(account), booked(source)) == (0, 1_000_00)
    assert "Term deposits" in page(staff, "termdeposit_changelist")
    account.refresh_from_db()
    page(staff, "account_close", account.pk, version=account.version, reason="")
    page(staff, "account_close", account.pk, version=account.version, reason="Not needed")
    account.refresh_from_db()
    assert account.status == "closed"
    assert "The account is closed" in page(staff, "account_closing", account.pk)


def test_accounts_of_another_branch_are_offered_to_nobody_out_of_reach() -> None:
    gl_account_ready("2150")
    product = ProductFactory(kind="recurring", gl_account="2150")
    near = AccountFactory(product=product)
    beside, far = AccountFactory(member=near.member), AccountFactory(member=near.member, branch=BranchFactory())
    assert far.branch != near.branch
    client = Client()
    client.force_login(user_make("accounts.view", "accounts.update", scope="branch", branch=near.branch))
    shown = page(client, "account_term", near.pk)
    assert beside.number in shown
    assert far.number not in shown


def test_a_dividend_is_drawn_up_and_paid_with_forms(staff: Client) -> None:
    for code in ("3110", "3330", "2230"):
        gl_account_ready(code)
    product = ProductFactory(kind="share", gl_account="3110")
    opened, end = dt.date(2025, 1, 1), dt.date(2025, 12, 31)
    account = AccountFactory(product=product, member=MemberFactory(), opened_on=opened)
    cash_move(account, "1000.00", value_date=opened, business_date=opened)
    form = {"starts_on": opened, "ends_on": end, "rate": "8", "tax": "5", "basis": "closing", "pay_to": "shares"}
    assert "not closed" in page(staff, "dividend_draw", product.pk, **form)
    CloseMark.objects.all().delete()
    terms_make(product, "", since="2025-01-01")
    day_close(end)
    shown = page(staff, "dividend_draw", product.pk, **form)
    assert "Pay it as shown" in shown
    assert "76.00" in shown
    dividend = Dividend.objects.get()
    page(staff, "dividend_act", dividend.pk, action="pay", version=dividend.version)
    dividend.refresh_from_db()
    assert dividend.status in {"paying", "paid"}
    assert "1 Jan 2025" in page(staff, "accountproduct_dividends", product.pk)
    assert "Dividend" in page(staff, "dividend_changelist")
