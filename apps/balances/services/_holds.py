"""Holds: money set aside on an account until it is captured, released or expires."""

from __future__ import annotations

import datetime as dt
import logging
from uuid import UUID

from django.db import IntegrityError

from apps.audit.services import record
from apps.balances import locks
from apps.balances.errors import HoldNotActive, InsufficientFunds, refusal_of
from apps.balances.models import Balance, Hold, TransactionKey
from apps.balances.services._door import Book, in_database
from apps.balances.services._posting import Leg, Outcome, Posting
from apps.core.errors import IdempotencyKeyReused, InvalidAmount, NotFound, PreconditionFailed, Unavailable
from apps.core.retry import retry_transient

logger = logging.getLogger(__name__)


@retry_transient
def hold_place(
    *,
    transaction_id: UUID,
    fingerprint: bytes,
    client_id: str = "",
    key: str = "",
    account_id: int,
    amount: int,
    reason: str,
    expires_at: dt.datetime | None,
    actor_id: UUID | None,
    at: dt.datetime,
    correlation_id: str = "",
) -> tuple[Hold, bool]:
    """Set `amount` minor units aside on a customer's account; returns the hold and whether it stood before (replay).

    `client_id` and `key` are what the transaction id was made of. Raises `InsufficientFunds`, `AccountBlocked`,
    `AccountClosed`, and `IdempotencyKeyReused` for another request under the same transaction id.
    """
    if amount <= 0:
        raise ValueError("a hold is on more than nothing")
    with in_database([account_id], actor_id=actor_id, correlation_id=correlation_id) as book:
        known = TransactionKey.objects.filter(pk=transaction_id).first()
        if known is not None:
            if bytes(known.fingerprint) != fingerprint:
                raise IdempotencyKeyReused
            return Hold.objects.get(transaction_id=transaction_id), True
        row = book.balance(account_id)
        if row.status != Balance.Status.OPEN:
            raise refusal_of("CLOSED" if row.status == Balance.Status.CLOSED else "FROZEN")
        if row.available < amount:
            raise InsufficientFunds
        _key_take(transaction_id=transaction_id, client_id=client_id, key=key, fingerprint=fingerprint)
        book.change(account_id, held_delta=amount)
        hold = Hold.objects.create(
            account_id=account_id,
            currency=row.currency,
            amount=amount,
            reason=reason,
            expires_at=expires_at,
            placed_at=at,
            placed_by=actor_id,
            transaction_id=transaction_id,
            fingerprint=fingerprint,
        )
        _record("placed", hold, actor_id, before=None)
        return hold, False


def _key_take(*, transaction_id: UUID, client_id: str, key: str, fingerprint: bytes) -> None:
    """Keys of holds and of postings are the same keys: one of them used for both is refused."""
    try:
        TransactionKey.objects.create(
            transaction_id=transaction_id,
            client_id=client_id,
            idempotency_key=key,
            fingerprint=fingerprint,
            outcome="OK",
        )
    except IntegrityError as error:  # used at this moment on another account, hence for another request
        raise IdempotencyKeyReused from error


