"""A statement as a spreadsheet (Office Open XML): what the CSV has, with numbers as numbers and the holders on top."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from apps.accounts.models import StatementIssue
from apps.accounts.numbers import iban_of
from apps.accounts.selectors import Statement
from apps.accounts.statements.codes import code_grouped
from apps.core.currencies import currency_get
from apps.core.money import Money
from apps.core.sheets import cell_text

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADINGS = (
    "Business date", "Value date", "Kind", "Description", "Counterparty", "Reference", "Paid out", "Paid in", "Balance",
)  # fmt: skip
_WIDTHS = (13, 13, 16, 36, 24, 18, 15, 15, 15)


def statement_xlsx(statement: Statement, issue: StatementIssue) -> bytes:
    """The file, whole. Amounts are numbers in the currency's format; texts are never formulas."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Statement")
    for number, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCDEFGHI"[number]].width = width
    currency = currency_get(statement.currency)
    style = "#,##0" + ("." + "0" * currency.exponent if currency.exponent else "")
    bold = Font(bold=True)

    def money(minor: int, font: Font | None = None) -> Any:
        cell = WriteOnlyCell(sheet, value=Money(minor, currency.code).decimal)
        cell.number_format = style
        if font is not None:
            cell.font = font
        return cell

    def strong(values: Iterable[str]) -> list[Any]:
        cells = [WriteOnlyCell(sheet, value=value) for value in values]
        for cell in cells:
            cell.font = bold
        return cells

    for label, value in _head(statement, issue):
        sheet.append([*strong([label]), cell_text(value)])
    sheet.append([])
    sheet.append(strong(HEADINGS))
    sheet.append([statement.starts_on, None, "Opening balance", *[None] * 5, money(statement.opening, bold)])
    for line in statement.lines:
        entry = line.entry
        texts = (entry.kind, entry.description, entry.counterparty, entry.reference)
        moved = money(abs(line.amount))
        sides = (moved, None) if line.amount < 0 else (None, moved)
        sheet.append([
            entry.business_date, entry.value_date, *(cell_text(text) for text in texts), *sides, money(line.balance),
        ])  # fmt: skip
    ends = [statement.ends_on, None, "Closing balance", None, None, None]
    amounts = (statement.paid_out, statement.paid_in, statement.closing)
    sheet.append([*ends, *(money(amount, bold) for amount in amounts)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _head(statement: Statement, issue: StatementIssue) -> list[tuple[str, str]]:
    account = statement.account
    others = [holder.member.display_name for holder in account.holders_now]
    return [
        ("Account", f"{account.number} {account.name}"),
        *([("IBAN", iban_of(account.number))] if iban_of(account.number) else []),
        ("Holders", ", ".join([account.member.display_name, *others])),
        ("Period", f"{statement.starts_on} to {statement.ends_on}"),
        ("Currency", statement.currency),
        ("Verification code", code_grouped(issue.code)),
    ]
