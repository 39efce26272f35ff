"""Pages of budgets on the staff site."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.urls import URLPattern, path

from apps.budgets.control_pages import centre_page, commitment_end_page, commitment_page, rules_page
from apps.budgets.plan_pages import new_page, sheet_page
from apps.budgets.staff_pages import variance_page


def pages(site: Any) -> list[URLPattern]:
    """Before those of the records, whose addresses take any word."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    return [
        path("budgets/new/", page(new_page), name="budgets_new"),
        path("budgets/rules/", page(rules_page), name="budgets_rules"),
        path("budgets/cost-centres/new/", page(centre_page), name="budgets_centre_new"),
        path("budgets/cost-centres/<uuid:centre_id>/", page(centre_page), name="budgets_centre"),
        path("budgets/commitments/new/", page(commitment_page), name="budgets_commitment_new"),
        path("budgets/commitments/<uuid:commitment_id>/end/", page(commitment_end_page), name="budgets_commitment_end"),
        path("budgets/<uuid:budget_id>/sheet/", page(sheet_page), name="budgets_sheet"),
        path("budgets/<uuid:budget_id>/variance/", page(variance_page), name="budgets_variance"),
    ]
