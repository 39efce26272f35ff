"""Accounts and products on the staff site, and what a member's page shows of them."""

from apps.accounts.admin.accounts import AccountAdmin, AccountProductAdmin, account_chip, number_spaced, with_balances
from apps.accounts.admin.authority import PEOPLE_TAB
from apps.accounts.admin.closing import CLOSING_TAB
from apps.accounts.admin.dividends import DIVIDENDS_TAB
from apps.accounts.admin.fees import FEES_TAB
from apps.accounts.admin.interest import INTEREST_TAB
from apps.accounts.admin.statement_batches import StatementBatchAdmin
from apps.accounts.admin.term_deposits import TERM_TAB
from apps.accounts.admin.terms import TERMS_TAB

__all__ = [
    "CLOSING_TAB",
    "DIVIDENDS_TAB",
    "FEES_TAB",
    "INTEREST_TAB",
    "PEOPLE_TAB",
    "TERMS_TAB",
    "TERM_TAB",
    "AccountAdmin",
    "AccountProductAdmin",
    "StatementBatchAdmin",
    "account_chip",
    "number_spaced",
    "with_balances",
]
