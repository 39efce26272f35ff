"""What the API of approvals reads and shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from rest_framework import serializers

from apps.approvals.models import ApprovalLevel, ApprovalRequest
from apps.core.api.fields import (
    ChoiceField,
    IntegerField,
    NoteField,
    TextField,
    UUIDField,
)
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer

VERDICTS = ["approve", "reject", "return"]
OUTCOMES = ["done", "skipped"]
KIND_MAX = 60


class ObjectField(serializers.DictField):
    """A JSON object that can be kept as it is: fractions are decimal strings, as everywhere."""

    default_error_messages = {"fraction": "Numbers with a fraction are sent as decimal strings."}

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        below: list[Any] = [value]
        while below:
            item = below.pop()
            if isinstance(item, Decimal):
                self.fail("fraction")
            if isinstance(item, dict | list):
                below.extend(item.values() if isinstance(item, dict) else item)
        return value


class ApprovalPersonSerializer(serializers.Serializer):
    """Somebody, by id and name."""

    id = serializers.UUIDField(source="pk")
    name = serializers.CharField(source="get_full_name")


class ApprovalLevelSerializer(serializers.Serializer):
    """One level of the present round."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    stage = serializers.IntegerField(help_text="Levels of one stage are open side by side.")
    status = serializers.ChoiceField(choices=ApprovalLevel.State.values, source="state")
    need = serializers.IntegerField(help_text="How many must approve.")
    assignee = ApprovalPersonSerializer(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    escalations = serializers.IntegerField()


class ApprovalSerializer(serializers.Serializer):
    """A request for approval as lists show it."""

    id = serializers.UUIDField(source="public_id")
    number = serializers.CharField(help_text="What people quote.")
    kind = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=ApprovalRequest.State.values, source="state")
    status_at = serializers.DateTimeField(source="state_at")
    status_reason = serializers.CharField(source="state_reason")
    maker = ApprovalPersonSerializer()
    branch: Any = serializers.CharField(source="branch.code", default=None, allow_null=True)
    amount = MoneyField(minor_source="amount_minor", allow_null=True)
    member_label = serializers.CharField(help_text="Whom it is about.")
    risk_flags: Any = serializers.ListField(child=serializers.CharField())
    round = serializers.IntegerField()
    stage = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    version = serializers.IntegerField()
    result_url = serializers.CharField(help_text="What came of it, once executed.")
    error_code = serializers.CharField(help_text="Why it could not be carried out.")


class ApprovalTaskSerializer(serializers.Serializer):
    """An open level that asks the caller, with its request."""

    level = ApprovalLevelSerializer(source="*")
    approval = ApprovalSerializer(source="request")


class ApprovalChangeSerializer(serializers.Serializer):
    """A row of what the decision is about."""

    label: Any = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class ApprovalDecisionShownSerializer(serializers.Serializer):
    """A decision that was made."""

    round = serializers.IntegerField()
    level: Any = serializers.CharField(source="level.name")
    verdict = serializers.ChoiceField(choices=VERDICTS)
    actor = ApprovalPersonSerializer()
    authority = ApprovalPersonSerializer(help_text="In whose place, when not the actor's own.")
    comment = serializers.CharField()
    decided_at = serializers.DateTimeField()
    payload_hash = serializers.CharField(help_text="SHA-256 of what was decided on.")


class ApprovalDetailSerializer(ApprovalSerializer):
    """A request, whole: what changes, why approval is asked for, by whom, and what was decided."""

    payload: Any = serializers.DictField()
    payload_hash = serializers.CharField()
    changes = ApprovalChangeSerializer(many=True)
    rule: Any = serializers.DictField(help_text="The rule of the policy that asks for it.")
    facts: Any = serializers.DictField(help_text="What the policy looked at.")
    levels = serializers.SerializerMethodField()
    decisions = serializers.SerializerMethodField()
    result: Any = serializers.DictField(allow_null=True)

    def get_levels(self, request: ApprovalRequest) -> ApprovalLevelSerializer(many=True):  # type: ignore[valid-type]
        """Those of the present round."""
        levels = request.levels.filter(round=request.round).select_related("assignee")
        return ApprovalLevelSerializer(levels, many=True).data

    def get_decisions(self, request: ApprovalRequest) -> ApprovalDecisionShownSerializer(many=True):  # type: ignore[valid-type]
        """Of all rounds, oldest first."""
        rows = request.decisions.select_related("actor", "authority", "level")
        return ApprovalDecisionShownSerializer(rows, many=True).data


