"""Fees that the bank lets go: not charged at all, or given back by the mirror image of their entry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts import locks
from apps.accounts.errors import FeeWaived
from apps.accounts.models import Account, FeeCharge
from apps.accounts.services._bank_postings import CLIENT, bank_transaction_id
from apps.accounts.services._fees import fees_unnoted
from apps.audit.services import record
from apps.balances.errors import NotReversible
from apps.balances.selectors import transaction_find
from apps.balances.services import Book, Leg, Posting, in_database
from apps.core.errors import NotFound
from apps.core.text import text_clean
from apps.core.trace import trace_id

if TYPE_CHECKING:
    from apps.identity.models import User

REASON_MAX = 200


def waiver_transaction_id(charge_id: int) -> UUID:
    """The transaction that gives a charged fee back: the same fee, the same transaction."""
    return bank_transaction_id(f"fee-waiver:{charge_id}")


def fee_waive(
    *,
    acting_user: User,
    account_id: UUID,
    charge_id: int,
    reason: str,
    settle: Callable[[FeeCharge], None] | None = None,
) -> FeeCharge:
    """Let a fee go: one that is due is not charged any more, one that was charged is given back today.

    A charged fee counts as what was charged, with the others of the same entry left alone. `settle` runs in the same
    transaction, which must be the outermost. Raises `NotFound`, `FeeWaived`, `InvalidText`, and what the books refuse.
    """
    reason = text_clean(reason, max_length=REASON_MAX, min_length=1, pointer="/reason")
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound("No such account.")
    seen = FeeCharge.objects.filter(pk=charge_id, account=account).first()
    if seen is None:
        raise NotFound("The account has no such fee.")
    legs, journal_id = _mirror(seen) if seen.status == FeeCharge.Status.CHARGED else ((), None)
    ids = {account.ledger_account_id, *(leg.account_id for leg in legs)}
    with in_database(ids, actor_id=acting_user.pk, correlation_id=trace_id()) as book:
        charge = locks.fee_charge_lock(pk=charge_id)
        if charge is None or charge.status != seen.status:
            raise FeeWaived("The fee was charged or waived in this moment; look at it again.")
        if charge.status == FeeCharge.Status.WAIVED:
            raise FeeWaived
        if charge.status == FeeCharge.Status.DUE and fees_unnoted(
            account_id=account.pk, ledger_id=account.ledger_account_id, since=charge.due_on
        ):
            raise FeeWaived("A close of business is charging fees of the account; look at it again after that.")
        if journal_id is not None:
            _give_back(book, charge, legs, journal_id, reason)
        before = {"status": charge.status}
        charge.status = FeeCharge.Status.WAIVED
        charge.save(update_fields=["status"])
        record(
            action="accounts.fee.waived",
            acting_user=acting_user,
            target=account,
            before=before,
            after={"status": charge.status, "fee_charge_id": charge.pk, "amount": charge.amount},
            reason=reason,
        )
        if settle is not None:
            settle(charge)
    return charge


def _mirror(charge: FeeCharge) -> tuple[tuple[Leg, ...], int]:
    """The legs that undo the fee's entry, and the entry. Raises NotReversible when it is not there."""
    known = transaction_find(transaction_id=charge.transaction_id) if charge.transaction_id else None
    if known is None or known.journal is None:
        raise NotReversible("The entry of the fee is not in the books.")
    lines = sorted(known.journal.lines.all(), key=lambda line: line.signed_amount, reverse=True)
    return tuple(Leg(line.account_id, -line.signed_amount, line.currency) for line in lines), known.journal.pk


def _give_back(book: Book, charge: FeeCharge, legs: tuple[Leg, ...], journal_id: int, reason: str) -> None:
    transaction_id = waiver_transaction_id(charge.pk)
    book.post(
        Posting(
            transaction_id=transaction_id,
            client_id=CLIENT,
            key=f"fee-waiver:{charge.pk}",
            fingerprint=hashlib.sha256(str(transaction_id).encode()).digest(),
            kind="reversal",
            legs=legs,
            channel="bank",
            description=f"Fee given back: {reason}"[:REASON_MAX],
            reverses=journal_id,
        )
    )
