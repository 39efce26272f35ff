"""Cheques of other banks: booked and held, then cleared at the close of business or returned with a fee."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from django.conf import settings
from django.db import IntegrityError

from apps.audit.services import record
from apps.balances.errors import refusal_of
from apps.balances.selectors import holds
from apps.balances.services import (
    Book,
    Leg,
    Posting,
    entry_reverse,
    hold_place,
    hold_release,
    in_database,
    internal_account_id,
)
from apps.core.api.etag import version_check
from apps.core.errors import Unavailable
from apps.core.idempotency import key_within, transaction_id_for
from apps.core.money import Money
from apps.core.retry import retry_transient
from apps.core.trace import trace_id
from apps.ledger.selectors import business_date_current
from apps.payments import locks
from apps.payments.channels import CHANNELS
from apps.payments.errors import ChequeDecided, ChequeKnown
from apps.payments.models import DRAWER, ChequeDeposit
from apps.payments.selectors import KIND_DEPOSIT, cheque_deposit_find, cheque_deposit_get_for, cheques_due, payment_find
from apps.payments.services._common import Asked, currency_check, decided_before, usable_ref
from apps.payments.services._rules import rules_check, stand_in
from apps.payments.standing_dates import bank_days
from apps.vault.crypto import blind_indexes

if TYPE_CHECKING:
    from apps.identity.models import User

logger = logging.getLogger(__name__)
IN_CLEARING, SETTLED, FEES = CHANNELS["cheque"].deposit, "1220", "4250"
"""Chart codes: what is owed for cheques, the bank's account where they settle, income of fees."""
SHUT = ("debit_blocked", "frozen", "dormant")
"""The statuses of an account that nothing leaves."""
Status = ChequeDeposit.Status


@dataclass(frozen=True, slots=True)
class Drawn:
    """What stands on a cheque: the bank and account that it is drawn on, its number, who drew it."""

    bank: str
    account: str
    number: str
    name: str = ""


@retry_transient
def cheque_deposit(
    *, asked: Asked, account: str, amount: Money, drawn: Drawn, at: dt.datetime
) -> tuple[ChequeDeposit, bool]:
    """Book a cheque onto an account and hold its amount until it has cleared; and whether it was booked before.

    Raises `PaymentAccountNotFound`, `CurrencyMismatch`, `ChequeKnown`, `ChannelNotAllowed`, `BalanceAboveMaximum`,
    `IdempotencyKeyReused`, and the refusals of a posting.
    """
    if (known := _decided(asked)) is not None:
        return known, True
    ref = usable_ref(user=asked.user, name=account, pointer="/account")
    currency_check(ref=ref, amount=amount, pointer="/amount/currency")
    today, days = business_date_current(), settings.NUMINA["CHEQUES"]["clearing_days"]
    clearing_id = internal_account_id(
        gl_code=IN_CLEARING, branch_id=ref.branch_id, branch_code=ref.branch_code, currency=ref.currency
    )
    try:
        with in_database([ref.ledger_id, clearing_id], actor_id=asked.user.pk, correlation_id=trace_id()) as book:
            if (known := _decided(asked)) is not None:
                return known, True  # the same request came twice at one moment, and this one waited
            _require_new(drawn)
            rules_check(amount=amount, channel="cheque", credit=ref, stand=stand_in(book))
            book.post(
                Posting(
                    transaction_id=asked.transaction_id,
                    client_id=asked.client_id,
                    key=asked.key,
                    fingerprint=asked.fingerprint,
                    kind=KIND_DEPOSIT,
                    legs=(
                        Leg(clearing_id, -amount.minor, ref.currency),
                        Leg(ref.ledger_id, amount.minor, ref.currency),
                    ),
                    channel="cheque",
                    description=f"Cheque {drawn.number} of {drawn.bank}",
                    counterparty=drawn.name,
                    reference=drawn.number,
                )
            )
            hold, _ = hold_place(
                transaction_id=transaction_id_for(asked.user.pk, f"{asked.key} hold"),
                fingerprint=asked.fingerprint,
                client_id=asked.client_id,
                key=key_within(f"{asked.key} hold"),
                account_id=ref.ledger_id,
                amount=amount.minor,
                reason=f"Cheque {drawn.number} in clearing",
                expires_at=None,
                actor_id=asked.user.pk,
                at=at,
            )
            cheque = ChequeDeposit.objects.create(
                account_id=ref.account_id,
                currency=ref.currency,
                amount=amount.minor,
                drawer_bank=drawn.bank,
                drawer_account=drawn.account,
                number=drawn.number,
                drawer_name=drawn.name,
                deposited_on=today,
                clears_on=bank_days(branch_id=ref.branch_id).business_days_add(today, days),
                hold_id=hold.pk,
                transaction_id=asked.transaction_id,
                deposited_by=asked.user,
                created_at=at,
            )
            _record("deposited", cheque, asked.user, at=at)
    except IntegrityError as error:
        raise ChequeKnown("This cheque was paid in before.", pointer="/number") from error
    return cheque_deposit_get_for(user=asked.user, pk=cheque.pk), False


