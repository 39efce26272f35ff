"""What the API shows of kinds, policies, the simulator, delegations and the report."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from apps.approvals.api.serializers import KIND_MAX, ApprovalPersonSerializer, ObjectField
from apps.approvals.models import ApprovalPolicy, Delegation
from apps.core.api.fields import ChoiceField, DateField, DateTimeField, TextField, UUIDField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer
from apps.core.money import Money


class ApprovalKindSerializer(serializers.Serializer):
    """A kind of action."""

    kind = serializers.CharField(source="name")
    title = serializers.CharField()
    permission = serializers.CharField(help_text="What the maker must hold.")


class ApprovalKindsSerializer(serializers.Serializer):
    """Every kind of action that can need approval."""

    data: Any = ApprovalKindSerializer(many=True)


class ApprovalPolicySerializer(serializers.Serializer):
    """A version of a policy."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    number = serializers.IntegerField(help_text="The version, from 1.")
    name = serializers.CharField()
    effective_from = serializers.DateField()
    status = serializers.ChoiceField(choices=ApprovalPolicy.State.values, source="state")
    document: Any = serializers.DictField()
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class ApprovalPolicyListParams(ListParams):
    """Parameters of the list of policies."""

    kind = TextField(max_length=KIND_MAX, required=False, identifier=True)
    status = ChoiceField(choices=ApprovalPolicy.State.values, required=False)


class ApprovalPolicyDraftSerializer(StrictSerializer):
    """The next version of a kind's policy."""

    kind = TextField(max_length=KIND_MAX, identifier=True)
    name = TextField(max_length=120)
    effective_from = DateField()
    document = ObjectField(help_text="Segments, bands and levels: docs/reference/approvals.md.")


class ApprovalSimulateSerializer(StrictSerializer):
    """An action that is only thought of."""

    kind = TextField(max_length=KIND_MAX, identifier=True)
    amount = MoneyField(required=False)
    as_of = DateField(required=False, help_text="Today unless given.")
    branch = TextField(max_length=20, required=False, identifier=True, help_text="Code.")
    maker_id = UUIDField(required=False, help_text="You unless given.")
    product = TextField(max_length=40, required=False, identifier=True)
    member_type = TextField(max_length=40, required=False, identifier=True)
    channel = TextField(max_length=40, required=False, identifier=True)
    risk_flags = serializers.ListField(child=TextField(max_length=40, identifier=True), required=False, max_length=20)
    document = ObjectField(required=False, help_text="Rules to try, instead of those in force.")


class SimulatedLevelSerializer(serializers.Serializer):
    """A level and who could decide on it now."""

    name = serializers.CharField()
    stage = serializers.IntegerField()
    need = serializers.CharField()
    sla_hours = serializers.IntegerField()
    people: Any = serializers.ListField(child=serializers.CharField())


class SimulatedSerializer(serializers.Serializer):
    """Who would approve it, and by which rule."""

    asks = serializers.BooleanField()
    why: Any = serializers.DictField()
    levels = SimulatedLevelSerializer(many=True)


class DelegationSerializer(serializers.Serializer):
    """Who stands in for whom, and when."""

    id = serializers.UUIDField()
    principal = ApprovalPersonSerializer()
    delegate = ApprovalPersonSerializer()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    kinds: Any = serializers.ListField(child=serializers.CharField())
    limit = serializers.SerializerMethodField()
    reason = serializers.CharField()
    status = serializers.ChoiceField(choices=Delegation.State.values, source="state")
    approval_url = serializers.SerializerMethodField(help_text="Where its own approval is, right after asking.")

    def get_limit(self, row: Delegation) -> MoneyField(allow_null=True):  # type: ignore[valid-type]
        """The most that may be decided, in the base currency."""
        if row.limit_minor is None:
            return None
        money = Money(row.limit_minor, settings.NUMINA["BASE_CURRENCY"])
        return {"amount": money.amount, "currency": money.currency}

    def get_approval_url(self, row: Delegation) -> str:
        """Empty unless it was asked for just now."""
        return str(self.context.get("approval_url", ""))


class DelegationListParams(ListParams):
    """Parameters of the list of delegations."""

    status = ChoiceField(choices=Delegation.State.values, required=False)


class DelegationCreateSerializer(StrictSerializer):
    """One's own authority, lent for a time."""

    delegate_id = UUIDField()
    starts_at = DateTimeField()
    ends_at = DateTimeField()
    kinds = serializers.ListField(
        child=TextField(max_length=KIND_MAX, identifier=True), required=False, max_length=50, help_text="None: all."
    )
    limit = MoneyField(required=False, help_text="In the base currency.")
    reason = TextField(max_length=255, required=False, allow_blank=True)


class SlaReportParams(QueryParams):
    """The period in which the levels were opened."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` and `to`, which cannot be names of Python's."""
        declared: dict[str, serializers.Field] = super().get_fields()
        declared["from"] = DateTimeField(required=False, help_text="30 days ago unless given.")
        declared["to"] = DateTimeField(required=False, help_text="Now unless given.")
        return declared


class SlaRowSerializer(serializers.Serializer):
    """One level of one kind."""

    kind = serializers.CharField()
    level = serializers.CharField()
    open = serializers.IntegerField()
    open_late = serializers.IntegerField()
    decided = serializers.IntegerField()
    decided_late = serializers.IntegerField()
    median_seconds = serializers.IntegerField(allow_null=True)
    p90_seconds = serializers.IntegerField(allow_null=True)
    escalations = serializers.IntegerField()


class SlaReportSerializer(serializers.Serializer):
    """How long decisions take."""

    as_of = serializers.DateTimeField()
    data: Any = SlaRowSerializer(many=True)
