"""Reports that users define: which dataset, which fields, how filtered, grouped, sorted and drawn."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.core.models import BaseModel


class ReportDefinition(BaseModel):
    """A report of a user's own, shared with a role or not. Each change is a version; runs name the one they used."""

    title = models.CharField(max_length=120)
    dataset = models.CharField(max_length=30)
    spec = models.JSONField(help_text="Fields, filters, groups, measures, sort, chart: as the newest version has it.")
    number = models.PositiveIntegerField(default=1, help_text="Of the newest version.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    shared_with = models.ForeignKey(
        "identity.Role", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Who may run it."
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("title", "id")
        verbose_name = "report definition"
        indexes = [models.Index(fields=("owner", "-created_at"), name="reporting_definition_by_owner")]

    def __str__(self) -> str:
        return self.title


class ReportDefinitionVersion(models.Model):
    """A definition as it was from one change to the next."""

    id = models.BigAutoField(primary_key=True)
    definition = models.ForeignKey(ReportDefinition, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    spec = models.JSONField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("definition", "-number")
        constraints = [
            models.UniqueConstraint(fields=("definition", "number"), name="reporting_definition_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.definition_id} {self.number}"
