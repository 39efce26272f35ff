"""Signatures: who signed for money that left an account, and payments that wait for them. Amounts in minor units."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.models import BaseModel


class PendingPayment(BaseModel):
    """What a signatory asked for and may not do alone: carried out once enough of them have signed, once.

    `transaction_id` is that of the payment, made of the asking user and their key, so that the books know it whoever
    carries it out. `payload` is what was asked, whole.
    """

    class Kind(models.TextChoices):
        TRANSFER = "transfer", "Transfer"
        WITHDRAWAL = "withdrawal", "Withdrawal"
        INSTRUCTION = "instruction", "Standing instruction"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waits for signatures"
        DONE = "done", "Carried out"
        FAILED = "failed", "Could not be carried out"
        REFUSED = "refused", "Refused by a signatory"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Not signed in time"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="pending_payments")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    amount = models.BigIntegerField(null=True, help_text="Empty where it depends on the balance.")
    currency = models.CharField(max_length=3)
    words = models.CharField(max_length=300, help_text="What it is, as people read it.")
    payload = models.JSONField()
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    transaction_id = models.UUIDField(unique=True)
    needed = models.PositiveSmallIntegerField(help_text="Signatures, as the mandate asked when it was made.")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=200, blank=True, help_text="A reason, or the code of what was in the way.")
    result_url = models.CharField(max_length=200, blank=True, help_text="Where what came of it is found.")

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "pending payment"
        indexes: ClassVar = [
            models.Index(fields=["account", "-created_at"], name="payments_pending_account"),
            models.Index(fields=["expires_at"], condition=Q(status="waiting"), name="payments_pending_waiting"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status="waiting", ended_at=None) | (~Q(status="waiting") & Q(ended_at__isnull=False)),
                name="payments_pending_ended_has_time",
            ),
            models.CheckConstraint(condition=Q(needed__gte=1), name="payments_pending_needs_one"),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gt=0), name="payments_pending_amount_positive"),
        ]

    def __str__(self) -> str:
        return self.words


class Signature(models.Model):
    """A member signed for a payment from an account: with their own sign-in, or on paper before `recorded_by`."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    transaction_id = models.UUIDField()
    pending = models.ForeignKey(PendingPayment, null=True, on_delete=models.PROTECT, related_name="signatures")
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="+")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("id",)
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="payments_signature_account")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transaction_id", "member"], name="payments_signature_once")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} for {self.transaction_id}"
