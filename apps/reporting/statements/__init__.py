"""Financial statements, each drawn from the trial balances of its columns and proven against them."""

from apps.reporting.statements._draw import (
    DRAWN,
    balance_sheet,
    cash_flow,
    changes_in_equity,
    columns_of,
    income_statement,
)
from apps.reporting.statements._model import Column, FinancialStatement, Proof, Row

__all__ = [
    "DRAWN",
    "Column",
    "FinancialStatement",
    "Proof",
    "Row",
    "balance_sheet",
    "cash_flow",
    "changes_in_equity",
    "columns_of",
    "income_statement",
]
