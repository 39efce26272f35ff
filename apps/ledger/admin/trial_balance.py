"""The trial balance as a page, with its files."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.core import clock
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.ledger import trial_balance_files
from apps.ledger.admin.scope import branch_ids_of, branches_of
from apps.ledger.figures import business_date_or_none
from apps.ledger.selectors import TrialBalance, TrialBalanceRow, trial_balance

FILES = {
    "csv": ("text/csv; charset=utf-8", trial_balance_files.as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", trial_balance_files.as_xlsx),
}


@dataclass(frozen=True, slots=True)
class CurrencyTable:
    """The rows of one currency with their totals, minor units."""

    currency: str
    rows: list[TrialBalanceRow]
    debit: int
    credit: int

    @property
    def difference(self) -> int:
        return self.credit - self.debit


def trial_balance_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Filters: as_of, since, branch, currency. `format` asks for a file of the same figures."""
    if not user_may(request, "ledger.view"):
        raise PermissionDenied
    form = QueryForm(request)
    as_of = form.day("as_of", "As of") or business_date_or_none()
    if as_of is None:
        balance = TrialBalance(dt.date.min, 0, (), [], {})
    else:
        since = form.day("since", "Movements since")
        branches = branches_of(request)
        branch = _branch_chosen(form, branches)
        scope: list[UUID] | None = [branch.pk] if branch else branch_ids_of(request)
        currency = form.choice("currency", _Codes())
        balance = trial_balance(as_of=as_of, since=since, branch_ids=scope, currency=currency or None)
        file = form.text("format")
        if file:
            return _file(balance, file)
        return _page(site, request, form, balance, branches, branch)
    return _page(site, request, form, balance, [], None)


class _Codes:
    """Anything that looks like a code of a currency: one without movements gives an empty table."""

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and len(code) == 3 and code.isascii() and code.isupper()


def _branch_chosen(form: QueryForm, branches: list[Any]) -> Any:
    wanted = form.text("branch")
    return next((branch for branch in branches if branch.code == wanted), None)


def _page(
    site: Any, request: HttpRequest, form: QueryForm, balance: TrialBalance, branches: list[Any], branch: Any
) -> HttpResponse:
    request.current_app = site.name
    context = {
        **site.each_context(request),
        "title": "Trial balance",
        "page_crumbs": [("Trial balance", "")],
        "balance": balance,
        "balance_tables": tables_of(balance),
        "balance_branches": branches,
        "balance_branch": branch,
        "balance_currency": form.text("currency"),
        "balance_since": form.text("since"),
        "balance_read_at": clock.now(),
        "balance_is_whole": branch is None and branch_ids_of(request) is None,
        "page_faults": form.faults,
    }
    return TemplateResponse(request, "ledger/trial_balance.html", context)


def _file(balance: TrialBalance, kind: str) -> HttpResponse:
    if kind not in FILES:
        raise Http404
    content_type, render = FILES[kind]
    response = HttpResponse(render(balance), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="trial-balance-{balance.as_of.isoformat()}.{kind}"'
    return response


def tables_of(balance: TrialBalance) -> list[CurrencyTable]:
    """A table a currency, the bank's own first."""
    groups: dict[str, list[TrialBalanceRow]] = {}
    for row in balance.rows:
        groups.setdefault(row.currency, []).append(row)
    return [
        CurrencyTable(currency, rows, sum(row.debit for row in rows), sum(row.credit for row in rows))
        for currency, rows in sorted(groups.items(), key=lambda group: group[0] != settings.NUMINA["BASE_CURRENCY"])
    ]
