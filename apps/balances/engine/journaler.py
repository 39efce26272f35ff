"""From memory into the books: every entry is executed again from the books before it is written.

Any number of journalers may run. One holds a lock as a courtesy, so that the others do not do its work as well; what is
right is decided by the row of the partition alone: mode, epoch, head and chain must be what the journaler saw.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from apps.balances import locks
from apps.balances.engine import client, control
from apps.balances.engine.entries import (
    Entry,
    EntryFault,
    Line,
    State,
    after_text,
    chain_next,
    entry_apply,
    entry_decode,
)
from apps.core.retry import TRANSIENT_SQLSTATES, sqlstate_of

logger = logging.getLogger(__name__)

BATCH = 1_000
CACHED_MAX = 200_000
COURTESY_MS = 1_000
"""How long another journaler may let entries lie before we take over without its lock."""


@dataclass(frozen=True, slots=True)
class _Work:
    """Entries proved against the books, with what each of them writes."""

    entries: list[Entry]
    lines: list[list[Line]]
    hashes: list[str]


class Refused(Exception):
    """The entries are not what the books would have done. `args[0]` is why; nothing of them may be written."""


class Journaler:
    """Journals one partition. Not for several threads."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self._states: dict[int, State] = {}
        self._valid_for: tuple[Any, ...] = ()
        self._unreachable_since = 0
        self._behind_since = 0
        self._holds_courtesy: object | None = None
        self._taken_over_at: tuple[int, int] | None = None

    def run_once(self) -> int:
        """Journal what waits, at most a batch; how many entries. A memory not to be trusted ends the epoch."""
        part = control.part_read(self.partition)
        if part.mode != "FAST":
            return 0
        try:
            return self._from_memory(part)
        except client.EpochEnded:
            return 0
        except client.MemoryUnreachable:
            now = time.monotonic_ns() // 1_000_000
            self._unreachable_since = self._unreachable_since or now
            if now - self._unreachable_since >= control.UNREACHABLE_MS:
                self._fence(part, "redis-down")
            return 0

    def _from_memory(self, part: control.Part) -> int:
        head = client.head(partition=part.id)
        self._unreachable_since = 0
        if head is None or head.epoch < part.epoch:
            if part.head_seq:  # a used epoch never begins again
                self._fence(part, "lost")
            else:
                client.init(partition=part.id, epoch=part.epoch, nonce=part.nonce)
            return 0
        if head.epoch > part.epoch:
            return 0
        if head.seq < part.head_seq:
            self._fence(part, "stale")
            return 0
        if head.seq == part.head_seq:
            self._behind_since = 0
            if head.durable < head.seq:  # the mark was lost with the journaler that should have set it
                client.mark(partition=part.id, epoch=part.epoch, seq=part.head_seq, chain_hash=part.head_hash)
            return 0
        if not self._my_turn(part):
            return 0
        rows = client.stream(partition=part.id, epoch=part.epoch, after=part.head_seq, count=BATCH)
        if not rows:
            self._fence(part, "lost")  # there is a newer sequence, and no entry
            return 0
        done = self._journal(part, rows)
        if done is None:
            return 0
        self._behind_since = 0
        self._taken_over_at = (part.epoch, done[0])
        client.mark(partition=part.id, epoch=part.epoch, seq=done[0], chain_hash=done[1])
        return len(rows)

    def _my_turn(self, part: control.Part) -> bool:
        """Whether we hold the courtesy lock, or its holder lets the entries lie: then we go on until he moves again."""
        raw = connection.connection
        if self._holds_courtesy is not raw or raw is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(7004, %s)", [self.partition])
                held = bool(cursor.fetchone()[0])
            self._holds_courtesy = connection.connection if held else None
        if self._holds_courtesy is not None:
            return True
        if self._taken_over_at == (part.epoch, part.head_seq):
            return True
        now = time.monotonic_ns() // 1_000_000
        self._behind_since = self._behind_since or now
        return now - self._behind_since >= COURTESY_MS

    def _journal(self, part: control.Part, rows: Sequence[tuple[int, bytes, str]]) -> tuple[int, str] | None:
        """(sequence, hash) of the new head, or None when nothing was written."""
        try:
            with transaction.atomic():
                locks.day_lock_shared()
                now = locks.partition_lock(partition=part.id)
                if now is None or now[:4] != ("FAST", part.epoch, part.head_seq, part.head_hash):
                    return None
                key = (*now, id(connection.connection))
                if key != self._valid_for:
                    self._states = {}
                self._valid_for = ()
                work = self._prove(part, rows)
                write(part, work)
                head = (work.entries[-1].seq, work.hashes[-1])
        except Refused as refused:
            self._forget()
            self._fence(part, refused.args[0])
            return None
        except (OperationalError, InterfaceError) as error:
            if sqlstate_of(error) in TRANSIENT_SQLSTATES:  # undone whole; the next pass begins again
                self._forget()
                return None
            # Perhaps committed, perhaps not: the row of the partition will tell. The connection is of no more use.
            self._forget()
            connection.close()
            raise
        except DatabaseError as error:
            self._forget()
            self._row_at_fault(part, rows, error)
            return None
        if len(self._states) > CACHED_MAX:
            self._states = {}
        self._valid_for = ("FAST", part.epoch, *head, now[4], id(connection.connection))
        return head

    def _prove(self, part: control.Part, rows: Sequence[tuple[int, bytes, str]]) -> _Work:
        """The entries, executed again from the books. Raises Refused at the first that is not what the books say."""
        entries, hashes = [], []
        expected, previous = part.head_seq, part.head_hash
        for stream_seq, body, given in rows:
            expected += 1
            previous = chain_next(previous, body)
            try:
                entry = entry_decode(body)
            except EntryFault as error:
                raise Refused("chain") from error
            if not expected == stream_seq == entry.seq or previous != given:
                raise Refused("chain")
            entries.append(entry)
            hashes.append(previous)
        self._states_read(part, {leg[0] for entry in entries for leg in entry.legs} - self._states.keys())
        if len({entry.transaction_id for entry in entries}) < len(entries) or _known(entries):
            raise Refused("dup")
        lines = []
        for entry in entries:
            outcome, written = entry_apply(self._states, entry.legs)
            if outcome != entry.outcome or after_text(written) != entry.after:
                raise Refused("verify")
            lines.append(written)
        return _Work(entries, lines, hashes)

    def _states_read(self, part: control.Part, accounts: set[int]) -> None:
        """Live states of accounts, in a statement after the partition's lock. Raises Refused for one not ours."""
        if not accounts:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT account_id, partition_id, owner_epoch, balance, held, overdraft_limit, status, currency, kind,"
                " version FROM balances_live(%s::bigint[])",
                [sorted(accounts)],
            )
            rows = cursor.fetchall()
        if len(rows) != len(accounts) or any((row[1], row[2]) != (part.id, part.epoch) for row in rows):
            raise Refused("owner")
        for account, _, _, balance, held, limit, status, currency, kind, version in rows:
            self._states[account] = State(balance, held, limit, status, currency, kind == "internal", version)

    def _forget(self) -> None:
        self._states, self._valid_for = {}, ()

    def _fence(self, part: control.Part, why: str) -> None:
        control.fence(partition=part.id, epoch=part.epoch, why=why)

    def _row_at_fault(self, part: control.Part, rows: Sequence[tuple[int, bytes, str]], error: DatabaseError) -> None:
        """PostgreSQL refused what was proved. Find the entry, keep it as poison, end the epoch."""
        state = sqlstate_of(error) or ""
        if state in TRANSIENT_SQLSTATES:
            return
        if state == "23505":
            self._fence(part, "dup")  # a key was taken between our look and our write
            return
        if state == "NU003":
            self._fence(part, "period-closed")
            return
        logger.error("the books refuse entries after %d: %s", part.head_seq, error)
        for row in rows:
            if not self._is_writable(part, row):
                poison_keep(part, row, str(error))
                break
        self._fence(part, "poison")

    def _is_writable(self, part: control.Part, row: tuple[int, bytes, str]) -> bool:
        """Whether the books take this entry, ignoring those before it. Everything is undone."""
        try:
            entry = entry_decode(row[1])
            with transaction.atomic():
                locks.day_lock_shared()
                write(part, _Work([entry], [[]] if entry.outcome != "OK" else [_lines_of(entry)], [row[2]]), dry=True)
                transaction.set_rollback(True)
        except (DatabaseError, EntryFault):
            return False
        return True


