"""The life of a partition: fence, post, safe, activate. Any process may do any of it, at any time, again."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from uuid import UUID

from django.db import OperationalError, connection, transaction

from apps.balances.engine import alerts, client
from apps.core.retry import sqlstate_of

logger = logging.getLogger(__name__)

UNREACHABLE_MS = 2_000
HEALTHY_MS = 30_000
STALL_MS = 3_000
POST_ENTRIES = 5_000

INTEGRITY = frozenset({"chain", "verify", "owner", "dup", "stale", "lost", "poison"})
"""Fences that an honest memory never causes; people are called."""
HARMLESS = frozenset({"", "stopped", "heal", "planned"})
"""Fences after which a partition is activated at once."""


def fence(*, partition: int, epoch: int, why: str, hold: str | None = None, actor_id: UUID | None = None) -> bool:
    """End the FAST period at once; False when it had ended, or a journaler does not let go of it: call again then.

    `hold` keeps the partition from being activated again.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', '2s', true)")
            cursor.execute(
                "SELECT balances_fence(%s::int, %s, %s, %s, %s::uuid)", [partition, epoch, why[:200], hold, actor_id]
            )
            done = bool(cursor.fetchone()[0])
    except OperationalError as error:
        if sqlstate_of(error) != "55P03":
            raise
        _stuck_end()
        return False
    if done:
        alerts.fenced(partition=partition, epoch=epoch, why=why)
    return done


_STUCK = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND state = 'active'
   AND wait_event = 'ClientRead' AND query LIKE 'COPY ledger%' AND state_change < clock_timestamp() - interval '3 s'
"""


def _stuck_end() -> None:
    """End the session of a journaler that was stopped in the middle of a COPY, where no timeout counts."""
    with connection.cursor() as cursor:
        cursor.execute(_STUCK)
        for _ in cursor.fetchall():
            logger.warning("ended the session of a journaler that hung in the middle of its work")


def post_some(partition: int) -> int:
    """One pass of the poster; how many entries were posted, -1 while another posts."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT balances_post_journaled(%s::int, %s::int)", [partition, POST_ENTRIES])
        return int(cursor.fetchone()[0])


def post_all(partition: int, *, seconds: int = 5) -> None:
    """Post until nothing journaled is left, or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        posted = post_some(partition)
        if posted == 0:
            return
        if posted < 0:
            time.sleep(0.005)


def to_safe(partition: int) -> bool:
    """DRAIN becomes SAFE when everything journaled is posted. True when it did now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT balances_to_safe(%s::int)", [partition])
        return bool(cursor.fetchone()[0])


def activate(*, partition: int, actor_id: UUID | None = None) -> int | None:
    """Begin the next epoch and tell the memory; its number, or None when the partition is not SAFE, or held back."""
    nonce = secrets.token_hex(20)
    with connection.cursor() as cursor:
        cursor.execute("SELECT balances_activate(%s::int, %s, %s::uuid)", [partition, nonce, actor_id])
        epoch: int | None = cursor.fetchone()[0]
    if epoch is not None:
        logger.info("partition %d is FAST in epoch %d", partition, epoch)
        try:
            client.init(partition=partition, epoch=epoch, nonce=nonce)
        except (client.MemoryUnreachable, client.MemoryFull, client.MemoryFault, client.EpochEnded):
            logger.warning("the memory could not be told of epoch %d; a journaler will", epoch)
    return epoch


def hold_clear(partition: int) -> None:
    """Let the partition be activated again."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE balances_partition SET hold = NULL, changed_at = now() WHERE id = %s", [partition])


@dataclass(frozen=True, slots=True)
class Part:
    """The row of a partition: the only authority on its mode."""

    id: int
    mode: str
    epoch: int
    nonce: str
    head_seq: int
    head_hash: str
    flips: int
    hold: str | None
    fenced_why: str
    ms_in_mode: int
    posted_seq: int


_PART = """
SELECT p.id, p.mode, p.epoch, p.nonce, p.head_seq, p.head_hash, p.flips, p.hold, p.fenced_why,
       (extract(epoch FROM clock_timestamp() - p.changed_at) * 1000)::bigint,
       CASE WHEN q.epoch = p.epoch THEN q.posted_seq ELSE 0 END
  FROM balances_partition p JOIN balances_partitionpost q ON q.partition_id = p.id WHERE p.id = %s
"""


def part_read(partition: int) -> Part:
    """The partition as it is now."""
    with connection.cursor() as cursor:
        cursor.execute(_PART, [partition])
        return Part(*cursor.fetchone())


def engine_partitions() -> list[int]:
    """Numbers of the partitions that the engine may execute."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM balances_partition WHERE id <> 0 ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


_stalls: dict[int, tuple[int, int, int, int]] = {}
_stalls_lock = threading.Lock()


def stall_watch(*, partition: int, epoch: int, head_seq: int) -> None:
    """Say that somebody waits for the journal, which stands at `head_seq`. Called again and again while he waits.

    When it stood still for `STALL_MS`, the journalers are gone: the epoch is ended, and the database does the work.
    """
    now = time.monotonic_ns() // 1_000_000
    with _stalls_lock:
        known_epoch, known_head, since, last = _stalls.get(partition, (0, -1, now, now))
        if (known_epoch, known_head) != (epoch, head_seq) or now - last > 1_000:  # it moved, or nobody waited
            since = now
        _stalls[partition] = (epoch, head_seq, since, now)
    if now - since >= STALL_MS:
        fence(partition=partition, epoch=epoch, why="journal-stalled")
