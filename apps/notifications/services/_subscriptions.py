"""Browsers that take push messages."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.core.errors import NotFound
from apps.notifications.endpoints import endpoint_fault, keys_fault
from apps.notifications.errors import PushEndpointRefused, PushNotConfigured
from apps.notifications.models import PushSubscription
from apps.notifications.selectors import subscriptions_of

if TYPE_CHECKING:
    from apps.identity.models import User

ACTIVE_MAX = 20


@transaction.atomic
def subscription_create(
    *, acting_user: User, endpoint: str, p256dh: str, auth: str, at: dt.datetime, device: str = ""
) -> PushSubscription:
    """Have a browser take push messages for the user. The same browser again is the same subscription.

    A browser belongs to whoever signed in on it last. Of more than 20 the oldest end.
    Raises `PushNotConfigured`, and `PushEndpointRefused` for an address or keys that are no push service's.
    """
    chosen = settings.NUMINA["NOTIFICATIONS"]["PUSH"]
    if not chosen["public_key"]:
        raise PushNotConfigured
    fault = endpoint_fault(endpoint, hosts=chosen["hosts"])
    if fault:
        raise PushEndpointRefused(fault, pointer="/endpoint")
    fault = keys_fault(p256dh=p256dh, auth=auth)
    if fault:
        raise PushEndpointRefused(fault, pointer="/keys")
    facts = {"user_id": acting_user.pk, "p256dh": p256dh, "auth": auth, "device": device, "ended_at": None}
    subscription, created = PushSubscription.objects.get_or_create(
        endpoint=endpoint, defaults={**facts, "created_at": at}
    )
    if not created:
        PushSubscription.objects.filter(pk=subscription.pk).update(**facts, updated_at=at, version=F("version") + 1)
        subscription.refresh_from_db()
    surplus = subscriptions_of(acting_user).order_by("-created_at", "-pk").values_list("pk", flat=True)[ACTIVE_MAX:]
    PushSubscription.objects.filter(pk__in=list(surplus)).update(ended_at=at, updated_at=at)
    return subscription


def subscription_end(*, acting_user: User, subscription_id: UUID, at: dt.datetime) -> None:
    """Stop push messages to one of the user's own browsers. Raises `NotFound`."""
    changed = subscriptions_of(acting_user).filter(pk=subscription_id)
    if not changed.update(ended_at=at, updated_at=at, version=F("version") + 1):
        raise NotFound("No such subscription.")
