"""Standing instructions, and what became of each of their dates. Amounts are minor units of the source's currency."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel
from apps.identity.models import history


class StandingInstruction(BaseModel):
    """Money that is moved from one account to another again and again, by a rule of dates (RFC 5545).

    `next_nominal` is the next date of the rule, `next_on` the business day on which it is carried out.
    """

    class Kind(models.TextChoices):
        FIXED = "fixed", "A fixed amount"
        PERCENTAGE = "percentage", "A part of the balance"
        SWEEP = "sweep", "All above what is kept"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        ENDED = "ended", "Ended"
        CANCELLED = "cancelled", "Cancelled"

    class MonthEnd(models.TextChoices):
        LAST = "last", "The last day of a shorter month"
        SKIP = "skip", "No date in a shorter month"

    class CatchUp(models.TextChoices):
        EACH = "each", "Every missed date, in order"
        LATEST = "latest", "Only the latest of the missed dates"

    source = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="instructions_out")
    destination = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="instructions_in")
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount = models.BigIntegerField(null=True, help_text="Of a fixed amount.")
    percentage = models.DecimalField(max_digits=7, decimal_places=4, null=True, help_text="Of the balance less holds.")
    keep = models.BigIntegerField(default=0, help_text="What a sweep leaves on the source.")
    amount_max = models.BigIntegerField(null=True, help_text="The most that one date moves.")
    description = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=64, blank=True)
    rule = models.CharField(max_length=500)
    starts_on = models.DateField()
    month_end = models.CharField(max_length=4, choices=MonthEnd.choices, default=MonthEnd.LAST)
    convention = models.CharField(max_length=30, default="following")
    ends_on = models.DateField(null=True, help_text="The last date that counts.")
    count_max = models.PositiveIntegerField(null=True, help_text="After so many dates it ends.")
    total_max = models.BigIntegerField(null=True, help_text="Once so much was moved it ends.")
    retries = models.PositiveSmallIntegerField(
        default=0, help_text="Business days on which funds are looked for again."
    )
    failures_max = models.PositiveSmallIntegerField(default=3, help_text="So many failed dates in a row pause it.")
    catch_up = models.CharField(max_length=6, choices=CatchUp.choices, default=CatchUp.EACH)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    next_nominal = models.DateField(null=True)
    next_on = models.DateField(null=True)
    dates_passed = models.PositiveIntegerField(default=0)
    dates_paid = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failed dates in a row.")
    total = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    history = history()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["next_on"], condition=Q(status="active"), name="payments_instruction_due"),
            models.Index(fields=["source", "-created_at"], name="payments_instruction_source"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(source=F("destination")), name="payments_instruction_two_accounts"),
            models.CheckConstraint(
                condition=Q(kind="fixed", amount__gt=0, percentage=None)
                | Q(kind="percentage", amount=None, percentage__gt=0, percentage__lte=100)
                | Q(kind="sweep", amount=None, percentage=None, keep__gte=0),
                name="payments_instruction_amount_sound",
            ),
            models.CheckConstraint(
                condition=Q(status="active", next_on__isnull=False, next_nominal__isnull=False) | ~Q(status="active"),
                name="payments_instruction_active_has_date",
            ),
            models.CheckConstraint(
                condition=(Q(amount_max=None) | Q(amount_max__gt=0)) & (Q(total_max=None) | Q(total_max__gt=0)),
                name="payments_instruction_limits_sound",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} from {self.source_id} to {self.destination_id}"


class StandingExecution(models.Model):
    """What became of one date of an instruction: written once for each, whoever runs it, and however often."""

    class Status(models.TextChoices):
        PAID = "paid", "Paid"
        WAITING = "waiting", "Waits for funds"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    id = models.BigAutoField(primary_key=True)
    instruction = models.ForeignKey(StandingInstruction, on_delete=models.PROTECT, related_name="executions")
    nominal = models.DateField(help_text="The date of the rule.")
    due_on = models.DateField(help_text="The business day that it became.")
    status = models.CharField(max_length=7, choices=Status.choices)
    attempts = models.PositiveSmallIntegerField(default=1)
    amount = models.BigIntegerField(null=True, help_text="What was moved.")
    transaction_id = models.UUIDField(null=True, unique=True)
    code = models.CharField(max_length=60, blank=True, help_text="Why not.")
    next_try_on = models.DateField(null=True)
    business_date = models.DateField(help_text="Of the last attempt.")
    at = models.DateTimeField(help_text="Of the last attempt.")

    class Meta:
        ordering = ("-nominal",)
        indexes: ClassVar = [
            models.Index(fields=["next_try_on"], condition=Q(status="waiting"), name="payments_execution_retry")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["instruction", "nominal"], name="payments_execution_once_a_date"),
            models.CheckConstraint(
                condition=Q(status="paid", amount__gt=0, transaction_id__isnull=False)
                | (~Q(status="paid") & Q(amount=None, transaction_id=None)),
                name="payments_execution_paid_has_payment",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", next_try_on__isnull=False) | (~Q(status="waiting") & Q(next_try_on=None)),
                name="payments_execution_waiting_has_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nominal} {self.status}"

    @property
    def currency(self) -> str:
        """The instruction's."""
        return self.instruction.currency
