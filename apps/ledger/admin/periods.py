"""Accounting periods, and closing one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.core import clock, display
from apps.core.admin import NuminaHistoryAdmin
from apps.core.errors import DomainError
from apps.core.record_pages import user_may
from apps.ledger.models import AccountingPeriod
from apps.ledger.services import period_close


@admin.register(AccountingPeriod)
class AccountingPeriodAdmin(NuminaHistoryAdmin):
    """Closing is final, so it has a page of its own that says what it means."""

    view_permission = "ledger.view"
    list_title = "Periods"
    empty_text = "Periods are opened over the API; each is closed on its page."
    list_display = ("code", "starts_on", "ends_on", "state", "closed")
    list_filter = ("status",)
    list_select_related = ("closed_by",)
    fields = ("code", "starts_on", "ends_on", "status", "closed_at", "closed_by")

    @admin.display(description="Status", ordering="status")
    def state(self, period: AccountingPeriod) -> SafeString:
        return display.chip(period.get_status_display(), "good" if period.status == "open" else "plain")

    @admin.display(description="Closed")
    def closed(self, period: AccountingPeriod) -> str:
        if period.closed_at is None:
            return display.EMPTY
        return f"{display.moment_text(period.closed_at)} · {period.closed_by or 'System'}"

    def record_title(self, record: AccountingPeriod) -> str:
        return f"Period {record.code}"

    def record_chips(self, record: AccountingPeriod) -> Iterable[SafeString]:
        yield self.state(record)

    def record_actions(self, request: HttpRequest, record: AccountingPeriod) -> Sequence[dict[str, Any]]:
        if record.status != "open" or not user_may(request, "ledger.manage_periods"):
            return ()
        url = reverse("admin:ledger_accountingperiod_close", args=[record.pk])
        return [{"title": "Close this period", "url": url, "icon": "lock"}]

    def get_urls(self) -> list[URLPattern]:
        close = path(
            "<path:object_id>/close/",
            self.admin_site.admin_view(self.close_view),
            name="ledger_accountingperiod_close",
        )
        return [close, *super().get_urls()]

    def close_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then close through the service. A refusal is shown as it is said."""
        record: AccountingPeriod = self.record_get(request, object_id)
        if not user_may(request, "ledger.manage_periods"):
            raise PermissionDenied
        if request.method != "POST":
            return self.render_tab(request, record, "close", "ledger/period_close.html", {})
        user: Any = request.user
        try:
            period_close(acting_user=user, period_id=record.pk, at=clock.now())
        except DomainError as error:
            self.message_user(request, str(error.detail), messages.ERROR)
        else:
            self.message_user(request, f"Period {record.code} is closed.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:ledger_accountingperiod_change", args=[record.pk]))
