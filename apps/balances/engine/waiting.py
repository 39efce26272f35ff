"""Until the journal has it: one thread that hears and asks for all transactions that this process waits for.

What is answered comes from PostgreSQL, by transaction id, never from memory. A journaler's notice is part of its
transaction: PostgreSQL delivers it when that is committed (and, as a read would see it, replicated), or never. The
notice of a few entries says what was decided; that of many says how far the journal is, and then one query asks for
those that can be there. A notice that got lost costs a moment: everybody is asked for now and then.
"""

from __future__ import annotations

import datetime as dt
import logging
import select
import threading
import time
from collections.abc import Iterable, KeysView
from uuid import UUID

import msgspec
import psycopg
from django.db import DatabaseError, connection
from psycopg import Notify

from apps.core.gather import Gate, Together
from apps.core.kept_statement import KeptStatement

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
HEAR_SECONDS = 0.1
IDLE_SECONDS = 10
NAME_LENGTH = 36
HEADS_MAX = 1_000


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A transaction as PostgreSQL has decided it; without an entry (`journal_id` None) it is VOID, or a hold."""

    fingerprint: bytes
    outcome: str
    journal_id: int | None
    booked_at: dt.datetime | None
    business_date: dt.date | None


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _moment(microseconds: bytes | int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=int(microseconds))


def _bytes(hexadecimal: bytes) -> bytes:
    return bytes.fromhex(hexadecimal.decode())


def _date(text: bytes) -> dt.date:
    return dt.date.fromisoformat(text.decode())


_QUERY = """
SELECT k.transaction_id, k.fingerprint, k.outcome, k.journal_id, j.booked_at, j.business_date
  FROM unnest(%s::uuid[]) AS t (id) JOIN balances_transaction_key k ON k.transaction_id = t.id
  LEFT JOIN ledger_journal j ON j.id = k.journal_id
"""


# Of one transaction, asked for before every transfer, PostgreSQL keeps a plan that looks at nothing else. A row without
# a fingerprint says that the id is poison.
_KNOWN_ONE = KeptStatement(
    "transaction_known",
    """
SELECT encode(k.fingerprint, 'hex'), k.outcome, k.journal_id,
       (extract(epoch FROM j.booked_at) * 1000000)::bigint, to_char(j.business_date, 'YYYY-MM-DD')
  FROM balances_transaction_key k LEFT JOIN ledger_journal j ON j.id = k.journal_id WHERE k.transaction_id = %s
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL FROM balances_poison p WHERE p.transaction_id = %s
""",
    (_bytes, bytes.decode, int, _moment, _date),
)
_KNOWN_MANY = """
SELECT FALSE, k.transaction_id, k.fingerprint, k.outcome, k.journal_id, j.booked_at, j.business_date
  FROM unnest(%s::uuid[]) AS t (id) JOIN balances_transaction_key k ON k.transaction_id = t.id
  LEFT JOIN ledger_journal j ON j.id = k.journal_id
UNION ALL
SELECT TRUE, p.transaction_id, NULL, NULL, NULL, NULL, NULL
  FROM unnest(%s::uuid[]) AS t (id) JOIN balances_poison p ON p.transaction_id = t.id
"""


def decided(transaction_ids: Iterable[UUID]) -> dict[UUID, Decided]:
    """Those that are decided, in one query on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [list(transaction_ids)])
        return {row[0]: Decided(bytes(row[1]), *row[2:]) for row in cursor.fetchall()}


Known = tuple[Decided | None, bool]


def known_or_poisoned(transaction_ids: list[UUID]) -> tuple[dict[UUID, Decided], bool]:
    """What is decided, and whether one of the ids is poison to the engine: then it goes to the database path."""
    if len(transaction_ids) == 1:
        (one,) = transaction_ids
        decision, poisoned = _one_known(one)
        return ({one: decision} if decision is not None else {}), poisoned
    known, poison = _many_known(transaction_ids)
    return known, bool(poison)


