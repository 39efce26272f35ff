"""The admin site of Numina: Unfold's, with a search that is fresh, limited and shows what the user may see."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

SEARCH_CHARACTERS_MAX = 100


class StaffSite(UnfoldAdminSite):
    """Where staff work. Unfold keeps search results for five minutes in the cache; found records must not outlive a
    change of the user's roles, so here each search is made anew."""

    index_title = "Dashboard"
    site_url = None

    def extra_urls(self) -> list[URLPattern]:
        """Pages that are not of one record."""
        from apps.approvals.admin.urls import pages as approval_pages
        from apps.balances.staff_pages import engine_page
        from apps.budgets.staff_urls import pages as budget_pages
        from apps.identity.staff_login import second_step
        from apps.identity.staff_pages import confirm_page, security_page
        from apps.identity.staff_permissions import permissions_page
        from apps.ledger.admin.trial_balance import trial_balance_page
        from apps.lending.admin.urls import pages as lending_pages
        from apps.payments.admin.urls import pages as counter_pages
        from apps.reporting.staff_urls import pages as reporting_pages

        page = self.admin_view(partial(trial_balance_page, self))
        return [
            path("ledger/trial-balance/", page, name="ledger_trial_balance"),
            *reporting_pages(self),
            *budget_pages(self),
            path("engine/", self.admin_view(partial(engine_page, site=self)), name="balances_engine"),
            *approval_pages(self),
            *counter_pages(self),
            *lending_pages(self),
            path("login/second-step/", never_cache(partial(second_step, site=self)), name="second_step"),
            path("security/", self.admin_view(partial(security_page, site=self)), name="security"),
            path("security/confirm/", self.admin_view(partial(confirm_page, site=self)), name="security_confirm"),
            path("permissions/", self.admin_view(partial(permissions_page, site=self)), name="permissions"),
        ]

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Passwords are changed on the page of one's own safety."""
        return HttpResponseRedirect(reverse("admin:security"))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Pages, members, accounts and entries for the palette."""
        from apps.backoffice.search import search_all

        started = time.monotonic()
        term = request.GET.get("s", "").replace("\x00", "").strip()[:SEARCH_CHARACTERS_MAX]
        if not term:
            return HttpResponse()
        results = search_all(request, term)
        paginator = Paginator(results, max(len(results), 1))
        return TemplateResponse(
            request,
            "unfold/helpers/command_results.html",
            {
                "page_obj": paginator,
                "results": paginator.page(1) if results else [],
                "page_counter": 0,
                "execution_time": time.monotonic() - started,
                "command_show_history": False,
            },
            headers={"HX-Trigger": "search"},
        )
