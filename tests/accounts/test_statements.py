"""Statements: figures that add up, files that cannot bite, codes that prove them."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from apps.accounts.errors import StatementTooLong
from apps.accounts.selectors import statement_of
from apps.accounts.services import statement_issue
from apps.accounts.statements import codes
from apps.accounts.statements.csv_file import COLUMNS, statement_csv
from apps.audit.models import AuditEvent
from apps.balances.selectors import balance_read
from apps.core.sheets import cell_text
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.members import MemberFactory

DAY = dt.timedelta(days=1)
AT = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)


@pytest.fixture
def auditor(api_with: Any) -> Any:
    return api_with("accounts.view")


@pytest.fixture
def today(db: None) -> dt.date:
    return business_date_current()


def _moved(today: dt.date, **options: Any) -> Any:
    """Booked in another order than that of their business dates, as late entries are."""
    account = AccountFactory(**options)
    for days, amount in ((40, "1000.00"), (10, "500.00"), (20, "-100.00"), (10, "-30.25"), (0, "7.75")):
        cash_move(account, amount, business_date=today - days * DAY)
    return account


def test_a_statement_adds_up(auditor: Any, today: dt.date) -> None:
    account = _moved(today)
    body = auditor.get(f"accounts/{account.pk}/statement?from={today - 30 * DAY}&to={today}").json()
    figures = {name: body[name]["amount"] for name in ("opening_balance", "paid_in", "paid_out", "closing_balance")}
    assert figures == {
        "opening_balance": "1000.00",
        "paid_in": "507.75",
        "paid_out": "130.25",
        "closing_balance": "1377.50",
    }
    assert [(line["direction"], line["amount"]["amount"], line["balance"]["amount"]) for line in body["lines"]] == [
        ("out", "100.00", "900.00"),
        ("in", "500.00", "1400.00"),
        ("out", "30.25", "1369.75"),
        ("in", "7.75", "1377.50"),
    ]
    assert body["proof"] == {"adds_up": True, "ledger_balance": {"amount": "1377.50", "currency": "KES"}}
    assert balance_read(account_id=account.ledger_account_id).booked == 137_750


def test_periods_meet_without_gap(today: dt.date) -> None:
    account = _moved(today)
    first = statement_of(account=account, starts_on=today - 50 * DAY, ends_on=today - 15 * DAY)
    second = statement_of(account=account, starts_on=today - 14 * DAY, ends_on=today)
    assert first.closing == second.opening == 90_000
    assert (first.opening, second.closing) == (0, 137_750)
    assert (first.ledger_balance, second.ledger_balance) == (None, 137_750)


def test_an_account_where_nothing_moved(auditor: Any, today: dt.date) -> None:
    body = auditor.get(f"accounts/{AccountFactory().pk}/statement").json()
    assert (body["from"], body["to"]) == (str(today.replace(day=1)), str(today))
    assert (body["lines"], body["opening_balance"], body["closing_balance"]["amount"]) == (
        [],
        {"amount": "0.00", "currency": "KES"},
        "0.00",
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 10**9)), min_size=1, max_size=8), st.integers(0, 60))
def test_any_split_of_any_history_adds_up(today: dt.date, moves: list[tuple[int, int]], split: int) -> None:
    account = AccountFactory()
    for days, minor in moves:
        cash_move(account, f"{minor // 100}.{minor % 100:02d}", business_date=today - days * DAY)
    whole = statement_of(account=account, starts_on=today - 60 * DAY, ends_on=today)
    cut = today - split * DAY
    later = statement_of(account=account, starts_on=cut, ends_on=today)
    assert whole.closing == later.closing == sum(minor for _, minor in moves) == whole.ledger_balance
    if split < 60:
        earlier = statement_of(account=account, starts_on=today - 60 * DAY, ends_on=cut - DAY)
        assert earlier.closing == later.opening
        assert len(earlier.lines) + len(later.lines) == len(whole.lines)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2023-02-29", 400),
        ("from=0000-01-01", 400),
        ("from=9999-12-31&to=9999-12-31", 400),
        ("to=2199-12-31", 400),
        ("from=2026-02-01&to=2026-01-31", 400),
        ("from=2024-01-01&to=2025-01-01", 422),
        ("from=2024-01-01&to=2024-12-31", 200),  # a leap year is 366 days
        ("from=2024-02-29&to=2024-02-29", 200),
        ("format=xml", 400),
        ("format=pdf&format=csv", 400),
        ("period=all", 400),
        ("from=", 400),
    ],
)
def test_periods_that_can_and_cannot_be(auditor: Any, query: str, status: int) -> None:
    assert auditor.get(f"accounts/{AccountFactory().pk}/statement?{query}").status_code == status


def test_too_many_lines_are_refused_before_they_are_read(today: dt.date) -> None:
    account = _moved(today)
    with pytest.raises(StatementTooLong, match="5 entries"):
        statement_of(account=account, starts_on=today - 50 * DAY, ends_on=today, lines_max=4)


def test_books_that_contradict_themselves_give_no_statement(today: dt.date, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from apps.accounts.selectors import _statements

    real = _statements.account_period
    monkeypatch.setattr(_statements, "account_period", lambda **given: replace(real(**given), balance=1))
    with pytest.raises(RuntimeError, match="do not add up"):
        statement_of(account=_moved(today), starts_on=today, ends_on=today)


def test_reading_a_statement_is_recorded(auditor: Any, today: dt.date) -> None:
    account = _moved(today)
    for form in ("json", "csv"):
        assert auditor.get(f"accounts/{account.pk}/statement?format={form}").status_code == 200
    events = AuditEvent.objects.filter(action="accounts.statement.issued", object_id=account.pk).order_by("id")
    assert [(event.kind, event.actor_id, event.after["form"]) for event in events] == [
        ("access", auditor.user.pk, "json"),
        ("access", auditor.user.pk, "csv"),
    ]


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_csv_file(auditor: Any, today: dt.date) -> None:
    account = _moved(today)
    path = f"accounts/{account.pk}/statement?from={today - 30 * DAY}"
    response = auditor.get(f"{path}&format=csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="statement-')
    assert account.number not in response["Content-Disposition"]
    assert response["Cache-Control"] == "no-store"
    rows = _rows(response.content)
    assert tuple(rows[0]) == COLUMNS
    assert [row[2] for row in (rows[1], rows[-1])] == ["opening_balance", "closing_balance"]
    assert [(row[7], row[8], row[9]) for row in rows[2:4]] == [("100.00", "", "900.00"), ("", "500.00", "1400.00")]
    assert auditor.get(path, headers={"Accept": "text/csv"}).content == response.content
    assert auditor.get(path, headers={"Accept": "image/png"}).status_code == 406
    sheet = load_workbook(io.BytesIO(auditor.get(path, {"format": "xlsx"}).content)).active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[1][:2] == ["Holders", account.member.display_name]
    assert [row[8] for row in cells if row[2] in {"Opening balance", "Closing balance"}][-1] == 1377.5


@pytest.mark.parametrize("text", ["=cmd|'/C calc'!A0", "@SUM(A1)", "-2+3", "+1", "\tx", "\rx", " =1+1", "\uff1d1"])
def test_no_cell_is_a_formula(today: dt.date, text: str) -> None:
    assert cell_text(text).startswith("'")
    account = AccountFactory()
    if text.strip() == text and "\t" not in text:
        cash_move(account, "1.00", description=text, counterparty=text, reference=text)
        row = _rows(statement_csv(statement_of(account=account, starts_on=today, ends_on=today)))[2]
        assert row[3:6] == ["'" + text] * 3


def test_commas_quotes_and_line_feeds_stay_in_their_cell(today: dt.date) -> None:
    account = AccountFactory()
    text = 'Rent, "flat 2"; r\u00e9sum\u00e9 \u7530\u4e2d'
    cash_move(account, "1.00", description=text)
    rows = _rows(statement_csv(statement_of(account=account, starts_on=today, ends_on=today)))
    assert rows[2][3] == text
    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_the_same_statement_has_the_same_code(user: Any, today: dt.date) -> None:
    account = _moved(today)

    def code(**change: Any) -> str:
        given = {"starts_on": today - 30 * DAY, "ends_on": today, **change}
        return statement_issue(acting_user=user, account=account, form="json", at=AT, **given)[1].code

    first = code()
    assert (len(first), code()) == (16, first)
    assert account.statements.count() == 1
    assert code(starts_on=today) != first
    cash_move(account, "0.01")
    assert code() != first


def test_anybody_can_have_a_statement_confirmed(api: Any, auditor: Any, today: dt.date) -> None:
    account = _moved(today, member=MemberFactory(first_name="Cheryl", last_name="Dale"))
    issued = auditor.get(f"accounts/{account.pk}/statement?from={today - 30 * DAY}").json()
    code = issued["verification"]["code"]
    for typed in (code, code.lower(), code.replace("-", ""), code.replace("0", "O").replace("1", "l")):
        response = api.get("statements/verify", {"code": typed})
        assert response.status_code == 200, typed
    body = response.json()
    assert (body["valid"], body["closing_balance"]["amount"]) == (True, "1377.50")
    assert body["holder"] == "C\u2022\u2022\u2022\u2022 D\u2022\u2022\u2022\u2022"
    assert account.number not in response.content.decode()
    assert body["account"].endswith(account.number[-4:])
    assert str(account.pk) not in response.content.decode()


@pytest.mark.parametrize("code", ["0000-0000-0000-0000", "x", "\u0660" * 16, "A" * 40, "'; --"])
def test_other_codes_are_not_there(api: Any, db: None, code: str) -> None:
    assert api.get("statements/verify", {"code": code}).status_code == 404
    assert api.get("statements/verify").status_code == 400
    assert api.get("statements/verify", {"code": "A" * 41}).status_code == 400


def test_a_stored_statement_that_was_changed_is_not_confirmed(api: Any, user: Any, today: dt.date) -> None:
    account = _moved(today)
    _, issue = statement_issue(acting_user=user, account=account, starts_on=today, ends_on=today, form="pdf", at=AT)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_statementissue SET closing = closing + 1")
    assert api.get("statements/verify", {"code": issue.code}).status_code == 404


def test_codes_survive_a_rotated_key(api: Any, user: Any, today: dt.date, settings: Any) -> None:
    account = _moved(today)
    _, issue = statement_issue(acting_user=user, account=account, starts_on=today, ends_on=today, form="pdf", at=AT)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, as long as a key is, for the time after the rotation"
    assert api.get("statements/verify", {"code": issue.code}).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert api.get("statements/verify", {"code": issue.code}).status_code == 404


def test_confirming_is_limited(api: Any, db: None, rates: Any) -> None:
    with rates(statement_verify_ip="3/m"):
        answers = [api.get("statements/verify", {"code": "A" * 16}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert int(answers[-1]["Retry-After"]) >= 1


@given(st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=16, max_size=16))
def test_a_code_reads_back_as_it_was_printed(code: str) -> None:
    assert codes.code_normal(codes.code_grouped(code).lower()) == code
