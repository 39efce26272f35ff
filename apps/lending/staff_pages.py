"""The portfolio at risk, and what a loan officer has to do today: pages of the staff site."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.balances.selectors import balances_read
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.ledger.selectors import business_date_current
from apps.lending.arrears_portfolio import (
    BANDS,
    DIMENSIONS,
    AtRisk,
    day_of_officer,
    portfolio_loans,
    portfolio_read,
    totals_of,
)
from apps.lending.models import Loan

ROWS_MAX = 50
BANDS_AFTER = {"1": 0, "30": 30, "60": 60, "90": 90}


def portfolio_page(site: Any, request: HttpRequest) -> HttpResponse:
    """PAR 1, 30, 60 and 90 by branch, officer or product; a figure opens the loans behind it."""
    if not user_may(request, "lending.view"):
        raise PermissionDenied
    user: Any = request.user
    form = QueryForm(request)
    by = form.choice("by", DIMENSIONS) or "branch"
    band = form.choice("band", tuple(BANDS_AFTER))
    rows = portfolio_read(user=user, by=by)
    drill = None
    if band:
        key = form.text("key") if "key" in request.GET else None
        drill = _drill(portfolio_loans(
            user=user, by=by, key=key, after=BANDS_AFTER[band], currency=form.text("currency", characters=3)
        ))  # fmt: skip
    return _page(
        site, request, "lending/portfolio.html", "Portfolio at risk",
        {
            "par_by": by, "par_dimensions": DIMENSIONS, "par_bands": BANDS, "par_band": band, "par_drill": drill,
            "par_rows": [(row, _cells(row)) for row in rows],
            "par_totals": [(row, _cells(row)) for row in totals_of(rows)],
            "page_faults": form.faults,
        },
    )  # fmt: skip


def _drill(found: QuerySet[Loan]) -> dict[str, Any]:
    """The loans behind a figure with the principal that each adds to it; of very many, the latest."""
    loans = list(found[: ROWS_MAX + 1])
    shown = loans[:ROWS_MAX]
    owed = balances_read(account_ids=[loan.principal_account_id for loan in shown])
    rows = [(loan, -owed[loan.principal_account_id].booked) for loan in shown]
    return {"rows": rows, "total": sum(principal for _, principal in rows), "is_all": len(loans) <= ROWS_MAX}


def _cells(row: AtRisk) -> list[dict[str, Any]]:
    return [
        {"band": band, "amount": amount, "percent": f"{share // 100}.{share % 100:02d}"}
        for band, amount, share in zip(BANDS, row.par, row.shares, strict=True)
    ]


def day_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Due today, overdue with phone, promises, applications: of the user's own loans, or of all in reach."""
    if not user_may(request, "lending.view"):
        raise PermissionDenied
    user: Any = request.user
    everyone = QueryForm(request).choice("whose", ("all",)) == "all"
    today = business_date_current()
    found = day_of_officer(user=user, today=today, all_in_reach=everyone, limit=ROWS_MAX)
    context = {f"day_{name}": value for name, value in found.items()}
    return _page(
        site, request, "lending/my_day.html", "My day",
        {
            **context, "day_today": today, "day_everyone": everyone, "day_applies": user_may(request, "lending.apply"),
            "day_repays": user_may(request, "lending.repay"),
        },
    )  # fmt: skip


def _page(site: Any, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    request.current_app = site.name
    page = {**site.each_context(request), "title": title, "page_crumbs": [(title, "")], **context}
    return TemplateResponse(request, template, page)
