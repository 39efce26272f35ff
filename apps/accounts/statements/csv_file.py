"""A statement as CSV, for spreadsheets and programs.

Columns: business_date, value_date, kind, description, counterparty, reference, transaction_id, paid_out, paid_in,
balance, currency. The first row is the opening balance, the last one the closing balance, by their kind. Amounts are
plain decimals. UTF-8 with a byte order mark, since spreadsheets guess wrong without; lines end in CR LF (RFC 4180).
"""

from __future__ import annotations

import csv
import io

from apps.accounts.selectors import Statement
from apps.core.currencies import minor_format
from apps.core.sheets import cell_text

COLUMNS = (
    "business_date",
    "value_date",
    "kind",
    "description",
    "counterparty",
    "reference",
    "transaction_id",
    "paid_out",
    "paid_in",
    "balance",
    "currency",
)


def statement_csv(statement: Statement) -> bytes:
    """The file, whole."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    currency = statement.currency
    blank = ("",) * 6
    writer.writerow(COLUMNS)
    opening = minor_format(statement.opening, currency)
    writer.writerow([statement.starts_on, statement.starts_on, "opening_balance", *blank, opening, currency])
    for line in statement.lines:
        entry = line.entry
        amount = minor_format(abs(line.amount), currency)
        writer.writerow(
            [
                entry.business_date,
                entry.value_date,
                entry.kind,
                cell_text(entry.description),
                cell_text(entry.counterparty),
                cell_text(entry.reference),
                entry.transaction_id,
                amount if line.amount < 0 else "",
                amount if line.amount > 0 else "",
                minor_format(line.balance, currency),
                currency,
            ]
        )
    closing = minor_format(statement.closing, currency)
    writer.writerow([statement.ends_on, statement.ends_on, "closing_balance", *blank, closing, currency])
    return text.getvalue().encode("utf-8-sig")
