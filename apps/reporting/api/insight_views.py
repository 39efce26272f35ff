"""Statistics over HTTP, each with its method and, for forecasts, the error that it had on the past."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.fields import ChoiceField, CurrencyField, TextField
from apps.core.api.query import QueryParams
from apps.core.api.views import ApiView, respond
from apps.core.currencies import minor_format
from apps.core.money import minor_round
from apps.identity.models import User
from apps.ledger.selectors import business_date_current
from apps.reporting.insights import METHOD, deposits_spread, insight_read, member_cohorts, question_of
from apps.reporting.metrics import METRICS
from apps.reporting.selectors import report_branch


class InsightParams(QueryParams):
    """Which metric is looked into, over three years of whole months."""

    metric = ChoiceField(choices=list(METRICS))
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    currency = CurrencyField(required=False, help_text="The bank's own unless given.")


class SpreadParams(QueryParams):
    """Whose balances are looked at."""

    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")
    currency = CurrencyField(required=False, help_text="The bank's own unless given.")


class CohortParams(QueryParams):
    """Whose members are looked at."""

    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code of a branch.")


class InsightOutlierSerializer(serializers.Serializer):
    """A month whose change stands out."""

    month = serializers.DateField()
    change = serializers.CharField()


class InsightSerializer(serializers.Serializer):
    """What a series says. Figures are decimal strings; shares are decimals of one."""

    metric = serializers.CharField()
    currency = serializers.CharField(allow_null=True)
    labels = serializers.ListField(child=serializers.DateField())
    values = serializers.ListField(child=serializers.CharField())
    change_a_month = serializers.CharField(help_text="Slope of the line through the months.")
    fit = serializers.CharField(help_text="R squared of the line.")
    outliers = InsightOutlierSerializer(many=True)
    forecast_labels = serializers.ListField(child=serializers.DateField())
    forecast = serializers.ListField(child=serializers.CharField())
    forecast_method = serializers.ChoiceField(choices=["trend", "trend_season"])
    error = serializers.CharField(allow_null=True, help_text="Of the method on the past.")
    naive_error = serializers.CharField(allow_null=True, help_text="Of repeating what was.")
    beats_naive = serializers.BooleanField(allow_null=True)
    method = serializers.CharField()


class SpreadSerializer(serializers.Serializer):
    """How balances of deposit accounts are spread."""

    currency = serializers.CharField()
    accounts = serializers.IntegerField()
    total = serializers.CharField()
    mean = serializers.CharField()
    least = serializers.CharField()
    quartiles = serializers.ListField(child=serializers.CharField())
    most = serializers.CharField()
    deviation = serializers.CharField()
    concentration = serializers.CharField(help_text="Gini's coefficient: 0 all the same, near 1 one has all.")


class CohortSerializer(serializers.Serializer):
    """Members who joined in a month, and how many of them were active in each month from then on."""

    month = serializers.DateField()
    size = serializers.IntegerField()
    active = serializers.ListField(child=serializers.IntegerField())


class CohortsSerializer(serializers.Serializer):
    """Cohorts of a year."""

    definition = serializers.CharField()
    data = CohortSerializer(many=True)  # type: ignore[assignment]


def _asked(values: dict[str, Any], request: Request) -> tuple[str, Any]:
    user = cast("User", request.user)
    return values.get("currency") or settings.NUMINA["BASE_CURRENCY"], report_branch(user=user, code=values["branch"])[
        1
    ]


def _share(value: Fraction | None) -> str | None:
    """A share with four decimals."""
    if value is None:
        return None
    digits = minor_round(value * 10_000, 1, "half_even")
    return f"{digits // 10_000}.{digits % 10_000:04d}"


class InsightView(ApiView):
    """What a metric says beyond its sums."""

    permissions: ClassVar = {"GET": "reporting.analytics"}
    also_answers: ClassVar = {"GET": frozenset({404, 422})}

    @extend_schema(
        summary="Look into a metric",
        description="Trend, outliers and a forecast of six months from whole months of three years, with the method "
        "and its error on the past.",
        parameters=[InsightParams],
        responses=InsightSerializer,
    )
    def get(self, request: Request) -> Response:
        values = InsightParams.parse(request)
        currency, branches = _asked(values, request)
        metric, until = METRICS[values["metric"]], business_date_current()
        question = question_of(metric=metric.code, currency=currency, until=until, branch_ids=branches)
        found = insight_read(question, counts=not metric.money)

        def shown(value: int | Fraction) -> str:
            whole = minor_round(value, 1, "half_even")
            return minor_format(whole, currency) if metric.money else str(whole)

        return respond(
            {
                "metric": metric.code,
                "currency": currency if metric.money else None,
                "labels": found.months,
                "values": [shown(value) for value in found.values],
                "change_a_month": shown(found.line.slope),
                "fit": _share(found.line.fit),
                "outliers": [{"month": found.months[one.place + 1], "change": shown(one.value)} for one in found.odd],
                "forecast_labels": found.next_months,
                "forecast": [shown(value) for value in found.ahead.values],
                "forecast_method": found.ahead.method,
                "error": _share(found.ahead.error),
                "naive_error": _share(found.ahead.naive_error),
                "beats_naive": found.ahead.beats_naive,
                "method": METHOD,
            }
        )


class SpreadView(ApiView):
    """How deposits are spread."""

    permissions: ClassVar = {"GET": "reporting.analytics"}
    also_answers: ClassVar = {"GET": frozenset({404, 422})}

    @extend_schema(summary="See how deposits are spread", parameters=[SpreadParams], responses=SpreadSerializer)
    def get(self, request: Request) -> Response:
        """Mean, quartiles, deviation and concentration of the balances of open accounts, now."""
        values = SpreadParams.parse(request)
        currency, branches = _asked(values, request)
        found = deposits_spread(currency=currency, branch_ids=branches)

        def shown(value: int | Fraction) -> str:
            return minor_format(minor_round(value, 1, "half_even"), currency)

        return respond(
            {
                "currency": currency,
                "accounts": found.count,
                "total": shown(found.total),
                "mean": shown(found.mean),
                "least": shown(found.least),
                "quartiles": [shown(value) for value in found.quartiles],
                "most": shown(found.most),
                "deviation": shown(found.deviation),
                "concentration": _share(found.concentration),
            }
        )


class CohortsView(ApiView):
    """Cohorts of members."""

    permissions: ClassVar = {"GET": "reporting.analytics"}
    also_answers: ClassVar = {"GET": frozenset({404})}

    @extend_schema(summary="See cohorts of members", parameters=[CohortParams], responses=CohortsSerializer)
    def get(self, request: Request) -> Response:
        """By month of joining, over a year: how many had an entry on an account in each month."""
        values = CohortParams.parse(request)
        branches = report_branch(user=cast("User", request.user), code=values["branch"])[1]
        rows = member_cohorts(until=business_date_current(), branch_ids=branches)
        return respond(
            {
                "definition": "A member is active in a month with an entry on one of the member's accounts.",
                "data": [{"month": one.start, "size": one.size, "active": one.active} for one in rows],
            }
        )
