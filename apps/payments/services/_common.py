"""What all payments have in common: key, policy, posting, and the answer of the first time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from django.conf import settings

from apps.accounts.selectors import AccountRef
from apps.balances.errors import TransactionVoid
from apps.balances.selectors import transaction_find
from apps.balances.services import Leg, Outcome, Posting, PostingResult, postings_execute
from apps.core.errors import CurrencyMismatch, IdempotencyKeyReused
from apps.core.idempotency import transaction_id_for
from apps.core.money import Money
from apps.core.trace import trace_id
from apps.ledger.selectors import business_date_current
from apps.payments.errors import (
    BalanceAboveMaximum,
    BalanceBelowMinimum,
    PaymentAccountNotFound,
    TransactionLimitExceeded,
    ValueDateNotAllowed,
)
from apps.payments.selectors import (
    AccountName,
    Payment,
    account_ref,
    payment_find,
    payment_of,
    usable_accounts,
)
from apps.payments.services._rules import bounds_exact, posting_bounded

if TYPE_CHECKING:
    from apps.identity.models import User


@dataclass(frozen=True)
class Asked:
    """Who asked, under which key, for exactly what: `fingerprint` is SHA-256 of the canonical request."""

    user: User
    key: str
    fingerprint: bytes

    @cached_property
    def transaction_id(self) -> UUID:
        return transaction_id_for(self.user.pk, self.key)

    @cached_property
    def client_id(self) -> str:
        return str(self.user.pk)


class Details(msgspec.Struct, frozen=True, gc=False):
    """What is written down with a payment. `value_date` None is the business day of the booking."""

    description: str = ""
    counterparty: str = ""
    reference: str = ""
    channel: str = "api"
    value_date: dt.date | None = None
    client_timestamp: dt.datetime | None = None


def usable_ref(*, user: User, name: str, pointer: str) -> AccountRef:
    """An account by number or id on which the user may act. Raises `PaymentAccountNotFound`."""
    ref = account_ref(name=name, pointer=pointer)
    if user.scope != "all" and not usable_accounts(user=user, refs=[ref]):
        raise PaymentAccountNotFound("No such account.", pointer=pointer)
    return ref


def currency_check(*, ref: AccountRef, amount: Money, pointer: str) -> None:
    """Raises `CurrencyMismatch` when the account is in another currency than the amount."""
    if ref.currency != amount.currency:
        raise CurrencyMismatch(f"The account is in {ref.currency}, the amount in {amount.currency}.", pointer=pointer)


def limit_check(*, ref: AccountRef, amount: Money, limits: Mapping[UUID, int]) -> None:
    """Raises `TransactionLimitExceeded` when the product lets one transaction take out less."""
    limit = limits.get(ref.product_id)
    if limit is not None and amount.minor > limit:
        raise TransactionLimitExceeded(
            f"One transaction may take out at most {Money(limit, ref.currency)}.", pointer="/amount"
        )


def value_date_check(value_date: dt.date | None) -> None:
    """Raises `ValueDateNotAllowed` outside of the bank's window around the open business day."""
    if value_date is None:
        return
    today = business_date_current()
    earliest = today - dt.timedelta(days=settings.NUMINA["BACK_VALUE_DAYS"])
    latest = today + dt.timedelta(days=settings.NUMINA["FORWARD_VALUE_DAYS"])
    if not earliest <= value_date <= latest:
        raise ValueDateNotAllowed(f"The value date must be from {earliest} to {latest}.", pointer="/value_date")


def decided_before(asked: Asked) -> Payment | None:
    """The payment already decided under this key, or None.

    Asked when a request is refused before posting: rules and limits may have changed since the first time, the answer
    may not. Raises `IdempotencyKeyReused` when the key stands for another request.
    """
    key = transaction_find(transaction_id=asked.transaction_id)
    if key is None:
        return None
    if bytes(key.fingerprint) != asked.fingerprint:
        raise IdempotencyKeyReused
    return payment_of(key, replayed=True)


