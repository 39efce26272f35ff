"""What one signatory may not do alone: it waits, the others sign, and the last signature carries it out, once.

A payment keeps the key of who asked for it, so the books know it: carried out twice it is the same payment. A standing
instruction has no key, and is set up in the transaction that ends the waiting.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.selectors import AccountRef
from apps.balances.errors import refusal_of
from apps.core.errors import DomainError, Unavailable
from apps.core.ids import uuid7
from apps.core.money import Money
from apps.identity.models import User
from apps.payments import services
from apps.payments.actions import details_read, details_write, transfer_approval
from apps.payments.models import PendingPayment
from apps.payments.selectors import (
    Payment,
    account_refs,
    payment_find,
    pendings_signed,
    product_limits,
    usable_accounts,
)
from apps.payments.services import Asked, Details, Terms
from apps.payments.services._common import currency_check, limit_check, usable_ref, value_date_check
from apps.payments.services._standing import most_moved
from apps.payments.services._transfers import transfer_sides, usable_sources

Status = PendingPayment.Status
Kind = PendingPayment.Kind
API = "/api/v1"
SWEPT_AFTER = dt.timedelta(seconds=30)  # until then whoever signed last is at it
logger = logging.getLogger(__name__)


def transfer_pending(
    asked: Asked, *, source: str, destination: str, amount: Money, details: Details, at: dt.datetime
) -> PendingPayment | None:
    """The transfer, waiting for signatures; None when the user is no member or may do it alone.

    Raises what `transfer_post` raises of the request itself.
    """
    ref = _mine(asked, source)
    authority = services.authority_needed(user=asked.user, ref=ref, amount=amount) if ref is not None else None
    if ref is None or authority is None:
        return None
    refs = account_refs(names=(source, destination))
    usable = usable_sources(asked.user, refs, [source])
    debit, credit = transfer_sides(refs, product_limits(), usable, source, destination, amount)
    value_date_check(details.value_date)
    return services.pending_create(
        asked=asked,
        ref=debit,
        kind=Kind.TRANSFER,
        amount=amount,
        authority=authority,
        words=f"Transfer of {amount} to *{credit.number[-4:]}"
        + (f", {details.description}" if details.description else ""),
        payload={"source": source, "destination": destination, **_payload(amount, details)},
        at=at,
    )


def withdrawal_pending(
    asked: Asked, *, account: str, amount: Money, details: Details, at: dt.datetime
) -> PendingPayment | None:
    """The same for money paid out."""
    ref = _mine(asked, account)
    authority = services.authority_needed(user=asked.user, ref=ref, amount=amount) if ref is not None else None
    if ref is None or authority is None:
        return None
    currency_check(ref=ref, amount=amount, pointer="/amount/currency")
    limit_check(ref=ref, amount=amount, limits=product_limits())
    value_date_check(details.value_date)
    return services.pending_create(
        asked=asked,
        ref=ref,
        kind=Kind.WITHDRAWAL,
        amount=amount,
        authority=authority,
        words=f"Withdrawal of {amount}",
        payload={"account": account, **_payload(amount, details)},
        at=at,
    )


def instruction_pending(
    *, acting_user: User, source: str, destination: str, terms: Terms, at: dt.datetime
) -> PendingPayment | None:
    """The same for a standing instruction; one whose dates have no bound needs what an amount without bounds needs."""
    if acting_user.scope != "own":
        return None
    ref = usable_ref(user=acting_user, name=source, pointer="/source_account")
    most = most_moved(terms, ref.currency)
    authority = services.authority_needed(user=acting_user, ref=ref, amount=most)
    if authority is None:
        return None
    facts = {name: _plain(value) for name, value in asdict(terms).items()}
    with transaction.atomic():
        trial = transaction.savepoint()  # refused now rather than when all have signed
        signers = [one.member_id for one in authority.signatories]
        services.instruction_create(
            acting_user=acting_user, source=source, destination=destination, terms=terms, at=at, signed_by=signers
        )
        transaction.savepoint_rollback(trial)
        return services.pending_create(
            asked=Asked(user=acting_user, key=uuid7().hex, fingerprint=b"\0" * 32),
            ref=ref,
            kind=Kind.INSTRUCTION,
            amount=most,
            authority=authority,
            words=f"Standing instruction to *{destination[-4:]}, {terms.rule}" + (f", {most} at most" if most else ""),
            payload={"source": source, "destination": destination, "terms": facts},
            at=at,
        )


def signed(*, acting_user: User, pending_id: UUID, at: dt.datetime) -> PendingPayment:
    """Sign it; the signature that makes them enough carries it out. Raises as `pending_sign`, and `Unavailable`."""
    pending, enough = services.pending_sign(acting_user=acting_user, pending_id=pending_id, at=at)
    return carried_out(pending, at=at) if enough else pending


def signed_sweep(*, at: dt.datetime) -> int:
    """Carry out what enough have signed and nobody has carried out: its worker died, or the books were not there.

    Safe at any time, also beside the one who signs: the key of the payment makes it once. Returns how many have ended.
    """
    ended = 0
    for pending_id in pendings_signed(before=at - SWEPT_AFTER):
        pending = PendingPayment.objects.select_related("account", "created_by").get(pk=pending_id)
        if not services.pending_enough(pending=pending):
            continue  # the mandate of today asks for more: it waits for them
        try:
            ended += carried_out(pending, at=at).status != Status.WAITING
        except Exception:  # one that cannot be carried out now does not hold up the others
            logger.exception("pending payment %s is signed and could not be carried out", pending_id)
    return ended


def carried_out(pending: PendingPayment, *, at: dt.datetime) -> PendingPayment:
    """Do what it asks for, as its maker; what came of it. A refusal ends it: the maker may ask anew."""
    members = sorted(services.signed_members(pending=pending))
    carry = _CARRY[pending.kind]
    try:
        return carry(pending, members, at)
    except Unavailable:
        raise  # it still waits, and signing again tries again
    except DomainError as error:
        return services.pending_end(
            acting_user=None, pending_id=pending.pk, status=Status.FAILED, outcome=error.code, at=at
        )


def _transfer_carry(pending: PendingPayment, members: list[UUID], at: dt.datetime) -> PendingPayment:
    asked, facts = _asked(pending), pending.payload
    values: dict[str, Any] = {
        "source": facts["source"],
        "destination": facts["destination"],
        "amount": _amount(facts),
        "details": details_read(facts),
        "signed_by": members,
    }
    approval = transfer_approval(asked, at=at, **values)
    if approval is not None:
        return _end(pending, Status.DONE, at, outcome="approval-required", url=approval.url)
    return _paid(pending, services.transfer_post(asked=asked, **values), "transfers", at)


def _withdrawal_carry(pending: PendingPayment, members: list[UUID], at: dt.datetime) -> PendingPayment:
    facts = pending.payload
    payment = services.withdrawal_post(
        asked=_asked(pending),
        account=facts["account"],
        amount=_amount(facts),
        details=details_read(facts),
        signed_by=members,
    )
    return _paid(pending, payment, "transactions", at)


@transaction.atomic
def _instruction_carry(pending: PendingPayment, members: list[UUID], at: dt.datetime) -> PendingPayment:
    ended = _end(pending, Status.DONE, at)  # first: under the lock of the row, so that it is set up once
    if ended.ended_at != at or ended.result_url:
        return ended
    facts = pending.payload
    instruction = services.instruction_create(
        acting_user=pending.created_by,
        source=facts["source"],
        destination=facts["destination"],
        terms=_terms(facts["terms"]),
        at=at,
        signed_by=members,
    )
    ended.result_url = f"{API}/standing-instructions/{instruction.pk}"
    ended.save(update_fields=["result_url"])
    return ended


_CARRY: dict[str, Callable[[PendingPayment, list[UUID], dt.datetime], PendingPayment]] = {
    Kind.TRANSFER: _transfer_carry,
    Kind.WITHDRAWAL: _withdrawal_carry,
    Kind.INSTRUCTION: _instruction_carry,
}


def _paid(pending: PendingPayment, payment: Payment, where: str, at: dt.datetime) -> PendingPayment:
    status = Status.DONE if payment.ok else Status.FAILED
    outcome = "" if payment.ok else refusal_of(payment.outcome).code
    return _end(pending, status, at, outcome=outcome, url=f"{API}/{where}/{payment.id}")


def _end(pending: PendingPayment, status: str, at: dt.datetime, *, outcome: str = "", url: str = "") -> PendingPayment:
    return services.pending_end(
        acting_user=None, pending_id=pending.pk, status=status, outcome=outcome, result_url=url, at=at
    )


def _mine(asked: Asked, name: str) -> AccountRef | None:
    """The source, for a member who has not had an answer under this key; None for the bank's own people."""
    if asked.user.scope != "own" or payment_find(transaction_id=asked.transaction_id) is not None:
        return None
    ref = account_refs(names=(name,)).get(name)
    return ref if ref is not None and usable_accounts(user=asked.user, refs=[ref]) else None


def _asked(pending: PendingPayment) -> Asked:
    return Asked(user=pending.created_by, key=pending.key, fingerprint=bytes(pending.fingerprint))


def _payload(amount: Money, details: Details) -> dict[str, Any]:
    return {"amount": amount.amount, "currency": amount.currency, **details_write(details)}


def _amount(facts: dict[str, Any]) -> Money:
    return Money.parse(facts["amount"], facts["currency"], positive=True)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal | dt.date) else value


def _terms(facts: dict[str, Any]) -> Terms:
    days = {name: dt.date.fromisoformat(facts[name]) for name in ("starts_on", "ends_on") if facts[name]}
    percentage = Decimal(facts["percentage"]) if facts["percentage"] is not None else None
    return Terms(**{**facts, **days, "percentage": percentage})
