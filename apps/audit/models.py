"""The audit trail: one append-only table."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core import clock


class AuditEvent(models.Model):
    """What happened, to what, by whom, from where and why. Written by services.record, never changed.

    PostgreSQL refuses UPDATE, DELETE and TRUNCATE on this table (trigger and REVOKE, see the migrations).
    """

    class Kind(models.TextChoices):
        BUSINESS = "business", "Business"
        SECURITY = "security", "Security"
        ACCESS = "access", "Access"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=clock.now, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.BUSINESS)
    action = models.CharField(max_length=80, help_text="<app>.<noun>.<verb>, for example members.member.created.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    actor_label = models.CharField(max_length=254, blank=True, help_text="Who it was, as known at the time.")
    object_type = models.CharField(max_length=80, blank=True, help_text="<app>.<model>")
    object_id = models.CharField(max_length=64, blank=True)
    object_label = models.CharField(max_length=254, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_object"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["at"], name="audit_at"),
            # "what happened in this request": few rows carry the same id
            models.Index(fields=["correlation_id"], name="audit_correlation", condition=~Q(correlation_id="")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=["business", "security", "access"]), name="audit_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label or self.object_id}".strip()
