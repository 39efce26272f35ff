"""What the pages say: figures as the books have them, each list within its number of queries."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from apps.accounts.models import StatementIssue
from apps.audit.models import AuditEvent
from apps.core.display import money_short, money_text
from apps.core.money import Money
from apps.ledger.models import LedgerAccount
from apps.ledger.selectors import business_date_current
from apps.ledger.services import period_create
from apps.members.services import member_update
from tests.backoffice.conftest import EVERYTHING, Bank
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.identity import BranchFactory
from tests.factories.members import MemberFactory


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    return response.content.decode()


def queries_of(client: Client, url: str) -> int:
    text_of(client, url)  # caches of the process: content types, the chart's ids
    with CaptureQueriesContext(
        connection,
    ) as captured:
        text_of(client, url)
    return len(captured)


# -- the dashboard


def test_the_dashboard_of_an_empty_bank_says_how_to_fill_it(staff: Callable[..., Client]) -> None:
    client = staff(*EVERYTHING, scope="branch", branch=BranchFactory())
    assert "seed --profile demo" in text_of(client, reverse("admin:index"))


def test_the_dashboard_shows_the_books(auditor: Client, bank: Bank) -> None:
    text = text_of(auditor, reverse("admin:index"))
    assert f"KES {money_short(bank.deposits, 'KES')}" in text
    assert "The books balance" in text
    assert "Rent for March" in text
    assert text.count('class="nm-bar"') == 24


def test_the_dashboard_of_a_branch_is_that_branch(staff: Callable[..., Client], bank: Bank) -> None:
    text = text_of(staff(*EVERYTHING, scope="branch", branch=bank.east), reverse("admin:index"))
    assert "KES 1,016" in text
    assert "Your branch only" in text


def test_the_dashboard_needs_its_permission(staff: Callable[..., Client], bank: Bank) -> None:
    text = text_of(staff("members.view"), reverse("admin:index"))
    assert "do not include the dashboard" in text
    assert "KES" not in text


def test_the_dashboard_costs_the_same_for_any_number_of_entries(auditor: Client, bank: Bank) -> None:
    before = queries_of(auditor, reverse("admin:index"))
    for _ in range(12):
        cash_move(bank.alice, "1.00")
    assert queries_of(auditor, reverse("admin:index")) == before <= 20


# -- lists


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("members_member", 8),
        ("accounts_account", 8),
        ("ledger_journalentry", 9),
        ("ledger_ledgeraccount", 8),
        ("balances_hold", 8),
    ],
)
def test_a_list_costs_the_same_for_any_number_of_rows(auditor: Client, bank: Bank, name: str, most: int) -> None:
    url = reverse(f"admin:{name}_changelist")
    before = queries_of(auditor, url)
    for _ in range(4):
        AccountFactory(balance="10.00", product=bank.alice.product, member=MemberFactory(branch=bank.east))
    assert queries_of(auditor, url) == before <= most


def test_a_page_of_a_list_has_25_rows(auditor: Client, bank: Bank) -> None:
    for _ in range(26):
        cash_move(bank.alice, "1.00")
    text = text_of(auditor, reverse("admin:ledger_journalentry_changelist"))
    assert text.count('class="data-row') == 25


def test_members_are_found_by_name_number_and_phone(auditor: Client, bank: Bank) -> None:
    url = reverse("admin:members_member_changelist")
    for term in ("alice", "OTIENO ali", bank.alice.member.number):
        assert "Alice Otieno" in text_of(auditor, f"{url}?q={term}"), term
    assert "Alice Otieno" not in text_of(auditor, f"{url}?q=zzz")
    assert "Alice Otieno" not in text_of(auditor, f"{url}?q=%27%3B--")
    assert auditor.get(f"{url}?q=%00").status_code == 400


def test_accounts_are_found_by_number_and_by_member(auditor: Client, bank: Bank) -> None:
    url = reverse("admin:accounts_account_changelist")
    assert bank.bob.number not in text_of(auditor, f"{url}?q={bank.alice.number}")
    assert bank.alice.number in text_of(auditor, f"{url}?q=otieno")


def test_entries_are_found_by_number_reference_and_text(auditor: Client, bank: Bank) -> None:
    url = reverse("admin:ledger_journalentry_changelist")
    for term in (str(bank.transfer), f"%23{bank.transfer}", "INV-2026", "rent for"):
        text = text_of(auditor, f"{url}?q={term}")
        assert "Rent for March" in text, term
        assert text.count('class="data-row') == 1, term


# -- records


def test_an_account_shows_its_balance_and_transactions(auditor: Client, bank: Bank) -> None:
    overview = text_of(auditor, reverse("admin:accounts_account_change", args=[bank.alice.pk]))
    assert "KES 1,016.30" in overview
    transactions = text_of(auditor, reverse("admin:accounts_account_transactions", args=[bank.alice.pk]))
    for shown in ("1,000.00", "949.75", "1,149.75", "1,139.75", "123.45", "Rent for March", "INV-2026-77"):
        assert shown in transactions, shown


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("direction=in", 2),
        ("direction=out", 3),
        ("kind=transfer", 1),
        ("min=100&max=300", 2),
        ("q=rent", 1),
        ("q=inv-2026", 1),
        ("from=2000-01-01&to=2000-12-31", 0),
        ("direction=sideways&kind=nonsense", 5),
    ],
)
def test_transactions_are_narrowed(auditor: Client, bank: Bank, query: str, rows: int) -> None:
    url = reverse("admin:accounts_account_transactions", args=[bank.alice.pk])
    assert text_of(auditor, f"{url}?{query}").count('data-label="Entry"') == rows


def test_filters_that_cannot_be_read_are_said(auditor: Client, bank: Bank) -> None:
    url = reverse("admin:accounts_account_transactions", args=[bank.alice.pk])
    text = text_of(auditor, f"{url}?from=31/12/2026&min=abc&to=9999-99-99&max=1.001")
    assert text.count('role="alert"') == 4


def test_pages_of_transactions_meet_without_gap_or_overlap(auditor: Client, bank: Bank) -> None:
    for _ in range(60):
        cash_move(bank.alice, "1.00")
    url = reverse("admin:accounts_account_transactions", args=[bank.alice.pk])
    seen: list[list[int]] = []
    page = auditor.get(url).context["lines_page"]
    while True:
        seen.append([line.journal_id for line in page.lines])
        if page.older is None:
            break
        page = auditor.get(f"{url}?after={page.older}").context["lines_page"]
    numbers = [number for one in seen for number in one]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == 65
    back = auditor.get(f"{url}?before={page.newer}").context["lines_page"]
    assert [line.journal_id for line in back.lines] == seen[-2]
    for key in ("x", "1-", "-1", "1-2-3", "9" * 30 + "-1"):
        assert auditor.get(f"{url}?after={key}").status_code == 404, key


def test_an_entry_shows_its_lines_seal_and_party(auditor: Client, bank: Bank) -> None:
    text = text_of(auditor, reverse("admin:ledger_journalentry_change", args=[bank.transfer]))
    assert text.count("123.45") == 4  # two lines, two totals
    assert "Balanced" in text
    assert "Sealed" in text
    assert bank.alice.number in text


def test_a_statement_is_a_file_and_is_recorded(auditor: Client, bank: Bank) -> None:
    today = business_date_current()
    url = reverse("admin:accounts_account_statement_file", args=[bank.alice.pk])
    period = f"from={today.replace(day=1)}&to={today}"
    csv = auditor.get(f"{url}?format=csv&{period}")
    assert csv["Content-Type"].startswith("text/csv")
    assert b"123.45" in csv.content
    pdf = auditor.get(f"{url}?format=pdf&{period}")
    assert pdf.content.startswith(b"%PDF")
    assert "attachment" in pdf["Content-Disposition"]
    assert StatementIssue.objects.filter(account=bank.alice).count() >= 1
    assert AuditEvent.objects.filter(kind="access", action__contains="statement").exists()


@pytest.mark.parametrize("query", ["", "format=exe&from=2026-01-01&to=2026-01-02", "format=pdf&from=2026-01-01"])
def test_a_statement_of_nothing_is_not_found(auditor: Client, bank: Bank, query: str) -> None:
    url = reverse("admin:accounts_account_statement_file", args=[bank.alice.pk])
    assert auditor.get(f"{url}?{query}").status_code == 404


def test_a_statement_that_is_refused_is_explained(auditor: Client, bank: Bank) -> None:
    url = reverse("admin:accounts_account_statement_file", args=[bank.alice.pk])
    text = text_of(auditor, f"{url}?format=pdf&from=2020-01-01&to=2026-01-01")
    assert "366 days" in text
    assert 'role="alert"' in text


def test_history_shows_before_and_after_and_by_whom(auditor: Client, bank: Bank) -> None:
    user: Any = auditor.get(reverse("admin:index")).wsgi_request.user
    user.full_name = "Amina Hassan"
    user.save()
    member = bank.alice.member
    member_update(
        acting_user=user,
        member_id=member.pk,
        expected_version=member.version,
        city="Kisumu",
        today=business_date_current(),
    )
    text = text_of(auditor, reverse("admin:members_member_history", args=[member.pk]))
    assert "<ins>Kisumu</ins>" in text
    by = f'<span title="{user.email}">Amina Hassan</span>'
    assert by in text
    trail = text_of(auditor, reverse("admin:audit_auditevent_changelist"))
    assert by in trail
    assert "Object label" not in trail
    assert "search_text" not in text.lower().replace(" ", "_")


# -- the books


def test_the_trial_balance_leads_from_the_chart_to_the_lines(auditor: Client, bank: Bank) -> None:
    text = text_of(auditor, reverse("admin:ledger_trial_balance"))
    assert "Balanced: debits equal credits" in text
    assert money_text(bank.deposits, "KES") in text
    node = bank.alice.product.gl_account
    assert reverse("admin:ledger_glaccount_change", args=[node.pk]) in text
    overview = text_of(auditor, reverse("admin:ledger_glaccount_change", args=[node.pk]))
    assert "1,016.30" in overview
    accounts = text_of(auditor, reverse("admin:ledger_glaccount_accounts", args=[node.pk]))
    assert reverse("admin:ledger_ledgeraccount_lines", args=[bank.alice.ledger_account_id]) in accounts
    lines = text_of(auditor, reverse("admin:ledger_ledgeraccount_lines", args=[bank.alice.ledger_account_id]))
    assert "1,016.30" in lines


def test_a_members_account_that_is_seen_from_the_books_is_noted(auditor: Client, bank: Bank) -> None:
    seen = AuditEvent.objects.filter(kind="access", object_type="ledger.ledgeraccount")
    internal = LedgerAccount.objects.filter(kind=LedgerAccount.Kind.INTERNAL).first()
    assert internal is not None
    for account in (bank.alice.ledger_account, internal):
        assert auditor.get(reverse("admin:ledger_ledgeraccount_lines", args=[account.pk])).status_code == 200
    assert [one.object_id for one in seen] == [str(bank.alice.ledger_account_id)]


def test_the_trial_balance_is_narrowed_by_day_branch_and_currency(auditor: Client, bank: Bank) -> None:
    url = reverse("admin:ledger_trial_balance")
    assert "Nothing posted" in text_of(auditor, f"{url}?as_of=2000-01-01")
    assert "Nothing posted" in text_of(auditor, f"{url}?currency=JPY")
    east = text_of(auditor, f"{url}?branch={bank.east.code}")
    assert "1,016.30" in east
    assert money_text(bank.deposits, "KES") not in east
    assert 'role="alert"' in text_of(auditor, f"{url}?as_of=yesterday")


def test_a_branch_sees_its_own_trial_balance_only(staff: Callable[..., Client], bank: Bank) -> None:
    client = staff("ledger.view", scope="branch", branch=bank.east)
    url = reverse("admin:ledger_trial_balance")
    for query in ("", f"?branch={bank.west.code}"):
        text = text_of(client, url + query)
        assert "1,016.30" in text
        assert "1,263.20" not in text
    csv = client.get(f"{url}?branch={bank.west.code}&format=csv").content.decode()
    assert "1263.20" not in csv


def test_the_files_of_the_trial_balance_hold_its_figures(auditor: Client, bank: Bank) -> None:
    url = reverse("admin:ledger_trial_balance")
    csv = auditor.get(f"{url}?format=csv").content.decode("utf-8-sig")
    assert csv.splitlines()[0] == "Currency,Code,Account,Type,Turnover debit,Turnover credit,Debit,Credit"
    assert Money(bank.deposits, "KES").amount in csv
    sheet = load_workbook(io.BytesIO(auditor.get(f"{url}?format=xlsx").content)).active
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert sum(row[6] for row in rows) == pytest.approx(sum(row[7] for row in rows))
    held = next(row[7] for row in rows if row[:2] == ("KES", "2110"))
    assert held == pytest.approx(bank.deposits / 100)
    assert auditor.get(f"{url}?format=exe").status_code == 404


def test_the_chart_is_a_tree_whose_heads_carry_the_sum(auditor: Client, bank: Bank) -> None:
    nodes = {
        node.account.code: node
        for node in auditor.get(reverse("admin:ledger_glaccount_changelist")).context["chart_nodes"]
    }
    assert nodes["2110"].balances["KES"] == bank.deposits
    below = [node for code, node in nodes.items() if code.startswith("21") and node.depth == 2]
    assert nodes["2100"].balances["KES"] == sum(node.balances.get("KES", 0) for node in below)
    assert (nodes["2000"].depth, nodes["2110"].depth) == (0, 2)
    assert nodes["1120"].shown == bank.cash  # cash grows by debits, so it is shown positive


# -- periods


@pytest.fixture
def period(bank: Bank) -> Any:
    start = dt.date(2020, 1, 1)
    return period_create(acting_user=None, code="2020-01", starts_on=start, ends_on=dt.date(2020, 1, 31))


def test_a_period_is_closed_after_asking(staff: Callable[..., Client], period: Any) -> None:
    client = staff("ledger.view", "ledger.manage_periods")
    url = reverse("admin:ledger_accountingperiod_close", args=[period.pk])
    assert "cannot be opened again" in text_of(client, url)
    period.refresh_from_db()
    assert period.status == "open"
    response = client.post(url, follow=True)
    period.refresh_from_db()
    assert period.status == "closed"
    assert "is closed" in response.content.decode()
    assert AuditEvent.objects.filter(action="ledger.period.closed", object_id=str(period.pk)).exists()


def test_only_who_manages_periods_closes_one(auditor: Client, period: Any) -> None:
    url = reverse("admin:ledger_accountingperiod_close", args=[period.pk])
    assert auditor.get(url).status_code == 403
    assert auditor.post(url).status_code == 403
    period.refresh_from_db()
    assert period.status == "open"
    assert url not in text_of(auditor, reverse("admin:ledger_accountingperiod_change", args=[period.pk]))


def test_a_refusal_to_close_is_said(staff: Callable[..., Client], bank: Bank) -> None:
    today = business_date_current()
    current = period_create(acting_user=None, code="now", starts_on=today, ends_on=today)
    client = staff("ledger.view", "ledger.manage_periods")
    response = client.post(reverse("admin:ledger_accountingperiod_close", args=[current.pk]), follow=True)
    assert "The open business day is" in response.content.decode()
    current.refresh_from_db()
    assert current.status == "open"


def test_an_empty_list_says_where_its_records_come_from(staff: Callable[..., Client]) -> None:
    client = staff("jobs.view", "accounts.view")
    letters = client.get(reverse("admin:jobs_deadletter_changelist")).content.decode()
    assert "Good: no background job has failed for good." in letters
    assert (
        "No account matches" in client.get(reverse("admin:accounts_account_changelist"), {"q": "zz9"}).content.decode()
    )
