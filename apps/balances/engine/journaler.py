"""From memory into the books: every entry is executed again from the books before it is written.

Any number of journalers may run. One holds a lock as a courtesy, so that the others do not do its work as well; what is
right is decided by the row of the partition alone: mode, epoch, head and chain must be what the journaler saw.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
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
from apps.balances.engine.rows import FEW, Work, write, write_few
from apps.core.retry import TRANSIENT_SQLSTATES, sqlstate_of

logger = logging.getLogger(__name__)

BATCH = 2_000
"""Entries of a transaction, about: whole pages until there are so many."""
PAGES = 1_000
CACHED_MAX = 200_000
COURTESY_MS = 1_000
"""How long another journaler may let entries lie before we take over without its lock."""


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
        # After a batch, or a look, the partition is where we left it, or its row, once locked, says that it is not.
        part = self._part or control.part_read(self.partition)
        self.stands_at = (part.epoch, part.head_seq) if part.mode == "FAST" else None
        if self.stands_at is None:
            return 0
        try:
            pages = self._ahead or (self._pages(part) if self._part else self._checked_pages(part))
            self._part, self._ahead = None, []
            if not pages:
                if self.leads:
                    self._part = part  # all is as it should be: `wait` goes on from here
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

    def wait(self, *, milliseconds: int) -> bool:
        """Until there is an entry, or for so long; what came is journaled by the next `run_once`.

        From where the journal stands, not from where memory is: what came in between has waited already. False when
        there is nothing to wait for. Raises as `client.guarded`.
        """
        if self.stands_at is None:
            return False
        part, self._part = self._part, None  # when nothing comes, all is looked at again
        epoch, seq = (part.epoch, part.head_seq) if part else self.stands_at
        pages = client.stream(
            partition=self.partition, epoch=epoch, after=seq, count=PAGES if part else 1, wait_ms=milliseconds
        )
        if pages and part:
            self._part, self._ahead = part, pages
        return True

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
            if len(entries) <= FEW and self._journal_few(part, entries, hashes):
                return entries[-1].seq, hashes[-1]
            with transaction.atomic():
                opened = locks.journal_open(partition=part.id, count=len(entries))
                if opened is None or opened[:4] != ("FAST", part.epoch, part.head_seq, part.head_hash):
                    return None
                flips, ids, booked_at, today = opened[4:]
                if (*opened[:5], id(connection.connection)) != self._valid_for:
                    self._states = {}
                self._valid_for = ()
                work = Work(entries, self._prove(part, entries), hashes)
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

    def _journal_few(self, part: control.Part, entries: list[Entry], hashes: list[str]) -> bool:
        """Prove a few entries from the states that we have, and write them in one call; False when nothing was written.

        The states are the books' while the partition is what they were read under; the call compares that under the
        lock. That holds for states read now as well: what the call compares can only have moved since, not back. Where
        they do not fit, the long way reads them again.
        """
        mode, epoch, head_seq, head_hash, flips, session = self._valid_for or (None,) * 6
        here = (part.epoch, part.head_seq, part.head_hash, id(connection.connection))
        if mode is None or (epoch, head_seq, head_hash, session) != here:
            return False
        valid, self._valid_for = self._valid_for, ()
        try:
            lines = self._prove(part, entries)
        except Refused:
            self._forget()
            return False
        if not write_few(part, Work(entries, lines, hashes), flips=flips):
            self._forget()
            return False
        self._valid_for = (valid[0], valid[1], entries[-1].seq, hashes[-1], flips, session)
        return True

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
                write(part, Work([entry], [lines], ["00"]), ids=ids, booked_at=booked_at, today=today, dry=True)
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
