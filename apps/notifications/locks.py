"""Where deliveries are taken in hand. They are locked for the moment of taking only; a lease holds them afterwards.
And the bank's own words, while they are changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import Q

from apps.notifications.models import Delivery, Template

BULK_RATE_LOCK = 7101


def deliveries_lock_due(
    *, at: dt.datetime, limit: int, is_bulk: bool, ids: Iterable[UUID] | None = None
) -> list[Delivery]:
    """Deliveries that are due and in nobody's hand, oldest first, locked; those that another is taking are left out.

    `ids` narrows to these. Raises RuntimeError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("deliveries_lock_due needs an open transaction")
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=at)
    due = Delivery.objects.filter(free, status=Delivery.Status.QUEUED, is_bulk=is_bulk, due_at__lte=at)
    if ids is not None:
        due = due.filter(pk__in=list(ids))
    return list(due.order_by("due_at", "pk").select_for_update(of=("self",), no_key=True, skip_locked=True)[:limit])


def deliveries_lock(*, ids: Iterable[UUID]) -> list[Delivery]:
    """These deliveries, locked in key order. Raises RuntimeError outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("deliveries_lock needs an open transaction")
    rows = Delivery.objects.filter(pk__in=list(ids)).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True))


def template_lock(*, kind: str, channel: str, locale: str) -> Template | None:
    """The bank's own words, locked; None where it has none. Raises RuntimeError outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("template_lock needs an open transaction")
    rows = Template.objects.filter(kind=kind, channel=channel, locale=locale)
    return rows.select_for_update(of=("self",), no_key=True).first()


def bulk_rate_lock() -> bool:
    """Be the only one who counts and takes bulk mail until the transaction ends; False when somebody else does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [BULK_RATE_LOCK])
        return bool(cursor.fetchone()[0])
