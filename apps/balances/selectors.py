"""Reads of balances and of decided transactions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, transaction
from django.db.models import QuerySet

from apps.balances.engine import client, ownership
from apps.balances.engine.status import engine_status  # noqa: F401 - for other apps
from apps.balances.models import Hold, TransactionKey
from apps.core import clock
from apps.core.gather import Together
from apps.core.kept_statement import KeptStatement


@dataclass(frozen=True, slots=True)
class BalanceView:
    """A balance as read, credit-positive minor units.

    `pending` is true while part of it, `unjournaled` in sum, may still disappear.
    """

    booked: int
    held: int
    available: int
    overdraft_limit: int
    currency: str
    status: str
    version: int
    pending: bool
    as_of: dt.datetime
    unjournaled: int = 0


# One statement gives the row and the moment it is true for. Of an account that the engine has executed, the last line
# may not be posted to the row yet.
_SHOWN = """
SELECT coalesce(l.balance_after, b.balance), b.held,
       coalesce(l.balance_after, b.balance) - b.held + b.overdraft_limit, b.overdraft_limit, b.currency, b.status,
       coalesce(l.account_version, b.version)"""
_OF = """
  FROM balances_balance b
  LEFT JOIN LATERAL (
      SELECT n.balance_after, n.account_version
        FROM (SELECT i.balance_after, i.account_version FROM ledger_line i WHERE i.account_id = b.account_id
               ORDER BY i.account_id, i.journal_id DESC, i.account_version DESC LIMIT 1) n
       WHERE n.account_version > b.version) l ON b.owner_epoch <> 0
 WHERE b.account_id = """
_MANY = f"{_SHOWN}, statement_timestamp(), b.account_id {_OF} ANY (%s)"
_MICROSECONDS = "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint"
_LOADERS = (int, int, int, int, bytes.decode, bytes.decode, int, int)
_ONE = KeptStatement("balance", f"{_SHOWN}, {_MICROSECONDS} {_OF} %s", _LOADERS)
# Of an account that the engine never executed the row is all there is: without the join it takes half of the time.
_ONE_OF_DATABASE = KeptStatement(
    "balance_of_database",
    f"""
SELECT balance, held, balance - held + overdraft_limit, overdraft_limit, currency, status, version, {_MICROSECONDS}
  FROM balances_balance
 WHERE account_id = %s AND owner_epoch = 0""",  # noqa: S608 - a constant
    _LOADERS,
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def balances_read(*, account_ids: Iterable[int]) -> dict[int, BalanceView]:
    """Balances of ledger accounts, exact as of one moment; accounts without a balance are left out."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_MANY, [list(account_ids)], prepare=True)
        return {
            row[8]: BalanceView(*row[:7], pending=False, as_of=row[7])  # type: ignore[misc]
            for row in cursor.fetchall()
        }


def balance_read(*, account_id: int) -> BalanceView:
    """The balance of one ledger account. Raises KeyError when it has none."""
    view = _one_balance(account_id)
    if view is None:
        raise KeyError(account_id)
    return view


def _balances_together(account_ids: list[int]) -> list[BalanceView | Exception | None]:
    """An account each of several callers, in one statement; of one alone by the shortest."""
    if len(account_ids) > 1:
        found = balances_read(account_ids=set(account_ids))
        return [found.get(account_id) for account_id in account_ids]
    row = _ONE_OF_DATABASE.row(account_ids[0]) or _ONE.row(account_ids[0])
    if row is None:
        return [None]
    view = BalanceView(*row[:7], pending=False, as_of=_EPOCH + dt.timedelta(microseconds=row[7]))  # type: ignore[misc]
    return [view]


_one_balance: Together[int, BalanceView | None] = Together(_balances_together)


def balance_live_read(*, account_id: int, how_much_pending: bool = True) -> BalanceView:
    """The newest balance: of an account that the engine executes, from its memory; otherwise as `balance_read`.

    What is `pending` may still disappear, and a memory that is cut off may be old: nothing is paid out on it. Without
    `how_much_pending` the books are not asked how much that is. Raises KeyError when the account has no balance.
    """
    seen = _memory_read(account_id)
    if seen is None:
        return balance_read(account_id=account_id)
    state: Any = seen.state
    pending = seen.last > seen.durable
    return BalanceView(
        booked=state.balance,
        held=state.held,
        available=state.balance - state.held + state.limit,
        overdraft_limit=state.limit,
        currency=state.currency,
        status=state.status,
        version=state.version,
        pending=pending,
        as_of=clock.now(),
        unjournaled=state.balance - balance_read(account_id=account_id).booked if pending and how_much_pending else 0,
    )


