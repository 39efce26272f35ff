"""The seal: a hash chain over the journal in id order, made in the background, and the daily totals of what is sealed.

A posting never waits for the seal, and a row that commits late is never skipped. The sealer notes the highest id drawn
(`ceiling`), then the transactions that hold a lock on the sequence of ids (`waiting`). Whoever draws an id holds such a
lock from before the draw until his transaction ends, so once those noted are gone, every row up to the ceiling is
final and visible, and is sealed in id order. Nobody is waited for who has drawn no id: long reads, dumps, imports into
other tables, other databases.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.db import connection, transaction

from apps.ledger import locks
from apps.ledger.models import JournalSeal, SealState

GENESIS = hashlib.sha256(b"numina journal").digest()
CHUNK = 5_000


@transaction.atomic
def journal_seal(*, at: dt.datetime, chunk: int = CHUNK) -> int:
    """Seal up to `chunk` entries that are final and add them to the daily totals; returns how many.

    Safe to run anywhere, any number of times: one sealer works at a time, the others return 0.
    """
    state = locks.seal_state_lock()
    if state is None:
        return 0
    if state.ceiling <= state.last_id:
        _ceiling_raise(state)
    if state.waiting and _still_drawing(state.waiting):
        state.save()
        return 0
    state.waiting = []
    digests = _digests(state.last_id, state.ceiling, chunk)
    if not digests:
        state.last_id = state.ceiling
        state.save()
        return 0
    rows, head = [], bytes(state.head)
    for journal_id, digest in digests:
        head = hashlib.sha256(head + digest).digest()
        rows.append((journal_id, head))
    with connection.cursor() as cursor:
        with cursor.copy("COPY ledger_seal (journal_id, hash) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(_TOTALS_ADD, [state.last_id, rows[-1][0]])
    # With fewer rows than asked for, everything up to the ceiling is done, gaps of the sequence included.
    state.last_id = rows[-1][0] if len(rows) == chunk else state.ceiling
    state.head = head
    state.sealed_at = at
    state.save()
    return len(rows)


def journal_seal_all(*, at: dt.datetime) -> int:
    """Seal until nothing final is left; returns how many."""
    total = 0
    while True:
        sealed = journal_seal(at=at)
        total += sealed
        state = SealState.objects.get(pk=1)
        if sealed == 0 and (state.ceiling > state.last_id or not _rows_after(state.last_id)):
            return total


def chain_head() -> tuple[int, bytes] | None:
    """The last sealed entry and its hash, for the daily anchor; None while nothing is sealed."""
    seal = JournalSeal.objects.order_by("-pk").first()
    return None if seal is None else (seal.pk, bytes(seal.hash))


_TOTALS_ADD = """
INSERT INTO ledger_daily_total AS d (gl_account_id, branch_id, currency, business_date, debit, credit, line_count)
SELECT a.gl_account_id, a.branch_id, l.currency, l.business_date,
       coalesce(sum(l.amount) FILTER (WHERE l.side = 'D'), 0), coalesce(sum(l.amount) FILTER (WHERE l.side = 'C'), 0),
       count(*)
  FROM ledger_line l JOIN ledger_ledgeraccount a ON a.id = l.account_id
 WHERE l.journal_id > %s AND l.journal_id <= %s
 GROUP BY 1, 2, 3, 4
    ON CONFLICT (gl_account_id, branch_id, currency, business_date) DO UPDATE
   SET debit = d.debit + excluded.debit, credit = d.credit + excluded.credit,
       line_count = d.line_count + excluded.line_count
"""


# Locks on the sequence are released after the rows of their transaction have become visible.
_DRAWING = """
 FROM pg_locks WHERE locktype = 'relation' AND relation = 'ledger_journal_id_seq'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid IS DISTINCT FROM pg_backend_pid()
"""


def _ceiling_raise(state: SealState) -> None:
    """First the highest id, then, in a later statement, who may still be writing: the order is what makes it safe."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ledger_journal_id_seq")
        state.ceiling = cursor.fetchone()[0]
        cursor.execute("SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}')" + _DRAWING)
        state.waiting = cursor.fetchone()[0]


