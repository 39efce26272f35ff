"""Jobs, failed jobs, schedules, closes of business and calendars on the staff site."""

from apps.jobs.admin import calendars, closes, jobs, letters, schedules

__all__ = ["calendars", "closes", "jobs", "letters", "schedules"]
