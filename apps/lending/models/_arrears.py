"""What late loans bring with them: pauses, penalties, promises; and who looks after a loan."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel


class LoanPause(BaseModel):
    """Days on which arrears do not grow older: from `starts_on` till `ends_on`, which counts again."""

    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="pauses")
    starts_on = models.DateField()
    ends_on = models.DateField()
    entered_on = models.DateField(help_text="Known since; earlier closes did not have it.")
    reason = models.CharField(max_length=200)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("loan", "starts_on")
        verbose_name = "pause of arrears"
        verbose_name_plural = "pauses of arrears"
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="lending_pause_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} to {self.ends_on}"


class LoanPenalty(models.Model):
    """What one close charged for one late instalment by one rule of the terms. Minor units.

    `exact` adds up over the rows of an instalment and rule; what was charged is that, rounded and capped.
    """

    id = models.BigAutoField(primary_key=True)
    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="penalties")
    due_on = models.DateField(help_text="When the instalment was due.")
    rule = models.PositiveSmallIntegerField(help_text="The place of the rule in the terms, from 0.")
    as_of = models.DateField()
    days_late = models.PositiveIntegerField()
    days = models.PositiveIntegerField(help_text="Charged this time.")
    base = models.BigIntegerField()
    exact = models.DecimalField(max_digits=28, decimal_places=10, help_text="(base x rate + amount) x days.")
    amount = models.BigIntegerField()
    event = models.ForeignKey("lending.LoanEvent", null=True, on_delete=models.PROTECT, related_name="charged_for")

    class Meta:
        ordering = ("loan", "as_of", "due_on", "rule")
        verbose_name = "penalty"
        verbose_name_plural = "penalties"
        constraints = [
            models.UniqueConstraint(fields=("loan", "due_on", "rule", "as_of"), name="lending_penalty_once"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.due_on} {self.as_of}"


class PaymentPromise(BaseModel):
    """What a borrower promised to pay, and by when. The close of that day says whether the promise was kept."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        KEPT = "kept", "Kept"
        MISSED = "missed", "Missed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="promises")
    made_on = models.DateField()
    due_on = models.DateField()
    amount = models.BigIntegerField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    settled_on = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "promise to pay"
        verbose_name_plural = "promises to pay"
        indexes = [
            models.Index(fields=("due_on",), condition=Q(status="open"), name="lending_promise_open"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, due_on__gte=F("made_on")), name="lending_promise_in_the_future"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.due_on} {self.status}"


class LoanOfficer(models.Model):
    """Who looks after a loan; without a row it is who wrote the application."""

    loan = models.OneToOneField("lending.Loan", primary_key=True, on_delete=models.PROTECT, related_name="officer")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="loans_looked_after")
    since = models.DateField()

    class Meta:
        verbose_name = "loan officer"

    def __str__(self) -> str:
        return f"{self.loan_id} {self.user_id}"
