"""Budgets on the staff site: versions, rules, commitments and alerts, with the pages that write them beside each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.budgets.models import Budget, BudgetAlert, BudgetRule, Commitment, CostCentre
from apps.core import display
from apps.core.admin import NuminaAdmin, NuminaHistoryAdmin, money_column
from apps.core.record_pages import user_may

MANAGE = "budgets.manage"
CHIPS = {"draft": "info", "active": "good", "replaced": "plain", "open": "info", "spent": "plain", "released": "plain"}


def _link(title: str, icon: str, view: str, *args: object, query: str = "") -> dict[str, str]:
    return {"title": title, "icon": icon, "url": reverse(f"admin:{view}", args=args) + query}


class WithNew:
    """A list with a button above it that begins a new record, for those who keep budgets."""

    list_before_template = "budgets/list_new.html"
    new_title, new_view = "", ""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        button = _link(self.new_title, "add", self.new_view) if user_may(request, MANAGE) else None
        context = {"list_new": button, **(extra_context or {})}
        return super().changelist_view(request, context)  # type: ignore[misc]


@admin.register(Budget)
class BudgetAdmin(WithNew, NuminaHistoryAdmin):
    """Versions of budgets, each with the page that compares it with what was spent."""

    view_permission = "budgets.view"
    empty_text = "Plan a year by account, branch and month with New version."
    subtitle = "Budget"
    new_title, new_view = "New version", "budgets_new"
    list_display = ("title", "year", "currency", "number", "state", "compared")
    list_filter = ("status", "year")
    fields = ("title", "year", "currency", "number", "state", "note", "created_by", "activated_at", "compared")

    @admin.display(description="State", ordering="status")
    def state(self, budget: Budget) -> SafeString:
        return display.chip(budget.get_status_display(), CHIPS[budget.status])

    @admin.display(description="Pages")
    def compared(self, budget: Budget) -> SafeString:
        return format_html(
            '<a class="nm-link" href="{}">Sheet</a> · <a class="nm-link" href="{}">Variance</a>',
            reverse("admin:budgets_sheet", args=[budget.pk]),
            reverse("admin:budgets_variance", args=[budget.pk]),
        )

    def record_actions(self, request: HttpRequest, budget: Budget) -> Sequence[dict[str, str]]:
        """Its sheet and its variance; a new version of it for those who keep budgets."""
        found = [
            _link("Sheet", "table_chart", "budgets_sheet", budget.pk),
            _link("Variance", "compare_arrows", "budgets_variance", budget.pk),
        ]
        if user_may(request, MANAGE):
            found.append(_link("New version of it", "content_copy", "budgets_new", query=f"?copy_of={budget.pk}"))
        return found


@admin.register(BudgetRule)
class BudgetRuleAdmin(NuminaAdmin):
    """What happens beyond a budget."""

    view_permission = "budgets.view"
    subtitle = "Rule of budget control"
    list_display = ("gl_account", "mode", "span", "alert_percent", "changed_by")
    fields = ("gl_account", "mode", "span", "alert_percent", "changed_by", "updated_at")


@admin.register(CostCentre)
class CostCentreAdmin(WithNew, NuminaAdmin):
    """Who answers for what is spent where."""

    view_permission = "budgets.view"
    empty_text = "Say who answers for which places of the chart with New cost centre."
    subtitle = "Cost centre"
    new_title, new_view = "New cost centre", "budgets_centre_new"
    list_display = ("code", "name", "changed_by", "updated_at")
    fields = ("code", "name", "places_shown", "changed_by", "updated_at")

    @admin.display(description="Places of the chart")
    def places_shown(self, centre: CostCentre) -> SafeString | str:
        rows = [
            (one.gl_account, f"in {one.branch}" if one.branch else "in every branch")
            for one in centre.places.select_related("gl_account", "branch")
        ]
        return format_html_join(SafeString("<br>"), "{} {}", rows) if rows else "None yet"

    def record_actions(self, request: HttpRequest, centre: CostCentre) -> Sequence[dict[str, str]]:
        """Its form, for those who keep budgets."""
        return [_link("Change", "edit", "budgets_centre", centre.pk)] if user_may(request, MANAGE) else []


@admin.register(Commitment)
class CommitmentAdmin(WithNew, NuminaAdmin):
    """Money that is promised."""

    view_permission = "budgets.view"
    empty_text = "Money that is promised and not yet spent counts against the budget: begin with New commitment."
    branch_field = "branch"
    subtitle = "Commitment"
    new_title, new_view = "New commitment", "budgets_commitment_new"
    overview_template = "budgets/commitment_record.html"
    list_display = ("reference", "branch", "gl_account", "month", "amount_money", "state")
    list_filter = ("status",)
    fields = (
        "reference", "description", "branch", "gl_account", "month", "amount_money", "state", "created_by", "ended_by",
        "ended_at",
    )  # fmt: skip
    amount_money = money_column("Amount", "amount")

    def overview_context(self, request: HttpRequest, record: Commitment) -> dict[str, Any]:
        """Whether its end may be said here."""
        return {"promise_may_end": record.status == Commitment.Status.OPEN and user_may(request, MANAGE)}

    @admin.display(description="State", ordering="status")
    def state(self, commitment: Commitment) -> SafeString:
        return display.chip(commitment.get_status_display(), CHIPS[commitment.status])


@admin.register(BudgetAlert)
class BudgetAlertAdmin(NuminaAdmin):
    """Budgets that were nearly used up, or gone beyond."""

    view_permission = "budgets.view"
    empty_text = "Good: no budget is nearly used up or gone beyond."
    branch_field = "branch"
    subtitle = "Budget alert"
    list_display = ("gl_account", "branch", "month", "level", "planned_money", "used_money", "created_at")
    list_filter = ("level",)
    fields = ("budget", "gl_account", "branch", "month", "level", "planned_money", "used_money", "created_at")
    planned_money = money_column("Planned", "planned", "budget__currency")
    used_money = money_column("Spent and promised", "used", "budget__currency")
