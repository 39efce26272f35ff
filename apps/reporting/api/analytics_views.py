"""Analytics over HTTP: `{labels, series}` as charts take them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.fields import ChoiceField, CurrencyField, DateField, TextField
from apps.core.api.query import NoParams, QueryParams
from apps.core.api.serializers import WithFrom
from apps.core.api.views import ApiView, respond
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.reporting.analytics import chart_read, metrics_shown
from apps.reporting.facts import Question
from apps.reporting.metrics import METRICS
from apps.reporting.selectors import report_branch

INTERVALS = ["day", "week", "month", "quarter", "year"]
KEYS_MAX = 20


class AnalyticsParams(WithFrom, QueryParams):
    """What is asked of a metric."""

    metric = ChoiceField(choices=list(METRICS))
    from_ = DateField(required=False, help_text="A year before `to` unless given.")
    to = DateField(required=False, help_text="The open business date unless given.")
    interval = ChoiceField(choices=INTERVALS, default="month")
    group_by = ChoiceField(choices=["none", "key", "branch"], default="none", help_text="What each series is.")
    measure = ChoiceField(choices=["amount", "count"], required=False, help_text="Amounts where the metric has them.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    currency = CurrencyField(required=False, help_text="The bank's own unless given.")
    keys = TextField(max_length=400, required=False, identifier=True, help_text="Only these, with commas between.")


class AnalyticsMetricSerializer(serializers.Serializer):
    """A metric and what it means."""

    code = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=["stock", "flow"])
    divided_by = serializers.CharField(help_text="What the keys of its series are.")
    has_amounts = serializers.BooleanField()
    definition = serializers.CharField()


class AnalyticsMetricsSerializer(serializers.Serializer):
    """All metrics."""

    data = AnalyticsMetricSerializer(many=True)  # type: ignore[assignment]


class AnalyticsSeriesSerializer(serializers.Serializer):
    """A series. Amounts are decimal strings, counts numbers; null is before the first figure of a stock."""

    key = serializers.CharField()
    name = serializers.CharField()
    values = serializers.ListField(child=serializers.JSONField(allow_null=True))


class AnalyticsSerializer(serializers.Serializer):
    """A chart: a label for each interval (its first day), and a series for each thing."""

    metric = serializers.CharField()
    title = serializers.CharField()
    definition = serializers.CharField()
    kind = serializers.ChoiceField(choices=["stock", "flow"])
    measure = serializers.ChoiceField(choices=["amount", "count"])
    currency = serializers.CharField(allow_null=True)
    interval = serializers.ChoiceField(choices=INTERVALS)
    labels = serializers.ListField(child=serializers.DateField())
    series = AnalyticsSeriesSerializer(many=True)
    kept_to = serializers.DateField(allow_null=True, help_text="The last date whose summary is kept.")
    is_live = serializers.BooleanField(help_text="Whether newer dates, read from the books themselves, are in it.")


class AnalyticsMetricsView(ApiView):
    """What analytics can tell."""

    permissions: ClassVar = {"GET": "reporting.analytics"}

    @extend_schema(summary="List the metrics of analytics", responses=AnalyticsMetricsSerializer)
    def get(self, request: Request) -> Response:
        """With what each figure means."""
        NoParams.parse(request)
        return respond({"data": metrics_shown()})


class AnalyticsView(ApiView):
    """One metric over a time."""

    permissions: ClassVar = {"GET": "reporting.analytics"}
    also_answers: ClassVar = {"GET": frozenset({404})}

    @extend_schema(
        summary="Ask analytics",
        description="Labels and series ready for a chart. Closed dates come from summaries, open ones from the books; "
        "answers with an open date in them may be 30 seconds old.",
        parameters=[AnalyticsParams],
        responses=AnalyticsSerializer,
    )
    def get(self, request: Request) -> Response:
        values = AnalyticsParams.parse(request)
        user = cast("User", request.user)
        metric = METRICS[values["metric"]]
        measure = values["measure"] or ("amount" if metric.money else "count")
        until = values["to"] or business_date_current()
        branches = report_branch(user=user, code=values["branch"])[1]
        keys = tuple((values["keys"] or "").split(",")[:KEYS_MAX]) if values["keys"] else ()
        currency = values["currency"] or settings.NUMINA["BASE_CURRENCY"]
        chart = chart_read(
            Question(
                metric=metric.code,
                since=values["from"] or _year_before(until),
                until=until,
                interval=values["interval"],
                group="" if values["group_by"] == "none" else values["group_by"],
                currency=currency if metric.money else "",
                branch_ids=None if branches is None else tuple(sorted(branches)),
                keys=keys,
            )
        )
        return respond(_shown(chart, measure))


def _year_before(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=365)


def _shown(chart: Any, measure: str) -> dict[str, Any]:
    values = chart.values(measure if chart.metric.money else "count")
    return {
        "metric": chart.metric.code,
        "title": chart.metric.title,
        "definition": chart.metric.definition,
        "kind": chart.metric.kind,
        "measure": measure if chart.metric.money else "count",
        "currency": chart.question.currency or None,
        "interval": chart.question.interval,
        "labels": chart.labels,
        "series": [
            {"key": one.key, "name": one.name, "values": row} for one, row in zip(chart.series, values, strict=True)
        ],
        "kept_to": chart.kept_to,
        "is_live": chart.is_live,
    }