def _lines_of(entry: Entry) -> list[Line]:
    """Lines with the amounts of an entry and balances from nowhere, to try whether the books take its texts."""
    return [Line(account, amount, currency, 0, amount, 1) for account, amount, currency in entry.legs]


def _known(entries: Sequence[Entry]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM unnest(%s::uuid[]) AS t (id)"
            " JOIN balances_transaction_key k ON k.transaction_id = t.id)",
            [[entry.transaction_id for entry in entries]],
        )
        return bool(cursor.fetchone()[0])


def poison_keep(part: control.Part, row: tuple[int, bytes, str], why: str) -> None:
    """Keep an entry that the books refuse; its id goes to the database path only. Repeating it changes nothing."""
    pieces = row[1].split(b"\x1f")
    try:
        transaction_id = UUID(pieces[1].decode("ascii"))
    except (IndexError, ValueError):
        return  # not even an id: nobody can ask for it
    raw = row[1].decode("utf-8", "backslashreplace").replace("\0", "\\0")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO balances_poison (transaction_id, partition_id, epoch, raw, why, at)"
            " VALUES (%s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING",
            [transaction_id, part.id, part.epoch, raw[:20_000], why.replace("\0", "")[:200]],
        )


_JOURNAL = """COPY ledger_journal (id, transaction_id, kind, outcome, line_count, business_date, value_date, booked_at,
 client_timestamp, actor, correlation_id, channel, description, counterparty, reference, partition, epoch, seq,
 chain_hash) FROM STDIN"""
