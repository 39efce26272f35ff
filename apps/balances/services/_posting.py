"""The posting service: any number of transactions in one SQL call, each with its own outcome."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from apps.balances.services import _many
from apps.balances.services._calls import array, called, text_array
from apps.balances.services._handover import handed_over
from apps.core.gather import alone
from apps.core.retry import retry_transient

LEGS_MAX = 200
ITEMS_MAX = 5_000
# Beyond what any sum of the posting function can overflow; what is merely too large is the outcome LIMIT.
AMOUNT_MAX = 10**18

# The accounts of the open `in_database` block, if any: postings inside it stay within them.
open_accounts: ContextVar[frozenset[int] | None] = ContextVar("open_accounts", default=None)


# Structs, not dataclasses: a batch makes thousands of them, and they are made ten times faster.
class Leg(msgspec.Struct, frozen=True, gc=False):
    """One side of a posting: a ledger account, and credit-positive minor units of `currency`."""

    account_id: int
    amount: int
    currency: str


class Posting(msgspec.Struct, frozen=True, gc=False):
    """One transaction to post. Legs are decided in the given order, debits usually first; they sum to zero a currency.

    `business_date` is given for history and adjustments only; otherwise it is the day in which the entry is booked.
    `reverses` is the id of the journal entry that this one undoes.
    """

    transaction_id: UUID
    client_id: str
    key: str
    fingerprint: bytes
    kind: str
    legs: tuple[Leg, ...]
    business_date: dt.date | None = None
    value_date: dt.date | None = None
    channel: str = ""
    description: str = ""
    counterparty: str = ""
    reference: str = ""
    reverses: int | None = None
    client_timestamp: dt.datetime | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one posting: an outcome of the journal or ``REUSED``; `replayed` if it was decided before."""

    code: str
    journal_id: int | None
    replayed: bool

    @property
    def ok(self) -> bool:
        return self.code == "OK"


@dataclass(frozen=True, slots=True)
class PostingResult:
    """Outcomes in the order of the postings; balances (credit-positive minor units) by account after the call."""

    outcomes: list[Outcome]
    booked_at: dt.datetime
    business_date: dt.date
    balances: dict[int, int]


_CALL = """
SELECT outcome, journal, replayed, booked_at, today, balance_after FROM balances_post(
    %s::uuid[], %s::text, %s::text[], %s::bytea[], %s::text[], %s::date[], %s::date[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::uuid, %s::text,
    %s::bigint[], %s::int[], %s::int[], %s::text[], %s::bigint[], %s::boolean, %s::boolean)
"""

# Typed, so that PostgreSQL need not guess; psycopg sends the values as they are.
_CALL_PAIR = """
SELECT outcome, journal, replayed, booked_at, today, first_after, second_after FROM balances_post_pair(
    %s::uuid, %s::text, %s::text, %s::bytea, %s::text, %s::date, %s::date, %s::text, %s::text, %s::text, %s::text,
    %s::bigint, %s::timestamptz, %s::uuid, %s::text, %s::bigint, %s::bigint, %s::text, %s::bigint, %s::boolean)
"""


@handed_over
@retry_transient
def postings_post(
    postings: Sequence[Posting],
    *,
    actor_id: UUID | None,
    correlation_id: str = "",
    overdraw: bool = False,
    atomic: bool = False,
) -> PostingResult:
    """Post, in one transaction, and return each posting's outcome. A refusal is an outcome, not an exception.

    Every posting happens at most once by its transaction id: a repeat returns the first outcome with `replayed`,
    another fingerprint under the same id returns ``REUSED``. With `atomic` one refusal refuses all. With `overdraw` a
    customer's account may go below zero: its limit is raised by as much as its balance needs.

    Raises ValueError for postings that no caller should make (unbalanced, too many legs, the same id twice,
    several clients), `PeriodClosed`, `BusinessDateInFuture`, `EngineOwned` (accounts in
    the engine's hands could not be called back in time), and `Unavailable` after three transient
    failures. Then nothing was done.
    """
    alone()
    accounts = _check(postings)
    _refuse_foreign_transaction(accounts)
    if len(postings) == 1 and len(postings[0].legs) == 2 == len(accounts):
        # With one item, all or nothing is the same as each for itself.
        return _pair_post(postings[0], actor_id, correlation_id, overdraw)
    row: tuple[Any, ...]
    if len(postings) >= _many.MANY and not (overdraw or atomic or any(one.reverses for one in postings)):
        row = _many.write(postings, accounts, actor_id=actor_id, correlation_id=correlation_id)
    else:
        row = called(_CALL, _parameters(postings, accounts, actor_id, correlation_id, overdraw, atomic))
    outcomes, journals, replayed, booked_at, today, balances = row
    return PostingResult(
        outcomes=[Outcome(*values) for values in zip(outcomes, journals, replayed, strict=True)],
        booked_at=booked_at,
        business_date=today,
        balances=dict(zip(accounts, balances or (), strict=True)),
    )


