"""From memory into the books: every entry is executed again from the books before it is written.

Any number of journalers may run. One holds a lock as a courtesy, so that the others do not do its work as well; what is
right is decided by the row of the partition alone: mode, epoch, head and chain must be what the journaler saw.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from apps.balances import locks
from apps.balances.engine import client, control
from apps.balances.engine.entries import (
    Entry,
    EntryFault,
    Line,
    Page,
    State,
    after_text,
    chain_next,
    entry_apply,
    page_decode,
)
from apps.core.retry import TRANSIENT_SQLSTATES, sqlstate_of

logger = logging.getLogger(__name__)

BATCH = 2_000
"""Entries of a transaction, about: whole pages until there are so many."""
PAGES = 1_000
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
        self._part: control.Part | None = None
        self._ahead: list[Page] = []
        self.stands_at: tuple[int, int] | None = None
        """Epoch and head of the journal at the last look; None while it is nobody's turn."""
        self._unreachable_since = 0
        self._behind_since = 0
        self._holds_courtesy: object | None = None
        self._taken_over_at: tuple[int, int] | None = None

    def run_once(self) -> int:
        """Journal what waits, at most a batch; how many entries. A memory not to be trusted ends the epoch."""
        # After a batch the partition is where we left it, or else its row, once locked, says that it is not.
        part = self._part or control.part_read(self.partition)
        self.stands_at = (part.epoch, part.head_seq) if part.mode == "FAST" else None
        if self.stands_at is None:
            return 0
        try:
            pages = self._ahead or (self._pages(part) if self._part else self._checked_pages(part))
            self._part, self._ahead = None, []
            if not pages:
                return 0
            return self._journal_some(part, pages)
        except client.EpochEnded:
            return 0
        except client.MemoryUnreachable:
            self._part = None
            now = time.monotonic_ns() // 1_000_000
            self._unreachable_since = self._unreachable_since or now
            if now - self._unreachable_since >= control.UNREACHABLE_MS:
                self._fence(part, "redis-down")
            return 0

    def _pages(self, part: control.Part) -> list[Page]:
        pages = client.stream(partition=part.id, epoch=part.epoch, after=part.head_seq, count=PAGES)
        self._unreachable_since = 0
        return pages

    def _checked_pages(self, part: control.Part) -> list[Page]:
        """What waits for the journal, after a look at whether this is still the memory that we know."""
        head = client.head(partition=part.id)
        self._unreachable_since = 0
        if head is None or head.epoch < part.epoch:
            if part.head_seq:  # a used epoch never begins again
                self._fence(part, "lost")
            else:
                client.init(partition=part.id, epoch=part.epoch, nonce=part.nonce)
            return []
        if head.epoch > part.epoch:
            return []
        if head.seq < part.head_seq:
            self._fence(part, "stale")
            return []
        if head.seq == part.head_seq:
            self._behind_since = 0
            if head.durable < head.seq:  # the mark was lost with the journaler that should have set it
                client.mark(partition=part.id, epoch=part.epoch, seq=part.head_seq, chain_hash=part.head_hash)
            return []
        if not self._my_turn(part):
            return []
        pages = self._pages(part)
        if not pages:
            self._fence(part, "lost")  # there is a newer sequence, and no entry
        return pages

    def _journal_some(self, part: control.Part, pages: list[Page]) -> int:
        """Journal the first of the pages, and keep the others for the next time."""
        count, last = 0, part.head_seq
        while count < len(pages) and last - part.head_seq < BATCH:
            last = pages[count].seq
            count += 1
        done = self._journal(part, pages[:count])
        if done is None:
            return 0
        self._behind_since = 0
        self._taken_over_at = (part.epoch, done[0])
        self._part, self._ahead = replace(part, head_seq=done[0], head_hash=done[1]), pages[count:]
        client.mark(partition=part.id, epoch=part.epoch, seq=done[0], chain_hash=done[1])
        return done[0] - part.head_seq

    @property
    def leads(self) -> bool:
        """Whether the work is ours: no other journaler holds the courtesy lock."""
        return self._holds_courtesy is not None and self._holds_courtesy is connection.connection

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

    def _journal(self, part: control.Part, pages: Sequence[Page]) -> tuple[int, str] | None:
        """(sequence, hash) of the new head, or None when nothing was written."""
        try:
            entries, hashes = _entries_of(part, pages)
            with transaction.atomic():
                opened = locks.journal_open(partition=part.id, count=len(entries))
                if opened is None or opened[:4] != ("FAST", part.epoch, part.head_seq, part.head_hash):
                    return None
                flips, ids, booked_at, today = opened[4:]
                if (*opened[:5], id(connection.connection)) != self._valid_for:
                    self._states = {}
                self._valid_for = ()
                work = _Work(entries, self._prove(part, entries), hashes)
                write(part, work, ids=ids, booked_at=booked_at, today=today)
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
            self._row_at_fault(part, pages, error)
            return None
        if len(self._states) > CACHED_MAX:
            self._states = {}
        self._valid_for = ("FAST", part.epoch, *head, flips, id(connection.connection))
        return head

    def _prove(self, part: control.Part, entries: Sequence[Entry]) -> list[list[Line]]:
        """The entries, executed again from the books. Raises Refused at the first that is not what the books say."""
        states = self._states
        self._states_read(part, {leg[0] for entry in entries for leg in entry.legs} - states.keys())
        lines = []
        for entry in entries:
            outcome, written = entry_apply(states, entry.legs)
            if outcome != entry.outcome or after_text(written) != entry.after:
                raise Refused("verify")
            lines.append(written)
        return lines

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

    def _row_at_fault(self, part: control.Part, pages: Sequence[Page], error: DatabaseError) -> None:
        """PostgreSQL refused what was proved. Find the entry, keep it as poison, end the epoch."""
        state = sqlstate_of(error) or ""
        if state in TRANSIENT_SQLSTATES:
            return
        if state == "23505":
            self._fence(part, "dup")  # a transaction that the books have
            return
        if state == "NU003":
            self._fence(part, "period-closed")
            return
        logger.error("the books refuse entries after %d: %s", part.head_seq, error)
        for entry in [entry for page in pages for entry in page_decode(page.body)]:
            if not self._is_writable(part, entry):
                poison_keep(part, entry, str(error))
                break
        self._fence(part, "poison")

    def _is_writable(self, part: control.Part, entry: Entry) -> bool:
        """Whether the books take this entry, ignoring those before it. Everything is undone."""
        try:
            with transaction.atomic():
                opened = locks.journal_open(partition=part.id, count=1)
                if opened is None:
                    return True
                lines = _lines_of(entry) if entry.outcome == "OK" else []
                _, ids, booked_at, today = opened[4:]
                write(part, _Work([entry], [lines], ["00"]), ids=ids, booked_at=booked_at, today=today, dry=True)
                transaction.set_rollback(True)
        except DatabaseError:
            return False
        return True


