"""Policies as data: which action needs whose approval. A version is never changed, only followed by the next."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from apps.core.models import BaseModel


class ApprovalPolicy(BaseModel):
    """One version of the rules of one kind of action.

    In force on a day is the active version with the newest `effective_from` not after it, so that versions neither
    overlap nor leave a gap. `document` is read by apps.approvals.policies, which says its shape.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        WITHDRAWN = "withdrawn", "Withdrawn"

    kind = models.CharField(max_length=60)
    number = models.PositiveIntegerField(help_text="Version of this kind's rules, from 1.")
    name = models.CharField(max_length=120)
    effective_from = models.DateField()
    document = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("kind", "-number")
        verbose_name = "approval policy"
        verbose_name_plural = "approval policies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "number"], name="approval_policy_version_once"),
            models.UniqueConstraint(
                fields=["kind", "effective_from"], condition=models.Q(state="active"), name="approval_policy_day_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.number})"
