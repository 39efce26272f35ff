"""The state of the keys, for pages, metrics and the command."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings

from apps.vault.models import DataKey, Rotation


@dataclass(frozen=True, slots=True)
class KeysState:
    """The active data key with its age in days, when the next rotation is due, and the rotation under way."""

    number: int | None
    age_days: int
    due_on: dt.date | None
    old_keys: int
    rotation: Rotation | None

    @property
    def is_overdue(self) -> bool:
        """A week past its day: then beat does not run, or the rotation does not finish."""
        return self.number is not None and self.age_days > int(settings.NUMINA["KEY_ROTATION_DAYS"]) + 7


def keys_state(*, at: dt.datetime) -> KeysState:
    """How old the active key is, and what is under way."""
    rows = {row.status: row for row in DataKey.objects.filter(purpose=DataKey.Purpose.DATA).order_by("pk")}
    active = rows.get(DataKey.Status.ACTIVE)
    in_use = DataKey.objects.filter(purpose=DataKey.Purpose.DATA, status=DataKey.Status.OLD, retired_at=None)
    rotation = Rotation.objects.filter(status=Rotation.Status.RUNNING).first()
    if active is None:
        return KeysState(None, 0, None, in_use.count(), rotation)
    due = active.created_at + dt.timedelta(days=settings.NUMINA["KEY_ROTATION_DAYS"])
    return KeysState(active.pk, (at - active.created_at).days, due.date(), in_use.count(), rotation)
