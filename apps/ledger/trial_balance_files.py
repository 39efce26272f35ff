"""The trial balance as CSV and XLSX. Amounts are decimal units of their currency."""

from __future__ import annotations

import csv
import io

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font

from apps.core.money import Money
from apps.ledger.selectors import TrialBalance, TrialBalanceRow

HEADINGS = ("Currency", "Code", "Account", "Type", "Turnover debit", "Turnover credit", "Debit", "Credit")
WIDTHS = (10, 10, 44, 12, 20, 20, 20, 20)
# A cell that begins with one of these is a formula to a spreadsheet; a quote before it makes it text.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(balance: TrialBalance) -> bytes:
    """UTF-8 with a byte order mark, for spreadsheets that otherwise guess the encoding."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in balance.rows:
        amounts = [Money(minor, row.currency).amount for minor in _amounts(row)]
        writer.writerow([row.currency, row.code, _cell(row.name), row.type, *amounts])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(balance: TrialBalance) -> bytes:
    """A workbook with one sheet and real numbers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Trial balance")
    sheet.freeze_panes = "A3"
    for letter, width in zip("ABCDEFGH", WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([f"Trial balance as of {balance.as_of.isoformat()}, up to entry {balance.as_of_entry}"])
    heads = []
    for index, heading in enumerate(HEADINGS):
        cell = WriteOnlyCell(sheet, value=heading)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(horizontal="right" if index >= 4 else "left")
        heads.append(cell)
    sheet.append(heads)
    for row in balance.rows:
        amounts = []
        for minor in _amounts(row):
            amount = Money(minor, row.currency)
            cell = WriteOnlyCell(sheet, value=amount.decimal)
            places = len(amount.amount.partition(".")[2])
            cell.number_format = "#,##0" + ("." + "0" * places if places else "")
            amounts.append(cell)
        sheet.append([row.currency, row.code, _cell(row.name), row.type, *amounts])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _amounts(row: TrialBalanceRow) -> tuple[int, int, int, int]:
    return row.turnover_debit, row.turnover_credit, row.debit, row.credit


def _cell(text: str) -> str:
    return "'" + text if text.startswith(FORMULA_STARTS) else text
