"""Data keys, wrapped by the master key, and their rotations."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.core.models import BaseModel


class DataKey(models.Model):
    """A key that encrypts fields or makes blind indexes. Only its wrapped form is stored; the id is in each value.

    Old keys are kept: backups and archives hold values under them.
    """

    class Purpose(models.TextChoices):
        DATA = "data", "Encrypts fields"
        INDEX = "index", "Blind index"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        OLD = "old", "Old"

    purpose = models.CharField(max_length=5, choices=Purpose.choices)
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.ACTIVE)
    wrapped = models.BinaryField()
    master = models.CharField(max_length=80, help_text="Which master key wraps it.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, help_text="When nothing was left under it.")

    class Meta:
        db_table = "vault_data_key"
        ordering = ("-id",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["purpose"], condition=Q(status="active"), name="vault_one_active_key"),
        ]

    def __str__(self) -> str:
        return f"Key {self.pk}"


class Rotation(BaseModel):
    """New keys taken into use, and everything re-encrypted under them: how far that is."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    reason = models.CharField(max_length=200, blank=True)
    data_key = models.ForeignKey(DataKey, on_delete=models.PROTECT, related_name="+")
    index_key = models.ForeignKey(DataKey, on_delete=models.PROTECT, related_name="+")
    total = models.BigIntegerField(default=0, help_text="Values to re-encrypt when it began.")
    done = models.BigIntegerField(default=0)
    table = models.CharField(max_length=100, blank=True, help_text="Where it stands.")
    last_pk = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "vault_rotation"
        ordering = ("-created_at",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="running"), name="vault_one_rotation"),
        ]

    def __str__(self) -> str:
        return f"Rotation to key {self.data_key_id}"
