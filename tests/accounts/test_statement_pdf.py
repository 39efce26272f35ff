"""The PDF as a reader sees it, read back by pypdf."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from apps.accounts.models import StatementIssue
from apps.accounts.selectors import Statement, StatementLine, statement_of
from apps.accounts.services import statement_issue
from apps.accounts.statements.pdf_file import statement_pdf
from apps.accounts.statements.sparkline import sparkline_of
from apps.core.pdf import OwnFilesFetcher
from apps.ledger.account_lines import PeriodLine
from apps.ledger.selectors import business_date_current
from tests.factories.accounts import AccountFactory, cash_move
from tests.factories.identity import BranchFactory, UserFactory
from tests.factories.members import MemberFactory

AT = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def today(db: None) -> dt.date:
    return business_date_current()


def _pdf(account: Any, since: dt.date, until: dt.date, *, at: dt.datetime = AT) -> bytes:
    user = UserFactory()
    found = statement_issue(acting_user=user, account=account, starts_on=since, ends_on=until, form="pdf", at=at)
    return statement_pdf(*found)


def _pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_the_file_over_http(api_with: Any, today: dt.date) -> None:
    account = AccountFactory(balance="1250.00")
    response = api_with("accounts.view").get(f"accounts/{account.pk}/statement?format=pdf")
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert response["Content-Disposition"].startswith('attachment; filename="statement-')
    assert response.content.startswith(b"%PDF-1.7")
    assert "1,250.00" in _pages(response.content)[0]


def test_what_it_says(today: dt.date) -> None:
    branch = BranchFactory(name="Westlands")
    member = MemberFactory(
        branch=branch, first_name="Cheryl", last_name="Dale", address="14 Ojijo Road", city="Nairobi"
    )
    account = AccountFactory(member=member, joint=[MemberFactory(first_name="John", last_name="Dale")])
    cash_move(account, "184250.50", business_date=today - 40 * DAY)
    cash_move(account, "-7375.00", business_date=today - DAY, description="Loan repayment L20144", reference="TX7000")
    content = _pdf(account, today - 30 * DAY, today)
    text = _pages(content)[0]
    for part in (
        "Account statement",
        "Cheryl Dale",
        "John Dale",
        "14 Ojijo Road",
        "Westlands",
        "184,250.50",
        "176,875.50",
        "7,375.00",
        "Loan repayment L20144",
        "TX7000",
        "Balance brought forward",
        "Balance carried forward",
        "Page 1 of 1",
        account.number[-4:],
    ):
        assert part in text, part
    assert account.number not in text
    code = account.statements.get().code
    assert code[:4] in text


def test_it_is_pdf_a_with_its_fonts_inside_and_its_structure_marked(today: dt.date) -> None:
    reader = PdfReader(io.BytesIO(_pdf(AccountFactory(balance="1.00"), today, today)))
    assert "Account statement" in reader.pages[0].extract_text(), "in one line, however short the period below it is"
    metadata = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert 'pdfaid:part="3"' in metadata or "<pdfaid:part>3" in metadata
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    names = {
        str(font.get_object()["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()
    }
    assert names
    assert all("Inter" in name and "+" in name for name in names), names
    assert "/JavaScript" not in str(reader.trailer["/Root"])


def test_the_same_statement_at_the_same_moment_is_the_same_bytes(today: dt.date) -> None:
    account = AccountFactory(balance="99.00")
    first = _pdf(account, today, today)
    assert _pdf(account, today, today) == first
    assert _pdf(account, today, today, at=AT + DAY) != first


def test_nothing_moved(today: dt.date) -> None:
    text = _pages(_pdf(AccountFactory(), today, today))
    assert len(text) == 1
    assert "No transactions in this period." in text[0]


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("JPY", "1234567", "1,234,567"), ("BHD", "9999999999.999", "9,999,999,999.999"), ("KES", "0.01", "0.01")],
)
def test_amounts_have_the_decimals_of_their_currency(today: dt.date, currency: str, amount: str, shown: str) -> None:
    account = AccountFactory(currency=currency)
    cash_move(account, amount)
    text = _pages(_pdf(account, today, today))[0]
    assert text.count(shown) >= 5  # paid in twice, the line, the balance, the closing balance
    if currency == "JPY":
        assert "1,234,567." not in text


def test_overdrawn_amounts_have_a_minus_sign(today: dt.date) -> None:
    account = AccountFactory(overdraft_limit=100_000)
    cash_move(account, "-12.50")
    assert "\N{MINUS SIGN}12.50" in _pages(_pdf(account, today, today))[0]


def test_figures_follow_the_language_of_the_member(today: dt.date) -> None:
    account = AccountFactory(member=MemberFactory(user=UserFactory(locale="de")), balance="1234.50")
    assert "1.234,50" in _pages(_pdf(account, today, today))[0]
    other = AccountFactory(member=MemberFactory(user=UserFactory(locale="xx-bad")), balance="1234.50")
    assert "1,234.50" in _pages(_pdf(other, today, today))[0]


def test_names_are_text_and_never_markup(today: dt.date) -> None:
    member = MemberFactory(
        kind="business", business_name="<b>A</b> & {{ 7|add:7 }} <img src=file:///etc/passwd> " + "Long " * 15
    )
    account = AccountFactory(member=member)
    cash_move(account, "1.00", description="<script>alert(1)</script> <link rel=attachment href=file:///etc/passwd>")
    content = _pdf(account, today, today)
    text = " ".join(_pages(content)[0].split())
    assert "<b>A</b> & {{ 7|add:7 }}" in text
    assert "<script>" in text
    assert b"root:" not in content
    assert not PdfReader(io.BytesIO(content)).attachments


def test_long_statements_repeat_their_headings_and_end_whole(today: dt.date) -> None:
    account = AccountFactory()
    real = statement_of(account=account, starts_on=today - 300 * DAY, ends_on=today)
    lines = []
    for number in range(120):
        day = today - (120 - number) * DAY
        entry = PeriodLine(
            number, 1, UUID(int=number), "fee", day, day, AT, "", f"Line {number:03d}", "Acme", "", amount=100
        )
        lines.append(StatementLine(entry, 100 * (number + 1)))
    long = Statement(
        account=account,
        starts_on=real.starts_on,
        ends_on=real.ends_on,
        opening=0,
        paid_in=12_000,
        paid_out=0,
        closing=12_000,
        lines=lines,
        last_entry=120,
        ledger_balance=None,
    )
    pages = _pages(statement_pdf(long, StatementIssue(code="0123456789ABCDEF", issued_at=AT)))
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert "DESCRIPTION" in page.upper()
        assert f"Page {number} of {len(pages)}" in page
    whole = " ".join(pages)
    assert all(f"Line {number:03d}" in whole for number in range(120))
    last = pages[-1]
    assert "Balance carried forward" in last
    assert "Line 119" in last, "the closing balance stands alone on its page"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "file:///work/../etc/passwd",
        "http://127.0.0.1/",
        "https://example.com/x.css",
        "http://169.254.169.254/latest/meta-data",
        "ftp://example.com/x",
        "file://host/share/x",
        "gopher://x",
        "static/../../config/settings/base.py",
    ],
)
def test_only_our_own_static_files_are_read(url: str) -> None:
    with pytest.raises(ValueError):
        OwnFilesFetcher().fetch(url)


def test_climbing_out_of_the_static_folder_is_refused(settings: Any) -> None:
    base = (settings.BASE_DIR / "static").as_uri()
    for tail in ("/../config/env.py", "/%2e%2e/config/env.py", "/fonts/../../manage.py", "-other/x"):
        with pytest.raises(ValueError, match="not a file of ours"):
            OwnFilesFetcher().fetch(base + tail)
    assert OwnFilesFetcher().fetch(base + "/fonts/Inter-Regular.woff2")
    assert OwnFilesFetcher().fetch("data:text/plain,hello")


def _statement(opening: int, moves: list[tuple[int, int]]) -> Iterator[Any]:
    balance = opening
    for day, amount in moves:
        balance += amount
        yield SimpleNamespace(entry=SimpleNamespace(business_date=dt.date(2026, 1, 1) + day * DAY), balance=balance)


@pytest.mark.parametrize(
    ("opening", "moves", "low", "high", "zero"),
    [
        (0, [(0, 100), (5, -50)], 0, 100, False),
        (-100, [(3, 300)], -100, 200, True),
        (-500, [(3, 100)], -500, -400, False),
        (100, [(30, 0)], 100, 100, False),
    ],
)
def test_the_chart(opening: int, moves: list[tuple[int, int]], low: int, high: int, zero: bool) -> None:
    lines = list(_statement(opening, moves))
    chart = sparkline_of(
        SimpleNamespace(opening=opening, lines=lines, starts_on=dt.date(2026, 1, 1), ends_on=dt.date(2026, 1, 31))  # type: ignore[arg-type]
    )
    assert chart is not None
    assert (chart.low, chart.high, bool(chart.zero)) == (low, high, zero)
    for point in chart.line.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 680
        assert 0 <= y <= 64
