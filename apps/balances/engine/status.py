"""How the engine does: the figures that people, alarms and metrics look at, and proofs that need the books alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from apps.balances.engine import client

QUEUE_WARN = client.QUEUE_MAX // 2
HEAD_WARN_SECONDS = 5
POSTED_WARN_MS = 30_000


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One partition. `queue` is what memory has executed and the journal has not; None when memory cannot be read."""

    partition: int
    mode: str
    epoch: int
    head_seq: int
    posted_seq: int
    posted_age_ms: int
    queue: int | None
    durable: int | None
    head_age: int
    """For how many seconds the journal has stood still while something waited for it."""
    hold: str | None
    fenced_why: str
    changed_at: dt.datetime
    accounts: int
    poison: int
    fences_hour: int
    drift: int | None
    drift_at: dt.datetime | None
    verified: int | None
    verified_at: dt.datetime | None
    processes: int

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be, in words."""
        found = []
        if self.mode == "FAST" and self.queue is None:
            found.append("the engine's memory cannot be read")
        if self.queue is not None and self.queue > QUEUE_WARN:
            found.append(f"{self.queue} transfers wait for the journal")
        if self.head_age > HEAD_WARN_SECONDS:
            found.append(f"the journal stands still for {self.head_age} s while transfers wait for it")
        if self.posted_age_ms > POSTED_WARN_MS:
            found.append(f"journaled transfers are not posted for {self.posted_age_ms // 1_000} s")
        if self.mode == "FAST" and not self.processes:
            found.append("no engine process runs")
        if self.mode == "DRAIN":
            found.append(f"the database is taking over: {self.fenced_why}")
        if self.hold is not None:
            found.append(f"held off: {self.hold}")
        if self.drift:
            found.append(f"{self.drift} accounts in memory differ from the books")
        if self.verified:
            found.append(f"the last full check found {self.verified} differences")
        if self.durable is not None and self.durable > self.head_seq and self.mode == "FAST":
            found.append("memory knows of journaled entries that PostgreSQL has lost")
        return found

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "warnings": self.warnings}


_STATUS = """
SELECT p.id, p.mode, p.epoch, p.head_seq, CASE WHEN q.epoch = p.epoch THEN q.posted_seq ELSE 0 END,
       CASE WHEN p.head_seq > q.posted_seq AND q.epoch = p.epoch THEN coalesce((
                SELECT (extract(epoch FROM clock_timestamp() - j.booked_at) * 1000)::bigint FROM ledger_journal j
                 WHERE j.partition = p.id AND j.epoch = p.epoch AND j.seq = q.posted_seq + 1), 0) ELSE 0 END,
       p.hold, p.fenced_why, p.changed_at,
       (SELECT count(*) FROM balances_balance b WHERE b.partition_id = p.id AND b.owner_epoch = p.epoch
           AND p.mode <> 'SAFE'),
       (SELECT count(*) FROM balances_poison x WHERE x.partition_id = p.id),
       (SELECT count(*) FROM balances_partition_event e WHERE e.partition_id = p.id AND e.event = 'fenced'
           AND e.at > now() - interval '1 hour'),
       s.differences, s.at, f.differences, f.at,
       (SELECT count(DISTINCT l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = 7005
           AND l.mode = 'ShareLock' AND l.granted
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
  FROM balances_partition p JOIN balances_partitionpost q ON q.partition_id = p.id
  LEFT JOIN balances_partition_check s ON s.partition_id = p.id AND s.kind = 'sample'
  LEFT JOIN balances_partition_check f ON f.partition_id = p.id AND f.kind = 'full'
 WHERE p.id <> 0 ORDER BY p.id
"""


def engine_status() -> list[PartStatus]:
    """Every engine partition as it is now. A memory that does not answer costs its time-out, nothing more."""
    with connection.cursor() as cursor:
        cursor.execute(_STATUS)
        rows = cursor.fetchall()
    parts = []
    for row in rows:
        partition, mode, epoch, head_seq, posted, age, *rest = row
        queue, durable, waits = None, None, 0
        try:
            head = client.head(partition=partition)
            if head is not None and head.epoch == epoch:
                queue, durable = max(0, head.seq - head_seq), head.durable
                waits = max(0, client.seconds_now() - head.since) if queue and head.since else 0
        except (client.MemoryUnreachable, client.MemoryFault, client.MemoryFull):
            pass
        parts.append(PartStatus(partition, mode, epoch, head_seq, posted, age, queue, durable, waits, *rest))
    return parts


_PROOFS = {
    "the posted balances of {} do not sum to zero but to {}": (
        "SELECT currency, sum(balance)::text FROM balances_balance GROUP BY currency HAVING sum(balance) <> 0"
    ),
    "account {} is the database's, and entry {} on it is not posted": (
        "SELECT l.account_id::text, j.id::text FROM balances_partition p"
        " JOIN balances_partitionpost q ON q.partition_id = p.id"
        " JOIN ledger_journal j ON j.partition = p.id AND j.epoch = q.epoch AND j.seq > q.posted_seq"
        " JOIN ledger_line l ON l.journal_id = j.id JOIN balances_balance b ON b.account_id = l.account_id"
        " WHERE p.id <> 0 AND (p.mode = 'SAFE' OR b.owner_epoch <> p.epoch OR b.partition_id <> p.id) LIMIT 100"
    ),
    "account {} has a balance of {} that is not the sum of its posted lines": (
        "SELECT b.account_id::text, b.balance::text FROM balances_balance b LEFT JOIN LATERAL (SELECT"
        " sum(CASE l.side WHEN 'C' THEN l.amount ELSE -l.amount END) AS total FROM ledger_line l"
        " WHERE l.account_id = b.account_id AND l.account_version <= b.version) l ON true"
        " WHERE b.partition_id <> 0 AND b.balance <> coalesce(l.total, 0) LIMIT 100"
    ),
    "partition {} is journaled to {}, behind what is posted": (
        "SELECT p.id::text, p.head_seq::text FROM balances_partition p JOIN balances_partitionpost q"
        " ON q.partition_id = p.id AND q.epoch = p.epoch WHERE q.posted_seq > p.head_seq"
    ),
}


def live_proofs() -> list[str]:
    """What must be true of the books at every moment, in one snapshot; each fault in words."""
    faults: list[str] = []
    with transaction.atomic(), connection.cursor() as cursor:
        if len(connection.atomic_blocks) == 1:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        for text, query in _PROOFS.items():
            cursor.execute(query)
            faults += [text.format(*row) for row in cursor.fetchall()]
    return faults


def fences_by_cause() -> list[tuple[int, str, int]]:
    """(partition, cause, how often) of all ended periods; what an operator wrote counts as one cause."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT partition_id, split_part(why, ':', 1), count(*) FROM balances_partition_event"
            " WHERE event = 'fenced' GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return list(cursor.fetchall())
