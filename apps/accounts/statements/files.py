"""A statement as a file: the same figures in each form."""

from __future__ import annotations

from collections.abc import Callable

from apps.accounts.models import StatementIssue
from apps.accounts.selectors import Statement
from apps.accounts.statements.csv_file import statement_csv
from apps.accounts.statements.pdf_file import statement_pdf
from apps.accounts.statements.xlsx_file import XLSX, statement_xlsx

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf", "xlsx": XLSX}
_WRITERS: dict[str, Callable[[Statement, StatementIssue], bytes]] = {
    "csv": lambda statement, _issue: statement_csv(statement),
    "pdf": statement_pdf,
    "xlsx": statement_xlsx,
}


def statement_file(statement: Statement, issue: StatementIssue, form: str) -> bytes:
    """The file, whole; `form` is csv, pdf or xlsx."""
    return _WRITERS[form](statement, issue)
