"""Flags of unusual activity; requests about personal data, what of it is kept sealed, and legal holds."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.vault.fields import EncryptedTextField


class Flag(BaseModel):
    """Something unusual that a rule saw: once a day for a rule and a subject. Somebody has to say what it was."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLEARED = "cleared", "Cleared"
        CONFIRMED = "confirmed", "Confirmed"

    rule = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40, help_text="identity.user or accounts.account")
    subject_id = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=254)
    branch = models.ForeignKey("identity.Branch", null=True, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    detected_at = models.DateTimeField()
    summary = models.CharField(max_length=254)
    facts = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    comment = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes: ClassVar = [models.Index(fields=["status", "-created_at"], name="compliance_flag_status")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "subject_id", "day"], name="compliance_flag_once_a_day"),
            models.CheckConstraint(
                condition=Q(status="open", decided_by=None) | (~Q(status="open") & Q(decided_by__isnull=False)),
                name="compliance_flag_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.summary} ({self.subject_label})"


class LegalHold(BaseModel):
    """Nothing about the member is erased while it lasts: a court, an investigation, a complaint."""

    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="legal_holds")
    reason = models.CharField(max_length=254)
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"Hold on {self.member_id}"


class PrivacyRequest(BaseModel):
    """A member asks for their data, or for its erasure. An erasure is decided by somebody other than who asked."""

    class Kind(models.TextChoices):
        EXPORT = "export", "Export"
        ERASURE = "erasure", "Erasure"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="privacy_requests")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=254, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)
    certificate = models.JSONField(null=True, help_text="What went, what stays, until when and by which rule.")

    class Meta:
        ordering = ("-created_at",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["member", "kind"], condition=Q(status="waiting"), name="compliance_one_open_request"
            ),
            models.CheckConstraint(
                condition=Q(kind="export") | Q(decided_by=None) | ~Q(decided_by=models.F("requested_by")),
                name="compliance_asker_does_not_decide",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.member_id}"


class RetainedIdentity(BaseModel):
    """Who a pseudonym is, encrypted, for as long as the law has the bank know it. Then the row is deleted."""

    member = models.OneToOneField("members.Member", on_delete=models.PROTECT, related_name="retained_identity")
    identity = EncryptedTextField(context="compliance.retained_identity.identity")
    keep_until = models.DateField()

    class Meta:
        verbose_name_plural = "retained identities"

    def __str__(self) -> str:
        return f"Kept until {self.keep_until.isoformat()}"
