"""Budgets on the staff site: versions, rules, commitments and alerts to look at; written over the API."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.budgets.models import Budget, BudgetAlert, BudgetRule, Commitment, CostCentre
from apps.core import display
from apps.core.admin import NuminaAdmin, NuminaHistoryAdmin, money_column

CHIPS = {"draft": "info", "active": "good", "replaced": "plain", "open": "info", "spent": "plain", "released": "plain"}


@admin.register(Budget)
class BudgetAdmin(NuminaHistoryAdmin):
    """Versions of budgets, each with the page that compares it with what was spent."""

    view_permission = "budgets.view"
    subtitle = "Budget"
    list_display = ("title", "year", "currency", "number", "state", "compared")
    list_filter = ("status", "year")
    fields = ("title", "year", "currency", "number", "state", "note", "created_by", "activated_at", "compared")

    @admin.display(description="State", ordering="status")
    def state(self, budget: Budget) -> SafeString:
        return display.chip(budget.get_status_display(), CHIPS[budget.status])

    @admin.display(description="Against what was spent")
    def compared(self, budget: Budget) -> SafeString:
        return format_html(
            '<a class="nm-link" href="{}">Variance</a>', reverse("admin:budgets_variance", args=[budget.pk])
        )


@admin.register(BudgetRule)
class BudgetRuleAdmin(NuminaAdmin):
    """What happens beyond a budget."""

    view_permission = "budgets.view"
    subtitle = "Rule of budget control"
    list_display = ("gl_account", "mode", "span", "alert_percent", "changed_by")
    fields = ("gl_account", "mode", "span", "alert_percent", "changed_by", "updated_at")


@admin.register(CostCentre)
class CostCentreAdmin(NuminaAdmin):
    """Who answers for what is spent where."""

    view_permission = "budgets.view"
    subtitle = "Cost centre"
    list_display = ("code", "name", "changed_by", "updated_at")
    fields = ("code", "name", "places_shown", "changed_by", "updated_at")

    @admin.display(description="Places of the chart")
    def places_shown(self, centre: CostCentre) -> SafeString | str:
        rows = [
            (one.gl_account, f"in {one.branch}" if one.branch else "in every branch")
            for one in centre.places.select_related("gl_account", "branch")
        ]
        return format_html_join(SafeString("<br>"), "{} {}", rows) if rows else "None yet"


@admin.register(Commitment)
class CommitmentAdmin(NuminaAdmin):
    """Money that is promised."""

    view_permission = "budgets.view"
    branch_field = "branch"
    subtitle = "Commitment"
    list_display = ("reference", "branch", "gl_account", "month", "amount_money", "state")
    list_filter = ("status",)
    fields = (
        "reference", "description", "branch", "gl_account", "month", "amount_money", "state", "created_by", "ended_by",
        "ended_at",
    )  # fmt: skip
    amount_money = money_column("Amount", "amount")

    @admin.display(description="State", ordering="status")
    def state(self, commitment: Commitment) -> SafeString:
        return display.chip(commitment.get_status_display(), CHIPS[commitment.status])


@admin.register(BudgetAlert)
class BudgetAlertAdmin(NuminaAdmin):
    """Budgets that were nearly used up, or gone beyond."""

    view_permission = "budgets.view"
    branch_field = "branch"
    subtitle = "Budget alert"
    list_display = ("gl_account", "branch", "month", "level", "planned_money", "used_money", "created_at")
    list_filter = ("level",)
    fields = ("budget", "gl_account", "branch", "month", "level", "planned_money", "used_money", "created_at")
    planned_money = money_column("Planned", "planned", "budget__currency")
    used_money = money_column("Spent and promised", "used", "budget__currency")
