"""Where balances are locked: in key order, once a transaction. docs/locking.md is the policy."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from apps.balances.models import Balance, Hold


def balances_lock(*, account_ids: Iterable[int]) -> dict[int, Balance]:
    """Lock the balances in key order and return them by ledger account id. Call once per transaction.

    Raises RuntimeError outside a transaction: a lock that ends with its statement protects nothing.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("balances_lock needs an open transaction")
    rows = Balance.objects.filter(pk__in=list(account_ids)).order_by("pk")
    return {row.pk: row for row in rows.select_for_update(of=("self",), no_key=True)}


def day_lock_shared() -> None:
    """Keep the business day from changing until the transaction ends (advisory lock 7003, shared)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(7003)")


def hold_lock(*, pk: UUID) -> Hold:
    """The hold, locked, after its account's balance. Raises Hold.DoesNotExist."""
    return Hold.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)


def partition_lock(*, partition: int) -> tuple[str, int, int, str, int] | None:
    """Mode, epoch, head sequence, head hash and flips of a partition, its row locked against every other change."""
    if not connection.in_atomic_block:
        raise RuntimeError("partition_lock needs an open transaction")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mode, epoch, head_seq, head_hash, flips FROM balances_partition WHERE id = %s FOR UPDATE",
            [partition],
        )
        row: tuple[str, int, int, str, int] | None = cursor.fetchone()
        return row
