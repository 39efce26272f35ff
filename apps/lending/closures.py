"""What lending keeps on a member's account that is to be closed, and which entries are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from apps.accounts.closures import ClosurePart, Ties, closure_part_register, counted
from apps.balances.controls import entry_owner_register
from apps.lending.models import CreditLine, Guarantor, Loan
from apps.payments.holding import hold_owner_register

if TYPE_CHECKING:
    from apps.balances.selectors import Hold


def _look(account_id: UUID) -> Ties:
    loans = Loan.objects.filter(account=account_id, status__in=(Loan.Status.APPROVED, Loan.Status.ACTIVE)).count()
    lines = CreditLine.objects.filter(
        account=account_id, status__in=(CreditLine.Status.ACTIVE, CreditLine.Status.BLOCKED)
    ).count()
    return Ties(
        blocks=counted(loans, "A loan is repaid from it.", "{} loans are repaid from it.")
        + counted(lines, "A credit line is on it.", "{} credit lines are on it.")
    )


def _owner(kind: str, transaction_id: UUID) -> str:
    return "a loan or credit line" if kind.startswith(("loan_", "credit_line_")) else ""


def _keeper(hold: Hold) -> str:
    kept = Guarantor.objects.filter(account__ledger_account=hold.account_id, hold_id=hold.pk, released_on=None)
    return "the guarantee: release the guarantor" if kept.exists() else ""


def register() -> None:
    """Offer it to the closing of accounts, and to who would reverse an entry or release a hold."""
    closure_part_register(ClosurePart("lending", look=_look))
    entry_owner_register(_owner)
    hold_owner_register(_keeper)
