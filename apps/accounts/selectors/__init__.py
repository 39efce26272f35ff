"""Reads of products and accounts."""

from apps.accounts.selectors._access import (
    AccountBrief,
    account_brief_for,
    account_by_number,
    account_facts,
    account_get_for,
    accounts_of_member,
    accounts_visible_to,
    product_facts,
    product_get_for,
    products_visible_to,
    transactions_of,
)
from apps.accounts.selectors._refs import AccountRef, ledger_refs, transaction_limits
from apps.accounts.selectors._statements import LINES_MAX, Statement, StatementLine, statement_of, statement_verify
from apps.accounts.selectors._terms import (
    fee_facts,
    fees_of_product,
    fees_on,
    terms_facts,
    terms_get,
    terms_of_account,
    terms_of_product,
    terms_on,
)

__all__ = [
    "LINES_MAX",
    "AccountBrief",
    "AccountRef",
    "Statement",
    "StatementLine",
    "account_brief_for",
    "account_by_number",
    "account_facts",
    "account_get_for",
    "accounts_of_member",
    "accounts_visible_to",
    "fee_facts",
    "fees_of_product",
    "fees_on",
    "ledger_refs",
    "product_facts",
    "product_get_for",
    "products_visible_to",
    "statement_of",
    "statement_verify",
    "terms_facts",
    "terms_get",
    "terms_of_account",
    "terms_of_product",
    "terms_on",
    "transaction_limits",
    "transactions_of",
]
