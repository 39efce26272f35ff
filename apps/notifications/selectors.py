"""Reads of notifications, each within the reader's reach."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Min, Q, QuerySet

from apps.core.errors import NotFound
from apps.core.notices import CHANNELS, kinds_all
from apps.notifications.models import (
    Delivery,
    Notification,
    Preference,
    PushSubscription,
    Rhythm,
    Suppression,
    Template,
)
from apps.notifications.people import NOW, OFF

if TYPE_CHECKING:
    from apps.identity.models import User


_OVERRIDES = """
SELECT kind, channel, locale, subject, text FROM notifications_template WHERE %s::text IS NULL OR kind = %s
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """How one kind reaches a person by one channel, and whether that can be changed."""

    kind: str
    title: str
    channel: str
    mode: str
    is_fixed: bool


def overrides_of(*, kind: str | None = None) -> dict[tuple[str, str, str], tuple[str, str]]:
    """The bank's own words, (kind, channel, locale) -> (subject, text); of one kind or of all."""
    with connection.cursor() as cursor:  # asked with every notice: a queryset would cost four times as much
        cursor.execute(_OVERRIDES, [kind, kind])
        return {(code, channel, locale): (subject, text) for code, channel, locale, subject, text in cursor.fetchall()}


def notifications_of(user: User) -> QuerySet[Notification]:
    """What the user was told in the app. Nobody reads another's, whatever his roles are."""
    return Notification.objects.filter(recipient_id=user.pk, in_app=True)


def notification_get_for(*, user: User, pk: UUID) -> Notification:
    """One of the user's own notifications. Raises `NotFound`."""
    found = notifications_of(user).filter(pk=pk).first()
    if found is None:
        raise NotFound("No such notification.")
    return found


def unread_state(user: User) -> tuple[int, str]:
    """How many are unread, and a tag that is another whenever the list behind the bell is."""
    facts = notifications_of(user).aggregate(
        unread=Count("pk", filter=Q(read_at__isnull=True)), newest=Max("created_at"), read=Max("read_at")
    )
    marks = [facts[name].timestamp() if facts[name] else 0 for name in ("newest", "read")]
    return facts["unread"], f"{facts['unread']}-{marks[0]:.6f}-{marks[1]:.6f}"


def choices_of(user: User) -> list[Choice]:
    """Every kind and channel with what holds for the user, by kind and channel."""
    chosen = {
        (kind, channel): mode
        for kind, channel, mode in Preference.objects.filter(user_id=user.pk).values_list("kind", "channel", "mode")
    }
    return [
        Choice(
            kind=kind.code,
            title=kind.title,
            channel=channel,
            mode=NOW
            if channel in kind.fixed
            else chosen.get((kind.code, channel), NOW if channel in kind.channels else OFF),
            is_fixed=channel in kind.fixed,
        )
        for kind in kinds_all()
        if kind.choosable
        for channel in CHANNELS
    ]


def rhythm_of(user: User) -> Rhythm:
    """The user's quiet hours and time of the digest; the defaults when nothing was chosen."""
    return Rhythm.objects.filter(user_id=user.pk).first() or Rhythm(user_id=user.pk)


def subscriptions_of(user: User) -> QuerySet[PushSubscription]:
    """The browsers that take push messages for the user."""
    return PushSubscription.objects.filter(user_id=user.pk, ended_at__isnull=True)


def deliveries_visible_to(user: User) -> QuerySet[Delivery]:
    """All deliveries, or those to people of the user's branch. Needs notifications.view."""
    rows = Delivery.objects.select_related("notification", "recipient")
    if not user.has_permission("notifications.view"):
        return rows.none()
    if user.scope == "all":
        return rows
    return rows.filter(recipient__branch_id__in=user.branch_ids)


def delivery_get_for(*, user: User, pk: UUID) -> Delivery:
    """One delivery that the user may see. Raises `NotFound`."""
    found = deliveries_visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound("No such delivery.")
    return found


def suppressions_visible_to(user: User) -> QuerySet[Suppression]:
    """Addresses that are or were held back: all, or those of people of the user's branch. Needs notifications.view."""
    rows = Suppression.objects.select_related("recipient", "lifted_by")
    if not user.has_permission("notifications.view"):
        return rows.none()
    return rows if user.scope == "all" else rows.filter(recipient__branch_id__in=user.branch_ids)


def suppression_get_for(*, user: User, pk: UUID) -> Suppression:
    """One of them that the user may see. Raises `NotFound`."""
    found = suppressions_visible_to(user).filter(pk=pk).first()
    if found is None:
        raise NotFound("No such address.")
    return found


def delivery_counts(*, since: dt.datetime) -> list[tuple[str, str, int]]:
    """(channel, status, number) of the deliveries written since then: for the metrics."""
    recent = Delivery.objects.filter(created_at__gte=since)
    rows = recent.order_by().values_list("channel", "status").annotate(number=Count("pk"))
    return [(channel, status, number) for channel, status, number in rows]


def queue_ages(*, at: dt.datetime) -> list[tuple[str, bool, int, int]]:
    """(channel, is it bulk, number due, age of the oldest in seconds) of what waits to be sent: for the metrics."""
    rows = (
        Delivery.objects.filter(status=Delivery.Status.QUEUED, due_at__lte=at)
        .order_by()
        .values_list("channel", "is_bulk")
        .annotate(number=Count("pk"), oldest=Min("due_at"))
    )
    return [(channel, bulk, number, int((at - oldest).total_seconds())) for channel, bulk, number, oldest in rows]


def suppression_counts() -> list[tuple[str, str, int]]:
    """(channel, reason, number) of the addresses that are held back: for the metrics."""
    standing = Suppression.objects.filter(lifted_at__isnull=True).order_by()
    rows = standing.values_list("channel", "reason").annotate(number=Count("pk"))
    return [(channel, reason, number) for channel, reason, number in rows]


def templates_of(*, kind: str) -> dict[tuple[str, str], Template]:
    """The bank's own templates of a kind by (channel, locale)."""
    return {(row.channel, row.locale): row for row in Template.objects.filter(kind=kind)}


def notifications_by_id(ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Notifications with their recipients, by id: for the senders."""
    return Notification.objects.select_related("recipient").in_bulk(list(ids))
