"""Payments that wait for signatures, and who signed for what left an account."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, F, Max, QuerySet

from apps.accounts.selectors import accounts_visible_to
from apps.core.errors import NotFound
from apps.payments.models import PendingPayment, Signature

if TYPE_CHECKING:
    from apps.identity.models import User


def pendings_visible_to(user: User) -> QuerySet[PendingPayment]:
    """Those from accounts in the user's reach: the bank's, the branch's, or the user's own and joint ones."""
    found = PendingPayment.objects.select_related("account__branch", "created_by")
    if user.scope == "all" and user.has_permission("accounts.view"):
        return found
    return found.filter(account__in=accounts_visible_to(user).order_by().values("pk"))


def pending_get_for(*, user: User, pk: UUID) -> PendingPayment:
    """The pending payment, if its account is in the user's reach. Raises `NotFound`."""
    pending = pendings_visible_to(user).filter(pk=pk).first()
    if pending is None:
        raise NotFound("No such pending payment.")
    return pending


def pendings_overdue(*, at: dt.datetime) -> list[UUID]:
    """Ids of those that still wait though their time is over, also of what was signed in time."""
    found = PendingPayment.objects.filter(status=PendingPayment.Status.WAITING, expires_at__lte=at)
    return list(found.order_by("expires_at").values_list("pk", flat=True))


def pendings_signed(*, before: dt.datetime) -> list[UUID]:
    """Ids of those that wait though enough had signed before this moment: nobody came to carry them out."""
    found = _waiting().filter(signed__gte=F("needed"), last_signed__lt=before)
    return list(found.order_by("last_signed").values_list("pk", flat=True))


def _waiting() -> QuerySet[Any]:
    waiting = PendingPayment.objects.filter(status=PendingPayment.Status.WAITING)
    return waiting.annotate(signed=Count("signatures"), last_signed=Max("signatures__at"))


def signatures_of(*, transaction_id: UUID) -> QuerySet[Signature]:
    """Who signed for one payment."""
    return Signature.objects.filter(transaction_id=transaction_id).select_related("member", "recorded_by")


def signatures_on(*, account_id: UUID) -> QuerySet[Signature]:
    """Who signed for what on an account, newest first."""
    return Signature.objects.filter(account=account_id).select_related("member", "recorded_by").order_by("-pk")
