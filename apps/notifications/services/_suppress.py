"""Addresses that nothing more is sent to: they do not work, or their readers complained.

A mail server that keeps sending to addresses that do not exist is soon taken for one that sends spam, and then the
letters to everybody else are lost as well.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.audit.services import record
from apps.core.errors import NotFound
from apps.core.notices import EMAIL, SMS
from apps.notifications.errors import SuppressionLifted
from apps.notifications.models import ADDRESS_MAX, ERROR_MAX, Delivery, Suppression
from apps.notifications.rendering import one_line

if TYPE_CHECKING:
    from apps.identity.models import User


def address_suppress(*, delivery: Delivery, address: str, reason: str, detail: str, at: dt.datetime) -> None:
    """Send nothing more by this channel to `address`, which a delivery could not reach. A second time changes nothing.

    Only e-mail and SMS have addresses; browsers that are gone end their subscription instead.
    """
    if delivery.channel not in (EMAIL, SMS) or not address:
        return
    row = Suppression(
        channel=delivery.channel,
        address=address.lower()[:ADDRESS_MAX],
        recipient_id=delivery.recipient_id,
        reason=reason,
        detail=one_line(detail, ERROR_MAX),
        created_at=at,
    )
    Suppression.objects.bulk_create([row], ignore_conflicts=True)
    if Suppression.objects.filter(pk=row.pk).exists():
        record(
            action="notifications.address.suppressed", target=row, at=at, reason=row.detail,
            after={"channel": row.channel, "reason": reason, "delivery": str(delivery.pk)},
        )  # fmt: skip


@transaction.atomic
def suppression_lift(*, acting_user: User, suppression_id: UUID, reason: str, at: dt.datetime) -> Suppression:
    """Send to the address again from now on. Raises `NotFound` and `SuppressionLifted`."""
    standing = Suppression.objects.filter(pk=suppression_id, lifted_at__isnull=True)
    changed = standing.update(
        lifted_at=at, lifted_by=acting_user, lifted_because=reason[:ERROR_MAX], updated_at=at, version=F("version") + 1
    )
    row = Suppression.objects.filter(pk=suppression_id).first()
    if row is None:
        raise NotFound("No such address.")
    if not changed:
        raise SuppressionLifted
    record(action="notifications.address.lifted", acting_user=acting_user, target=row, reason=reason, at=at)
    return row
