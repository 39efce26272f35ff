"""What a product's terms ask of a payment, asked before it is posted: its channel, the least and the greatest balance.

The bounds are asked without a lock where the payment opens no door of its own: two payments at the same moment may
pass one together. What may never happen, less than nothing available, PostgreSQL refuses (ADR 0051).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from apps.accounts.selectors import AccountRef, ProductRules
from apps.balances.selectors import balance_live_read
from apps.core.money import Money
from apps.payments.channels import CHANNELS
from apps.payments.errors import BalanceAboveMaximum, BalanceBelowMinimum, ChannelNotAllowed, TillNotOpen
from apps.payments.selectors import product_rules_now
from apps.payments.services._common import Asked

Booked = Callable[[int], int]
_CASH = frozenset(name for name, channel in CHANNELS.items() if channel.is_cash)


def _booked(ledger_id: int) -> int:
    return balance_live_read(account_id=ledger_id).booked


def rules_check(
    *,
    amount: Money,
    channel: str,
    debit: AccountRef | None = None,
    credit: AccountRef | None = None,
    rules: Mapping[UUID, ProductRules] | None = None,
    booked: Booked = _booked,
) -> None:
    """Measure a payment by the rules of the products of its accounts; no query where they have none.

    `channel` is how the owner of `debit` moves it, or how it comes to `credit` where nothing is debited. `booked`
    says what a ledger account holds. Raises `ChannelNotAllowed`, `BalanceBelowMinimum`, `BalanceAboveMaximum`.
    """
    known = product_rules_now() if rules is None else rules
    if not known:
        return
    mover = debit or credit
    if mover is not None:
        channel_check(ref=mover, channel=channel, rules=known)
    least = known[debit.product_id].minimum if debit is not None and debit.product_id in known else None
    if debit is not None and least is not None and booked(debit.ledger_id) - amount.minor < least:
        raise BalanceBelowMinimum(f"The balance may not fall below {Money(least, debit.currency)}.", pointer="/amount")
    most = known[credit.product_id].maximum if credit is not None and credit.product_id in known else None
    if credit is not None and most is not None and booked(credit.ledger_id) + amount.minor > most:
        raise BalanceAboveMaximum(pointer="/amount")  # what is on it is its owner's affair, and not said


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
