"""Writes of products and accounts."""

from apps.accounts.services._accounts import Holder, account_close, account_open, account_status_set, account_update
from apps.accounts.services._bulk import accounts_open
from apps.accounts.services._products import product_create, product_update
from apps.accounts.services._statements import statement_issue

__all__ = [
    "Holder",
    "account_close",
    "account_open",
    "account_status_set",
    "account_update",
    "accounts_open",
    "product_create",
    "product_update",
    "statement_issue",
]
