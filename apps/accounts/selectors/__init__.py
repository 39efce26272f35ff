"""Reads of products and accounts."""

from apps.accounts.selectors._access import (
    account_by_number,
    account_facts,
    account_get_for,
    accounts_of_member,
    accounts_visible_to,
    product_facts,
    product_get_for,
    products_visible_to,
)
from apps.accounts.selectors._refs import AccountRef, ledger_refs, transaction_limits

__all__ = [
    "AccountRef",
    "account_by_number",
    "account_facts",
    "account_get_for",
    "accounts_of_member",
    "accounts_visible_to",
    "ledger_refs",
    "product_facts",
    "product_get_for",
    "products_visible_to",
    "transaction_limits",
]
