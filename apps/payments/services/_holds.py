"""Holds on members' accounts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from apps.balances import selectors as balance_selectors
from apps.balances import services as balances
from apps.balances.errors import HoldNotActive
from apps.balances.services import Posting
from apps.core.errors import Conflict, CurrencyMismatch, InvalidRequest
from apps.core.money import Money
from apps.core.trace import trace_id
from apps.payments.holding import hold_owner_of
from apps.payments.selectors import KIND_CAPTURE, account_ref, cheque_keeps_hold, hold_get_for, product_limits
from apps.payments.services._cash import channel_account
from apps.payments.services._common import Asked, currency_check, limit_check, usable_ref
from apps.payments.services._signatures import signatures_check
from apps.payments.services._standing import approval_check

if TYPE_CHECKING:
    from apps.accounts.selectors import AccountRef
    from apps.balances.selectors import Hold
    from apps.identity.models import User


def hold_place(
    *, asked: Asked, account: str, amount: Money, reason: str, expires_at: dt.datetime | None, at: dt.datetime
) -> tuple[Hold, bool]:
    """Set money aside on an account (number or id); the hold, and whether it stood before under this key.

    Raises `PaymentAccountNotFound`, `CurrencyMismatch`, `InvalidRequest` for an end that is not in the future, and what
    `balances.services.hold_place` raises.
    """
    ref = usable_ref(user=asked.user, name=account, pointer="/account")
    currency_check(ref=ref, amount=amount, pointer="/amount/currency")
    if asked.user.scope == "own":
        signatures_check(user=asked.user, ref=ref, amount=amount, pointer="/amount")
    known = balance_selectors.hold_find(transaction_id=asked.transaction_id)
    if known is None and expires_at is not None and expires_at <= at:
        raise InvalidRequest("The hold would end before it begins.", pointer="/expires_at")
    return balances.hold_place(
        transaction_id=asked.transaction_id,
        fingerprint=asked.fingerprint,
        client_id=asked.client_id,
        key=asked.key,
        account_id=ref.ledger_id,
        amount=amount.minor,
        reason=reason,
        expires_at=expires_at,
        actor_id=asked.user.pk,
        at=at,
        correlation_id=trace_id(),
    )


def hold_capture(
    *,
    asked: Asked,
    hold_id: UUID,
    expected_version: int,
    amount: Money | None,
    destination: str | None,
    channel: str | None,
    description: str,
    at: dt.datetime,
) -> tuple[Hold, bool]:
    """Take held money: all of it or `amount`; the rest is given back. The hold, and whether it was captured before.

    It goes to an account (`destination`, number or id) or out by a `channel`; exactly one is given. Raises `NotFound`
    for a hold out of the user's reach, `PaymentAccountNotFound`, `CurrencyMismatch`, `HoldNotActive` also for one whose
    time is over, `Conflict` for that of a cheque in clearing, `TransactionLimitExceeded`, `ApprovalRequired` where a
    policy wants such a transfer approved, and what `balances.services.hold_capture` raises.
    """
    hold = hold_get_for(user=asked.user, hold_id=hold_id)
    if (destination is None) == (channel is None):
        raise InvalidRequest("Give either destination_account or channel.", pointer="/destination_account")
    if amount is not None and amount.currency != hold.currency:
        raise CurrencyMismatch(f"The hold is in {hold.currency}.", pointer="/amount/currency")
    held = account_ref(name=hold.account.number, pointer="")
    if destination is not None:
        target_ref = account_ref(name=destination, pointer="/destination_account")
        currency_check(ref=target_ref, amount=Money(hold.amount, hold.currency), pointer="/destination_account")
        target = target_ref.ledger_id
        if target == held.ledger_id:
            raise InvalidRequest("The money is held on this very account.", pointer="/destination_account")
    else:
        target = channel_account(user=asked.user, ref=held, channel=str(channel), currency=hold.currency, inward=False)
    taken = amount or Money(hold.amount, hold.currency)
    if hold.status == "active":  # what was decided before gets its first answer below
        _capture_check(hold, held, taken, to_account=destination is not None, at=at)
    posting = Posting(
        transaction_id=asked.transaction_id,
        client_id=asked.client_id,
        key=asked.key,
        fingerprint=asked.fingerprint,
        kind=KIND_CAPTURE,
        legs=(),
        channel=channel or "api",
        description=description or hold.reason,
    )
    captured, outcome = balances.hold_capture(
        hold_id=hold.pk,
        version=expected_version,
        posting=posting,
        amount=taken.minor,
        destination_id=target,
        actor_id=asked.user.pk,
        at=at,
        correlation_id=trace_id(),
    )
    return captured, outcome.replayed


def _capture_check(hold: Hold, held: AccountRef, taken: Money, *, to_account: bool, at: dt.datetime) -> None:
    """A capture is a payment: it has the limit of one, and to an account the policy of transfers."""
    if hold.expires_at is not None and hold.expires_at <= at:
        raise HoldNotActive("The hold has expired.")
    if cheque_keeps_hold(hold_id=hold.pk):
        raise Conflict("The money is there once the cheque has cleared.")
    limit_check(ref=held, amount=taken, limits=product_limits())
    if to_account:
        approval_check(taken, at=at)


def hold_release(*, user: User, hold_id: UUID, expected_version: int, at: dt.datetime) -> Hold:
    """Give held money back. Raises `NotFound`, `Conflict` while a record keeps the hold, such as a cheque in clearing,
    and what `balances.services.hold_release` raises."""
    hold = hold_get_for(user=user, hold_id=hold_id)
    if hold.status == "active" and (owner := hold_owner_of(hold)):
        raise Conflict(f"The hold ends with {owner}.")
    return balances.hold_release(
        hold_id=hold.pk, version=expected_version, actor_id=user.pk, at=at, correlation_id=trace_id()
    )
