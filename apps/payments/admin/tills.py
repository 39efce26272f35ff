"""Tills and their sessions on the staff site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaAdmin, NuminaHistoryAdmin, money_column
from apps.core.record_pages import user_may
from apps.payments.admin.till_forms import MANAGE, till_form
from apps.payments.models import Till, TillSession
from apps.payments.selectors import movements_of, session_report, sessions_visible_to, tills_visible_to

CHIPS = {"open": "good", "counted": "warn", "closed": "plain"}
MOVEMENTS_SHOWN = 200


@admin.register(Till)
class TillAdmin(NuminaHistoryAdmin):
    """Tills with their limits; services set them up and change them."""

    view_permission = "payments.view_tills"
    empty_text = "Set one up before a teller can take cash."
    subtitle = "Till"
    list_display = ("name", "branch", "holding_money", "transaction_money", "tolerance_money", "is_active")
    list_select_related = ("branch",)
    list_filter = ("is_active", "branch")
    search_fields = ("name",)
    fields = ("name", "branch", "number", "currency", "holding_money", "transaction_money", "tolerance_money",
              "is_active", "ledger_account")  # fmt: skip

    list_before_template = "payments/till_new.html"

    holding_money = money_column("May hold", "holding_limit")
    transaction_money = money_column("A transaction", "transaction_limit")
    tolerance_money = money_column("Tolerance", "tolerance")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Till]:
        user: Any = request.user
        return tills_visible_to(user)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"till_may_manage": user_may(request, MANAGE), **(extra_context or {})})

    def record_actions(self, request: HttpRequest, record: Till) -> Sequence[dict[str, Any]]:
        if not user_may(request, MANAGE):
            return ()
        return [{"title": "Change", "url": reverse("admin:payments_till_limits", args=[record.pk]), "icon": "edit"}]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("start/", view(self.start_view), name="payments_till_start"),
            path("<uuid:till_id>/limits/", view(self.limits_view), name="payments_till_limits"),
            *super().get_urls(),
        ]

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Set up a till."""
        return till_form(self.admin_site, request, None)

    def limits_view(self, request: HttpRequest, till_id: Any) -> HttpResponse:
        """Change a till's name or limits, or take it out of use."""
        return till_form(self.admin_site, request, self.record_get(request, str(till_id)))


@admin.register(TillSession)
class TillSessionAdmin(NuminaAdmin):
    """Sessions with their report, which ties to the ledger."""

    view_permission = "payments.view_tills"
    empty_text = "A session begins when a teller opens a till on the page Till."
    subtitle = "Till session"
    list_display = ("till", "teller", "business_date", "state", "opened", "opening_money", "counted_money",
                    "difference_money")  # fmt: skip
    list_filter = ("status", "till__branch")
    search_fields = ("till__name", "teller__full_name")
    ordering = ("-opened_at", "-id")
    overview_template = "payments/session.html"
    fields = ("till", "teller", "business_date", "opened", "opening_money", "counted_moment", "closed", "closed_by",
              "counted_money", "difference_money", "count_note")  # fmt: skip

    opening_money = money_column("Opened with", "opening_counted")
    counted_money = money_column("Counted", "counted")
    difference_money = money_column("Difference", "difference")
    difference_money.admin_order_field = None  # type: ignore[attr-defined]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TillSession]:
        user: Any = request.user
        return sessions_visible_to(user)

    @admin.display(description="Status", ordering="status")
    def state(self, session: TillSession) -> SafeString:
        return display.chip(session.get_status_display(), CHIPS[session.status])

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, session: TillSession) -> str:
        return display.moment_text(session.opened_at)

    @admin.display(description="Counted at")
    def counted_moment(self, session: TillSession) -> str:
        return display.moment_text(session.counted_at)

    @admin.display(description="Closed at")
    def closed(self, session: TillSession) -> str:
        return display.moment_text(session.closed_at)

    def record_title(self, record: TillSession) -> str:
        return f"{record.till}, {display.day_text(record.business_date)}"

    def record_chips(self, record: TillSession) -> Iterable[SafeString]:
        yield self.state(record)

    def overview_context(self, request: HttpRequest, record: TillSession) -> dict[str, Any]:
        report = session_report(record)
        rows = [(kind, report.counts[kind], report.totals[kind]) for kind in sorted(report.totals)]
        return {
            "session_report": report,
            "session_rows": rows,
            "session_movements": list(movements_of(record)[:MOVEMENTS_SHOWN]),
        }
