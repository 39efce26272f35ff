"""Background jobs: progress, retries, dead letters, schedules, the close of business runner."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background jobs: progress, retries, dead letters, schedules, the close of business runner."""

    name = "apps.jobs"
    label = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Make known our kinds, schedules and notices, and our tasks, which are sent by name; watch those of beat."""
        from apps.jobs import (
            kinds,
            metrics,
            notices,  # noqa: F401
            pulse,
            tasks,  # noqa: F401
        )

        kinds.register()
        pulse.watch()
        metrics.register()
