"""A financial statement as a file: CSV, XLSX, PDF. Each shows the same rows, from the same amounts."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from decimal import Decimal

from django.conf import settings
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from apps.core.currencies import minor_format
from apps.core.pdf import pdf_render
from apps.core.sheets import cell_text, csv_file
from apps.reporting.statements import FinancialStatement, Proof

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX, "pdf": "application/pdf"}
STRONG = frozenset({"heading", "total", "result"})


def proof_text(proof: Proof, statement: FinancialStatement) -> str:
    """The proof in words, with what it found."""
    found = ", ".join(minor_format(amount, statement.currency) for amount in proof.differences)
    said = "proven" if statement.proves(proof) else "NOT PROVEN"
    if said == "proven" and any(proof.differences):
        said = "proven for the whole; branches stand open against each other"
    return f"{proof.text}: {found} {statement.currency}, {said}"


def statement_csv(statement: FinancialStatement) -> bytes:
    """UTF-8 with a byte order mark; amounts as decimal units of the currency, proofs at the end."""
    rows: list[list[object]] = []
    for row in statement.rows:
        amounts = [Decimal(minor_format(amount, statement.currency)) for amount in row.amounts]
        rows.append([row.kind, row.code, row.label, statement.currency, *amounts])
    rows += [["proof", "", proof_text(proof, statement), statement.currency] for proof in statement.proofs]
    return csv_file(["Kind", "Code", "Row", "Currency", *[column.label for column in statement.columns]], rows)


def statement_xlsx(statement: FinancialStatement) -> bytes:
    """One sheet with real numbers, a frozen header, and the proofs below."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(statement.title[:31])
    sheet.freeze_panes = "C3"
    for letter, width in (
        ("A", 10),
        ("B", 52),
        *((get_column_letter(3 + place), 26) for place in range(len(statement.columns))),
    ):
        sheet.column_dimensions[letter].width = width
    sheet.append([f"{statement.title}, {statement.currency}, up to journal entry {statement.as_of_entry}"])
    heads = []
    for place, text in enumerate(["Code", "", *[column.label for column in statement.columns]]):
        cell = WriteOnlyCell(sheet, value=text)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(horizontal="right" if place >= 2 else "left")
        heads.append(cell)
    sheet.append(heads)
    places = len(minor_format(0, statement.currency).partition(".")[2])
    number_format = "#,##0" + ("." + "0" * places if places else "")
    for row in statement.rows:
        label = WriteOnlyCell(sheet, value=cell_text(row.label))
        label.font = Font(bold=row.kind in STRONG)
        label.alignment = Alignment(indent=row.depth)
        cells = [row.code, label]
        for amount in row.amounts:
            cell = WriteOnlyCell(sheet, value=Decimal(minor_format(amount, statement.currency)))
            cell.number_format = number_format
            cell.font = Font(bold=row.kind in STRONG)
            if row.kind in ("total", "result"):
                cell.border = Border(top=Side(style="thin"))
            cells.append(cell)
        sheet.append(cells)
    for proof in statement.proofs:
        sheet.append(["", proof_text(proof, statement)])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def statement_pdf(statement: FinancialStatement, *, drawn_at: dt.datetime, drawn_by: str, scope: str) -> bytes:
    """PDF/A on the bank's paper. `scope` says in words which branches are in it."""
    context = {
        "statement": statement,
        "statement_rows": [
            {"row": row, "amounts": [_shown(amount, statement.currency) for amount in row.amounts]}
            for row in statement.rows
        ],
        "statement_proofs": [proof_text(proof, statement) for proof in statement.proofs],
        "bank": settings.NUMINA["BANK_NAME"],
        "scope": scope,
        "drawn_at": drawn_at,
        "drawn_by": drawn_by,
        "digest": hashlib.sha256(statement_csv(statement)).hexdigest(),
    }
    return pdf_render(template="reporting/statement_pdf.html", context=context, identifier=statement.kind.encode())


def statement_file(
    statement: FinancialStatement, form: str, *, drawn_at: dt.datetime, drawn_by: str, scope: str
) -> tuple[bytes, str]:
    """The file and its media type; `form` is csv, xlsx or pdf. Raises KeyError for another."""
    if form == "pdf":
        return statement_pdf(statement, drawn_at=drawn_at, drawn_by=drawn_by, scope=scope), MEDIA_TYPES[form]
    render = {"csv": statement_csv, "xlsx": statement_xlsx}[form]
    return render(statement), MEDIA_TYPES[form]


def _shown(amount: int, currency: str) -> str:
    """With groups of three; a loss in brackets, as statements show it."""
    text = minor_format(abs(amount), currency)
    whole, dot, rest = text.partition(".")
    grouped = f"{int(whole):,}{dot}{rest}"
    return f"({grouped})" if amount < 0 else grouped
