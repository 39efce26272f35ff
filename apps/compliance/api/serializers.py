"""What compliance's API reads and shows."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from apps.compliance.models import Flag, LegalHold, PrivacyRequest
from apps.core.api.fields import BooleanField, ChoiceField, TextField, UUIDField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer

OUTCOMES = [choice for choice in Flag.Status.choices if choice[0] != Flag.Status.OPEN]


class FlagSerializer(serializers.ModelSerializer):
    """Something unusual that a rule saw."""

    decided_by = serializers.UUIDField(source="decided_by_id", allow_null=True)
    facts = serializers.DictField()
    object_type = serializers.CharField(source="subject_type", help_text="For example accounts.account.")
    object_id = serializers.CharField(source="subject_id")
    object_label = serializers.CharField(source="subject_label")
    date = serializers.DateField(source="day", help_text="The business date that it is about.")

    class Meta:
        model = Flag
        fields = (
            "id",
            "rule",
            "object_type",
            "object_id",
            "object_label",
            "date",
            "detected_at",
            "summary",
            "facts",
            "status",
            "decided_by",
            "decided_at",
            "comment",
            "created_at",
            "version",
        )
        read_only_fields = fields


class FlagsQuery(ListParams):
    """Filters of the list of flags."""

    sorts: ClassVar = {"created_at": "created_at"}

    status = ChoiceField(choices=Flag.Status.choices, required=False)
    rule = TextField(max_length=40, required=False, identifier=True)
    object_id = TextField(max_length=64, required=False, identifier=True)


class FlagDecisionSerializer(StrictSerializer):
    """What the flag turned out to be."""

    outcome = ChoiceField(choices=OUTCOMES)
    comment = TextField(max_length=500)


class PrivacyRequestSerializer(serializers.ModelSerializer):
    """A request about a member's data. The certificate says what went and what stays."""

    member_id = serializers.UUIDField()
    requested_by = serializers.UUIDField(source="requested_by_id")
    decided_by = serializers.UUIDField(source="decided_by_id", allow_null=True)
    certificate = serializers.DictField(allow_null=True)

    class Meta:
        model = PrivacyRequest
        fields = (
            "id",
            "kind",
            "status",
            "member_id",
            "requested_by",
            "reason",
            "decided_by",
            "decided_at",
            "note",
            "certificate",
            "created_at",
            "version",
        )
        read_only_fields = fields


class PrivacyRequestsQuery(ListParams):
    """Filters of the list of requests."""

    sorts: ClassVar = {"created_at": "created_at"}

    kind = ChoiceField(choices=PrivacyRequest.Kind.choices, required=False)
    status = ChoiceField(choices=PrivacyRequest.Status.choices, required=False)
    member_id = UUIDField(required=False)


class PrivacyRequestMakeSerializer(StrictSerializer):
    """A new request. Members ask for themselves and name nobody."""

    kind = ChoiceField(choices=PrivacyRequest.Kind.choices)
    member_id = UUIDField(required=False, help_text="Staff only: for whom.")
    reason = TextField(max_length=254, required=False, allow_blank=True, default="")


class ErasureDecisionSerializer(StrictSerializer):
    """Yes or no, and why."""

    approve = BooleanField()
    note = TextField(max_length=500)


class LegalHoldSerializer(serializers.ModelSerializer):
    """A hold on a member's data."""

    member_id = serializers.UUIDField()

    class Meta:
        model = LegalHold
        fields = ("id", "member_id", "reason", "created_at", "lifted_at")
        read_only_fields = fields


class LegalHoldPlaceSerializer(StrictSerializer):
    """Whose data is kept as it is, and why."""

    member_id = UUIDField()
    reason = TextField(max_length=254)


class LegalHoldLiftSerializer(StrictSerializer):
    """Why the hold ends."""

    reason = TextField(max_length=254)
