"""Many postings in one transaction: locked and settled by SQL, decided here, written by COPY.

`balances_post` spends most of its time for a large batch in deciding item by item in PL/pgSQL and in inserting from
arrays. The rules here are `entry_apply`'s, by which the journaler proves entries and which tests hold to the others;
COPY writes a row for less than INSERT does. Locks, rows and outcomes are those of `balances_post`.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from django.db import DatabaseError, connection, transaction

from apps.balances.engine.entries import State, copy_text, entry_apply
from apps.balances.engine.rows import KEYS, LINES, line_rows
from apps.balances.services._calls import REFUSALS, array, called
from apps.core.retry import sqlstate_of
from apps.ledger.errors import BusinessDateInFuture

if TYPE_CHECKING:
    from apps.balances.services._posting import Posting

MANY = 250
"""Postings from which on this way costs less; a call of `balances_post` is one statement instead of six."""

_OPEN = """
SELECT today, booked_at, balance, held, overdraft_limit, status, currency, internal, version, known, known_print,
       known_outcome, known_journal, ids FROM balances_post_open(%s::uuid[], %s::bigint[])
"""
_SETTLE = "SELECT balances_post_settle(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
_JOURNAL = """COPY ledger_journal (id, outcome, line_count, business_date, value_date, booked_at, transaction_id, kind,
 client_timestamp, actor, correlation_id, channel, description, counterparty, reference, partition, epoch) FROM STDIN"""
_NULL = "\\N"
_KEY_TAKEN = "23505"


_day_text = functools.lru_cache(maxsize=1_000)(dt.date.isoformat)


class SameKey(DatabaseError):
    """Another transaction used one of the keys at the same moment: run again, it is found decided (40001)."""

    sqlstate = "40001"


class _Draft(msgspec.Struct, frozen=True, gc=False):
    """What a posting writes whatever is decided; made before anything is locked. Pieces of COPY rows."""

    facts: str
    key: str

    @classmethod
    def of(cls, posting: Posting, transaction_id: str, actor: str) -> _Draft:
        """`actor` is the piece of who did it and in which request."""
        return cls(
            f"{transaction_id}\t{copy_text(posting.kind)}\t{posting.client_timestamp or _NULL}\t{actor}\t"
            f"{copy_text(posting.channel)}\t{copy_text(posting.description)}\t{copy_text(posting.counterparty)}\t"
            f"{copy_text(posting.reference)}\t0\t0\n",
            f"{transaction_id}\t{copy_text(posting.client_id)}\t{copy_text(posting.key)}\t"
            f"\\\\x{posting.fingerprint.hex()}\t",
        )


class _Rows:
    """The rows of the books in COPY's text format, as postings are decided one after another."""

    def __init__(self, states: dict[int, State], today: dt.date, booked_at: dt.datetime) -> None:
        self.journal: list[str] = []
        self.lines: list[str] = []
        self.keys: list[str] = []
        self._states, self._today, self._booked_at = states, today, str(booked_at)

    def add(self, posting: Posting, draft: _Draft, number: int) -> str:
        """Decide a posting that was never decided, and keep what it writes; its outcome."""
        business_date = posting.business_date or self._today
        if business_date > self._today:
            raise BusinessDateInFuture
        day = _day_text(business_date)
        value_day = _day_text(posting.value_date) if posting.value_date else day
        legs = [(leg.account_id, leg.amount, leg.currency) for leg in posting.legs]
        outcome, written = entry_apply(self._states, legs)
        self.journal.append(
            f"{number}\t{outcome}\t{len(written)}\t{day}\t{value_day}\t{self._booked_at}\t{draft.facts}"
        )
        self.lines += line_rows(number, written, day)
        self.keys.append(f"{draft.key}{outcome}\t{number}\n")
        return outcome

    def write(self) -> None:
        """Keys in their order: two calls with the same keys wait for each other in one order."""
        self.keys.sort()
        with connection.cursor() as cursor, connection.wrap_database_errors:
            for statement, rows in ((_JOURNAL, self.journal), (LINES, self.lines), (KEYS, self.keys)):
                if rows:
                    with cursor.copy(statement) as copy:
                        copy.write("".join(rows))


def write(
    postings: Sequence[Posting], accounts: list[int], *, actor_id: UUID | None, correlation_id: str
) -> tuple[list[str], list[int | None], list[bool], dt.datetime, dt.date, list[int]]:
    """Post them, as `balances_post` does: outcomes, journal ids, replayed or not; time, day, balances by account.

    `accounts` are all accounts of the legs, distinct and ascending. Raises as `postings_post`.
    """
    actor = f"{actor_id or _NULL}\t{copy_text(correlation_id)}"
    transaction_ids = [posting.transaction_id.hex for posting in postings]
    drafts = [_Draft.of(posting, key, actor) for posting, key in zip(postings, transaction_ids, strict=True)]
    asked = [array(transaction_ids), array(accounts)]
    try:
        with transaction.atomic():
            return _write(postings, drafts, accounts, asked)
    except DatabaseError as error:
        state = sqlstate_of(error) or ""
        if state == _KEY_TAKEN and "balances_transaction_key" in str(error):
            raise SameKey("the same key was used at the same moment") from error
        if state in REFUSALS:
            raise REFUSALS[state] from error
        raise


def _write(
    postings: Sequence[Posting], drafts: Sequence[_Draft], accounts: list[int], asked: list[str]
) -> tuple[list[str], list[int | None], list[bool], dt.datetime, dt.date, list[int]]:
    opened = called(_OPEN, asked)
    today, booked_at, *columns, places, prints, decided, entries, ids = opened
    states = {account: State(*values) for account, values in zip(accounts, zip(*columns, strict=True), strict=True)}
    versions = columns[-1]
    known = dict(zip(places or (), zip(prints or (), decided or (), entries or (), strict=True), strict=True))
    rows = _Rows(states, today, booked_at)
    outcomes: list[str] = []
    journals: list[int | None] = []
    numbers = iter(ids)
    for place, (posting, draft) in enumerate(zip(postings, drafts, strict=True), 1):
        if place in known:
            fingerprint, outcome, journal = known[place]
            same = fingerprint == posting.fingerprint
            outcomes.append(outcome if same else "REUSED")
            journals.append(journal if same else None)
            continue
        number = next(numbers)
        outcomes.append(rows.add(posting, draft, number))
        journals.append(number)
    rows.write()
    moved = [
        (account, before, state.balance, state.version)
        for (account, state), before in zip(states.items(), versions, strict=True)
        if state.version != before
    ]
    if moved:
        called(_SETTLE, [array(column) for column in zip(*moved, strict=True)])
    replayed = [place in known for place in range(1, len(postings) + 1)]
    return outcomes, journals, replayed, booked_at, today, [state.balance for state in states.values()]
