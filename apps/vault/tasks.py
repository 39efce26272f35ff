"""Celery entry points of the vault."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.vault import services
from apps.vault.models import Rotation


@shared_task(name="vault.rotate", ignore_result=True)
def rotate(**_: Any) -> None:
    """Start a rotation when the key is old enough; go on with one that was begun. Beat runs it every minute."""
    now = clock.now()
    running = Rotation.objects.filter(status=Rotation.Status.RUNNING).first()
    if running is None and services.rotation_due(at=now):
        services.rotation_start(acting_user=None, reason="due", at=now)
    elif running is not None and services.rotation_settled(rotation=running, at=now):
        for _rotation in services.rotation_continue(at=now):
            pass
