"""Financial statements on the staff site, with their files."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core import clock
from apps.core.currencies import CURRENCIES
from apps.core.display import day_text
from apps.core.errors import DomainError
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.ledger.admin.scope import branch_ids_of, branches_of
from apps.ledger.figures import business_date_or_none
from apps.reporting import renditions
from apps.reporting.drawing import statement_draw
from apps.reporting.statements import FinancialStatement, Row

TITLES = {
    "balance-sheet": "Balance sheet",
    "income-statement": "Income statement",
    "changes-in-equity": "Changes in equity",
    "cash-flow": "Cash flow",
}


BEGINNING = dt.date(1900, 1, 1)
OPTIONS = {"variant": ("two-step", "direct"), "basis": ("translated",), "by": ("branch", "month")}


def statement_page(site: Any, request: HttpRequest, kind: str) -> HttpResponse:
    """One statement. Filters: since, as_of, branch, currency, compare. `format` asks for a file of the same figures."""
    if not user_may(request, "ledger.view"):
        raise PermissionDenied
    if kind not in TITLES:
        raise Http404
    form = QueryForm(request)
    as_of = form.day("as_of", "To") or business_date_or_none()
    request.current_app = site.name
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": TITLES[kind],
        "page_crumbs": [
            ("Statements", reverse("admin:reporting_statement", args=["balance-sheet"])),
            (TITLES[kind], ""),
        ],
        "report_kind": kind,
        "report_kinds": list(TITLES.items()),
    }
    if as_of is not None:
        shown = _shown(request, form, kind, as_of)
        if isinstance(shown, HttpResponse):
            return shown
        context |= shown
    context["page_faults"] = form.faults
    return TemplateResponse(request, "reporting/statement.html", context)


def _shown(request: HttpRequest, form: QueryForm, kind: str, as_of: dt.date) -> dict[str, Any] | HttpResponse:
    since = form.day("since", "From") or as_of.replace(month=1, day=1)
    if since > as_of:
        form.faults.append("The period ends before it begins: it is shown from the first of January.")
        since = as_of.replace(month=1, day=1)
    today = business_date_or_none()
    if today is not None and as_of > today:
        form.faults.append(f"The books are open for {day_text(today)}: nothing is posted after it yet.")
    branches = branches_of(request)
    branch = next((one for one in branches if one.code == form.text("branch")), None)
    currency = form.choice("currency", CURRENCIES) or settings.NUMINA["BASE_CURRENCY"]
    compare = form.text("compare") == "year"
    options = {name: form.choice(name, allowed) for name, allowed in OPTIONS.items()}
    try:
        statement = statement_draw(
            kind=kind,
            since=since,
            as_of=as_of,
            compares=compare,
            currency=settings.NUMINA["BASE_CURRENCY"] if options["basis"] else currency,
            branch_ids=[branch.pk] if branch else branch_ids_of(request),
            options=options,
        )
    except DomainError as error:
        form.faults.append(error.detail or error.title)
        options["basis"] = ""
        statement = statement_draw(
            kind=kind, since=since, as_of=as_of, compares=compare, currency=currency,
            branch_ids=[branch.pk] if branch else branch_ids_of(request), options=options,
        )  # fmt: skip
    file = form.text("format")
    if file:
        return _file(request, statement, file, branch)
    return {
        "report_statement": statement,
        "report_rows": _rows(statement, branch.code if branch else "", "" if options["basis"] else currency),
        "report_proofs": [renditions.proof_text(proof, statement) for proof in statement.proofs],
        "report_since": since,
        "report_as_of": as_of,
        "report_branches": branches,
        "report_branch": branch,
        "report_currency": currency,
        "report_compare": compare,
        "report_options": options,
        "report_is_whole": branch is None and branch_ids_of(request) is None,
        "report_read_at": clock.now(),
    }


def _rows(statement: FinancialStatement, branch: str, currency: str) -> list[tuple[Row, list[tuple[int, str]]]]:
    """The rows with, for every amount of an account of the chart, the list of the lines that it is made of."""
    address = reverse("admin:reporting_table", args=["journal-lines"])
    asked = [
        {
            "since": (column.since or BEGINNING).isoformat(),
            "as_of": column.as_of.isoformat(),
            "branch": column.branch if column.branch_id else branch,
            "currency": currency,
        }
        for column in statement.columns
    ]
    return [
        (
            row,
            [
                (amount, f"{address}?{urlencode({'kind': row.code, **wanted})}" if row.code and amount else "")
                for amount, wanted in zip(row.amounts, asked, strict=False)
            ],
        )
        for row in statement.rows
    ]


def _file(request: HttpRequest, statement: FinancialStatement, form: str, branch: Any) -> HttpResponse:
    if form not in ("csv", "xlsx", "pdf"):
        raise Http404
    user: Any = request.user
    content, content_type = renditions.statement_file(
        statement,
        form,
        drawn_at=clock.now(),
        drawn_by=user.full_name,
        scope=branch.name if branch else "All branches" if branch_ids_of(request) is None else "Own branch",
    )
    name = f"{statement.kind}-{statement.columns[0].as_of.isoformat()}.{form}"
    return HttpResponse(
        content, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
