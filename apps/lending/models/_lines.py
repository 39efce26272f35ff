"""Credit lines: a limit that is drawn on, paid back and drawn on again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class CreditLine(BaseModel):
    """A revolving limit on an account of the member. What is owed is the balance of its two ledger accounts.

    Interest is on what was owed each evening, balance x rate / 365; `exact` adds it up, `interest_booked` is what the
    books have of it. Amounts in minor units, the rate an annual fraction.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        ACTIVE = "active", "Active"
        BLOCKED = "blocked", "Blocked"
        REJECTED = "rejected", "Rejected"
        CLOSED = "closed", "Closed"

    number = models.CharField(max_length=20, unique=True)
    product = models.ForeignKey("lending.LoanProduct", on_delete=models.PROTECT, related_name="credit_lines")
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="credit_lines")
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    limit = models.BigIntegerField(help_text="Asked for, and then agreed.")
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.REQUESTED)
    purpose = models.CharField(max_length=400, blank=True)
    note = models.CharField(max_length=400, blank=True, help_text="Why it was decided, blocked or closed.")
    review_on = models.DateField(null=True, blank=True, help_text="From then on nothing is drawn until it is reviewed.")
    opened_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    principal_account = models.OneToOneField(
        "ledger.LedgerAccount", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    interest_account = models.OneToOneField(
        "ledger.LedgerAccount", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    booked_through = models.DateField(null=True, blank=True)
    exact = models.DecimalField(max_digits=28, decimal_places=10, default=0)
    interest_booked = models.BigIntegerField(default=0)
    as_of = models.DateField(null=True, blank=True, help_text="The close of the figures below.")
    overdue_since = models.DateField(null=True, blank=True, help_text="The end of the oldest month not paid for.")
    days_past_due = models.PositiveIntegerField(default=0)
    overdue_interest = models.BigIntegerField(default=0)
    bucket = models.CharField(max_length=30, blank=True)
    stage = models.PositiveSmallIntegerField(default=1)
    provision = models.BigIntegerField(default=0, help_text="The allowance that the books hold for it.")
    provision_stage = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Where it is held.")
    provision_basis = models.JSONField(default=dict, blank=True, help_text="What the allowance was worked out from.")
    suspended = models.BigIntegerField(default=0, help_text="Of the interest owed: not income yet.")
    is_non_accrual = models.BooleanField(default=False)
    non_accrual_since = models.DateField(null=True, blank=True)
    late_on = models.DateField(null=True, blank=True, help_text="The last close that found it late.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(condition=Q(limit__gt=0, rate__gte=0), name="lending_line_positive"),
            models.CheckConstraint(condition=Q(suspended__gte=0), name="lending_line_suspense_not_negative"),
            models.CheckConstraint(
                condition=Q(status__in=("requested", "rejected"))
                | Q(principal_account__isnull=False, interest_account__isnull=False, booked_through__isnull=False),
                name="lending_line_open_has_accounts",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CreditLineEvent(BaseModel):
    """Money drawn or paid back. `interest` and `principal` say what a payment went to."""

    class Kind(models.TextChoices):
        DRAW = "draw", "Drawn"
        REPAYMENT = "repayment", "Paid back"

    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    business_date = models.DateField()
    amount = models.BigIntegerField()
    principal = models.BigIntegerField(default=0)
    interest = models.BigIntegerField(default=0)
    transaction_id = models.UUIDField(unique=True)
    fingerprint = models.BinaryField(max_length=32)
    journal_id = models.BigIntegerField(null=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "event of a credit line"
        verbose_name_plural = "events of credit lines"
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="lending_line_event_positive")]

    def __str__(self) -> str:
        return f"{self.kind} {self.business_date}"


class CreditLineDay(models.Model):
    """The interest of the nights that one close accrued for a credit line."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="days")
    business_date = models.DateField()
    nights = models.PositiveSmallIntegerField()
    balance = models.BigIntegerField(help_text="Owed that evening, minor units.")
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    exact = models.DecimalField(max_digits=28, decimal_places=10)
    booked = models.BigIntegerField()

    class Meta:
        ordering = ("-business_date",)
        verbose_name = "day of a credit line"
        verbose_name_plural = "days of credit lines"
        constraints = [models.UniqueConstraint(fields=("line", "business_date"), name="lending_line_day_once")]

    def __str__(self) -> str:
        return f"{self.line_id} {self.business_date}"
