"""Payments that wait for signatures: made, signed, ended. `apps.payments.signing` carries out what they ask for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.selectors import AccountRef, Authority, Signatory, authority_of
from apps.audit.services import record
from apps.core.clock import bank_day
from apps.core.errors import IdempotencyKeyReused, InvalidRequest
from apps.core.money import Money
from apps.core.notices import Phrase, notify
from apps.ledger.selectors import business_date_current
from apps.payments import locks
from apps.payments.errors import PendingPaymentEnded, SignatoryUnknown
from apps.payments.models import PendingPayment, Signature
from apps.payments.notices import SIGNATURE_ASKED, SIGNATURE_ENDED, SignatureAsked, SignatureEnded
from apps.payments.selectors import pending_get_for, pendings_overdue
from apps.payments.services._common import Asked

if TYPE_CHECKING:
    from apps.identity.models import User

Status = PendingPayment.Status


def pending_create(
    *,
    asked: Asked,
    ref: AccountRef,
    kind: str,
    amount: Money | None,
    authority: Authority,
    words: str,
    payload: dict[str, Any],
    at: dt.datetime,
) -> PendingPayment:
    """Keep what was asked for until enough have signed; who asks has signed it, if a signatory. The others are told.

    The same key gives the same one. Raises `IdempotencyKeyReused`.
    """
    pending = PendingPayment(
        account_id=ref.account_id,
        kind=kind,
        amount=amount.minor if amount is not None else None,
        currency=ref.currency,
        words=words[:300],
        payload=payload,
        key=asked.key,
        fingerprint=asked.fingerprint,
        transaction_id=asked.transaction_id,
        needed=authority.needed,
        created_by=asked.user,
        created_at=at,
        expires_at=at + dt.timedelta(days=settings.NUMINA["SIGNATURE_DAYS"]),
    )
    try:
        with transaction.atomic():
            pending.save(force_insert=True)
            _sign(pending, authority, asked.user)
            facts = {"kind": kind, "amount": pending.amount, "words": pending.words, "needed": pending.needed}
            record(action="payments.pending.created", acting_user=asked.user, target=pending, after=facts, at=at)
            _ask(pending, ref.number, authority.signatories, at)
    except IntegrityError:
        known = PendingPayment.objects.select_related("account").filter(transaction_id=asked.transaction_id).first()
        if known is None or bytes(known.fingerprint) != asked.fingerprint:
            raise IdempotencyKeyReused from None
        return known
    return pending


@transaction.atomic
def pending_sign(*, acting_user: User, pending_id: UUID, at: dt.datetime) -> tuple[PendingPayment, bool]:
    """Sign it, once; and whether enough have signed by the mandate of today.

    Raises `NotFound`, `PendingPaymentEnded`, `SignatoryUnknown` for a user who does not sign for the account.
    """
    pending = _locked(acting_user, pending_id, at)
    authority = _authority(pending)
    if not _sign(pending, authority, acting_user):
        raise SignatoryUnknown("You do not sign for this account.")
    if pending.needed != authority.needed:
        pending.needed = authority.needed
        pending.save(update_fields=["needed", "updated_at"])
    record(action="payments.pending.signed", acting_user=acting_user, target=pending, at=at)
    return pending, pending_enough(pending=pending, authority=authority)


def pending_enough(*, pending: PendingPayment, authority: Authority | None = None) -> bool:
    """Have enough signed, by the mandate of today?"""
    authority = authority or _authority(pending)
    return len(signed_members(pending=pending, authority=authority)) >= authority.needed


def signed_members(*, pending: PendingPayment, authority: Authority | None = None) -> set[UUID]:
    """Who has signed and signs for the account today."""
    authority = authority or _authority(pending)
    named = {one.member_id for one in authority.signatories}
    return named & set(pending.signatures.values_list("member_id", flat=True))


@transaction.atomic
def pending_end(
    *,
    acting_user: User | None,
    pending_id: UUID,
    status: str,
    outcome: str = "",
    result_url: str = "",
    at: dt.datetime,
) -> PendingPayment:
    """Note what came of it, once: whoever comes second finds it ended. Those concerned are told."""
    pending = locks.pending_lock(pk=pending_id)
    if pending.status != Status.WAITING:
        return pending
    pending.status, pending.outcome, pending.result_url = status, outcome[:200], result_url
    pending.ended_at, pending.ended_by = at, acting_user
    pending.version += 1
    pending.save()
    record(
        action=f"payments.pending.{status}",
        acting_user=acting_user,
        target=pending,
        before={"status": Status.WAITING},
        after={"status": status, "outcome": outcome, "result": result_url},
        at=at,
    )
    people = {one.user_id for one in _authority(pending).signatories} | {pending.created_by_id}
    notify(
        SIGNATURE_ENDED,
        recipients=[one for one in people if one is not None],
        context=SignatureEnded(
            pending.words, f"*{pending.account.number[-4:]}", Phrase(pending.get_status_display().lower())
        ),
        at=at,
        key=f"{pending.pk}",
    )
    return pending


@transaction.atomic
def pending_refuse(*, acting_user: User, pending_id: UUID, reason: str, at: dt.datetime) -> PendingPayment:
    """A signatory says no, or who asked takes it back: it ends for all. Raises as `pending_sign`, `InvalidRequest`.

    One that enough have signed is being carried out: the money may have moved.
    """
    if not reason:
        raise InvalidRequest("Say why.", pointer="/reason")
    pending = _locked(acting_user, pending_id, at)
    if pending_enough(pending=pending):
        raise PendingPaymentEnded("Enough have signed: it is being carried out.")
    mine = pending.created_by_id == acting_user.pk
    if not mine and acting_user.pk not in {one.user_id for one in _authority(pending).signatories}:
        raise SignatoryUnknown("You do not sign for this account.")
    status = Status.CANCELLED if mine else Status.REFUSED
    return pending_end(acting_user=acting_user, pending_id=pending_id, status=status, outcome=reason, at=at)


def pendings_expire(*, at: dt.datetime) -> int:
    """End those that were not signed in time; how many. What was, by the mandate of today, is carried out instead."""
    ended = 0
    for pending_id in pendings_overdue(at=at):
        pending = PendingPayment.objects.select_related("account").get(pk=pending_id)
        if not pending_enough(pending=pending):
            pending_end(acting_user=None, pending_id=pending_id, status=Status.EXPIRED, at=at)
            ended += 1
    return ended


def _locked(acting_user: User, pending_id: UUID, at: dt.datetime) -> PendingPayment:
    pending = locks.pending_lock(pk=pending_get_for(user=acting_user, pk=pending_id).pk)
    if pending.status != Status.WAITING:
        raise PendingPaymentEnded(f"It is over: {pending.get_status_display().lower()}.")
    if pending.expires_at <= at:
        raise PendingPaymentEnded("It was not signed in time.")
    return pending


def _authority(pending: PendingPayment) -> Authority:
    return authority_of(account_id=pending.account_id, amount=pending.amount, on=business_date_current())


def _sign(pending: PendingPayment, authority: Authority, user: User) -> bool:
    """Add the signature of the user's own member, if that signs for the account."""
    mine = [one.member_id for one in authority.signatories if one.user_id == user.pk]
    Signature.objects.bulk_create(
        [
            Signature(
                account_id=pending.account_id,
                transaction_id=pending.transaction_id,
                pending=pending,
                member_id=member,
                recorded_by=user,
            )
            for member in mine
        ],
        ignore_conflicts=True,
    )
    return bool(mine)


def _ask(pending: PendingPayment, number: str, signatories: tuple[Signatory, ...], at: dt.datetime) -> None:
    others = [one.user_id for one in signatories if one.user_id not in {None, pending.created_by_id}]
    notify(
        SIGNATURE_ASKED,
        recipients=[one for one in others if one is not None],
        context=SignatureAsked(
            pending.words, f"*{number[-4:]}", pending.created_by.get_full_name(), bank_day(pending.expires_at)
        ),
        at=at,
        key=str(pending.pk),
    )
