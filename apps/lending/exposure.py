"""The loans of members whom a request for approval concerns, for those who decide on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from apps.approvals.exposure import ROWS_MAX, ExposureRow, ExposureSection, exposure_register
from apps.balances.selectors import balances_read
from apps.core.money import Money
from apps.lending.models import Guarantor, Loan
from apps.lending.selectors import loans_visible_to

if TYPE_CHECKING:
    from apps.identity.models import User

TITLE = "Loans"


def loans_at_stake(user: User, member_ids: Sequence[UUID]) -> ExposureSection:
    """Loans that the members owe or vouch for, with the principal owed and how late they are; as far as `user` may
    see loans."""
    if not user.has_permission("lending.view"):
        return ExposureSection(TITLE, hidden=True)
    vouched = Guarantor.objects.filter(loan=OuterRef("pk"), member__in=member_ids, released_on__isnull=True)
    mine = loans_visible_to(user).filter(Q(member__in=member_ids) | Exists(vouched)).exclude(status=Loan.Status.CLOSED)
    loans = list(mine.order_by("number")[:ROWS_MAX])
    balances = balances_read(account_ids=[loan.principal_account_id for loan in loans])
    rows = tuple(
        ExposureRow(
            label=loan.number,
            kind=loan.product.name,
            state=_state(loan),
            amount=Money(-balances[loan.principal_account_id].booked, loan.currency),
            note=str(loan.member) if loan.member_id in member_ids else f"vouches for {loan.member}",
            url=f"/admin/lending/loan/{loan.pk}/change/",
        )
        for loan in loans
    )
    return ExposureSection(TITLE, rows)


def _state(loan: Loan) -> str:
    standing = getattr(loan, "standing", None)
    late = standing.days_past_due if standing is not None else 0
    return f"{late} days late" if late else loan.get_status_display()


def register() -> None:
    """Offer the section to the page of every request with members."""
    exposure_register("loans", loans_at_stake)
