"""Transfers between accounts, and undoing payments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from apps.accounts.selectors import AccountRef
from apps.balances.services import Accepted, entry_reverse, posting_accept
from apps.core.errors import DomainError, IdempotencyKeyReused
from apps.core.money import Money
from apps.core.trace import trace_id
from apps.identity.models import User
from apps.payments.errors import PaymentAccountNotFound, PaymentNotReversible, SameAccount
from apps.payments.selectors import (
    KIND_CAPTURE,
    KIND_DEPOSIT,
    KIND_TRANSFER,
    KIND_WITHDRAWAL,
    Payment,
    account_refs,
    cheque_paid_in,
    payment_find,
    payment_get_for,
    product_limits,
    usable_accounts,
)
from apps.payments.services._common import (
    Asked,
    Details,
    currency_check,
    decided_before,
    limit_check,
    payment_answered,
    payment_bounded,
    payment_post,
    posting_of,
    value_date_check,
)
from apps.payments.services._rules import bounds_exact, rules_check
from apps.payments.services._signatures import signatures_check, signatures_keep

REVERSIBLE = frozenset({KIND_TRANSFER, KIND_DEPOSIT, KIND_WITHDRAWAL, KIND_CAPTURE})


def transfer_post(
    *,
    asked: Asked,
    source: str,
    destination: str,
    amount: Money,
    details: Details,
    signed_by: Iterable[UUID] = (),
) -> Payment:
    """Move money between two accounts (numbers or ids) of one currency: one database call when both are known.

    Accounts of the engine go through it; the answer comes when the books have it. The user must be allowed to act on
    the source; the destination may be anybody's. `signed_by` are the members who signed, where the account's mandate
    asks for more than the user's own signature. Raises `PaymentAccountNotFound`, `SameAccount`, `CurrencyMismatch`,
    `TransactionLimitExceeded`, `SignaturesMissing`, `SignatoryUnknown`, `ValueDateNotAllowed`, `IdempotencyKeyReused`,
    `TransactionVoid`. Insufficient funds, a blocked or closed account are outcomes.
    """
    sides = _sides(asked, source, destination, amount, details, signed_by)
    if isinstance(sides, Payment):
        return sides
    debit, credit = sides
    return payment_post(
        asked,
        kind=KIND_TRANSFER,
        amount=amount,
        debit=debit.ledger_id,
        credit=credit.ledger_id,
        source=debit,
        destination=credit,
        details=details,
    )


def transfer_accept(
    *,
    asked: Asked,
    source: str,
    destination: str,
    amount: Money,
    details: Details,
    signed_by: Iterable[UUID] = (),
) -> Payment | Accepted:
    """The same, without waiting for the books when the engine executes it. `Accepted` is no promise: see its status."""
    sides = _sides(asked, source, destination, amount, details, signed_by)
    if isinstance(sides, Payment):
        return sides
    debit, credit = sides
    posting = posting_of(
        asked, kind=KIND_TRANSFER, amount=amount, debit=debit.ledger_id, credit=credit.ledger_id, details=details
    )
    if bounds_exact(debit, credit):
        return payment_bounded(asked, posting, amount=amount, source=debit, destination=credit)
    result = posting_accept(posting=posting, actor_id=asked.user.pk, correlation_id=trace_id())
    if isinstance(result, Accepted):
        return result
    return payment_answered(asked, posting, result, amount=amount, source=debit, destination=credit)


def _sides(
    asked: Asked, source: str, destination: str, amount: Money, details: Details, signed_by: Iterable[UUID]
) -> tuple[AccountRef, AccountRef] | Payment:
    """The two accounts, or the payment that was decided under this key before the rules changed."""
    try:
        refs = account_refs(names=(source, destination))
        usable = usable_sources(asked.user, refs, [source])
        sides = transfer_sides(refs, product_limits(), usable, source, destination, amount)
        rules_check(amount=amount, channel=details.channel, debit=sides[0], credit=sides[1])
        value_date_check(details.value_date)
        signed = signatures_check(user=asked.user, ref=sides[0], amount=amount, signed_by=signed_by)
    except DomainError:
        payment = decided_before(asked)
        if payment is None:
            raise
        return payment
    signatures_keep(user=asked.user, ref=sides[0], transaction_id=asked.transaction_id, members=signed)
    return sides


def usable_sources(user: User, refs: dict[str, AccountRef], sources: list[str]) -> set[UUID] | None:
    """Ids of the sources on which the user may act; None for those who may act on all."""
    if user.scope == "all":
        return None
    return usable_accounts(user=user, refs=[refs[name] for name in sources if name in refs])


def transfer_sides(
    refs: Mapping[str, AccountRef],
    limits: Mapping[UUID, int],
    usable: set[UUID] | None,
    source: str,
    destination: str,
    amount: Money,
) -> tuple[AccountRef, AccountRef]:
    """The two accounts of a transfer, after the rules that need no look at balances. Raises as `transfer_post`.

    Called a thousand times a batch, hence by position, with what it looks up read before.
    """
    debit, credit = refs.get(source), refs.get(destination)
    if debit is None or (usable is not None and debit.account_id not in usable):
        raise PaymentAccountNotFound("No such account.", pointer="/source_account")
    if credit is None:
        raise PaymentAccountNotFound("No such account.", pointer="/destination_account")
    if debit.ledger_id == credit.ledger_id:
        raise SameAccount(pointer="/destination_account")
    currency_check(ref=debit, amount=amount, pointer="/source_account")
    currency_check(ref=credit, amount=amount, pointer="/destination_account")
    limit_check(ref=debit, amount=amount, limits=limits)
    return debit, credit


def reversible_check(original: Payment, kinds: Collection[str]) -> None:
    """Raises `PaymentNotReversible` for what is none of `kinds`, was refused, or is a cheque that was paid in."""
    if not original.ok or original.kind not in kinds:
        raise PaymentNotReversible(
            "Only a committed deposit, withdrawal, transfer or captured hold can be reversed here."
        )
    if original.channel == "cheque" and cheque_paid_in(transaction_id=original.id):
        raise PaymentNotReversible("A cheque that was paid in is returned instead, until it has cleared.")


def transfer_reverse(*, asked: Asked, transaction_id: UUID, reason: str, kinds: frozenset[str] = REVERSIBLE) -> Payment:
    """Undo a committed payment by its mirror image, booked today; the payment itself stays in the books.

    Raises `NotFound` for a payment out of the user's reach, `PaymentNotReversible`, `IdempotencyKeyReused`.
    Insufficient funds, a blocked account or an earlier reversal are outcomes.
    """
    original = payment_get_for(user=asked.user, transaction_id=transaction_id)
    reversible_check(original, kinds)
    result = entry_reverse(
        journal_id=original.journal_id,
        transaction_id=asked.transaction_id,
        client_id=asked.client_id,
        key=asked.key,
        fingerprint=asked.fingerprint,
        description=reason,
        actor_id=asked.user.pk,
        correlation_id=trace_id(),
    )
    (outcome,) = result.outcomes
    if outcome.code == "REUSED":
        raise IdempotencyKeyReused
    payment = payment_find(transaction_id=asked.transaction_id, replayed=outcome.replayed)
    if payment is None:
        raise IdempotencyKeyReused
    return payment
