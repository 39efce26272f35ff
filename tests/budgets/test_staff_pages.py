"""Budgets written on the staff site: versions, sheets, approval, rules, cost centres, commitments."""

from __future__ import annotations

from typing import Any

import pytest

from apps.budgets.models import Budget, BudgetRule, Commitment, CostCentre
from apps.ledger.selectors import business_date_current
from tests.approvals.support import Bank
from tests.factories.books import gl_account_ready
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db
BASE = "/admin/budgets"


@pytest.fixture
def books() -> Books:
    for code in ("5510", "5520", "4110"):
        gl_account_ready(code)
    return Books()


@pytest.fixture
def keeper(client: Any, user_with: Any, books: Books) -> Any:
    client.force_login(user_with("budgets.view", "budgets.manage", "ledger.view", "backoffice.dashboard"))
    return client


def said(response: Any) -> str:
    return str(response.content.decode())


def test_a_version_is_begun_filled_spread_and_holds(keeper: Any, books: Books) -> None:
    today = business_date_current()
    form = {"year": str(today.year), "currency": "KES", "title": "Board", "begin": "empty", "factor": "", "note": ""}
    assert "Title: what the version is called" in said(keeper.post(f"{BASE}/new/", {**form, "title": ""}))
    sheet = keeper.post(f"{BASE}/new/", form)["Location"]
    budget = Budget.objects.get(title="Board")
    here = {"branch": books.branch.code, "version": "1"}
    spread = {**here, "act": "spread", "account": "5510", "amount": "1,200.50", "spread": "even"}
    assert "Amount of the year: Not a decimal" in said(keeper.post(sheet, {**spread, "amount": "12x"}))
    assert keeper.post(sheet, spread).status_code == 302
    assert sum(line.amount for line in budget.lines.all()) == 1200_50
    assert "changed" in said(keeper.post(sheet, spread)), "the version of the page is an old one"

    shown = said(keeper.get(f"{sheet}?branch={books.branch.code}"))
    assert 'name="m-5510-1"' in shown
    cells = {f"m-5510-{month}": "0" for month in range(3, 13)} | {"m-5510-1": "70", "m-5510-2": "30.00"}
    bad = keeper.post(sheet, {**here, "version": "2", "act": "save", **cells, "m-5510-1": "seventy"})
    assert "5510, Jan: Not a decimal" in said(bad)
    assert 'value="seventy"' in said(bad), "what was typed is still there"
    assert keeper.post(sheet, {**here, "version": "2", "act": "save", **cells}).status_code == 302
    assert [line.amount for line in budget.lines.order_by("month")] == [70_00, 30_00]

    keeper.post(sheet, {"version": "3", "act": "hold", "key": "k"})
    budget.refresh_from_db()
    assert budget.status == Budget.Status.ACTIVE
    held = said(keeper.get(sheet))
    assert "This version holds" in held
    assert "Have it hold" not in held
    copied = {**form, "begin": "budget", "copy_of": str(budget.pk), "factor": "110", "title": "Next"}
    keeper.post(f"{BASE}/new/", copied)
    assert [line.amount for line in Budget.objects.get(title="Next").lines.order_by("month")] == [77_00, 33_00]


def test_a_version_waits_where_a_policy_asks(keeper: Any, books: Books) -> None:
    people = Bank()
    people.policy(people.level("finance", 1), kind="budgets.activate")
    budget = Budget.objects.create(year=2031, currency="KES", number=1, title="Later", created_by=people.maker)
    page = keeper.post(f"{BASE}/{budget.pk}/sheet/", {"version": "1", "act": "hold", "key": "x"}, follow=True)
    assert "Sent for approval" in said(page)
    budget.refresh_from_db()
    assert budget.status == Budget.Status.DRAFT


def test_rules_cost_centres_and_commitments(keeper: Any, books: Books) -> None:
    rule = {"account": "5510", "mode": "stop", "span": "year", "alert_percent": "80"}
    refused = keeper.post(f"{BASE}/rules/", {**rule, "alert_percent": "0"})
    assert "Tell from: a whole number from 1 to 100" in said(refused)
    keeper.post(f"{BASE}/rules/", rule)
    assert BudgetRule.objects.get(gl_account__code="5510").mode == "stop"
    assert "5510" in said(keeper.get(f"{BASE}/rules/"))
    keeper.post(f"{BASE}/rules/", {**rule, "mode": "none"})
    assert not BudgetRule.objects.filter(gl_account__code="5510").exists()

    centre = {"code": "it", "name": "Computers", "account": ["5520", "5510", ""], "branch": ["", books.branch.code, ""]}
    assert "choose a branch" in said(keeper.post(f"{BASE}/cost-centres/new/", {**centre, "branch": ["X", "", ""]}))
    address = keeper.post(f"{BASE}/cost-centres/new/", centre)["Location"]
    kept = CostCentre.objects.get(code="IT")
    assert (kept.code, kept.places.count()) == ("IT", 2)
    assert "change that one" in said(keeper.post(f"{BASE}/cost-centres/new/", centre))
    assert f"{BASE}/cost-centres/{kept.pk}/" in said(keeper.get(address))
    keeper.post(f"{BASE}/cost-centres/{kept.pk}/", {"name": "IT", "account": ["5520"], "branch": [""]})
    assert kept.places.count() == 1

    promise = {"reference": "PO-1", "branch": books.branch.code, "account": "5510", "month": "2026-11", "amount": "0",
               "currency": "KES"}  # fmt: skip
    assert "Amount: The amount must be above zero" in said(keeper.post(f"{BASE}/commitments/new/", promise))
    page = keeper.post(f"{BASE}/commitments/new/", {**promise, "amount": "50.00"})["Location"]
    assert "Released" in said(keeper.get(page))
    made = Commitment.objects.get(reference="PO-1")
    keeper.post(f"{BASE}/commitments/{made.pk}/end/", {"status": "released"})
    made.refresh_from_db()
    assert made.status == "released"


def test_who_only_looks_writes_nothing(client: Any, user_with: Any, books: Books) -> None:
    user = user_with("budgets.view", "ledger.view", "backoffice.dashboard")
    client.force_login(user)
    budget = Budget.objects.create(year=2031, currency="KES", number=1, title="Later", created_by=user)
    shown = client.get(f"{BASE}/{budget.pk}/sheet/")
    assert shown.status_code == 200
    assert 'type="text"' not in said(shown)
    for path in (f"{budget.pk}/sheet/", "new/", "rules/", "cost-centres/new/", "commitments/new/"):
        assert client.post(f"{BASE}/{path}", {"act": "hold"}).status_code == 403
    assert client.get(f"{BASE}/commitments/new/").status_code == 403
