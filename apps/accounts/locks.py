"""Where accounts and products are locked: after the business day and the balances, see docs/locking.md."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.accounts.models import Account, AccountProduct


def account_lock(*, pk: UUID) -> Account | None:
    """The account, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("account_lock")
    return Account.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def product_lock(*, pk: UUID) -> AccountProduct | None:
    """The product, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("product_lock")
    return AccountProduct.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def _need_transaction(name: str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(f"{name} needs an open transaction")
