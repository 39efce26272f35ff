"""What lending keeps on a member's account that is to be closed, and which entries are its own."""

from __future__ import annotations

from uuid import UUID

from apps.accounts.closures import ClosurePart, Ties, closure_part_register, counted
from apps.balances.controls import entry_owner_register
from apps.lending.models import CreditLine, Loan


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


def register() -> None:
    """Offer it to the closing of accounts, and to who would reverse an entry."""
    closure_part_register(ClosurePart("lending", look=_look))
    entry_owner_register(_owner)
