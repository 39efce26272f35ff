"""Closed years, layouts and rates, as the API takes and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.api.fields import ChoiceField, CurrencyField, DateField, DecimalField, TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.core.money import Money
from apps.reporting.models import YearClose
from apps.reporting.statements import KINDS


class YearListParams(ListParams):
    """Years that were closed, the newest first."""

    sorts = {"year": "year"}
    default_sort = "-year"


class YearReopenSerializer(StrictSerializer):
    """Why a year is opened again."""

    reason = TextField(max_length=200)


class YearCloseSerializer(serializers.Serializer):
    """A year that was closed. `results` are what its closing entries moved into retained earnings, by currency."""

    year = serializers.IntegerField()
    status = serializers.ChoiceField(choices=YearClose.Status.choices)
    results = serializers.SerializerMethodField()
    entry_count = serializers.IntegerField(help_text="Closing entries posted so far, their reversals included.")
    reason = serializers.CharField()
    changed_at = serializers.DateTimeField()

    def get_results(self, row: Any) -> serializers.ListField(child=MoneyField(read_only=True)):  # type: ignore[valid-type]
        return [{"amount": Money(minor, code).amount, "currency": code} for code, minor in sorted(row.results.items())]


class LayoutListParams(ListParams):
    """Layouts that the bank wrote, the newest first."""

    kind = ChoiceField(choices=list(KINDS), required=False)


class LayoutRequestSerializer(StrictSerializer):
    """A layout: sections of the chart, sums and remarks from top to bottom; see docs/reference/reports.md."""

    kind = ChoiceField(choices=list(KINDS))
    definition = serializers.DictField()
    note = TextField(max_length=200, required=False, default="", allow_blank=True, help_text="Why it is written.")


class LayoutSerializer(serializers.Serializer):
    """A layout. The active one of its kind holds; where none is, the built-in does."""

    kind = serializers.CharField()
    number = serializers.IntegerField()
    definition = serializers.DictField()
    note = serializers.CharField()
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class RateListParams(ListParams):
    """Rates of translation, the newest day first."""

    sorts = {"date": "day"}
    default_sort = "-date"

    currency = CurrencyField(required=False)


class RateRequestSerializer(StrictSerializer):
    """What one unit of a currency was worth in the base currency at the end of a day."""

    currency = CurrencyField()
    date = DateField(source="day")
    rate = DecimalField(max_digits=24, decimal_places=12, min_value=0)

    def validate_rate(self, value: Any) -> Any:
        if not value:
            raise serializers.ValidationError("Must be above zero.", code="min_value")
        return value


class RateSerializer(serializers.Serializer):
    """A rate: units of the base currency for one unit."""

    currency = serializers.CharField()
    date = serializers.DateField(source="day")
    rate = serializers.DecimalField(max_digits=24, decimal_places=12, normalize_output=True)
