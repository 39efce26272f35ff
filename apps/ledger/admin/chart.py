"""The chart of accounts as a tree, a page for each node, and currencies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from apps.core import display
from apps.core.admin import NuminaHistoryAdmin
from apps.core.query_forms import QueryForm
from apps.ledger.admin.scope import branch_ids_of, branches_of
from apps.ledger.figures import business_date_or_none, chart_tree, node_balances
from apps.ledger.models import Currency, GLAccount

TYPE_CHIPS = {"asset": "info", "liability": "warn", "equity": "plain", "income": "good", "expense": "bad"}


@admin.register(GLAccount)
class GLAccountAdmin(NuminaHistoryAdmin):
    """The list is a tree with balances; a node's page leads on to its ledger accounts."""

    view_permission = "ledger.view"
    empty_text = "The chart is loaded when the bank is set up; more is added over the API."
    subtitle = "GL account"
    overview_template = "ledger/gl_account.html"
    fields = (
        "code",
        "name",
        "type",
        "usage",
        "parent",
        "normal_side_words",
        "allows_manual",
        "is_active",
        "description",
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The whole chart on one page: it has a few hundred nodes at most."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = QueryForm(request)
        as_of = form.day("as_of", "As of") or business_date_or_none()
        nodes, balance = chart_tree(as_of=as_of, branch_ids=branch_ids_of(request)) if as_of else ([], None)
        currencies = sorted({row.currency for row in balance.rows}) if balance else []
        currency = form.choice("currency", currencies) or _first_currency(currencies)
        for node in nodes:
            node.shown = _by_side(node.account, node.balances.get(currency))
        context = {
            **self.admin_site.each_context(request),
            "title": "Chart of accounts",
            "page_crumbs": [("Chart of accounts", "")],
            "chart_nodes": nodes,
            "chart_currency": currency,
            "chart_currencies": currencies,
            "chart_as_of": as_of,
            "page_faults": form.faults,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "ledger/chart.html", context)

    @admin.display(description="Grows by")
    def normal_side_words(self, record: GLAccount) -> str:
        return "Debit" if record.normal_side == "D" else "Credit"

    def record_title(self, record: GLAccount) -> str:
        return str(record)

    def record_subtitle(self, record: GLAccount) -> str:
        return f"GL account · {record.get_usage_display()}"

    def record_chips(self, record: GLAccount) -> Iterable[SafeString]:
        yield display.chip(record.get_type_display(), TYPE_CHIPS[record.type])
        if not record.is_active:
            yield display.chip("Inactive", "bad")

    def overview_context(self, request: HttpRequest, record: GLAccount) -> dict[str, Any]:
        form = QueryForm(request)
        as_of = form.day("as_of", "As of") or business_date_or_none()
        branches = {branch.pk: branch for branch in branches_of(request)}
        rows: list[dict[str, Any]] = []
        if as_of:
            found = node_balances(gl_account_id=record.pk, as_of=as_of, branch_ids=branch_ids_of(request))
            rows = [
                {"branch": branches.get(row.branch_id), "row": row, "net": _by_side(record, row.net)} for row in found
            ]
            rows.sort(key=lambda item: (item["row"].currency, str(item["branch"])))
        return {"gl_rows": rows, "gl_as_of": as_of, "page_faults": form.faults}


@admin.register(Currency)
class CurrencyAdmin(NuminaHistoryAdmin):
    """Currencies of the books: reference data."""

    view_permission = "ledger.view"
    list_display = ("code", "name", "exponent", "is_enabled")
    search_fields = ("code", "name")
    list_filter = ("is_enabled",)


def _first_currency(currencies: list[str]) -> str:
    base = settings.NUMINA["BASE_CURRENCY"]
    return base if base in currencies or not currencies else currencies[0]


def _by_side(account: GLAccount, net: int | None) -> int | None:
    """A credit-positive figure as it grows on the account's own side."""
    if net is None:
        return None
    return -net if account.normal_side == "D" else net
