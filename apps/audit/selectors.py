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
        return events.filter(actor__branch_id__in=user.branch_ids)
    return events.filter(actor_id=user.pk)


FILTERS = {
    "actor_id": "actor_id",
    "action": "action",
    "object_type": "object_type",
    "object_id": "object_id",
    "kind": "kind",
    "correlation_id": "correlation_id",
    "from": "at__gte",
    "to": "at__lt",
}
"""What events may be asked for by: public name and lookup."""


def events_filtered(user: Any, filters: dict[str, Any]) -> QuerySet[AuditEvent]:
    """The visible events that match; `filters` are values by the names in FILTERS, those that are None left out."""
    wanted = {lookup: filters[name] for name, lookup in FILTERS.items() if filters.get(name) not in (None, "")}
    return events_visible_to(user).filter(**wanted)
