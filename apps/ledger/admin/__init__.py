"""The books on the staff site: journal, chart, periods, trial balance. View-only but for closing a period."""

from apps.ledger.admin.chart import CurrencyAdmin, GLAccountAdmin
from apps.ledger.admin.journal import JournalEntryAdmin
from apps.ledger.admin.periods import AccountingPeriodAdmin

__all__ = ["AccountingPeriodAdmin", "CurrencyAdmin", "GLAccountAdmin", "JournalEntryAdmin"]
