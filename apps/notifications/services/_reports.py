"""What providers report later: delivered, bounced, failed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from apps.notifications import locks
from apps.notifications.models import ERROR_MAX, Delivery, DeliveryEvent
from apps.notifications.rendering import one_line
from apps.notifications.services._suppress import address_suppress

# What may follow what. A message that was delivered can bounce later; a bounce is never taken back.
_FOLLOWS: dict[str, frozenset[str]] = {
    Delivery.Status.DELIVERED: frozenset({Delivery.Status.SENT}),
    Delivery.Status.BOUNCED: frozenset({Delivery.Status.SENT, Delivery.Status.DELIVERED}),
    Delivery.Status.FAILED: frozenset({Delivery.Status.SENT}),
}
REPORTED = tuple(_FOLLOWS)


@dataclass(frozen=True, slots=True)
class Report:
    """A provider's word on one message. `event_id` is the report's own, `provider_id` the message's.

    `cause` is bounce or complaint where nothing more is to be sent to the address, else empty.
    """

    provider: str
    event_id: str
    provider_id: str
    status: str
    detail: str = ""
    cause: str = ""


@transaction.atomic
def delivery_report(*, report: Report, at: dt.datetime) -> bool:
    """Keep a report and apply it to the deliveries of its message. False for one that came before.

    A report on a message that is not known yet is kept, and applied once the message's id is.
    Raises ValueError for a status that providers do not report.
    """
    if report.status not in _FOLLOWS:
        raise ValueError(f"a report is one of {', '.join(REPORTED)}, not {report.status!r}")
    event = DeliveryEvent(
        provider=report.provider[:40],
        event_id=report.event_id[:255],
        provider_id=report.provider_id[:255],
        status=report.status,
        detail=one_line(report.detail, ERROR_MAX),
        cause=report.cause,
        received_at=at,
    )
    before = DeliveryEvent.objects.filter(provider=event.provider, event_id=event.event_id)
    if before.exists():
        return False
    DeliveryEvent.objects.bulk_create([event], ignore_conflicts=True)
    reports_apply(provider_id=event.provider_id, at=at)
    return True


def reports_apply(*, provider_id: str, at: dt.datetime) -> None:
    """Bring the deliveries of a message to where its reports say, in the order in which they came."""
    events = list(DeliveryEvent.objects.filter(provider_id=provider_id).order_by("pk"))
    if not events:
        return
    ids = Delivery.objects.filter(provider_id=provider_id).values_list("pk", flat=True)
    for row in locks.deliveries_lock(ids=list(ids)):
        before = row.status
        for event in events:
            if row.status in _FOLLOWS[event.status]:
                row.status, row.settled_at = event.status, at
                row.error = "" if event.status == Delivery.Status.DELIVERED else event.detail
        if row.status != before:
            row.version += 1
            row.save()
        final = next((event for event in events if event.cause), None)
        if final is not None:
            address_suppress(delivery=row, address=row.address, reason=final.cause, detail=final.detail, at=at)
