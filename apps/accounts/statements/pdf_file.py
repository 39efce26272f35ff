"""A statement as PDF/A-3u, made by WeasyPrint from templates/accounts/statement.html.

The same statement issued at the same moment is the same bytes. Nothing is fetched: the style sheet and the fonts are
ours, and any other address is refused. Latin, Greek, Cyrillic and Vietnamese letters are set in Inter; names in other
scripts need a font of the machine (fonts-noto-core, fonts-noto-cjk) and show as boxes without. Labels are English;
figures follow the language of the member's user.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal
from django.conf import settings

from apps.accounts.models import StatementIssue
from apps.accounts.numbers import iban_of, number_masked
from apps.accounts.selectors import Statement, StatementLine
from apps.accounts.statements.codes import code_grouped
from apps.accounts.statements.sparkline import HEIGHT, WIDTH, sparkline_of
from apps.core.currencies import currency_get
from apps.core.money import Money
from apps.core.pdf import pdf_render

PDF_LINES_MAX = 2_000
"""About ten seconds; more would keep a request waiting for too long. CSV and JSON have them all."""

if TYPE_CHECKING:
    from apps.members.models import Member

_MINUS = "\N{MINUS SIGN}"
# Named here and not by the process's locale: the labels are English, and the file must not depend on the machine.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def statement_pdf(statement: Statement, issue: StatementIssue) -> bytes:
    """The file, whole; about a second for 300 lines."""
    context = _context(statement, issue)
    return pdf_render(template="accounts/statement.html", context=context, identifier=issue.code.encode())


def _context(statement: Statement, issue: StatementIssue) -> dict[str, Any]:
    account = statement.account
    locale = _locale(account.member.user.locale if account.member.user else "")
    currency = currency_get(statement.currency)
    pattern = "#,##0" + ("." + "0" * currency.exponent if currency.exponent else "")

    def amount(minor: int) -> str:
        value = Money(minor, currency.code).decimal
        return format_decimal(value, format=pattern, locale=locale).replace("-", _MINUS)

    rows = [_row(line, amount) for line in statement.lines]
    paid_in, paid_out, opening, closing = map(
        amount, (statement.paid_in, statement.paid_out, statement.opening, statement.closing)
    )
    chart = sparkline_of(statement)
    issued = issue.issued_at.astimezone(ZoneInfo(account.branch.time_zone))
    return {
        "bank": settings.NUMINA["BANK_NAME"],
        "verify_at": _verify_at(),
        "code": code_grouped(issue.code),
        "account": account,
        "number": number_masked(account.number),
        "iban": number_masked(iban_of(account.number)) if iban_of(account.number) else "",
        "address": _address(account.member),
        "holders": [holder.member.display_name for holder in account.holders_now],
        "currency": currency,
        "period": _period(statement.starts_on, statement.ends_on),
        "since": _day(statement.starts_on),
        "until": _day(statement.ends_on),
        "issued": f"{_day(issued.date())} {issued:%H:%M %Z}",
        "issued_at": issue.issued_at,
        "opening": opening,
        "paid_in": paid_in,
        "paid_out": paid_out,
        "closing": closing,
        "rows": rows,
        "widths": [
            _width([paid_out]),
            _width([paid_in]),
            _width([opening, closing, *(row["balance"] for row in rows)]),
        ],
        "chart": chart,
        "chart_size": {"width": WIDTH, "height": HEIGHT},
        "low": amount(chart.low) if chart else "",
        "high": amount(chart.high) if chart else "",
    }


def _width(amounts: list[str]) -> int:
    """Millimetres of a column that holds the longest amount in bold: digits 1.95, separators 0.95, padding 4."""
    longest = max(amounts, key=len)
    digits = sum(character.isdigit() for character in longest)
    return max(24, (195 * digits + 95 * (len(longest) - digits) + 99) // 100 + 4)


def _row(line: StatementLine, amount: Callable[[int], str]) -> dict[str, str]:
    entry = line.entry
    notes = [entry.counterparty, entry.reference]
    if entry.value_date != entry.business_date:
        notes.append(f"value {_day(entry.value_date)}")
    return {
        "date": _day(entry.business_date),
        "text": entry.description or entry.kind.replace("_", " ").capitalize(),
        "note": " \u00b7 ".join(note for note in notes if note),
        "paid_out": amount(-line.amount) if line.amount < 0 else "",
        "paid_in": amount(line.amount) if line.amount > 0 else "",
        "balance": amount(line.balance),
    }


def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale.parse("en")


def _day(day: dt.date) -> str:
    return f"{day:%d} {_MONTHS[day.month - 1][:3]} {day.year}"


def _period(since: dt.date, until: dt.date) -> str:
    """1 - 31 October 2026; what both ends share is said once."""
    end = f"{until.day} {_MONTHS[until.month - 1]} {until.year}"
    if since == until:
        return end
    if (since.year, since.month) == (until.year, until.month):
        return f"{since.day} \u2013 {end}"
    begin = f"{since.day} {_MONTHS[since.month - 1]}"
    return f"{begin} \u2013 {end}" if since.year == until.year else f"{begin} {since.year} \u2013 {end}"


def _address(member: Member) -> list[str]:
    place = " ".join(part for part in (member.city, member.country) if part)
    return [line for line in (member.address, place) if line]


def _verify_at() -> str:
    """Where the code is entered; empty while the bank has no public address."""
    host = urlsplit(settings.NUMINA["PUBLIC_URL"] or "").netloc
    return f"{host}/api/v1/statements/verify" if host else ""
