"""What statements are drawn by: layouts, rates of translation; and which years were closed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class StatementLayout(BaseModel):
    """A layout of a statement. The newest one that is active holds; without one, the built-in. None is changed."""

    kind = models.CharField(max_length=30)
    number = models.PositiveIntegerField(help_text="1 for the first layout of its kind.")
    definition = models.JSONField()
    note = models.CharField(max_length=200, blank=True, help_text="Why it was written.")
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("kind", "-number")
        verbose_name = "statement layout"
        constraints = [
            models.UniqueConstraint(fields=("kind", "number"), name="reporting_layout_number_once"),
            models.UniqueConstraint(fields=("kind",), condition=Q(is_active=True), name="reporting_layout_active_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class TranslationRate(BaseModel):
    """How many units of the base currency one unit of another was worth at the end of a day."""

    currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(max_digits=24, decimal_places=12)
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-day", "currency")
        verbose_name = "translation rate"
        constraints = [
            models.UniqueConstraint(fields=("currency", "day"), name="reporting_rate_once_a_day"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="reporting_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.day.isoformat()} {self.rate}"


class YearClose(BaseModel):
    """A year whose result was moved into retained earnings, or is open again. The entries are in the journal."""

    class Status(models.TextChoices):
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Open again"

    year = models.PositiveSmallIntegerField(unique=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    results = models.JSONField(default=dict, help_text="Net result by currency, minor units.")
    entry_count = models.PositiveIntegerField(default=0, help_text="Closing entries posted so far.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was opened again.")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("-year",)
        verbose_name = "year-end close"

    def __str__(self) -> str:
        return f"{self.year} {self.get_status_display().lower()}"
