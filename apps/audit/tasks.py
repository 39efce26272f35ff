"""Celery entry points of the audit trail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings

from apps.audit import anchors, archiving, exporting, sealing, verifying
from apps.core import clock


@shared_task(name="audit.trail_seal", ignore_result=True)
def trail_seal(**_: Any) -> None:
    """Seal what is final. Beat runs it every few seconds."""
    sealing.trail_seal_all(at=clock.now())


@shared_task(name="audit.anchor", ignore_result=True)
def anchor(**_: Any) -> None:
    """Note yesterday's head of each chain outside of the database, once. Beat runs it every quarter of an hour."""
    anchors.anchors_write(at=clock.now())


@shared_task(name="audit.housekeeping", ignore_result=True)
def housekeeping(**_: Any) -> None:
    """Make the partitions of the coming months; archive those that have been online long enough; drop old exports."""
    now = clock.now()
    exporting.exports_tidy(at=now)
    archiving.partitions_make(today=now.date())
    for partition in archiving.archivable(today=now.date(), online_months=settings.NUMINA["AUDIT_ONLINE_MONTHS"]):
        archiving.partition_archive(partition=partition, acting_user=None, at=now)


@shared_task(name="audit.trail_verify", ignore_result=True)
def trail_verify(verification_id: str, **_: Any) -> None:
    """Do a verification that somebody asked for."""
    verifying.verification_run(verification_id=UUID(verification_id), at=clock.now())