def _pair_post(posting: Posting, actor_id: UUID | None, correlation_id: str, overdraw: bool) -> PostingResult:
    """One posting between two accounts: the function without arrays, which costs a third less."""
    first, second = posting.legs
    outcome, journal, replayed, booked_at, today, first_after, second_after = called(
        _CALL_PAIR,
        [
            posting.transaction_id,
            posting.client_id,
            posting.key,
            posting.fingerprint,
            posting.kind,
            posting.business_date,
            posting.value_date,
            posting.channel,
            posting.description,
            posting.counterparty,
            posting.reference,
            posting.reverses,
            posting.client_timestamp,
            actor_id,
            correlation_id,
            first.account_id,
            second.account_id,
            first.currency,
            first.amount,
            overdraw,
        ],
    )
    return PostingResult(
        outcomes=[Outcome(outcome, journal, replayed)],
        booked_at=booked_at,
        business_date=today,
        balances={first.account_id: first_after, second.account_id: second_after},
    )


def _check(postings: Sequence[Posting]) -> list[int]:
    """The distinct accounts, ascending. Raises ValueError for what is a mistake of the calling code."""
    if not 1 <= len(postings) <= ITEMS_MAX:
        raise ValueError(f"1 to {ITEMS_MAX} postings a call")
    if len({posting.client_id for posting in postings}) != 1:
        raise ValueError("the postings of one call come from one client")
    if len({posting.transaction_id for posting in postings}) != len(postings):
        raise ValueError("the same transaction id twice in one call")
    accounts: set[int] = set()
    for posting in postings:
        legs = posting.legs
        if len(legs) == 2:
            one, other = legs
            amount = one.amount
            if amount == -other.amount and 0 < abs(amount) <= AMOUNT_MAX and one.currency == other.currency:
                accounts.add(one.account_id)
                accounts.add(other.account_id)
                continue
        if not 2 <= len(legs) <= LEGS_MAX:
            raise ValueError(f"a posting has 2 to {LEGS_MAX} legs")
        sums: Counter[str] = Counter()
        for leg in legs:
            if not 0 < abs(leg.amount) <= AMOUNT_MAX:
                raise ValueError("a leg of zero, or beyond what the books can count")
            sums[leg.currency] += leg.amount
            accounts.add(leg.account_id)
        if any(sums.values()):
            raise ValueError("the legs do not sum to zero")
    return sorted(accounts)


def _refuse_foreign_transaction(accounts: list[int]) -> None:
    """A posting locks balances in key order, so it opens its own transaction or runs inside `in_database`."""
    allowed = open_accounts.get()
    if allowed is not None:
        if not allowed.issuperset(accounts):
            raise RuntimeError("in_database was not given these accounts: " + ", ".join(map(str, accounts)))
        return
    # Atomic blocks of Django's test cases do not count, as with atomic(durable=True).
    if connection.in_atomic_block and not all(
        getattr(block, "_from_testcase", False) for block in connection.atomic_blocks
    ):
        raise RuntimeError("money moves in its own transaction or inside balances.in_database(...)")


def _parameters(
    postings: Sequence[Posting],
    accounts: list[int],
    actor_id: UUID | None,
    correlation_id: str,
    overdraw: bool,
    atomic: bool,
) -> list[Any]:
    position = {account: index for index, account in enumerate(accounts, 1)}
    leg_item, leg_account, leg_currency, leg_amount = [], [], [], []
    for item, posting in enumerate(postings, 1):
        for leg in posting.legs:
            leg_item.append(item)
            leg_account.append(position[leg.account_id])
            leg_currency.append(leg.currency)
            leg_amount.append(leg.amount)
    times = [p.client_timestamp for p in postings]
    return [
        array([p.transaction_id for p in postings]),
        postings[0].client_id,
        text_array([p.key for p in postings]),
        '{"' + '","'.join(["\\\\x" + p.fingerprint.hex() for p in postings]) + '"}',
        text_array([p.kind for p in postings]),
        array([p.business_date for p in postings]),
        array([p.value_date for p in postings]),
        text_array([p.channel for p in postings]),
        text_array([p.description for p in postings]),
        text_array([p.counterparty for p in postings]),
        text_array([p.reference for p in postings]),
        array([p.reverses for p in postings]),
        "{" + ",".join(["NULL" if time is None else f'"{time.isoformat()}"' for time in times]) + "}",
        actor_id,
        correlation_id,
        array(accounts),
        array(leg_item),
        array(leg_account),
        array(leg_currency),
        array(leg_amount),
        overdraw,
        atomic,
    ]
