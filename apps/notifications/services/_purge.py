"""Notifications are kept for a time and then go, with what became of them: they are letters, not the bank's books."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.audit.services import record
from apps.notifications.models import Delivery, DeliveryEvent, Notification

BATCH = 5_000


def notices_purge(*, before: dt.datetime, at: dt.datetime) -> dict[str, int]:
    """Remove notifications written before `before`, their deliveries, and providers' reports of that time.

    What still waits to be sent stays. Goes batch by batch, each a transaction; safe to stop and to run again. Returns
    how many went, by kind of row, which is also in the audit trail.
    """
    waiting = Delivery.objects.filter(notification=OuterRef("pk"), status=Delivery.Status.QUEUED)
    old = Notification.objects.filter(~Exists(waiting), created_at__lt=before).order_by("created_at")
    counts = {"notifications": 0, "deliveries": 0, "reports": 0}
    while keys := list(old.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            counts["deliveries"] += Delivery.objects.filter(notification_id__in=keys).delete()[0]
            counts["notifications"] += Notification.objects.filter(pk__in=keys).delete()[0]
    reports = DeliveryEvent.objects.filter(received_at__lt=before).order_by("pk")
    while events := list(reports.values_list("pk", flat=True)[:BATCH]):
        counts["reports"] += DeliveryEvent.objects.filter(pk__in=events).delete()[0]
    if any(counts.values()):
        record(action="notifications.purged", after={**counts, "before": before.isoformat()}, at=at)
    return counts