class ApprovalEventSerializer(serializers.Serializer):
    """Something that happened to a request."""

    id = serializers.IntegerField()
    created_at = serializers.DateTimeField(source="at")
    event = serializers.SerializerMethodField()
    actor_id = serializers.UUIDField(allow_null=True, help_text="The user; null for the system.")
    actor_label = serializers.CharField()
    comment = serializers.CharField(source="reason")
    facts: Any = serializers.DictField(source="after", allow_null=True)

    def get_event(self, event: Any) -> str:
        """submitted, approved, escalated, ..."""
        return str(event.action).rpartition(".")[2]


class ApprovalTaskListParams(ListParams):
    """Parameters of the lists of open levels: the most urgent first."""

    sorts: ClassVar = {"due_at": "due_at", "opened_at": "opened_at"}
    default_sort: ClassVar = "due_at"
    kind = TextField(max_length=KIND_MAX, required=False, identifier=True)


class ApprovalListParams(ListParams):
    """Parameters of the lists of requests."""

    tie: ClassVar = "public_id"
    kind = TextField(max_length=KIND_MAX, required=False, identifier=True)
    status = ChoiceField(choices=ApprovalRequest.State.values, required=False)


class ApprovalEventListParams(ListParams):
    """Parameters of a trail: the oldest first."""

    sorts: ClassVar = {"id": "id"}
    default_sort: ClassVar = "id"


class ApprovalSubmitSerializer(StrictSerializer):
    """An action that approval is asked for."""

    kind = TextField(max_length=KIND_MAX, identifier=True)
    payload = ObjectField(help_text="As the action takes it; docs/reference/approvals.md has one of each kind.")
    comment = NoteField(required=False, allow_blank=True)


class ApprovalDecideSerializer(StrictSerializer):
    """A decision. The comment is required to reject or return, and to approve what is flagged."""

    verdict = ChoiceField(choices=VERDICTS)
    comment = NoteField(required=False, allow_blank=True)
    level_id = UUIDField(required=False, help_text="Which of the open levels, where several ask you.")


class ApprovalCommentSerializer(StrictSerializer):
    """A word to the thread."""

    comment = NoteField()


class ApprovalReasonSerializer(StrictSerializer):
    """Why, if one likes to say."""

    comment = NoteField(required=False, allow_blank=True)


class ApprovalResubmitSerializer(StrictSerializer):
    """A returned request, sent again."""

    payload = ObjectField(required=False, help_text="What is asked for now; leave it out to ask for the same.")
    comment = NoteField(required=False, allow_blank=True)


class ApprovalAssignSerializer(StrictSerializer):
    """To whom an open level is handed on."""

    user_id = UUIDField()
    comment = NoteField(required=False, allow_blank=True)
    level_id = UUIDField(required=False)


class ApprovalBulkItemSerializer(StrictSerializer):
    """A request as the caller saw it."""

    id = UUIDField()
    version = IntegerField(min_value=1, max_value=2**31 - 1)


class ApprovalBulkSerializer(StrictSerializer):
    """One verdict on many requests of one kind."""

    verdict = ChoiceField(choices=VERDICTS)
    comment = NoteField(required=False, allow_blank=True)
    items = ApprovalBulkItemSerializer(many=True, min_length=1, max_length=100)  # type: ignore[call-arg]


class ApprovalBulkItemShownSerializer(serializers.Serializer):
    """What became of one."""

    id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    status = serializers.CharField(allow_null=True, help_text="Of the request, afterwards.")
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True)


class ApprovalBulkShownSerializer(serializers.Serializer):
    """What became of each, in order."""

    done = serializers.IntegerField()
    skipped = serializers.IntegerField()
    items = ApprovalBulkItemShownSerializer(many=True)
