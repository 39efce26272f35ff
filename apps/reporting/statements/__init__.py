"""Financial statements, each drawn from the trial balances of its columns and proven against them."""

from apps.reporting.statements._draw import (
    DRAWN,
    balance_sheet,
    cash_flow,
    cash_flow_direct,
    changes_in_equity,
    columns_of,
    income_statement,
)
from apps.reporting.statements._layouts import BUILT_IN, KINDS, Definition, layout_check
from apps.reporting.statements._model import Column, FinancialStatement, Proof, Row
from apps.reporting.statements._translate import Rates

__all__ = [
    "BUILT_IN",
    "DRAWN",
    "KINDS",
    "Column",
    "Definition",
    "FinancialStatement",
    "Proof",
    "Rates",
    "Row",
    "balance_sheet",
    "cash_flow",
    "cash_flow_direct",
    "changes_in_equity",
    "columns_of",
    "income_statement",
    "layout_check",
]
