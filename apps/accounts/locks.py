"""Where accounts and products are locked: after the business day and the balances, see docs/locking.md."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.accounts.models import (
    Account,
    AccountProduct,
    CloseMark,
    Dividend,
    FeeCharge,
    InterestTotal,
    StatementBatch,
    StatementPart,
)


def account_lock(*, pk: UUID) -> Account | None:
    """The account, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("account_lock")
    return Account.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def product_lock(*, pk: UUID) -> AccountProduct | None:
    """The product, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("product_lock")
    return AccountProduct.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def dividend_lock(*, pk: UUID) -> Dividend | None:
    """The dividend with its product, locked until the transaction ends, or None."""
    _need_transaction("dividend_lock")
    rows = Dividend.objects.select_for_update(of=("self",), no_key=True).select_related("product")
    return rows.filter(pk=pk).first()


def statement_part_lock(*, batch_id: UUID, wait: bool) -> StatementPart | None:
    """The next part of a batch that is not finished, locked; without `wait` one that nobody holds. None for none."""
    _need_transaction("statement_part_lock")
    parts = StatementPart.objects.select_related("batch__requested_by").filter(batch=batch_id, finished_at=None)
    parts = parts.filter(batch__cancelled_at=None)
    return parts.select_for_update(of=("self",), no_key=True, skip_locked=not wait).order_by("number").first()


def statement_batch_lock(*, pk: UUID) -> StatementBatch | None:
    """The batch, locked until the transaction ends, or None; by a worker after its part."""
    _need_transaction("statement_batch_lock")
    return StatementBatch.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def fee_charge_lock(*, pk: int) -> FeeCharge | None:
    """The fee of an account, locked until the transaction ends, or None."""
    _need_transaction("fee_charge_lock")
    return FeeCharge.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def close_mark_lock(*, partition: str) -> CloseMark:
    """How far a range of accounts has got, locked until the transaction ends. Made when it is not there yet."""
    _need_transaction("close_mark_lock")
    CloseMark.objects.bulk_create([CloseMark(partition=partition)], ignore_conflicts=True)
    return CloseMark.objects.select_for_update(of=("self",), no_key=True).get(pk=partition)


def interest_totals_lock(*, branch_id: UUID) -> list[InterestTotal]:
    """The totals of interest of a branch, locked in key order until the transaction ends."""
    _need_transaction("interest_totals_lock")
    rows = InterestTotal.objects.filter(branch=branch_id).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True))


def _need_transaction(name: str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(f"{name} needs an open transaction")