@retry_transient
def hold_capture(
    *,
    hold_id: UUID,
    version: int,
    posting: Posting,
    amount: int,
    destination_id: int,
    actor_id: UUID | None,
    at: dt.datetime,
    correlation_id: str = "",
) -> tuple[Hold, Outcome]:
    """Take `amount` (at most the hold's) from the held account to `destination_id`; the rest of the hold is released.

    `posting` carries the key, kind and texts; its legs are made here. The same key again gives the first outcome.
    Raises `HoldNotActive`, `PreconditionFailed` for another version, `InvalidAmount`, and the refusals of a posting.
    """
    account_id, currency = _account_of(hold_id)
    legs = (Leg(account_id, -amount, currency), Leg(destination_id, amount, currency))
    filled = Posting(
        transaction_id=posting.transaction_id,
        client_id=posting.client_id,
        key=posting.key,
        fingerprint=posting.fingerprint,
        kind=posting.kind,
        legs=legs,
        channel=posting.channel,
        description=posting.description,
        counterparty=posting.counterparty,
        reference=posting.reference,
    )
    with in_database([account_id, destination_id], actor_id=actor_id, correlation_id=correlation_id) as book:
        hold = locks.hold_lock(pk=hold_id)
        if TransactionKey.objects.filter(pk=filled.transaction_id).exists():
            (outcome,) = book.post(filled)  # decided before: the first outcome, or the key was used for something else
            return hold, outcome
        _check_active(hold, version)
        if amount > hold.amount:
            raise InvalidAmount("The amount is more than what is held.", pointer="/amount")
        book.change(account_id, held_delta=-hold.amount)
        (outcome,) = book.post(filled)
        _end(hold, Hold.Status.CAPTURED, at=at, actor_id=actor_id, captured=amount)
        return hold, outcome


@retry_transient
def hold_release(
    *, hold_id: UUID, version: int, actor_id: UUID | None, at: dt.datetime, correlation_id: str = ""
) -> Hold:
    """Give the held money back to the account. Raises `HoldNotActive` and `PreconditionFailed`."""
    account_id, _ = _account_of(hold_id)
    with in_database([account_id], actor_id=actor_id, correlation_id=correlation_id) as book:
        hold = locks.hold_lock(pk=hold_id)
        _check_active(hold, version)
        return _give_back(book, hold, Hold.Status.RELEASED, at=at, actor_id=actor_id)


def hold_expire_due(*, at: dt.datetime, limit: int = 1_000) -> int:
    """End active holds whose time is over, one transaction each; returns how many.

    An account that is busy keeps its hold until the next run; the others go on.
    """
    due = Hold.objects.filter(status=Hold.Status.ACTIVE, expires_at__lte=at).order_by("expires_at")
    ended = 0
    for hold_id, account_id in due.values_list("id", "account_id")[:limit]:
        try:
            ended += _expire(hold_id, account_id, at)
        except Unavailable:
            logger.warning("hold %s could not be ended now", hold_id)
    return ended


@retry_transient
def _expire(hold_id: UUID, account_id: int, at: dt.datetime) -> bool:
    with in_database([account_id], actor_id=None) as book:
        hold = locks.hold_lock(pk=hold_id)
        if hold.status != Hold.Status.ACTIVE:
            return False
        _give_back(book, hold, Hold.Status.EXPIRED, at=at, actor_id=None)
        return True


def _account_of(hold_id: UUID) -> tuple[int, str]:
    found = Hold.objects.filter(pk=hold_id).values_list("account_id", "currency").first()
    if found is None:
        raise NotFound
    return found


def _check_active(hold: Hold, version: int) -> None:
    if hold.status != Hold.Status.ACTIVE:
        raise HoldNotActive(f"The hold was {hold.get_status_display().lower()}.")
    if hold.version != version:
        raise PreconditionFailed


def _give_back(book: Book, hold: Hold, status: str, *, at: dt.datetime, actor_id: UUID | None) -> Hold:
    book.change(hold.account_id, held_delta=-hold.amount)
    return _end(hold, status, at=at, actor_id=actor_id)


def _end(hold: Hold, status: str, *, at: dt.datetime, actor_id: UUID | None, captured: int = 0) -> Hold:
    hold.status = status
    hold.captured = captured
    hold.ended_at = at
    hold.version += 1
    hold.save()
    _record(status, hold, actor_id, before={"status": "active"})
    return hold


def _record(verb: str, hold: Hold, actor_id: UUID | None, *, before: dict[str, str] | None) -> None:
    record(
        action=f"balances.hold.{verb}",
        actor_id=actor_id,
        target=hold,
        before=before,
        after={
            "status": hold.status,
            "amount": hold.amount,
            "captured": hold.captured,
            "currency": hold.currency,
            "account_id": hold.account_id,
        },
    )
