"""Summaries for analytics: what happened on each business date, kept at its close."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core.ids import uuid7


class DayFact(models.Model):
    """A figure of one business date: count and amount (minor units) by metric, branch, currency and key.

    A copy of what the books and the members' register say, made anew for a date as often as something changes in it.
    """

    id = models.BigAutoField(primary_key=True)
    metric = models.CharField(max_length=30)
    day = models.DateField()
    branch = models.ForeignKey("identity.Branch", on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3, blank=True)
    key = models.CharField(max_length=60, blank=True, help_text="Product, channel, teller: by what the metric divides.")
    count = models.BigIntegerField(default=0)
    amount = models.DecimalField(max_digits=30, decimal_places=0, default=0)

    class Meta:
        verbose_name = "fact of a day"
        constraints = [
            models.UniqueConstraint(fields=("metric", "day", "branch", "currency", "key"), name="reporting_fact_once"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.day.isoformat()} {self.key}"


class FactsState(models.Model):
    """Up to which date and entry facts are kept: one row. A new `generation` makes cached answers old."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_entry = models.BigIntegerField(default=0)
    kept_to = models.DateField(null=True)
    kept_at = models.DateTimeField(null=True)
    generation = models.UUIDField(default=uuid7)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="reporting_factsstate_one_row")]

    def __str__(self) -> str:
        return f"facts to {self.kept_to}"