def _decided(asked: Asked) -> ChequeDeposit | None:
    """The cheque that was booked under this key before. Raises `IdempotencyKeyReused`."""
    return cheque_deposit_find(transaction_id=asked.transaction_id) if decided_before(asked) is not None else None


def _require_new(drawn: Drawn) -> None:
    """Raise ChequeKnown for a cheque that was paid in under any key of the vault.

    The constraint compares indexes, and those of before a rotation of keys differ until it is through.
    """
    known = blind_indexes(drawn.account, context=DRAWER)
    same = ChequeDeposit.objects.filter(
        drawer_bank=drawn.bank, drawer_account_index__in=known, number=drawn.number
    ).exclude(status=Status.RETURNED)
    if same.exists():
        raise ChequeKnown("This cheque was paid in before.", pointer="/number")


def cheques_clear(*, business_date: dt.date, at: dt.datetime) -> dict[str, int]:
    """Clear every cheque whose time in clearing is over by a business date: the hold ends, the claim is settled.

    Safe to run again, and beside another run. Raises `Unavailable` when some could not be done now.
    """
    due = cheques_due(on=business_date)
    cleared = held_up = 0
    for cheque_id in list(due.order_by("clears_on", "pk").values_list("pk", flat=True)):
        try:
            cleared += cheque_clear(acting_user=None, cheque_id=cheque_id, at=at)
        except Unavailable:
            logger.warning("cheque %s could not be cleared now", cheque_id)
            held_up += 1
    if held_up:
        raise Unavailable(f"{held_up} cheques could not be cleared now.")
    return {"cleared": cleared}


@retry_transient
def cheque_clear(*, acting_user: User | None, cheque_id: UUID, at: dt.datetime) -> bool:
    """Clear one cheque; False when it was decided before."""
    known = _known(cheque_id)
    account, branch = known.account, known.account.branch
    settled_id, clearing_id = (
        internal_account_id(gl_code=code, branch_id=branch.pk, branch_code=branch.code, currency=known.currency)
        for code in (SETTLED, IN_CLEARING)
    )
    actor_id = acting_user.pk if acting_user is not None else None
    ledger_ids = [account.ledger_account_id, settled_id, clearing_id]
    with in_database(ledger_ids, actor_id=actor_id, correlation_id=trace_id()) as book:
        cheque = locks.cheque_deposit_lock(pk=cheque_id)
        if cheque.status != Status.CLEARING:
            return False
        _hold_end(cheque, actor_id, at)
        legs = (Leg(settled_id, -cheque.amount, cheque.currency), Leg(clearing_id, cheque.amount, cheque.currency))
        text = f"Cheque {cheque.number} of {cheque.drawer_bank} has cleared"
        cheque.settlement_id = _post(book, cheque, "settlement", "cheque_clearing", legs, text)
        cheque.status = Status.CLEARED
        _decide(cheque, acting_user, at=at)
    return True


