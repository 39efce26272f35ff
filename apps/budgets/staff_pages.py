"""What became of a budget, on the staff site."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.budgets import selectors
from apps.budgets.api.views import months_of
from apps.budgets.errors import BudgetNotFound
from apps.core import clock
from apps.core.currencies import minor_format
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.core.sheets import csv_file
from apps.ledger.admin.scope import branch_ids_of, branches_of

MONTHS = range(1, 13)


def variance_page(site: Any, request: HttpRequest, budget_id: UUID) -> HttpResponse:
    """Planned against spent and promised, by branch and account; `format=csv` gives the same as a file."""
    if not user_may(request, "budgets.view"):
        raise PermissionDenied
    try:
        budget = selectors.budget_get(pk=budget_id)
    except BudgetNotFound as error:
        raise Http404 from error
    form = QueryForm(request)
    since, until = _month(form, "since") or 1, _month(form, "until")
    first, last = months_of(budget, since, until)
    branches = branches_of(request)
    branch = next((one for one in branches if one.code == form.text("branch")), None)
    rows = selectors.variance(
        budget=budget,
        first=first,
        last=last,
        branch_ids=[branch.pk] if branch else branch_ids_of(request),
        cost_centre=form.text("cost_centre", characters=20),
    )
    if form.text("format") == "csv":
        return _csv(budget, rows)
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": str(budget),
        "page_crumbs": [("Budgets", reverse("admin:budgets_budget_changelist")), (str(budget), "")],
        "page_faults": form.faults,
        "budget": budget,
        "budget_rows": rows,
        "budget_centres": selectors.cost_centres_all(),
        "budget_centre": form.text("cost_centre", characters=20),
        "budget_by_centre": selectors.by_cost_centre(rows),
        "budget_first": first,
        "budget_last": last,
        "budget_months": MONTHS,
        "budget_branches": branches,
        "budget_branch": branch,
        "budget_read_at": clock.now(),
    }
    return TemplateResponse(request, "budgets/variance.html", context)


def _month(form: QueryForm, name: str) -> int | None:
    raw = form.text(name, characters=2)
    return int(raw) if raw.isascii() and raw.isdigit() and int(raw) in MONTHS else None


def _csv(budget: Any, rows: list[selectors.Variance]) -> HttpResponse:
    def shown(minor: int) -> str:
        return minor_format(minor, budget.currency)

    content = csv_file(
        ["Branch", "Cost centre", "Code", "Account", "Currency", "Planned", "Spent", "Promised", "Left"],
        (
            [row.branch, row.cost_centre, row.code, row.name, budget.currency]
            + [_Number(shown(value)) for value in (row.planned, row.actual, row.committed, row.left)]
            for row in rows
        ),
    )
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="budget-{budget.year}-{budget.number}.csv"'
    return response


class _Number:
    """A figure that a spreadsheet takes as it is: a minus sign before it is no formula."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text