_LINES = """COPY ledger_line (journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after,
 account_version, business_date) FROM STDIN"""
_KEYS = """COPY balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint, outcome, journal_id)
 FROM STDIN"""


_NULL = "\\N"


def _text(value: str) -> str:
    """A value of COPY's text format."""
    if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value


def write(part: control.Part, work: _Work, *, dry: bool = False) -> None:
    """Journal proved entries and move the head, in the open transaction. `dry` leaves the head and tells nobody."""
    count = len(work.entries)
    with connection.cursor() as cursor:
        # Drawn under the locks, so that the order of ids is the order of history.
        cursor.execute(
            "SELECT array_agg(nextval('ledger_journal_id_seq')), clock_timestamp()::text,"
            " (SELECT current::text FROM ledger_businessdate) FROM generate_series(1, %s)",
            [count],
        )
        ids, booked_at, today = cursor.fetchone()
        journal, lines, keys = [], [], []
        place = f"\t{part.id}\t{part.epoch}\t"
        for journal_id, entry, written, chain in zip(ids, work.entries, work.lines, work.hashes, strict=True):
            facts = entry.facts
            journal.append(
                f"{journal_id}\t{entry.transaction_id}\t{_text(facts.kind)}\t{entry.outcome}\t{len(written)}\t{today}\t"
                f"{facts.value_date or today}\t{booked_at}\t{facts.client_timestamp or _NULL}\t{facts.actor or _NULL}\t"
                f"{_text(facts.correlation_id)}\t{_text(facts.channel)}\t{_text(facts.description)}\t"
                f"{_text(facts.counterparty)}\t{_text(facts.reference)}{place}{entry.seq}\t\\\\x{chain}\n"
            )
            for number, line in enumerate(written, 1):
                side = "C" if line.amount > 0 else "D"
                lines.append(
                    f"{journal_id}\t{number}\t{line.account}\t{line.currency}\t{side}\t{abs(line.amount)}\t"
                    f"{line.before}\t{line.after}\t{line.version}\t{today}\n"
                )
            keys.append(
                f"{entry.transaction_id}\t{_text(facts.client_id)}\t{_text(facts.key)}\t\\\\x{entry.fingerprint.hex()}\t"
                f"{entry.outcome}\t{journal_id}\n"
            )
        for statement, rows in ((_JOURNAL, journal), (_LINES, lines), (_KEYS, keys)):
            if rows:
                with connection.wrap_database_errors, cursor.copy(statement) as copy:
                    copy.write("".join(rows))
        if not dry:
            cursor.execute(
                "UPDATE balances_partition SET head_seq = %s, head_hash = %s WHERE id = %s",
                [work.entries[-1].seq, work.hashes[-1], part.id],
            )
            cursor.execute("SELECT pg_notify('numina_journal', '')")
