"""Plans of income and expenses by branch, account of the chart and month, with what is promised and watched."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from apps.core.models import BaseModel


class Budget(BaseModel):
    """A version of a year's budget in one currency. One is active; a change is a new version that takes its place."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        REPLACED = "replaced", "Replaced"

    year = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3)
    number = models.PositiveIntegerField(help_text="The version, from 1.")
    title = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    note = models.CharField(max_length=400, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    activated_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.TextField(null=True, blank=True),
    )

    class Meta:
        ordering = ("-year", "currency", "-number")
        constraints = [
            models.UniqueConstraint(fields=("year", "currency", "number"), name="budgets_budget_number_once"),
            models.UniqueConstraint(
                fields=("year", "currency"), condition=Q(status="active"), name="budgets_budget_active_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.year} {self.currency}, version {self.number}"


class BudgetLine(models.Model):
    """What is planned for one account of one branch in one month; minor units on the account's own side."""

    id = models.BigAutoField(primary_key=True)
    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="lines", db_index=False)
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    gl_account = models.ForeignKey("ledger.GLAccount", on_delete=models.PROTECT, related_name="+")
    month = models.DateField(help_text="Its first day.")
    amount = models.BigIntegerField()

    class Meta:
        ordering = ("budget", "branch", "gl_account", "month")
        verbose_name = "line of a budget"
        constraints = [
            models.UniqueConstraint(fields=("budget", "branch", "gl_account", "month"), name="budgets_line_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="budgets_line_not_negative"),
            models.CheckConstraint(condition=Q(month__day=1), name="budgets_line_month_begins"),
        ]

    def __str__(self) -> str:
        return f"{self.gl_account_id} {self.month.isoformat()}"


class BudgetRule(BaseModel):
    """What happens when an expense account, or all below a header, would go beyond its budget.

    The nearest rule up the chart counts. `span` says what is compared: the month, or the year up to its end.
    """

    class Mode(models.TextChoices):
        WARN = "warn", "Warn"
        STOP = "stop", "Stop"

    class Span(models.TextChoices):
        MONTH = "month", "The month"
        YEAR = "year", "The year so far"

    gl_account = models.OneToOneField("ledger.GLAccount", on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4, choices=Mode.choices)
    span = models.CharField(max_length=5, choices=Span.choices)
    alert_percent = models.PositiveSmallIntegerField(default=90, help_text="Of the budget, from which people are told.")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("gl_account__code",)
        verbose_name = "budget rule"
        constraints = [
            models.CheckConstraint(condition=Q(alert_percent__range=(1, 100)), name="budgets_rule_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.gl_account_id} {self.mode}"


class Commitment(BaseModel):
    """Money that is promised and not spent yet: it lessens what a budget leaves until it is spent or released."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        SPENT = "spent", "Spent"
        RELEASED = "released", "Released"

    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    gl_account = models.ForeignKey("ledger.GLAccount", on_delete=models.PROTECT, related_name="+")
    month = models.DateField(help_text="First day of the month whose budget it takes.")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    reference = models.CharField(max_length=64, help_text="Purchase order or contract.")
    description = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=("month",), condition=Q(status="open"), name="budgets_commitment_open")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="budgets_commitment_positive"),
            models.CheckConstraint(condition=Q(month__day=1), name="budgets_commitment_month_begins"),
        ]

    def __str__(self) -> str:
        return self.reference


class BudgetAlert(models.Model):
    """That a budget was nearly used up, or gone beyond, in a month: told once for each."""

    class Level(models.TextChoices):
        NEAR = "near", "Nearly used up"
        OVER = "over", "Gone beyond"

    id = models.BigAutoField(primary_key=True)
    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="alerts", db_index=False)
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+")
    gl_account = models.ForeignKey("ledger.GLAccount", on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    level = models.CharField(max_length=4, choices=Level.choices)
    planned = models.BigIntegerField()
    used = models.BigIntegerField(help_text="Spent and promised.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "budget alert"
        constraints = [
            models.UniqueConstraint(
                fields=("budget", "branch", "gl_account", "month", "level"), name="budgets_alert_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gl_account_id} {self.month.isoformat()} {self.level}"


class CostCentre(BaseModel):
    """Who answers for spending: a department, a project. What it spends is told by the places of the chart it has.

    A place is an account, or all below a header, in one branch or in every one; the nearest up the chart counts.
    """

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("code",)
        verbose_name = "cost centre"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CostCentrePlace(models.Model):
    """A place of the chart that belongs to one cost centre; without a branch it is that of every branch."""

    id = models.BigAutoField(primary_key=True)
    cost_centre = models.ForeignKey(CostCentre, on_delete=models.CASCADE, related_name="places")
    branch = models.ForeignKey("identity.Branch", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    gl_account = models.ForeignKey("ledger.GLAccount", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("gl_account__code", "branch__code")
        verbose_name = "place of a cost centre"
        constraints = [
            models.UniqueConstraint(
                fields=("gl_account", "branch"), nulls_distinct=False, name="budgets_place_of_one_cost_centre"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gl_account_id} {self.branch_id or 'every branch'}"