@retry_transient
def cheque_return(
    *, acting_user: User, cheque_id: UUID, expected_version: int, reason: str, at: dt.datetime
) -> ChequeDeposit:
    """A cheque came back: the deposit is reversed, and the fee taken from the account as far as it is there in full.

    Of an account that is blocked, too: otherwise the close would clear a cheque that was not paid. That bears no fee.

    Raises `NotFound`, `PreconditionFailed`, `ChequeDecided`, and the refusals of a posting.
    """
    cheque_deposit_get_for(user=acting_user, pk=cheque_id)
    known = _known(cheque_id)
    account, branch = known.account, known.account.branch
    fees_id, clearing_id = (
        internal_account_id(gl_code=code, branch_id=branch.pk, branch_code=branch.code, currency=known.currency)
        for code in (FEES, IN_CLEARING)
    )
    deposit = payment_find(transaction_id=known.transaction_id)
    if deposit is None:
        raise RuntimeError("a cheque that was booked is not in the books")
    ledger_id = account.ledger_account_id
    with in_database([ledger_id, fees_id, clearing_id], actor_id=acting_user.pk, correlation_id=trace_id()) as book:
        cheque = locks.cheque_deposit_lock(pk=cheque_id)
        version_check(current=cheque.version, expected=expected_version)
        if cheque.status != Status.CLEARING:
            raise ChequeDecided(f"It has been decided: {cheque.get_status_display().lower()}.")
        _hold_end(cheque, acting_user.pk, at)
        was = book.balance(ledger_id).status if account.status in SHUT else ""
        if was:  # the money was never the account's: a block does not keep it
            book.change(ledger_id, status="O")
        cheque.settlement_id = _reverse(cheque, deposit.journal_id, reason, acting_user)
        if was:
            book.change(ledger_id, status=was)
        fee = settings.NUMINA["CHEQUES"]["return_fee"].get(cheque.currency, 0)
        state = book.balance(ledger_id)
        if fee and not was and state.status in {"O", "C"} and state.available >= fee:
            legs = (Leg(ledger_id, -fee, cheque.currency), Leg(fees_id, fee, cheque.currency))
            cheque.fee_id = _post(book, cheque, "fee", "fee", legs, f"Fee: cheque {cheque.number} was returned")
            cheque.fee = fee
        else:
            cheque.fee_unpaid = fee
        cheque.status, cheque.return_reason = Status.RETURNED, reason
        _decide(cheque, acting_user, at=at, reason=reason)
    return cheque_deposit_get_for(user=acting_user, pk=cheque_id)


def _known(cheque_id: UUID) -> ChequeDeposit:
    return ChequeDeposit.objects.select_related("account__branch").get(pk=cheque_id)


def _hold_end(cheque: ChequeDeposit, actor_id: UUID | None, at: dt.datetime) -> None:
    """Give the hold back, unless somebody has ended it by hand."""
    hold = holds().get(pk=cheque.hold_id)
    if hold.status == "active":
        hold_release(hold_id=hold.pk, version=hold.version, actor_id=actor_id, at=at)


def _reverse(cheque: ChequeDeposit, journal_id: int, reason: str, acting_user: User) -> UUID:
    """Book the mirror image of the deposit; the hold has kept the money for it."""
    transaction_id = uuid5(cheque.pk, "return")
    result = entry_reverse(
        journal_id=journal_id,
        transaction_id=transaction_id,
        client_id=str(cheque.pk),
        key="return",
        fingerprint=_fingerprint(cheque, "return"),
        description=f"Cheque {cheque.number} was returned: {reason}"[:200],
        actor_id=acting_user.pk,
        correlation_id=trace_id(),
    )
    (outcome,) = result.outcomes
    if not outcome.ok:
        raise refusal_of(outcome.code)
    return transaction_id


def _post(book: Book, cheque: ChequeDeposit, key: str, kind: str, legs: tuple[Leg, ...], text: str) -> UUID:
    transaction_id = uuid5(cheque.pk, key)
    posting = Posting(
        transaction_id=transaction_id,
        client_id=str(cheque.pk),
        key=key,
        fingerprint=_fingerprint(cheque, key),
        kind=kind,
        legs=legs,
        channel="cheque",
        description=text[:200],
        reference=cheque.number,
    )
    book.post(posting)
    return transaction_id


def _fingerprint(cheque: ChequeDeposit, key: str) -> bytes:
    return hashlib.sha256(f"{cheque.pk} {key}".encode()).digest()


def _decide(cheque: ChequeDeposit, acting_user: User | None, *, at: dt.datetime, reason: str = "") -> None:
    cheque.decided_by, cheque.decided_at = acting_user, at
    cheque.version += 1
    cheque.save()
    _record(cheque.status, cheque, acting_user, at=at, reason=reason)


def _record(verb: str, cheque: ChequeDeposit, acting_user: User | None, *, at: dt.datetime, reason: str = "") -> None:
    facts = {"status": cheque.status, "amount": cheque.amount, "currency": cheque.currency, "fee": cheque.fee}
    record(
        action=f"payments.cheque.{verb}",
        acting_user=acting_user,
        target=cheque,
        after={**facts, "account": str(cheque.account_id), "drawer_bank": cheque.drawer_bank},
        reason=reason,
        at=at,
    )
