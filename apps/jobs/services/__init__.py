"""Writes of jobs."""

from apps.jobs.services._closing import close_date_default, close_date_newest, close_preview, close_run
from apps.jobs.services._jobs import dead_letter_discard, dead_letter_retry, job_cancel, job_start
from apps.jobs.services._running import job_execute
from apps.jobs.services._schedules import schedule_tick
from apps.jobs.services._sweep import job_sweep
from apps.jobs.services._tidy import job_tidy
from apps.jobs.services._watch import service_watch

__all__ = [
    "close_date_default",
    "close_date_newest",
    "close_preview",
    "close_run",
    "dead_letter_discard",
    "dead_letter_retry",
    "job_cancel",
    "job_execute",
    "job_start",
    "job_sweep",
    "job_tidy",
    "schedule_tick",
    "service_watch",
]
