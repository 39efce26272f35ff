"""Addresses that nothing is sent to, and the button that lifts that."""

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
from apps.core.text import text_clean
from apps.notifications.models import ERROR_MAX, Suppression
from apps.notifications.selectors import suppressions_visible_to
from apps.notifications.services import suppression_lift


class StandingFilter(admin.SimpleListFilter):
    """Those that hold, or those that were lifted."""

    title, parameter_name = "held back", "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Now"), ("no", "No more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> QuerySet[Suppression]:
        return queryset.filter(lifted_at__isnull=self.value() == "yes") if self.value() else queryset


@admin.register(Suppression)
class SuppressionAdmin(NuminaAdmin):
    """Addresses that bounced for good, and those whose readers complained."""

    empty_text = "Good: no address has bounced. What bounces is held back here until somebody lifts it."
    view_permission = "notifications.view"
    list_title = "Held back"
    subtitle = "Address that nothing is sent to"
    list_display = ("address", "state", "channel", "reason", "since", "detail_short")
    list_filter = (StandingFilter, "reason", "channel")
    search_fields = ("=address", "=recipient__email")
    search_help_text = "Exact: the address or the person's e-mail"
    overview_template = "notifications/suppression.html"
    fields = ("address", "channel", "recipient", "reason", "detail", "since", "lifted", "lifted_because")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        return suppressions_visible_to(cast("Any", request.user))

    def get_urls(self) -> list[URLPattern]:
        lift = self.admin_site.admin_view(require_POST(self.lift_view))
        return [path("<uuid:suppression_id>/lift/", lift, name="notifications_suppression_lift"), *super().get_urls()]

    def lift_view(self, request: HttpRequest, suppression_id: UUID) -> HttpResponse:
        """Write to the address again."""
        record = self.record_get(request, str(suppression_id))
        if not user_may(request, "notifications.manage"):
            raise PermissionDenied
        try:
            reason = text_clean(request.POST.get("reason", ""), max_length=ERROR_MAX, pointer="/reason")
            user = cast("Any", request.user)
            if reason:
                suppression_lift(acting_user=user, suppression_id=record.pk, reason=reason, at=clock.now())
                messages.success(request, "The address is written to again.")
            else:
                messages.error(request, "Say why.")
        except DomainError as refusal:
            messages.error(request, refusal.detail)
        return HttpResponseRedirect(self._url("change", record))

    @admin.display(description="Status", ordering="lifted_at")
    def state(self, row: Suppression) -> SafeString:
        return display.chip("Lifted", "plain") if row.lifted_at else display.chip("Held back", "warn")

    @admin.display(description="Since", ordering="created_at")
    def since(self, row: Suppression) -> str:
        return display.moment_text(row.created_at)

    @admin.display(description="What was said")
    def detail_short(self, row: Suppression) -> str:
        return row.detail[:60] or display.EMPTY

    @admin.display(description="Lifted")
    def lifted(self, row: Suppression) -> str:
        return f"{display.moment_text(row.lifted_at)} · {row.lifted_by}" if row.lifted_at else display.EMPTY

    def record_chips(self, record: Suppression) -> Iterable[SafeString]:
        yield self.state(record)

    def overview_context(self, request: HttpRequest, record: Suppression) -> dict[str, Any]:
        return {"suppression_may_lift": record.lifted_at is None and user_may(request, "notifications.manage")}
