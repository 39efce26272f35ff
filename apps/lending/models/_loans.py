"""Loans, where each stands, and what each day booked for it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel


class Loan(BaseModel):
    """A loan. What is owed is the balance of its three ledger accounts; what falls due when is its current schedule."""

    class Status(models.TextChoices):
        APPROVED = "approved", "To be disbursed"
        ACTIVE = "active", "Active"
        CLOSED = "closed", "Closed"
        WRITTEN_OFF = "written_off", "Written off"

    number = models.CharField(max_length=20, unique=True)
    product = models.ForeignKey("lending.LoanProduct", on_delete=models.PROTECT, related_name="loans")
    terms = models.ForeignKey("lending.LoanProductTerms", on_delete=models.PROTECT, related_name="loans")
    application = models.OneToOneField(
        "lending.LoanApplication", null=True, blank=True, on_delete=models.PROTECT, related_name="loan"
    )
    member = models.ForeignKey("members.Member", on_delete=models.PROTECT, related_name="loans")
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="loans")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.APPROVED)
    principal = models.BigIntegerField(help_text="What was agreed, minor units.")
    rate = models.DecimalField(max_digits=9, decimal_places=6, help_text="A year, as agreed.")
    instalments = models.PositiveSmallIntegerField(help_text="As agreed.")
    first_due = models.DateField(null=True, blank=True, help_text="As agreed; empty: a period after disbursement.")
    account = models.ForeignKey(
        "accounts.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="Where money goes, and what instalments are taken from.",
    )  # fmt: skip
    principal_account = models.OneToOneField("ledger.LedgerAccount", on_delete=models.PROTECT, related_name="+")
    interest_account = models.OneToOneField("ledger.LedgerAccount", on_delete=models.PROTECT, related_name="+")
    charges_account = models.OneToOneField("ledger.LedgerAccount", on_delete=models.PROTECT, related_name="+")
    schedule = models.OneToOneField(
        "lending.LoanSchedule", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="The current version.",
    )  # fmt: skip
    started_on = models.DateField(null=True, blank=True, help_text="First disbursed.")
    matures_on = models.DateField(null=True, blank=True, help_text="The last due date as it stands.")
    closed_on = models.DateField(null=True, blank=True)
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=("branch", "-created_at"), name="lending_loan_by_branch"),
            models.Index(fields=("status", "-created_at"), name="lending_loan_by_status"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(principal__gt=0, instalments__gt=0), name="lending_loan_positive"),
            models.CheckConstraint(
                condition=Q(status="approved", started_on__isnull=True)
                | (~Q(status="approved") & Q(started_on__isnull=False, schedule__isnull=False)),
                name="lending_loan_started_has_schedule",
            ),
            models.CheckConstraint(
                condition=Q(status="closed", closed_on__isnull=False)
                | (~Q(status="closed") & Q(closed_on__isnull=True)),
                name="lending_loan_closed_has_date",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class LoanStanding(models.Model):
    """Where a loan stands: what of it the books know, and how late it is. Totals since it began, minor units.

    `booked_through` is the day whose morning the books are at: interest of all nights before it, and charges due by it.
    What is receivable is `*_booked` less what was paid of it; the balance of the ledger account says the same.
    """

    class Stage(models.IntegerChoices):
        ONE = 1, "Stage 1"
        TWO = 2, "Stage 2"
        THREE = 3, "Stage 3"

    loan = models.OneToOneField(Loan, primary_key=True, on_delete=models.PROTECT, related_name="standing")
    booked_through = models.DateField(null=True, blank=True)
    interest_booked = models.BigIntegerField(default=0, help_text="Interest earned.")
    charges_booked = models.BigIntegerField(default=0, help_text="Fees and penalties that fell due.")
    penalties_booked = models.BigIntegerField(default=0, help_text="Of the charges: penalties.")
    suspended = models.BigIntegerField(default=0, help_text="Of the interest: earned, not paid, and not income yet.")
    is_non_accrual = models.BooleanField(default=False)
    non_accrual_since = models.DateField(null=True, blank=True)
    as_of = models.DateField(null=True, blank=True, help_text="The day of the figures below.")
    days_past_due = models.PositiveIntegerField(default=0)
    overdue_since = models.DateField(null=True, blank=True)
    overdue_principal = models.BigIntegerField(default=0)
    overdue_interest = models.BigIntegerField(default=0)
    overdue_charges = models.BigIntegerField(default=0)
    next_due_on = models.DateField(null=True, blank=True)
    next_due_amount = models.BigIntegerField(default=0)
    bucket = models.CharField(max_length=30, blank=True)
    stage = models.PositiveSmallIntegerField(choices=Stage.choices, default=Stage.ONE)
    provision = models.BigIntegerField(default=0, help_text="The allowance that the books hold for it.")
    provision_stage = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Where it is held.")

    class Meta:
        verbose_name = "standing"
        indexes = [
            models.Index(F("days_past_due").desc(), condition=Q(days_past_due__gt=0), name="lending_standing_late"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(suspended__gte=0, provision__gte=0), name="lending_standing_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.days_past_due} days"

    @property
    def overdue_total(self) -> int:
        """Everything that is overdue."""
        return self.overdue_principal + self.overdue_interest + self.overdue_charges


class LoanDay(models.Model):
    """What one close of business booked for one loan. Amounts in minor units; changes, not totals."""

    id = models.BigAutoField(primary_key=True)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="days")
    business_date = models.DateField()
    interest = models.BigIntegerField(default=0, help_text="Earned up to the next morning.")
    suspended = models.BigIntegerField(default=0, help_text="Of it: not income yet.")
    charges = models.BigIntegerField(default=0, help_text="Fees that fell due.")
    balance = models.BigIntegerField(default=0, help_text="Principal owed that evening.")
    rate = models.DecimalField(max_digits=9, decimal_places=6)
    days_past_due = models.PositiveIntegerField(default=0)
    transaction_id = models.UUIDField(null=True, help_text="The entry of the books that has it.")

    class Meta:
        ordering = ("-business_date",)
        verbose_name = "day of a loan"
        verbose_name_plural = "days of loans"
        constraints = [
            models.UniqueConstraint(fields=("loan", "business_date"), name="lending_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.business_date}"
