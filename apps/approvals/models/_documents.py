"""What a request is proved with: files beside it. Append-only: what a decision was shown stays."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.approvals.models._requests import ApprovalRequest
from apps.core import clock
from apps.core.ids import uuid7

NAME_MAX = 120


class ApprovalDocument(models.Model):
    """One file. Its content is in the storage under `stored_as`, and is told from its SHA-256."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    request = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, related_name="documents")
    name = models.CharField(max_length=NAME_MAX)
    content_type = models.CharField(max_length=100, help_text="As its first bytes say, not as the sender did.")
    size = models.PositiveIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=200, help_text="Its name in the storage.")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "sha256"], name="approval_document_once"),
            models.CheckConstraint(condition=Q(size__gt=0), name="approval_document_has_content"),
        ]

    def __str__(self) -> str:
        return self.name
