"""Reporting: financial statements that prove themselves. Reads everything, owns no money."""

from django.apps import AppConfig


class ReportingConfig(AppConfig):
    """Reports over the books, and the runs that were kept."""

    name = "apps.reporting"
    label = "reporting"
    verbose_name = "Reports"

    def ready(self) -> None:
        """Register jobs and notices."""
        from apps.reporting import jobs

        jobs.register()
