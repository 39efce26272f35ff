"""The job of this app: removal of what is older than the bank keeps."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from apps.jobs.registry import (
    JobKind,
    JobResult,
    JobRun,
    Schedule,
    kind_register,
    payload_day,
    schedule_register,
)
from apps.notifications.services import notices_purge

PURGE = "notifications.purge"


def register() -> None:
    """Make the job and its schedule known: each night, on a queue that may wait."""
    title = "Removal of old notifications"
    kind_register(JobKind(PURGE, title, run=_purge, queue="bulk", check=payload_day))
    schedule_register(Schedule(PURGE, title, kind=PURGE, at=dt.time(3, 20), every_day=True, catch_up=False))


def _purge(run: JobRun) -> JobResult:
    kept = dt.timedelta(days=settings.NUMINA["NOTIFICATIONS_KEPT_DAYS"])
    return JobResult(notices_purge(before=run.at - kept, at=run.at))
