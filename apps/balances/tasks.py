"""Celery entry points of balances."""

from typing import Any

from celery import shared_task

from apps.balances import services
from apps.core import clock


@shared_task(name="balances.hold_expire_due", ignore_result=True)
def hold_expire_due(**_: Any) -> None:
    """End holds whose time is over. Beat runs it every minute."""
    services.hold_expire_due(at=clock.now())