def _many_known(transaction_ids: list[UUID]) -> tuple[dict[UUID, Decided], set[UUID]]:
    connection.ensure_connection()
    # psycopg's own cursor prepares the statement in PostgreSQL, which Django's does not.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_KNOWN_MANY, [transaction_ids, transaction_ids], prepare=True)
        rows = cursor.fetchall()
    known = {row[1]: Decided(bytes(row[2]), *row[3:]) for row in rows if not row[0]}
    return known, {row[1] for row in rows if row[0]}


def _known_together(transaction_ids: list[UUID]) -> list[Known | Exception]:
    if len(transaction_ids) == 1:
        row = _KNOWN_ONE.row(transaction_ids[0], transaction_ids[0])
        if row is None or row[0] is None:
            return [(None, row is not None)]
        return [(Decided(*row), False)]
    known, poison = _many_known(transaction_ids)
    return [(known.get(one), one in poison) for one in transaction_ids]


_one_known: Together[UUID, Known] = Together(_known_together)


class _Ticket:
    """What one caller waits for; `done` opens once all is found."""

    def __init__(self, ids: set[UUID]) -> None:
        self.missing = ids
        self.names: dict[str, UUID] | None = None
        self.found: dict[UUID, Decided] = {}
        self.done = Gate()
        self.place: tuple[tuple[int, int], int] | None = None  # (partition, epoch), last sequence

    def named(self) -> dict[str, UUID]:
        """What it waits for by the names that notices use; made once somebody asks."""
        if self.names is None:
            self.names = {str(one): one for one in self.missing}
        return self.names


