"""Budgets: plans in versions, what was spent of them, control of entries by hand, promises and alerts."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.balances.controls import entry_controls_run
from apps.balances.services import ManualLine
from apps.budgets.errors import BudgetExceeded
from apps.budgets.models import Budget, BudgetAlert
from apps.budgets.selectors import variance
from apps.budgets.services import (
    LinePlan,
    alerts_raise,
    budget_activate_now,
    budget_draft,
    budget_lines_set,
    commitment_create,
    commitment_end,
    rule_set,
)
from apps.budgets.spreads import SPREADS, spread
from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.notifications.models import Notification
from tests.approvals.support import Bank
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory, RoleFactory, user_make
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db
KEY = "Idempotency-Key"


@pytest.fixture
def books() -> Books:
    for code in ("5510", "5520", "4110", "1220"):
        gl_account_ready(code)
    return Books()


@pytest.fixture
def today() -> dt.date:
    return business_date_current()


def active(books: Books, today: dt.date, *plans: tuple[str, int], year: int | None = None) -> Budget:
    """A budget that holds, with amounts for the open month."""
    user = user_make("budgets.manage")
    budget = budget_draft(
        acting_user=user, year=year or today.year, currency="KES", title="Plan", note="", at=clock.now()
    )
    lines = [LinePlan(books.branch, code, amount, today.month) for code, amount in plans]
    budget = budget_lines_set(acting_user=user, budget=budget, lines=lines, version=1, at=clock.now())
    return budget_activate_now(acting_user=user, budget=budget, at=clock.now())


def spend(books: Books, code: str, amount: int, day: dt.date | None = None) -> None:
    books.post(books.posting((books.internal(code), -amount), (books.cash(), amount), business_date=day))


def asked(books: Books, code: str, amount: int, day: dt.date) -> tuple[str, ...]:
    line = ManualLine(code, books.branch.pk, books.branch.code, "KES", -amount)
    other = ManualLine("1220", books.branch.pk, books.branch.code, "KES", amount)
    return entry_controls_run([line, other], day)


@given(st.integers(0, 10**12), st.sampled_from(SPREADS), st.lists(st.integers(-9, 10**9), min_size=12, max_size=12))
def test_a_spread_adds_up_to_what_was_spread(total: int, how: str, before: list[int]) -> None:
    months = spread(total, how, before=before)
    assert (len(months), sum(months)) == (12, total)
    assert min(months) >= 0


def test_a_copy_of_what_happened_and_a_copy_of_a_plan(books: Books, today: dt.date) -> None:
    user = user_make("budgets.manage")
    spend(books, "5510", 100_00, dt.date(today.year - 1, 3, 31))
    facts = {"acting_user": user, "year": today.year, "currency": "KES", "title": "x", "note": "", "at": clock.now()}
    first = budget_draft(**facts, from_actuals=True, factor=Decimal("1.055"))
    assert list(first.lines.filter(branch=books.branch).values_list("gl_account__code", "month", "amount")) == [
        ("5510", dt.date(today.year, 3, 1), 105_50)
    ]
    second = budget_draft(**facts, source=first, factor=Decimal(2))
    mine = second.lines.get(branch=books.branch)
    assert (second.number, mine.amount) == (first.number + 1, 211_00)


def test_planned_against_spent_and_promised(books: Books, today: dt.date) -> None:
    budget = active(books, today, ("5510", 100_00), ("4110", 50_00))
    spend(books, "5510", 60_00)
    spend(books, "5520", 5_00)
    user = user_make("budgets.manage")
    promise = commitment_create(
        acting_user=user, branch=books.branch, code="5510", month=today, amount=30_00, currency="KES",
        reference="PO 1", description="", at=clock.now(),
    )  # fmt: skip
    first = today.replace(day=1)
    rows = {row.code: row for row in variance(budget=budget, first=first, last=today)}
    rent = rows["5510"]
    assert (rent.planned, rent.actual, rent.committed, rent.left, rent.is_good) == (100_00, 60_00, 30_00, 10_00, True)
    assert (rows["4110"].left, rows["4110"].is_good) == (50_00, False)
    assert (rows["5520"].planned, rows["5520"].is_good) == (0, False)
    commitment_end(acting_user=user, commitment=promise, status="released", at=clock.now())
    assert variance(budget=budget, first=first, last=today, branch_ids=[books.branch.pk])[1].left == 40_00
    assert variance(budget=budget, first=first, last=today, branch_ids=[uuid.uuid4()]) == []


def test_a_cost_centre_has_places_and_the_nearest_counts(api_with: Any, books: Books, today: dt.date) -> None:
    budget = active(books, today, ("5510", 100_00), ("5520", 50_00), ("4110", 10_00))
    client = api_with("budgets.view", "budgets.manage")

    def put(code: str, *places: dict[str, str]) -> Any:
        return client.put("budgets/cost-centres", {"code": code, "name": code.title(), "places": list(places)})

    assert put("OPS", {"account_code": "5500"}).status_code == 200
    here = {"account_code": "5510", "branch": books.branch.code}
    assert put("IT", here).json()["places"] == [here]
    for wrong, pointer in (
        ({"account_code": "1120"}, "/places/0/account_code"),
        ({"account_code": "5510", "branch": "NOWHERE"}, "/places/0/branch"),
        (here, "/places"),  # the one of IT
    ):
        said = put("HR", wrong)
        assert (said.status_code, said.json()["errors"][0]["pointer"]) == (422, pointer)
    mine = f"budgets/{budget.pk}/variance?branch={books.branch.code}"
    rows = client.get(mine).json()["rows"]
    assert {row["account_code"]: row["cost_centre"] for row in rows} == {"4110": "", "5510": "IT", "5520": "OPS"}
    only = client.get(f"{mine}&cost_centre=OPS").json()["rows"]
    assert [row["account_code"] for row in only] == ["5520"]
    assert [one["code"] for one in client.get("budgets/cost-centres").json()["data"]] == ["IT", "OPS"]


def test_control_warns_or_stops_by_the_nearest_rule(books: Books, today: dt.date) -> None:
    user = user_make("budgets.manage")
    assert asked(books, "5510", 10**9, today) == ()  # no rule, no budget
    active(books, today, ("5510", 100_00), ("5520", 10_00))
    spend(books, "5510", 60_00)
    rule = {"acting_user": user, "span": "month", "alert_percent": 90, "at": clock.now()}
    rule_set(code="5500", mode="warn", **rule)
    assert asked(books, "5510", 40_00, today) == ()
    assert asked(books, "5510", 40_01, today) == asked(books, "5520", 10_01, today) == ("over budget",)
    rule_set(code="5510", mode="stop", **rule)
    with pytest.raises(BudgetExceeded) as refused:
        asked(books, "5510", 40_01, today)
    assert "40.00" in refused.value.detail
    assert asked(books, "5520", 10_01, today) == ("over budget",)
    rule_set(code="5510", mode="none", **rule)
    assert asked(books, "5510", 40_01, today) == ("over budget",)


def test_an_entry_by_hand_is_stopped_when_it_is_asked_for(api_with: Any, books: Books, today: dt.date) -> None:
    active(books, today, ("5510", 100_00))
    rule_set(acting_user=user_make(), code="5510", mode="stop", span="year", alert_percent=90, at=clock.now())
    client = api_with("ledger.post", "ledger.view")

    def entry(amount: str) -> Any:
        money = {"amount": amount, "currency": "KES"}
        lines = [
            {"account_code": code, "branch": books.branch.code, "side": side, "amount": money}
            for code, side in (("5510", "debit"), ("1220", "credit"))
        ]
        return client.post(
            "ledger/journal-entries", {"description": "Rent", "lines": lines}, headers={KEY: uuid.uuid4().hex}
        )

    stopped = entry("100.01")
    assert (stopped.status_code, stopped.json()["code"]) == (422, "budget-exceeded")
    assert entry("100.00").status_code == 201
    assert entry("0.01").json()["code"] == "budget-exceeded"


def test_alerts_are_told_once_a_month_and_level(books: Books, today: dt.date) -> None:
    keeper = user_make()
    keeper.roles.add(RoleFactory(permissions=["budgets.manage"]))
    active(books, today, ("5510", 100_00))
    spend(books, "5510", 95_00)
    rule_set(acting_user=keeper, code="5510", mode="warn", span="month", alert_percent=90, at=clock.now())
    assert [alerts_raise(day=today, at=clock.now()) for _ in range(2)] == [1, 0]
    spend(books, "5510", 6_00)
    assert alerts_raise(day=today, at=clock.now()) == 1
    assert list(BudgetAlert.objects.order_by("id").values_list("level", "used")) == [("near", 95_00), ("over", 101_00)]
    assert Notification.objects.filter(recipient=keeper, kind="budgets.alert").count() == 2


def test_a_budget_over_http_from_draft_to_variance(api_with: Any, books: Books, today: dt.date) -> None:
    client = api_with("budgets.view", "budgets.manage")
    made = client.post("budgets", {"year": today.year, "title": "Plan"}, headers={KEY: "a"})
    assert made.status_code == 201, made.content
    again = client.post("budgets", {"year": today.year, "title": "Plan"}, headers={KEY: "a"})
    assert (again.json(), again["Idempotency-Replayed"]) == (made.json(), "true")
    other = client.post("budgets", {"year": today.year, "title": "Other"}, headers={KEY: "a"})
    assert other.json()["code"] == "idempotency-key-reused"
    path = f"budgets/{made.json()['id']}"
    line = {"branch": books.branch.code, "account_code": "5510", "amount": {"amount": "1200.00", "currency": "KES"}}
    assert client.patch(f"{path}/lines", {"lines": [line]}, headers={"If-Match": '"9"'}).status_code == 412
    written = client.patch(f"{path}/lines", {"lines": [line]}, headers={"If-Match": '"1"'})
    assert written.json()["version"] == 2
    assert [row["amount"] for row in client.get(f"{path}/lines?limit=3").json()["data"]] == ["100.00"] * 3
    for change, pointer in (
        ({"account_code": "1120"}, "/lines/0/account_code"),
        ({"branch": "NOWHERE"}, "/lines/0/branch"),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, "/lines/0/amount"),
    ):
        wrong = client.patch(f"{path}/lines", {"lines": [{**line, **change}]}, headers={"If-Match": '"2"'}).json()
        assert (wrong["code"], wrong["errors"][0]["pointer"]) == ("budget-line-not-valid", pointer)
    held = client.post(f"{path}/activation", headers={KEY: "b"})
    assert held.json()["status"] == "active"
    late = client.patch(f"{path}/lines", {"lines": [line]}, headers={"If-Match": held["ETag"]})
    assert late.json()["code"] == "budget-not-draft"
    said = client.get(f"{path}/variance?from=1&to=2").json()
    assert [(row["planned"], row["left"]) for row in said["rows"]] == [("200.00", "200.00")]
    elsewhere = api_with("budgets.view", scope="branch", branch=BranchFactory())
    assert elsewhere.get(f"{path}/variance").json()["rows"] == []
    assert elsewhere.get(f"{path}/lines").json()["data"] == []
    assert elsewhere.post("budgets", {"year": today.year, "title": "Plan"}, headers={KEY: "a"}).status_code == 403


def test_a_new_version_waits_for_approval_where_a_policy_asks(api_with: Any, books: Books, today: dt.date) -> None:
    old = active(books, today, ("5510", 100_00))
    people = Bank()
    people.policy(people.level("finance", 1), kind="budgets.activate")
    client = api_with("budgets.view", "budgets.manage", "approvals.request")
    body = {"year": today.year, "title": "Plan 2", "begin_with": "budget", "copy_of": str(old.pk), "factor": "1.1"}
    new = client.post("budgets", body, headers={KEY: "a"}).json()
    waits = client.post(f"budgets/{new['id']}/activation", headers={KEY: "b"})
    assert waits.status_code == 202


def test_pages_of_budgets(client: Any, user_with: Any, books: Books, today: dt.date) -> None:
    budget = active(books, today, ("5510", 100_00))
    spend(books, "5510", 160_00)
    client.force_login(user_with("budgets.view", "backoffice.dashboard"))
    page = client.get(f"/admin/budgets/{budget.pk}/variance/").content.decode()
    assert "Adverse" in page
    assert "-60.00" in client.get(f"/admin/budgets/{budget.pk}/variance/?format=csv").content.decode()
    assert client.get("/admin/budgets/budget/").status_code == 200
    assert client.get(f"/admin/budgets/budget/{budget.pk}/change/").status_code == 200
    for name in ("budgetrule", "commitment", "budgetalert", "costcentre"):
        assert client.get(f"/admin/budgets/{name}/").status_code == 200
