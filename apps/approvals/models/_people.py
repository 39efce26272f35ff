"""Who may decide: limits, managers, named groups, and who stands in for whom."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel


class ApproverGroup(BaseModel):
    """A committee: named people who decide together, for example the credit committee."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class Approver(BaseModel):
    """What a user's role does not say: manager, personal limit, committees, and people the user is related to."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approver")
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    limit_minor = models.BigIntegerField(
        null=True, blank=True, help_text="The most this user decides on, base currency minor units; empty for no limit."
    )
    groups = models.ManyToManyField(ApproverGroup, related_name="approvers", blank=True)
    related_members = ArrayField(
        models.UUIDField(), default=list, blank=True, help_text="Members whose requests the user must not decide."
    )

    class Meta:
        ordering = ("user__email",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(manager=F("user")), name="approver_is_not_own_manager"),
            models.CheckConstraint(
                condition=Q(limit_minor__isnull=True) | Q(limit_minor__gte=0), name="approver_limit_positive"
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class Delegation(BaseModel):
    """Somebody decides in another's place for a time. It works once it is active, which approval makes it."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting for approval"
        ACTIVE = "active", "Active"
        REFUSED = "refused", "Refused"
        REVOKED = "revoked", "Revoked"

    principal = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_received"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    kinds = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Empty for every kind.")
    limit_minor = models.BigIntegerField(null=True, blank=True, help_text="Base currency; empty for the principal's.")
    reason = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["delegate", "ends_at"], name="delegation_received", condition=Q(state="active")),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(principal=F("delegate")), name="delegation_to_somebody_else"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="delegation_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.principal} to {self.delegate}"
