"""The abstract base of every table whose rows have an identity in the API."""

from __future__ import annotations

from django.db import models

from apps.core import clock
from apps.core.ids import uuid7


class BaseModel(models.Model):
    """UUIDv7 key, times of creation and change, and a version.

    `version` is what the ETag shows. Services raise it in the statement that changes the row, under a lock or with
    a condition on the old value; `save()` does not, so that no change is counted twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True
