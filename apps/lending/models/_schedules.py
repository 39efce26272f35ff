"""Schedules as they stood after each event that changed them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.core import clock


class LoanSchedule(models.Model):
    """One version of a loan's schedule. Older versions stay as they were; the loan points at the current one."""

    id = models.BigAutoField(primary_key=True)
    loan = models.ForeignKey("lending.Loan", on_delete=models.PROTECT, related_name="schedules")
    number = models.PositiveIntegerField(help_text="The version, from 1.")
    event = models.ForeignKey(
        "lending.LoanEvent", null=True, on_delete=models.PROTECT, related_name="schedules", help_text="What made it."
    )
    made_at = models.DateTimeField(default=clock.now, editable=False)
    terms = models.JSONField(default=dict, help_text="The terms of what is to come, as they were worked with.")

    class Meta:
        ordering = ("loan", "-number")
        verbose_name = "schedule"
        constraints = [models.UniqueConstraint(fields=("loan", "number"), name="lending_schedule_number_once")]

    def __str__(self) -> str:
        return f"{self.loan_id} version {self.number}"


class LoanInstalment(models.Model):
    """A row of a schedule: what falls due on a day and, in the current version, what is paid of it. Minor units.

    `parts` are the stretches of its period with their balance, rate and exact interest: interest earned by a day is
    `accrues` of rows due by then and, of the running row, of its parts in proportion to their days, half up (ADR 0027).
    """

    id = models.BigAutoField(primary_key=True)
    schedule = models.ForeignKey(LoanSchedule, on_delete=models.PROTECT, related_name="rows", db_index=False)
    number = models.PositiveSmallIntegerField()
    starts_on = models.DateField()
    due_on = models.DateField()
    opening = models.BigIntegerField(help_text="Principal at the start of the period.")
    disbursed = models.BigIntegerField(default=0, help_text="Paid out within the period.")
    principal = models.BigIntegerField()
    interest = models.BigIntegerField()
    fees = models.BigIntegerField(default=0)
    penalties = models.BigIntegerField(default=0)
    accrues = models.BigIntegerField(default=0, help_text="Earned within the period; due later where it is deferred.")
    charged = models.BigIntegerField(
        default=0, help_text="Of fees and penalties: charges of their own, booked when they were made."
    )
    closing = models.BigIntegerField(help_text="Principal after the due date, if all is paid.")
    principal_paid = models.BigIntegerField(default=0)
    interest_paid = models.BigIntegerField(default=0)
    fees_paid = models.BigIntegerField(default=0)
    penalties_paid = models.BigIntegerField(default=0)
    paid_on = models.DateField(null=True, blank=True, help_text="When nothing was left of it.")
    parts = models.JSONField(default=list)

    class Meta:
        ordering = ("schedule", "number")
        verbose_name = "instalment"
        indexes = [
            models.Index(
                fields=("due_on",),
                condition=Q(paid_on__isnull=True),
                name="lending_instalment_unpaid",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=("schedule", "number"), name="lending_instalment_once"),
            models.CheckConstraint(
                condition=Q(principal__gte=0, interest__gte=0, fees__gte=0, penalties__gte=0),
                name="lending_instalment_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(closing=F("opening") + F("disbursed") - F("principal")), name="lending_instalment_adds_up"
            ),
            models.CheckConstraint(
                condition=Q(
                    principal_paid__range=(0, F("principal")),
                    interest_paid__range=(0, F("interest")),
                    fees_paid__range=(0, F("fees")),
                    penalties_paid__range=(0, F("penalties")),
                ),
                name="lending_instalment_paid_within",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id}/{self.number}"

    @property
    def total(self) -> int:
        """Everything that falls due."""
        return self.principal + self.interest + self.fees + self.penalties

    @property
    def paid(self) -> int:
        """Everything that is paid of it."""
        return self.principal_paid + self.interest_paid + self.fees_paid + self.penalties_paid

    @property
    def left(self) -> int:
        """What is still to be paid."""
        return self.total - self.paid
