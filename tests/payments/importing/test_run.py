"""Imports against the books: once for each id, refused by name, restartable, dry runs that tell the truth."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from apps.accounts.models import Account
from apps.balances import services as balances
from apps.balances.selectors import books_verify
from apps.core import clock
from apps.identity.models import Branch
from apps.ledger.errors import PeriodClosed
from apps.ledger.models import AccountingPeriod, JournalEntry
from apps.ledger.selectors import business_date_current, trial_balance
from apps.members.models import Member
from apps.payments.importing import run as importing
from apps.payments.importing.report import ImportReport
from apps.payments.importing.rows import COLUMNS
from apps.payments.importing.run import ImportOptions, transactions_import
from apps.payments.models import ImportRun
from tests.factories.accounts import AccountFactory, ProductFactory
from tests.factories.identity import BranchFactory, user_make
from tests.load.sample_transactions import write
from tests.payments.conftest import booked

pytestmark = pytest.mark.usefixtures("chart")

DAY = dt.date(2026, 1, 5)


def row(name: str, account: Account | str, amount: str, **change: str) -> list[str]:
    values = {
        "external_id": name,
        "account_number": account if isinstance(account, str) else account.number,
        "booking_date": str(DAY),
        "value_date": str(DAY),
        "amount": amount.lstrip("-"),
        "currency": "KES",
        "direction": "debit" if amount.startswith("-") else "credit",
        "channel": "online",
        "counterparty": "",
        "description": "",
        "balance_after": "",
        **change,
    }
    return [values[name] for name in COLUMNS]


def load(*lines: list[str], branch: Branch | None = None, user: Any = None, **options: Any) -> ImportReport:
    text = "\n".join([",".join(COLUMNS), *(",".join(line) for line in lines)]) + "\n"
    return transactions_import(
        acting_user=user, branch=branch, stream=io.BytesIO(text.encode()), options=ImportOptions(**options)
    )


def codes(report: ImportReport) -> list[tuple[int, str]]:
    return [(one.row, one.code) for one in report.refusals]


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.read, report.posted, report.skipped, report.refused


def test_rows_are_posted_with_their_dates_and_texts(alice: Account) -> None:
    report = load(row("A", alice, "5.00", value_date="2026-01-07", counterparty="Duka", description="Refund"))
    assert counts(report) == (1, 1, 0, 0)
    entry = JournalEntry.objects.get(kind="import", reference="A")
    assert (entry.business_date, entry.value_date) == (DAY, dt.date(2026, 1, 7))
    assert (entry.channel, entry.counterparty, entry.description) == ("online", "Duka", "Refund")
    assert booked(alice) == 100500


def test_an_external_id_is_posted_once_a_source(alice: Account) -> None:
    first = load(row("A", alice, "5.00"), row("B", alice, "6.00"))
    again = load(row("A", alice, "5.00"), row("B", alice, "6.00"), row("C", alice, "7.00"))
    other = load(row("A", alice, "5.00"), source="other")
    assert [counts(one) for one in (first, again, other)] == [(2, 2, 0, 0), (3, 1, 2, 0), (1, 1, 0, 0)]
    assert booked(alice) == 100000 + 500 + 600 + 700 + 500


def test_the_same_id_with_other_content_is_refused(alice: Account) -> None:
    load(row("A", alice, "5.00"))
    report = load(row("A", alice, "5.01"), row("B", alice, "1.00"), row("B", alice, "1.00"), row("B", alice, "2.00"))
    assert codes(report) == [(2, "external-id-reused"), (5, "external-id-reused")]
    assert counts(report) == (4, 1, 1, 2)
    assert booked(alice) == 100600


def test_refused_rows_are_named_and_do_not_stop_the_file(alice: Account) -> None:
    tomorrow = str(business_date_current() + dt.timedelta(days=1))
    AccountingPeriod.objects.create(
        code="2025-12", starts_on=dt.date(2025, 12, 1), ends_on=dt.date(2025, 12, 31), status="closed"
    )
    report = load(
        row("A", alice, "1.00"),
        row("B", "404404", "1.00"),
        row("C", alice, "1.00", currency="USD"),
        row("D", alice, "1.00", booking_date=tomorrow),
        row("E", alice, "1.00", booking_date="2025-12-15"),
        row("F", alice, "-99999.00"),
        row("G", alice, "0"),
        row("H", alice, "1.00"),
    )
    assert codes(report) == [
        (8, "invalid-amount"),
        (3, "payment-account-not-found"),
        (4, "currency-mismatch"),
        (5, "business-date-in-future"),
        (6, "period-closed"),
        (7, "insufficient-funds"),
    ]
    assert counts(report) == (8, 2, 0, 6)
    assert booked(alice) == 100200


@pytest.mark.parametrize(
    ("status", "amount"), [("F", "1.00"), ("F", "-1.00"), ("D", "-1.00"), ("C", "1.00"), ("X", "1.00")]
)
def test_blocked_and_closed_accounts_refuse(bob: Account, status: str, amount: str) -> None:
    with balances.in_database([bob.ledger_account_id], actor_id=None) as book:
        book.change(bob.ledger_account_id, status=status)
    report = load(row("A", bob, amount))
    assert codes(report) == [(2, "account-closed" if status == "X" else "account-blocked")]


def test_funds_follow_the_order_of_the_file_and_holds_count(bob: Account) -> None:
    lines = [
        row("A", bob, "-1.00"), row("B", bob, "10.00"), row("C", bob, "-10.00"), row("D", bob, "-0.01"),
        row("E", bob, "0.01"),
    ]  # fmt: skip
    report = load(*lines)
    assert codes(report) == [(2, "insufficient-funds"), (5, "insufficient-funds")]
    # A foreseen refusal is not final: the row may come again when there is money.
    assert counts(load(*lines)) == (5, 1, 3, 1)
    assert booked(bob) == 0


def test_allow_overdraft_lets_history_go_below_zero(bob: Account) -> None:
    assert counts(load(row("A", bob, "-70.00"), allow_overdraft=True)) == (1, 1, 0, 0)
    assert booked(bob) == -7000
    assert codes(load(row("B", bob, "-0.01"))) == [(2, "insufficient-funds")]


def test_a_refusal_that_only_the_books_saw_may_be_tried_again(alice: Account, monkeypatch: Any) -> None:
    """Somebody takes the money between our look and the posting; the refusal is final for its id, not for the row."""
    monkeypatch.setattr(importing._Job, "_foresee", lambda *_: None)
    first = load(row("A", alice, "-2000.00"), row("B", alice, "1.00", balance_after="1001.00"))
    assert (codes(first), first.differing) == ([(2, "insufficient-funds")], 0)
    monkeypatch.undo()
    again = load(row("A", alice, "-2000.00"), allow_overdraft=True)
    assert counts(again) == (1, 1, 0, 0)
    assert counts(load(row("A", alice, "-2000.00"), allow_overdraft=True)) == (1, 0, 1, 0)
    assert booked(alice) == -99900


def test_balances_are_compared_row_by_row_also_on_a_second_run(alice: Account) -> None:
    lines = [
        row("A", alice, "5.00", balance_after="1005.00"),
        row("B", alice, "-5.00", balance_after="999.99"),
        row("C", alice, "-1.00"),
    ]
    for report in (load(*lines), load(*lines)):
        assert (report.compared, report.differing) == (2, 1)
        assert report.details()["differences"] == {"KES": {"rows": 1, "total": "0.01"}}
        assert report.examples[0] == {
            "row": 3,
            "external_id": "B",
            "account_number": alice.number,
            "file": "999.99",
            "books": "1000.00",
            "difference": "0.01",
            "currency": "KES",
        }


def test_channels_choose_the_banks_side_and_unknown_ones_stand_in_opening_balances(alice: Account) -> None:
    report = load(
        row("A", alice, "1.00", channel="ATM"),
        row("B", alice, "1.00", channel="Transfer"),
        row("C", alice, "-1.00", channel="transfer"),
        row("D", alice, "1.00", channel=""),
        row("E", alice, "1.00", channel="Pigeon"),
    )
    assert dict(report.unknown_channels) == {"pigeon": 1}
    figures = trial_balance(as_of=business_date_current(), branch_ids=[alice.branch_id])
    nets = {figure.code: figure.net for figure in figures.rows}
    assert (nets["1230"], nets["2420"], nets["2410"], nets["3390"]) == (-100, -100, 100, -200)


def test_create_accounts_opens_what_is_missing(branch: Branch) -> None:
    ProductFactory(code="SAV-X", kind="savings")
    report = load(
        row("A", "7000000001", "5.00"),
        row("B", "7000000002", "6.00", booking_date="2026-01-06"),
        row("C", "7000000001", "-1.00"),
        row("D", "7000000003", "1", currency="JPY"),
        create_accounts=True,
        branch=branch,
    )
    assert (report.accounts_created, codes(report)) == (2, [(5, "no-product")])
    account = Account.objects.get(number="7000000001")
    assert (account.opened_on, account.branch, booked(account)) == (DAY, branch, 400)
    assert account.history.get().history_change_reason == "opened"
    assert Member.objects.get(pk=account.member_id).business_name == "Imported accounts (import)"
    more = load(row("E", "7000000004", "5.00"), create_accounts=True, branch=branch)
    assert more.accounts_created == 1
    assert Account.objects.get(number="7000000004").member_id == account.member_id


def test_without_create_accounts_unknown_ones_are_refused() -> None:
    assert codes(load(row("A", "7000000001", "5.00"))) == [(2, "payment-account-not-found")]


def test_a_dry_run_reports_the_same_and_changes_nothing(alice: Account, branch: Branch) -> None:
    ProductFactory(code="SAV-X", kind="savings")
    load(row("Z", alice, "1.00"))
    lines = [
        row("Z", alice, "1.00", balance_after="1001.00"),
        row("A", alice, "-600.00"),
        row("B", alice, "-600.00"),
        row("A", alice, "-600.00"),
        row("A", alice, "-601.00"),
        row("C", "7000000001", "5.00", balance_after="5.00"),
        row("D", "7000000001", "-6.00"),
        row("E", "7000000001", "-5.00", balance_after="1.00"),
        row("F", alice, "x"),
    ]
    options = {"create_accounts": True, "branch": branch, "batch_size": 2}
    before = JournalEntry.objects.count(), Account.objects.count(), Member.objects.count()
    dry = load(*lines, dry_run=True, **options)
    assert (JournalEntry.objects.count(), Account.objects.count(), Member.objects.count()) == before
    real = load(*lines, **options)
    for name in ("read", "posted", "skipped", "refused", "accounts_created", "compared", "differing"):
        assert getattr(dry, name) == getattr(real, name), name
    assert codes(dry) == codes(real)


def test_a_permanent_failure_of_a_batch_is_halved_down_to_its_row(alice: Account, monkeypatch: Any) -> None:
    real = importing.postings_post
    calls = []

    def post(postings: Any, **options: Any) -> Any:
        calls.append(len(postings))
        if any(posting.key == "BAD" for posting in postings):
            raise PeriodClosed
        return real(postings, **options)

    monkeypatch.setattr(importing, "postings_post", post)
    names = ["A", "B", "C", "BAD", "D", "E", "F", "G"]
    report = load(*(row(name, alice, "1.00") for name in names))
    assert codes(report) == [(5, "period-closed")]
    assert (report.posted, booked(alice)) == (7, 100700)
    assert calls == [8, 4, 2, 2, 1, 1, 4]


def test_a_scope_below_the_bank_imports_to_its_own_branch_only(alice: Account) -> None:
    here = AccountFactory()
    clerk = user_make("payments.import", scope="branch", branch=here.branch)
    report = load(row("A", alice, "1.00"), row("B", here, "1.00"), user=clerk)
    assert codes(report) == [(2, "payment-account-not-found")]
    assert booked(here) == 100


def test_many_rows_end_with_books_that_balance(branch: Branch) -> None:
    ProductFactory(code="SAV-X", kind="savings")
    text = io.StringIO()
    write(text, count=3_000, accounts=50, start=dt.date(2024, 11, 1), days=700, seed=7)
    stream = io.BytesIO(text.getvalue().encode())
    report = transactions_import(
        acting_user=None, branch=branch, stream=stream, options=ImportOptions(create_accounts=True, batch_size=700)
    )
    assert counts(report) == (3_000, 3_000, 0, 0)
    assert (report.compared, report.differing, report.accounts_created) == (3_000, 0, 50)
    assert not any(trial_balance(as_of=business_date_current()).differences.values())
    assert [fault for fault in books_verify().faults if "7000000" in fault or "90000" in fault] == []


# The command


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """`file(row, ...)`: the path of a file with these rows."""

    def make(*lines: list[str], header: str = ",".join(COLUMNS)) -> str:
        path = tmp_path / "rows.csv"
        path.write_text("\n".join([header, *(",".join(line) for line in lines)]) + "\n", encoding="utf-8")
        return str(path)

    return make


@pytest.fixture
def head_office(db: None) -> Branch:
    return Branch.objects.filter(code="HQ").first() or BranchFactory(code="HQ")


def command(*words: str, capsys: Any) -> tuple[int, str, str]:
    capsys.readouterr()
    code = 0
    try:
        call_command("import_transactions", *words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_exit_codes_and_json(file: Any, alice: Account, head_office: Branch, capsys: Any) -> None:
    good, bad = row("A", alice, "1.00", balance_after="1001.00"), row("B", alice, "-9999.00")
    code, out, err = command(file(good), "--json", capsys=capsys)
    report = json.loads(out)
    assert (code, err, report["rows_posted"], report["balances_compared"], report["refusals"]) == (0, "", 1, 1, [])
    code, out, _ = command(file(good, bad), "--json", capsys=capsys)
    report = json.loads(out)
    assert (code, report["rows_skipped"], report["rows_refused"]) == (1, 1, 1)
    assert report["refusals"] == [
        {"row": 3, "external_id": "B", "code": "insufficient-funds", "detail": report["refusals"][0]["detail"]}
    ]
    code, out, err = command(file(good, header="a,b"), capsys=capsys)
    assert code == 2
    assert "unknown column 'a'" in err
    assert command("/nowhere.csv", capsys=capsys)[0] == 2
    code, out, _ = command("/nowhere.csv", "--json", capsys=capsys)
    assert (code, json.loads(out)["error"]["code"]) == (2, "file-unreadable")
    assert command(file(good), "--branch", "NOPE", capsys=capsys)[0] == 2


def test_the_text_report_names_rows(file: Any, alice: Account, head_office: Branch, capsys: Any) -> None:
    code, out, err = command(
        file(row("A", alice, "-9999.00"), row("B", alice, "1.00", balance_after="7")), capsys=capsys
    )
    assert (code, err) == (1, "")
    assert "Refused 1: insufficient-funds" in out
    assert "row 2 A:" in out
    assert "file 7.00, books 1001.00" in out


def test_a_run_is_recorded_and_a_dry_run_is_not(file: Any, alice: Account, head_office: Branch, capsys: Any) -> None:
    path = file(row("A", alice, "1.00"), row("B", alice, "-9999.00"))
    command(path, "--dry-run", capsys=capsys)
    assert not ImportRun.objects.filter(file_name="rows.csv").exists()
    command(path, capsys=capsys)
    run = ImportRun.objects.get(file_name="rows.csv")
    assert (run.status, run.rows_read, run.rows_posted, run.rows_refused) == ("done", 2, 1, 1)
    assert run.refusals.get().code == "insufficient-funds"
    assert run.finished_at <= clock.now()
    assert run.progress["percent"] == 100


def test_a_database_that_stays_away_ends_the_run_with_exit_code_2(
    file: Any, alice: Account, head_office: Branch, capsys: Any, monkeypatch: Any
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(importing, "postings_post", away)
    code, _, err = command(file(row("A", alice, "1.00")), capsys=capsys)
    assert code == 2
    assert "Run the import again" in err
    assert ImportRun.objects.get(file_name="rows.csv").status == "failed"