def payment_post(
    asked: Asked,
    *,
    kind: str,
    amount: Money,
    debit: int,
    credit: int,
    source: AccountRef | None,
    destination: AccountRef | None,
    details: Details,
) -> Payment:
    """Post one movement between two ledger accounts and say what became of it.

    Raises `IdempotencyKeyReused`, `TransactionVoid` for one that was accepted once and never carried out, and
    `BalanceBelowMinimum`, `BalanceAboveMaximum` where another payment came first.
    """
    posting = posting_of(asked, kind=kind, amount=amount, debit=debit, credit=credit, details=details)
    if bounds_exact(source, destination):
        return payment_bounded(asked, posting, amount=amount, source=source, destination=destination)
    result = postings_execute(postings=[posting], actor_id=asked.user.pk, correlation_id=trace_id())
    return payment_answered(asked, posting, result, amount=amount, source=source, destination=destination)


def payment_bounded(
    asked: Asked, posting: Posting, *, amount: Money, source: AccountRef | None, destination: AccountRef | None
) -> Payment:
    """The same where a bound of the accounts' products is measured under the lock."""
    try:
        result = posting_bounded(
            posting=posting, actor_id=asked.user.pk, amount=amount, debit=source, credit=destination
        )
    except (BalanceBelowMinimum, BalanceAboveMaximum):
        before = decided_before(asked)  # the same request may have been decided while this one waited
        if before is None:
            raise
        return before
    return payment_answered(asked, posting, result, amount=amount, source=source, destination=destination)


def posting_of(asked: Asked, *, kind: str, amount: Money, debit: int, credit: int, details: Details) -> Posting:
    """One movement between two ledger accounts, under the caller's key."""
    return Posting(
        transaction_id=asked.transaction_id,
        client_id=asked.client_id,
        key=asked.key,
        fingerprint=asked.fingerprint,
        kind=kind,
        legs=(Leg(debit, -amount.minor, amount.currency), Leg(credit, amount.minor, amount.currency)),
        value_date=details.value_date,
        channel=details.channel,
        description=details.description,
        counterparty=details.counterparty,
        reference=details.reference,
        client_timestamp=details.client_timestamp,
    )


def payment_answered(
    asked: Asked,
    posting: Posting,
    result: PostingResult,
    *,
    amount: Money,
    source: AccountRef | None,
    destination: AccountRef | None,
) -> Payment:
    """What became of a posting. Raises `IdempotencyKeyReused`, `TransactionVoid`."""
    (outcome,) = result.outcomes
    if outcome.code == "REUSED":
        raise IdempotencyKeyReused
    if outcome.code == "VOID":
        raise TransactionVoid
    if outcome.replayed:
        return _first_answer(posting.transaction_id)
    return _payment(posting, outcome, result, amount, source, destination, actor_id=asked.user.pk)


def _first_answer(transaction_id: UUID) -> Payment:
    payment = payment_find(transaction_id=transaction_id, replayed=True)
    if payment is None:
        raise IdempotencyKeyReused("The key was used for something that is not a payment.")
    return payment


def _payment(
    posting: Posting,
    outcome: Outcome,
    result: PostingResult,
    amount: Money,
    source: AccountRef | None,
    destination: AccountRef | None,
    *,
    actor_id: UUID,
) -> Payment:
    ok = outcome.ok
    return Payment(
        id=posting.transaction_id,
        kind=posting.kind,
        outcome=outcome.code,
        replayed=False,
        amount=amount if ok else None,
        source=AccountName(source.account_id, source.number) if ok and source else None,
        destination=AccountName(destination.account_id, destination.number) if ok and destination else None,
        channel=posting.channel,
        description=posting.description,
        counterparty=posting.counterparty,
        reference=posting.reference,
        client_timestamp=posting.client_timestamp,
        business_date=result.business_date,
        value_date=posting.value_date or result.business_date,
        booked_at=result.booked_at,
        journal_id=outcome.journal_id or 0,
        actor_id=actor_id,
    )
