"""Financial statements: what they show, that they tie to the books, and that every form of them says the same."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pypdf import PdfReader

from apps.core import clock
from apps.ledger.models import GLAccount
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current
from apps.ledger.totals import journal_lines
from apps.reporting.statements import DRAWN, Column, FinancialStatement, columns_of
from tests.factories.books import gl_account_ready
from tests.factories.identity import BranchFactory
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db

CODES = ("1120", "1740", "2110", "3110", "4110", "5510", "5110")


def drawn(kind: str, *columns: Column) -> FinancialStatement:
    today = business_date_current()
    return DRAWN[kind](columns=columns or (Column(today, today.replace(month=1, day=1)),), currency="KES")


def amount_of(statement: FinancialStatement, label: str) -> tuple[int, ...]:
    (row,) = [row for row in statement.rows if row.label == label]
    return row.amounts


@pytest.fixture
def small_bank() -> Books:
    """Capital 1,000, a computer for 300, a deposit of 500, 80 of interest earned, 30 of rent paid; all today."""
    books = Books()
    cash = books.cash()
    for debit, credit, amount in (
        (cash, books.internal("3110"), 1_000_00),
        (books.internal("1740"), cash, 300_00),
        (cash, books.customer(0), 500_00),
        (cash, books.internal("4110"), 80_00),
        (books.internal("5510"), cash, 30_00),
    ):
        books.post(books.posting((debit, -amount, "KES"), (credit, amount, "KES")))
    return books


def test_the_balance_sheet_shows_what_is_owned_owed_and_left(small_bank: Books) -> None:
    sheet = drawn("balance-sheet")

    assert amount_of(sheet, "Total assets") == (1_550_00,)
    assert amount_of(sheet, "Total liabilities") == (500_00,)
    assert amount_of(sheet, "Earnings not yet closed into equity") == (50_00,)
    assert amount_of(sheet, "Total equity") == (1_050_00,)
    assert amount_of(sheet, "Liabilities and equity") == (1_550_00,)
    assert sheet.is_proven


def test_the_income_statement_shows_the_result_of_a_period(small_bank: Books) -> None:
    today = business_date_current()
    yesterday = today - dt.timedelta(days=1)
    statement = drawn("income-statement", Column(today, today), Column(yesterday, yesterday))

    assert amount_of(statement, "Total income") == (80_00, 0)
    assert amount_of(statement, "Total expenses") == (30_00, 0)
    assert amount_of(statement, "Net result") == (50_00, 0)
    assert statement.is_proven


def test_cash_flow_ends_at_the_cash_of_the_balance_sheet(small_bank: Books) -> None:
    flow = drawn("cash-flow")

    assert amount_of(flow, "Cash from operations") == (550_00,)
    assert amount_of(flow, "Cash from investing") == (-300_00,)
    assert amount_of(flow, "Cash from financing") == (1_000_00,)
    assert amount_of(flow, "Cash at the end") == (1_250_00,)
    assert flow.is_proven


def test_changes_in_equity_lead_from_opening_to_closing(small_bank: Books) -> None:
    changes = drawn("changes-in-equity")

    assert amount_of(changes, "Equity at the beginning") == (0,)
    assert amount_of(changes, "Result of the period") == (50_00,)
    assert amount_of(changes, "Equity at the end") == (1_050_00,)
    assert changes.is_proven


def test_sealing_changes_no_figure(small_bank: Books) -> None:
    before = [drawn(kind).rows for kind in DRAWN]
    journal_seal_all(at=clock.now())

    assert [drawn(kind).rows for kind in DRAWN] == before


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(CODES), st.integers(1, 10**9)), max_size=8))
def test_every_statement_is_proven_after_any_postings(moves: list[tuple[str, str, int]]) -> None:
    books = Books()
    for debit, credit, amount in moves:
        if debit == credit:
            continue
        legs = [books.internal(code) if code != "2110" else books.internal("2510") for code in (debit, credit)]
        books.post(books.posting((legs[0], -amount, "KES"), (legs[1], amount, "KES")))

    statements = [drawn(kind) for kind in DRAWN]

    assert all(statement.is_proven for statement in statements), [one.proofs for one in statements]
    assert amount_of(statements[0], "Total assets") == amount_of(statements[0], "Liabilities and equity")
    nets: dict[str, int] = {}
    lines = journal_lines(branch_ids=None).filter(currency="KES")
    for code, side, amount in lines.values_list("account__gl_account__code", "side", "amount"):
        nets[code] = nets.get(code, 0) + (amount if side == "C" else -amount)
    for row in (row for one in statements[:2] for row in one.rows if row.kind == "line" and row.code):
        assert abs(row.amounts[0]) == abs(nets[row.code]), row  # what one drills down to adds up to the figure


def test_a_group_is_the_sum_of_its_lines(small_bank: Books) -> None:
    rows = drawn("balance-sheet").rows
    parents = {node.code: node.parent and node.parent.code for node in GLAccount.objects.select_related("parent")}
    groups = {row.code: row.amounts for row in rows if row.kind == "group"}
    assert groups
    for code, amounts in groups.items():
        below = [row.amounts for row in rows if row.kind == "line" and parents.get(row.code) == code]
        assert amounts == tuple(map(sum, zip(*below, strict=True)))


@pytest.mark.parametrize("kind", sorted(DRAWN))
def test_every_form_says_the_same(api_with: Any, small_bank: Books, kind: str) -> None:
    client = api_with("ledger.view")
    said = client.get(f"reports/{kind}?compare=year").json()
    assert said["is_proven"]
    assert len(said["columns"]) == 2
    wanted = [(row["label"], [Decimal(amount) for amount in row["amounts"]]) for row in said["rows"]]

    text = client.get(f"reports/{kind}?compare=year&format=csv").content.decode("utf-8-sig")
    rows = [row for row in list(csv.reader(io.StringIO(text)))[1:] if row[0] != "proof"]
    assert [(row[2], [Decimal(amount) for amount in row[4:]]) for row in rows] == wanted

    book = load_workbook(io.BytesIO(client.get(f"reports/{kind}?compare=year&format=xlsx").content))
    cells = list(book.worksheets[0].iter_rows(min_row=3, max_row=2 + len(wanted), values_only=True))
    assert [
        (row[1], [round(Decimal(str(amount)), 2) for amount in row[2:] if amount is not None]) for row in cells
    ] == wanted

    pdf = client.get(f"reports/{kind}?compare=year&format=pdf")
    assert pdf["Content-Type"] == "application/pdf"
    printed = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages)
    assert "NOT PROVEN" not in printed
    for label, amounts in wanted:
        assert label in printed
        for amount in amounts:
            assert f"{abs(amount):,.2f}" in printed


def test_bad_periods_and_branches_out_of_reach_are_refused(api_with: Any, small_bank: Books) -> None:
    client = api_with("ledger.view")
    wrong = client.get("reports/income-statement?from=2026-02-01&as_of=2026-01-01")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "report-period")
    assert client.get("reports/income-statement?branch=NOWHERE").status_code == 404
    assert api_with("members.view").get("reports/balance-sheet").status_code == 403


def test_staff_of_a_branch_see_their_branch_only(api_with: Any, small_bank: Books) -> None:
    client = api_with("ledger.view", scope="branch", branch=BranchFactory())
    said = client.get("reports/balance-sheet").json()
    assert {amount for row in said["rows"] for amount in row["amounts"]} == {"0.00"}


def test_statements_cost_the_same_however_many_columns(small_bank: Books, django_assert_num_queries: Any) -> None:
    today = business_date_current()
    columns = columns_of(since=today.replace(month=1, day=1), as_of=today, compare=True)
    with django_assert_num_queries(2):
        DRAWN["cash-flow"](columns=columns, currency="KES")


def test_a_leap_day_is_compared_with_the_last_of_february() -> None:
    columns = columns_of(since=dt.date(2024, 2, 1), as_of=dt.date(2024, 2, 29), compare=True)
    assert columns[1] == Column(dt.date(2023, 2, 28), dt.date(2023, 2, 1))


def test_the_page_shows_the_statement_and_its_proof(client: Any, user_with: Any, small_bank: Books) -> None:
    gl_account_ready("1120")
    client.force_login(user_with("ledger.view", "reporting.read", "backoffice.dashboard"))
    lines = client.get("/admin/reports/income-statement/").content.decode().split("kind=4110")[1].split('"')[0]
    found = client.get("/admin/reports/lists/journal-lines/?kind=4110" + lines.replace("&amp;", "&")).content.decode()
    assert ("Total" in found, found.count("80.00")) == (True, 2)
    for kind in DRAWN:
        page = client.get(f"/admin/reports/{kind}/")
        assert page.status_code == 200
        assert "Ties to the trial balance" in page.content.decode()
    assert client.get("/admin/reports/balance-sheet/?format=pdf").content.startswith(b"%PDF")
    future = client.get("/admin/reports/balance-sheet/?as_of=2199-01-01").content.decode()
    assert "nothing is posted after it yet" in future
    assert client.get("/admin/reports/nothing/").status_code == 404
