"""What the API reads and shows of files and of exposure."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from rest_framework import serializers

from apps.approvals.api.serializers import ApprovalPersonSerializer
from apps.approvals.files import BYTES_MAX
from apps.approvals.models._documents import NAME_MAX
from apps.core.api.fields import TextField
from apps.core.api.money_fields import MoneyField
from apps.core.api.pagination import ListParams
from apps.core.api.serializers import StrictSerializer


class Base64Field(serializers.CharField):
    """Bytes as base64 (RFC 4648), without line breaks."""

    default_error_messages = {"not_base64": "Must be base64 without line breaks."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("not_base64")
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            self.fail("not_base64")


class ApprovalDocumentSerializer(serializers.Serializer):
    """A file beside a request. Its content is at its own address."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(help_text="Of the content, hexadecimal.")
    added_by = ApprovalPersonSerializer()
    created_at = serializers.DateTimeField()


class ApprovalDocumentAddSerializer(StrictSerializer):
    """A file to be put beside a request."""

    name = TextField(max_length=NAME_MAX, help_text="With its ending, which has to fit the content.")
    content = Base64Field(max_length=BYTES_MAX * 4 // 3 + 4, help_text="Base64; at most 5 MB before encoding.")


class ApprovalDocumentListParams(ListParams):
    """Page of the files beside a request."""


class ApprovalExposureRowSerializer(serializers.Serializer):
    """An account or a loan."""

    label: Any = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField(source="state")
    amount = MoneyField(allow_null=True)
    note = serializers.CharField()


class ApprovalExposureSectionSerializer(serializers.Serializer):
    """Rows of one sort; `hidden` when the caller may not see them."""

    title = serializers.CharField()
    hidden = serializers.BooleanField()
    rows = ApprovalExposureRowSerializer(many=True)


class ApprovalExposureSerializer(serializers.Serializer):
    """What the bank has at stake with the members of a request."""

    sections = ApprovalExposureSectionSerializer(many=True)
