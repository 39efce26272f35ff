"""Closing a year: entries like any other, once, undone with a reason, and statements that are right on both sides."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.balances.selectors import books_verify
from apps.core import clock
from apps.ledger.models import GLAccount, PeriodTotal
from apps.ledger.sealing import journal_seal_all
from apps.ledger.selectors import business_date_current
from apps.ledger.services import period_close, period_create
from apps.ledger.totals import period_totals_keep
from apps.reporting.drawing import statement_draw
from apps.reporting.errors import LayoutNotValid, TranslationRateMissing
from apps.reporting.locks import YEAR_LOCK
from apps.reporting.services import _years, layout_reset, layout_write, translation_rate_set, year_close, year_reopen
from apps.reporting.statements import BUILT_IN, DRAWN, FinancialStatement
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db


def figure(statement: FinancialStatement, label: str) -> tuple[int, ...]:
    (row,) = [row for row in statement.rows if row.label == label]
    return row.amounts


@pytest.fixture
def year() -> int:
    return business_date_current().year - 1


@pytest.fixture
def bank(year: int) -> Books:
    """Capital 1,000 and a result of 50 last year, in KES; 30 earned since. Income of two kinds, one expense."""
    gl_account_ready("3310")
    books = Books()
    for code, amount, day in (
        ("3120", 1_000_00, dt.date(year, 2, 1)),
        ("4110", 70_00, dt.date(year, 6, 30)),
        ("4210", 10_00, dt.date(year, 12, 31)),
        ("5510", -30_00, dt.date(year, 12, 31)),
        ("4110", 30_00, None),
    ):
        legs = ((books.cash(), -amount), (books.internal(code), amount))
        books.post(books.posting(*legs, business_date=day))
    return books


def drawn(kind: str, year: int, **options: Any) -> FinancialStatement:
    return statement_draw(
        kind=kind, since=dt.date(year, 1, 1), as_of=dt.date(year, 12, 31), currency="KES", branch_ids=None, **options
    )


def figures(year: int) -> dict[str, Any]:
    sheet, income = drawn("balance-sheet", year), drawn("income-statement", year)
    return {
        "income": figure(income, "Total income"),
        "net": figure(income, "Net result"),
        "open": figure(sheet, "Earnings not yet closed into equity"),
        "equity": figure(sheet, "Total equity"),
        "result": figure(drawn("changes-in-equity", year), "Result of the period"),
        "operations": figure(drawn("cash-flow", year), "Cash from operations"),
        "later": figure(drawn("income-statement", year + 1), "Net result"),
        "proven": all(drawn(kind, y).is_proven for kind in DRAWN for y in (year, year + 1)),
    }


def test_a_year_is_closed_once_and_opened_again_with_statements_right_throughout(bank: Books, year: int) -> None:
    user = user_make("ledger.manage_periods")
    before = figures(year)
    assert before["net"] == before["open"] == before["result"] == (50_00,)
    assert before["later"] == (30_00,)
    assert before["proven"]

    closed = year_close(acting_user=user, year=year, at=clock.now())
    assert (closed.status, closed.results, closed.entry_count) == ("closed", {"KES": 50_00}, 1)
    after = figures(year)
    assert after == {**before, "open": (0,)}  # the result is still the year's, and no longer open

    again = year_close(acting_user=user, year=year, at=clock.now())
    assert (again.entry_count, again.version) == (1, closed.version)

    late = ((bank.cash(), -5_00), (bank.internal("4390"), 5_00))
    bank.post(bank.posting(*late, business_date=dt.date(year, 12, 30)))
    assert figures(year)["open"] == (5_00,)
    assert year_close(acting_user=user, year=year, at=clock.now()).results == {"KES": 55_00}
    assert figures(year)["open"] == (0,)

    opened = year_reopen(acting_user=user, year=year, reason="An invoice came late", at=clock.now())
    assert (opened.status, opened.results, opened.entry_count) == ("reopened", {}, 4)
    assert figures(year)["open"] == figures(year)["net"] == (55_00,)
    year_reopen(acting_user=user, year=year, reason="again", at=clock.now())
    assert year_close(acting_user=user, year=year, at=clock.now()).results == {"KES": 55_00}
    assert figures(year)["open"] == (0,)
    assert figures(year)["proven"]
    assert books_verify().faults == []


def test_years_over_http(api_with: Any, bank: Books, year: int) -> None:
    client = api_with("ledger.view", "ledger.manage_periods")
    key = {"Idempotency-Key": "a"}
    early = client.post(f"reports/years/{year + 1}/close", {}, headers=key)
    assert (early.status_code, early.json()["code"]) == (409, "year-not-over")
    closed = client.post(f"reports/years/{year}/close", {}, headers=key)
    assert closed.status_code == 200, closed.content
    assert closed.json()["results"] == [{"amount": "50.00", "currency": "KES"}]
    body = {"reason": "Late invoice"}
    assert client.post(f"reports/years/{year}/reopen", body, headers=key).status_code == 403
    opener = api_with("ledger.view", "reporting.reopen_year")
    assert opener.post(f"reports/years/{year}/reopen", body, headers=key).json()["status"] == "reopened"
    assert [one["year"] for one in opener.get("reports/years").json()["data"]] == [year]
    never = opener.post(f"reports/years/{year - 5}/reopen", body, headers=key)
    assert (never.status_code, never.json()["code"]) == (409, "year-not-closed")


def test_totals_of_closed_periods_say_the_same_as_their_days(bank: Books, year: int) -> None:
    user = user_make("ledger.manage_periods")
    days = [dt.date(year, 12, 31), dt.date(year, 6, 29), dt.date(year, 6, 30), business_date_current()]

    def all_drawn() -> list[Any]:
        return [
            DRAWN[kind](columns=statement_columns(day), currency="KES").rows for day in days for kind in sorted(DRAWN)
        ]

    before, sheet = all_drawn(), drawn("balance-sheet", year).rows
    for code, first, last in (("H1", (1, 1), (6, 30)), ("H2", (7, 1), (12, 31))):
        period = period_create(
            acting_user=user, code=f"{year}{code}", starts_on=dt.date(year, *first), ends_on=dt.date(year, *last)
        )
        period_close(acting_user=user, period_id=period.pk, at=clock.now())
    assert period_totals_keep() == 0  # nothing is sealed yet
    journal_seal_all(at=clock.now())
    assert period_totals_keep() == 2
    assert period_totals_keep() == 0
    assert all_drawn() == before
    with connection.cursor() as cursor:  # they are read: without its days the period is still there
        cursor.execute("DELETE FROM ledger_daily_total WHERE business_date < %s", [dt.date(year, 7, 1)])
    assert drawn("balance-sheet", year).rows == sheet
    assert any("closed period" in fault for fault in books_verify().faults)
    assert PeriodTotal.objects.count() == 4 + 2


def statement_columns(day: dt.date) -> Any:
    from apps.reporting.statements import Column

    return [Column(day, day.replace(month=1, day=1)), Column(day)]


def test_two_steps_and_direct_method_say_the_same_as_one_and_indirect(bank: Books, year: int) -> None:
    two = drawn("income-statement", year, options={"variant": "two-step"})
    assert figure(two, "Net interest income") == (70_00,)
    assert figure(two, "Operating income") == (80_00,)
    assert figure(two, "Net result") == (50_00,)
    direct = drawn("cash-flow", year, options={"variant": "direct"})
    assert figure(direct, "Received: Interest on loans") == (70_00,)
    assert figure(direct, "Paid: Rent") == (-30_00,)
    assert figure(direct, "Cash from financing") == (1_000_00,)
    assert two.is_proven
    assert direct.is_proven


def test_a_branch_beside_the_whole(bank: Books, year: int) -> None:
    other = Books()
    other.post(other.posting((other.cash(), -7_00), (other.internal("3120"), 7_00), business_date=dt.date(year, 3, 1)))
    sheet = drawn("balance-sheet", year, options={"by": "branch"})
    found = dict(zip([column.branch for column in sheet.columns], figure(sheet, "Total assets"), strict=True))
    assert (found["Together"], found[bank.branch.code], found[other.branch.code]) == (1_057_00, 1_050_00, 7_00)
    assert sheet.is_proven


def test_other_currencies_are_translated_and_the_difference_is_shown(bank: Books, year: int) -> None:
    user = user_make("reporting.layouts")
    for day, code, amount in (((1, 10), "3120", 100_00), ((7, 10), "4310", 10_00)):
        legs = ((bank.cash("USD"), -amount, "USD"), (bank.internal(code, "USD"), amount, "USD"))
        bank.post(bank.posting(*legs, business_date=dt.date(year, *day)))
    with pytest.raises(TranslationRateMissing):
        drawn("balance-sheet", year, options={"basis": "translated"})
    for month, rate in ((1, "100"), (7, "110"), (12, "120")):
        translation_rate_set(
            acting_user=user, currency="USD", day=dt.date(year, month, 1), rate=Decimal(rate), at=clock.now()
        )
    sheet = drawn("balance-sheet", year, options={"basis": "translated"})
    assert figure(sheet, "Total assets") == (1_050_00 + 110_00 * 120,)
    assert figure(sheet, "Earnings not yet closed into equity") == (50_00 + 10_00 * 110,)
    assert figure(sheet, "Difference from translation") == (110_00 * 120 - 100_00 * 100 - 10_00 * 110,)
    assert figure(sheet, "Liabilities and equity") == figure(sheet, "Total assets")
    assert all(drawn(kind, year, options={"basis": "translated"}).is_proven for kind in DRAWN)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda items: items.pop(0), "/definition/items/0/of"),
        (lambda items: items[2]["nodes"].append("1100"), "/definition/items"),
        (lambda items: items[0].update(nodes=["9999"]), "/definition/items/0/nodes"),
        (lambda items: items[1].update(label=" "), "/definition/items/1"),
        (lambda items: items[0].update(section="both"), "/definition/items/7"),
    ],
)
def test_a_layout_has_each_node_once(bank: Books, change: Any, pointer: str) -> None:
    import copy

    definition = copy.deepcopy(BUILT_IN["balance-sheet"])
    items = definition["items"]
    change(items)
    if items[0].get("section") == "both":
        items[1]["of"] = ["both"]
    with pytest.raises(LayoutNotValid) as found:
        layout_write(
            acting_user=user_make(), kind="balance-sheet", definition=dict(definition), note="", at=clock.now()
        )
    assert found.value.pointer == pointer


def test_a_layout_of_the_banks_own_holds_until_it_is_reset(bank: Books, year: int) -> None:
    user = user_make("reporting.layouts")
    items = [
        {"section": "cash", "label": "Liquid funds", "nodes": ["1100"], "side": "debit"},
        {"total": "all", "label": "Cash in hand", "of": ["cash"], "side": "debit"},
    ]
    with pytest.raises(LayoutNotValid):  # equity is left out
        layout_write(acting_user=user, kind="balance-sheet", definition={"items": items}, note="", at=clock.now())
    items.insert(1, {"section": "equity", "label": "Own funds", "nodes": ["3000"]})
    items.insert(2, {"section": "owed", "label": "Owed", "nodes": ["2000"]})
    layout_write(acting_user=user, kind="balance-sheet", definition={"items": items}, note="Short", at=clock.now())
    sheet = drawn("balance-sheet", year)
    assert figure(sheet, "Cash in hand") == (1_050_00,)
    assert sheet.is_proven
    layout_reset(acting_user=user, kind="balance-sheet", at=clock.now())
    assert figure(drawn("balance-sheet", year), "Total assets") == (1_050_00,)


def test_what_keeps_a_year_from_being_closed_is_said(
    api_with: Any, bank: Books, year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api_with("ledger.manage_periods")

    def close() -> tuple[int, str]:
        answer = client.post(f"reports/years/{year}/close", headers={"Idempotency-Key": "a"})
        return answer.status_code, answer.json().get("code", "")

    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [YEAR_LOCK])
        assert close() == (409, "year-close-busy")
    finally:
        other.close()
    GLAccount.objects.filter(code="3310").update(is_active=False)
    assert close() == (422, "retained-earnings-missing")
    GLAccount.objects.filter(code="3310").update(is_active=True)
    monkeypatch.setattr(_years, "AMOUNT_MAX", 49_99)
    assert close() == (422, "amount-out-of-range")
    monkeypatch.undo()
    period = period_create(acting_user=None, code="Y", starts_on=dt.date(year, 1, 1), ends_on=dt.date(year, 12, 31))
    period_close(acting_user=None, period_id=period.pk, at=clock.now())
    assert close() == (422, "period-closed")
