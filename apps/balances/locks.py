"""Where balances are locked: in key order, once a transaction. docs/locking.md is the policy."""

from collections.abc import Iterable
from uuid import UUID

import psycopg
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


def journal_open(*, partition: int, count: int) -> tuple[str, int, int, str, int, list[int], str, str] | None:
    """Keep the business day and the partition's row as they are until the transaction ends, and draw journal ids.

    Mode, epoch, head sequence, head hash and flips of the partition; `count` ids, the time of booking and the business
    date, as texts. None for a partition that is not.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("journal_open needs an open transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM balances_journal_open(%s::int, %s::int)", [partition, count])
        row: tuple[str, int, int, str, int, list[int], str, str] | None = cursor.fetchone()
        return row


_FEW = "SELECT balances_journal_few(%s::int, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb)"


def journal_few(
    *, partition: int, expected: tuple[int, int, str, int], last_hash: str, entries: str, lines: str
) -> bool:
    """Keep day and partition as they are, write a few proved entries (JSON, see the function) and commit, in one call.

    `expected` is epoch, head sequence, head hash and flips; False, and nothing is written, when the partition is not
    FAST with exactly these. Raises RuntimeError inside a transaction, which would hold the locks until its end.
    """
    if connection.in_atomic_block:
        raise RuntimeError("journal_few is a transaction of its own")
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_FEW, [partition, *expected, last_hash, entries, lines], prepare=True)
        (row,) = cursor.fetchall()
    return bool(row[0])