def _still_drawing(waiting: list[str]) -> bool:
    """Whether one of the noted transactions has not ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1" + _DRAWING + " AND virtualtransaction = ANY (%s))", [waiting])
        return bool(cursor.fetchone()[0])


def _digests(after: int, upto: int, chunk: int) -> list[tuple[int, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(id), 0) FROM (SELECT id FROM ledger_journal WHERE id > %s AND id <= %s"
            " ORDER BY id LIMIT %s) c",
            [after, upto, chunk],
        )
        last = cursor.fetchone()[0]
        cursor.execute("SELECT journal_id, digest FROM ledger_digests(%s, %s)", [after, last])
        return [(journal_id, bytes(digest)) for journal_id, digest in cursor.fetchall()]


def _rows_after(last_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM ledger_journal WHERE id > %s)", [last_id])
        return bool(cursor.fetchone()[0])


@dataclass(slots=True)
class ChainReport:
    """Outcome of a check of the chain: how many entries were read, and each fault in words, at most `limit`.

    `anchor` is the last sealed entry with its hash, as `audit_verify --anchor` takes it.
    """

    entries: int = 0
    unsealed: int = 0
    head: str = ""
    anchor: str = ""
    faults: list[str] = field(default_factory=list)


def chain_verify(
    *, limit: int = 100, chunk: int = CHUNK, anchors: Mapping[int, bytes] | None = None
) -> Iterator[ChainReport]:
    """Recompute the chain from the journal and compare it with the seals; yields the running report after each chunk.

    A changed entry is named by its id; after it the comparison goes on from the stored hash, so each change is
    reported once. A missing or added entry and a missing seal are named too. `anchors` are hashes by entry id that
    were noted outside of the database: they catch a superuser who rebuilt the whole chain.
    """
    state = SealState.objects.get(pk=1)
    report, previous, after = ChainReport(), GENESIS, 0
    noted, last = dict(anchors or {}), 0
    while after < state.last_id:
        rows = _sealed_rows(after, state.last_id, chunk)
        if not rows:
            break
        for journal_id, digest, stored in rows:
            report.entries += 1
            expected = hashlib.sha256(previous + digest).digest() if digest is not None else None
            if digest is None:
                _fault(report, limit, f"entry {journal_id} is sealed but missing from the journal")
            elif stored is None:
                _fault(report, limit, f"entry {journal_id} is not sealed, although later ones are")
            elif stored != expected:
                _fault(report, limit, f"entry {journal_id} was changed after it was sealed")
            anchor = noted.pop(journal_id, None)
            if anchor is not None and anchor != stored:
                _fault(report, limit, f"entry {journal_id} does not have the hash that was noted")
            previous, last = (stored, journal_id) if stored is not None else (previous, last)
        after = rows[-1][0]
        yield report
    for journal_id in noted:
        _fault(report, limit, f"entry {journal_id}, whose hash was noted, is not sealed")
    if previous != bytes(state.head):
        _fault(report, limit, "the last hash is not the one that the sealer noted: seals were removed at the end")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_journal WHERE id > %s", [state.last_id])
        report.unsealed = cursor.fetchone()[0]
    report.head = previous.hex()
    report.anchor = f"{last}:{report.head}" if last else ""
    yield report


def _sealed_rows(after: int, upto: int, chunk: int) -> list[tuple[int, bytes | None, bytes | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM (SELECT id FROM (SELECT id FROM ledger_journal WHERE id > %(a)s AND id <= %(u)s"
            " UNION SELECT journal_id FROM ledger_seal WHERE journal_id > %(a)s AND journal_id <= %(u)s) i"
            " ORDER BY id LIMIT %(n)s) c",
            {"a": after, "u": upto, "n": chunk},
        )
        last = cursor.fetchone()[0]
        if last is None:
            return []
        cursor.execute(
            "SELECT coalesce(d.journal_id, s.journal_id), d.digest, s.hash FROM ledger_digests(%(a)s, %(l)s) d"
            " FULL JOIN (SELECT * FROM ledger_seal WHERE journal_id > %(a)s AND journal_id <= %(l)s) s"
            " ON s.journal_id = d.journal_id ORDER BY 1",
            {"a": after, "l": last},
        )
        return [
            (journal_id, None if digest is None else bytes(digest), None if stored is None else bytes(stored))
            for journal_id, digest, stored in cursor.fetchall()
        ]


def _fault(report: ChainReport, limit: int, text: str) -> None:
    if len(report.faults) < limit:
        report.faults.append(text)
