"""Reads of jobs."""

from apps.jobs.selectors._calendars import Calendar, calendar_of, public_holidays
from apps.jobs.selectors._jobs import (
    close_run_get_for,
    close_runs_visible_to,
    dead_letter_get_for,
    dead_letters_visible_to,
    job_get_for,
    jobs_visible_to,
)
from apps.jobs.selectors._queues import QueueState, jobs_stuck, queue_depth, queue_states
from apps.jobs.selectors._schedules import ScheduleState, due_at, due_dates, schedule_branches, schedule_states

__all__ = [
    "Calendar",
    "QueueState",
    "ScheduleState",
    "calendar_of",
    "close_run_get_for",
    "close_runs_visible_to",
    "dead_letter_get_for",
    "dead_letters_visible_to",
    "due_at",
    "due_dates",
    "job_get_for",
    "jobs_stuck",
    "jobs_visible_to",
    "public_holidays",
    "queue_depth",
    "queue_states",
    "schedule_branches",
    "schedule_states",
]
