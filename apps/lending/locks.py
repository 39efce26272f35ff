"""Where rows of lending are locked: after the business day and the balances, see docs/locking.md."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from apps.lending.models import CreditLine, Loan, LoanApplication, LoanProduct


def loan_lock(*, pk: UUID) -> Loan | None:
    """The loan, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("loan_lock")
    return Loan.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def loans_lock(*, ids: Iterable[UUID]) -> None:
    """Lock loans in key order until the transaction ends. Raises RuntimeError outside a transaction."""
    _need_transaction("loans_lock")
    rows = Loan.objects.filter(pk__in=list(ids)).order_by("pk").values_list("pk", flat=True)
    list(rows.select_for_update(of=("self",), no_key=True))


def credit_line_lock(*, pk: UUID) -> CreditLine | None:
    """The credit line, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("credit_line_lock")
    lines = CreditLine.objects.select_related("product", "member", "branch", "account")
    return lines.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def application_lock(*, pk: UUID) -> LoanApplication | None:
    """The application, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("application_lock")
    return LoanApplication.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def product_lock(*, pk: UUID) -> LoanProduct | None:
    """The product, locked until the transaction ends, or None. Raises RuntimeError outside a transaction."""
    _need_transaction("product_lock")
    return LoanProduct.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()


def _need_transaction(name: str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(f"{name} needs an open transaction")
