"""What was sent to whom, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from apps.core import clock, display
from apps.core.admin import NuminaAdmin
from apps.core.errors import DomainError
from apps.core.record_pages import user_may
from apps.notifications.models import Delivery
from apps.notifications.selectors import deliveries_visible_to
from apps.notifications.services import UNDONE, delivery_retry

CHIPS = {
    "queued": "info",
    "sent": "plain",
    "delivered": "good",
    "bounced": "bad",
    "failed": "bad",
    "suppressed": "warn",
}


@admin.register(Delivery)
class DeliveryAdmin(NuminaAdmin):
    """Messages by e-mail, SMS and push."""

    empty_text = "Every mail, message and push that is sent stands here with what became of it."
    view_permission = "notifications.view"
    subtitle = "Delivery of a notification"
    list_display = ("placed", "state", "channel", "to_whom", "title", "attempts", "problem")
    list_filter = ("status", "channel", "is_bulk", "is_digest")
    search_fields = ("=address", "=provider_id", "=recipient__email")
    search_help_text = "Exact: the address, the person's e-mail, the provider's id"
    ordering = ("-created_at", "-pk")
    overview_template = "notifications/delivery.html"
    fieldsets = (
        (None, {"fields": ("recipient", "channel", "address", "is_bulk", "is_digest")}),
        ("Course", {"fields": ("placed", "due_at", "attempts", "attempted_at", "sent_at", "settled_at", "error")}),
        ("Provider", {"fields": ("provider", "provider_id")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return deliveries_visible_to(cast("Any", request.user))

    def get_urls(self) -> list[URLPattern]:
        retry = self.admin_site.admin_view(require_POST(self.retry_view))
        return [
            path("<uuid:delivery_id>/retry/", retry, name="notifications_delivery_retry"),
            *super().get_urls(),
        ]

    def retry_view(self, request: HttpRequest, delivery_id: UUID) -> HttpResponse:
        """Put a failed delivery back into the queue."""
        record = self.record_get(request, str(delivery_id))
        if not user_may(request, "notifications.manage"):
            raise PermissionDenied
        try:
            delivery_retry(acting_user=cast("Any", request.user), delivery_id=record.pk, at=clock.now())
        except DomainError as refusal:
            messages.error(request, refusal.detail)
        else:
            messages.success(request, "It is in the queue again.")
        return HttpResponseRedirect(self._url("change", record))

    @admin.display(description="Written", ordering="created_at")
    def placed(self, delivery: Delivery) -> str:
        return display.moment_text(delivery.created_at)

    @admin.display(description="Status", ordering="status")
    def state(self, delivery: Delivery) -> SafeString:
        return display.chip(delivery.get_status_display(), CHIPS[delivery.status])

    @admin.display(description="To")
    def to_whom(self, delivery: Delivery) -> str:
        return delivery.address or str(delivery.recipient)

    @admin.display(description="What")
    def title(self, delivery: Delivery) -> str:
        return delivery.notification.title

    @admin.display(description="Problem")
    def problem(self, delivery: Delivery) -> str:
        return delivery.error[:60] or display.EMPTY

    def record_title(self, record: Delivery) -> str:
        return record.notification.title

    def record_chips(self, record: Delivery) -> Iterable[SafeString]:
        yield self.state(record)

    def overview_context(self, request: HttpRequest, record: Delivery) -> dict[str, Any]:
        return {"delivery_retry": record.status in UNDONE and user_may(request, "notifications.manage")}
