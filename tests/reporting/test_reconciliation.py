"""Sub-ledgers against the general ledger: nothing differs by itself, what differs is found, aged and drilled into."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db.models import F

from apps.balances.services import hold_place, postings_post
from apps.core import clock
from apps.ledger.selectors import business_date_current
from apps.lending.models import LoanStanding
from apps.notifications.models import Notification
from apps.reporting.models import ReconciliationBreak
from apps.reporting.services import breaks_count, breaks_keep
from apps.reporting.tables import TABLES, Params, table_read
from apps.reporting.tables.render import table_json
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.books import gl_account_ready
from tests.factories.identity import user_make
from tests.factories.lending import loan_make
from tests.factories.postings import Books
from tests.factories.tills import till_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def books() -> Books:
    for code in ("1110", "1260", "1910", "2210", "1445", "2590", "4110"):
        gl_account_ready(code)
    return Books()


@pytest.fixture
def staff(client: Any, user_with: Any) -> Any:
    client.force_login(user_with("ledger.view", "reporting.read", "backoffice.dashboard"))
    return client


def read(code: str, **facts: Any) -> list[dict[str, Any]]:
    today = business_date_current()
    params = Params(**{"as_of": today, "since": today - dt.timedelta(days=30), "currency": "", **facts})
    said = table_json(table_read(TABLES[code], params, scope="All branches"), limit=1_000)
    keys = [column["key"] for column in said["columns"]]
    return [dict(zip(keys, row, strict=True)) for row in said["rows"]]


def test_a_bank_at_work_has_no_breaks(books: Books) -> None:
    """Cash at the counter, a hold, a loan that was paid out, a till: every comparison that there is agrees."""
    others = breaks_count()[1]  # what tests that commit have left
    account = AccountFactory(branch=books.branch)
    cash_move(account, "70.00")
    hold_place(
        transaction_id=uuid.uuid4(), fingerprint=b"x" * 32, account_id=account.ledger_account_id, amount=20_00,
        reason="Test", expires_at=None, actor_id=None, at=clock.now(),
    )  # fmt: skip
    here = {"branch_ids": (books.branch.pk, loan_make().branch_id, till_session().till.branch_id)}
    rows = read("reconciliations", **here)
    assert {row["difference"] for row in rows} == {"0.00"}
    assert {"member accounts", "loan accounts", "loans", "tills", "holds"} <= {row["check"] for row in rows}
    held = next(row for row in rows if row["check"] == "holds" and row["branch"] == books.branch.code)
    assert (held["kept"], held["booked"], held["records"]) == ("20.00", "20.00", 1)
    mine = next(row for row in rows if row["check"] == "member accounts" and row["branch"] == books.branch.code)
    assert (mine["kept"], mine["booked"]) == ("70.00", "70.00")
    assert read("reconciliation-breaks", **here) == []
    assert breaks_count()[1] == others


def test_what_differs_is_found_kept_told_of_and_ended(books: Books, staff: Any) -> None:
    today = business_date_current()
    before = today - dt.timedelta(days=3)
    others = breaks_keep(day=before, at=clock.now()).breaks
    keeper = user_make("ledger.manage_periods")
    loan = loan_make()
    here = {"branch_ids": (books.branch.pk, loan.branch_id)}
    standing = LoanStanding.objects.filter(loan=loan)
    standing.update(interest_booked=F("interest_booked") + 1_00)
    by_hand = books.posting((books.cash(), -5_00), (books.internal("2210"), 5_00))  # of no product
    postings_post([by_hand], actor_id=keeper.pk)
    found = breaks_keep(day=before, at=clock.now())
    assert (found.breaks - others, found.begun, found.ended) == (2, 2, 0)
    assert breaks_keep(day=before, at=clock.now()).begun == 0
    assert Notification.objects.filter(recipient=keeper, kind="reporting.breaks_found").count() == 1

    rows = {row["check"]: row for row in read("reconciliation-breaks", **here)}
    assert {name: (row["code"], row["difference"], row["days"]) for name, row in rows.items()} == {
        "loans": ("1450", "1.00", 3),
        "interest accrued": ("2210", "-5.00", 3),
    }
    detail = read("reconciliation-rows", kind="loans:1450", **here)
    assert (detail[0]["record"], detail[0]["difference"]) == (loan.number, "1.00")
    assert read("reconciliation-rows", kind="interest accrued:2210", **here)[-1]["booked"] == "5.00"
    page = staff.get("/admin/reports/lists/reconciliation-breaks/?kind=loans").content.decode()
    assert "reconciliation-rows/?kind=loans%3A1450" in page
    activity = staff.get("/admin/reports/lists/staff-activity/").content.decode()
    assert keeper.email in activity
    assert "audit-report" not in activity, "rows lead nowhere that the user may not go"

    standing.update(interest_booked=F("interest_booked") - 1_00)
    assert breaks_keep(day=today, at=clock.now()).ended == 1
    past = {row["check"]: (row["until"], row["days"]) for row in read("reconciliation-history", **here)}
    assert past == {"loans": (today.isoformat(), 3), "interest accrued": (None, 3)}
    assert ReconciliationBreak.objects.filter(until=None, branch__in=here["branch_ids"]).count() == 1


def test_a_record_that_nobody_keeps_is_a_break_of_its_control_account(books: Books) -> None:
    stranger = books.customer(9_00)  # a ledger account under savings that is no account of a member
    row = next(row for row in read("reconciliation-breaks") if row["branch"] == books.branch.code)
    assert (row["check"], row["kept"], row["booked"]) == ("member accounts", "0.00", "9.00")
    detail = read("reconciliation-rows", kind="member accounts:2110", branch_ids=(books.branch.pk,))
    assert [(one["kept"], one["booked"]) for one in detail] == [("0.00", "9.00")]
    assert "of no record" in detail[0]["record"]
    assert stranger


def test_open_items_add_up_to_the_balance(books: Books) -> None:
    today = business_date_current()
    suspense, cash = books.internal("2590"), books.cash()
    days = {"business_date": today - dt.timedelta(days=9)}
    books.post(books.posting((cash, -10_00), (suspense, 10_00), reference="A", **days))
    books.post(books.posting((suspense, -4_00), (cash, 4_00), reference="A"))
    books.post(books.posting((cash, -7_00), (suspense, 7_00)))
    books.post(books.posting((suspense, -2_00), (cash, 2_00)))
    books.post(books.posting((cash, -3_00), (suspense, 3_00), reference="B"))
    books.post(books.posting((suspense, -3_00), (cash, 3_00), reference="B"))
    here = {"kind": "2590", "branch_ids": (books.branch.pk,)}
    rows = read("open-items", **here)
    assert [(row["reference"], row["days"], row["amount"], row["open"]) for row in rows] == [
        ("A", 9, "6.00", "4.00"),
        ("", 0, "7.00", "7.00"),
    ]
    assert (
        read("open-items", as_of=today - dt.timedelta(days=1), kind="2590", branch_ids=(books.branch.pk,))[0]["open"]
        == "10.00"
    )
