"""What happened to a loan, in order."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class LoanEvent(BaseModel):
    """One thing that happened to a loan. The schedule is replayed from those that stand, by value date, then sequence.

    What was asked never changes: kind, value date, amount, details. `principal` to `overpaid` say where money went, as
    it stands after the last replay: a payment that comes in with an earlier date may move those after it.
    """

    class Kind(models.TextChoices):
        DISBURSEMENT = "disbursement", "Disbursement"
        REPAYMENT = "repayment", "Repayment"
        PAYOFF = "payoff", "Payoff"
        CHARGE = "charge", "Charge"
        WAIVER = "waiver", "Waiver"
        RATE_CHANGE = "rate_change", "Change of the rate"
        RESCHEDULE = "reschedule", "Reschedule"
        TOP_UP = "top_up", "Top-up"
        MORATORIUM = "moratorium", "Moratorium"
        WRITE_OFF = "write_off", "Write-off"
        RECOVERY = "recovery", "Recovery"
        REFUND = "refund", "Refund"

    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="events", db_index=False)
    sequence = models.PositiveIntegerField(help_text="In the order of entering, from 1.")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    value_date = models.DateField(help_text="From when it counts.")
    business_date = models.DateField(help_text="When it was entered.")
    amount = models.BigIntegerField(default=0, help_text="Minor units; 0 for what moves no money.")
    details = models.JSONField(default=dict, help_text="What else was asked: strategy, rate, periods, component.")
    principal = models.BigIntegerField(default=0)
    interest = models.BigIntegerField(default=0)
    fees = models.BigIntegerField(default=0)
    penalties = models.BigIntegerField(default=0)
    overpaid = models.BigIntegerField(default=0, help_text="What found nothing to pay.")
    channel = models.CharField(max_length=20, blank=True)
    account = models.ForeignKey(
        "accounts.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="Where the money came from or went.",
    )  # fmt: skip
    reference = models.CharField(max_length=64, blank=True)
    description = models.CharField(max_length=200, blank=True)
    transaction_id = models.UUIDField(
        unique=True, help_text="Of the key of whoever asked, and of the entry in the books."
    )
    fingerprint = models.BinaryField(max_length=32)
    journal_id = models.BigIntegerField(null=True, help_text="The entry in the books, where money or income moved.")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reversed_at = models.DateTimeField(null=True, blank=True)
    reversed_on = models.DateField(null=True, blank=True)
    reversal_id = models.UUIDField(null=True, unique=True, help_text="The transaction that undid it.")
    reversal_journal_id = models.BigIntegerField(null=True)
    reversal_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("loan", "sequence")
        verbose_name = "loan event"
        constraints = [
            models.UniqueConstraint(fields=("loan", "sequence"), name="lending_event_sequence_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="lending_event_not_negative"),
            models.CheckConstraint(
                condition=Q(reversed_at__isnull=True, reversal_id__isnull=True)
                | Q(reversed_at__isnull=False, reversal_id__isnull=False),
                name="lending_event_reversed_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value_date}"
