"""The accounts of members whom a request for approval concerns, for those who decide on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import Account, AccountHolder
from apps.accounts.selectors import accounts_visible_to
from apps.approvals.exposure import ROWS_MAX, ExposureRow, ExposureSection, exposure_register
from apps.balances.selectors import balances_read
from apps.core.money import Money

if TYPE_CHECKING:
    from apps.identity.models import User

TITLE = "Accounts"


def accounts_at_stake(user: User, member_ids: Sequence[UUID]) -> ExposureSection:
    """Open accounts that the members own or hold, with their balances; as far as `user` may see accounts."""
    if not user.has_permission("accounts.view"):
        return ExposureSection(TITLE, hidden=True)
    held = AccountHolder.objects.filter(account=OuterRef("pk"), member__in=member_ids)
    mine = accounts_visible_to(user).filter(Q(member__in=member_ids) | Exists(held))
    found = list(mine.exclude(status=Account.Status.CLOSED).order_by("number")[:ROWS_MAX])
    balances = balances_read(account_ids=[account.ledger_account_id for account in found])
    rows = tuple(
        ExposureRow(
            label=account.number,
            kind=account.product.name,
            state=account.get_status_display(),
            amount=Money(balances[account.ledger_account_id].booked, account.currency),
            note=str(account.member),
            url=f"/admin/accounts/account/{account.pk}/change/",
        )
        for account in found
    )
    return ExposureSection(TITLE, rows)


def register() -> None:
    """Offer the section to the page of every request with members."""
    exposure_register("accounts", accounts_at_stake)
