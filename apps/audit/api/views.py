"""The audit trail, read."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit.api.serializers import AuditEventListParams, AuditEventSerializer
from apps.audit.selectors import events_visible_to
from apps.core.api.pagination import page_of
from apps.core.api.views import ApiView

FILTERS = {
    "actor": "actor_id",
    "action": "action",
    "object_type": "object_type",
    "object_id": "object_id",
    "kind": "kind",
    "correlation_id": "correlation_id",
    "from": "at__gte",
    "to": "at__lt",
}


class AuditEventsView(ApiView):
    """Who did what, when, from where and why."""

    permissions = {"GET": "audit.view"}

    @extend_schema(
        summary="List audit events", parameters=[AuditEventListParams], responses=page_of(AuditEventSerializer)
    )
    def get(self, request: Request) -> Response:
        values = AuditEventListParams.parse(request)
        wanted = {lookup: values[name] for name, lookup in FILTERS.items() if values[name] is not None}
        events = events_visible_to(request.user).filter(**wanted)
        return AuditEventListParams.page(events, request=request, values=values).response(AuditEventSerializer)
