"""Reporting: financial statements that prove themselves. Reads everything, owns no money."""

from django.apps import AppConfig


class ReportingConfig(AppConfig):
    """Reports over the books; no tables of its own."""

    name = "apps.reporting"
    label = "reporting"
    verbose_name = "Reports"