def _entries_of(part: control.Part, pages: Sequence[Page]) -> tuple[list[Entry], list[str]]:
    """All entries of the pages, and for each the hash of its page. Raises Refused where the chain is broken."""
    entries: list[Entry] = []
    hashes: list[str] = []
    previous = part.head_hash
    for page in pages:
        previous = chain_next(previous, page.body)
        try:
            some = page_decode(page.body)
        except EntryFault as error:
            raise Refused("chain") from error
        entries += some
        hashes += [previous] * len(some)
        if previous != page.chain_hash or some[-1].seq != page.seq:
            raise Refused("chain")
    first = part.head_seq + 1
    if [entry.seq for entry in entries] != list(range(first, first + len(entries))):
        raise Refused("chain")
    return entries, hashes


def _lines_of(entry: Entry) -> list[Line]:
    """Lines with the amounts of an entry and balances from nowhere, to try whether the books take its texts."""
    return [Line(account, amount, currency, 0, amount, 1) for account, amount, currency in entry.legs]


def poison_keep(part: control.Part, entry: Entry, why: str) -> None:
    """Keep an entry that the books refuse; its id goes to the database path only. Repeating it changes nothing."""
    try:
        transaction_id = UUID(entry.transaction_id)
    except ValueError:
        return  # not even an id: nobody can ask for it
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO balances_poison (transaction_id, partition_id, epoch, raw, why, at)"
            " VALUES (%s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING",
            [transaction_id, part.id, part.epoch, repr(entry)[:20_000], why.replace("\0", "")[:200]],
        )


_JOURNAL = """COPY ledger_journal (id, outcome, line_count, business_date, booked_at, partition, epoch, seq,
 chain_hash, value_date, transaction_id, kind, client_timestamp, actor, correlation_id, channel, description,
 counterparty, reference) FROM STDIN"""
_LINES = """COPY ledger_line (journal_id, line_no, account_id, currency, side, amount, balance_before, balance_after,
 account_version, business_date) FROM STDIN"""
_KEYS = """COPY balances_transaction_key (transaction_id, client_id, idempotency_key, fingerprint, outcome, journal_id)
 FROM STDIN"""


def write(
    part: control.Part, work: _Work, *, ids: Sequence[int], booked_at: str, today: str, dry: bool = False
) -> None:
    """Journal proved entries and move the head, in the open transaction. `dry` leaves the head and tells nobody.

    The ids were drawn under the locks, so that the order of ids is the order of history.
    """
    journal, lines, keys = [], [], []
    place = f"\t{today}\t{booked_at}\t{part.id}\t{part.epoch}\t"
    for number, entry, written, chain in zip(ids, work.entries, work.lines, work.hashes, strict=True):
        outcome, transaction_id = entry.outcome, entry.transaction_id
        journal.append(
            f"{number}\t{outcome}\t{len(written)}{place}{entry.seq}\t\\\\x{chain}\t{entry.value_date or today}\t"
            f"{transaction_id}\t{entry.facts}\n"
        )
        for line_no, line in enumerate(written, 1):
            side, amount = ("C", line.amount) if line.amount > 0 else ("D", -line.amount)
            lines.append(
                f"{number}\t{line_no}\t{line.account}\t{line.currency}\t{side}\t{amount}\t{line.before}\t{line.after}\t"
                f"{line.version}\t{today}\n"
            )
        keys.append(f"{transaction_id}\t{entry.key}\t\\\\x{entry.fingerprint}\t{outcome}\t{number}\n")
    with connection.cursor() as cursor:
        for statement, rows in ((_JOURNAL, journal), (_LINES, lines), (_KEYS, keys)):
            if rows:
                with connection.wrap_database_errors, cursor.copy(statement) as copy:
                    copy.write("".join(rows))
        if not dry:
            cursor.execute(
                "WITH head AS (UPDATE balances_partition SET head_seq = %s, head_hash = %s WHERE id = %s"
                " RETURNING id, epoch, head_seq)"
                " SELECT pg_notify('numina_journal', format('%%s %%s %%s', id, epoch, head_seq)) FROM head",
                [work.entries[-1].seq, work.hashes[-1], part.id],
            )