def _memory_read(account_id: int) -> client.Seen | None:
    """The account as the engine's memory has it; None where that does not execute it or cannot be asked."""
    if not ownership.engine_on() or connection.in_atomic_block or not ownership.any_fast():
        return None
    partition = ownership.partition_of([account_id])
    view = ownership.view(partition)
    if not partition or not view.is_fast:
        return None
    try:
        (seen,) = client.read(partition=partition, epoch=view.epoch, accounts=[account_id])
    except (client.EpochEnded, client.MemoryUnreachable, client.MemoryFull, client.MemoryFault):
        return None
    return seen if seen.state is not None else None


def engine_seen_fast() -> bool:
    """Whether the engine executed anything when this process last looked. Asks nobody."""
    return ownership.engine_on() and ownership.seen_fast()


def engine_seen_to_have(*, account_ids: Iterable[int]) -> bool:
    """Whether all these are in a partition of the engine, as this process saw them last. Asks nobody."""
    return ownership.seen_in_engine(account_ids)


def transaction_find(*, transaction_id: UUID) -> TransactionKey | None:
    """A decided transaction with its journal entry, lines and their accounts; None when the id was never decided, or
    stands for a hold, which has no entry."""
    return (
        TransactionKey.objects.filter(pk=transaction_id, journal__isnull=False)
        .select_related("journal__reverses")
        .prefetch_related("journal__lines__account")
        .first()
    )


