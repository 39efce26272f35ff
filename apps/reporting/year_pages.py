"""Year ends on the staff site: what is open in each year, closing it, and opening it again with a reason."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core import clock
from apps.core.display import money_text
from apps.core.errors import DomainError
from apps.core.record_pages import user_may
from apps.ledger.admin.scope import branch_ids_of
from apps.ledger.figures import business_date_or_none
from apps.ledger.totals import nominal_balances
from apps.reporting import services
from apps.reporting.models import YearClose

YEARS_SHOWN = 5


def years_page(site: Any, request: HttpRequest) -> HttpResponse:
    """The last years: results that are open and moved. A form closes one, another opens one again."""
    if not user_may(request, "ledger.view") or branch_ids_of(request) is not None:
        raise PermissionDenied
    if request.method == "POST":
        return _done(request)
    today = business_date_or_none()
    closed = {one.year: one for one in YearClose.objects.select_related("changed_by")[: YEARS_SHOWN * 2]}
    years = []
    for year in range(today.year - 1, today.year - 1 - YEARS_SHOWN, -1) if today else ():
        sums: dict[str, int] = {}
        for one in nominal_balances(as_of=dt.date(year, 12, 31)):
            sums[one.currency] = sums.get(one.currency, 0) + one.net
        state = closed.get(year)
        years.append(
            {
                "year": year,
                "state": state,
                "open": [money_text(net, code, with_currency=True) for code, net in sorted(sums.items())],
                "moved": [money_text(net, code, with_currency=True) for code, net in sorted(state.results.items())]
                if state
                else [],
            }
        )
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": "Year ends",
        "page_crumbs": [("Year ends", "")],
        "years": years,
        "years_may_close": user_may(request, "ledger.manage_periods"),
        "years_may_open": user_may(request, "reporting.reopen_year"),
    }
    return TemplateResponse(request, "reporting/years.html", context)


def _done(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    raw = request.POST.get("year", "")
    year = int(raw) if raw.isascii() and raw.isdigit() and len(raw) == 4 else 0
    opens = request.POST.get("act") == "open"
    if not user_may(request, "reporting.reopen_year" if opens else "ledger.manage_periods"):
        raise PermissionDenied
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:200]
    try:
        if not 1900 <= year <= 2200:
            messages.error(request, "There is no such year.")
        elif opens and not reason:
            messages.error(request, "Say why the year is opened again.")
        elif opens:
            services.year_reopen(acting_user=user, year=year, reason=reason, at=clock.now())
            messages.success(request, f"{year} is open again.")
        else:
            services.year_close(acting_user=user, year=year, at=clock.now())
            messages.success(request, f"The result of {year} is in retained earnings.")
    except DomainError as error:
        messages.error(request, f"{error.title}. {error.detail}")
    return HttpResponseRedirect(reverse("admin:reporting_years"))
