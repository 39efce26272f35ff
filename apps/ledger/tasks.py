"""Celery entry points of the ledger."""

from typing import Any

from celery import shared_task
from django.conf import settings

from apps.core import clock
from apps.ledger import closing, sealing, services


@shared_task(name="ledger.journal_seal", ignore_result=True)
def journal_seal(**_: Any) -> None:
    """Seal what is final. Beat runs it every few seconds."""
    sealing.journal_seal_all(at=clock.now())


@shared_task(name="ledger.business_date_roll", ignore_result=True)
def business_date_roll(**_: Any) -> None:
    """Open the new calendar day of the head office when it has begun, unless the close of business does it."""
    if closing.rolls_by_clock():
        services.business_date_roll(at=clock.now(), time_zone=settings.NUMINA["TIME_ZONE"])
