"""Memory compared with the books, account by account, while both move.

First the books (at head H), then memory (at sequence S >= H): an account in memory must be its journaled state with the
entries between H and S on top. Accounts that changed hands meanwhile are looked at again, then left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from django.db import connection

from apps.balances.engine import client, control
from apps.balances.engine.entries import Page, State, chain_next, page_decode
from apps.core import clock

CHUNK = 500
SAMPLE = 200
FAULTS_MAX = 100
TRIES = 3


@dataclass(slots=True)
class Comparison:
    """How many accounts were compared, and each difference in words."""

    accounts: int = 0
    faults: list[str] = field(default_factory=list)


_OWNED = """
SELECT v.account_id, v.token, v.balance, v.held, v.overdraft_limit, v.status, v.currency, v.kind, v.version, p.head_seq
  FROM balances_partition p, balances_live(%s::bigint[]) v
 WHERE p.id = %s AND p.mode = 'FAST' AND p.epoch = %s AND v.partition_id = p.id AND v.owner_epoch = p.epoch
"""


def accounts_compare(*, partition: int, epoch: int, accounts: Sequence[int]) -> Comparison:
    """Compare at most a few hundred accounts. Raises MemoryUnreachable; EpochEnded counts as nothing compared."""
    pending, result = list(accounts), Comparison()
    for attempt in range(1, TRIES + 1):
        with connection.cursor() as cursor:
            cursor.execute(_OWNED, [pending, partition, epoch])
            rows = cursor.fetchall()
        if not rows:
            return result
        head_seq = rows[0][9]
        ids = [row[0] for row in rows]
        try:
            seen = client.read(partition=partition, epoch=epoch, accounts=ids)
            pages = client.stream(
                partition=partition, epoch=epoch, after=head_seq, count=client.QUEUE_MAX + client.STREAM_KEEP
            )
        except client.EpochEnded:
            return result
        again = []
        for row, one in zip(rows, seen, strict=True):
            if one.state is None or one.token != row[1]:
                continue  # on its way from or to the database
            expected = State(row[2], row[3], row[4], row[5], row[6], row[7] == "internal", row[8])
            difference = _difference(row[0], expected, one, pages)
            if difference is None:
                result.accounts += 1
            elif attempt == TRIES:
                result.accounts += 1
                result.faults.append(difference)
            else:
                again.append(row[0])
        pending = again
        if not pending:
            break
    return result


def _difference(account: int, expected: State, seen: client.Seen, pages: Sequence[Page]) -> str | None:
    for entry in [entry for page in pages if page.seq <= seen.seq for entry in page_decode(page.body)]:
        if entry.outcome != "OK":
            continue
        for leg, amount, _currency in entry.legs:
            if leg == account:
                expected.balance += amount
                expected.version += 1
    if seen.state == expected:
        return None
    memory = msgspec.to_builtins(seen.state)
    books = msgspec.to_builtins(expected)
    return f"account {account}: " + ", ".join(
        f"{name} {memory[name]} in memory, {books[name]} in the books" for name in books if memory[name] != books[name]
    )


def sample_check(*, partition: int) -> Comparison:
    """Compare the accounts that moved last, and keep what was found: the drift, measured all the time."""
    part = control.part_read(partition)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT l.account_id FROM ledger_journal j JOIN ledger_line l ON l.journal_id = j.id"
            " WHERE j.partition = %s AND j.epoch = %s AND j.seq > %s AND j.seq IS NOT NULL LIMIT %s",
            [partition, part.epoch, part.head_seq - SAMPLE, SAMPLE],
        )
        accounts = [row[0] for row in cursor.fetchall()]
    found = accounts_compare(partition=partition, epoch=part.epoch, accounts=accounts)
    check_keep(partition=partition, kind="sample", found=found)
    return found


def full_check(*, partition: int) -> Comparison:
    """Compare every account that the engine owns, and the stream with the journal; keep what was found."""
    part = control.part_read(partition)
    found = Comparison(faults=chain_faults(part))
    after = 0
    while part.mode == "FAST":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT account_id FROM balances_balance WHERE partition_id = %s AND owner_epoch = %s"
                " AND account_id > %s ORDER BY account_id LIMIT %s",
                [partition, part.epoch, after, CHUNK],
            )
            accounts = [row[0] for row in cursor.fetchall()]
        if not accounts:
            break
        after = accounts[-1]
        one = accounts_compare(partition=partition, epoch=part.epoch, accounts=accounts)
        found.accounts += one.accounts
        found.faults += one.faults
    check_keep(partition=partition, kind="full", found=found)
    return found


_GAPS = """
SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0) FROM ledger_journal
 WHERE partition = %s AND epoch = %s AND seq IS NOT NULL
"""
_HASHES = """
SELECT seq, encode(chain_hash, 'hex') FROM ledger_journal
 WHERE partition = %s AND epoch = %s AND seq = ANY (%s) AND seq IS NOT NULL
"""


def chain_faults(part: control.Part) -> list[str]:
    """The journal of the epoch has every sequence once, up to its head; what is in the stream is what was journaled."""
    faults = []
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, [part.id, part.epoch])
        count, low, high = cursor.fetchone()
        if low != 1 or count != high or high < part.head_seq:
            faults.append(f"the journal of epoch {part.epoch} has {count} entries from {low} to {high}")
    if part.mode != "FAST":
        return faults
    pages = client.stream(
        partition=part.id,
        epoch=part.epoch,
        after=max(0, part.head_seq - client.STREAM_KEEP // 2),
        count=client.STREAM_KEEP + client.QUEUE_MAX,
    )
    with connection.cursor() as cursor:
        cursor.execute(_HASHES, [part.id, part.epoch, [page.seq for page in pages if page.seq <= part.head_seq]])
        journaled = dict(cursor.fetchall())
    previous = None
    for page in pages:
        if previous is not None and chain_next(previous, page.body) != page.chain_hash:
            faults.append(f"the page of entry {page.seq} does not follow the one before it")
        if journaled.get(page.seq, page.chain_hash) != page.chain_hash:
            faults.append(f"entry {page.seq} in memory is not the one in the journal")
        previous = page.chain_hash
    return faults[:FAULTS_MAX]


def check_keep(*, partition: int, kind: str, found: Comparison) -> None:
    """Keep the last comparison of its kind; a difference is also an event of the partition, which calls people."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO balances_partition_check (partition_id, kind, accounts, differences, detail, at)"
            " VALUES (%s, %s, %s, %s, %s::jsonb, %s) ON CONFLICT (partition_id, kind) DO UPDATE SET"
            " accounts = excluded.accounts, differences = excluded.differences, detail = excluded.detail,"
            " at = excluded.at",
            [
                partition,
                kind,
                found.accounts,
                len(found.faults),
                msgspec.json.encode(found.faults[:FAULTS_MAX]).decode(),
                clock.now(),
            ],
        )
        if found.faults:
            cursor.execute(
                "INSERT INTO balances_partition_event (partition_id, event, epoch, head_seq, why)"
                " SELECT id, 'drift', epoch, head_seq, %s FROM balances_partition p WHERE id = %s AND NOT EXISTS"
                " (SELECT 1 FROM balances_partition_event e WHERE e.partition_id = p.id AND e.event = 'drift'"
                " AND e.epoch = p.epoch)",
                [found.faults[0][:200], partition],
            )
