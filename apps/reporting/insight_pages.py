"""Insights on the staff site: what the figures say beyond their sums, each with its chart and how it was found out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.calculations.insights import Distribution
from apps.core import clock
from apps.core.charts import Chart, Values, bars, lines
from apps.core.currencies import currency_get
from apps.core.display import count_text, money_text
from apps.core.money import minor_round
from apps.core.query_forms import QueryForm
from apps.core.record_pages import user_may
from apps.ledger.admin.scope import branch_ids_of, branches_of
from apps.ledger.figures import business_date_or_none
from apps.reporting.errors import InsightTooFew
from apps.reporting.insights import METHOD, Insight, deposits_spread, insight_read, member_cohorts, question_of
from apps.reporting.metrics import METRICS

USUAL = "deposits"
MONTHS = [dt.date(2000, month, 1) for month in range(1, 13)]


class Shown:
    """Writes a metric's values: amounts of a currency, or counts."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.scale = 10 ** currency_get(currency).exponent if currency else 1

    def text(self, value: int | Fraction) -> str:
        """For people, rounded to the minor unit."""
        whole = minor_round(value, 1, "half_even")
        return money_text(whole, self.currency, with_currency=True) if self.currency else count_text(whole)

    def values(self, name: str, css: str, values: Sequence[int]) -> Values:
        """A series of a chart."""
        return Values(name, css, [value / self.scale for value in values], [self.text(value) for value in values])


def insights_page(site: Any, request: HttpRequest) -> HttpResponse:
    """Trend, season, outliers and forecast of a metric; the spread of deposits; cohorts of members.

    Filters: metric, branch. What has too few figures says so in its place.
    """
    if not user_may(request, "reporting.analytics"):
        raise PermissionDenied
    form = QueryForm(request)
    today = business_date_or_none()
    metric = METRICS[form.choice("metric", METRICS) or USUAL]
    branches = branches_of(request)
    branch = next((one for one in branches if one.code == form.text("branch")), None)
    reach = branch_ids_of(request)
    branch_ids = [branch.pk] if branch else reach
    currency = settings.NUMINA["BASE_CURRENCY"]
    request.current_app = site.name
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Insights",
        "page_crumbs": [("Analytics", reverse("admin:reporting_dashboards")), ("Insights", "")],
        "insight_metric": metric,
        "insight_metrics": list(METRICS.values()),
        "insight_branches": branches,
        "insight_branch": branch,
        "insight_currency": currency,
        "insight_read_at": clock.now(),
        "insight_today": today,
    }
    if today is not None:
        shown = Shown(currency if metric.money else "")
        question = question_of(metric=metric.code, currency=currency, until=today, branch_ids=branch_ids)
        try:
            context |= _series(insight_read(question, counts=not metric.money), metric.title, shown)
        except InsightTooFew as error:
            context["insight_few"] = error.detail
        try:
            context |= _spread(deposits_spread(currency=currency, branch_ids=branch_ids), Shown(currency))
        except InsightTooFew as error:
            context["spread_few"] = error.detail
        context["cohorts"] = _cohorts(member_cohorts(until=today, branch_ids=branch_ids))
    context["page_faults"] = form.faults
    return TemplateResponse(request, "reporting/insights.html", context)


def _series(found: Insight, title: str, shown: Shown) -> dict[str, Any]:
    """The months that were and, beyond them, the forecast; what stands out; the season."""
    labels = [f"{month:%b %y}" for month in (*found.months, *found.next_months)]
    known, ahead = len(found.values), len(found.ahead.values)
    line = [minor_round(found.line.at(place), 1, "half_even") for place in range(known)]
    # Each series is drawn over all labels: what has no value of its own lies on its neighbour.
    real = [*found.values, *[found.values[-1]] * ahead]
    said = [*found.values, *found.ahead.values]
    drawn = lines(
        title,
        labels,
        [
            shown.values("Forecast", "nm-series-2", said),
            shown.values("Trend", "nm-series-6", [*line, *[line[-1]] * ahead]),
            shown.values("As it was", "nm-series-1", real),
        ],
    )
    return {
        "insight_chart": _cut(drawn, known),
        "insight_slope": shown.text(found.line.slope),
        "insight_rises": found.line.slope >= 0,
        "insight_fit": _percent(found.line.fit),
        "insight_odd": [(found.months[one.place + 1], shown.text(one.value), one.value > 0) for one in found.odd],
        "insight_season": _season(found.season),
        "insight_ahead": list(zip(found.next_months, map(shown.text, found.ahead.values), strict=True)),
        "insight_uses_season": found.ahead.method == "trend_season",
        "insight_error": _percent(found.ahead.error),
        "insight_naive": _percent(found.ahead.naive_error),
        "insight_beats": found.ahead.beats_naive,
        "insight_months": known,
        "insight_method": METHOD,
    }


def _cut(chart: Chart, known: int) -> Chart:
    """Take the carried-on ends of what was and of the trend away: those lines stop where the months do."""
    series = []
    for place, one in enumerate(chart.series):
        marks = one.marks[:known] if place else one.marks
        path = " ".join(f"{'L' if at else 'M'}{mark.x},{mark.y}" for at, mark in enumerate(marks))
        series.append(replace(one, marks=marks, path=path))
    rows = [(label, texts if at < known else [texts[0], "", ""]) for at, (label, texts) in enumerate(chart.rows)]
    return replace(chart, series=series, rows=rows)


def _season(factors: Sequence[Fraction]) -> Chart | None:
    if not factors:
        return None
    texts = [f"{_percent(factor)} of the average month" for factor in factors]
    values = Values("Season", "nm-series-1", [100 * one.numerator / one.denominator for one in factors], texts)
    return bars("Season: each month against the average, %", [f"{month:%b}" for month in MONTHS], [values])


def _percent(share: Fraction | None) -> str:
    if share is None:
        return ""
    tenths = minor_round(share * 1000, 1, "half_even")
    return f"{tenths // 10}.{tenths % 10} %"


def _spread(found: Distribution, shown: Shown) -> dict[str, Any]:
    low, middle, high = found.quartiles
    steps = (
        ("Least", found.least), ("A quarter hold no more than", low), ("Half hold no more than", middle),
        ("Three quarters hold no more than", high), ("Most", found.most),
    )  # fmt: skip
    return {
        "spread_rows": [(label, shown.text(value)) for label, value in steps],
        "spread_accounts": count_text(found.count),
        "spread_total": shown.text(found.total),
        "spread_mean": shown.text(found.mean),
        "spread_deviation": shown.text(found.deviation),
        "spread_gini": _percent(found.concentration),
    }


def _cohorts(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """A row a month of joining; each cell is the share that was active, and its tenth for the shade."""
    return [
        {
            "month": row.start,
            "size": count_text(row.size),
            "cells": [(_percent(share), min(int(share * 10), 9)) for share in row.kept],
        }
        for row in rows
        if row.size
    ]
