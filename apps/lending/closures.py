"""What lending keeps on a member's account that is to be closed."""

from __future__ import annotations

from uuid import UUID

from apps.accounts.closures import ClosurePart, Ties, closure_part_register, counted
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


def register() -> None:
    """Offer it to the closing of accounts."""
    closure_part_register(ClosurePart("lending", look=_look))
