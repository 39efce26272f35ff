"""Celery entry points of payments."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.payments.signing import signed_sweep


@shared_task(name="payments.signed_sweep", queue="critical", ignore_result=True)
def sweep(**_: Any) -> None:
    """Carry out payments that enough have signed and nobody has carried out. Beat runs it every half minute."""
    signed_sweep(at=clock.now())
