"""Dashboards on the staff site: charts of a theme, drawn on the server, each with its table and its file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core import clock
from apps.core.charts import Chart as Drawing
from apps.core.charts import Values, bars, lines
from apps.core.currencies import currency_get, minor_format
from apps.core.display import count_text, money_short
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.core.sheets import csv_file
from apps.ledger.admin.scope import branch_ids_of, branches_of
from apps.ledger.figures import business_date_or_none
from apps.reporting.analytics import Chart, chart_read
from apps.reporting.facts import Question, facts_state
from apps.reporting.metrics import METRICS, STOCK

COLOURS = 6
DRAWN_MAX = 5
"""Series that are drawn; the file and the API have up to twelve."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart of a dashboard: what it asks for, and where its figures are looked at more closely."""

    metric: str
    group: str = ""
    measure: str = "amount"
    drill: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard, the permission that it asks for beyond that of analytics, and the roles that see it first."""

    code: str
    title: str
    permission: str
    panels: Sequence[Panel]
    roles: Sequence[str] = ()


_TRIAL = "ledger_trial_balance"
_JOURNAL = "ledger_journalentry_changelist"

_ALL = (
    Dashboard(
        "counter",
        "Counter and channels",
        "payments.view_tills",
        (
            Panel("cash", "key", drill="payments_tillsession_changelist"),
            Panel("channels", "key", "count", drill=_JOURNAL),
            Panel("paid_in", "key"),
            Panel("paid_out", "key"),
            Panel("tellers", "key", "count", drill="reporting_table:staff-activity"),
        ),
        roles=("teller",),
    ),
    Dashboard(
        "lending",
        "Lending",
        "lending.view",
        (
            Panel("loans", "key", drill="lending_loan_changelist"),
            Panel("arrears", "key", drill="reporting_table:loan-ageing"),
            Panel("disbursed", "key", drill="reporting_table:disbursements"),
            Panel("collected", "key", drill="reporting_table:collections"),
        ),
        roles=("loan_officer",),
    ),
    Dashboard(
        "bank",
        "The bank",
        "ledger.view",
        (
            Panel("deposits", "key", drill=_TRIAL),
            Panel("result", "key", drill="reporting_statement:income-statement"),
            Panel("cash", "key", drill=_TRIAL),
            Panel("deposits", "branch", drill=_TRIAL),
            Panel("arrears", "key", drill="reporting_table:portfolio-at-risk"),
            Panel("disbursed", "branch", drill="reporting_table:disbursements"),
        ),
        roles=("branch_manager",),
    ),
    Dashboard(
        "finance",
        "Result and money",
        "budgets.view",
        (
            Panel("result", "key", drill="reporting_statement:income-statement"),
            Panel("net_result", "branch", drill="reporting_table:branch-result"),
            Panel("cash", "key", drill="reporting_table:cash-position"),
            Panel("deposits", "key", drill="reporting_table:liquidity-gap"),
            Panel("loans", "key", drill=_TRIAL),
            Panel("manual", "key", "count", drill="reporting_table:manual-entries"),
        ),
        roles=("finance",),
    ),
    Dashboard(
        "members",
        "Members and accounts",
        "members.view",
        (
            Panel("members", "key", "count", drill="members_member_changelist"),
            Panel("members_joined", "branch", "count", drill="members_member_changelist"),
            Panel("accounts", "key", "count", drill="accounts_account_changelist"),
            Panel("accounts", "branch", "count", drill="accounts_account_changelist"),
        ),
    ),
    Dashboard(
        "compliance",
        "Unusual activity",
        "compliance.view",
        (
            Panel("flags", "key", "count", drill="compliance_flag_changelist"),
            Panel("flags", "branch", "count", drill="compliance_flag_changelist"),
            Panel("reversed", "key", "count", drill="reporting_table:reversals"),
            Panel("paid_in", "key", drill=_JOURNAL),
        ),
        roles=("compliance",),
    ),
    Dashboard(
        "control",
        "Control",
        "audit.view",
        (
            Panel("manual", "key", "count", drill="reporting_table:manual-entries"),
            Panel("reversed", "key", "count", drill="reporting_table:reversals"),
            Panel("channels", "key", "count", drill=_JOURNAL),
            Panel("tellers", "key", "count", drill="reporting_table:staff-activity"),
        ),
        roles=("auditor", "administrator"),
    ),
)
DASHBOARDS = {one.code: one for one in _ALL}
INTERVALS = {"day": (30, "Day"), "week": (26 * 7, "Week"), "month": (365, "Month"), "quarter": (730, "Quarter")}


def dashboards_visible(request: HttpRequest) -> list[Dashboard]:
    """Those that the user may see, the one of a role of the user's first."""
    if not user_may(request, "reporting.analytics"):
        return []
    user: Any = request.user
    own = set(user.roles.values_list("code", flat=True))
    found = [one for one in _ALL if user_may(request, one.permission)]
    return sorted(found, key=lambda one: own.isdisjoint(one.roles))


