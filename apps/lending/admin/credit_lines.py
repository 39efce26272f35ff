"""Credit lines on the staff site: limit, what is drawn, what each close accrued, and the acts on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaAdmin, money_column
from apps.core.record_pages import Fact, Tab, record_link
from apps.lending.admin.forms import actions_of, new_button
from apps.lending.admin.line_forms import LINE_FORMS
from apps.lending.credit_lines import credit_line_owed
from apps.lending.lines_explained import FIGURES, line_explain
from apps.lending.models import CreditLine, CreditLineDay, CreditLineEvent
from apps.lending.selectors import lines_visible_to

CHIPS = {"requested": "info", "active": "good", "blocked": "warn", "rejected": "bad", "closed": "plain"}
SHOWN = 62


@admin.register(CreditLine)
class CreditLineAdmin(NuminaAdmin):
    """Limits that are drawn on, paid back and drawn on again."""

    empty_text = "A credit line is drawn on and paid back within its limit: ask for one with New credit line."
    view_permission = "lending.view"
    notes_reads = True
    at_one_moment = True
    list_display = ("number", "holder", "product_name", "branch", "state", "review_on", "limit_money")
    list_filter = ("status", "product", "branch")
    search_fields = ("number",)
    ordering = ("-created_at", "-id")
    list_before_template = "lending/list_new.html"
    overview_template = "lending/credit_line.html"
    limit_money = money_column("Limit", "limit")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        button = new_button(request, "new-line")
        return super().changelist_view(request, {"list_new": button, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditLine]:
        user: Any = request.user
        return lines_visible_to(user)

    @admin.display(description="Member")
    def holder(self, line: CreditLine) -> str:
        return line.member.display_name

    @admin.display(description="Product", ordering="product__name")
    def product_name(self, line: CreditLine) -> str:
        return line.product.name

    @admin.display(description="Status", ordering="status")
    def state(self, line: CreditLine) -> SafeString:
        return display.chip(line.get_status_display(), CHIPS[line.status])

    def record_subtitle(self, record: CreditLine) -> str:
        return f"{record.member.display_name} · {record.product.name} · {record.currency}"

    def record_chips(self, record: CreditLine) -> Iterable[SafeString]:
        yield self.state(record)
        if record.days_past_due:
            yield display.chip(f"{record.days_past_due} days late", "warn")
        if record.is_non_accrual:
            yield display.chip("Interest in suspense", "bad")

    def record_actions(self, request: HttpRequest, record: CreditLine) -> Sequence[dict[str, Any]]:
        return actions_of(request, record, LINE_FORMS)

    def overview_context(self, request: HttpRequest, record: CreditLine) -> dict[str, Any]:
        principal, interest = credit_line_owed(record)
        figure, money = request.GET.get("explain", ""), partial(display.money_text, currency=record.currency)
        return {
            "line_principal": principal,
            "line_interest": interest,
            "line_left": max(record.limit - principal, 0),
            "line_used": f"{100 * principal // record.limit} %",
            "line_explained": line_explain(line=record, figure=figure, show=money) if figure in FIGURES else None,
            "line_api": f"credit-lines/{record.pk}",
        }

    def record_sections(self, request: HttpRequest, record: CreditLine) -> list[tuple[str, list[Fact]]]:
        site = self.admin_site
        contract = [
            Fact("Borrower", record_link(request, site, record.member)),
            Fact("Account", record_link(request, site, record.account)),
            Fact("Rate a year", f"{record.rate * 100:f}".rstrip("0").rstrip(".") + " %"),
            *(self.fact(request, record, name) for name in ("product", "branch", "purpose", "opened_on", "review_on")),
            self.fact(request, record, "note"),
        ]
        late = [
            Fact("Interest is due", "at the end of each month"),
            Fact("Overdue since", display.day_text(record.overdue_since)),
            Fact("Bucket", record.bucket or "None"),
            Fact("Stage", record.stage),
            Fact("Provision", display.money_text(record.provision, record.currency, with_currency=True)),
            Fact("Interest in suspense", display.money_text(record.suspended, record.currency, with_currency=True)),
            Fact("Books up to the morning of", display.day_text(record.booked_through)),
        ]
        return [("Contract", contract), ("Where it stands", late)]


def _events(request: HttpRequest, record: CreditLine) -> dict[str, Any]:
    events = CreditLineEvent.objects.filter(line=record).select_related("entered_by")
    return {"line_events": list(events[:SHOWN])}


def _days(request: HttpRequest, record: CreditLine) -> dict[str, Any]:
    return {"line_days": list(CreditLineDay.objects.filter(line=record)[:SHOWN])}


CreditLineAdmin.tab_add(Tab("transactions", "Transactions", "lending/credit_line_events.html", _events))
CreditLineAdmin.tab_add(Tab("accruals", "Accruals", "lending/credit_line_days.html", _days))
