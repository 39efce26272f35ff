"""Fees of accounts: what is due, was charged, was waived."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import Account, FeeCharge
from apps.core.errors import NotFound


def fee_charges_of(account: Account) -> QuerySet[FeeCharge]:
    """The fees of an account with what they are, the newest period first."""
    return FeeCharge.objects.filter(account=account).select_related("fee").order_by("-period", "-id")


def fee_charge_get(*, account: Account, pk: int) -> FeeCharge:
    """One fee of an account. Raises `NotFound`."""
    found = fee_charges_of(account).filter(pk=pk).first()
    if found is None:
        raise NotFound("The account has no such fee.")
    return found