def dashboards_page(site: Any, request: HttpRequest) -> HttpResponse:
    """The user's own dashboard."""
    found = dashboards_visible(request)
    if not found:
        raise PermissionDenied
    return HttpResponseRedirect(reverse("admin:reporting_dashboard", args=[found[0].code]))


def dashboard_page(site: Any, request: HttpRequest, code: str) -> HttpResponse:
    """One dashboard. Filters: interval, until, branch, currency. `export` gives the chart of that place as CSV."""
    board = DASHBOARDS.get(code)
    if board is None:
        raise Http404
    visible = dashboards_visible(request)
    if board not in visible:
        raise PermissionDenied
    form = QueryForm(request)
    today = business_date_or_none()
    request.current_app = site.name
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": board.title,
        "page_crumbs": [("Analytics", reverse("admin:reporting_dashboards")), (board.title, "")],
        "board": board,
        "boards": visible,
        "board_intervals": [(name, label) for name, (_, label) in INTERVALS.items()],
        "board_read_at": clock.now(),
        "board_kept": facts_state(),
    }
    if today is not None:
        shown = _board(request, form, board, today)
        if isinstance(shown, HttpResponse):
            return shown
        context |= shown
    context["page_faults"] = form.faults
    return TemplateResponse(request, "reporting/dashboard.html", context)


def _board(request: HttpRequest, form: QueryForm, board: Dashboard, today: dt.date) -> dict[str, Any] | HttpResponse:
    interval = form.choice("interval", INTERVALS) or "month"
    until = min(form.day("until", "Until") or today, today)
    branches = branches_of(request)
    branch = next((one for one in branches if one.code == form.text("branch")), None)
    reach = branch_ids_of(request)
    branch_ids = (branch.pk,) if branch else None if reach is None else tuple(sorted(reach))
    currency = settings.NUMINA["BASE_CURRENCY"]
    charts = []
    for place, panel in enumerate(board.panels):
        metric = METRICS[panel.metric]
        chart = chart_read(
            Question(
                metric=metric.code,
                since=until - dt.timedelta(days=INTERVALS[interval][0]),
                until=until,
                interval=interval,
                group=panel.group,
                currency=currency if metric.money else "",
                branch_ids=branch_ids,
            )
        )
        if form.text("export") == str(place):
            return _csv(chart, panel)
        charts.append(_panel(chart, panel, currency, interval))
    return {
        "board_charts": charts,
        "board_interval": interval,
        "board_until": until,
        "board_branches": branches,
        "board_branch": branch,
        "board_currency": currency,
        "board_is_live": any(one["is_live"] for one in charts),
    }


def _panel(chart: Chart, panel: Panel, currency: str, interval: str) -> dict[str, Any]:
    counts = panel.measure == "count" or not chart.metric.money
    scale = 1 if counts else 10 ** currency_get(currency).exponent
    shown = []
    for place, one in enumerate(chart.series[:DRAWN_MAX]):
        values = [value or 0 for value in (one.counts if counts else one.amounts)]
        texts = [count_text(value) if counts else f"{currency} {money_short(value, currency)}" for value in values]
        css = f"nm-series-{place % COLOURS + 1}"
        shown.append(Values(one.name, css, [value / scale for value in values], texts))
    labels = [_label(day, interval) for day in chart.labels]
    title = chart.metric.title + (" by branch" if panel.group == "branch" else "") + ("" if counts else f", {currency}")
    drawn: Drawing = (lines if chart.metric.kind == STOCK else bars)(title, labels, shown)
    return {
        "drawing": drawn,
        "definition": chart.metric.definition,
        "is_empty": not any(any(one.numbers) for one in shown),
        "hidden": max(len(chart.series) - DRAWN_MAX, 0),
        "link": _drill(panel),
        "is_live": chart.is_live,
    }


def _label(day: dt.date, interval: str) -> str:
    match interval:
        case "month":
            return f"{day:%b %y}"
        case "quarter":
            return f"Q{(day.month + 2) // 3} {day:%y}"
    return f"{day.day} {day:%b}"


def _drill(panel: Panel) -> str:
    if not panel.drill:
        return ""
    view, _, argument = panel.drill.partition(":")
    return reverse(f"admin:{view}", args=[argument] if argument else None)


def _csv(chart: Chart, panel: Panel) -> HttpResponse:
    counts = panel.measure == "count" or not chart.metric.money
    rows: list[list[object]] = []
    for one in chart.series:
        for day, count, amount in zip(chart.labels, one.counts, one.amounts, strict=True):
            figure = count if counts else None if amount is None else minor_format(amount, chart.question.currency)
            rows.append([day.isoformat(), one.key, one.name, "" if figure is None else figure])
    content = csv_file(["From", "Key", "Series", "Count" if counts else chart.question.currency], rows)
    name = f"{chart.metric.code}-{chart.question.until.isoformat()}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
