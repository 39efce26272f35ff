"""Requests and answers of standing instructions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.calculations.business_days import CONVENTIONS
from apps.core.api.fields import ChoiceField, DateField, DecimalField, IntegerField, TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.core.errors import CurrencyMismatch
from apps.payments.api.serializers import DESCRIPTION_MAX, REASON_MAX, REFERENCE_MAX, account_field, signed_by_field
from apps.payments.models import StandingExecution, StandingInstruction

COUNT_MAX = 10_000
RETRIES_MAX = 10
AMOUNTS = ("amount", "keep", "amount_max", "total_max")


def percentage_field(**kwargs: Any) -> DecimalField:
    """A part of the balance in percent."""
    return DecimalField(max_digits=7, decimal_places=4, **kwargs)


class InstructionChangeSerializer(StrictSerializer):
    """What of an instruction may change; its kind and its rule stay. Null takes an end or a cap away."""

    amount = MoneyField(required=False, help_text="Of a fixed amount.")
    percentage = percentage_field(required=False, help_text="Of the balance less holds, in percent.")
    keep = MoneyField(positive=False, required=False, help_text="What a sweep leaves.")
    amount_max = MoneyField(required=False, allow_null=True, help_text="The most that one date moves.")
    description = TextField(max_length=DESCRIPTION_MAX, required=False, allow_blank=True)
    reference = TextField(max_length=REFERENCE_MAX, required=False, allow_blank=True, identifier=True)
    ends_on = DateField(required=False, allow_null=True, help_text="The last date of the rule that counts.")
    count_max = IntegerField(
        min_value=1, max_value=COUNT_MAX, required=False, allow_null=True, help_text="After so many dates it ends."
    )
    total_max = MoneyField(required=False, allow_null=True, help_text="Once so much was moved it ends.")
    retries = IntegerField(
        min_value=0,
        max_value=RETRIES_MAX,
        required=False,
        help_text="On so many business days more funds are looked for.",
    )
    failures_max = IntegerField(
        min_value=1, max_value=COUNT_MAX, required=False, help_text="So many failed dates in a row pause it."
    )
    catch_up = ChoiceField(
        choices=StandingInstruction.CatchUp.choices,
        required=False,
        help_text="What becomes of dates that were missed: each of them is paid, or only the latest.",
    )


class InstructionRequestSerializer(InstructionChangeSerializer):
    """An instruction as it is asked for."""

    signed_by = signed_by_field()
    source_account = account_field()
    destination_account = account_field()
    kind = ChoiceField(choices=StandingInstruction.Kind.choices)
    rule = TextField(max_length=500, identifier=True, help_text="RFC 5545, dates only: FREQ=MONTHLY;BYMONTHDAY=31")
    starts_on = DateField(help_text="The open business date or later; a date only where the rule gives it.")
    month_end = ChoiceField(
        choices=StandingInstruction.MonthEnd.choices,
        required=False,
        help_text="What a day becomes that a month does not have: its last day (unless told otherwise), or no date.",
    )
    convention = ChoiceField(
        choices=list(CONVENTIONS), required=False, help_text="How a date moves that is no business day."
    )


class InstructionSerializer(serializers.Serializer):
    """A standing instruction."""

    id = serializers.UUIDField()
    source_account = serializers.CharField(source="source.number")
    destination_account = serializers.CharField(source="destination.number")
    kind = serializers.ChoiceField(choices=StandingInstruction.Kind.choices)
    amount = MoneyField(minor_source="amount", allow_null=True)
    percentage = serializers.DecimalField(max_digits=7, decimal_places=4, allow_null=True)
    keep = MoneyField(minor_source="keep")
    amount_max = MoneyField(minor_source="amount_max", allow_null=True)
    description = serializers.CharField()
    reference = serializers.CharField()
    rule = serializers.CharField()
    starts_on = serializers.DateField()
    month_end = serializers.ChoiceField(choices=StandingInstruction.MonthEnd.choices)
    convention = serializers.ChoiceField(choices=list(CONVENTIONS))
    ends_on = serializers.DateField(allow_null=True)
    count_max = serializers.IntegerField(allow_null=True)
    total_max = MoneyField(minor_source="total_max", allow_null=True)
    retries = serializers.IntegerField()
    failures_max = serializers.IntegerField()
    catch_up = serializers.ChoiceField(choices=StandingInstruction.CatchUp.choices)
    status = serializers.ChoiceField(choices=StandingInstruction.Status.choices)
    status_reason = serializers.CharField()
    next_on = serializers.DateField(allow_null=True, help_text="The business day of its next date.")
    dates_passed = serializers.IntegerField()
    dates_paid = serializers.IntegerField()
    total = MoneyField(minor_source="total")
    created_at = serializers.DateTimeField()
    version = serializers.IntegerField()


class InstructionListParams(ListParams):
    """Filters of the list of instructions."""

    account = account_field(required=False)
    status = ChoiceField(choices=StandingInstruction.Status.choices, required=False)


class InstructionReasonSerializer(StrictSerializer):
    """Why an instruction is paused or cancelled."""

    reason = TextField(max_length=REASON_MAX)


class ExecutionSerializer(serializers.Serializer):
    """What became of one date."""

    id = serializers.IntegerField()
    nominal = serializers.DateField(help_text="The date of the rule.")
    due_on = serializers.DateField(help_text="The business day that it became.")
    status = serializers.ChoiceField(choices=StandingExecution.Status.choices)
    attempts = serializers.IntegerField()
    amount = MoneyField(minor_source="amount", allow_null=True)
    transaction_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(help_text="Why it was not paid.")
    next_try_on = serializers.DateField(allow_null=True)
    business_date = serializers.DateField()
    tried_at = serializers.DateTimeField(source="at", help_text="When it was last tried.")


class ExecutionListParams(ListParams):
    """What became of the dates of an instruction, newest date first."""

    sorts = {"nominal": "nominal"}
    default_sort = "-nominal"
    status = ChoiceField(choices=StandingExecution.Status.choices, required=False)


class RunSerializer(serializers.Serializer):
    """What a run on demand came to."""

    executions = ExecutionSerializer(many=True)


def terms_read(body: dict[str, Any], currency: str) -> dict[str, Any]:
    """The body with its amounts in minor units of the source. Raises CurrencyMismatch for another currency."""
    read = dict(body)
    for name in AMOUNTS:
        money = read.get(name)
        if money is not None:
            if money.currency != currency:
                raise CurrencyMismatch(f"The source is in {currency}.", pointer=f"/{name}/currency")
            read[name] = money.minor
    return read
