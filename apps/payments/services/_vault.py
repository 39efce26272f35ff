"""Cash between the vault of a branch and its tills: the teller asks, a keeper of the vault confirms."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from apps.audit.services import record
from apps.balances.services import Leg, Posting, in_database, internal_account_id
from apps.core.api.etag import version_check
from apps.core.errors import CurrencyMismatch
from apps.core.money import Money
from apps.core.retry import retry_transient
from apps.core.trace import trace_id
from apps.payments import locks
from apps.payments.denominations import count_check
from apps.payments.errors import (
    CashNotThere,
    NeedsAnotherPerson,
    TillLimitExceeded,
    TillNotOpen,
    VaultTransferDecided,
)
from apps.payments.models import TillMovement, TillSession, VaultTransfer
from apps.payments.selectors import session_get_for, vault_transfer_get_for
from apps.payments.services._sessions import session_check
from apps.payments.services._tills import CASH_IN_VAULT

if TYPE_CHECKING:
    from apps.identity.models import User


@transaction.atomic
def vault_transfer_ask(
    *,
    acting_user: User,
    session_id: UUID,
    direction: str,
    amount: Money,
    count: dict[str, int],
    at: dt.datetime,
) -> VaultTransfer:
    """Ask for cash from the vault (`to_till`), or for cash to be taken into it (`to_vault`), as the session's teller.

    Nothing moves before it is confirmed. Raises `NotFound`, `TillNotOpen`, `CurrencyMismatch`, `CountNotRight`.
    """
    session_get_for(user=acting_user, pk=session_id)
    session = locks.session_lock(pk=session_id)
    session_check(session, acting_user)
    if amount.currency != session.till.currency:
        raise CurrencyMismatch(f"The till holds {session.till.currency}.", pointer="/amount/currency")
    count_check(count, amount)
    transfer = VaultTransfer.objects.create(
        session=session, direction=direction, amount=amount.minor, count=count, asked_by=acting_user, created_at=at
    )
    _record("asked", transfer, acting_user, at=at)
    return transfer


@retry_transient
def vault_transfer_decide(
    *, acting_user: User, transfer_id: UUID, expected_version: int, confirm: bool, at: dt.datetime
) -> VaultTransfer:
    """Confirm that the cash was handed over, which moves it on the books, or decline.

    Raises `NotFound`, `PreconditionFailed`, `VaultTransferDecided`, `NeedsAnotherPerson` for who asked, `TillNotOpen`
    when the session has ended, `CashNotThere`, `TillLimitExceeded`.
    """
    known = vault_transfer_get_for(user=acting_user, pk=transfer_id)
    till = known.session.till
    vault_id = internal_account_id(
        gl_code=CASH_IN_VAULT, branch_id=till.branch_id, branch_code=till.branch.code, currency=till.currency
    )
    accounts = [till.ledger_account_id, vault_id]
    with in_database(accounts, actor_id=acting_user.pk, correlation_id=trace_id()) as book:
        session = locks.session_lock(pk=known.session_id)
        transfer = _open_transfer(transfer_id, expected_version)
        if transfer.asked_by_id == acting_user.pk:
            raise NeedsAnotherPerson("Who asked for the cash does not confirm it.")
        if confirm:
            if session.status != TillSession.Status.OPEN:
                raise TillNotOpen("The session is not open any more.")
            cash = {account: -book.balance(account).balance for account in accounts}
            posting = _posting(transfer, session, vault_id, cash)
            book.post(posting)
            transfer.transaction_id = posting.transaction_id
            to_till = transfer.direction == VaultTransfer.Direction.TO_TILL
            TillMovement.objects.create(
                session=session,
                transaction_id=posting.transaction_id,
                kind=TillMovement.Kind.FROM_VAULT if to_till else TillMovement.Kind.TO_VAULT,
                amount=transfer.amount if to_till else -transfer.amount,
                count=transfer.count,
                at=at,
            )
        _decide(transfer, acting_user, done=confirm, at=at)
    return transfer_with_names(transfer, session)


@transaction.atomic
def vault_transfer_cancel(
    *, acting_user: User, transfer_id: UUID, expected_version: int, at: dt.datetime
) -> VaultTransfer:
    """The teller takes the question back. Raises `NotFound`, `PreconditionFailed`, `VaultTransferDecided`,
    `TillNotOpen` for another teller."""
    known = vault_transfer_get_for(user=acting_user, pk=transfer_id)
    session = locks.session_lock(pk=known.session_id)
    session_check(session, acting_user)
    transfer = _open_transfer(transfer_id, expected_version)
    _decide(transfer, acting_user, done=False, at=at)
    return transfer_with_names(transfer, session)


def transfer_with_names(transfer: VaultTransfer, session: TillSession) -> VaultTransfer:
    """The transfer with its session as read under the lock, so that showing it asks no more."""
    transfer.session = session
    return transfer


def _open_transfer(pk: UUID, expected_version: int) -> VaultTransfer:
    transfer = locks.vault_transfer_lock(pk=pk)
    version_check(current=transfer.version, expected=expected_version)
    if transfer.status != VaultTransfer.Status.ASKED:
        raise VaultTransferDecided(f"It was {transfer.get_status_display().lower()}.")
    return transfer


def _posting(transfer: VaultTransfer, session: TillSession, vault_id: int, cash: dict[int, int]) -> Posting:
    """The entry of a transfer, after a look at what the giving side holds and what the till may hold."""
    till = session.till
    to_till = transfer.direction == VaultTransfer.Direction.TO_TILL
    giving, taking = (vault_id, till.ledger_account_id) if to_till else (till.ledger_account_id, vault_id)
    if cash[giving] < transfer.amount:
        holder = "vault" if to_till else "till"
        raise CashNotThere(f"The {holder} holds {Money(max(cash[giving], 0), till.currency)}.")
    if to_till and cash[taking] + transfer.amount > till.holding_limit:
        raise TillLimitExceeded(f"The till may hold at most {Money(till.holding_limit, till.currency)}.")
    return Posting(
        transaction_id=transfer.pk,
        client_id=str(session.pk),
        key=str(transfer.pk),
        fingerprint=hashlib.sha256(str(transfer.pk).encode()).digest(),
        kind="vault_transfer",
        legs=(Leg(taking, -transfer.amount, till.currency), Leg(giving, transfer.amount, till.currency)),
        channel="branch",
        description=f"{transfer.get_direction_display()}, {till.name}"[:200],
    )


def _decide(transfer: VaultTransfer, acting_user: User, *, done: bool, at: dt.datetime) -> None:
    transfer.status = VaultTransfer.Status.DONE if done else VaultTransfer.Status.CANCELLED
    transfer.decided_by, transfer.decided_at = acting_user, at
    transfer.version += 1
    transfer.save()
    _record(transfer.status, transfer, acting_user, at=at)


def _record(verb: str, transfer: VaultTransfer, acting_user: User, *, at: dt.datetime) -> None:
    record(
        action=f"payments.vault_transfer.{verb}",
        acting_user=acting_user,
        target=transfer,
        after={"direction": transfer.direction, "amount": transfer.amount, "session": str(transfer.session_id)},
        at=at,
    )
