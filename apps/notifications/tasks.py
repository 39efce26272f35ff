"""Celery entry points of notifications."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task

from apps.core import clock
from apps.notifications import services

ROUNDS_MAX = 20


@shared_task(name="notifications.deliver", ignore_result=True)
def deliver(*, ids: list[str], **_: Any) -> None:
    """Send deliveries that were just written."""
    services.delivery_send_due(at=clock.now(), ids=[UUID(one) for one in ids])


@shared_task(name="notifications.deliver_due", ignore_result=True)
def deliver_due(**_: Any) -> None:
    """Send what is due: later tries, ends of quiet hours, digests, and what was lost on the way. Beat runs it."""
    for _round in range(ROUNDS_MAX):
        if services.delivery_send_due(at=clock.now()) == 0:
            return


@shared_task(name="notifications.deliver_bulk", ignore_result=True)
def deliver_bulk(**_: Any) -> None:
    """Send bulk mail at the bank's rate. Beat runs it every five seconds."""
    services.delivery_send_bulk(at=clock.now())
