"""Pages about groups, credit lines, security and products: what staff enter there is what the services do."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.identity.permissions import PERMISSIONS
from apps.ledger.selectors import business_date_current
from apps.lending import services
from apps.lending.closing_lines import credit_lines_provide
from apps.lending.closing_proof import loans_prove
from apps.lending.credit_lines import credit_line_owed, credit_lines_accrue
from apps.lending.errors import ApplicationIncomplete, ApplicationOutsideProduct, OwnApplication, SecurityMissing
from apps.lending.models import Collateral, CreditLine, Guarantor, LoanGroup, LoanProduct
from tests.factories.accounts import AccountFactory
from tests.factories.identity import user_make
from tests.factories.lending import application_make, asked, loan_make, owed, product_make
from tests.factories.lending_days import today_set
from tests.factories.members import MemberFactory
from tests.factories.postings import branch_new
from tests.factories.tills import till_session

pytestmark = pytest.mark.django_db
START = dt.date(2026, 1, 10)


def said(response: Any) -> str:
    assert response.status_code == 200, response.headers.get("Location")
    return str(response.content.decode())


def signed_in(**facts: Any) -> Client:
    client = Client()
    client.force_login(facts.get("user") or user_make(*PERMISSIONS, scope="all"))
    return client


def fill(client: Client, form: str, record: Any = None, *, previews: str = "", **sent: str) -> str:
    """Look at a form, preview it where it has one, send it twice; where it went to."""
    url = (
        reverse("admin:lending_form_of", args=[form, record.pk])
        if record
        else reverse("admin:lending_form", args=[form])
    )
    key = re.findall(r'name="key" value="([^"]+)"', said(client.get(url)))[0]
    if previews:
        assert previews in said(client.post(url, {**sent, "key": key, "step": "preview"}))
    done = client.post(url, {**sent, "key": key, "step": "post"})
    assert done.status_code == 302, re.findall(r"<span>(.*?)</span></p>", said(done))
    if previews:
        client.post(url, {**sent, "key": key, "step": "post"})  # pressed twice
    return str(done.headers["Location"])


def test_a_group_is_founded_joined_and_collected_from_the_keyboard() -> None:
    today_set(START)
    session = till_session(user_make(*PERMISSIONS, scope="branch", branch=branch_new()))
    branch, client = session.till.branch, signed_in(user=session.teller)
    fill(client, "new-group", name="Umoja", branch=str(branch.pk), meets_on="3")
    group = LoanGroup.objects.get(name="Umoja")
    product, loans = product_make(kind="group"), []
    for _ in range(2):
        account = AccountFactory(member=MemberFactory(branch=branch), branch=branch, balance="10.00")
        loans.append(loan_make(product=product, account=account, principal=100_000, instalments=2, start=START))
        fill(client, "join", group, member=account.member.number)
    today_set(dt.date(2026, 2, 10))
    assert loans[1].number in said(client.get(reverse("admin:lending_loangroup_change", args=[group.pk])))
    sheet = reverse("admin:lending_sheet", args=[group.pk])
    key = re.findall(r'name="key" value="([^"]+)"', said(client.get(sheet)))[0]
    sent = {f"amount-{loans[0].number}": "507.51", f"amount-{loans[1].number}": "", "key": key, "channel": "cash"}
    assert "KES 507.51" in said(client.post(sheet, {**sent, "step": "preview"}))
    for _ in range(2):
        assert client.post(sheet, {**sent, "step": "post"}).status_code == 302
    assert [owed(loan)[0] for loan in loans] == [50_249, 100_000]
    assert "507.51" in said(client.get(reverse("admin:lending_loangroup_change", args=[group.pk])))
    said(client.get(reverse("admin:lending_loangroup_changelist")))


def test_a_credit_line_from_the_request_to_arrears_and_an_allowance() -> None:
    today_set(START)
    buckets = [{"name": "late", "first_day": 1, "last_day": None, "provision": "0.25"}]
    product = product_make(kind="credit_line", arrears={"buckets": buckets})
    account = AccountFactory(balance="100.00")
    clerk, chief = signed_in(), signed_in()
    sent = {"member": account.member.number, "product": str(product.pk), "account": account.number}
    fill(clerk, "new-line", **sent, limit="10,000.00")
    line = CreditLine.objects.get(member=account.member)
    fill(chief, "decide-line", line, decision="open", limit="8,000.00", rate="36", review_on="2026-12-31")
    fill(clerk, "draw", line, previews="3,650.00", amount="3,650.00")
    line.refresh_from_db()
    assert credit_line_owed(line) == (365_000, 0)
    refused = {"amount": "4,350.01", "step": "preview", "key": "k"}
    assert "KES 4,350.00 is left" in said(clerk.post(reverse("admin:lending_form_of", args=["draw", line.pk]), refused))
    for day in (dt.date(2026, 1, 31), dt.date(2026, 2, 10)):
        today_set(day)
        credit_lines_accrue(business_date=day)
        facts = credit_lines_provide(business_date=day)
    line.refresh_from_db()
    assert (line.days_past_due, line.overdue_since, line.bucket) == (10, dt.date(2026, 1, 31), "late")
    assert (line.provision, facts["amount"], line.overdue_interest) == (91_250, 91_250, 22 * 360)
    loans_prove(business_date=day)
    fill(clerk, "pay-back", line, previews="3,650.00", amount="79.20")
    assert credit_lines_provide(business_date=day)["amount"] == -91_250
    loans_prove(business_date=day)
    explained = said(clerk.get(reverse("admin:lending_creditline_change", args=[line.pk]), {"explain": "interest"}))
    assert "3,650.00 x 0.360000 x 22 / 365" in explained
    for tab in ("change", "transactions", "accruals"):
        said(clerk.get(reverse(f"admin:lending_creditline_{tab}", args=[line.pk])))
    fill(chief, "block-line", line, note="Review of the branch")
    assert "Unblock" in said(clerk.get(reverse("admin:lending_creditline_change", args=[line.pk])))


def test_what_stands_behind_a_loan_is_entered_and_is_there_before_the_money_goes_out() -> None:
    needs = {"guarantors_min": 1, "collateral_share_min": "0.50"}
    loan = loan_make(product=product_make(requirements=needs), disburse=False)
    client, vouches = signed_in(), AccountFactory(balance="9000.00")
    money, user = services.Money(1_200_000), user_make()
    with pytest.raises(SecurityMissing):
        services.loan_disburse(asked=asked(user), loan_id=loan.pk, money=money, at=clock.now())
    fill(client, "guarantor", loan, member=vouches.member.number, amount="5,000.00", account=vouches.number)
    thing = {"kind": "land", "description": "Plot 7", "share": "70", "valuer": "Gikonyo"}
    odd = {**thing, "kind": "castle", "step": "post", "key": "k"}
    page = reverse("admin:lending_form_of", args=["collateral", loan.pk])
    assert "choose from the list" in said(client.post(page, odd))
    fill(client, "collateral", loan, **thing, value="10,000.00", valued_on=business_date_current().isoformat())
    services.loan_disburse(asked=asked(user), loan_id=loan.pk, money=money, at=clock.now())
    fill(client, "promise", loan, amount="100.00", due_on=business_date_current().isoformat())
    page = said(client.get(reverse("admin:lending_loan_security", args=[loan.pk])))
    assert all(words in page for words in ("Plot 7", "7,000.00", vouches.member.display_name))
    land, release = Collateral.objects.get(loan=loan), {"step": "post", "key": "k"}
    for form, one, why in (
        ("release-collateral", land, "KES 6,000.00 is needed, KES 0.00 is there"),
        ("release-guarantor", Guarantor.objects.get(loan=loan), "1 guarantors are needed"),
    ):
        assert why in said(client.post(reverse("admin:lending_form_of", args=[form, one.pk]), release))
        one.refresh_from_db()
        assert one.released_on is None, "it stands behind what is still owed"
    sold = {"value": "0.00", "valued_on": business_date_current().isoformat(), "valuer": "Auction"}
    fill(client, "value", land, **sold)
    fill(client, "release-collateral", land)
    event = loan.events.get()
    fill(client, "reverse", event, previews="Principal owed", reason="Wrong member")
    loan.refresh_from_db()
    assert (loan.status, owed(loan)) == ("approved", (0, 0, 0))
    fill(client, "release-guarantor", Guarantor.objects.get(loan=loan))


def test_terms_are_edited_with_the_schedule_they_give_and_losses_by_policy() -> None:
    product, client = product_make(), signed_in()
    page = said(client.get(reverse("admin:lending_form_of", args=["terms", product.pk])))
    assert "Least amount" in page
    sent = {
        "effective_from": business_date_current().isoformat(), "principal_min": "1,000.00", "principal_max": "2,000.00",
        "instalments_min": "1", "instalments_max": "2", "rate": "24", "rate_min": "12", "rate_max": "30",
        "requirements": '{"limits": {"business": {"principal_max": "1500.00"}}, "needs_verification": true}',
    }  # fmt: skip
    broken = client.post(
        reverse("admin:lending_form_of", args=["terms", product.pk]), {**sent, "fees": '[{"kind": "odd"}]'}
    )
    assert "nm-banner" in said(broken)
    fill(client, "terms", product, previews="Largest, longest: interest in all", **sent)
    assert product.terms.count() == 2
    figures = {"stage_2_after": "30", "stage_3_after": "90", "cure_days": "0", "pd_12_months": "2", "pd_lifetime": "9"}
    day = business_date_current().isoformat()
    odd = {"effective_from": day, "method": "guess", "step": "post", "key": "k", **figures}
    page = reverse("admin:lending_form_of", args=["policy", product.pk])
    assert "choose from the list" in said(client.post(page, odd))
    fill(client, "policy", product, effective_from=day, method="ifrs9", lgd="45", **figures)
    assert "Expected losses" in said(client.get(reverse("admin:lending_loanproduct_change", args=[product.pk])))
    _limits_and_verification(product)


def _limits_and_verification(product: LoanProduct) -> None:
    """A business may have less than a person; nothing is offered before somebody else has verified it."""
    clerk, chief, day = user_make(), user_make(), business_date_current()
    business = AccountFactory(member=MemberFactory(kind="business", business_name="Juma Stores")).member

    def submitted(member: Any) -> Any:
        draft = application_make(product=product, member=member, user=clerk, amount=160_000, instalments=2)
        return services.application_submit(
            acting_user=clerk,
            application_id=draft.pk,
            expected_version=draft.version,
            business_date=day,
            at=clock.now(),
        )

    with pytest.raises(ApplicationOutsideProduct, match="business"):
        submitted(business)
    application = submitted(AccountFactory().member)
    decide = {"application_id": application.pk, "approve": True, "business_date": day, "at": clock.now()}
    with pytest.raises(ApplicationIncomplete):
        services.application_decide(acting_user=chief, **decide)
    verify = {"application_id": application.pk, "expected_version": application.version, "at": clock.now()}
    with pytest.raises(OwnApplication):
        services.application_verify(acting_user=clerk, note="Called the employer", **verify)
    services.application_verify(acting_user=chief, note="Called the employer", **verify)
    assert services.application_decide(acting_user=chief, **decide).status == "approved"
