"""What the API reads and shows of product terms, fees and interest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.interest_terms import DAY_COUNTS
from apps.accounts.models import InterestPosting, ProductFee, ProductTerms
from apps.accounts.selectors import ExplainedDay, InterestExplained, formula_of
from apps.calculations.rounding import decimal_text
from apps.core.api.fields import BooleanField, ChoiceField, DateField, DecimalField, IntegerField, TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.serializers import StrictSerializer
from apps.core.currencies import currency_get, minor_format

CURRENCY = "product.currency_id"


def rate_field(**kwargs: Any) -> DecimalField:
    """A fraction: 0.055 is 5.5 %."""
    return DecimalField(max_digits=14, decimal_places=10, min_value=Decimal(0), max_value=Decimal(1_000), **kwargs)


class InterestTierSerializer(StrictSerializer):
    """From this balance on, this rate a year."""

    from_balance = MoneyField(positive=False)
    rate = rate_field(help_text="A fraction: 0.055 is 5.5 %.")


class InterestTierShownSerializer(serializers.Serializer):
    """From this balance on, this rate a year."""

    from_balance = MoneyField()
    rate = serializers.CharField()


class TermsSerializer(serializers.ModelSerializer):
    """Terms of a product from a date on."""

    rates = serializers.SerializerMethodField()
    overdraft_rates = serializers.SerializerMethodField()
    interest_minimum = MoneyField(minor_source="interest_minimum", currency_source=CURRENCY)
    minimum_balance = MoneyField(minor_source="minimum_balance", currency_source=CURRENCY)
    maximum_balance = MoneyField(minor_source="maximum_balance", currency_source=CURRENCY, allow_null=True)

    class Meta:
        model = ProductTerms
        fields = (
            "id",
            "effective_from",
            "rates",
            "overdraft_rates",
            "balance_method",
            "tiering",
            "day_count",
            "compounding",
            "posting",
            "interest_minimum",
            "accrual_decimals",
            "posting_rounding",
            "posting_unit",
            "remainder",
            "tax_rate",
            "early_rate",
            "grace_days",
            "minimum_balance",
            "minimum_kept",
            "maximum_balance",
            "dormant_after_days",
            "channels",
            "note",
            "created_at",
        )
        read_only_fields = fields

    def _tiers(self, rows: list[list[Any]], terms: ProductTerms) -> list[dict[str, Any]]:
        currency = terms.product.currency_id
        return [
            {"from_balance": {"amount": minor_format(start, currency), "currency": currency}, "rate": rate}
            for start, rate in rows
        ]

    @extend_schema_field(InterestTierShownSerializer(many=True))
    def get_rates(self, terms: ProductTerms) -> list[dict[str, Any]]:
        return self._tiers(terms.rates, terms)

    @extend_schema_field(InterestTierShownSerializer(many=True))
    def get_overdraft_rates(self, terms: ProductTerms) -> list[dict[str, Any]]:
        return self._tiers(terms.overdraft_rates, terms)


class TermsCreateSerializer(StrictSerializer):
    """New terms; what is not sent is as the model says: ACT/365F on daily balances, paid every month."""

    effective_from = DateField(help_text="An open business date, today or later.")
    rates = serializers.ListField(child=InterestTierSerializer(), required=False, max_length=50)
    overdraft_rates = serializers.ListField(child=InterestTierSerializer(), required=False, max_length=50)
    balance_method = ChoiceField(choices=ProductTerms.Method.choices, required=False)
    tiering = ChoiceField(choices=ProductTerms.Tiering.choices, required=False)
    day_count = ChoiceField(choices=DAY_COUNTS, required=False)
    compounding = ChoiceField(choices=ProductTerms.Compounding.choices, required=False)
    posting = ChoiceField(choices=ProductTerms.Posting.choices, required=False)
    interest_minimum = MoneyField(positive=False, required=False)
    accrual_decimals = IntegerField(min_value=0, max_value=10, required=False)
    posting_rounding = ChoiceField(choices=ProductTerms.Rounding.choices, required=False)
    posting_unit = IntegerField(min_value=1, max_value=1_000_000, required=False, help_text="Minor units.")
    remainder = ChoiceField(choices=ProductTerms.Remainder.choices, required=False)
    tax_rate = DecimalField(
        max_digits=7, decimal_places=6, min_value=Decimal(0), max_value=Decimal("0.999999"), required=False
    )
    early_rate = DecimalField(max_digits=9, decimal_places=8, min_value=Decimal(0), required=False, allow_null=True)
    grace_days = IntegerField(min_value=0, max_value=90, required=False)
    minimum_balance = MoneyField(positive=False, required=False)
    minimum_kept = BooleanField(required=False)
    maximum_balance = MoneyField(required=False, allow_null=True)
    dormant_after_days = IntegerField(min_value=30, max_value=36_500, required=False, allow_null=True)
    channels = serializers.ListField(child=TextField(max_length=20, identifier=True), required=False, max_length=20)
    note = TextField(max_length=200, required=False, allow_blank=True)


class FeeSerializer(serializers.ModelSerializer):
    """A fee of a product."""

    amount = MoneyField(minor_source="amount", currency_source=CURRENCY)
    fee_min = MoneyField(minor_source="fee_min", currency_source=CURRENCY)
    fee_max = MoneyField(minor_source="fee_max", currency_source=CURRENCY, allow_null=True)

    class Meta:
        model = ProductFee
        fields = (
            "id",
            "kind",
            "name",
            "amount",
            "percent",
            "fee_min",
            "fee_max",
            "free_quota",
            "channels",
            "effective_from",
            "effective_to",
            "version",
        )
        read_only_fields = fields


class FeeCreateSerializer(StrictSerializer):
    """A new fee: amount + percent x base, within its limits."""

    kind = ChoiceField(choices=ProductFee.Kind.choices)
    name = TextField(max_length=80)
    amount = MoneyField(positive=False, required=False)
    percent = DecimalField(max_digits=9, decimal_places=8, min_value=Decimal(0), max_value=Decimal(1), required=False)
    fee_min = MoneyField(positive=False, required=False)
    fee_max = MoneyField(positive=False, required=False, allow_null=True)
    free_quota = IntegerField(min_value=0, max_value=10_000, required=False, help_text="Movements a month.")
    channels = serializers.ListField(child=TextField(max_length=20, identifier=True), required=False, max_length=20)
    effective_from = DateField()
    effective_to = DateField(required=False, allow_null=True)


class FeeEndSerializer(StrictSerializer):
    """The last day on which a fee is charged."""

    effective_to = DateField()


class DayBalanceSerializer(serializers.Serializer):
    """The balance at the end of a day."""

    date = serializers.DateField()
    booked = MoneyField(help_text="By business date, as statements have it.")
    valued = MoneyField(help_text="By value date, as interest has it.")


class RateSliceSerializer(serializers.Serializer):
    """A part of the balance and its rate."""

    amount = serializers.CharField()
    rate = serializers.CharField()


class AccrualRowSerializer(serializers.Serializer):
    """A row that was written at a close."""

    accrued_on = serializers.DateField()
    base = serializers.CharField()
    earned = serializers.CharField()
    owed = serializers.CharField()
    is_correction = serializers.BooleanField()


class ExplainedDaySerializer(serializers.Serializer):
    """The interest of a day; amounts in units of the currency, not rounded to cents."""

    date = serializers.DateField()
    terms_id = serializers.UUIDField()
    base = serializers.CharField(help_text="The balance that it was taken on.")
    fraction = serializers.CharField(help_text="The part of a year.")
    slices = RateSliceSerializer(many=True)
    formula = serializers.CharField()
    interest = serializers.CharField(help_text="Earned less owed.")
    is_corrected = serializers.BooleanField()
    rows = AccrualRowSerializer(many=True)


class InterestDayCountSerializer(serializers.Serializer):
    """The day count."""

    day_count = serializers.CharField()
    formula = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of ours, not the argument of a field


class InterestRoundingSerializer(serializers.Serializer):
    """Where figures are rounded, and how."""

    accrual = serializers.CharField()
    posting = serializers.CharField()
    tax = serializers.CharField()


class ExplainedTermsSerializer(serializers.Serializer):
    """The rule behind some of the days."""

    terms = TermsSerializer()
    convention = InterestDayCountSerializer()
    formula = serializers.CharField()
    rounding = InterestRoundingSerializer()


class InterestPostingSerializer(serializers.ModelSerializer):
    """Interest paid or charged."""

    credit = MoneyField(minor_source="credit", currency_source="account.currency")
    debit = MoneyField(minor_source="debit", currency_source="account.currency")
    tax = MoneyField(minor_source="tax", currency_source="account.currency")

    starts_on = serializers.DateField(source="since", help_text="First day of the interest.")
    ends_on = serializers.DateField(source="until", help_text="Its last day.")

    class Meta:
        model = InterestPosting
        fields = ("starts_on", "ends_on", "business_date", "credit", "debit", "tax", "transaction_id", "status")
        read_only_fields = fields


class SourceSerializer(serializers.Serializer):
    """A movement that the balances come from."""

    entry_number = serializers.IntegerField()
    transaction_id = serializers.UUIDField()
    kind = serializers.CharField()
    business_date = serializers.DateField()
    value_date = serializers.DateField()
    amount = serializers.CharField()


class InterestExplainedSerializer(serializers.Serializer):
    """How the interest of an account came about."""

    account_id = serializers.UUIDField()
    currency = serializers.CharField()
    earned = serializers.CharField(help_text="Of these days, exactly.")
    owed = serializers.CharField()
    unpaid = serializers.CharField(help_text="All that has accrued and is not posted.")
    rules = ExplainedTermsSerializer(many=True)
    days = ExplainedDaySerializer(many=True)
    postings = InterestPostingSerializer(many=True)
    sources = SourceSerializer(many=True, help_text="Movements by value date in these days, at most 500.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python, so it is declared here."""
        return {"from": serializers.DateField(), "to": serializers.DateField(), **super().get_fields()}


