"""Reports on the staff site: dashboards, lists, reports of one's own, year ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.reporting.dashboards import DASHBOARDS
from apps.reporting.models import ReportDefinition, YearClose
from apps.reporting.tables import TABLES
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import RoleFactory
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Any, user_with: Any) -> Any:
    codes = (
        "ledger.view",
        "reporting.analytics",
        "reporting.read",
        "reporting.define",
        "accounts.view",
        "members.view",
        "lending.view",
        "payments.view_tills",
        "budgets.view",
        "compliance.view",
    )
    client.force_login(user_with(*codes, "audit.view", "ledger.manage_periods", "backoffice.dashboard"))
    return client


def test_dashboards_draw_charts_with_their_tables_and_files(staff: Any) -> None:
    books = Books()
    cash_move(AccountFactory(branch=books.branch), "70.00")
    for code in DASHBOARDS:
        page = staff.get(f"/admin/analytics/{code}/?interval=week")
        assert page.status_code == 200
    shown = staff.get("/admin/analytics/bank/").content.decode()
    assert "Deposits held, KES" in shown
    assert "<svg" in shown
    assert "70" in staff.get("/admin/analytics/bank/?export=0").content.decode()
    assert "No figures" in staff.get("/admin/analytics/lending/").content.decode()
    assert staff.get("/admin/analytics/nothing/").status_code == 404


@pytest.mark.parametrize(
    ("role", "codes", "first"),
    [
        ("teller", ("payments.view_tills", "members.view"), "counter"),
        ("loan_officer", ("lending.view", "members.view"), "lending"),
        ("auditor", ("ledger.view", "audit.view", "payments.view_tills"), "control"),
    ],
)
def test_everybody_comes_to_the_dashboard_of_a_role_of_theirs(
    client: Any, user_with: Any, role: str, codes: tuple[str, ...], first: str
) -> None:
    user = user_with("backoffice.dashboard", "reporting.analytics", *codes)
    user.roles.add(RoleFactory(code=role, permissions=list(codes)))
    client.force_login(user)
    assert client.get("/admin/analytics/")["Location"] == f"/admin/analytics/{first}/"
    assert client.get("/admin/analytics/finance/").status_code == 403


def test_insights_say_what_they_found_and_how(staff: Any) -> None:
    books, today = Books(), business_date_current()
    assert "Too little is known yet" in staff.get("/admin/analytics/insights/?metric=collected").content.decode()
    account = AccountFactory(branch=books.branch).ledger_account_id
    index = today.year * 12 + today.month - 1
    for back in range(30, 0, -1):
        day = dt.date((index - back) // 12, (index - back) % 12 + 1, 1)
        amount = 90_000_00 if back == 9 else 1_000_00
        books.post(books.posting((books.cash(), -amount), (account, amount), business_date=day))
    said = staff.get("/admin/analytics/insights/?metric=deposits").content.decode()
    for words in ("stands out: up by KES 90,000.00", "On the last known months", "Season:", "Gini", "Forecast"):
        assert words in said
    assert "Nobody joined" not in said
    assert staff.get("/admin/analytics/insights/?metric=members").status_code == 200


def test_lists_are_shown_and_filtered(staff: Any) -> None:
    cash_move(AccountFactory(), "70.00", kind="cash_movement")
    assert "Largest depositors" in staff.get("/admin/reports/lists/").content.decode()
    for code, report in TABLES.items():
        wanted = 403 if report.permission == "identity.view_users" else 200
        assert staff.get(f"/admin/reports/lists/{code}/").status_code == wanted
    assert "70.00" in staff.get("/admin/reports/lists/top-depositors/?limit=1&as_of=x").content.decode()
    summary = "/admin/reports/lists/transaction-summary/"
    assert ">Cash movement</a>" in staff.get(summary).content.decode()  # people read words, programs the code
    assert b"cash_movement" in b"".join(staff.get(summary + "?format=csv"))
    assert staff.get("/admin/reports/lists/top-depositors/?format=csv").getvalue().count(b"\r\n") == 2


def test_a_report_of_ones_own_is_built_previewed_saved_and_changed(staff: Any) -> None:
    account = AccountFactory()
    cash_move(account, "70.00")
    assert "Deposit accounts" in staff.get("/admin/reports/own/new/").content.decode()
    form = {
        "dataset": "accounts", "title": "Mine", "groups": ["branch", ""], "measures": ["count", "sum:balance"],
        "filter_field": ["balance", ""], "filter_op": ["at_least", "eq"], "filter_value": ["50.00 KES", ""],
        "sort": "sum_balance", "descending": "on", "chart": "bars", "chart_value": "sum_balance",
        "chart_label": "branch",
    }  # fmt: skip
    preview = staff.post("/admin/reports/own/new/", {**form, "preview": ""}).content.decode()
    assert account.branch.code in preview
    bad = staff.post("/admin/reports/own/new/", {**form, "sort": "nothing", "save": ""}).content.decode()
    assert "Sorted by a column of the report." in bad
    saved = staff.post("/admin/reports/own/new/", {**form, "save": ""})
    assert saved.status_code == 302
    page = staff.get(saved["Location"]).content.decode()
    assert "<svg" in page
    assert "70.00" in page
    definition = ReportDefinition.objects.get()
    again = staff.get(f"/admin/reports/own/new/?definition={definition.pk}").content.decode()
    assert "50.00 KES" in again
    staff.post("/admin/reports/own/new/", {**form, "definition": str(definition.pk), "title": "Ours", "save": ""})
    definition.refresh_from_db()
    assert (definition.title, definition.number) == ("Ours", 2)


def test_a_year_is_closed_on_its_page(staff: Any) -> None:
    gl_account_ready("3310")
    books = Books()
    year = business_date_current().year - 1
    legs = ((books.cash(), -70_00), (books.internal("4110"), 70_00))
    books.post(books.posting(*legs, business_date=business_date_current().replace(year=year, day=1)))
    assert f"Close {year}" in staff.get("/admin/reports/years/").content.decode()
    done = staff.post("/admin/reports/years/", {"year": str(year), "act": "close"}, follow=True).content.decode()
    assert f"The result of {year} is in retained earnings." in done
    assert YearClose.objects.get().results == {"KES": 70_00}
    assert staff.post("/admin/reports/years/", {"year": str(year), "act": "open", "reason": "x"}).status_code == 403


def test_the_results_of_the_bank_are_not_for_a_branch(client: Any, user_with: Any, branch: Any) -> None:
    facts = {"results": {"KES": 123_45}, "entry_count": 1, "changed_by": user_with(), "changed_at": clock.now()}
    YearClose.objects.create(year=2025, status="closed", **facts)
    page = f"/admin/reporting/yearclose/{YearClose.objects.get().pk}/change/"
    for scope, found in (("all", 200), ("branch", 404)):
        client.force_login(user_with("ledger.view", "backoffice.dashboard", scope=scope, branch=branch))
        assert client.get(page).status_code == found


def test_a_list_that_leaves_as_a_file_is_noted(staff: Any, api_with: Any) -> None:
    assert staff.get("/admin/reports/lists/dormant-accounts/?format=csv").status_code == 200
    api = api_with("reporting.read", "accounts.view").step_up()
    assert api.get("reports/tables/dormant-accounts?format=csv").status_code == 200
    noted = AuditEvent.objects.filter(action="reporting.table.exported", kind="access", object_id="dormant-accounts")
    assert [(one.after["form"], one.actor is not None) for one in noted] == [("csv", True)] * 2
