"""Analytics as charts take them: labels, and a series of values for each branch, product, channel or teller."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.accounts.models import AccountProduct
from apps.core.currencies import minor_format
from apps.core.display import kind_text
from apps.identity.models import Branch, User
from apps.ledger.selectors import gl_accounts
from apps.lending.models import LoanProduct
from apps.reporting.errors import AnalyticsTooLong, ReportPeriod
from apps.reporting.facts import Answer, Question, facts_read, interval_start, intervals
from apps.reporting.metrics import METRICS, STOCK, Metric

POINTS_MAX = 400
SERIES_MAX = 12
"""More series than these are added up as "Others": a chart of fifty lines says nothing."""
OTHERS = "~others"


@dataclass(frozen=True, slots=True)
class Series:
    """One series; `amounts` are minor units, None before the first figure of a stock."""

    key: str
    name: str
    counts: Sequence[int | None]
    amounts: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a metric says over a time, ready to be drawn."""

    metric: Metric
    question: Question
    labels: Sequence[dt.date]
    series: Sequence[Series]
    kept_to: dt.date | None
    is_live: bool

    def values(self, measure: str) -> list[list[int | str | None]]:
        """By series: counts, or amounts as decimal strings of the currency."""
        if measure == "count":
            return [list(one.counts) for one in self.series]
        return [
            [None if amount is None else minor_format(amount, self.question.currency) for amount in one.amounts]
            for one in self.series
        ]


def chart_read(question: Question) -> Chart:
    """The chart of a question. Raises `ReportPeriod` and `AnalyticsTooLong` for more than 400 points."""
    if question.since > question.until:
        raise ReportPeriod(pointer="/query/from")
    labels = intervals(question.since, question.until, question.interval)
    if len(labels) > POINTS_MAX:
        raise AnalyticsTooLong(f"{len(labels)} points; choose a longer interval.", pointer="/query/interval")
    metric = METRICS[question.metric]
    answer = facts_read(question)
    names = names_of(metric, question.group, list(answer.values))
    last = interval_start(question.until, question.interval)
    series = [
        _series(key, names.get(key, key), points, labels, metric.kind == STOCK) for key, points in answer.values.items()
    ]
    series.sort(key=lambda one: (-_weight(one, metric), one.name))
    return Chart(metric, question, [day for day in labels if day <= last], _bounded(series), *_age(answer))


def _age(answer: Answer) -> tuple[dt.date | None, bool]:
    return answer.kept_to, answer.is_live


def _series(
    key: str, name: str, points: Mapping[dt.date, tuple[int, int]], labels: Sequence[dt.date], is_stock: bool
) -> Series:
    """With zeros where a flow has nothing, and the last figure carried on where a stock has none of its own."""
    counts: list[int | None] = []
    amounts: list[int | None] = []
    held: tuple[int | None, int | None] = (None, None) if is_stock else (0, 0)
    for day in labels:
        found: tuple[int | None, int | None] = points.get(day, held)
        if is_stock:
            held = found
        counts.append(found[0])
        amounts.append(found[1])
    return Series(key, name, counts, amounts)


def _weight(series: Series, metric: Metric) -> int:
    values = series.amounts if metric.money else series.counts
    known = [value for value in values if value is not None]
    if metric.kind == STOCK:
        return abs(known[-1]) if known else 0
    return sum(map(abs, known))


def _bounded(series: list[Series]) -> list[Series]:
    if len(series) <= SERIES_MAX:
        return series
    rest = series[SERIES_MAX - 1 :]

    def added(rows: list[Sequence[int | None]]) -> list[int | None]:
        return [sum(value or 0 for value in values) for values in zip(*rows, strict=True)]

    others = Series(OTHERS, "Others", added([one.counts for one in rest]), added([one.amounts for one in rest]))
    return [*series[: SERIES_MAX - 1], others]


def names_of(metric: Metric, group: str, keys: Sequence[str]) -> dict[str, str]:
    """What people call the keys of a metric's series."""
    if not group:
        return {"": metric.title}
    if group == "branch":
        return {str(pk): name for pk, name in Branch.objects.filter(pk__in=keys).values_list("pk", "name")}
    match metric.by:
        case "gl":
            return dict(gl_accounts().filter(code__in=keys).values_list("code", "name"))
        case "code":
            products: dict[str, str] = dict(AccountProduct.objects.filter(code__in=keys).values_list("code", "name"))
            return {**dict(LoanProduct.objects.filter(code__in=keys).values_list("code", "name")), **products}
        case "user":
            found = User.objects.filter(pk__in=[UUID(key) for key in keys])
            return {str(user.pk): user.full_name for user in found}
        case "late":
            return {key: "On time" if key == "0" else f"{key} days late" for key in keys}
    return {key: kind_text(key) for key in keys}


def metrics_shown() -> list[dict[str, Any]]:
    """Every metric with its definition."""
    return [
        {
            "code": metric.code,
            "title": metric.title,
            "kind": metric.kind,
            "divided_by": metric.by,
            "has_amounts": metric.money,
            "definition": metric.definition,
        }
        for metric in METRICS.values()
    ]