def transactions_known(*, transaction_ids: Iterable[UUID]) -> set[UUID]:
    """Which of the ids have been decided before."""
    return set(TransactionKey.objects.filter(pk__in=list(transaction_ids)).values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class Decided:
    """A transaction decided before: what was asked, the outcome, and the balance after its first line."""

    fingerprint: bytes
    outcome: str
    balance_after: int | None


_DECIDED = """
SELECT k.transaction_id, k.fingerprint, k.outcome, l.balance_after
  FROM balances_transaction_key k LEFT JOIN ledger_line l ON l.journal_id = k.journal_id AND l.line_no = 1
 WHERE k.transaction_id = ANY (%s)
"""


def transactions_decided(*, transaction_ids: Iterable[UUID]) -> dict[UUID, Decided]:
    """Those of the ids that have been decided before, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED, [list(transaction_ids)])
        return {row[0]: Decided(bytes(row[1]), row[2], row[3]) for row in cursor.fetchall()}


def holds() -> QuerySet[Hold]:
    """All holds with their ledger accounts, for lists that limit them to what the user may see."""
    return Hold.objects.select_related("account")


def hold_find(*, transaction_id: UUID) -> Hold | None:
    """The hold placed under this transaction id, or None."""
    return Hold.objects.filter(transaction_id=transaction_id).first()


def holds_of(*, account_id: int) -> list[Hold]:
    """Holds of a ledger account, newest first, at most 200."""
    return list(Hold.objects.filter(account_id=account_id)[:200])


@dataclass(frozen=True, slots=True)
class BooksReport:
    """Outcome of a proof of the books: how much was compared, and each difference in words."""

    accounts: int
    lines: int
    faults: list[str]


_PROOFS = {
    "the balances of {} do not sum to zero but to {}": (
        "SELECT currency, sum(balance)::text FROM balances_balance GROUP BY currency HAVING sum(balance) <> 0"
    ),
    "account {} has a balance of {} that is not the sum of its lines": (
        "SELECT a.number, b.balance::text FROM balances_balance b JOIN ledger_ledgeraccount a ON a.id = b.account_id"
        " LEFT JOIN (SELECT i.account_id, sum(CASE i.side WHEN 'C' THEN i.amount ELSE -i.amount END) AS total"
        " FROM ledger_line i JOIN balances_balance r ON r.account_id = i.account_id AND i.account_version <= r.version"
        " GROUP BY i.account_id) l ON l.account_id = b.account_id"
        " WHERE b.balance <> coalesce(l.total, 0) LIMIT 100"
    ),
    "account {}: the balance before entry {} is not the one after the entry before it": (
        "SELECT a.number, x.journal_id::text FROM (SELECT account_id, journal_id, balance_before,"
        " lag(balance_after, 1, 0::bigint) OVER w AS previous, lag(journal_id, 1, 0::bigint) OVER w AS earlier"
        " FROM ledger_line WINDOW w AS (PARTITION BY account_id ORDER BY account_version)) x"
        " JOIN ledger_ledgeraccount a ON a.id = x.account_id"
        " WHERE x.balance_before <> x.previous OR x.journal_id < x.earlier LIMIT 100"
    ),
    "account {} is at version {}, behind its lines": (
        "SELECT a.number, b.version::text FROM balances_balance b JOIN ledger_ledgeraccount a ON a.id = b.account_id"
        " JOIN (SELECT account_id, max(account_version) AS last FROM ledger_line GROUP BY account_id) l"
        " ON l.account_id = b.account_id WHERE b.version < l.last AND NOT EXISTS (SELECT 1 FROM balances_partition p"
        " WHERE p.id = b.partition_id AND p.mode <> 'SAFE' AND p.epoch = b.owner_epoch) LIMIT 100"
    ),
    "entry {} with outcome {} has no key that says the same": (
        "SELECT j.id::text, j.outcome FROM ledger_journal j LEFT JOIN balances_transaction_key k ON k.journal_id = j.id"
        " AND k.transaction_id = j.transaction_id AND k.outcome = j.outcome WHERE k.transaction_id IS NULL LIMIT 100"
    ),
    "account {} holds {} that is not the sum of its active holds": (
        "SELECT a.number, b.held::text FROM balances_balance b JOIN ledger_ledgeraccount a ON a.id = b.account_id"
        " LEFT JOIN (SELECT account_id, sum(amount) AS total FROM balances_hold WHERE status = 'active'"
        " GROUP BY account_id) h ON h.account_id = b.account_id WHERE b.held <> coalesce(h.total, 0) LIMIT 100"
    ),
    "entry {} has lines in {} that do not sum to zero": (
        "SELECT journal_id::text, currency FROM ledger_line GROUP BY journal_id, currency"
        " HAVING sum(CASE side WHEN 'C' THEN amount ELSE -amount END) <> 0 LIMIT 100"
    ),
    "entry {} should have {} lines": (
        "SELECT j.id::text, j.line_count::text FROM ledger_journal j"
        " LEFT JOIN (SELECT journal_id, count(*) AS lines FROM ledger_line GROUP BY 1) l ON l.journal_id = j.id"
        " WHERE j.line_count <> coalesce(l.lines, 0) LIMIT 100"
    ),
    "daily totals of {} differ from the sealed lines by {}": (
        "SELECT currency, sum(total)::text FROM (SELECT gl_account_id, branch_id, currency, business_date,"
        " credit - debit AS total FROM ledger_daily_total UNION ALL SELECT a.gl_account_id, a.branch_id, l.currency,"
        " l.business_date, CASE l.side WHEN 'C' THEN -l.amount ELSE l.amount END FROM ledger_line l"
        " JOIN ledger_ledgeraccount a ON a.id = l.account_id"
        " WHERE l.journal_id <= (SELECT last_id FROM ledger_seal_state)) t"
        " GROUP BY gl_account_id, branch_id, currency, business_date HAVING sum(total) <> 0 LIMIT 100"
    ),
    "totals of the closed period {} differ from its days by {}": (
        "SELECT p.code, sum(t.total)::text FROM (SELECT period_id, gl_account_id, branch_id, currency, credit - debit"
        " AS total FROM ledger_period_total UNION ALL SELECT p.id, d.gl_account_id, d.branch_id, d.currency,"
        " d.debit - d.credit FROM ledger_daily_total d JOIN ledger_accountingperiod p ON d.business_date BETWEEN"
        " p.starts_on AND p.ends_on WHERE EXISTS (SELECT 1 FROM ledger_period_total k WHERE k.period_id = p.id)) t"
        " JOIN ledger_accountingperiod p ON p.id = t.period_id"
        " GROUP BY p.code, t.gl_account_id, t.branch_id, t.currency HAVING sum(t.total) <> 0 LIMIT 100"
    ),
}


def books_verify(*, on_proof: Callable[[int, int], None] | None = None) -> BooksReport:
    """Prove the books from their lines, in one snapshot: balances, continuity, holds, zero sums, keys, daily totals.

    `on_proof` is told after each proof how many of how many are done.
    """
    faults: list[str] = []
    with transaction.atomic(), connection.cursor() as cursor:
        if len(connection.atomic_blocks) == 1:  # inside another transaction the snapshot is that one's affair
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        for done, (text, query) in enumerate(_PROOFS.items(), 1):
            cursor.execute(query)
            faults += [text.format(*row) for row in cursor.fetchall()]
            if on_proof is not None:
                on_proof(done, len(_PROOFS))
        cursor.execute("SELECT (SELECT count(*) FROM balances_balance), (SELECT count(*) FROM ledger_line)")
        accounts, lines = cursor.fetchone()
    return BooksReport(accounts=accounts, lines=lines, faults=faults)
