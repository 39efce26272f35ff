"""Lending on the staff site, without a browser: from the wizard to the payoff, the portfolio, My day."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.core.errors import InvalidRequest
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.lending.admin.forms import Sent
from apps.lending.models import Loan, LoanApplication
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.lending import loan_make, owed, product_make
from tests.factories.lending_days import loans_close

pytestmark = pytest.mark.django_db
OFFICER = (
    "lending.view", "lending.apply", "lending.disburse", "lending.repay", "lending.change", "members.view",
    "backoffice.dashboard", "accounts.view",
)  # fmt: skip


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def said(response: Any) -> str:
    assert response.status_code == 200, response.headers.get("Location")
    return str(response.content.decode())


def act(client: Client, loan: Loan, kind: str, **sent: str) -> str:
    """Preview an event and do it; what the preview said."""
    url = reverse("admin:lending_act", args=[loan.pk, kind])
    key = re.findall(r'name="key" value="([^"]+)"', said(client.get(url)))[0]
    shown = said(client.post(url, {**sent, "key": key, "step": "preview"}))
    done = client.post(url, {**sent, "key": key, "step": "post"})
    assert done.status_code == 302, re.findall(r"<span>(.*?)</span></p>", said(done))
    client.post(url, {**sent, "key": key, "step": "post"})  # pressed twice
    return shown


def test_from_the_wizard_to_the_payoff() -> None:
    product, account = product_make(), AccountFactory(balance="50000.00")
    officer, chief = signed_in(user_make(*OFFICER)), signed_in(user_make("lending.view", "lending.decide"))
    new = reverse("admin:lending_application_new")
    assert account.member.display_name in said(officer.get(new, {"member": account.member.number.lower()}))
    assert f"?member={account.member.number}" in said(officer.get(new, {"member": account.member.display_name}))
    assert "Nobody found" in said(officer.get(new, {"member": "zzz"}))
    officer.post(new, {"member": account.member.number, "product": str(product.pk)})
    application = LoanApplication.objects.get(member=account.member)
    edit = reverse("admin:lending_application_edit", args=[application.pk])
    assert "whole number" in said(officer.post(edit, {"amount": "12,000.00", "instalments": "x"}))
    sent = {
        "amount": "12,000.00",
        "instalments": "12",
        "account": str(account.pk),
        "income": "9000",
        "purpose": "Stock",
    }
    assert officer.post(edit, sent).status_code == 302
    page = reverse("admin:lending_loanapplication_change", args=[application.pk])
    step = reverse("admin:lending_application_step", args=[application.pk])
    for who, name in ((officer, "submit"), (chief, "approve"), (officer, "accept")):
        assert f'value="{name}"' in said(who.get(page))
        assert who.post(step, {"step": name}).status_code == 302
    loan = Loan.objects.get(application=application)
    assert "13 Debit" not in act(officer, loan, "disbursement", amount="12,000.00")
    assert owed(loan)[0] == 1_200_000
    shown = act(officer, loan, "repayment", amount="1,066.19")
    assert "What will be posted" in shown
    assert owed(loan)[0] < 1_200_000, "taken once"
    for tab in ("change", "schedule", "transactions", "accruals", "security", "history"):
        said(officer.get(reverse(f"admin:lending_loan_{tab}", args=[loan.pk])))
    explained = said(officer.get(reverse("admin:lending_loan_schedule", args=[loan.pk]), {"explain": "2"}))
    assert "balance x rate x period_years" in explained
    offer = reverse("admin:lending_loanproduct_preview", args=[loan.product_id])
    for rate in ("NaN", "1e99999999", "-1", "x"):
        url = reverse("admin:lending_act", args=[loan.pk, "rate_change"])
        assert "a number such as 12.5" in said(officer.post(url, {"rate": rate, "reason": "Agreed", "step": "preview"}))
        assert "a number such as 12.5" in said(officer.get(offer, {"amount": "1000", "rate": rate}))
    far = {"first_due": "9999-12-31", "instalments": "3", "step": "preview"}
    assert "a date such as" in said(officer.post(reverse("admin:lending_act", args=[loan.pk, "reschedule"]), far))
    with pytest.raises(InvalidRequest, match="not JSON"):
        Sent(QueryDict(urlencode({"terms": "[" * 15_000}))).document("terms")
    first = (business_date_current() + dt.timedelta(days=10)).isoformat()
    assert "Instalments that change" in act(officer, loan, "reschedule", first_due=first, instalments="20")
    changes = (("rate_change", {"rate": "15"}), ("moratorium", {"periods": "1", "interest": "deferred"}))
    for kind, sent in (*changes, ("top_up", {"amount": "500.00", "extra": "1", "way": ""})):
        assert "Instalments that change" in act(officer, loan, kind, reason="Agreed", **sent)
    form = said(officer.get(reverse("admin:lending_act", args=[loan.pk, "payoff"])))
    total = re.findall(r"nm-figure\">KES ([\d,.]+)<", form)[0]
    act(officer, loan, "payoff", amount=total)
    loan.refresh_from_db()
    assert (loan.status, owed(loan)) == ("closed", (0, 0, 0))
    assert officer.post(step, {"step": "approve"}).status_code == 403, "an officer does not decide"


def test_the_page_offers_to_pay_out_while_a_tranche_is_to_come() -> None:
    client = signed_in(user_make(*OFFICER))
    loan = loan_make(product=product_make(servicing={"tranches_max": 2}), disburse=False)
    page = reverse("admin:lending_loan_change", args=[loan.pk])
    pay_out = reverse("admin:lending_act", args=[loan.pk, "disbursement"])
    for amount in ("5,000.00", "7,000.00"):
        assert pay_out in said(client.get(page))
        act(client, loan, "disbursement", amount=amount)
    assert pay_out not in said(client.get(page))
    assert owed(loan)[0] == 1_200_000


def test_the_portfolio_and_the_day_show_what_is_late() -> None:
    today = business_date_current()
    officer = user_make(*OFFICER)
    late = loan_make(principal=300_000, instalments=3, start=today - dt.timedelta(days=75))
    loan_make(principal=100_000, start=today - dt.timedelta(days=3))
    loans_close(today)
    client = signed_in(officer)
    page = said(client.get(reverse("admin:lending_portfolio"), {"by": "product", "band": "30", "key": ""}))
    assert "75.00 %" in page
    assert late.number in page
    assert "Together: the principal at risk" in page
    for figure, words in (
        ("overdue", "Instalment 2"),
        ("provision", "exposure x share"),
        ("next", "left ="),
        ("suspended", "suspense"),
    ):
        url = reverse("admin:lending_loan_change", args=[late.pk])
        assert words in said(client.get(url, {"explain": figure})), figure
    assert said(client.get(reverse("admin:lending_portfolio"), {"by": "officer"}))
    day = said(client.get(reverse("admin:lending_day"), {"whose": "all"}))
    assert late.number in day
    assert "Nothing is due today" in day
    mine = said(client.get(reverse("admin:lending_day")))
    assert late.number not in mine
    listed = said(client.get(reverse("admin:lending_loan_changelist"), {"late": "31"}))
    assert late.number in listed
    preview = said(client.get(reverse("admin:lending_loanproduct_preview", args=[late.product_id]), {"amount": "1000"}))
    assert "First instalment" in preview
    said(client.get(reverse("admin:lending_loanproduct_terms", args=[late.product_id])))
    said(client.get(reverse("admin:lending_loanproduct_change", args=[late.product_id])))


def test_the_list_of_loans_reads_as_often_for_many(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    client = signed_in(user_make(*OFFICER))
    url = reverse("admin:lending_loan_changelist")
    for _ in range(3):
        loan_make()
    client.get(url)
    with django_assert_max_num_queries(16):
        said(client.get(url))
