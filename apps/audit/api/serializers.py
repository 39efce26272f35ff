"""What audit's API reads and shows."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from apps.audit.models import AuditEvent, Export, Verification
from apps.core.api.fields import ChoiceField, DateTimeField, TextField, UUIDField
from apps.core.api.pagination import ListParams
from apps.core.api.query import QueryParams
from apps.core.api.serializers import StrictSerializer


class AuditEventSerializer(serializers.ModelSerializer):
    """Something that happened."""

    actor_id = serializers.UUIDField(allow_null=True, help_text="The user; null for the system and for strangers.")
    created_at = serializers.DateTimeField(source="at")
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)

    class Meta:
        model = AuditEvent
        fields = (
            "id",
            "created_at",
            "kind",
            "action",
            "actor_id",
            "actor_label",
            "object_type",
            "object_id",
            "object_label",
            "before",
            "after",
            "reason",
            "ip",
            "correlation_id",
        )
        read_only_fields = fields


class AuditEventListParams(ListParams):
    """Parameters of the list of events; newest first."""

    sorts = {"id": "id"}
    default_sort = "-id"
    tie = "id"

    actor_id = UUIDField(required=False, help_text="The user who acted.")
    action = TextField(max_length=80, required=False, identifier=True)
    object_type = TextField(max_length=80, required=False, identifier=True, help_text="For example members.member.")
    object_id = TextField(max_length=64, required=False, identifier=True)
    kind = ChoiceField(choices=AuditEvent.Kind.values, required=False)
    correlation_id = TextField(max_length=64, required=False, identifier=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """With `from` and `to`, which cannot be names of Python's."""
        declared: dict[str, serializers.Field] = super().get_fields()
        declared["from"] = DateTimeField(required=False, help_text="Not before this moment.")
        declared["to"] = DateTimeField(required=False, help_text="Before this moment.")
        return declared


class _Window(StrictSerializer):
    """With `from` and `to`, which cannot be names of Python's."""

    def get_fields(self) -> dict[str, serializers.Field]:
        declared: dict[str, serializers.Field] = super().get_fields()
        declared["from"] = DateTimeField(required=False, help_text="Not before this moment.")
        declared["to"] = DateTimeField(required=False, help_text="Before this moment.")
        return declared


class AuditExportSerializer(_Window):
    """Which events, as which file, and why."""

    format = ChoiceField(choices=["csv", "pdf"])
    reason = TextField(max_length=200, help_text="Why the file is needed; kept in the trail.")
    actor_id = UUIDField(required=False, help_text="The user who acted.")
    action = TextField(max_length=80, required=False, identifier=True)
    object_type = TextField(max_length=80, required=False, identifier=True, help_text="For example members.member.")
    object_id = TextField(max_length=64, required=False, identifier=True)
    kind = ChoiceField(choices=AuditEvent.Kind.values, required=False)
    correlation_id = TextField(max_length=64, required=False, identifier=True)


class ExportFindParams(QueryParams):
    """The hash of a file."""

    sha256 = TextField(max_length=64, min_length=64, identifier=True, help_text="64 hexadecimal digits.")


class VerificationSerializer(serializers.ModelSerializer):
    """A check of the trail's chain: waiting, running, passed, or failed with the faults named."""

    requested_by = serializers.UUIDField(source="requested_by_id", allow_null=True)
    faults = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Verification
        fields = (
            "id",
            "status",
            "requested_by",
            "created_at",
            "finished_at",
            "total",
            "done",
            "unsealed",
            "archived",
            "anchor",
            "faults",
        )
        read_only_fields = fields


class VerificationsQuery(ListParams):
    """The list of verifications, newest first."""

    sorts: ClassVar = {"created_at": "created_at"}


class ExportSerializer(serializers.ModelSerializer):
    """A file of the trail that a job makes."""

    format = serializers.ChoiceField(source="form", choices=Export.Form.choices)
    filters = serializers.DictField(child=serializers.CharField())
    job_url = serializers.SerializerMethodField(help_text="Where its progress is.")
    file_url = serializers.SerializerMethodField(
        help_text="Where the file is; empty before it is made and after a week."
    )

    class Meta:
        model = Export
        fields = (
            "id",
            "format",
            "filters",
            "reason",
            "created_at",
            "total",
            "rows",
            "sha256",
            "size",
            "made_at",
            "job_url",
            "file_url",
        )
        read_only_fields = fields

    def get_job_url(self, export: Export) -> str:
        return f"/api/v1/jobs/{export.pk}"

    def get_file_url(self, export: Export) -> str:
        return f"/api/v1/audit/exports/{export.pk}/file" if export.file else ""
