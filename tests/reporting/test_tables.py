"""Operational reports: what they say, the same in every form, to nobody who may not see it, and in bounded memory."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tracemalloc
from decimal import Decimal
from itertools import repeat
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from apps.accounts.models import TermDeposit
from apps.core import clock
from apps.identity.permissions import PERMISSIONS
from apps.ledger.selectors import business_date_current
from apps.payments.models import StandingInstruction
from apps.reporting.tables import TABLES, Column, Params, Table, table_read
from apps.reporting.tables.render import table_json, table_write
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.identity import BranchFactory, user_make
from tests.factories.interest import terms_make
from tests.factories.postings import Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Books:
    """Two accounts of members with 70 and 30, interest of 5 earned, an entry into last week by a member of staff."""
    books = Books()
    for amount in ("70.00", "30.00"):
        cash_move(AccountFactory(branch=books.branch), amount)
    legs = ((books.cash(), -5_00), (books.internal("4110"), 5_00))
    clerk = user_make(branch=books.branch, email="clerk@numina.example")
    day = business_date_current() - dt.timedelta(days=7)
    from apps.balances.services import postings_post

    facts = {"kind": "manual", "channel": "branch", "business_date": day, "description": "Interest"}
    postings_post([books.posting(*legs, **facts)], actor_id=clerk.pk)
    return books


def read(code: str, **facts: Any) -> dict[str, Any]:
    today = business_date_current()
    params = Params(**{"as_of": today, "since": today - dt.timedelta(days=30), "currency": "", **facts})
    return table_json(table_read(TABLES[code], params, scope="All branches"), limit=1_000)


def column(said: dict[str, Any], key: str) -> list[Any]:
    place = [one["key"] for one in said["columns"]].index(key)
    return [row[place] for row in said["rows"]]


@pytest.mark.parametrize("code", sorted(TABLES))
def test_every_list_can_be_read_with_every_parameter(bank: Books, code: str) -> None:
    said = read(code)
    assert all(len(row) == len(said["columns"]) for row in said["rows"])
    narrow = {"currency": "KES", "who": "x@y.example", "kind": "none", "branch_ids": (BranchFactory().pk,)}
    assert read(code, **narrow)["rows"] == [] or code in ("user-review", "cash-projection", "cash-position")


def test_what_the_lists_of_the_bank_say(bank: Books) -> None:
    balance = read("trial-balance-by-branch")
    assert balance["totals"][0]["values"][-2:] == ["105.00", "105.00"]
    top = read("top-depositors", limit=1)
    assert (column(top, "balance"), column(top, "share")) == (["70.00"], ["70.00"])
    assert column(read("deposit-bands"), "accounts") == [2]
    assert read("dormant-accounts", days=1)["rows"] == []
    assert len(read("dormant-accounts", days=0)["rows"]) == 2
    gap = read("liquidity-gap")
    assert (column(gap, "inflow")[0], column(gap, "outflow")[0], column(gap, "gap")[0]) == ("105.00", "100.00", "5.00")
    assert column(read("cash-projection"), "cash") == ["105.00"] * 13
    assert column(read("cash-position"), "cash") == ["105.00"] * 8
    assert column(read("branch-result"), "income") == ["5.00"]
    assert column(read("transaction-summary", kind="manual"), "amount") == ["5.00"]
    assert column(read("staff-activity", who="clerk@numina.example"), "counter") == [1]
    by_hand = read("manual-entries")
    assert column(by_hand, "email") == column(read("backdated-entries"), "email") == ["clerk@numina.example"]
    assert "@" not in column(by_hand, "by")[0]


def test_an_earlier_day_is_one_by_the_clock_of_the_bank(bank: Books, settings: Any) -> None:
    day = clock.now().astimezone(dt.timezone(dt.timedelta(hours=-12))).date()  # of no branch further east
    assert bank.move(bank.cash(), bank.internal("4110"), 1_00, business_date=day).ok
    for zone, earlier in (("Etc/GMT+12", 0), ("Etc/GMT-14", 1)):
        settings.NUMINA = {**settings.NUMINA, "TIME_ZONE": zone}
        of_day = {"since": day, "as_of": day}
        assert len(read("backdated-entries", **of_day)["rows"]) == earlier
        assert len(read("audit-report", kind="transfer", **of_day)["rows"]) == 1 - earlier


def test_what_is_known_of_the_time_ahead(bank: Books) -> None:
    today = business_date_current()
    saver = AccountFactory(branch=bank.branch)
    cash_move(saver, "40.00")
    terms = terms_make(saver.product)
    facts = {"account": saver, "terms": terms, "principal": 40_00, "months": 2, "starts_on": today}
    payout = AccountFactory(branch=bank.branch)
    TermDeposit.objects.create(
        **facts, matures_on=today + dt.timedelta(days=60), instruction="payout", payout_account=payout
    )
    StandingInstruction.objects.create(
        source=payout, destination=AccountFactory(), currency="KES", kind="fixed", amount=2_00,
        rule="FREQ=WEEKLY;COUNT=3", starts_on=today + dt.timedelta(days=1), next_on=today + dt.timedelta(days=1),
        next_nominal=today + dt.timedelta(days=1), created_by=user_make(),
    )  # fmt: skip
    here = {"branch_ids": (bank.branch.pk,)}
    gap = read("liquidity-gap", **here)
    outflow = dict(zip(column(gap, "band"), column(gap, "outflow"), strict=True))
    assert outflow["at once"] == "100.00"
    assert (outflow["7 days"], outflow["90 days"]) == ("2.00", "40.00")
    weeks = column(read("cash-projection", **here), "outflow")
    assert (sum(map(Decimal, weeks[:5])), weeks[8]) == (Decimal("6.00"), "40.00")
    assert column(read("cash-projection"), "cash")[4] == column(read("cash-projection"), "cash")[0]  # nets to nothing


def test_an_audit_report_is_narrowed_by_date_user_and_type(bank: Books) -> None:
    today = business_date_current()
    by_user = read("audit-report", who="clerk@numina.example")
    assert (column(by_user, "source"), column(by_user, "amount")) == (["journal"], ["5.00"])
    assert set(column(read("audit-report", kind="manual"), "type")) == {"manual"}
    past = today - dt.timedelta(days=400)
    assert read("audit-report", since=past, as_of=past)["rows"] == []


def test_duties_that_should_be_apart_are_found() -> None:
    both = user_make("ledger.post", "approvals.decide")
    user_make("ledger.post")
    said = read("segregation-of-duties")
    assert (column(said, "email"), column(said, "first")) == ([both.email], ["ledger.post"])


def test_every_form_of_a_list_says_the_same(api_with: Any, bank: Books) -> None:
    client = api_with("reporting.read", "ledger.view").step_up()
    path = "reports/tables/trial-balance-by-branch"
    said = client.get(path).json()
    wanted = [(row[1], Decimal(row[4]), Decimal(row[5])) for row in said["rows"]]
    assert len(wanted) == 3

    text = client.get(f"{path}?format=csv").getvalue().decode("utf-8-sig")
    assert [(row[1], Decimal(row[4]), Decimal(row[5])) for row in list(csv.reader(io.StringIO(text)))[1:]] == wanted
    sheet = load_workbook(io.BytesIO(client.get(f"{path}?format=xlsx").getvalue())).worksheets[0]
    cells = list(sheet.iter_rows(min_row=2, max_row=4, values_only=True))
    assert [(row[1], Decimal(str(row[4])), Decimal(str(row[5]))) for row in cells] == wanted
    pdf = PdfReader(io.BytesIO(client.get(f"{path}?format=pdf").getvalue()))
    printed = " ".join(page.extract_text() for page in pdf.pages)
    for code, debit, credit in wanted:
        assert code in printed
        assert f"{max(debit, credit):,.2f}" in printed


def test_who_may_read_which_list(api_with: Any, bank: Books) -> None:
    client = api_with("reporting.read", "accounts.view").step_up()
    assert {one["group"] for one in client.get("reports/tables").json()["data"]} == {"Bank"}
    refused = client.get("reports/tables/manual-entries")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission-denied")
    assert client.get("reports/tables/nothing").status_code == 404
    assert client.get("reports/tables/top-depositors?branch=NOWHERE").status_code == 404
    elsewhere = api_with("reporting.read", "accounts.view", scope="branch", branch=BranchFactory())
    assert elsewhere.get("reports/tables/top-depositors").json()["rows"] == []
    assert all(report.permission in PERMISSIONS for report in TABLES.values())


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_memory_does_not_grow_with_the_rows(form: str, tmp_path: Any) -> None:
    """Twenty times as many rows, and about the same peak: a row is gone when the next one comes."""
    columns = (Column("name", "Name"), Column("currency", "Currency"), Column("amount", "Amount", "money", True))

    def peak(rows: int) -> int:
        source = Table("x", "X", "", "KES", columns, repeat(("=a", "KES", 1_00), rows), dt.date(2026, 1, 1))
        tracemalloc.start()
        with (tmp_path / f"{rows}.{form}").open("wb") as file:
            assert table_write(source, form, file, drawn_at=clock.now(), drawn_by="x") == rows
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    few = peak(300)
    assert peak(6_000) < few + 1_500_000
