"""Reading: what a person has seen."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F

from apps.notifications.models import Notification
from apps.notifications.selectors import notification_get_for, notifications_of

if TYPE_CHECKING:
    from apps.identity.models import User


def notification_mark_read(*, acting_user: User, notification_id: UUID, at: dt.datetime) -> Notification:
    """Mark one of the user's own as read; a second time changes nothing. Raises `NotFound`."""
    unread = notifications_of(acting_user).filter(pk=notification_id, read_at__isnull=True)
    unread.update(read_at=at, updated_at=at, version=F("version") + 1)
    return notification_get_for(user=acting_user, pk=notification_id)


def notification_mark_read_all(*, acting_user: User, at: dt.datetime) -> int:
    """Mark all that the user was told until `at` as read; what comes meanwhile stays unread. Returns how many."""
    unread = notifications_of(acting_user).filter(read_at__isnull=True, created_at__lte=at)
    return int(unread.update(read_at=at, updated_at=at, version=F("version") + 1))