class _Waiter:
    """A thread with a connection of its own that hears and asks for everybody; it ends when nobody waits for long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets: list[_Ticket] = []
        self._thread: threading.Thread | None = None
        self._used = 0.0
        self._idle_seconds = IDLE_SECONDS
        self._heads: dict[tuple[int, int], int] = {}

    def enter(self, ticket: _Ticket) -> None:
        with self._lock:
            self._tickets.append(ticket)
            self._used = time.monotonic()
            if self._thread is None or not self._thread.is_alive():  # also after a fork
                self._thread = threading.Thread(target=self._loop, name="engine-waiting", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection, once nobody waits; the next who waits starts another."""
        with self._lock:
            thread, self._idle_seconds = self._thread, 0
        if thread is not None:
            thread.join(2)
        self._idle_seconds = IDLE_SECONDS

    def leave(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket in self._tickets:
                self._tickets.remove(ticket)

    def _loop(self) -> None:
        raw: psycopg.Connection | None = None
        polled = 0.0
        while not self._is_over():
            try:
                if raw is None or raw.closed:
                    raw = _listening()
                    raw.add_notify_handler(self._hear)  # those that come with the answer to a query
                now = time.monotonic()
                poll = now - polled >= POLL_SECONDS
                polled = now if poll else polled
                self._look(raw, everybody=poll)
                for note in _notices(raw, milliseconds=round(HEAR_SECONDS * 1_000)):
                    self._hear(note)
            except (psycopg.Error, DatabaseError, OSError) as error:
                logger.warning("waiting for the journal: %s", error)
                if raw is not None:
                    raw.close()
                raw = None
                time.sleep(0.2)
        if raw is not None:
            raw.close()

    def _is_over(self) -> bool:
        """Whether nobody has waited for a while: then the next who waits starts another thread."""
        with self._lock:
            if self._tickets or time.monotonic() - self._used < self._idle_seconds:
                return False
            self._thread = None
            return True

    def _hear(self, note: Notify) -> None:
        """A journaler's notice: partition, epoch and head; of few entries also when, the day, and each decision."""
        head, *rows = note.payload.split("\n")
        facts = head.split()
        told = {row[:NAME_LENGTH]: row for row in rows}
        try:
            partition, epoch, seq = map(int, facts[:3])
            wanted = self._wanted(told.keys()) if told else set()
            found = _decisions(int(facts[3]), facts[4], [told[name] for name in wanted]) if wanted else {}
        except (ValueError, IndexError):
            return
        if len(self._heads) > HEADS_MAX:
            self._heads.clear()
        self._heads[partition, epoch] = seq
        if found:
            self._give(found)

    def _wanted(self, names: KeysView[str]) -> set[str]:
        """Those of the names that somebody here waits for: other processes' notices are heard as well."""
        with self._lock:
            return {name for ticket in self._tickets for name in ticket.named().keys() & names}

    def _is_due(self, ticket: _Ticket) -> bool:
        return ticket.place is not None and self._heads.get(ticket.place[0], -1) >= ticket.place[1]

    def _look(self, raw: psycopg.Connection, *, everybody: bool) -> None:
        with self._lock:
            due = self._tickets if everybody else [ticket for ticket in self._tickets if self._is_due(ticket)]
            wanted = {transaction_id for ticket in due for transaction_id in ticket.missing}
        if not wanted:
            return
        rows = raw.execute(_QUERY, [list(wanted)], prepare=True).fetchall()
        self._give({row[0]: Decided(bytes(row[1]), *row[2:]) for row in rows})

    def _give(self, found: dict[UUID, Decided]) -> None:
        """Wake those who wait for nothing else."""
        with self._lock:
            for ticket in self._tickets:
                got = ticket.missing & found.keys()
                if got:
                    ticket.found.update({transaction_id: found[transaction_id] for transaction_id in got})
                    ticket.missing -= got
                    if not ticket.missing:
                        ticket.done.open()


def _decisions(booked_at: int, day: str, rows: list[str]) -> dict[UUID, Decided]:
    """What a notice says of each entry: transaction, fingerprint, outcome, journal id; `booked_at` in microseconds."""
    at, date = _moment(booked_at), dt.date.fromisoformat(day)
    found = {}
    for row in rows:
        transaction_id, fingerprint, outcome, journal_id = row.split(" ")
        found[UUID(transaction_id)] = Decided(bytes.fromhex(fingerprint), outcome, int(journal_id), at, date)
    return found


def _notices(raw: psycopg.Connection, *, milliseconds: int) -> list[Notify]:
    """What came meanwhile, or within so long; at once when there is something."""
    poll = select.poll()
    poll.register(raw.pgconn.socket, select.POLLIN)
    if not poll.poll(milliseconds):
        return []
    raw.pgconn.consume_input()
    found = []
    while note := raw.pgconn.notifies():
        found.append(Notify(note.relname.decode(), note.extra.decode(), note.be_pid))
    return found


def _listening() -> psycopg.Connection:
    parameters = {**connection.get_connection_params()}
    for name in ("pool", "cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    raw = psycopg.connect(**parameters, autocommit=True)
    raw.execute("LISTEN numina_journal")
    return raw


_waiter = _Waiter()


def waiting_stop() -> None:
    """End this process's waiting thread, for tests that drop their database."""
    _waiter.stop()


class Waiting:
    """`with Waiting(ids) as waiting: waiting.some(seconds)`: the transactions that PostgreSQL has decided meanwhile."""

    def __init__(self, transaction_ids: Iterable[UUID]) -> None:
        self._ticket = _Ticket(set(transaction_ids))

    def __enter__(self) -> Waiting:
        _waiter.enter(self._ticket)
        return self

    def __exit__(self, *_: object) -> None:
        _waiter.leave(self._ticket)

    def expect(self, *, partition: int, epoch: int, seq: int) -> None:
        """Say where they will be in the journal, if they get there; until then they are asked for now and then only."""
        self._ticket.place = ((partition, epoch), seq)

    def all(self, *, milliseconds: int) -> dict[UUID, Decided] | None:
        """What became of all of them, or None when the time is over before they are all decided."""
        return self._ticket.found if self._ticket.done.wait(milliseconds / 1_000) else None

    @property
    def found(self) -> dict[UUID, Decided]:
        """Those decided so far."""
        return dict(self._ticket.found)