def interest_shown(found: InterestExplained) -> dict[str, Any]:
    """What InterestExplainedSerializer describes."""
    account = found.account
    shift = -currency_get(account.currency).exponent

    def units(minor: Decimal | int) -> str:
        return decimal_text(minor, shift=shift, places=12)

    def day_shown(day: ExplainedDay) -> dict[str, Any]:
        return {
            "date": day.day,
            "terms_id": day.terms.pk,
            "base": units(day.base),
            "fraction": day.fraction,
            "slices": [{"amount": units(amount), "rate": decimal_text(rate)} for amount, rate in day.slices],
            "formula": formula_of(day, account.currency),
            "interest": units(day.earned - day.owed),
            "is_corrected": day.is_corrected,
            "rows": [
                {
                    "accrued_on": row.accrued_on,
                    "base": units(row.base),
                    "earned": units(row.earned),
                    "owed": units(row.owed),
                    "is_correction": row.is_correction,
                }
                for row in day.rows
            ],
        }

    names = ("entry_number", "transaction_id", "kind", "business_date", "value_date")
    return {
        "from": found.starts_on,
        "to": found.ends_on,
        "account_id": account.pk,
        "currency": account.currency,
        "earned": units(found.earned),
        "owed": units(found.owed),
        "unpaid": units(found.unpaid),
        "rules": [{"terms": TermsSerializer(terms).data, **told} for terms, told in found.conventions],
        "days": [day_shown(day) for day in found.days],
        "postings": InterestPostingSerializer(found.postings, many=True).data,
        "sources": [{**dict(zip(names, row[:5], strict=True)), "amount": units(row[5])} for row in found.sources],
    }
