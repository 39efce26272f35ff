"""Payments that wait for signatures, as the API shows them."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework import serializers

from apps.core.api.fields import ChoiceField, TextField
from apps.core.api.lean import answer
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer
from apps.payments.api.serializers import account_field
from apps.payments.models import PendingPayment

REASON_MAX = 200


class SignatureSerializer(serializers.Serializer):
    """Who signed, and when."""

    member_id = serializers.UUIDField()
    name = serializers.CharField(source="member.display_name")
    signed_at = serializers.DateTimeField(source="at")


class PendingPaymentSerializer(serializers.ModelSerializer):
    """A payment that waits for signatures, or what became of it."""

    account = serializers.CharField(source="account.number")
    amount = MoneyField(minor_source="amount", allow_null=True)
    transaction_id = serializers.UUIDField(help_text="What the payment has, or will have.")
    signatures = SignatureSerializer(many=True)

    class Meta:
        model = PendingPayment
        fields = (
            "id",
            "account",
            "kind",
            "amount",
            "words",
            "status",
            "needed",
            "signatures",
            "transaction_id",
            "outcome",
            "result_url",
            "created_at",
            "expires_at",
            "ended_at",
        )
        read_only_fields = fields


class PendingPaymentsQuery(ListParams):
    """Filters of the list."""

    status = ChoiceField(choices=PendingPayment.Status.choices, required=False)
    account = account_field(required=False)


class RefusalSerializer(StrictSerializer):
    """Why not."""

    reason = TextField(max_length=REASON_MAX)


def pending_answer(pending: PendingPayment) -> HttpResponse:
    """202 with what waits and where to look at it."""
    return answer(PendingPaymentSerializer(pending).data, status=202, location=f"/api/v1/pending-payments/{pending.pk}")
