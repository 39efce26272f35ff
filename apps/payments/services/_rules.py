"""What a product's terms ask of a payment: its channel, the least and the greatest balance.

Bounds are asked before a payment is posted. Of products that the database executes they are measured again under the
lock of the balance, so that two payments at the same moment cannot pass one together. Products of the engine get none
any more; terms that they still have are asked before. What may never happen, less than nothing available, PostgreSQL
refuses (ADR 0051, 0060).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.selectors import AccountRef, ProductRules
from apps.balances.selectors import balance_live_read
from apps.balances.services import Book, Posting, PostingResult, in_database, postings_post
from apps.core.money import Money
from apps.core.retry import retry_transient
from apps.core.trace import trace_id
from apps.payments.channels import CHANNELS
from apps.payments.errors import BalanceAboveMaximum, BalanceBelowMinimum, ChannelNotAllowed, TillNotOpen
from apps.payments.selectors import product_rules_now

if TYPE_CHECKING:
    from apps.payments.services._common import Asked

Stand = Callable[[int], tuple[int, int]]
"""What a ledger account holds, and how much of it is held back, minor units."""
_CASH = frozenset(name for name, channel in CHANNELS.items() if channel.is_cash)


def _stand_live(ledger_id: int) -> tuple[int, int]:
    seen = balance_live_read(account_id=ledger_id, how_much_pending=False)
    return seen.booked, seen.held


def stand_in(book: Book) -> Stand:
    """What accounts hold under the locks of an open door."""

    def stand(ledger_id: int) -> tuple[int, int]:
        row = book.balance(ledger_id)
        return row.balance, row.held

    return stand


def rules_check(
    *,
    amount: Money,
    channel: str,
    debit: AccountRef | None = None,
    credit: AccountRef | None = None,
    rules: Mapping[UUID, ProductRules] | None = None,
    stand: Stand = _stand_live,
) -> None:
    """Measure a payment by the rules of the products of its accounts; no query where they have none.

    `channel` is how the owner of `debit` moves it, or how it comes to `credit` where nothing is debited. `stand`
    says what a ledger account holds. Raises `ChannelNotAllowed`, `BalanceBelowMinimum`, `BalanceAboveMaximum`.
    """
    known = product_rules_now() if rules is None else rules
    if not known:
        return
    mover = debit or credit
    if mover is not None:
        channel_check(ref=mover, channel=channel, rules=known)
    _bounds_check(amount, debit, credit, known, stand)


def _bounds_check(
    amount: Money,
    debit: AccountRef | None,
    credit: AccountRef | None,
    rules: Mapping[UUID, ProductRules],
    stand: Stand,
) -> None:
    """What is held is promised to others: the least balance must be there besides."""
    least = rules[debit.product_id].minimum if debit is not None and debit.product_id in rules else None
    if debit is not None and least is not None:
        booked, held = stand(debit.ledger_id)
        if booked - held - amount.minor < least:
            raise BalanceBelowMinimum(
                f"The balance may not fall below {Money(least, debit.currency)}.", pointer="/amount"
            )
    most = rules[credit.product_id].maximum if credit is not None and credit.product_id in rules else None
    if credit is not None and most is not None and stand(credit.ledger_id)[0] + amount.minor > most:
        raise BalanceAboveMaximum(pointer="/amount")  # what is on it is its owner's affair, and not said


def bounds_exact(*refs: AccountRef | None) -> bool:
    """Has one of the accounts a bound that is measured under the lock? No query where no product has one."""
    known = product_rules_now()
    return any(ref is not None and ref.product_id in known and known[ref.product_id].exact for ref in refs)


@retry_transient
def posting_bounded(
    *, posting: Posting, actor_id: UUID, amount: Money, debit: AccountRef | None, credit: AccountRef | None
) -> PostingResult:
    """Post a movement behind the door, its bounds measured under the locks. What the books refuse is an outcome.

    Raises `BalanceBelowMinimum`, `BalanceAboveMaximum`: then nothing is kept, and the key may be sent again.
    """
    known = product_rules_now()
    with in_database([leg.account_id for leg in posting.legs], actor_id=actor_id, correlation_id=trace_id()) as book:
        _bounds_check(amount, debit, credit, known, stand_in(book))
        return postings_post([posting], actor_id=actor_id, correlation_id=trace_id())


def channel_check(*, ref: AccountRef, channel: str, rules: Mapping[UUID, ProductRules] | None = None) -> None:
    """Raises `ChannelNotAllowed` when the account's product is not used by this channel. Cash is cash by any name."""
    rule = (product_rules_now() if rules is None else rules).get(ref.product_id)
    if rule is None or not rule.channels:
        return
    allowed = rule.channels | _CASH if rule.channels & _CASH else rule.channels
    if channel not in allowed:
        raise ChannelNotAllowed(f"Not by {channel}; by {', '.join(sorted(rule.channels))}.", pointer="/channel")


def till_needed_check(asked: Asked, channel: str) -> None:
    """Cash that people take and pay goes through their open till; machines have a channel of their own.

    Raises `TillNotOpen`.
    """
    if CHANNELS[channel].is_cash and asked.user.api_key_id is None:
        raise TillNotOpen("Cash goes through your open till: see /till-sessions/{id}/deposits and /withdrawals.")
