"""Reading the audit trail, each reader within the reach of the roles held."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from apps.audit.models import AuditEvent


def events_visible_to(user: Any) -> QuerySet[AuditEvent]:
    """The events `user` may see, newest first: all, those of the branch's people, or the user's own.

    Whether the user may see the trail at all is the permission `audit.view`; without it nothing is visible.
    """
    if not user.has_permission("audit.view"):
        return AuditEvent.objects.none()
    events = AuditEvent.objects.order_by("-id")
    if user.scope == "all":
        return events
    if user.scope == "branch" and user.branch_id is not None:
        return events.filter(actor__branch_id=user.branch_id)
    return events.filter(actor_id=user.pk)
