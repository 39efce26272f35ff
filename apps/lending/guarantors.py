"""Guarantors: members who vouch for a loan, with savings of theirs held for it where that was agreed."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from django.db import transaction

from apps.accounts.models import Account
from apps.audit.services import record
from apps.balances.selectors import hold_find
from apps.balances.services import hold_place, hold_release
from apps.core.errors import InvalidAmount, NotFound
from apps.core.ids import uuid7
from apps.lending import locks
from apps.lending.collateral import guarantors_check, loan_open_lock, owed_of_active
from apps.lending.errors import GuarantorNotPossible, LoanStateWrong
from apps.lending.models import Guarantor, Loan
from apps.members.services import member_require_active

if TYPE_CHECKING:
    from apps.identity.models import User


def guarantor_add(
    *,
    acting_user: User | None,
    loan_id: UUID,
    member_id: UUID,
    amount: int,
    account_id: UUID | None = None,
    at: dt.datetime,
) -> Guarantor:
    """A member vouches for a loan up to `amount` minor units; with an account, so much is held on it at once.

    Raises NotFound, LoanStateWrong, MemberNotActive, GuarantorNotPossible, InvalidAmount, and InsufficientFunds and
    the like for the hold: then nothing was done.
    """
    if amount <= 0:
        raise InvalidAmount("The amount must be above zero.", pointer="/amount")
    with transaction.atomic():
        member = member_require_active(member_id=member_id)
        loan = loan_open_lock(loan_id=loan_id)
        _check(loan, member_id)
        account = _account(loan, member_id, account_id)
    guarantor_id = uuid7()
    hold_id = None
    if account is not None:
        # Once: the hold's own transaction, named after the guarantor. What fails after it is given back by hand.
        key = f"guarantor:{guarantor_id}"
        hold, _ = hold_place(
            transaction_id=uuid5(guarantor_id, key), fingerprint=hashlib.sha256(key.encode()).digest(),
            client_id="lending", key=key, account_id=account.ledger_account_id, amount=amount,
            reason=f"Guarantee for loan {loan.number}", expires_at=None,
            actor_id=acting_user.pk if acting_user else None, at=at,
        )  # fmt: skip
        hold_id = hold.pk
    with transaction.atomic():
        loan = loan_open_lock(loan_id=loan_id)
        _check(loan, member_id)
        guarantor = Guarantor.objects.create(
            pk=guarantor_id, loan=loan, member=member, amount=amount, account=account, hold_id=hold_id
        )
        after = {"loan": loan.number, "member": member.number, "amount": amount, "held": hold_id is not None}
        record(action="lending.guarantor.added", acting_user=acting_user, target=guarantor, after=after, at=at)
    return guarantor


def _check(loan: Loan, member_id: UUID) -> None:
    if loan.member_id == member_id:
        raise GuarantorNotPossible("Nobody vouches for himself.", pointer="/member_id")
    if Guarantor.objects.filter(loan=loan, member=member_id, released_on__isnull=True).exists():
        raise GuarantorNotPossible("The member vouches for this loan already.", pointer="/member_id")


def _account(loan: Loan, member_id: UUID, account_id: UUID | None) -> Account | None:
    if account_id is None:
        return None
    account = Account.objects.filter(pk=account_id, member=member_id).exclude(status="closed").first()
    if account is None or account.currency != loan.currency:
        raise GuarantorNotPossible("An open account of the guarantor in the loan's currency.", pointer="/account_id")
    return account


def guarantor_release(*, acting_user: User | None, guarantor_id: UUID, today: dt.date, at: dt.datetime) -> Guarantor:
    """The member vouches no longer; what is held goes back to the account.

    Raises NotFound, LoanStateWrong, SecurityMissing where the product asks for more who vouch for what is still owed.
    """
    with transaction.atomic():
        found = Guarantor.objects.filter(pk=guarantor_id).first()
        if found is None:
            raise NotFound("No such guarantor.")
        locks.loan_lock(pk=found.loan_id)
        guarantor = Guarantor.objects.get(pk=guarantor_id)
        if guarantor.released_on is not None:
            raise LoanStateWrong("The guarantor was released.")
        guarantor.released_on = today
        guarantor.version += 1
        guarantor.save()
        record(
            action="lending.guarantor.released", acting_user=acting_user, target=guarantor,
            after={"released_on": str(today)}, at=at,
        )  # fmt: skip
        if owed_of_active(loan=guarantor.loan):
            guarantors_check(loan=guarantor.loan)
    if guarantor.hold_id is not None:
        hold = hold_find(transaction_id=uuid5(guarantor.pk, f"guarantor:{guarantor.pk}"))
        if hold is not None and hold.status == "active":
            hold_release(hold_id=hold.pk, version=hold.version, actor_id=acting_user.pk if acting_user else None, at=at)
    return guarantor
