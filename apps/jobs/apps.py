"""Background jobs: progress, retries, dead letters, schedules, the close of business runner."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background jobs: progress, retries, dead letters, schedules, the close of business runner."""

    name = "apps.jobs"
    label = "jobs"
    verbose_name = "Jobs"
